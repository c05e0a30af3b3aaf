//! What people ask for at an incident that is not linked.

use super::Reason;
use crate::domain::ids::TicketId;

impl Reason {
    /// Code of [`Reason::Unlinked`].
    pub const UNLINKED: &str = "unlinked";
    /// Code of [`Reason::LinkAsked`].
    pub const LINK_ASKED: &str = "link-asked";
    /// Code of [`Reason::TicketAsked`].
    pub const TICKET_ASKED: &str = "ticket-asked";
    /// Code of [`Reason::EntitiesAwaited`].
    pub const ENTITIES_AWAITED: &str = "entities-awaited";

    /// A ticket that a person asked for and that can't be made yet: that it was asked for stands until it is made.
    pub fn ticket_blocked(after: Option<TicketId>, why: Self) -> Self {
        Self::TicketAsked { after, blocked: Some(Box::new(why)) }
    }
}

/// [`Reason::TicketAsked`] in one sentence, or with what stands in its way.
pub(super) fn words(blocked: Option<&Reason>) -> String {
    match blocked {
        None => "A person asked for its ticket; it is made next.".into(),
        Some(why) => format!("A person asked for its ticket, and it cannot be made yet. {}", why.words()),
    }
}
