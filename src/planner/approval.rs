//! Writes that the policy puts behind a person's approval: planned, shown, and queued only once they are approved.
//!
//! What waits is the change, not the operation: it is planned anew each time. Other members of the same write go on. An approval holds for the very bytes and
//! the very change that the person saw; anything else is asked about again.

use crate::domain::{
    approval::WriteKind,
    decision::Decision,
    failure::Side,
    ids::fingerprint,
    incident::{IncidentStatus, Severity},
    operation::{IncidentChange, OperationKind, OperationState},
    pair::Base,
    reason::Reason,
    ticket::{Ticket, TicketChange},
    time,
};

use super::{
    closing, diff, dropped,
    fields::{mapped, owner, severity, status, title},
    groups, mapping,
    plan::{Plan, Planned},
    situation::Situation,
};

/// A write that waits for a person, or that one rejected.
#[derive(Debug, Clone, PartialEq)]
pub struct Waiting {
    /// What an approval names it by.
    pub write: String,
    /// Kinds of it that need approval.
    pub kinds: Vec<WriteKind>,
    /// The write.
    pub planned: Planned,
}

impl Waiting {
    /// What it is, in words, with its difference.
    pub fn what(&self, s: &Situation<'_>) -> String {
        let difference = diff::in_words(&diff::differences(s, &self.planned.kind));
        let difference = match difference.char_indices().nth(300) {
            Some((end, _)) => format!("{}…", difference.get(..end).unwrap_or_default()),
            None => difference,
        };
        format!("{} ({difference})", self.planned.kind.words())
    }
}

/// Kinds that a write is of.
pub fn kinds(s: &Situation<'_>, kind: &OperationKind) -> Vec<WriteKind> {
    let mut found = Vec::new();
    match kind {
        OperationKind::UpdateTicket { change } => {
            if let (Some(status_id), Some(ticket)) = (change.status_id, s.ticket) {
                let closed = |ticket: &Ticket| mapping::ticket_closed(s.policy, s.catalogue, ticket);
                let after = Ticket { status_id: Some(status_id), closed: false, ..ticket.clone() };
                match (closed(ticket), closed(&after)) {
                    (false, true) => found.push(WriteKind::Close),
                    (true, false) => found.push(WriteKind::Reopen),
                    _ => {}
                }
            }
            // Lower than what was agreed on, or than what the ticket's priority means now: an agent may have raised it.
            let there = s.ticket.and_then(|ticket| ticket.priority_id);
            let there = there.and_then(|id| mapping::severity_back(s.policy, s.catalogue, id).ok());
            let now = groups::severity(s);
            let mut before = s.pair.base.severity.iter().chain(&there);
            if change.priority_id.is_some() && before.any(|before| lower(before, &now)) {
                found.push(WriteKind::SeverityDown);
            }
        }
        OperationKind::UpdateIncident { change } => {
            match (s.incident.closed(), &change.status) {
                (false, Some(IncidentStatus::Closed)) => found.push(WriteKind::Close),
                (true, Some(status)) if *status != IncidentStatus::Closed => found.push(WriteKind::Reopen),
                _ => {}
            }
            if change.severity.as_ref().is_some_and(|after| lower(&s.incident.severity, after)) {
                found.push(WriteKind::SeverityDown);
            }
        }
        OperationKind::AddNote { note, .. } if !note.private => found.push(WriteKind::ClientVisibleNote),
        OperationKind::CreateIncident { .. } => found.push(WriteKind::Push),
        _ => {}
    }
    found
}

fn lower(before: &Severity, after: &Severity) -> bool {
    matches!((before.rank(), after.rank()), (Some(before), Some(after)) if after < before)
}

/// What an approval names a write by: its bytes, and the change that it carries.
fn name_of(s: &Situation<'_>, base: &Base, kind: &OperationKind) -> String {
    // Of a field that is not written it does not matter when it moved.
    let (changes_status, changes_severity) = match kind {
        OperationKind::UpdateTicket { change } => (change.status_id.is_some(), change.priority_id.is_some()),
        OperationKind::UpdateIncident { change } => (change.status.is_some(), change.severity.is_some()),
        _ => (false, false),
    };
    let moved = |field: &str, written: bool| {
        let moves = base.moves.get(field).filter(|_| written).cloned().unwrap_or_default();
        let at = [moves.sentinel, moves.halo].map(|side| side.and_then(|side| side.at).map(time::iso));
        at.map(Option::unwrap_or_default).join("/")
    };
    let change = match kind {
        OperationKind::UpdateTicket { .. } | OperationKind::UpdateIncident { .. } => {
            let own = format!("{} {}", moved(status::NAME, changes_status), moved(severity::NAME, changes_severity));
            // One that was open meanwhile makes another closing of a ticket that it shares.
            let of_ticket = matches!(kind, OperationKind::UpdateTicket { .. });
            let beside = base.held_open.filter(|_| of_ticket && changes_status && groups::shares(s));
            own + &beside.map(|at| format!(" {}", time::iso(at))).unwrap_or_default()
        }
        _ => String::new(),
    };
    fingerprint(&format!("{change} {}", serde_json::to_string(kind).unwrap_or_default()))
}

