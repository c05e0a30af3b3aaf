//! What the product does, one recorded step at a time, and what the wire does to it. What follows from a reading and a
//! write is as in `engine::digest`, `forth`, `back` and `settle`; what is to be written says the planner.

use uuid::Uuid;

use super::{
    super::scene::{CLOSED, at},
    Pairing, Planted, Second,
    people::Deed,
    state::{
        Before, Cloud, Desk, Fault, Flight, OURS, Part, Reading, Row, State, Wanted, action, incident, pair, pair_id,
    },
};
use crate::{
    domain::{
        failure::Side,
        ids::{ActionKey, TicketId},
        incident::{Comment, Incident, IncidentStatus, Severity},
        merge::{Merge, MergedFrom},
        operation::{IncidentChange, Operation, OperationKind, OperationState},
        pair::{Base, NoteLink},
        reason::Reason,
        ticket::{CustomField, Ticket, TicketChange},
    },
    planner::{Plan, Situation, agreed, gate, mapping, merges, notes, plan, situation::Seen},
};

/// One step of the whole.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Step {
    /// A person does something.
    Person((Deed, usize)),
    /// An incident and its comments are read.
    ReadIncident(usize),
    /// A pair's ticket and its notes are read.
    ReadTicket(usize),
    /// A pair's next write is sent.
    Send(usize),
    /// A write whose outcome is unknown is looked for.
    Look(usize),
    /// A write arrives, and its answer.
    Arrive(usize),
    /// A write arrives, its answer does not.
    AnswerLost(usize),
    /// A write does not arrive.
    WriteLost(usize),
    /// A write arrives twice; the second answer is heard.
    Twice(usize),
    /// The process dies and starts again.
    Crash,
    /// What is read now arrives a second time, later.
    Keep(usize, Side),
    /// It does.
    Again,
}

/// A moment that does not matter.
fn some_time() -> jiff::Timestamp {
    at("2026-03-01T12:00:00Z")
}

fn unknown() -> OperationState {
    OperationState::OutcomeUnknown { since: some_time(), look: some_time(), looks: 0 }
}

impl Pairing {
    /// The first state: nothing is linked, but for a second incident that has its ticket.
    pub fn begin(&self) -> State {
        let mut state = State {
            clock: 0,
            tick: 0,
            clouds: Vec::new(),
            desks: Vec::new(),
            rows: [None, None],
            flights: Vec::new(),
            kept: None,
            left: self.left,
            wanted: Wanted {
                severity: [Some(Severity::Medium), None],
                status: [Some(IncidentStatus::New), None],
                ..Wanted::default()
            },
            fault: None,
        };
        let mut add = |number, held| {
            let cloud = Cloud { incident: incident(number, &self.scene, held), comments: Vec::new(), gone: false };
            state.clouds.push(Part::new(cloud));
            state.change_cloud(number, |_, _| {});
        };
        add(0, false);
        match self.second {
            Second::None => {}
            Second::Held => add(1, true),
            Second::Linked => {
                add(1, false);
                state = self.at_rest(&state, |step| !matches!(step, Step::ReadIncident(0))).expect("it comes to rest");
            }
        }
        state
    }

    /// Steps of the product and of an undisturbed wire.
    pub fn machine(&self, state: &State) -> Vec<Step> {
        let mut steps = Vec::new();
        for (of, cloud) in state.clouds.iter().enumerate() {
            let due = match state.row(of) {
                Some(row) if cloud.gone => row.pair.gone.is_none(),
                Some(row) => row.incident != cloud.incident || row.comments != cloud.comments,
                None => !cloud.gone && self.gate(&cloud.incident),
            };
            if due {
                steps.push(Step::ReadIncident(of));
            }
        }
        for of in 0..state.rows.len() {
            let Some(row) = state.row(of) else { continue };
            if let Some((_, desk)) = state.desk_of(row) {
                let due = if desk.ticket.deleted {
                    row.pair.gone != Some(Side::Halo)
                } else {
                    row.ticket.as_ref() != Some(&desk.ticket) || row.actions.as_ref() != Some(&desk.actions)
                };
                if due {
                    steps.push(Step::ReadTicket(of));
                }
            }
            match row.head().map(|operation| &operation.state) {
                Some(OperationState::Planned { .. }) => steps.push(Step::Send(of)),
                // Looks are spread over longer than a write may be on its way.
                Some(OperationState::OutcomeUnknown { .. })
                    if state.flights.iter().all(|flight| flight.of != of)
                        || self.planted == Some(Planted::RetriedBlindly) =>
                {
                    steps.push(Step::Look(of));
                }
                _ => {}
            }
        }
        steps.extend((0..state.flights.len()).map(Step::Arrive));
        steps.extend(state.kept.as_ref().map(|_| Step::Again));
        steps
    }

