//! Drift: records that are gone, copies that were lost, values that changed unseen; healed, asked about or left as the
//! policy says.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::{
    decision::Decision,
    drift::{Drift, DriftClass, DriftRule},
    failure::Side,
    ids::{CommentId, TicketId},
    incident::{Incident, IncidentStatus},
    operation::{OperationKind, OperationState},
    pair::{Base, NoteLink},
    reason::Reason,
    ticket::Ticket,
};

use super::{
    draft, emptied,
    fields::{owner, severity, status, title},
    gate, groups, notes,
    plan::Plan,
    situation::Situation,
};

/// The side on which the pair's record is gone.
pub fn gone(s: &Situation<'_>) -> Option<Side> {
    let deleted = s.ticket.is_some_and(|ticket| ticket.deleted) && s.pair.ticket.is_some();
    s.pair.gone.or(deleted.then_some(Side::Halo))
}

/// What is said of a record that is gone.
pub fn words(s: &Situation<'_>, side: Side) -> String {
    match (side, s.pair.ticket) {
        (Side::Halo, Some(ticket)) => format!("Ticket {ticket} was deleted in Halo."),
        (Side::Halo, None) => "The ticket was deleted in Halo.".to_owned(),
        (Side::Sentinel, _) => "The incident was deleted in Sentinel.".to_owned(),
    }
}

/// One side's record is gone: nothing is written to it. What is done beside that goes by the policy, or by what a
/// person decided about this very record.
pub(super) fn plan_gone(s: &Situation<'_>, side: Side, out: &mut Plan) {
    if s.incident.redirected() {
        // Its matter goes on elsewhere: somebody has seen to it.
        return out.remark(Reason::MergedInto { name: String::new() });
    }
    let ticket = s.pair.ticket;
    let decided = decided(s, side);
    let rule = decided.unwrap_or(match side {
        Side::Halo => s.policy.drift.only_in_sentinel,
        Side::Sentinel => s.policy.drift.only_in_halo,
    });
    let reason = Reason::RecordGone { what: words(s, side) };
    for queued in s.operations.iter().filter(|o| matches!(o.state, OperationState::Planned { .. })) {
        if queued.kind.side() == side && !queued.kind.makes_ticket() {
            out.void.push((queued.id, words(s, side)));
        }
    }
    match (rule, side) {
        (DriftRule::Ask, _) => out.item(reason),
        (DriftRule::Ignore, _) => out.remark(reason),
        // The first open pair of the group gets the new ticket, with which this one goes on; a person may want it otherwise.
        (DriftRule::Heal, Side::Halo) if decided.is_none() && groups::healed_before(s) => out.remark(reason),
        (DriftRule::Heal, Side::Halo) => match ticket.filter(|_| s.incident.status != IncidentStatus::Closed) {
            Some(ticket) => new_ticket(s, ticket, reason, out),
            // Nobody needs a ticket for a matter that is over.
            None => out.remark(reason),
        },
        (DriftRule::Heal, Side::Sentinel) => {
            let reference = notes::own_reference(s, "incident-gone");
            let there = s.actions.unwrap_or_default().iter().any(|action| notes::carries(action, &reference));
            if !there {
                let words = "The incident does not exist in Microsoft Sentinel any more. This ticket is kept in step with nothing.";
                let note = notes::own_note(s, words, reference);
                out.push(OperationKind::AddNote { comment: None, edit: 0, said: None, note }, reason.clone());
            }
            out.remark(reason);
        }
    }
}

/// What a person decided about this very record.
fn decided(s: &Situation<'_>, side: Side) -> Option<DriftRule> {
    s.pair.decisions.iter().rev().find_map(|decision| match decision {
        Decision::Gone { side: whose, ticket, heal } => {
            let this = *whose == side && *ticket == s.pair.ticket;
            this.then_some(if *heal { DriftRule::Heal } else { DriftRule::Ignore })
        }
        _ => None,
    })
}

/// Agents merged the pair's ticket into another one in Halo: nothing is written to it, and what becomes of the incident
/// a person says, whatever the policy does about tickets that are deleted.
pub(super) fn plan_merged_away(s: &Situation<'_>, ticket: TicketId, into: TicketId, out: &mut Plan) {
    let reason = Reason::RecordGone { what: format!("Ticket {ticket} was merged into ticket {into} in Halo.") };
    match decided(s, Side::Halo) {
        Some(DriftRule::Heal) if s.incident.status != IncidentStatus::Closed => new_ticket(s, ticket, reason, out),
        Some(_) => out.remark(reason),
        None => out.item(reason),
    }
}