/// Holds what needs approval and has none, and says so.
pub(super) fn hold(s: &Situation<'_>, out: &mut Plan) {
    if s.policy.approve.is_empty() {
        return;
    }
    let base = out.base.clone().unwrap_or_else(|| s.pair.base.clone());
    for planned in std::mem::take(&mut out.operations) {
        if let Some(planned) = passes(s, &base, planned, out) {
            out.operations.push(planned);
        }
    }
    // What was queued before the policy asked for approval. Changes of fields are replaced by the plan anyway.
    for queued in s.operations.iter().filter(|o| matches!(o.state, OperationState::Planned { .. })) {
        if matches!(queued.kind, OperationKind::AddNote { .. } | OperationKind::CreateIncident { .. }) {
            let planned = Planned { kind: queued.kind.clone(), reason: queued.reason.clone() };
            if passes(s, &base, planned, out).is_none() {
                out.void.push((queued.id, "It waits for approval now.".to_owned()));
            }
        }
    }
}

fn passes(s: &Situation<'_>, base: &Base, planned: Planned, out: &mut Plan) -> Option<Planned> {
    let kinds: Vec<WriteKind> =
        kinds(s, &planned.kind).into_iter().filter(|kind| s.policy.approve.contains(kind)).collect();
    if kinds.is_empty() {
        return Some(planned);
    }
    let held = Planned { kind: part(s, &planned.kind, &kinds), reason: planned.reason.clone() };
    let name = name_of(s, base, &held.kind);
    let decided = s.pair.decisions.iter().rev().find_map(|decision| match decision {
        Decision::Approve { write, .. } if *write == name => Some(true),
        Decision::Reject { write, .. } if *write == name => Some(false),
        _ => None,
    });
    if decided == Some(true) {
        return Some(planned);
    }
    let goes_on = rest(planned, &held.kind);
    let waiting = Waiting { write: name, kinds, planned: held };
    if decided.is_none() {
        out.item(Reason::AwaitsApproval { what: waiting.what(s), write: waiting.write.clone() });
        out.waiting.push(waiting);
    } else {
        out.remark(Reason::Rejected { what: waiting.planned.kind.words() });
        if !out.rejected.contains(&waiting) {
            out.rejected.push(waiting);
        }
    }
    goes_on
}

/// The members of a write that need approval; of words all.
fn part(s: &Situation<'_>, kind: &OperationKind, kinds: &[WriteKind]) -> OperationKind {
    let status = kinds.contains(&WriteKind::Close) || kinds.contains(&WriteKind::Reopen);
    let lower = kinds.contains(&WriteKind::SeverityDown);
    match kind {
        OperationKind::UpdateTicket { change } => {
            // The field that says how it was closed goes with the closing, and is emptied with the opening.
            let verdict = closing::field_of_verdict(s.policy, s.catalogue, s.incident).map(|(id, _)| id);
            let emptied = s.policy.classification_field.as_ref();
            let emptied = emptied.and_then(|field| mapped::custom_id(s.catalogue, field).ok());
            let of_status = |id: i64| status && [verdict, emptied].contains(&Some(id));
            let fields = change.custom_fields.iter().filter(|(id, _)| of_status(*id));
            let change = TicketChange {
                status_id: change.status_id.filter(|_| status),
                closure_note: change.closure_note.clone().filter(|_| status),
                priority_id: change.priority_id.filter(|_| lower),
                custom_fields: fields.cloned().collect(),
                ..TicketChange::default()
            };
            OperationKind::UpdateTicket { change }
        }
        OperationKind::UpdateIncident { change } => {
            let change = IncidentChange {
                status: change.status.clone().filter(|_| status),
                verdict: change.verdict.clone().filter(|_| status),
                severity: change.severity.clone().filter(|_| lower),
                ..IncidentChange::default()
            };
            OperationKind::UpdateIncident { change }
        }
        words => words.clone(),
    }
}

/// What of a write goes on while the rest waits, with the reason of what is left.
fn rest(mut planned: Planned, held: &OperationKind) -> Option<Planned> {
    if !dropped::take_out(&mut planned, held) {
        return None;
    }
    let field = match &planned.kind {
        // A closing or opening that goes on is still what it is called.
        OperationKind::UpdateTicket { change } if change.status_id.is_some() => return Some(planned),
        OperationKind::UpdateIncident { change } if change.status.is_some() => return Some(planned),
        OperationKind::UpdateTicket { change } => {
            let known = [
                (change.priority_id.is_some(), severity::NAME),
                (change.agent_id.is_some(), owner::NAME),
                (change.summary.is_some(), title::NAME),
            ];
            known.into_iter().find(|(there, _)| *there).map_or("mapped field", |(_, name)| name)
        }
        OperationKind::UpdateIncident { change } => {
            let known = [
                (change.severity.is_some(), "priority"),
                (change.owner.is_some(), owner::NAME),
                (change.title.is_some(), title::NAME),
            ];
            known.into_iter().find(|(there, _)| *there).map_or("labels", |(_, name)| name)
        }
        _ => return Some(planned),
    };
    planned.reason = match planned.kind.side() {
        Side::Halo => Reason::ChangedInSentinel { field: field.into() },
        Side::Sentinel => Reason::ChangedInHalo { field: field.into() },
    };
    Some(planned)
}
