//! Comments become notes, notes become comments; each crosses once, in order, with its author and time.
//!
//! [`to_halo`] carries comments, [`to_sentinel`] notes, within the [`budget`] of an incident's hundred comments. What
//! is edited or deleted after it crossed is reported on the other side, once ([`words`] tells what changed).

pub mod budget;
pub mod former;
mod recognise;
pub mod to_halo;
pub mod to_sentinel;
pub mod words;

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::{
    catalogue::Ref,
    failure::Side,
    ids::{ActionKey, CommentId, IncidentId, REFERENCE_LENGTH, reference},
    incident::Comment,
    operation::{OperationKind, OperationState},
    pair::NoteLink,
    policy::{NoteFlag, NotesRule, Policy},
    text,
    ticket::{Action, NoteDraft},
    workspace::Mode,
};

use super::{mapping, plan::Plan, situation::Situation};

/// A comment may have been edited so often in a time that the database does not remember, and its copy in another ticket
/// begins with the edit of then.
const FORGOTTEN_EDITS: u32 = 3;

/// The visible reference of the note that carries a comment; `edit` 0 is the comment as it first crossed.
pub fn note_reference(s: &Situation<'_>, comment: &CommentId, edit: u32) -> String {
    comment_reference(&s.workspace.arm_id, &s.pair.incident, comment, edit)
}

fn comment_reference(arm_id: &str, incident: &IncidentId, comment: &CommentId, edit: u32) -> String {
    let edit = if edit == 0 { String::new() } else { format!("edit-{edit}") };
    let parts = ["comment", arm_id, incident.as_str(), comment.as_str(), edit.as_str()];
    let used = if edit.is_empty() { 4 } else { 5 };
    reference(parts.get(..used).unwrap_or(&parts))
}

/// Whether a ticket bears a note of a later edit of a comment than the one that is to be noted, so that a database which has
/// forgotten that would tell it in older words, or once more.
pub fn noted_later(
    (arm_id, incident): (&str, &IncidentId),
    (comment, edit): (&CommentId, u32),
    actions: &[Action],
) -> bool {
    (edit + 1..=edit + FORGOTTEN_EDITS).any(|edit| {
        let later = comment_reference(arm_id, incident, comment, edit);
        actions.iter().any(|action| bears(action, &later))
    })
}

/// The reference of a note of our own about something (`ask-classification`, …) of this incident.
pub fn own_reference(s: &Situation<'_>, about: &str) -> String {
    reference_of(s, &s.pair.incident, about)
}

/// The same of a note that is about another incident of the workspace.
pub fn reference_of(s: &Situation<'_>, incident: &IncidentId, about: &str) -> String {
    reference(&[about, &s.workspace.arm_id, incident.as_str()])
}

/// A private note of our own.
pub fn own_note(s: &Situation<'_>, words: &str, reference: String) -> NoteDraft {
    let words = text::neutralise_mentions(words);
    NoteDraft {
        outcome: mapping::outcome(s.policy, s.catalogue),
        html: format!("<p>{}</p><p>{reference}</p>", text::text_to_html(&words)),
        text: format!("{words}\n\n{reference}"),
        private: true,
        reference,
        former: None,
    }
}

/// Whether an action's text carries a reference.
pub fn carries(action: &Action, reference: &str) -> bool {
    action.note.contains(reference) || action.note_html.as_deref().is_some_and(|html| html.contains(reference))
}

/// Whether an action is the note with a reference: its text ends with that. Notes of edits name the first note's as well.
pub fn bears(action: &Action, reference: &str) -> bool {
    let last = |text: &str| references_in(text).last() == Some(reference);
    last(&action.note) || action.note_html.as_deref().is_some_and(last)
}

/// Whether an action's text carries any reference of ours.
pub(super) fn carries_any(action: &Action) -> bool {
    mentions_any(&action.note) || action.note_html.as_deref().is_some_and(mentions_any)
}

/// Whether a text carries any reference of ours.
pub fn mentions_any(text: &str) -> bool {
    reference_in(text).is_some()
}

/// The first reference of ours that a text carries.
pub fn reference_in(text: &str) -> Option<&str> {
    references_in(text).next()
}

fn references_in(text: &str) -> impl Iterator<Item = &str> {
    text.match_indices("HB-").filter_map(|(at, _)| {
        let found = text.get(at..at + REFERENCE_LENGTH)?;
        let digits = found.get(3..)?;
        digits.chars().all(|c| c.is_ascii_digit() || ('A'..='F').contains(&c)).then_some(found)
    })
}

/// Plans what has to cross, both ways.
pub fn plan(s: &Situation<'_>, out: &mut Plan) {
    adopt(s, out);
    former::plan(s, out);
    to_halo::plan(s, out);
    // On an incident that was merged away nobody reads what is new.
    if s.incident.redirected() {
        return;
    }
    if s.workspace.mode == Mode::TwoWay || s.workspace.mode == Mode::Observe {
        to_sentinel::plan(s, out);
    }
}

