//! What is sent, what becomes of it on the other side and what of its answer, as in `engine::execute`, `forth`, `back` and
//! `settle`.

use super::{
    super::scene::CLOSED,
    Pairing, Planted,
    memory::linked,
    state::{Before, Cloud, Desk, Fault, Flight, OURS, Part, Row, State, action},
    steps::{some_time, unknown},
};
use crate::{
    domain::{
        ids::{ActionKey, TicketId},
        incident::{Comment, Incident, IncidentStatus},
        operation::{IncidentChange, OperationKind, OperationState},
        pair::Base,
        reason::Reason,
        ticket::{CustomField, Ticket, TicketChange},
    },
    planner::{
        agreed, mapping, meanwhile, notes,
        observed::{Reading, found_note, moved_since},
        sent::{self, Found},
    },
};

impl Pairing {
    pub(super) fn send(&self, state: &mut State, of: usize) {
        let Some(mut row) = state.row(of).map(|row| Row::clone(row)) else { return };
        let Some(operation) = row.head().cloned() else { return };
        for queued in row.operations.iter_mut().filter(|queued| queued.id == operation.id) {
            queued.state = OperationState::Sending { since: some_time() };
            queued.attempts = 1;
        }
        let dead = |what: &str| {
            let reason = Reason::RecordGone { what: what.to_owned() };
            Some(OperationState::Dead { at: some_time(), reason })
        };
        let was_sent = operation.attempts > 0;
        let before = match &operation.kind {
            // Nobody pushes a ticket here.
            OperationKind::CreateIncident { .. } => return,
            OperationKind::CreateTicket { .. } | OperationKind::AddComment { .. } => Before::Nothing,
            OperationKind::AddNote { note, .. } => {
                let Some(desk) = state.desk_of(&row).map(|(_, desk)| Desk::clone(desk)) else { return };
                if desk.ticket.deleted {
                    let reading = Reading { ticket: Some(desk.ticket), unread: true, ..Reading::default() };
                    return self.over(state, of, row, dead("deleted"), reading);
                }
                let read = row.observed().notes_to_read(&desk.ticket).then(|| desk.actions.clone());
                let found = read.as_ref().or(row.actions.as_ref()).into_iter().flatten();
                let found = found.into_iter().find(|action| notes::carries(action, &note.reference)).cloned();
                if let Some(found) = found {
                    let kind = found_note(&operation.kind, &found, note);
                    note_made(&row.clone(), &mut row, &kind, found.key);
                    let reading = Reading { own_action: Some(found), unread: true, ..Reading::default() };
                    return self.over(state, of, row, None, reading);
                }
                Before::Ticket(Box::new(desk.ticket), read)
            }
            OperationKind::UpdateIncident { change } => {
                let cloud = Cloud::clone(&state.clouds[of]);
                if cloud.gone {
                    return self.over(state, of, row, dead("deleted"), Reading::default());
                }
                let (before, current) = (row.clone(), cloud.incident.clone());
                match sent::incident_found(change, was_sent, &row.incident, &current) {
                    Found::Arrived => {
                        let reading = incident_arrived(&before, &mut row, change, current);
                        return self.over(state, of, row, None, reading);
                    }
                    Found::Moved => {
                        let unseen = before.observed().edited_unseen(Some(&current));
                        let reading = before.observed().around_write(current, unseen);
                        return self.over(state, of, row, None, reading);
                    }
                    Found::AsKnown => {}
                }
                Before::Incident(Box::new(cloud.incident))
            }
            OperationKind::UpdateTicket { change } => {
                let Some((at, desk)) = state.desk_of(&row).map(|(at, desk)| (at, Desk::clone(desk))) else { return };
                let (before, current) = (row.clone(), desk.ticket);
                match sent::ticket_found(change, was_sent, row.ticket.as_ref(), &current) {
                    Found::Arrived => {
                        let reading = self.ticket_arrived(&before, &mut row, change, current);
                        return self.over(state, of, row, None, reading);
                    }
                    Found::Moved => {
                        let reading = before.observed().ticket_around_write(&current.clone(), current);
                        return self.over(state, of, row, None, reading);
                    }
                    Found::AsKnown => {}
                }
                let moved = moved_since(row.ticket.as_ref(), &current);
                // An agent closed the ticket that this one was made in place of.
                let follows = state.wanted.ticket_closed && !before.pair.base.replaced.is_empty();
                if change.status_id == Some(CLOSED) && !state.wanted.closed[of] && !follows {
                    state.fault = Some(Fault::ClosedByMerge);
                }
                state.tick += 1;
                state.change_desk(at, |desk, _| change_ticket(&mut desk.ticket, change));
                Before::Answer(Box::new(state.desks[at].ticket.clone()), moved)
            }
        };
        let row = Part::new(row);
        state.rows[of] = Some(row.clone());
        state.flights.push(Part::new(Flight { of, heard: true, operation, row, before }));
    }

