//! Comments become notes, notes become comments; each crosses once, in order, with its author and time.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use crate::domain::{
    catalogue::Ref,
    failure::Side,
    ids::{ActionKey, CommentId, reference},
    incident::Comment,
    operation::{Operation, OperationKind, OperationState},
    pair::NoteLink,
    policy::{NoteFlag, NotesRule, Policy},
    reason::Reason,
    text,
    ticket::{Action, NoteDraft},
    workspace::Mode,
};

use super::{draft::moment, mapping, plan::Plan, situation::Situation};

/// Longest comment Sentinel takes, in characters (sheet 1.3).
pub const COMMENT_MAX: usize = 30_000;
/// Comments an incident holds (sheet 1.3).
pub const COMMENTS_MAX: usize = 100;
/// Places kept free for closing and for people.
pub const COMMENTS_KEPT: usize = 5;
/// Actions of a ticket whose derived comment ids are tried when a comment's origin is not in the ledger.
const DERIVED_ACTIONS: i64 = 400;
const DERIVED_PARTS: u32 = 3;

/// The visible reference of the note that carries a comment.
pub fn note_reference(s: &Situation<'_>, comment: &CommentId) -> String {
    reference(&["comment", &s.workspace.arm_id, s.pair.incident.as_str(), comment.as_str()])
}

/// The reference of the note that asks an agent for the classification.
pub fn ask_reference(s: &Situation<'_>) -> String {
    reference(&["ask-classification", &s.workspace.arm_id, s.pair.incident.as_str()])
}

/// Whether an action's text carries a reference.
pub fn carries(action: &Action, reference: &str) -> bool {
    action.note.contains(reference) || action.note_html.as_deref().is_some_and(|html| html.contains(reference))
}

/// Plans what has to cross, both ways.
pub fn plan(s: &Situation<'_>, out: &mut Plan) {
    adopt(s, out);
    comments_to_notes(s, out);
    if s.workspace.mode == Mode::TwoWay || s.workspace.mode == Mode::Observe {
        notes_to_comments(s, out);
    }
}

/// Notes of ours whose link is not in the ledger (a lost answer, a restored backup) are recognised by
/// their reference and linked, never written again.
fn adopt(s: &Situation<'_>, out: &mut Plan) {
    let (Some(comments), Some(actions)) = (s.comments, s.actions) else { return };
    let linked: BTreeSet<&CommentId> = s.links.iter().map(|link| &link.comment).collect();
    for comment in comments.iter().filter(|comment| !linked.contains(&comment.id)) {
        let wanted = note_reference(s, &comment.id);
        let ours = |a: &&Action| {
            carries(a, &wanted)
                && (s.catalogue.own_agent_id.is_none()
                    || a.agent_id.is_none()
                    || a.agent_id == s.catalogue.own_agent_id)
        };
        if let Some(action) = actions.iter().find(ours) {
            out.links.push(NoteLink {
                pair: s.pair.id,
                comment: comment.id.clone(),
                action: action.key,
                part: 0,
                written_in: Side::Sentinel,
            });
        }
    }
}

fn comments_to_notes(s: &Situation<'_>, out: &mut Plan) {
    let (Some(ticket), Some(comments)) = (s.pair.ticket, s.comments) else { return };
    let mut known: BTreeSet<CommentId> = s.links.iter().chain(&out.links).map(|link| link.comment.clone()).collect();
    known.extend(s.operations.iter().filter_map(|o| match &o.kind {
        OperationKind::AddComment { comment, .. } => Some(comment.clone()),
        _ => None,
    }));
    let mut in_order: Vec<&Comment> = comments.iter().filter(|c| !known.contains(&c.id)).collect();
    in_order.sort_by(|a, b| (a.created, &a.id).cmp(&(b.created, &b.id)));
    for comment in in_order {
        let derived = Uuid::parse_str(comment.id.as_str()).is_ok_and(|id| id.get_version_num() == 5);
        if derived && derived_here(s, ticket, &comment.id) {
            continue;
        }
        if comment.message.trim().is_empty() {
            continue;
        }
        let reference = note_reference(s, &comment.id);
        let author = comment.author.clone().unwrap_or_else(|| "an app".to_owned());
        let head = format!("Comment in Microsoft Sentinel by {author}, {}", moment(comment.created));
        let body = text::message_to_html(&comment.message);
        let note = NoteDraft {
            outcome: mapping::outcome(s.policy, s.catalogue),
            html: format!("<p><b>{}</b></p><p>{body}</p><p>{reference}</p>", text::escape(&head)),
            text: format!("{head}\n\n{}\n\n{reference}", text::html_to_text(&body)),
            private: s.policy.notes_private,
            reference,
        };
        out.push(OperationKind::AddNote { comment: Some(comment.id.clone()), note }, Reason::CommentAdded);
    }
}

