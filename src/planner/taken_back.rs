//! What waits in a queue and is not carried by the mode in force.

use crate::domain::{
    incident::{Incident, IncidentStatus},
    operation::{Operation, OperationKind, OperationState},
    pair::{Base, ClosingWords},
    reason::Reason,
};

use super::{dropped::said_once, gate, plan::Plan, situation::Situation};

/// Why a queued write is taken back.
pub const NOT_CARRIED: &str = "The workspace's mode does not carry it any more.";

/// Takes back what was queued under another mode; when the mode carries it again, it is planned afresh.
pub(super) fn plan(s: &Situation<'_>, out: &mut Plan) {
    let queued = s.operations.iter().filter(|o| matches!(o.state, OperationState::Planned { .. }));
    for operation in queued.filter(|o| !gate::carries(s.workspace.mode, &o.kind)) {
        out.void.push((operation.id, NOT_CARRIED.to_owned()));
        if let Some(base) = untold(s.incident, out.base.as_ref().unwrap_or(&s.pair.base), operation) {
            out.base = Some(base);
        }
    }
}

/// What is agreed on when words of our own that no plan would bring back are taken back: not what they were to tell of.
/// `None`: as it is.
pub fn untold(incident: &Incident, base: &Base, operation: &Operation) -> Option<Base> {
    if !said_once(operation) {
        return None;
    }
    let open = base.incident_status.as_ref().is_some_and(|status| *status != IncidentStatus::Closed);
    let mut base = base.clone();
    match (&operation.kind, &operation.reason) {
        (_, Reason::IncidentReopened) if open && base.ticket_closed => {
            base.incident_status = Some(IncidentStatus::Closed);
        }
        (_, Reason::TicketReopened) if base.incident_status == Some(IncidentStatus::Closed) && !base.ticket_closed => {
            base.ticket_closed = true;
        }
        // Words that wait as unsaid are planned by that.
        (OperationKind::AddNote { note, .. }, Reason::IncidentClosed) if base.unsaid.is_none() => {
            let words = note.text.strip_suffix(note.reference.as_str()).unwrap_or(&note.text).trim_end().to_owned();
            base.unsaid = Some(ClosingWords { words, at: incident.modified });
        }
        (OperationKind::AddComment { message, .. }, Reason::TicketClosed) if base.unsaid_back.is_none() => {
            base.unsaid_back = Some(message.clone());
        }
        _ => return None,
    }
    Some(base)
}
