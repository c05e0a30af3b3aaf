//! What holds an incident that is not linked, and what people ask for at it.

use super::Reason;
use crate::domain::{ids::TicketId, policy::Filter};

impl Reason {
    /// Code of [`Reason::Unlinked`].
    pub const UNLINKED: &str = "unlinked";
    /// Code of [`Reason::LinkAsked`].
    pub const LINK_ASKED: &str = "link-asked";
    /// Code of [`Reason::TicketAsked`].
    pub const TICKET_ASKED: &str = "ticket-asked";
    /// Code of [`Reason::EntitiesAwaited`].
    pub const ENTITIES_AWAITED: &str = "entities-awaited";
    /// Code of [`Reason::Rehomed`].
    pub const REHOMED: &str = "rehomed";

    /// A ticket that a person asked for and that can't be made yet: that it was asked for stands until it is made.
    pub fn ticket_blocked(after: Option<TicketId>, why: Self) -> Self {
        Self::TicketAsked { after, blocked: Some(Box::new(why)) }
    }
}

/// One sentence for each of these, or with what stands in its way.
pub(super) fn words(reason: &Reason) -> String {
    match reason {
        Reason::Filtered { filter, saw, would } => {
            format!("Not linked: the policy's “{}” saw {saw}, and {would}.", Filter::shown(filter))
        }
        Reason::StormHeld { cap } => {
            format!("Held by the storm brake: this workspace has had {cap} new tickets within an hour.")
        }
        Reason::Unlinked { ticket: Some(ticket), refused: None } => {
            format!("Unlinked from ticket {ticket} by a person; both stay as they are.")
        }
        Reason::Unlinked { refused: Some(why), .. } => format!("Unlinked by a person. {why}"),
        Reason::Unlinked { ticket: None, refused: None } => "Unlinked by a person.".into(),
        Reason::LinkAsked { ticket, .. } => format!("It is being linked to ticket {ticket}."),
        Reason::LinkRefused { ticket, why } => format!("Not linked to ticket {ticket}: {why}"),
        Reason::TicketAsked { blocked: None, .. } => "A person asked for its ticket; it is made next.".into(),
        Reason::TicketAsked { blocked: Some(why), .. } => {
            format!("A person asked for its ticket, and it cannot be made yet. {}", why.words())
        }
        Reason::Rehomed { blocked: None, .. } => {
            "Its client has another place in Halo by now; its ticket is made there next.".into()
        }
        Reason::Rehomed { blocked: Some(why), .. } => {
            format!(
                "Its client has another place in Halo by now, and its ticket cannot be made there yet. {}",
                why.words()
            )
        }
        _ => String::new(),
    }
}
