//! An incident's hundred comments. Up to the policy's `digest_from` every note gets a comment of its own; from there
//! on all that wait are gathered into one, and the fewer places are left, the longer they are gathered. The last places
//! are kept for what is said at closing.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use crate::domain::{
    decision::Decision,
    failure::Side,
    ids::{ActionKey, CommentId, TicketId, fingerprint},
    operation::{Carried, OperationKind},
    reason::Reason,
    text,
};

use super::to_sentinel::is_closing;
use crate::planner::{draft::moment, observed, plan::Plan, situation::Situation};

/// Longest comment Sentinel takes, in characters (sentinel-api sheet 1.3).
pub const COMMENT_MAX: usize = 30_000;
/// Comments an incident holds (same).
pub const COMMENTS_MAX: usize = 100;
/// Places kept free for closing.
pub const COMMENTS_KEPT: usize = 5;

/// How long after our last comment the last free place is taken: notes that come one by one would use up in an hour what
/// has to last until the incident is closed. One place more halves it.
const LAST_PLACE_AFTER: SignedDuration = SignedDuration::from_hours(32 * 24);
/// A wait that is shorter than this is none.
const NO_WAIT: SignedDuration = SignedDuration::from_mins(2);

/// Whether so many comments leave so little room that it counts when our last one was written.
pub fn counts_time(comments: i64) -> bool {
    usize::try_from(comments).is_ok_and(|comments| comments + 20 >= COMMENTS_MAX - COMMENTS_KEPT)
}

/// Something that is to be said in a comment.
#[derive(Debug, Clone, PartialEq)]
pub struct Due {
    /// What it carries; its part is set when it is split.
    pub carried: Carried,
    /// The words, with their head line.
    pub text: String,
    /// Why.
    pub reason: Reason,
    /// The parts of it that are wanted, where the others are told.
    pub parts: Option<BTreeSet<u32>>,
}

impl Due {
    /// All that it is split into and that is wanted of it.
    fn pieces(&self) -> impl Iterator<Item = (Carried, String)> {
        let pieces = (0_u32..).zip(self.split());
        pieces
            .filter(move |(part, _)| self.wants(*part))
            .map(move |(part, piece)| (Carried { part, ..self.carried.clone() }, piece))
    }

    /// Whether a part of it is wanted.
    pub(super) fn wants(&self, part: u32) -> bool {
        self.parts.as_ref().is_none_or(|parts| parts.contains(&part))
    }

    /// The comment that told it and is gone, where it is told once more.
    fn lost(&self) -> Option<&CommentId> {
        match &self.reason {
            Reason::CopyLost { comment, .. } => Some(comment),
            _ => None,
        }
    }

    /// All that it is split into, whatever is wanted of it.
    pub(super) fn split(&self) -> Vec<String> {
        text::split(&self.text, COMMENT_MAX)
    }
}

/// A comment to be written.
struct Written {
    carries: Vec<Carried>,
    message: String,
    reason: Reason,
}

impl Written {
    /// Its id, built from what it carries first: a repeat writes the same comment again.
    fn id(&self, s: &Situation<'_>) -> Option<CommentId> {
        let first = self.carries.first()?;
        Some(CommentId::derived(s.halo_tenant, first.action, first.edit, first.part))
    }
}

/// How many comments the incident has, with those of ours that were written since it was listed last.
pub fn there(s: &Situation<'_>) -> usize {
    let known = observed::there(s.comments, s.links, &s.pair.base.deleted);
    usize::try_from(s.incident.comments_count).unwrap_or(0).max(known)
}