    /// What goes wrong.
    pub fn faults(&self, state: &State) -> Vec<Step> {
        let mut steps = Vec::new();
        for (at, flight) in state.flights.iter().enumerate() {
            let incident = matches!(flight.operation.kind, OperationKind::UpdateIncident { .. });
            if flight.heard && state.left.losses > 0 {
                steps.push(Step::AnswerLost(at));
            }
            // Carried out when it was sent.
            let done = matches!(flight.before, Before::Answer(..));
            if (!flight.heard || state.left.losses > 0) && !done {
                steps.push(Step::WriteLost(at));
            }
            if flight.heard && state.left.doubles > 0 && incident {
                steps.push(Step::Twice(at));
            }
        }
        if state.left.crashes > 0 && state.flights.iter().any(|flight| flight.heard) {
            steps.push(Step::Crash);
        }
        if state.left.doubles > 0 && state.kept.is_none() {
            for step in self.machine(state) {
                match step {
                    Step::ReadIncident(of) if state.row(of).is_some() && !state.clouds[of].gone => {
                        steps.push(Step::Keep(of, Side::Sentinel));
                    }
                    Step::ReadTicket(of) => steps.push(Step::Keep(of, Side::Halo)),
                    _ => {}
                }
            }
        }
        steps
    }

    fn gate(&self, incident: &Incident) -> bool {
        let s = &self.scene;
        gate::ask(&s.workspace, &s.client, &s.policy, Some(&s.catalogue), incident).is_ok()
    }

    /// Lives on without faults and people, with those steps alone, until nothing is left to do; `None` if that never comes.
    pub fn at_rest(&self, state: &State, among: impl Fn(&Step) -> bool) -> Option<State> {
        let mut state = state.clone();
        for _ in 0..80 {
            let Some(step) = self.machine(&state).into_iter().find(&among) else { return Some(state) };
            state = self.after(&state, step)?;
        }
        None
    }

    /// Whether it comes to rest from here without faults and people. A way that leads to where this is known is not
    /// gone on with.
    pub fn falls_silent(&self, state: &State) -> bool {
        let (mut state, mut way) = (state.clone(), Vec::new());
        for _ in 0..80 {
            let mut hasher = std::hash::DefaultHasher::new();
            std::hash::Hash::hash(&state, &mut hasher);
            let print = std::hash::Hasher::finish(&hasher);
            let known = self.silent.lock().is_ok_and(|silent| silent.contains(&print));
            let step = self.machine(&state).into_iter().next().filter(|_| !known);
            way.push(print);
            let Some(step) = step else {
                return self.silent.lock().is_ok_and(|mut silent| {
                    silent.extend(way);
                    true
                });
            };
            let Some(next) = self.after(&state, step) else { return false };
            state = next;
        }
        false
    }

    /// Whether the product has nothing to do.
    pub fn rests(&self, state: &State) -> bool {
        self.machine(state).is_empty()
    }