    /// Nobody hears what became of a write.
    pub(super) fn unheard(&self, state: &mut State, flight: &Flight) {
        let of = flight.of;
        let Some(row) = state.row(of).map(|row| Row::clone(row)) else { return };
        let cloud = Cloud::clone(&state.clouds[of]);
        match &flight.operation.kind {
            OperationKind::CreateTicket { .. } | OperationKind::AddNote { .. } => {
                self.over(state, of, row, Some(unknown()), Reading::default());
            }
            OperationKind::AddComment { .. } | OperationKind::CreateIncident { .. } => {
                let again = OperationState::Planned { ready: some_time() };
                self.over(state, of, row, Some(again), Reading::default());
            }
            OperationKind::UpdateIncident { .. } if cloud.gone => {
                let again = OperationState::Planned { ready: some_time() };
                self.over(state, of, row, Some(again), Reading::default());
            }
            OperationKind::UpdateIncident { change } => {
                let mut row = row;
                let reading =
                    after_put(flight, &mut row, change, cloud.incident, |now| sent::incident_stands(change, now));
                self.over(state, of, row, None, reading);
            }
            OperationKind::UpdateTicket { change } => {
                let mut row = row;
                let Some(ticket) = state.desk_of(&row).map(|(_, desk)| desk.ticket.clone()) else { return };
                let reading = if sent::ticket_stands(change, &ticket) {
                    self.ticket_arrived(&flight.row, &mut row, change, ticket)
                } else {
                    flight.row.observed().ticket_around_write(&ticket.clone(), ticket)
                };
                self.over(state, of, row, None, reading);
            }
        }
    }

    /// As `engine::forth::arrived`.
    fn ticket_arrived(&self, sent: &Row, row: &mut Row, change: &TicketChange, current: Ticket) -> Reading {
        let closed = mapping::ticket_closed(&self.scene.policy, &self.scene.catalogue, &current);
        learnt(sent, row, sent::ticket_arrived(sent.pair.base.clone(), change, &sent.incident, &current, closed));
        sent.observed().ticket_around_write(&current.clone(), current)
    }