/// Plans comments for what is due, as far as there is room; what finds none is an open item.
pub(super) fn spend(s: &Situation<'_>, mut due: Vec<Due>, out: &mut Plan) {
    if due.is_empty() {
        return;
    }
    let waiting =
        s.operations.iter().filter(|o| o.state.open() && matches!(o.kind, OperationKind::AddComment { .. })).count();
    let mut used = there(s) + waiting;
    let most = if is_closing(s) { COMMENTS_MAX } else { COMMENTS_MAX - COMMENTS_KEPT };
    let threshold = usize::try_from(s.policy.digest_from).unwrap_or(COMMENTS_MAX).min(most);
    used += digests_again(s, &mut due, most.saturating_sub(used), out);
    let mut due = std::collections::VecDeque::from(due);
    while let Some(next) = due.front() {
        let parts = single(next);
        if used + parts.len() > threshold {
            break;
        }
        used += parts.len();
        due.pop_front();
        push(s, parts, out);
    }
    if due.is_empty() {
        return;
    }
    let free = most.saturating_sub(used);
    if let Some(until) = gather_until(s, free) {
        return out.remark(Reason::NotesGathered { until: moment(Some(until)) });
    }
    let rest: Vec<Due> = due.into();
    let parts = match rest.as_slice() {
        [only] => single(only),
        several => digest(several),
    };
    if parts.len() > free && rest.iter().all(|due| due.reason == Reason::TicketMade) {
        // Nobody's words wait: only the ticket's name has no room.
        return out.remark(Reason::CommentsFull);
    }
    let whole = whole(&parts, free);
    if parts.len() > free {
        // What is left out stays in Halo, where it is whole, and crosses in the places kept for closing.
        let left_out = parts.iter().skip(whole).flat_map(|part| &part.carries);
        let name = |of: &Carried| {
            named(&format!("note {}/{}, edit {}: {}", of.action.ticket, of.action.action, of.edit, of.said))
        };
        let untold: BTreeSet<String> = left_out.map(name).collect();
        no_room(s, untold, out);
    }
    push(s, parts.into_iter().take(whole).collect(), out);
}

/// Writes digests once more that people deleted, as they were, where all that they carried is due; how many places that takes.
fn digests_again(s: &Situation<'_>, due: &mut Vec<Due>, free: usize, out: &mut Plan) -> usize {
    let mut used = 0;
    let gone: BTreeSet<CommentId> = due.iter().filter_map(Due::lost).cloned().collect();
    for comment in gone {
        let carried: Vec<Due> = due.iter().filter(|due| due.lost() == Some(&comment)).cloned().collect();
        let parts = if carried.len() > 1 { digest(&carried) } else { Vec::new() };
        let same = parts.first().and_then(|first| first.id(s)) == Some(comment.clone());
        if same && used + parts.len() <= free {
            used += parts.len();
            push(s, parts, out);
            due.retain(|due| due.lost() != Some(&comment));
        }
    }
    used
}

/// What words without room are called in a person's decision about them.
pub fn named(words: &str) -> String {
    fingerprint(words)
}

/// What finds no room is an open item, unless a person has left just that untold. Where there is room by then it crosses
/// all the same. Gives whether somebody is asked.
pub fn no_room(s: &Situation<'_>, untold: impl IntoIterator<Item = String>, out: &mut Plan) -> bool {
    let left = |name: &String| {
        let of_it = |decision: &Decision| matches!(decision, Decision::LeaveUntold { words } if words.contains(name));
        s.pair.decisions.iter().any(of_it)
    };
    let untold: Vec<String> = untold.into_iter().collect();
    let asked = !untold.iter().all(left);
    out.untold.extend(untold);
    if asked {
        out.item(Reason::CommentsFull);
    } else {
        out.remark(Reason::CommentsFull);
        out.dropped(Reason::CommentsFull);
    }
    asked
}

/// Until when notes are gathered before the next of so many free places is taken; `None`: it is taken now.
fn gather_until(s: &Situation<'_>, free: usize) -> Option<Timestamp> {
    if free == 0 || is_closing(s) {
        return None;
    }
    let halvings = u32::try_from(free - 1).unwrap_or(u32::MAX);
    let wait = LAST_PLACE_AFTER.checked_div(1_i32.checked_shl(halvings).filter(|_| halvings < 31)?)?;
    if wait < NO_WAIT {
        return None;
    }
    let ours: BTreeSet<&CommentId> =
        s.links.iter().filter(|link| link.written_in == Side::Halo).map(|link| &link.comment).collect();
    let written = s.comments.into_iter().flatten().filter(|comment| ours.contains(&comment.id));
    let until = written.filter_map(|comment| comment.created).max()?.checked_add(wait).ok()?;
    (until > s.now).then_some(until)
}

