//! Comments and notes of a pair as one conversation: each shown once, on the side a person wrote it.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    domain::{
        failure::Side,
        ids::{ActionKey, CommentId},
        operation::{OperationKind, OperationState},
        reason::Reason,
        text,
        view::pair::{Crossing, NoteRow},
        workspace::Mode,
    },
    planner::{notes, situation::Situation},
};

/// The rows, oldest first.
pub fn rows(s: &Situation<'_>) -> Vec<NoteRow> {
    let linked: BTreeMap<ActionKey, Side> = s.links.iter().map(|link| (link.action, link.written_in)).collect();
    let by_comment: BTreeMap<&CommentId, Side> = s.links.iter().map(|link| (&link.comment, link.written_in)).collect();
    let dropped = |fits: &dyn Fn(&OperationKind) -> bool| {
        let found = s.operations.iter().find(|o| matches!(o.state, OperationState::Dropped { .. }) && fits(&o.kind));
        found.map(|o| Reason::Dropped { what: o.kind.words() })
    };
    let open = || s.operations.iter().filter(|operation| operation.state.open());
    let comments_waiting: BTreeSet<&CommentId> = open()
        .filter_map(|operation| match &operation.kind {
            OperationKind::AddNote { comment: Some(comment), .. } => Some(comment),
            _ => None,
        })
        .collect();
    let actions_waiting: BTreeSet<ActionKey> = open()
        .filter_map(|operation| match &operation.kind {
            OperationKind::AddComment { carries, .. } => Some(carries.iter().map(|carried| carried.action)),
            _ => None,
        })
        .flatten()
        .collect();
    // parts we wrote or are writing: they are the note's words, not a comment of somebody's
    let ours: BTreeSet<&CommentId> = s
        .operations
        .iter()
        .filter_map(|operation| match &operation.kind {
            OperationKind::AddComment { comment, .. } => Some(comment),
            _ => None,
        })
        .collect();

    let mut rows = Vec::new();
    for comment in s.comments.unwrap_or_default() {
        if by_comment.get(&comment.id) == Some(&Side::Halo) || ours.contains(&comment.id) {
            continue;
        }
        let crossing = if by_comment.contains_key(&comment.id) {
            Crossing::Crossed
        } else if comments_waiting.contains(&comment.id) {
            Crossing::Waiting
        } else {
            let it = |kind: &OperationKind| matches!(kind, OperationKind::AddNote { comment: Some(id), .. } if *id == comment.id);
            let reason = held_by_mode(s.workspace.mode, Side::Sentinel).or_else(|| dropped(&it));
            let not_yet = "It has not been planned yet, or its write was given up.".to_owned();
            Crossing::HeldBack { reason: reason.unwrap_or(Reason::Refused { why: not_yet }) }
        };
        rows.push(NoteRow {
            at: comment.created,
            author: comment.author.clone(),
            written_in: Side::Sentinel,
            text: text::html_to_text(&comment.message),
            crossing,
        });
    }
    for action in s.actions.unwrap_or_default() {
        if action.system || action.is_blank() || notes::is_own(s, action, &linked) {
            continue;
        }
        let crossing = if linked.contains_key(&action.key) {
            Crossing::Crossed
        } else if actions_waiting.contains(&action.key) {
            Crossing::Waiting
        } else {
            let by_mode = held_by_mode(s.workspace.mode, Side::Halo).filter(|_| notes::crosses(s.policy, action));
            let it = |kind: &OperationKind| match kind {
                OperationKind::AddComment { carries, .. } => carries.iter().any(|carried| carried.action == action.key),
                _ => false,
            };
            let foreign = s.pair.base.foreign.contains(&action.key).then_some(Reason::WrittenElsewhere);
            let before = notes::to_sentinel::before_it_joined(s, action).then_some(Reason::WrittenBefore);
            let reason = foreign.or(before).or(by_mode).or_else(|| dropped(&it)).unwrap_or(Reason::NoteHeldBack);
            Crossing::HeldBack { reason }
        };
        let words = action.note_html.as_deref().filter(|html| !html.trim().is_empty()).map(text::html_to_text);
        rows.push(NoteRow {
            at: action.at,
            author: action.who.clone(),
            written_in: Side::Halo,
            text: words.unwrap_or_else(|| action.note.clone()),
            crossing,
        });
    }
    rows.sort_by_key(|row| row.at);
    rows
}

/// Why the mode keeps words where they were written.
fn held_by_mode(mode: Mode, written_in: Side) -> Option<Reason> {
    match (mode, written_in) {
        (Mode::Off, _) => Some(Reason::ModeOff),
        (Mode::Observe, _) => Some(Reason::ModeObserve),
        (Mode::SentinelToHalo, Side::Halo) => Some(Reason::ModeOneWay),
        _ => None,
    }
}
