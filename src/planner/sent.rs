//! Changes of ours that were sent: what becomes of one by how its record stands, whether it arrived where no answer was
//! recorded, and what both sides agree on then.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::domain::{
    failure::Side,
    ids::OperationId,
    incident::{Incident, Severity},
    operation::{IncidentChange, Operation, OperationKind, OperationState},
    pair::Base,
    reason::Reason,
    text,
    ticket::{Ticket, TicketChange},
};

use super::{
    agreed, closing,
    fields::{
        mapped,
        owner::{self, UNASSIGNED},
        status,
    },
    mapping,
    notes::words,
    plan::displaced,
    situation::Situation,
};

/// A write that was given up, an hour or more after it was sent, may arrive, or show in a list, this much later: a reading
/// after that shows whether it ever arrived.
pub const ARRIVES_WITHIN: SignedDuration = SignedDuration::from_mins(15);

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
            || change.members.iter().any(|(name, _)| member_moved(known, current, name))
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

/// Whether a member was known and says another thing now, as far as both readings tell it.
fn member_moved(known: &Ticket, current: &Ticket, name: &str) -> bool {
    let placed = mapped::Placed::Member(name.to_owned(), Value::Null);
    let Some((said, now)) = placed.there(known).zip(placed.there(current)) else { return false };
    if agreed::BY_NAME.contains(&name) { !agreed::same_name(&said, &now) } else { said != now }
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
        && !change.labels_removed.iter().any(|name| incident.bears(name))
}

/// Whether a ticket is no more than a trace: what it says, whoever deleted it or merged it away may have said. A merge
/// closes the ticket that goes.
fn went_away(ticket: &Ticket) -> bool {
    ticket.deleted || ticket.merged_into.is_some()
}

/// Whether a ticket, read by its id, says all that a change of it asks for. One that was merged away says nothing of its
/// own.
pub fn ticket_stands(change: &TicketChange, ticket: &Ticket) -> bool {
    let placed = |placed: mapped::Placed| placed.there(ticket).is_some_and(|there| there == placed.text());
    let custom = |(id, value): &(i64, serde_json::Value)| placed(mapped::Placed::Custom(*id, value.clone()));
    let member =
        |(name, value): &(String, serde_json::Value)| placed(mapped::Placed::Member(name.clone(), value.clone()));
    let shown = ticket_shows(change, ticket) || *change == rest(change);
    !went_away(ticket) && shown && change.custom_fields.iter().all(custom) && change.members.iter().all(member)
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
        let key = incident.owner.key();
        let was_so = base.owner == key && !base.is_unsettled(owner::NAME, Side::Sentinel);
        base.agree_half(owner::NAME, Side::Sentinel);
        if !was_so {
            base.unsettled.insert(owner::NAME.to_owned(), Side::Halo);
        }
        base.owner = key;
    }
    if change.title.is_some() {
        base.title = Some(incident.title.clone());
    }
    agreed::with_labels(base, change, incident)
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
        let agent = |id: Option<i64>| id.filter(|id| *id > UNASSIGNED);
        let was_so = agent(base.agent_id) == agent(ticket.agent_id) && !base.is_unsettled(owner::NAME, Side::Halo);
        base.agree_half(owner::NAME, Side::Halo);
        if !was_so {
            base.unsettled.insert(owner::NAME.to_owned(), Side::Sentinel);
        }
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

/// What a ticket that was read tells of a change of it that was sent and has no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trace {
    /// It says what was asked for.
    Stands,
    /// It bears the words of our closing and is open: somebody opened it again since.
    OpenedAgain,
}

/// The trace of a change on a ticket that was read by its id. `known`: the ticket as it was known before this reading.
/// Whether the ticket counts as closed is told with it.
pub fn ticket_trace(
    change: &TicketChange,
    base: &Base,
    known: Option<&Ticket>,
    (current, closed): (&Ticket, bool),
) -> Option<Trace> {
    if ticket_stands(change, current) {
        return Some(Trace::Stands);
    }
    let note = words::letters(change.closure_note.as_deref()?);
    let says = |ticket: &Ticket| {
        ticket.closure_note.as_deref().is_some_and(|said| words::letters(&text::html_to_text(said)) == note)
    };
    // An earlier closing may have left the same words.
    let before =
        known.is_some_and(says) || base.own_closing.as_ref().is_some_and(|own| words::letters(&own.note) == note);
    let open = !closed && change.status_id.is_some_and(|wanted| current.status_id != Some(wanted));
    (open && !before && says(current) && !went_away(current)).then_some(Trace::OpenedAgain)
}

