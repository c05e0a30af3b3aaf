//! What is told of a change after closing: once for each closing.

use jiff::Timestamp;

use crate::{
    domain::{
        ids::fingerprint,
        operation::{Operation, OperationKind},
        text,
        ticket::{Action, NoteDraft},
    },
    planner::{closing, conflict::SLACK, draft, notes},
};

use super::Gather;

/// How a comment of it begins.
const IN_HALO: &str = "Changed in Halo after closing";

/// When the matter was closed, as far as the ticket or our own closing of it tells.
fn closed(g: &Gather<'_, '_>) -> Option<Timestamp> {
    closing::closed_at(g.ticket).or(g.base.own_closing.as_ref().and_then(|own| own.at))
}

/// Whether something was written after the matter was closed, as far as that is known.
fn since(closed: Option<Timestamp>, at: Option<Timestamp>) -> bool {
    at.zip(closed).is_none_or(|(at, closed)| at + SLACK >= closed)
}

/// The note of what changed in Sentinel; `None`: the ticket was told of it.
pub(super) fn note(g: &Gather<'_, '_>, said: &str) -> Option<NoteDraft> {
    let (s, closed) = (g.s, closed(g));
    let words = format!("Changed in Microsoft Sentinel after closing: {said}.");
    let when = closed.map(|at| format!("{}/", at.as_second())).unwrap_or_default();
    let reference = notes::own_reference(s, &format!("after-closing/{when}{}", fingerprint(&words)));
    let note = notes::own_note(s, &words, reference);
    // An earlier version, or a reading that tells another time of the closing, told of it by another reference.
    let letters = notes::words::letters;
    let (told, length) = (letters(&words), letters(&note.reference).len());
    let tells = |action: &Action| {
        let body = letters(&notes::words::body(action));
        let rest = body.strip_prefix(&told).filter(|rest| rest.starts_with("HB") && rest.len() == length);
        rest.is_some() && since(closed, action.at)
    };
    let there = |action: &Action| notes::carries(action, &note.reference) || tells(action);
    let bare = |note: &NoteDraft| note.text.trim_end_matches(note.reference.as_str()).to_owned();
    let queued = |o: &Operation| match &o.kind {
        OperationKind::AddNote { comment: None, note: other, .. } => {
            o.state.open() && other.reference != note.reference && bare(other) == bare(&note)
        }
        _ => false,
    };
    let known = s.actions.unwrap_or_default().iter().any(there) || s.operations.iter().any(queued);
    (!known).then_some(note)
}

/// The words of a comment of what changed in Halo; `None`: the incident was told of it.
pub(super) fn comment(g: &Gather<'_, '_>, said: &str) -> Option<String> {
    let closed = closed(g);
    let when = closed.map(|at| format!(" ({})", draft::moment(Some(at)))).unwrap_or_default();
    let letters = notes::words::letters;
    let (begins, what) = (letters(IN_HALO), letters(said));
    // A moment in letters and digits alone.
    let moment = letters(&draft::moment(Some(Timestamp::UNIX_EPOCH))).len();
    let told = g.s.comments.unwrap_or_default().iter().any(|comment| {
        let message = letters(&text::message_to_text(&comment.message));
        let rest = message.strip_prefix(&begins);
        let says = rest.is_some_and(|rest| rest == what || rest.get(moment..) == Some(what.as_str()));
        says && since(closed, comment.created) && notes::to_halo::is_own(g.s, g.ticket.id, comment)
    });
    (!told).then(|| format!("{IN_HALO}{when}: {said}."))
}
