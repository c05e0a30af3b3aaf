//! Words of our own that a closing or a reopening calls for, each said once.

use crate::{
    domain::{ids::TicketId, operation::OperationKind, reason::Reason, time},
    planner::{conflict, mapping, notes},
};

use super::Gather;

/// Closing words that the ticket did not take as its closing note follow as a note, once.
pub(super) fn unsaid(g: &mut Gather<'_, '_>) {
    let Some(unsaid) = g.base.unsaid.clone() else { return };
    let at = unsaid.at.map(time::iso).unwrap_or_default();
    if !own_note(g, &unsaid.words, &format!("closing-words/{at}"), Reason::IncidentClosed) {
        g.base.unsaid = None;
    }
}

/// The same of the words of a ticket's closing, for an incident that was not told of it: as a comment, while both are closed.
pub(super) fn unsaid_back(g: &mut Gather<'_, '_>) {
    let s = g.s;
    let Some(words) = g.base.unsaid_back.clone() else { return };
    if !s.incident.closed() || !mapping::ticket_closed(s.policy, s.catalogue, g.ticket) {
        g.base.unsaid_back = None;
        return;
    }
    let planned = g.out.operations.len();
    let carried = conflict::carries_back(s.workspace.mode);
    if carried && own_comment(g, words, Reason::TicketClosed) && g.out.operations.len() == planned {
        // It stands there, waits in the queue or was left untold.
        g.base.unsaid_back = None;
    }
}

/// Says something once on the ticket. `false` when it stands there already.
pub(super) fn own_note(g: &mut Gather<'_, '_>, words: &str, about: &str, reason: Reason) -> bool {
    let s = g.s;
    let reference = notes::own_reference(s, about);
    let there = s.actions.unwrap_or_default().iter().any(|action| notes::carries(action, &reference));
    if !there {
        let note = notes::own_note(s, words, reference);
        g.out.push(OperationKind::AddNote { comment: None, edit: 0, said: None, note }, reason);
    }
    !there
}

/// Says something once on the incident, where the mode lets it; `false`: there is no room for it, which is an open item until
/// a person leaves it untold.
pub(super) fn own_comment(g: &mut Gather<'_, '_>, words: String, reason: Reason) -> bool {
    let ticket: TicketId = g.ticket.id;
    if !conflict::carries_back(g.s.workspace.mode) {
        return true;
    }
    let name = notes::budget::named(&words);
    match notes::to_sentinel::own_comment(g.s, g.out, ticket, words) {
        Ok(Some(kind)) => g.out.push(kind, reason),
        Ok(None) => {}
        Err(_) => return !notes::budget::no_room(g.s, [name], g.out),
    }
    true
}