/// What both sides agree on by a trace that no plan sees, for the ticket belongs to another client by now, or does not say
/// any more what was written: our change arrived, and whatever else the ticket says is somebody's move. `at`: when it was
/// sent, as far as that is known.
pub fn ticket_traced(
    base: Base,
    change: &TicketChange,
    incident: &Incident,
    (ticket, closed): (&Ticket, bool),
    (trace, at): (Trace, Option<Timestamp>),
) -> Base {
    let mut base = match trace {
        Trace::Stands => ticket_arrived(base, change, incident, ticket, closed),
        Trace::OpenedAgain => {
            // Of what else was written with it nothing is known.
            let closing = TicketChange {
                status_id: change.status_id,
                closure_note: change.closure_note.clone(),
                custom_fields: change.custom_fields.clone(),
                ..TicketChange::default()
            };
            let then = Ticket {
                status_id: change.status_id,
                closed: true,
                custom_fields: Vec::new(),
                // Clocks may be apart: it was not closed after it was opened again.
                last_update: at.into_iter().chain(ticket.last_update).min(),
                ..ticket.clone()
            };
            ticket_arrived(base, &closing, incident, &then, true)
        }
    };
    // Nothing is planned that would agree on the incident's half, and a closing that it has told already is no move of its.
    if change.status_id.is_some() && base.ticket_closed && incident.closed() {
        base.incident_status = Some(incident.status.clone());
        base.agree(status::NAME);
    }
    base
}

/// What is agreed on where a ticket was seen at another client, and nothing tells whether our closing of it, or our opening
/// it again, arrived before. Somebody has had it in hand since, and may have undone just that: whose word is the newer one
/// nobody knows. `None`: nothing but what is known.
pub fn ticket_doubted(base: &Base, change: &TicketChange) -> Option<Base> {
    let closes_or_opens = change.closure_note.is_some() || base.ticket_closed;
    let unsettled = change.status_id.is_some_and(|wanted| base.status_id != Some(wanted));
    let new = !base.joined.contains(status::NAME);
    (closes_or_opens && unsettled && new).then(|| {
        let mut base = base.clone();
        base.joined.insert(status::NAME.to_owned());
        base
    })
}

/// What is agreed on where an open ticket bears the very words with which it is to be closed now, and nobody remembers
/// writing them: an old backup has forgotten that closing, or one from before that somebody undid. `None`: as planned.
pub fn ticket_closed_before(change: &TicketChange, base: &Base, current: (&Ticket, bool)) -> Option<Base> {
    let undone = ticket_trace(change, base, None, current) == Some(Trace::OpenedAgain);
    undone.then(|| ticket_doubted(base, change)).flatten()
}

/// Whether an operation was sent, or is just being sent, and nothing is known of what came of it.
pub fn unanswered(operation: &Operation, base: &Base) -> bool {
    match operation.state {
        // However often it was tried: who asks for it again begins to count anew.
        OperationState::Sending { .. } | OperationState::OutcomeUnknown { .. } => true,
        OperationState::Planned { .. } => operation.attempts > 0,
        _ => given_up(operation).is_some() && !base.unarrived.contains(&operation.id),
    }
}

/// When a change was given up for which nobody looks any more, and which may have arrived all the same.
fn given_up(operation: &Operation) -> Option<Timestamp> {
    let change = matches!(operation.kind, OperationKind::UpdateIncident { .. } | OperationKind::UpdateTicket { .. });
    match operation.state {
        OperationState::Dead { at, reason: Reason::OutcomeUnknown } if change => Some(at),
        _ => None,
    }
}

/// Changes that were given up and never arrived: their records were read well after that, and lacked them. What shows there
/// later is somebody's move.
fn unarrived(s: &Situation<'_>) -> BTreeSet<OperationId> {
    let known = &s.pair.base.unarrived;
    let past = |at: Timestamp, moment: Timestamp| moment.duration_since(at) >= ARRIVES_WITHIN;
    let never = |operation: &&Operation| {
        let Some(at) = given_up(operation) else { return false };
        // An incident that changes is listed, whatever cannot be read of it alone; a ticket's row may be left alone.
        let before = s.seen.sentinel.filter(|_| operation.kind.side() == Side::Sentinel);
        let lacked = || before.is_some_and(|seen| past(at, seen)) || past(at, s.now) && lacks(s, &operation.kind);
        // Of an incident whose workspace is another client's by now nothing is taken in.
        known.contains(&operation.id) || !displaced(s.client, s.pair) && lacked()
    };
    s.operations.iter().filter(never).map(|operation| operation.id).collect()
}

