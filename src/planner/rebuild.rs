//! A pair planned as if its two records had just been linked, because a person asked for it.
//!
//! Forgotten is what both sides last agreed on, field by field, with all that was noted of their moves, and writes that
//! were given up. Kept is what neither record tells by itself, and what keeps anything from being written twice: which
//! comment and note are copies of each other, what was told of alerts, closings and former tickets, that both sides are
//! closed, what people decided.
//! Whatever of the conversation both sides prove by themselves (derived ids, our references, the same words) is taken
//! from them.

use std::collections::BTreeSet;

use crate::domain::{
    failure::Side,
    ids::{ActionKey, CommentId, OperationId},
    incident::Comment,
    operation::{Operation, OperationKind, OperationState},
    pair::{Base, NoteLink, Pair},
    reason::Reason,
    ticket::Action,
};

use super::{
    adopt, closing,
    dropped::said_once,
    fields::status,
    link,
    notes::{self, words},
    situation::Situation,
};

/// Why a write that was given up is taken back.
pub const ASKED_AGAIN: &str = "Rebuilt from both sides: what is still wanted is planned anew.";
/// Why one that was queued behind it is.
const IN_ORDER: &str = "Rebuilt from both sides: it follows what had been given up.";

/// Why a pair is not rebuilt, with what to do instead; `None`: it may be. `shares`: another pair has its ticket too.
pub fn refused(pair: &Pair, shares: bool) -> Option<&'static str> {
    if pair.ticket.is_none() {
        return Some("It has no ticket yet, so there are no two sides to rebuild it from. Press “Look again”.");
    }
    if pair.survivor.is_some() || pair.merged {
        return Some("Incidents were merged here, and what was agreed holds for all of them. Press “Look again”.");
    }
    shares
        .then_some("Several incidents share its ticket, and what was agreed holds for all of them. Press “Look again”.")
}

/// A pair as it begins anew.
#[derive(Debug, Clone, PartialEq)]
pub struct Begun {
    /// With nothing agreed on but a closure of both sides.
    pub pair: Pair,
    /// What is linked, with what was learnt.
    pub links: Vec<NoteLink>,
    /// Its operations, without those that are planned anew: given up, or queued behind what was.
    pub operations: Vec<Operation>,
    /// Links that both sides prove and that were not known, or known otherwise.
    pub learnt: Vec<NoteLink>,
    /// Operations taken back, with the reason in words.
    pub void: Vec<(OperationId, String)>,
}

impl Begun {
    /// The situation to plan from, in place of the one that it was begun from.
    pub fn situation<'a>(&'a self, s: &Situation<'a>) -> Situation<'a> {
        Situation { pair: &self.pair, links: &self.links, operations: &self.operations, ..*s }
    }
}

/// Begins a pair anew. Where both sides are closed, as agreed, that and their classifications stay agreed on.
pub fn begun(s: &Situation<'_>) -> Begun {
    let learnt = learnt(s);
    let mut links = s.links.to_vec();
    for link in &learnt {
        link.clone().keep(&mut links);
    }
    // Words that were given up come before those that were queued since: both are planned anew, in their order.
    let anew = |side| s.operations.iter().any(|operation| given_up(operation) && words_for(operation) == Some(side));
    let sides: Vec<Side> = [Side::Sentinel, Side::Halo].into_iter().filter(|side| anew(*side)).collect();
    let queued = |operation: &Operation| {
        let planned = matches!(operation.state, OperationState::Planned { .. });
        planned && words_for(operation).is_some_and(|side| sides.contains(&side))
    };
    let (taken_back, operations): (Vec<Operation>, Vec<Operation>) =
        s.operations.iter().cloned().partition(|operation| given_up(operation) || queued(operation));
    let why = |operation: &Operation| if given_up(operation) { ASKED_AGAIN } else { IN_ORDER };
    let void = taken_back.iter().map(|operation| (operation.id, why(operation).to_owned())).collect();
    let forgotten = base(&s.pair.base);
    let base = if closing::shut(s) { closed(forgotten, &s.pair.base) } else { forgotten };
    Begun { pair: Pair { base, ..s.pair.clone() }, links, operations, learnt, void }
}

/// That both sides are closed stays agreed on where both still are: who closed which of them no record tells, and our own
/// closing of one would be taken for a person's.
fn closed(forgotten: Base, before: &Base) -> Base {
    let mut base = Base {
        incident_status: before.incident_status.clone(),
        status_id: before.status_id,
        ticket_closed: before.ticket_closed,
        verdict: before.verdict.clone(),
        ..forgotten
    };
    base.agree(status::NAME);
    base
}

