//! What stands on the other side by now, though it was given up or our memory of writing it was lost.

use crate::domain::{
    operation::{Operation, OperationKind, OperationState},
    pair::NoteLink,
    ticket::Action,
};

use super::{by_hand, notes, plan::Plan, push, sent, situation::Situation};

/// Ends the dead letters of what was made after all: an incident that is there needs no making any more, whoever made it, nor a
/// change that shows, nor a note or a comment that stands there. Gives whether there is one of these last, for what is to be
/// said after it.
pub(super) fn end(s: &Situation<'_>, out: &mut Plan) -> bool {
    let dead = || s.operations.iter().filter(|o| matches!(o.state, OperationState::Dead { .. }));
    if !push::unmade(s) {
        let made = dead().filter(|o| o.kind.makes_incident());
        out.void.extend(made.map(|o| (o.id, "The incident is there by now.".to_owned())));
    }
    out.void.extend(sent::arrived_late(s));
    out.void.extend(by_hand::made(s, out.base.as_ref().unwrap_or(&s.pair.base)));
    let mut found = false;
    for letter in dead() {
        let stands = match &letter.kind {
            // Of our own, known by its reference; what a former ticket is told is not among these actions.
            OperationKind::AddNote { comment: None, note, .. } => {
                let bears = |action: &Action| notes::bears(action, &note.reference);
                note.former.is_none() && s.actions.unwrap_or_default().iter().any(bears)
            }
            OperationKind::AddNote { .. } | OperationKind::AddComment { .. } => there_already(s, out, letter),
            _ => false,
        };
        if stands {
            out.void.push((letter.id, "It stands on the other side by now.".to_owned()));
            found = true;
        }
    }
    found
}

/// Whether what is queued stands on the other side by now: our memory of writing it was lost (an answer, a restored
/// backup). Then it is linked, if it was not.
pub(super) fn there_already(s: &Situation<'_>, out: &mut Plan, queued: &Operation) -> bool {
    match &queued.kind {
        OperationKind::AddNote { comment: Some(comment), edit, said, .. } => {
            // What was carried to a ticket that is gone is copied to the one in its place.
            let same = |link: &NoteLink| link.comment == *comment && link.edit >= *edit;
            let stands = |link: &NoteLink| same(link) && !s.pair.base.replaced.contains(&link.action.ticket);
            s.links.iter().chain(&out.links).any(stands)
                || notes::to_halo::told_already(s, out, comment, (*edit, said.as_deref()))
        }
        OperationKind::AddComment { carries, .. } if notes::to_sentinel::told_already(s, out, carries) => true,
        OperationKind::AddComment { comment, carries, message } => {
            if let Some(link) = notes::to_sentinel::in_a_digest(s, carries) {
                out.links.push(link);
                return true;
            }
            let Some(found) = s.comments.into_iter().flatten().find(|known| known.id == *comment) else { return false };
            let Some(links) = notes::to_sentinel::found_again(s, found, carries, message) else { return false };
            out.links.extend(links);
            true
        }
        OperationKind::CreateIncident { .. } => !push::unmade(s),
        _ => false,
    }
}