/// The side on which the pair's record can't be written to any more, so that a person is asked.
pub fn lost(s: &Situation<'_>) -> Option<Side> {
    let merged = s.pair.ticket.is_some() && s.ticket.is_some_and(|ticket| ticket.merged_into.is_some());
    gone(s).or(merged.then_some(Side::Halo))
}

fn new_ticket(s: &Situation<'_>, gone: TicketId, reason: Reason, out: &mut Plan) {
    match gate::needs(s.workspace, s.client, s.policy, Some(s.catalogue)) {
        Ok(passed)
            if (passed.binding.connection, passed.binding.halo_client_id) != (s.pair.halo, s.pair.halo_client_id) =>
        {
            let what = format!(
                "{} Its client has another place in Halo by now, so no ticket is made for this pair: leave it, or unlink the pair and have the ticket made under “Link by hand”.",
                reason.words()
            );
            out.item(Reason::RecordGone { what });
        }
        Ok(passed) => {
            let draft = draft::in_place_of(s, &passed, gone);
            out.push(OperationKind::CreateTicket { draft, follows: Some(gone) }, reason);
        }
        Err(held @ (Reason::ModeObserve | Reason::ModeOneWay)) => out.remark(held),
        Err(held) => out.item(held),
    }
}

/// What is done about a copy that is gone: the policy's rule, or a person's word about this very comment.
pub(super) fn lost_rule(s: &Situation<'_>, comment: &CommentId) -> DriftRule {
    let decided = s.pair.decisions.iter().rev().find_map(|decision| match decision {
        Decision::Copy { comment: which, again } if which == comment => {
            Some(if *again { DriftRule::Heal } else { DriftRule::Ignore })
        }
        _ => None,
    });
    decided.unwrap_or(s.policy.drift.lost_comment)
}

/// Whether the note that carries a comment is gone from the ticket. An empty list alone is no proof.
pub(super) fn note_lost(s: &Situation<'_>, link: &NoteLink) -> bool {
    let actions = s.actions.unwrap_or_default();
    Some(link.action.ticket) == s.pair.ticket
        && emptied::tells(s)
        && !actions.iter().any(|action| action.key == link.action)
}

/// What of a note's last edit is gone from the incident: the parts that no comment tells any more, by the comment that did.
/// Only a whole list says so. A comment that was carried over from a merged incident is none of these.
pub(super) fn parts_lost<'a>(s: &Situation<'a>, last: &NoteLink) -> BTreeMap<&'a CommentId, BTreeSet<u32>> {
    let mut lost: BTreeMap<&CommentId, BTreeSet<u32>> = BTreeMap::new();
    let Some(comments) = s.comments else { return lost };
    let whole = i64::try_from(comments.len()).is_ok_and(|count| count >= s.incident.comments_count);
    if !whole || Some(last.action.ticket) != s.pair.ticket {
        return lost;
    }
    let of_it = |link: &&NoteLink| (link.action, link.edit, link.written_in) == (last.action, last.edit, Side::Halo);
    let (standing, gone): (Vec<&NoteLink>, Vec<&NoteLink>) =
        s.links.iter().filter(of_it).partition(|link| comments.iter().any(|comment| comment.id == link.comment));
    for link in gone {
        let told = standing.iter().any(|other| other.part == link.part);
        if !told && notes::to_sentinel::is_told_by(s.links, s.halo_tenant, link) {
            lost.entry(&link.comment).or_default().insert(link.part);
        }
    }
    lost
}

/// That a comment of ours is gone, with the notes that it carried.
pub(super) fn copy_lost(s: &Situation<'_>, comment: &CommentId) -> Reason {
    let carried = s.links.iter().filter(|link| link.comment == *comment && link.written_in == Side::Halo);
    let notes: BTreeSet<i64> = carried.map(|link| link.action.action).collect();
    let several = if notes.len() > 1 { "s" } else { "" };
    let notes: Vec<String> = notes.iter().map(i64::to_string).collect();
    let what = format!("The comment that carries note{several} {} was deleted in Sentinel.", notes.join(", "));
    Reason::CopyLost { what, comment: comment.clone() }
}

