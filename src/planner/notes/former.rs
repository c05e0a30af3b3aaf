//! The closed ticket that a matter has left for a new one says where it goes on: one private note, by its reference once.

use crate::domain::{ids::TicketId, operation::OperationKind, pair::Base, reason::Reason, ticket::NoteDraft};

use crate::planner::{plan::Plan, situation::Situation};

pub(super) fn plan(s: &Situation<'_>, out: &mut Plan) {
    let Some(ticket) = s.pair.ticket else { return };
    for former in s.pair.base.left.iter().filter(|former| **former != ticket) {
        let place = match s.ticket_url {
            Some(base) => format!(" {base}{ticket}"),
            None => String::new(),
        };
        let words = format!(
            "The incident was opened again in Microsoft Sentinel. It goes on in ticket {ticket}.{place}\nThis ticket \
             stays closed and is kept in step with nothing."
        );
        let reference = super::own_reference(s, &format!("left/{former}"));
        let note = NoteDraft { former: Some(*former), ..super::own_note(s, &words, reference) };
        out.push(OperationKind::AddNote { comment: None, edit: 0, said: None, note }, Reason::IncidentReopened);
    }
}

/// What is kept of a pair once its former ticket was told, or is nowhere any more.
pub fn told(base: Base, former: TicketId) -> Base {
    let mut base = base;
    base.left.remove(&former);
    base
}