    /// The state after a step; `None` when it changes nothing.
    pub fn after(&self, before: &State, step: Step) -> Option<State> {
        let mut state = before.clone();
        match step {
            Step::Person((deed, of)) => self.act(&mut state, deed, of),
            Step::ReadIncident(of) => self.read_incident(&mut state, of),
            Step::ReadTicket(of) => self.read_ticket(&mut state, of),
            Step::Send(of) => self.send(&mut state, of),
            Step::Look(of) => self.look(&mut state, of),
            Step::Arrive(at) => self.arrive(&mut state, at, false),
            Step::AnswerLost(at) => {
                state.left.losses -= 1;
                let flight = Flight::clone(&state.flights.remove(at));
                self.carry_out(&mut state, &flight);
                self.unheard(&mut state, &flight);
            }
            Step::WriteLost(at) => {
                let flight = Flight::clone(&state.flights.remove(at));
                if flight.heard {
                    state.left.losses -= 1;
                    self.unheard(&mut state, &flight);
                }
            }
            Step::Twice(at) => {
                state.left.doubles -= 1;
                self.arrive(&mut state, at, true);
            }
            Step::Crash => {
                state.left.crashes -= 1;
                for flight in &mut state.flights {
                    *flight = Part::new(Flight { heard: false, ..Flight::clone(flight) });
                }
                for of in 0..state.rows.len() {
                    let Some(mut row) = state.row(of).map(|row| Row::clone(row)) else { continue };
                    if let Some(operation) = row.sending() {
                        operation.state = unknown();
                        self.record(&mut state, of, row, Reading::default());
                    }
                }
            }
            Step::Keep(of, side) => {
                state.left.doubles -= 1;
                let reading = match side {
                    Side::Sentinel => of_cloud(&state.clouds[of]),
                    Side::Halo => {
                        let desk = state.row(of).and_then(|row| state.desk_of(row)).map(|(_, desk)| Desk::clone(desk));
                        desk.filter(|desk| !desk.ticket.deleted).as_ref().map(of_desk)?
                    }
                };
                state.kept = Some((of, Part::new(reading)));
                match side {
                    Side::Sentinel => self.read_incident(&mut state, of),
                    Side::Halo => self.read_ticket(&mut state, of),
                }
            }
            Step::Again => {
                let (of, reading) = state.kept.take()?;
                let row = Row::clone(state.row(of)?);
                self.record(&mut state, of, row, Reading::clone(&reading));
            }
        }
        (state != *before).then_some(state)
    }

    fn read_incident(&self, state: &mut State, of: usize) {
        let cloud = Cloud::clone(&state.clouds[of]);
        match state.row(of).map(|row| Row::clone(row)) {
            Some(mut row) if cloud.gone => {
                row.pair.gone = Some(Side::Sentinel);
                self.record(state, of, row, Reading::default());
            }
            Some(row) => self.record(state, of, row, of_cloud(&cloud)),
            None => {
                let pair = pair(of, &self.scene, &cloud.incident);
                let row = Row {
                    pair,
                    incident: cloud.incident,
                    comments: cloud.comments,
                    ticket: None,
                    actions: None,
                    links: Vec::new(),
                    operations: Vec::new(),
                };
                self.record(state, of, row, Reading::default());
            }
        }
    }

    fn read_ticket(&self, state: &mut State, of: usize) {
        let Some(mut row) = state.row(of).map(|row| Row::clone(row)) else { return };
        let Some(desk) = state.desk_of(&row).map(|(_, desk)| Desk::clone(desk)) else { return };
        if desk.ticket.deleted {
            row.pair.gone = Some(Side::Halo);
            return self.record(state, of, row, Reading::default());
        }
        self.record(state, of, row, of_desk(&desk));
    }

    /// Observe, plan, commit.
    fn record(&self, state: &mut State, of: usize, mut row: Row, reading: Reading) {
        let reading = if self.planted == Some(Planted::LateReadings) { reading } else { in_time(&row, reading) };
        let seen = Seen {
            sentinel: reading.incident.as_ref().and(row.incident.modified),
            halo: reading.ticket.as_ref().and(row.ticket.as_ref()).and_then(|known| known.last_update),
        };
        news(&mut row, reading);
        // Operations that are over leave the queue.
        row.operations.retain(|operation| operation.state.stands());
        let other = 1 - of;
        let mut concerned = false;
        let mut merge = Merge::None;
        if of == 0 && row.incident.redirected() && row.pair.ticket.is_some() {
            let survivor = &state.clouds[1].incident;
            merge = Merge::Into(merges::survivor_of(survivor, state.row(1).map(|row| &row.pair)));
            concerned = row.pair.survivor.is_none();
            row.pair.survivor = Some(survivor.id.clone());
        }
        let merged = match state.row(other) {
            Some(from) if of == 1 && from.pair.survivor.is_some() => vec![MergedFrom {
                incident: from.pair.incident.clone(),
                name: from.incident.name(),
                ticket: from.pair.ticket,
                comments: from.comments.clone(),
                links: from.links.clone(),
            }],
            _ => Vec::new(),
        };
        row.pair.merged |= !merged.is_empty();
        let planned = self.plan(state, &row, &merge, &merged, seen);
        row.operations.retain(|operation| planned.void.iter().all(|(void, _)| *void != operation.id));
        for link in planned.links {
            keep_link(&mut row.links, link);
        }
        if let Some(base) = planned.base {
            row.pair.base = base;
        }
        for one in planned.operations {
            row.operations.push(Operation {
                id: crate::domain::ids::OperationId(Uuid::nil()),
                client: row.pair.client,
                pair: row.pair.id,
                position: 0,
                kind: one.kind,
                reason: one.reason,
                state: OperationState::Planned { ready: some_time() },
                attempts: 0,
                last_failure: None,
                planned: some_time(),
            });
        }
        row.number();
        let state_of_pair = planned.state;
        (row.pair.sync, row.pair.health, row.pair.reason) =
            (state_of_pair.sync, state_of_pair.health, state_of_pair.reason);
        let follows = planned.follow.is_some() && state.row(1).is_none() && row.ticket.is_some();
        let follower = follows.then(|| self.follower(state, &row, &merge));
        state.rows[of] = Some(Part::new(row));
        if let Some(follower) = follower.flatten() {
            self.record(state, 1, follower, Reading::default());
            // The survivor has a pair now.
            let row = state.row(of).map(|row| Row::clone(row));
            if let Some(row) = row {
                self.record(state, of, row, Reading::default());
            }
        } else if concerned && let Some(row) = state.row(other).map(|row| Row::clone(row)) {
            self.record(state, other, row, Reading::default());
        }
    }

