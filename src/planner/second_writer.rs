//! Writes that bear an id or a reference of ours and that this ledger does not know: a second process writes.
//!
//! Only what cannot have come from here is told. Whatever an operation may have written, though its answer was lost, is
//! ours; so is what is linked, what is older than the pair (a ticket that somebody made for the incident shortly before it
//! apart), and what stands on a ticket that somebody merged, moved or
//! deleted. Two things are left to whoever looks at the database: whether an operation that is over (done, or taken back
//! after it was sent) wrote it, and up to when this database may have forgotten what it wrote.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use crate::domain::{
    ids::{ActionKey, CommentId, TicketId},
    incident::Comment,
    operation::{Operation, OperationState},
    second_writer::SecondWrite,
    ticket::{Action, Ticket},
    workspace::Mode,
};

use super::{
    drift,
    notes::{self, to_sentinel::TICKET_ITSELF},
    situation::Situation,
};

/// Up to which edit of a note the id of a comment is derived.
const EDITS_LOOKED_FOR: u32 = 8;

/// So much earlier than we another process may have read an incident, and made its ticket: the longest time between polls
/// that is usual, and some.
const READ_FIRST: SignedDuration = SignedDuration::from_mins(20);

/// A write that this ledger does not know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sign {
    /// What was written.
    pub wrote: SecondWrite,
    /// The comment that it is, or that it carries.
    pub comment: CommentId,
    /// When, by the clock of the side that it was written to.
    pub at: Timestamp,
    /// The key of the operation that would have written it from here ([`crate::domain::operation::OperationKind::key`]).
    pub key: String,
}

/// Whether an operation may have been carried out. One that was refused with a time to wait counts no attempt, and may have
/// been carried out all the same.
pub fn may_have_been_sent(operation: &Operation) -> bool {
    let planned = matches!(operation.state, OperationState::Planned { .. });
    !planned || operation.attempts > 0 || operation.last_failure.is_some()
}

/// Whether a note was written by our own agent. Anybody may quote a reference: where it is not known who wrote it, or who we
/// are, it is no sign.
pub fn by_us(own_agent_id: Option<i64>, action: &Action) -> bool {
    own_agent_id.is_some() && action.agent_id == own_agent_id
}

/// The signs of a second writer on both sides of a pair as they are known now, whether they were read just now or before.
pub fn signs(s: &Situation<'_>) -> Vec<Sign> {
    let reads_only = matches!(s.workspace.mode, Mode::Off | Mode::Observe);
    if reads_only || s.incident.redirected() || drift::gone(s).is_some() {
        return Vec::new();
    }
    let elsewhere = |ticket: &Ticket| ticket.merged_into.is_some() || ticket.client_id != Some(s.pair.halo_client_id);
    if s.ticket.is_some_and(elsewhere) {
        return Vec::new();
    }
    let linked: BTreeSet<&CommentId> = s.links.iter().map(|link| &link.comment).collect();
    let mut found: Vec<Sign> = Vec::new();
    for comment in s.comments.into_iter().flatten().filter(|comment| !linked.contains(&comment.id)) {
        found.extend(told(s, comment));
        found.extend(noted(s, comment));
    }
    found
}

/// A comment that is one of ours, and that nobody here wrote.
fn told(s: &Situation<'_>, comment: &Comment) -> Option<Sign> {
    let sign = |ticket| comment_about(comment, ticket).filter(|sign| !ours(s, &sign.key));
    if !derived(comment) {
        return None;
    }
    if let Some(ticket) = about_own(s, comment) {
        return sign(ticket).filter(|sign| sign.at > s.pair.created);
    }
    sign(about_another(s, comment)?).filter(|sign| sign.at > s.pair.created - READ_FIRST)
}

/// Comments of ours on an incident that is new here, and that name a ticket: another process has just made it.
pub fn named_already(halo_tenant: &str, comments: &[Comment], now: Timestamp) -> Vec<Sign> {
    let named = comments.iter().filter(|comment| derived(comment)).filter_map(|comment| {
        let key = named(&comment.message).filter(|key| is_of(halo_tenant, comment, *key, 0))?;
        comment_about(comment, key.ticket)
    });
    named.filter(|sign| sign.at > now - READ_FIRST).collect()
}