/// What is agreed on by then: nothing, as with two records that people join, but for what no reading tells again. Of a
/// closure that both sides agree on see [`begun`].
pub fn base(before: &Base) -> Base {
    Base {
        foreign: before.foreign.clone(),
        // Their dead letters stay too.
        unarrived: before.unarrived.clone(),
        emptied: before.emptied,
        deleted: before.deleted.clone(),
        alerts: before.alerts.clone(),
        replaced: before.replaced.clone(),
        left: before.left.clone(),
        unsaid: before.unsaid.clone(),
        unsaid_back: before.unsaid_back.clone(),
        own_closing: before.own_closing.clone(),
        spent: before.spent,
        held_open: before.held_open,
        ticketed: before.ticketed,
        // Of a ticket that was made from its incident, mapped values are the incident's to say.
        linked: before.linked,
        ..link::base()
    }
}

/// A write whose outcome is not known may have arrived, and one that no plan brings back would be lost: both stay with
/// the person who is asked about them.
fn given_up(operation: &Operation) -> bool {
    let dead = matches!(&operation.state, OperationState::Dead { reason, .. } if *reason != Reason::OutcomeUnknown);
    dead && !said_once(operation)
}

/// The side to which an operation carries people's words.
fn words_for(operation: &Operation) -> Option<Side> {
    let carries = match &operation.kind {
        OperationKind::AddNote { comment, .. } => comment.is_some(),
        OperationKind::AddComment { carries, .. } => {
            carries.iter().any(|carried| carried.action.action != notes::to_sentinel::TICKET_ITSELF)
        }
        _ => false,
    };
    carries.then(|| operation.kind.side())
}

/// What both sides prove of the conversation and is not known so.
fn learnt(s: &Situation<'_>) -> Vec<NoteLink> {
    let (Some(comments), Some(actions), Some(ticket)) = (s.comments, s.actions, s.pair.ticket) else {
        return Vec::new();
    };
    let recognised = notes::recognised(s);
    let taken: BTreeSet<&CommentId> = s.links.iter().chain(&recognised).map(|link| &link.comment).collect();
    let noted: BTreeSet<ActionKey> = s.links.iter().chain(&recognised).map(|link| link.action).collect();
    let waiting: BTreeSet<CommentId> = notes::comments_under_way(s).into_iter().map(|(comment, _)| comment).collect();
    let crossing: BTreeSet<ActionKey> = s
        .operations
        .iter()
        .flat_map(|operation| match &operation.kind {
            OperationKind::AddComment { carries, .. } => carries.as_slice(),
            _ => &[],
        })
        .map(|carried| carried.action)
        .collect();
    let free_comments: Vec<Comment> = comments
        .iter()
        .filter(|comment| !taken.contains(&comment.id) && !waiting.contains(&comment.id))
        .filter(|comment| !notes::to_halo::is_own(s, ticket, comment))
        .cloned()
        .collect();
    let free_actions: Vec<Action> = actions
        .iter()
        .filter(|action| !noted.contains(&action.key) && !crossing.contains(&action.key))
        .filter(|action| !action.system && !notes::carries_any(action) && !s.pair.base.foreign.contains(&action.key))
        .cloned()
        .collect();
    let same = adopt::same_words(s.pair.id, &free_comments, &free_actions, s.catalogue.own_agent_id);
    let proven = recognised.iter().filter(|found| news(s, found) && stands(found, comments, actions)).cloned();
    proven.chain(same).collect()
}

/// Whether a recognised link is known with other words, and nothing later was told of its source. One that is not known
/// at all is found by the plan itself.
fn news(s: &Situation<'_>, found: &NoteLink) -> bool {
    let key = |link: &NoteLink| (link.comment.clone(), link.action, link.edit, link.part);
    let same_source = |link: &&NoteLink| {
        link.written_in == found.written_in
            && match found.written_in {
                Side::Sentinel => link.comment == found.comment,
                Side::Halo => link.action == found.action,
            }
    };
    let last = s.links.iter().filter(same_source).all(|link| link.edit <= found.edit);
    last && s.links.iter().any(|link| key(link) == key(found) && link.said != found.said)
}

/// Whether the copy says what its original says now: only that is a proof. Of what a copy lacks the original's own times
/// tell.
fn stands(found: &NoteLink, comments: &[Comment], actions: &[Action]) -> bool {
    let now = match found.written_in {
        Side::Sentinel => comments.iter().find(|comment| comment.id == found.comment).map(words::of_comment),
        Side::Halo => actions.iter().find(|action| action.key == found.action).map(words::of_action),
    };
    now.is_some() && found.said == now
}