/// Whether this reading of a record lacks a change of it. A list row does not tell custom fields, and of a ticket at another
/// client nothing is read.
fn lacks(s: &Situation<'_>, kind: &OperationKind) -> bool {
    match kind {
        OperationKind::UpdateIncident { change } => {
            s.seen.sentinel.is_some() && !s.incident.redirected() && !incident_stands(change, s.incident)
        }
        OperationKind::UpdateTicket { change } => s.seen.halo.and(s.ticket).is_some_and(|ticket| {
            let by_id = ticket.raw.get("customfields").is_some_and(Value::is_array);
            let lacks = if *change == rest(change) {
                by_id && !ticket_stands(change, ticket)
            } else {
                !ticket_shows(change, ticket)
            };
            lacks && ticket.client_id == Some(s.pair.halo_client_id) && !went_away(ticket)
        }),
        _ => false,
    }
}

/// What a ticket shows of a change that was given up; `None`: nothing that tells of it. Read by its id it may tell a value in
/// another form, or Halo did not take it: what does not show of such a change is planned anew.
fn shown_late(change: &TicketChange, ticket: &Ticket) -> Option<TicketChange> {
    let by_id = ticket.raw.get("customfields").is_some_and(Value::is_array);
    let shows = by_id && !went_away(ticket) && ticket_shows(change, ticket);
    let custom = |(id, value): &(i64, Value)| {
        let written = mapped::plain(value);
        ticket.custom_field(*id).map_or(written.is_empty(), |field| closing::is_written(&field.value, &written))
    };
    let member = |(name, value): &(String, Value)| {
        let placed = mapped::Placed::Member(name.clone(), value.clone());
        placed.there(ticket).is_some_and(|there| there == placed.text())
    };
    (shows || ticket_stands(change, ticket)).then(|| {
        let mut shown = change.clone();
        shown.custom_fields.retain(custom);
        shown.members.retain(member);
        shown
    })
}

/// What is agreed on once a change of ours that was sent, and whose answer is not recorded, shows on its record: it is no
/// move of a person's. `None`: nothing but what is known.
pub(super) fn arrived(s: &Situation<'_>) -> Option<Base> {
    let mut base = Base { unarrived: unarrived(s), ..s.pair.base.clone() };
    let open: Vec<&Operation> = s.operations.iter().filter(|operation| unanswered(operation, &base)).collect();
    for operation in open {
        match &operation.kind {
            OperationKind::UpdateIncident { change } if incident_stands(change, s.incident) => {
                base = incident_landed(base, change, s.incident);
            }
            OperationKind::UpdateTicket { change } => {
                let Some(ticket) = s.ticket else { continue };
                let closed = mapping::ticket_closed(s.policy, s.catalogue, ticket);
                let late = shown_late(change, ticket).filter(|_| given_up(operation).is_some());
                if let Some(change) = late {
                    // No later look tells the rest of it.
                    base = ticket_arrived(base, &change, s.incident, ticket, closed);
                } else if ticket_shows(change, ticket) {
                    base = ticket_landed(base, change, ticket, closed);
                }
            }
            _ => {}
        }
    }
    (base != s.pair.base).then_some(base)
}

/// Dead letters of changes that show on their record after all, whoever made them: nothing is left to be asked about them.
pub(super) fn arrived_late(s: &Situation<'_>) -> Vec<(OperationId, String)> {
    let shows = |operation: &&Operation| match &operation.kind {
        OperationKind::UpdateIncident { change } => incident_stands(change, s.incident),
        // Of one that never arrived nothing is taken for ours: what else it asked for is planned anew if it is wanted.
        OperationKind::UpdateTicket { change } if s.pair.base.unarrived.contains(&operation.id) => {
            let shows = |ticket: &Ticket| ticket_shows(change, ticket) && !went_away(ticket);
            s.ticket.is_some_and(|ticket| shows(ticket) || ticket_stands(change, ticket))
        }
        OperationKind::UpdateTicket { change } => s.ticket.is_some_and(|ticket| shown_late(change, ticket).is_some()),
        _ => false,
    };
    let why = |operation: &Operation| {
        if s.pair.base.unarrived.contains(&operation.id) {
            "Its record says so by now, by another hand.".to_owned()
        } else {
            "It was carried out after all.".to_owned()
        }
    };
    let late = s.operations.iter().filter(|operation| given_up(operation).is_some()).filter(shows);
    late.map(|operation| (operation.id, why(operation))).collect()
}
