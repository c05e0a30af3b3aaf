//! Writing to Halo what may stand there already: a note, and whether a ticket was made in a forgotten time.

use std::sync::Arc;

use jiff::SignedDuration;

use crate::{
    domain::{
        failure::{FailureKind, Side},
        ids::TicketId,
        operation::{OperationKind, OperationResult},
        pair::NoteLink,
        reason::Reason,
        text,
        ticket::{Action, NoteDraft},
    },
    halo_itsm::Halo,
    ledger::fact::Fact,
    outbound::budget::Class,
    planner::notes::{self, words},
    store::SituationRow,
};

use super::{
    Engine,
    digest::Reading,
    execute::{Attempt, read_ticket},
};

/// Whether a ticket for this incident may have been made in a time that the database does not remember.
pub(super) fn may_be_forgotten(engine: &Engine, row: &SituationRow) -> bool {
    let forgotten = engine.schedule().forgotten_until;
    // Both sides' clocks may be wrong, and an incident without a time may be of any.
    let slack = SignedDuration::from_hours(1);
    forgotten.is_some_and(|until| row.subject.incident.created.is_none_or(|created| created < until + slack))
}

/// Writes a note, unless it stands there already.
pub(super) async fn add_note(
    row: &SituationRow,
    halo: &Arc<Halo>,
    ticket: TicketId,
    kind: &OperationKind,
    note: &NoteDraft,
    class: Class,
) -> Attempt {
    // A note says what happens at one client: the ticket must still be that client's, at this moment.
    let current = match halo.ticket(ticket, class).await {
        Ok(current) if current.deleted || current.merged_into.is_some() => {
            let what = format!("Ticket {ticket} was deleted or merged in Halo.");
            return Attempt::Refused(Reason::RecordGone { what }, read_ticket(current));
        }
        Ok(current) if current.client_id != Some(row.pair.halo_client_id) => {
            return Attempt::Refused(Reason::WrongClient, read_ticket(current));
        }
        Ok(current) => current,
        Err(failure) if failure.kind == FailureKind::Gone => {
            let what = format!("Ticket {ticket} does not exist in Halo any more.");
            return Attempt::Refused(Reason::RecordGone { what }, Box::default());
        }
        Err(failure) => return Attempt::Failed(failure),
    };
    // Somebody has written in the ticket since we last read its notes. After a restore that may have been
    // ourselves: the note may stand there already. So it may among those that were read since, when it waited.
    let known = row.ticket.as_ref().filter(|known| known.last_action == current.last_action);
    let read = match (&row.actions, known) {
        (Some(_), Some(_)) => None,
        _ => match halo.actions(ticket, class).await {
            Ok(actions) => Some(actions),
            Err(failure) => return Attempt::Failed(failure),
        },
    };
    let actions = read.as_ref().or(row.actions.as_ref()).into_iter().flatten();
    if let Some(action) = actions.into_iter().find(|action| notes::carries(action, &note.reference)) {
        return found(row, kind, action.clone(), note);
    }
    match halo.add_note(ticket, note, class).await {
        Ok(action) => note_made(row, kind, action, false),
        Err(failure) if failure.kind == FailureKind::Gone => {
            let what = format!("Ticket {ticket} does not exist in Halo any more.");
            Attempt::Refused(Reason::RecordGone { what }, Box::default())
        }
        Err(failure) => Attempt::Failed(failure),
    }
}

/// The note stands there already. What it says may be older than what we were about to write: then that is told next.
fn found(row: &SituationRow, kind: &OperationKind, action: Action, note: &NoteDraft) -> Attempt {
    let same = words::letters(&text::html_to_text(&note.html)) == words::letters(&words::body(&action));
    match kind {
        OperationKind::AddNote { comment, edit, note, .. } if !same => {
            let older = OperationKind::AddNote {
                comment: comment.clone(),
                edit: *edit,
                said: Some(String::new()),
                note: note.clone(),
            };
            note_made(row, &older, action, true)
        }
        kind => note_made(row, kind, action, true),
    }
}

/// The note is there: link it with its comment, and know it as read.
pub(super) fn note_made(row: &SituationRow, kind: &OperationKind, action: Action, settled: bool) -> Attempt {
    let key = action.key;
    let mut facts = Vec::new();
    if let OperationKind::AddNote { comment: Some(comment), edit, said, .. } = kind {
        let link = NoteLink {
            pair: row.pair.id,
            comment: comment.clone(),
            action: key,
            edit: *edit,
            part: 0,
            said: said.clone(),
            written_in: Side::Sentinel,
        };
        let same = |known: &NoteLink| known.comment == link.comment && known.edit == link.edit;
        if !row.links.iter().any(same) {
            facts.push(Fact::NoteLinked { link });
        }
    }
    let reading = Reading { own_action: Some(action), ..Reading::default() };
    Attempt::Done(OperationResult::Action { action: key, settled }, facts, Box::new(reading))
}