    fn plan(&self, state: &State, row: &Row, merge: &Merge, merged: &[MergedFrom], seen: Seen) -> Plan {
        self.with_situation(state, row, merge, merged, seen, plan)
    }

    fn with_situation<T>(
        &self,
        state: &State,
        row: &Row,
        merge: &Merge,
        merged: &[MergedFrom],
        seen: Seen,
        f: impl FnOnce(&Situation<'_>) -> T,
    ) -> T {
        let s = &self.scene;
        let mut incident = row.incident.clone();
        let mut actions = row.actions.clone();
        let mut comments = row.comments.clone();
        let mut operations = row.operations.as_slice();
        let mut links = row.links.as_slice();
        match self.planted {
            Some(Planted::MergeIsClosure) => incident.labels.clear(),
            Some(Planted::QueueForgotten) => operations = &[],
            Some(Planted::OwnWordsForeign) => {
                links = &[];
                for action in actions.iter_mut().flatten().filter(|action| action.agent_id == Some(OURS)) {
                    action.agent_id = Some(5);
                    action.key.action += 1_000;
                    let html = action.note_html.take().map(|html| html.replace("HB-", "HX-"));
                    action.note_html = html;
                }
                for comment in comments.iter_mut().filter(|comment| comment.author.is_none()) {
                    comment.author = Some("Somebody".into());
                }
            }
            _ => {}
        }
        f(&Situation {
            now: state.now(),
            halo_tenant: "msp",
            ticket_url: None,
            workspace: &s.workspace,
            client: &s.client,
            policy: &s.policy,
            catalogue: &s.catalogue,
            pair: &row.pair,
            incident: &incident,
            ticket: row.ticket.as_ref(),
            comments: Some(&comments),
            actions: actions.as_deref(),
            evidence: None,
            links,
            operations,
            merge,
            merged,
            mates: &[],
            seen,
        })
    }

    /// The pair of the incident that the ticket goes on with.
    fn follower(&self, state: &State, row: &Row, merge: &Merge) -> Option<Row> {
        let survivor = state.clouds[1].incident.clone();
        let ticket = row.ticket.clone()?;
        let base = self.with_situation(state, row, merge, &[], Seen::default(), |s| {
            merges::base_of_survivor(s, &ticket, &survivor)
        });
        let pair = crate::domain::pair::Pair {
            id: pair_id(1),
            ticket: row.pair.ticket,
            base,
            merged: true,
            ..pair(1, &self.scene, &survivor)
        };
        Some(Row {
            pair,
            incident: survivor,
            comments: state.clouds[1].comments.clone(),
            ticket: Some(ticket),
            actions: row.actions.clone(),
            links: Vec::new(),
            operations: Vec::new(),
        })
    }

    /// Ends the write that is being sent.
    fn over(&self, state: &mut State, of: usize, mut row: Row, become_: Option<OperationState>, reading: Reading) {
        if let Some(at) = row.operations.iter().position(|o| matches!(o.state, OperationState::Sending { .. })) {
            match become_ {
                Some(next) => row.operations[at].state = next,
                None => drop(row.operations.remove(at)),
            }
        }
        self.record(state, of, row, reading);
    }

    fn send(&self, state: &mut State, of: usize) {
        let Some(mut row) = state.row(of).map(|row| Row::clone(row)) else { return };
        let Some(operation) = row.head().cloned() else { return };
        for queued in row.operations.iter_mut().filter(|queued| queued.id == operation.id) {
            queued.state = OperationState::Sending { since: some_time() };
        }
        let dead = |what: &str| {
            let reason = Reason::RecordGone { what: what.to_owned() };
            Some(OperationState::Dead { at: some_time(), reason })
        };
        let before = match &operation.kind {
            OperationKind::CreateTicket { .. } | OperationKind::AddComment { .. } => Before::Nothing,
            OperationKind::AddNote { note, .. } => {
                let Some(desk) = state.desk_of(&row).map(|(_, desk)| Desk::clone(desk)) else { return };
                if desk.ticket.deleted {
                    let reading = Reading { ticket: Some(desk.ticket), unread: true, ..Reading::default() };
                    return self.over(state, of, row, dead("deleted"), reading);
                }
                let known = row.ticket.as_ref().is_some_and(|known| known.last_action == desk.ticket.last_action);
                let read = (!known || row.actions.is_none()).then(|| desk.actions.clone());
                let found = read.as_ref().or(row.actions.as_ref()).into_iter().flatten();
                let found = found.into_iter().find(|action| notes::carries(action, &note.reference)).cloned();
                if let Some(found) = found {
                    link_note(&mut row, &operation.kind, found.key);
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
                let (known, current) = (&row.incident, &cloud.incident);
                let touched = change.status.is_some() && current.status != known.status
                    || change.severity.is_some() && current.severity != known.severity
                    || current.redirected();
                if touched {
                    let reading = read_back(&row, cloud.incident);
                    return self.over(state, of, row, None, reading);
                }
                Before::Incident(Box::new(cloud.incident))
            }
            OperationKind::UpdateTicket { change } => {
                let Some((at, desk)) = state.desk_of(&row).map(|(at, desk)| (at, Desk::clone(desk))) else { return };
                let moved = moved_since(row.ticket.as_ref(), &desk.ticket);
                let known = row.ticket.as_ref();
                let touched = desk.ticket.deleted
                    || known.is_some_and(|known| {
                        change.status_id.is_some() && desk.ticket.status_id != known.status_id
                            || change.priority_id.is_some() && desk.ticket.priority_id != known.priority_id
                    });
                if touched {
                    let reading = Reading { ticket: Some(desk.ticket), unread: moved, ..Reading::default() };
                    return self.over(state, of, row, None, reading);
                }
                if change.status_id == Some(CLOSED) && !state.wanted.closed[of] {
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
    fn unheard(&self, state: &mut State, flight: &Flight) {
        let of = flight.of;
        let Some(row) = state.row(of).map(|row| Row::clone(row)) else { return };
        let cloud = Cloud::clone(&state.clouds[of]);
        match &flight.operation.kind {
            OperationKind::CreateTicket { .. } | OperationKind::AddNote { .. } => {
                self.over(state, of, row, Some(unknown()), Reading::default());
            }
            OperationKind::AddComment { .. } => {
                let again = OperationState::Planned { ready: some_time() };
                self.over(state, of, row, Some(again), Reading::default());
            }
            OperationKind::UpdateIncident { .. } if cloud.gone => {
                let again = OperationState::Planned { ready: some_time() };
                self.over(state, of, row, Some(again), Reading::default());
            }
            OperationKind::UpdateIncident { .. } => {
                let reading = read_back(&flight.row, cloud.incident);
                self.over(state, of, row, None, reading);
            }
            OperationKind::UpdateTicket { .. } => {
                let ticket = state.desk_of(&row).map(|(_, desk)| desk.ticket.clone());
                let known = flight.row.ticket.as_ref();
                let unread = ticket.as_ref().is_some_and(|ticket| moved_since(known, ticket));
                self.over(state, of, row, None, Reading { ticket, unread, ..Reading::default() });
            }
        }
    }

    /// A write is carried out. Gives what the answer tells: the ticket or action made, or whether the incident was changed.
    fn carry_out(&self, state: &mut State, flight: &Flight) -> Answer {
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
                    None => cloud.comments.push(written(comment, message, now)),
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
            OperationKind::UpdateTicket { .. } => Answer::Done,
        }
    }

    fn arrive(&self, state: &mut State, at: usize, twice: bool) {
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
            (OperationKind::CreateTicket { .. }, Answer::Ticket(ticket)) => {
                let closed = mapping::ticket_closed(&self.scene.policy, &self.scene.catalogue, &ticket);
                let base = agreed::with_ticket(sent.pair.base.clone(), &ticket, closed);
                linked(&mut row, &ticket, base);
                reading.actions = Some(Vec::new());
                reading.ticket = Some(*ticket);
            }
            (kind @ OperationKind::AddNote { .. }, Answer::Action(made)) => {
                link_note(&mut row, kind, made.key);
                reading.own_action = Some((*made).clone());
                if let Before::Ticket(current, read) = flight.before {
                    match read {
                        Some(actions) => reading = read_before(*current, actions, *made),
                        None => reading.unread = moved_since(sent.ticket.as_ref(), &current),
                    }
                }
            }
            (OperationKind::AddComment { comment, carries, message }, _) => {
                for carried in carries {
                    keep_link(
                        &mut row.links,
                        NoteLink {
                            pair: row.pair.id,
                            comment: comment.clone(),
                            action: carried.action,
                            edit: carried.edit,
                            part: carried.part,
                            said: Some(carried.said.clone()).filter(|said| !said.is_empty()),
                            written_in: Side::Halo,
                        },
                    );
                }
                reading.own_comment = carries.is_empty().then(|| written(comment, message, state.now()));
            }
            (OperationKind::UpdateIncident { .. }, Answer::Conflict) => {
                if let Before::Incident(before) = flight.before {
                    reading = read_back(&sent, *before);
                }
            }
            (OperationKind::UpdateIncident { change }, _) => {
                let answer = state.clouds[of].incident.clone();
                if let Some(ticket) = sent.ticket.as_ref().filter(|_| !forgets) {
                    row.pair.base = agreed::after_incident(sent.pair.base.clone(), ticket, change, &answer);
                }
                reading = read_back(&sent, answer);
            }
            (OperationKind::UpdateTicket { change }, _) => {
                if let Before::Answer(ticket, unread) = flight.before {
                    let closed = mapping::ticket_closed(&self.scene.policy, &self.scene.catalogue, &ticket);
                    if !forgets {
                        let base = sent.pair.base.clone();
                        row.pair.base = agreed::after_ticket(base, &sent.incident, change, &ticket, closed);
                    }
                    reading = Reading { ticket: Some(*ticket), unread, ..Reading::default() };
                }
            }
            _ => {}
        }
        self.over(state, of, row, next, reading);
    }

    fn look(&self, state: &mut State, of: usize) {
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
                link_note(&mut row, &operation.kind, found.key);
                let reading = Reading { own_action: Some(found), unread: true, ..Reading::default() };
                self.over(state, of, row, None, reading);
            }
            _ => self.over(state, of, row, again, Reading::default()),
        }
    }
}

enum Answer {
    Ticket(Box<Ticket>),
    Action(Box<crate::domain::ticket::Action>),
    Done,
    Conflict,
    Gone,
}

fn of_cloud(cloud: &Cloud) -> Reading {
    Reading { incident: Some(cloud.incident.clone()), comments: Some(cloud.comments.clone()), ..Reading::default() }
}

fn of_desk(desk: &Desk) -> Reading {
    Reading { ticket: Some(desk.ticket.clone()), actions: Some(desk.actions.clone()), ..Reading::default() }
}

/// The ticket is there.
fn linked(row: &mut Row, ticket: &Ticket, mut base: Base) {
    // A ticket in the place of one that is gone: what crossed to that is copied.
    base.replaced.extend(row.pair.ticket);
    row.pair.base = base;
    row.pair.ticket = Some(ticket.id);
    row.pair.gone = None;
}

/// As `engine::digest::in_time`.
fn in_time(row: &Row, mut reading: Reading) -> Reading {
    if reading.incident.as_ref().is_some_and(|read| read.modified < row.incident.modified) {
        (reading.incident, reading.comments) = (None, None);
    }
    let known = row.ticket.as_ref().map(|known| known.last_update);
    if reading.ticket.as_ref().is_some_and(|read| known.is_some_and(|known| read.last_update < known)) {
        (reading.ticket, reading.actions) = (None, None);
    }
    reading
}

/// As `engine::digest::news`.
fn news(row: &mut Row, reading: Reading) {
    if let Some(incident) = reading.incident {
        row.incident = incident;
    }
    if let Some(comments) = reading.comments {
        row.comments = comments;
    } else if let Some(own) = reading.own_comment
        && row.comments.iter().all(|comment| comment.id != own.id)
    {
        row.comments.push(own);
    }
    let mut ticket = reading.ticket;
    let mut own_actions = None;
    if let (Some(own), Some(known)) = (reading.own_action, &row.actions)
        && known.iter().all(|action| action.key != own.key)
    {
        let highest = known.iter().map(|action| action.key.action).max().unwrap_or(0);
        if let Some(before) = row.ticket.as_ref().filter(|_| own.key.action == highest + 1) {
            let last_update = before.last_update.max(own.at);
            ticket = ticket.or(Some(Ticket { last_action: own.at, last_update, ..before.clone() }));
        }
        let mut known = known.clone();
        known.push(own);
        known.sort_by_key(|action| action.key.action);
        own_actions = Some(known);
    }
    if let Some(mut ticket) = ticket {
        if reading.unread && reading.actions.is_none() {
            ticket.last_action = None;
        }
        row.ticket = Some(ticket);
    }
    if let Some(actions) = reading.actions.or(own_actions) {
        row.actions = Some(actions);
    }
}

/// As `engine::back`: an incident read beside its own write, whose comments or version were not read with it.
fn read_back(row: &Row, mut incident: Incident) -> Reading {
    let own = row.links.iter().filter(|link| link.written_in == Side::Halo).map(|link| &link.comment);
    let known: std::collections::BTreeSet<_> = row.comments.iter().map(|comment| &comment.id).chain(own).collect();
    let moved = i64::try_from(known.len()).unwrap_or(i64::MAX) != incident.comments_count;
    if moved || (!row.comments.is_empty() && incident.etag != row.incident.etag) {
        incident.etag = None;
    }
    Reading { incident: Some(incident), ..Reading::default() }
}

fn read_before(
    mut ticket: Ticket,
    mut actions: Vec<crate::domain::ticket::Action>,
    own: crate::domain::ticket::Action,
) -> Reading {
    let highest = actions.iter().map(|action| action.key.action).max().unwrap_or(0);
    ticket.last_action = own.at.filter(|_| own.key.action == highest + 1);
    ticket.last_update = ticket.last_update.max(own.at);
    actions.push(own);
    Reading { ticket: Some(ticket), actions: Some(actions), ..Reading::default() }
}

fn moved_since(known: Option<&Ticket>, current: &Ticket) -> bool {
    known.is_none_or(|known| current.last_update > known.last_update || current.last_action > known.last_action)
}

fn link_note(row: &mut Row, kind: &OperationKind, key: ActionKey) {
    if let OperationKind::AddNote { comment: Some(comment), edit, said, .. } = kind {
        let link = NoteLink {
            pair: row.pair.id,
            comment: comment.clone(),
            action: key,
            edit: *edit,
            part: 0,
            said: said.clone(),
            written_in: Side::Sentinel,
        };
        keep_link(&mut row.links, link);
    }
}

fn keep_link(links: &mut Vec<NoteLink>, link: NoteLink) {
    let key = |link: &NoteLink| (link.action.ticket, link.action.action, link.edit, link.part, link.comment.clone());
    match links.binary_search_by_key(&key(&link), key) {
        Ok(at) => links[at].said = link.said.or(links[at].said.take()),
        Err(at) => links.insert(at, link),
    }
}

fn written(comment: &crate::domain::ids::CommentId, message: &str, now: jiff::Timestamp) -> Comment {
    Comment {
        id: comment.clone(),
        message: message.to_owned(),
        author: None,
        author_object_id: None,
        created: Some(now),
        modified: None,
        etag: None,
        raw: serde_json::Value::Null,
    }
}

fn change_ticket(ticket: &mut Ticket, change: &TicketChange) {
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

fn change_incident(incident: &mut Incident, change: &IncidentChange) {
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
