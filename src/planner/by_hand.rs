//! Dead letters of changes that were refused, and that somebody has made by hand since.

use crate::domain::{
    ids::OperationId,
    incident::IncidentStatus,
    operation::{IncidentChange, Operation, OperationKind, OperationState},
    pair::Base,
    reason::Reason,
    ticket::{Ticket, TicketChange},
};

use super::{
    closing,
    fields::mapped,
    mapping,
    sent::{incident_stands, ticket_stands},
    situation::Situation,
};

/// Those whose record says by now what was refused: nothing is left to be asked about them, and they keep no later change
/// back. A closing is over once both sides agree on being closed, however that was told. `base`: what they agree on now.
pub(super) fn made(s: &Situation<'_>, base: &Base) -> Vec<(OperationId, String)> {
    let refused = |o: &&Operation| matches!(o.state, OperationState::Dead { reason: Reason::Refused { .. }, .. });
    let closed = |ticket: &Ticket| mapping::ticket_closed(s.policy, s.catalogue, ticket);
    let shut = closing::both_closed(base) && s.incident.closed() && s.ticket.is_some_and(closed);
    let stands = |o: &&Operation| match &o.kind {
        OperationKind::UpdateIncident { change } if shut && change.status == Some(IncidentStatus::Closed) => {
            incident_stands(&IncidentChange { status: None, verdict: None, ..change.clone() }, s.incident)
        }
        OperationKind::UpdateIncident { change } => incident_stands(change, s.incident),
        OperationKind::UpdateTicket { change } => {
            let beside = if shut && change.closure_note.is_some() { beside_closing(s, change) } else { change.clone() };
            s.ticket.is_some_and(|ticket| ticket_stands(&beside, ticket))
        }
        _ => false,
    };
    let over = s.operations.iter().filter(refused).filter(stands);
    over.map(|o| (o.id, "Its record says so by now, by another hand.".to_owned())).collect()
}

/// What was to be written beside a closing.
fn beside_closing(s: &Situation<'_>, change: &TicketChange) -> TicketChange {
    let mut change = TicketChange { status_id: None, closure_note: None, ..change.clone() };
    let verdict = s.policy.classification_field.as_ref();
    let verdict = verdict.and_then(|field| mapped::custom_id(s.catalogue, field).ok());
    change.custom_fields.retain(|(id, _)| verdict != Some(*id));
    change
}