    /// A write is carried out. Gives what the answer tells: the ticket or action made, or whether the incident was changed.
    pub(super) fn carry_out(&self, state: &mut State, flight: &Flight) -> Answer {
        let of = flight.of;
        state.tick += 1;
        match &flight.operation.kind {
            OperationKind::CreateTicket { draft, .. } => {
                let id = TicketId(70 + i64::try_from(state.desks.len()).unwrap_or(0));
                let now = state.now();
                let ticket = Ticket {
                    id,
                    summary: draft.summary.clone(),
                    status_id: draft.status_id,
                    priority_id: draft.priority_id,
                    agent_id: draft.agent_id.or(Some(1)),
                    closed: false,
                    custom_fields: Vec::new(),
                    last_update: Some(now),
                    last_action: Some(now),
                    ..self.scene.ticket.clone().expect("the scene has a ticket")
                };
                let reference = draft.reference.clone();
                if state.desks.iter().any(|desk| desk.of == of && !desk.ticket.deleted) {
                    state.fault = Some(Fault::TwoTickets);
                }
                state.desks.push(Part::new(Desk { ticket: ticket.clone(), actions: Vec::new(), of, reference }));
                Answer::Ticket(Box::new(ticket))
            }
            OperationKind::AddNote { comment, note, .. } => {
                let there = state.row(of).and_then(|row| state.desk_of(row)).map(|(at, _)| at);
                let Some(at) = there.filter(|at| !state.desks[*at].ticket.deleted) else { return Answer::Gone };
                // The copy of a merged incident's comment goes on to the survivor's ticket, which lacks its words.
                let copy = |c: &Comment| c.message.starts_with("Comment on merged incident");
                if let Some(comment) = comment
                    && uuid::Uuid::parse_str(comment.as_str()).is_ok_and(|id| id.get_version_num() == 5)
                    && !state.clouds[of].comments.iter().any(|there| there.id == *comment && copy(there))
                {
                    state.fault = Some(Fault::Echo);
                }
                if state.desks[at].actions.iter().any(|action| notes::carries(action, &note.reference)) {
                    state.fault = Some(Fault::SaidTwice);
                }
                let mut made = None;
                state.change_desk(at, |desk, now| {
                    let number = desk.actions.iter().map(|action| action.key.action).max().unwrap_or(0) + 1;
                    let own = action(desk.ticket.id, number, OURS, now, note.html.clone());
                    desk.actions.push(own.clone());
                    made = Some(own);
                });
                made.map_or(Answer::Gone, |made| Answer::Action(Box::new(made)))
            }
            OperationKind::AddComment { comment, carries, message } => {
                if state.clouds[of].gone {
                    return Answer::Gone;
                }
                let own = |key: &ActionKey| {
                    let ticket = state.desks.iter().find(|desk| desk.ticket.id == key.ticket);
                    let action =
                        ticket.and_then(|desk| desk.actions.iter().find(|a| a.key.action == key.action % 1_000));
                    action.is_some_and(|action| action.agent_id == Some(OURS))
                };
                // The copy of a merged incident's comment names the note that carries it.
                let copy = flight.operation.reason == Reason::Merged;
                if !copy && carries.iter().any(|carried| own(&carried.action)) {
                    state.fault = Some(Fault::Echo);
                }
                state.change_cloud(of, |cloud, now| match cloud.comments.iter_mut().find(|c| c.id == *comment) {
                    Some(there) => {
                        there.message.clone_from(message);
                        there.modified = Some(now);
                    }
                    None => cloud.comments.push(Comment::own(comment.clone(), message, now)),
                });
                Answer::Done
            }
            OperationKind::UpdateIncident { change } => {
                let Before::Incident(before) = &flight.before else { return Answer::Gone };
                if state.clouds[of].gone {
                    return Answer::Gone;
                }
                let same = state.clouds[of].incident == **before;
                if !same && self.planted != Some(Planted::NoEtag) {
                    return Answer::Conflict;
                }
                state.change_cloud(of, |cloud, _| {
                    if !same {
                        // Without a version the whole of what was read is written over.
                        cloud.incident.severity = before.severity.clone();
                        cloud.incident.status = before.status.clone();
                        cloud.incident.labels.clone_from(&before.labels);
                    }
                    change_incident(&mut cloud.incident, change);
                });
                Answer::Done
            }
            OperationKind::UpdateTicket { .. } | OperationKind::CreateIncident { .. } => Answer::Done,
        }
    }

