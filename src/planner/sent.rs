//! Changes of ours that were sent: what becomes of one by how its record stands, whether it arrived where no answer was
//! recorded, and what both sides agree on then.

use crate::domain::{
    incident::{Incident, Severity},
    operation::{IncidentChange, Operation, OperationKind, OperationState},
    pair::Base,
    ticket::{Ticket, TicketChange},
};

use super::{
    agreed,
    fields::{mapped, owner::UNASSIGNED},
    mapping,
    situation::Situation,
};

/// How a record stands just before a change of it is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// It says already what is to be written, and the change was sent before: it arrived.
    Arrived,
    /// It moved since the change was planned: plan anew.
    Moved,
    /// As it was known.
    AsKnown,
}

/// How an incident stands; `sent`: the change was sent before.
pub fn incident_found(change: &IncidentChange, sent: bool, known: &Incident, current: &Incident) -> Found {
    if sent && incident_stands(change, current) {
        return Found::Arrived;
    }
    let moved = change.status.is_some() && current.status != known.status
        || change.severity.is_some() && current.severity != known.severity
        || change.owner.is_some() && current.owner.key() != known.owner.key()
        || change.title.is_some() && current.title != known.title
        || change.verdict.is_some() && current.verdict() != known.verdict()
        || change.status.is_some() && beside_status(known) != beside_status(current)
        || current.redirected();
    if moved { Found::Moved } else { Found::AsKnown }
}

/// What else of an incident crosses: what was changed before a closing is no change after it, so it is planned before the
/// status is written.
fn beside_status(incident: &Incident) -> (&Severity, Option<String>, &str, Vec<&str>) {
    let labels = incident.labels.iter().map(|label| label.name.as_str()).collect();
    (&incident.severity, incident.owner.key(), &incident.title, labels)
}

/// How a ticket stands; `sent`: the change was sent before.
pub fn ticket_found(change: &TicketChange, sent: bool, known: Option<&Ticket>, current: &Ticket) -> Found {
    if sent && ticket_stands(change, current) {
        return Found::Arrived;
    }
    let moved = known.is_some_and(|known| {
        change.status_id.is_some() && current.status_id != known.status_id
            || change.priority_id.is_some() && current.priority_id != known.priority_id
            || change.agent_id.is_some() && current.agent_id != known.agent_id
            || change.summary.is_some() && current.summary != known.summary
            // As with an incident's status: what else an agent changed before is planned first.
            || change.status_id.is_some()
                && (current.priority_id, current.agent_id, &current.summary)
                    != (known.priority_id, known.agent_id, &known.summary)
            || change.custom_fields.iter().any(|(id, _)| field_moved(known, current, *id))
            || current.merged_into.is_some()
            || current.deleted
    });
    if moved { Found::Moved } else { Found::AsKnown }
}

/// Whether a custom field was known and says another thing now. Where nothing stood, a reading that tells none says nothing.
fn field_moved(known: &Ticket, current: &Ticket, id: i64) -> bool {
    let Some(said) = field(known, id) else { return false };
    field(current, id).map_or(!said.is_empty(), |now| now != said)
}

/// A custom field's value as it is compared; `None` when the reading does not have it.
fn field(ticket: &Ticket, id: i64) -> Option<String> {
    mapped::Placed::Custom(id, serde_json::Value::Null).there(ticket)
}

/// Whether an incident says all that a change of it asks for. One that was merged away says nothing of its own.
pub fn incident_stands(change: &IncidentChange, incident: &Incident) -> bool {
    let label = |wanted: &String| incident.labels.iter().any(|label| label.name == *wanted);
    let verdict = incident.verdict();
    !incident.redirected()
        && change.status.as_ref().is_none_or(|wanted| *wanted == incident.status)
        && change.severity.as_ref().is_none_or(|wanted| *wanted == incident.severity)
        && change.title.as_ref().is_none_or(|wanted| *wanted == incident.title)
        && change.owner.as_ref().is_none_or(|wanted| agreed::same(&incident.owner, wanted))
        && change.verdict.as_ref().is_none_or(|wanted| {
            verdict
                .as_ref()
                .is_some_and(|told| (&told.classification, &told.reason) == (&wanted.classification, &wanted.reason))
        })
        && change.labels_added.iter().all(label)
}

