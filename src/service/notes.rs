//! Comments and notes of a pair as one conversation: each shown once, on the side a person wrote it.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use crate::{
    domain::{
        catalogue::Catalogue,
        failure::Side,
        ids::{ActionKey, CommentId},
        operation::{OperationKind, OperationState},
        policy::NotesRule,
        reason::Reason,
        text,
        ticket::Action,
        view::pair::{Crossing, NoteRow},
        workspace::Mode,
    },
    planner::{notes, plan::Plan, situation::Situation},
    store::SituationRow,
};

/// The rows, oldest first. What does not cross says why, as the plan of this moment does.
pub fn rows(s: &Situation<'_>, plan: &Plan) -> Vec<NoteRow> {
    let linked: BTreeMap<ActionKey, Side> = s.links.iter().map(|link| (link.action, link.written_in)).collect();
    let by_comment: BTreeMap<&CommentId, Side> = s.links.iter().map(|link| (&link.comment, link.written_in)).collect();
    let dropped = |fits: &dyn Fn(&OperationKind) -> bool| {
        let found = s.operations.iter().find(|o| matches!(o.state, OperationState::Dropped { .. }) && fits(&o.kind));
        found.map(|o| Reason::dropped(&o.kind))
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
            stays(s, plan, Side::Sentinel, &it, reason)
        };
        rows.push(NoteRow {
            at: comment.created,
            author: comment.author.clone(),
            written_in: Side::Sentinel,
            // told apart as for crossing: in plain text, what stands in angle brackets is no tag
            text: text::message_to_text(&comment.message),
            crossing,
        });
    }
    for action in s.actions.unwrap_or_default() {
        if action.system || action.is_blank() || notes::is_own(s, action, &linked) {
            continue;
        }
        let crossing = if linked.contains_key(&action.key) && !made_private(s, action) {
            Crossing::Crossed
        } else if linked.contains_key(&action.key) {
            let why = "An earlier wording crossed. These words may not: the note was changed and is private now.";
            Crossing::HeldBack { reason: Reason::Refused { why: why.into() } }
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
            let untold = action.privacy_untold && s.policy.notes == NotesRule::Public;
            let by_rule = if untold { Reason::NotePrivacyUntold } else { Reason::NoteHeldBack };
            let by_rule = (!notes::crosses(s.policy, action)).then_some(by_rule);
            let reason = foreign.or(before).or(by_rule).or(by_mode).or_else(|| dropped(&it));
            stays(s, plan, Side::Halo, &it, reason)
        };
        rows.push(NoteRow {
            at: action.at,
            author: action.who.clone(),
            written_in: Side::Halo,
            text: notes::words::body(action),
            crossing,
        });
    }
    rows.sort_by_key(|row| row.at);
    rows
}

/// The rows where no policy says any more what crosses: the words of both records as last read, and which stand on both.
pub fn plain(row: &SituationRow, catalogue: &Catalogue) -> Vec<NoteRow> {
    let crossing =
        |linked: bool| if linked { Crossing::Crossed } else { Crossing::HeldBack { reason: Reason::ModeOff } };
    let mut rows = Vec::new();
    for comment in row.comments.iter().flatten() {
        let link = row.links.iter().find(|link| link.comment == comment.id);
        // Portals give random ids: what has one derived from a name is ours, those apart that carry a person's words.
        let derived = Uuid::parse_str(comment.id.as_str()).is_ok_and(|id| id.get_version_num() == 5);
        let ours = match link {
            Some(link) => link.written_in == Side::Halo,
            None => derived && !comment.message.starts_with(notes::to_halo::CARRIED_OVER),
        };
        if !ours {
            rows.push(NoteRow {
                at: comment.created,
                author: comment.author.clone(),
                written_in: Side::Sentinel,
                text: text::message_to_text(&comment.message),
                crossing: crossing(link.is_some()),
            });
        }
    }
    let ours = |action: &Action| catalogue.own_agent_id.is_none() || action.agent_id == catalogue.own_agent_id;
    for action in row.actions.iter().flatten() {
        let link = row.links.iter().find(|link| link.action == action.key);
        let text = notes::words::body(action);
        let own = match link {
            Some(link) => link.written_in == Side::Sentinel,
            None => notes::carries(action, &row.pair.reference) || ours(action) && notes::mentions_any(&text),
        };
        if !action.system && !action.is_blank() && !own {
            rows.push(NoteRow {
                at: action.at,
                author: action.who.clone(),
                written_in: Side::Halo,
                text,
                crossing: crossing(link.is_some()),
            });
        }
    }
    rows.sort_by_key(|row| row.at);
    rows
}

/// Words that have not crossed: on their way after all, or the reason why not.
fn stays(
    s: &Situation<'_>,
    plan: &Plan,
    written_in: Side,
    it: &dyn Fn(&OperationKind) -> bool,
    known: Option<Reason>,
) -> Crossing {
    if let Some(reason) = known {
        return Crossing::HeldBack { reason };
    }
    if let Some(waiting) = plan.waiting.iter().find(|waiting| it(&waiting.planned.kind)) {
        let reason = Reason::AwaitsApproval { what: waiting.what(s), write: waiting.write.clone() };
        return Crossing::HeldBack { reason };
    }
    if let Some(rejected) = plan.rejected.iter().find(|rejected| it(&rejected.planned.kind)) {
        return Crossing::HeldBack { reason: Reason::Rejected { what: rejected.what(s) } };
    }
    if plan.operations.iter().any(|planned| it(&planned.kind)) {
        return Crossing::Waiting;
    }
    let dead = s.operations.iter().find_map(|operation| match &operation.state {
        OperationState::Dead { reason, .. } if it(&operation.kind) => Some(reason.clone()),
        _ => None,
    });
    let after_closing = |reason: &&Reason| match reason {
        Reason::AfterClosing { what } => what.ends_with(if written_in == Side::Halo { "Halo" } else { "Sentinel" }),
        Reason::CommentsFull => written_in == Side::Halo,
        _ => false,
    };
    let of_plan = || plan.items().iter().chain(plan.remarks()).find(after_closing).cloned();
    let not_yet = || Reason::Refused { why: "Nothing is planned for it now: *Look again* plans anew.".into() };
    Crossing::HeldBack { reason: dead.or_else(of_plan).unwrap_or_else(not_yet) }
}

/// Whether a note that crossed says something else since, which the policy does not let cross.
fn made_private(s: &Situation<'_>, action: &Action) -> bool {
    let of_it = s.links.iter().filter(|link| link.action == action.key && link.written_in == Side::Halo);
    let said = of_it.max_by_key(|link| link.edit).and_then(|link| link.said.as_ref());
    said.is_some_and(|before| notes::words::edited_action(action, before)) && !notes::crosses(s.policy, action)
}

/// Why the mode keeps words where they were written.
fn held_by_mode(mode: Mode, written_in: Side) -> Option<Reason> {
    match mode {
        Mode::Off => Some(Reason::ModeOff),
        Mode::Observe => Some(Reason::ModeObserve),
        Mode::SentinelToHalo | Mode::CommentOnly if written_in == Side::Halo => Some(Reason::ModeOneWay),
        _ => None,
    }
}