/// Which of the fields that both sides have changed unseen, and what is agreed on then; `None` when none did.
pub fn incident_moved(rule: DriftRule, base: &Base, known: &Incident, now: &Incident) -> Option<(String, Base)> {
    let mut agreed = base.clone();
    let mut moved = Vec::new();
    if known.severity != now.severity {
        moved.push(severity::NAME);
        agreed.severity = Some(now.severity.clone());
    }
    if known.status != now.status {
        moved.push(status::NAME);
        agreed.incident_status = Some(now.status.clone());
    }
    if known.owner.key() != now.owner.key() {
        moved.push(owner::NAME);
        agreed.owner = now.owner.key();
        agreed.agree_half(owner::NAME, Side::Sentinel);
    }
    if known.title != now.title {
        moved.push(title::NAME);
        agreed.title = Some(now.title.clone());
    }
    settled(rule, base, agreed, &moved)
}

/// The same of the ticket; `closed` says whether it counts as closed now.
pub fn ticket_moved(
    rule: DriftRule,
    base: &Base,
    known: &Ticket,
    now: &Ticket,
    closed: bool,
) -> Option<(String, Base)> {
    let mut agreed = base.clone();
    let mut moved = Vec::new();
    if known.priority_id != now.priority_id {
        moved.push(severity::NAME);
        agreed.priority_id = now.priority_id;
    }
    if known.status_id != now.status_id {
        moved.push(status::NAME);
        (agreed.status_id, agreed.ticket_closed) = (now.status_id, closed);
    }
    if known.agent_id != now.agent_id {
        moved.push(owner::NAME);
        agreed.agent_id = now.agent_id;
        agreed.agree_half(owner::NAME, Side::Halo);
    }
    if known.summary != now.summary {
        moved.push(title::NAME);
        agreed.summary = Some(now.summary.clone());
    }
    settled(rule, base, agreed, &moved)
}

fn settled(rule: DriftRule, base: &Base, agreed: Base, moved: &[&str]) -> Option<(String, Base)> {
    if moved.is_empty() {
        return None;
    }
    let what = moved.join(", ");
    let base = match rule {
        DriftRule::Heal => base.clone(),
        DriftRule::Ignore => agreed,
        // As with two records that people join: what differs is asked about.
        DriftRule::Ask => {
            let mut base = base.clone();
            base.joined.extend(moved.iter().map(|name| (*name).to_owned()));
            base
        }
    };
    Some((what, base))
}

/// What a plan has found that was not known `before`, to be written down.
pub fn found(s: &Situation<'_>, plan: &Plan) -> Vec<Drift> {
    let mut drifts = Vec::new();
    for planned in &plan.operations {
        let class = match (&planned.reason, &planned.kind) {
            (Reason::CopyLost { .. }, _) => DriftClass::LostComment,
            (Reason::RecordGone { .. }, OperationKind::CreateTicket { .. }) => DriftClass::OnlyInSentinel,
            (Reason::RecordGone { .. }, _) => DriftClass::OnlyInHalo,
            _ => continue,
        };
        drifts.push(Drift { class, what: planned.reason.words(), rule: DriftRule::Heal });
    }
    let (before, now) = (s.pair.reason.as_ref(), plan.state.reason.as_ref());
    let fresh = now.filter(|now| before.map(Reason::code) != Some(now.code()));
    let class = match fresh {
        Some(Reason::CopyLost { .. }) => Some(DriftClass::LostComment),
        Some(Reason::WrongClient) => Some(DriftClass::WrongClient),
        Some(Reason::RecordGone { .. }) => match gone(s) {
            Some(Side::Halo) => Some(DriftClass::OnlyInSentinel),
            Some(Side::Sentinel) => Some(DriftClass::OnlyInHalo),
            None => None,
        },
        _ => None,
    };
    if let (Some(class), Some(reason)) = (class, fresh)
        && !drifts.iter().any(|drift| drift.class == class)
    {
        let asked = plan.items().contains(reason);
        let rule = if asked { DriftRule::Ask } else { DriftRule::Ignore };
        drifts.push(Drift { class, what: reason.words(), rule });
    }
    drifts
}