/// Whether a ticket, read by its id, says all that a change of it asks for.
pub fn ticket_stands(change: &TicketChange, ticket: &Ticket) -> bool {
    let placed = |placed: mapped::Placed| placed.there(ticket).is_some_and(|there| there == placed.text());
    let custom = |(id, value): &(i64, serde_json::Value)| placed(mapped::Placed::Custom(*id, value.clone()));
    let member =
        |(name, value): &(String, serde_json::Value)| placed(mapped::Placed::Member(name.clone(), value.clone()));
    let shown = ticket_shows(change, ticket) || *change == rest(change);
    !ticket.deleted && shown && change.custom_fields.iter().all(custom) && change.members.iter().all(member)
}

/// Whether any reading of a ticket says what a change of it asks for, as far as a list row tells: it has no custom fields.
fn ticket_shows(change: &TicketChange, ticket: &Ticket) -> bool {
    *change != rest(change)
        && change.status_id.is_none_or(|wanted| ticket.status_id == Some(wanted))
        && change.priority_id.is_none_or(|wanted| ticket.priority_id == Some(wanted))
        // Who is nobody's may be told without an agent.
        && change.agent_id.is_none_or(|wanted| ticket.agent_id.unwrap_or(UNASSIGNED) == wanted)
        && change.summary.as_ref().is_none_or(|wanted| ticket.summary == *wanted)
}

/// What a change asks for that a list row does not tell.
fn rest(change: &TicketChange) -> TicketChange {
    TicketChange { status_id: None, priority_id: None, agent_id: None, summary: None, ..change.clone() }
}

/// What both sides agree on after a change of an incident arrived whose answer was never recorded (it was lost, it was
/// refused as sent twice, the process ended): the incident's half is what we wrote, and nobody's move. The ticket's half
/// is not known: an agent may have gone on since, or back to what was agreed on before, and theirs is the newer word.
pub fn incident_landed(mut base: Base, change: &IncidentChange, incident: &Incident) -> Base {
    if change.status.is_some() {
        if base.incident_status.as_ref() != Some(&incident.status) {
            base.status_id = None;
        }
        base.incident_status = Some(incident.status.clone());
    }
    if change.severity.is_some() {
        if base.severity.as_ref() != Some(&incident.severity) {
            base.priority_id = None;
        }
        base.severity = Some(incident.severity.clone());
    }
    if change.owner.is_some() {
        base.owner = incident.owner.key();
    }
    if change.title.is_some() {
        base.title = Some(incident.title.clone());
    }
    base
}

/// The same after a change of a ticket.
pub fn ticket_landed(mut base: Base, change: &TicketChange, ticket: &Ticket, closed: bool) -> Base {
    if change.status_id.is_some() {
        // The incident may have been read before it went back to what was agreed on: its half is not known either way.
        if (base.status_id, base.ticket_closed) != (ticket.status_id, closed) {
            base.incident_status = None;
        }
        (base.status_id, base.ticket_closed) = (ticket.status_id, closed);
    }
    if change.priority_id.is_some() {
        if base.priority_id != ticket.priority_id {
            base.severity = None;
        }
        base.priority_id = ticket.priority_id;
    }
    if change.agent_id.is_some() {
        base.agent_id = ticket.agent_id;
    }
    if change.summary.is_some() {
        base.summary = Some(ticket.summary.clone());
    }
    base
}

/// As [`ticket_landed`], of a ticket that was read by its id to see whether the change arrived.
pub fn ticket_arrived(base: Base, change: &TicketChange, incident: &Incident, ticket: &Ticket, closed: bool) -> Base {
    let mut base = ticket_landed(base, change, ticket, closed);
    if change.status_id.is_some() {
        base.unsaid = agreed::unsaid(incident, change, ticket, closed);
        base.own_closing = agreed::own_closing(change, ticket).or(base.own_closing);
    }
    agreed::with_fields(base, change, ticket)
}

/// What is agreed on once a change of ours that was sent, and whose answer is not recorded, shows on its record: it is no
/// move of a person's. `None`: nothing but what is known.
pub(super) fn arrived(s: &Situation<'_>) -> Option<Base> {
    let sent = |o: &&Operation| o.state.open() && (o.attempts > 0 || matches!(o.state, OperationState::Sending { .. }));
    let mut base = s.pair.base.clone();
    for operation in s.operations.iter().filter(sent) {
        match &operation.kind {
            OperationKind::UpdateIncident { change } if incident_stands(change, s.incident) => {
                base = incident_landed(base, change, s.incident);
            }
            OperationKind::UpdateTicket { change } => {
                if let Some(ticket) = s.ticket.filter(|ticket| ticket_shows(change, ticket)) {
                    let closed = mapping::ticket_closed(s.policy, s.catalogue, ticket);
                    base = ticket_landed(base, change, ticket, closed);
                }
            }
            _ => {}
        }
    }
    (base != s.pair.base).then_some(base)
}
