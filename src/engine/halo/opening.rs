//! How an instance's tickets begin: with an action of Halo's own, number 1, that says what the ticket says (halo-api
//! sheet 4.5). Where that is known, the number of our own first note tells whether anything came before it.

use jiff::{SignedDuration, Timestamp};

use crate::{
    domain::{
        ids::ConnectionId,
        ticket::{Action, Ticket},
    },
    engine::schedule::Schedule,
    outbound::read::time_at,
};

/// What may lie between a ticket's creation and the action that opens it: what comes later may be a rule's.
const OPENS_WITHIN: SignedDuration = SignedDuration::from_millis(250);

/// How long after a ticket's creation that was.
fn since_created(ticket: &Ticket, at: Option<Timestamp>) -> Option<SignedDuration> {
    let created = time_at(&ticket.raw, "datecreated")?;
    Some(at?.duration_since(created))
}

impl Schedule {
    /// All actions of a ticket of this instance were read, oldest first.
    pub fn learn_opening(&mut self, id: ConnectionId, ticket: &Ticket, actions: &[Action]) {
        let Some(first) = actions.first() else { return };
        let begins = first.system && first.key.action == 1;
        if let Some(standing) = self.instances.get_mut(&id) {
            standing.opening = Some(begins && standing.opening != Some(false));
            let last = if actions.len() == 1 { first.at.max(ticket.last_action) } else { first.at };
            let after = since_created(ticket, last).filter(|after| begins && *after <= OPENS_WITHIN);
            standing.opens_after = standing.opens_after.max(after);
        }
    }

    /// Whether the answer that made a ticket tells of an action after the instance's own opening: a rule of Halo wrote in
    /// it before the answer came, so no time will move for that. Whole seconds cannot tell.
    pub fn written_at_birth(&self, id: ConnectionId, ticket: &Ticket) -> bool {
        let fine = ticket.last_action.filter(|at| at.subsec_nanosecond() != 0);
        let own = self.instances.get(&id).and_then(|standing| standing.opens_after).unwrap_or(SignedDuration::ZERO);
        since_created(ticket, fine).is_some_and(|after| after > own)
    }

    /// Whether all tickets of this instance that this process has read began so.
    pub fn has_opening(&self, id: ConnectionId) -> bool {
        self.instances.get(&id).is_some_and(|standing| standing.opening == Some(true))
    }
}