/// How many of the parts may be written so that no note is left half said.
fn whole(parts: &[Written], free: usize) -> usize {
    let mut count = free.min(parts.len());
    while count > 0 && count < parts.len() {
        let last = parts.get(count - 1).and_then(|part| part.carries.last());
        let next = parts.get(count).and_then(|part| part.carries.first());
        let goes_on = |a: &Carried, b: &Carried| a.action == b.action && a.edit == b.edit;
        if !last.zip(next).is_some_and(|(a, b)| goes_on(a, b)) {
            break;
        }
        count -= 1;
    }
    count
}

fn push(s: &Situation<'_>, parts: Vec<Written>, out: &mut Plan) {
    for part in parts {
        let Some(comment) = part.id(s) else { continue };
        let Written { carries, message, reason } = part;
        out.push(OperationKind::AddComment { comment, carries, message }, reason);
    }
}

/// A comment of its own, or several when it is too long for one.
fn single(due: &Due) -> Vec<Written> {
    due.pieces()
        .map(|(carried, message)| Written { carries: vec![carried], message, reason: due.reason.clone() })
        .collect()
}

/// What stands between two notes of a digest.
const SEAM: &str = "\n\n――――――\n\n";

/// As few comments as hold everything.
fn digest(due: &[Due]) -> Vec<Written> {
    // The head line grows with the notes it names: room for it is kept.
    let room = COMMENT_MAX - 2_000;
    let mut parts: Vec<(Vec<Carried>, String)> = Vec::new();
    for one in due {
        // In the parts that it has by itself, so that whichever of them is told says what the others are.
        for (carried, piece) in one.pieces() {
            match parts.last_mut() {
                Some((carries, text))
                    if carries.len() < 100
                        && text::length(text) + text::length(&piece) + text::length(SEAM) <= room =>
                {
                    text.push_str(SEAM);
                    text.push_str(&piece);
                    carries.push(carried);
                }
                _ => parts.push((vec![carried], piece)),
            }
        }
    }
    let reason = match due {
        [first, others @ ..] if first.lost().is_some() && others.iter().all(|due| due.reason == first.reason) => {
            first.reason.clone()
        }
        _ => Reason::NotesDigested,
    };
    let with_head = |(carries, body): (Vec<Carried>, String)| {
        let head = head(&carries);
        let message = if carries.len() > 1 { format!("{head}\n\n{body}") } else { body };
        Written { carries, message, reason: reason.clone() }
    };
    parts.into_iter().map(with_head).collect()
}

fn head(carries: &[Carried]) -> String {
    let ticket = carries.first().map_or(0, |carried| carried.action.ticket.0);
    let numbers: Vec<String> = carries.iter().map(|carried| carried.action.action.to_string()).collect();
    format!(
        "Digest of notes {} on Halo ticket {ticket}. The incident's room for comments is nearly used up.",
        numbers.join(", ")
    )
}

/// The notes that a digest names in its first line.
pub fn digested(message: &str, ticket: TicketId) -> Vec<ActionKey> {
    let line = message.lines().next().unwrap_or_default();
    let Some(rest) = line.strip_prefix("Digest of notes ") else { return Vec::new() };
    let Some((numbers, _)) = rest.split_once(&format!(" on Halo ticket {ticket}.")) else { return Vec::new() };
    numbers.split(", ").filter_map(|number| number.parse().ok()).map(|action| ActionKey { ticket, action }).collect()
}

/// What a comment says of one note: of a digest the part that is about it, else all of it.
pub(super) fn section(message: &str, key: ActionKey) -> &str {
    if digested(message, key.ticket).is_empty() {
        return message;
    }
    let below = message.split_once("\n\n").map_or(message, |(_, below)| below);
    let begins = format!("Note {} on Halo ticket {} by ", key.action, key.ticket);
    below.split(SEAM).find(|part| part.starts_with(&begins)).unwrap_or(message)
}