/// What was carried and whose link is not in the ledger (a lost answer, a restored backup) is recognised and linked,
/// never written again: our notes by their reference, our comments by their derived ids.
fn adopt(s: &Situation<'_>, out: &mut Plan) {
    let (Some(comments), Some(actions)) = (s.comments, s.actions) else { return };
    let linked: BTreeSet<&CommentId> = s.links.iter().map(|link| &link.comment).collect();
    let own = |a: &Action| {
        s.catalogue.own_agent_id.is_none() || a.agent_id.is_none() || a.agent_id == s.catalogue.own_agent_id
    };
    let remembers = s.pair.base.replaced.is_empty() && !s.pair.base.linked && s.forgotten.is_none();
    // What stood on a ticket that is gone may have been copied to this one since.
    let left = |link: &NoteLink| {
        Some(link.action.ticket) != s.pair.ticket && s.pair.base.replaced.contains(&link.action.ticket)
    };
    let here: BTreeSet<&CommentId> = s.links.iter().filter(|link| !left(link)).map(|link| &link.comment).collect();
    for comment in comments.iter().filter(|comment| !here.contains(&comment.id)) {
        let known = s.links.iter().filter(|link| link.comment == comment.id).map(|link| link.edit).max();
        let edits = if remembers { 0 } else { known.unwrap_or(0) + FORGOTTEN_EDITS };
        let noted = (0..=edits).rev().find_map(|edit| {
            let wanted = note_reference(s, &comment.id, edit);
            Some((edit, actions.iter().find(|a| bears(a, &wanted) && own(a))?))
        });
        if let Some((edit, action)) = noted {
            out.links.push(NoteLink {
                pair: s.pair.id,
                comment: comment.id.clone(),
                action: action.key,
                edit,
                part: 0,
                said: Some(words::noted(action, comment)),
                written_in: Side::Sentinel,
            });
        }
    }
    recognise::adopt(s, comments, actions, &linked, out);
}

/// What of the conversation is recognised by both records alone, whatever is known of it: copies of ours with the words
/// that they carry.
pub fn recognised(s: &Situation<'_>) -> Vec<NoteLink> {
    let mut out = Plan::new();
    adopt(&Situation { links: &[], operations: &[], ..*s }, &mut out);
    out.links
}

/// Whether the policy lets a note cross.
pub fn crosses(policy: &Policy, action: &Action) -> bool {
    match policy.notes {
        NotesRule::All => true,
        NotesRule::Public => !action.private,
        NotesRule::Flagged => match policy.note_flag {
            NoteFlag::SyncToSentinel => action.sync_to_sentinel,
            NoteFlag::Important => action.important,
        },
        NotesRule::Outcomes => policy.note_outcomes.iter().any(|wanted| match wanted {
            Ref::Id(id) => action.outcome_id == Some(*id),
            Ref::Name(name) => action.outcome.as_deref().is_some_and(|o| o.trim().eq_ignore_ascii_case(name.trim())),
        }),
        NotesRule::None => false,
    }
}

/// Whether an action was written by this product: linked, or by our own agent with a reference of ours. A person may
/// quote a reference; only what our own agent wrote is taken for ours by it.
pub fn is_own(s: &Situation<'_>, action: &Action, linked: &BTreeMap<ActionKey, Side>) -> bool {
    if linked.get(&action.key) == Some(&Side::Sentinel) || s.mates.iter().any(|mate| mate.noted.contains(&action.key)) {
        return true;
    }
    // The action that opened the ticket may repeat its text, and not every instance marks it as a system one.
    let first = s.actions.unwrap_or_default().iter().all(|other| other.key.action >= action.key.action);
    if first && carries(action, &s.pair.reference) {
        return true;
    }
    match s.catalogue.own_agent_id {
        Some(own) => action.agent_id == Some(own) && carries_any(action),
        // Who we are could not be read: then only a reference that is due on this very pair counts.
        None => {
            carries(action, &s.pair.reference)
                || s.comments.unwrap_or_default().iter().any(|c| carries(action, &note_reference(s, &c.id, 0)))
        }
    }
}

/// Whether the incident has comments of others, and none were ever read.
pub(super) fn never_read(s: &Situation<'_>) -> bool {
    let own: BTreeSet<&CommentId> =
        s.links.iter().filter(|link| link.written_in == Side::Halo).map(|link| &link.comment).collect();
    s.comments.is_none()
        && s.pair.ticket.is_some()
        && s.incident.comments_count > i64::try_from(own.len()).unwrap_or(i64::MAX)
}

/// The links of each source, by edit and part.
pub(super) fn by_comment<'a>(s: &'a Situation<'_>, out: &'a Plan) -> BTreeMap<&'a CommentId, Vec<&'a NoteLink>> {
    let mut found: BTreeMap<&CommentId, Vec<&NoteLink>> = BTreeMap::new();
    for link in s.links.iter().chain(&out.links).filter(|link| link.written_in == Side::Sentinel) {
        found.entry(&link.comment).or_default().push(link);
    }
    found
}

/// Operations that carry a comment, open or given up: what they carry is not planned beside them.
pub(super) fn comments_under_way(s: &Situation<'_>) -> BTreeSet<(CommentId, u32)> {
    // What was dropped is planned all the same, and then kept out: so it is told.
    let standing = s.operations.iter().filter(|o| !matches!(o.state, OperationState::Dropped { .. }));
    let carried = standing.filter_map(|operation| match &operation.kind {
        OperationKind::AddNote { comment: Some(comment), edit, .. } => Some((comment.clone(), *edit)),
        _ => None,
    });
    carried.collect()
}

/// Words of a comment as they stand, for a note.
pub(super) fn author_of(comment: &Comment) -> String {
    comment.author.clone().unwrap_or_else(|| "an app".to_owned())
}