    pub(super) fn arrive(&self, state: &mut State, at: usize, twice: bool) {
        let flight = Flight::clone(&state.flights.remove(at));
        let of = flight.of;
        let mut answer = self.carry_out(state, &flight);
        if twice {
            answer = self.carry_out(state, &flight);
        }
        if !flight.heard {
            return;
        }
        let Some(mut row) = state.row(of).map(|row| Row::clone(row)) else { return };
        let forgets = self.planted == Some(Planted::AgreedForgotten);
        // What is agreed on then goes by what was known when it was sent.
        let sent = flight.row.clone();
        let mut reading = Reading::default();
        let mut next = None;
        match (&flight.operation.kind, answer) {
            (_, Answer::Gone) => {
                let reason = Reason::RecordGone { what: "It does not exist any more.".into() };
                next = Some(OperationState::Dead { at: some_time(), reason });
            }
            (OperationKind::CreateTicket { draft, .. }, Answer::Ticket(ticket)) => {
                let mut base = agreed::with_answer(sent.pair.base.clone(), draft, &ticket, None);
                if row.pair.ticket.is_none() {
                    base = meanwhile::merged(&sent.pair.base, &base, &row.pair.base);
                }
                linked(&mut row, &ticket, base);
                reading.actions = Some(Vec::new());
                reading.ticket = Some(*ticket);
            }
            (kind @ OperationKind::AddNote { .. }, Answer::Action(made)) => {
                note_made(&sent, &mut row, kind, made.key);
                if let Before::Ticket(current, read) = flight.before {
                    reading = sent.observed().around_note(*current, read, *made);
                }
            }
            (OperationKind::AddComment { comment, carries, message }, _) => {
                for carried in carries {
                    carried.link(row.pair.id, comment).keep(&mut row.links);
                }
                reading.own_comment = carries.is_empty().then(|| Comment::own(comment.clone(), message, state.now()));
            }
            (OperationKind::UpdateIncident { change }, Answer::Conflict) => {
                let now = state.clouds[of].incident.clone();
                let moved = |now: &Incident, before: &Incident| now.etag != before.etag;
                let ours = |now: &Incident| {
                    matches!(&flight.before, Before::Incident(before) if moved(now, before))
                        && sent::incident_stands(change, now)
                };
                reading = after_put(&flight, &mut row, change, now, ours);
            }
            (OperationKind::UpdateIncident { change }, _) => {
                let answer = state.clouds[of].incident.clone();
                if let Some(ticket) = sent.ticket.as_ref().filter(|_| !forgets) {
                    let told = agreed::after_incident(sent.pair.base.clone(), ticket, change, &answer);
                    learnt(&sent, &mut row, told);
                }
                reading = after_put(&flight, &mut row, change, answer, |_| false);
            }
            (OperationKind::UpdateTicket { change }, _) => {
                if let Before::Answer(ticket, unread) = flight.before {
                    let closed = mapping::ticket_closed(&self.scene.policy, &self.scene.catalogue, &ticket);
                    if !forgets {
                        let base = sent.pair.base.clone();
                        let told = agreed::after_ticket(base, &sent.incident, change, &ticket, closed);
                        learnt(&sent, &mut row, told);
                    }
                    reading = Reading { ticket: Some(*ticket), unread, ..Reading::default() };
                }
            }
            _ => {}
        }
        self.over(state, of, row, next, reading);
    }

    pub(super) fn look(&self, state: &mut State, of: usize) {
        let Some(mut row) = state.row(of).map(|row| Row::clone(row)) else { return };
        let Some(operation) = row.head().cloned() else { return };
        // It is taken for the one being sent, which it was.
        for queued in row.operations.iter_mut().filter(|queued| queued.id == operation.id) {
            queued.state = OperationState::Sending { since: some_time() };
        }
        let again = Some(OperationState::Planned { ready: some_time() });
        match &operation.kind {
            OperationKind::CreateTicket { draft, .. } => {
                let found = |desk: &&Part<Desk>| desk.reference == draft.reference && !desk.ticket.deleted;
                let Some(ticket) = state.desks.iter().find(found).map(|desk| desk.ticket.clone()) else {
                    return self.over(state, of, row, again, Reading::default());
                };
                let base = agreed::with_settled(row.pair.base.clone(), draft, &ticket);
                linked(&mut row, &ticket, base);
                self.over(state, of, row, None, Reading { ticket: Some(ticket), ..Reading::default() });
            }
            OperationKind::AddNote { note, .. } => {
                let desk = state.desk_of(&row).map(|(_, desk)| Desk::clone(desk)).filter(|desk| !desk.ticket.deleted);
                let actions = desk.into_iter().flat_map(|desk| desk.actions);
                let Some(found) = actions.into_iter().find(|action| notes::carries(action, &note.reference)) else {
                    return self.over(state, of, row, again, Reading::default());
                };
                note_made(&row.clone(), &mut row, &operation.kind, found.key);
                let reading = Reading { own_action: Some(found), unread: true, ..Reading::default() };
                self.over(state, of, row, None, reading);
            }
            OperationKind::UpdateIncident { change } => {
                let current = state.clouds[of].incident.clone();
                if state.clouds[of].gone || !sent::incident_stands(change, &current) {
                    return self.over(state, of, row, again, Reading::default());
                }
                let reading = incident_arrived(&row.clone(), &mut row, change, current);
                self.over(state, of, row, None, reading);
            }
            OperationKind::UpdateTicket { change } => {
                let current = state.desk_of(&row).map(|(_, desk)| desk.ticket.clone());
                let Some(current) = current.filter(|ticket| sent::ticket_stands(change, ticket)) else {
                    return self.over(state, of, row, again, Reading::default());
                };
                let reading = self.ticket_arrived(&row.clone(), &mut row, change, current);
                self.over(state, of, row, None, reading);
            }
            OperationKind::AddComment { .. } | OperationKind::CreateIncident { .. } => {
                self.over(state, of, row, again, Reading::default());
            }
        }
    }
}

