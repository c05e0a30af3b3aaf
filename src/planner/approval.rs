//! Writes that the policy puts behind a person's approval: planned, shown, and queued only once they are approved.
//!
//! What waits is the change, not the operation: it is planned anew each time. An approval holds for the very bytes and
//! the very change that the person saw; anything else is asked about again.

use crate::domain::{
    approval::WriteKind,
    decision::Decision,
    ids::fingerprint,
    incident::{IncidentStatus, Severity},
    operation::{OperationKind, OperationState},
    pair::Base,
    reason::Reason,
    ticket::Ticket,
    time,
};

use super::{
    diff,
    fields::{severity, status},
    mapping,
    plan::{Plan, Planned},
    situation::Situation,
};

/// A write that waits for a person.
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
            let before = s.pair.base.severity.as_ref();
            if change.priority_id.is_some() && before.is_some_and(|before| lower(before, &s.incident.severity)) {
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
        _ => {}
    }
    found
}

fn lower(before: &Severity, after: &Severity) -> bool {
    matches!((before.rank(), after.rank()), (Some(before), Some(after)) if after < before)
}

/// What an approval names a write by: its bytes, and the change that it carries.
fn name_of(base: &Base, kind: &OperationKind) -> String {
    let moved = |field: &str| {
        let moves = base.moves.get(field).cloned().unwrap_or_default();
        let at = [moves.sentinel, moves.halo].map(|side| side.and_then(|side| side.at).map(time::iso));
        at.map(Option::unwrap_or_default).join("/")
    };
    let change = match kind {
        OperationKind::UpdateTicket { .. } | OperationKind::UpdateIncident { .. } => {
            format!("{} {}", moved(status::NAME), moved(severity::NAME))
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
        if matches!(queued.kind, OperationKind::AddNote { .. }) {
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
    let name = name_of(base, &planned.kind);
    let decided = s.pair.decisions.iter().rev().find_map(|decision| match decision {
        Decision::Approve { write, .. } if *write == name => Some(true),
        Decision::Reject { write, .. } if *write == name => Some(false),
        _ => None,
    });
    match decided {
        Some(true) => Some(planned),
        Some(false) => {
            out.remark(Reason::Rejected { what: planned.kind.words() });
            None
        }
        None => {
            let waiting = Waiting { write: name.clone(), kinds, planned };
            out.item(Reason::AwaitsApproval { what: waiting.what(s), write: name });
            out.waiting.push(waiting);
            None
        }
    }
}