/// The tickets that comments of ours on an incident name, each at the beginning of a comment with the id that we derive for it:
/// the one that was named last is the last. Notes are told late, so they count only where no comment names a ticket itself.
pub fn named_tickets(halo_tenant: &str, comments: &[Comment]) -> Vec<TicketId> {
    let ours = comments.iter().filter(|comment| derived(comment)).filter_map(|comment| {
        let key = named(&comment.message).filter(|key| is_of(halo_tenant, comment, *key, 0))?;
        Some((comment.created, key))
    });
    let (mut links, mut notes): (Vec<_>, Vec<_>) = ours.partition(|(_, key)| key.action == TICKET_ITSELF);
    let told = if links.is_empty() { &mut notes } else { &mut links };
    told.sort_by_key(|(at, _)| *at);
    told.iter().map(|(_, key)| key.ticket).collect()
}

/// Ids that we derive are of version 5; portals give random ones.
fn derived(comment: &Comment) -> bool {
    Uuid::parse_str(comment.id.as_str()).is_ok_and(|id| id.get_version_num() == 5)
}

fn comment_about(comment: &Comment, ticket: TicketId) -> Option<Sign> {
    let (at, key) = (comment.created?, format!("comment/{}", comment.id));
    Some(Sign { wrote: SecondWrite::Comment { ticket }, comment: comment.id.clone(), at, key })
}

/// Whether an operation of the pair that is not over may have made a write.
fn ours(s: &Situation<'_>, key: &str) -> bool {
    s.operations.iter().filter(|operation| operation.kind.key() == key).any(may_have_been_sent)
}

/// The pair's ticket, where a comment has the id that we derive for one of its notes, or for itself.
fn about_own(s: &Situation<'_>, comment: &Comment) -> Option<TicketId> {
    let ticket = s.pair.ticket?;
    let notes = s.actions.into_iter().flatten().filter(|action| !action.system && action.key.ticket == ticket);
    let itself = ActionKey { ticket, action: TICKET_ITSELF };
    let mut keys = notes.map(|action| action.key).chain(std::iter::once(itself));
    let has_its_id = |key: ActionKey| (0..EDITS_LOOKED_FOR).any(|edit| is_of(s.halo_tenant, comment, key, edit));
    keys.any(has_its_id).then_some(ticket)
}

fn is_of(halo_tenant: &str, comment: &Comment, key: ActionKey, edit: u32) -> bool {
    CommentId::derived(halo_tenant, key, edit, 0) == comment.id
}

/// Another ticket, that a comment of ours names at its beginning: by its id it is of that ticket, and this pair never had
/// anything to do with that one.
fn about_another(s: &Situation<'_>, comment: &Comment) -> Option<TicketId> {
    let key = named(&comment.message)?;
    let base = &s.pair.base;
    let known = s.pair.ticket == Some(key.ticket)
        || base.left.contains(&key.ticket)
        || base.replaced.contains(&key.ticket)
        || s.links.iter().any(|link| link.action.ticket == key.ticket)
        || s.merged.iter().any(|from| from.ticket == Some(key.ticket));
    (!known && is_of(s.halo_tenant, comment, key, 0)).then_some(key.ticket)
}

/// The note, or the ticket itself, that a comment of ours is about by its first words.
pub(super) fn named(message: &str) -> Option<ActionKey> {
    let number = |text: &str| text.chars().take_while(char::is_ascii_digit).collect::<String>().parse::<i64>().ok();
    if let Some(rest) = message.strip_prefix("Halo ticket ") {
        return Some(ActionKey { ticket: TicketId(number(rest)?), action: TICKET_ITSELF });
    }
    let (note, rest) = message.strip_prefix("Note ")?.split_once(" on Halo ticket ")?;
    Some(ActionKey { ticket: TicketId(number(rest)?), action: note.parse().ok()? })
}

/// A note of our own agent that carries a comment, and that nobody here wrote.
fn noted(s: &Situation<'_>, comment: &Comment) -> Option<Sign> {
    let ticket = s.pair.ticket?;
    let key = format!("note/{}", comment.id);
    if ours(s, &key) {
        return None;
    }
    let reference = notes::note_reference(s, &comment.id, 0);
    let written = s.actions.into_iter().flatten().filter(|action| {
        action.key.ticket == ticket && by_us(s.catalogue.own_agent_id, action) && notes::bears(action, &reference)
    });
    let (action, at) = written.filter_map(|action| Some((action.key, action.at?))).min_by_key(|(_, at)| *at)?;
    let sign = Sign { wrote: SecondWrite::Note { action }, comment: comment.id.clone(), at, key };
    (at > s.pair.created).then_some(sign)
}