/// As `engine::digest`: what was learnt while a write was under way stays.
fn learnt(sent: &Row, row: &mut Row, told: Base) {
    row.pair.base = meanwhile::merged(&sent.pair.base, &told, &row.pair.base);
}

/// As `engine::back::arrived`.
fn incident_arrived(sent: &Row, row: &mut Row, change: &IncidentChange, current: Incident) -> Reading {
    let base = sent.pair.base.clone();
    learnt(sent, row, sent::incident_landed(base, change, &current));
    let unseen = sent.observed().edited_unseen(None);
    sent.observed().around_write(current, unseen)
}

/// What is known of an incident after a change of it: `now` as it was answered, or read where no answer told.
fn after_put(
    flight: &Flight,
    row: &mut Row,
    change: &IncidentChange,
    now: Incident,
    arrived: impl Fn(&Incident) -> bool,
) -> Reading {
    let sent = &flight.row;
    if arrived(&now) {
        return incident_arrived(sent, row, change, now);
    }
    let before = if let Before::Incident(before) = &flight.before { Some(before.as_ref()) } else { None };
    let unseen = sent.observed().edited_unseen(before);
    sent.observed().around_write(now, unseen)
}

/// As `engine::forth::note_made`.
fn note_made(sent: &Row, row: &mut Row, kind: &OperationKind, key: ActionKey) {
    if let Some(link) = sent.observed().note_link(row.pair.id, kind, key) {
        link.keep(&mut row.links);
    }
}

pub(super) enum Answer {
    Ticket(Box<Ticket>),
    Action(Box<crate::domain::ticket::Action>),
    Done,
    Conflict,
    Gone,
}

pub(super) fn change_ticket(ticket: &mut Ticket, change: &TicketChange) {
    if let Some(status) = change.status_id {
        ticket.status_id = Some(status);
        ticket.closed = status == CLOSED;
    }
    ticket.priority_id = change.priority_id.or(ticket.priority_id);
    ticket.agent_id = change.agent_id.or(ticket.agent_id);
    if change.closure_note.is_some() {
        ticket.closure_note.clone_from(&change.closure_note);
    }
    for (id, value) in &change.custom_fields {
        ticket.custom_fields.retain(|field| field.id != *id);
        let field = CustomField { id: *id, name: "CFClass".into(), value: value.clone(), display: None };
        ticket.custom_fields.push(field);
    }
}

pub(super) fn change_incident(incident: &mut Incident, change: &IncidentChange) {
    if let Some(status) = &change.status {
        incident.status = status.clone();
        let verdict = change.verdict.clone().filter(|_| *status == IncidentStatus::Closed);
        incident.classification = verdict.as_ref().map(|verdict| verdict.classification.clone());
        incident.classification_reason = verdict.as_ref().and_then(|verdict| verdict.reason.clone());
        incident.classification_comment = verdict.and_then(|verdict| verdict.comment);
    }
    if let Some(severity) = &change.severity {
        incident.severity = severity.clone();
    }
}