/// Whether a comment's id is one we derive for an action of this ticket: then it is our own, whatever the ledger lost.
fn derived_here(s: &Situation<'_>, ticket: crate::domain::ids::TicketId, comment: &CommentId) -> bool {
    (1..=DERIVED_ACTIONS).any(|action| {
        (0..DERIVED_PARTS)
            .any(|part| CommentId::derived(s.halo_tenant, ActionKey { ticket, action }, 0, part) == *comment)
    })
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

/// Whether an action was written by this product: linked, or carrying a reference that is due on this pair.
pub fn is_own(s: &Situation<'_>, action: &Action, linked: &BTreeMap<ActionKey, Side>) -> bool {
    if linked.get(&action.key) == Some(&Side::Sentinel) {
        return true;
    }
    // The action that opened the ticket may repeat its text, and not every instance marks it as a system one.
    let first = s.actions.unwrap_or_default().iter().all(|other| other.key.action >= action.key.action);
    if first && carries(action, &s.pair.reference) {
        return true;
    }
    let by_own_agent = s.catalogue.own_agent_id.is_some() && action.agent_id == s.catalogue.own_agent_id;
    let due = || {
        carries(action, &s.pair.reference)
            || carries(action, &ask_reference(s))
            || s.comments.unwrap_or_default().iter().any(|c| carries(action, &note_reference(s, &c.id)))
    };
    // A person may quote a reference; only what our own agent wrote is taken for ours by it.
    (by_own_agent || s.catalogue.own_agent_id.is_none()) && due()
}

fn notes_to_comments(s: &Situation<'_>, out: &mut Plan) {
    let Some(actions) = s.actions else { return };
    let linked: BTreeMap<ActionKey, Side> =
        s.links.iter().chain(&out.links).map(|link| (link.action, link.written_in)).collect();
    let waiting =
        s.operations.iter().filter(|o| o.state.open() && matches!(o.kind, OperationKind::AddComment { .. })).count();
    let there = usize::try_from(s.incident.comments_count).unwrap_or(0).max(s.comments.map_or(0, <[Comment]>::len));
    let mut free = (COMMENTS_MAX - COMMENTS_KEPT).saturating_sub(there + waiting);
    for action in actions {
        if action.system || action.is_blank() || linked.contains_key(&action.key) || is_own(s, action, &linked) {
            continue;
        }
        if !crosses(s.policy, action) {
            continue;
        }
        let open = |id: &CommentId| {
            let stands = |o: &Operation| {
                !matches!(o.state, OperationState::Dropped { .. })
                    && matches!(&o.kind, OperationKind::AddComment { comment, .. } if comment == id)
            };
            s.operations.iter().any(stands)
        };
        if open(&CommentId::derived(s.halo_tenant, action.key, 0, 0)) {
            continue;
        }
        let parts = message(s, action);
        if parts.len() > free {
            out.item(Reason::CommentsFull);
            break;
        }
        free -= parts.len();
        for (part, message) in (0_u32..).zip(parts) {
            let comment = CommentId::derived(s.halo_tenant, action.key, 0, part);
            out.push(OperationKind::AddComment { comment, action: action.key, part, message }, Reason::NoteAdded);
        }
    }
}

fn message(s: &Situation<'_>, action: &Action) -> Vec<String> {
    let body = match action.note_html.as_deref().filter(|html| !html.trim().is_empty()) {
        Some(html) => text::html_to_text(html),
        None => text::clean(&action.note),
    };
    let who = action.who.clone().unwrap_or_else(|| "an agent".to_owned());
    let private = if action.private { ", private note" } else { "" };
    let head = format!("Note on Halo ticket {} by {who}, {}{private}", action.key.ticket, moment(action.at));
    let full = format!("{head}\n\n{body}");
    debug_assert!(s.pair.ticket.is_none_or(|ticket| ticket == action.key.ticket));
    text::split(&full, COMMENT_MAX)
}
