//! What the product does, one recorded step at a time, and what the wire does to it. What follows from a reading and a
//! write is as in `engine::digest`, `forth`, `back` and `settle`; what is to be written says the planner.

use super::{
    super::scene::at,
    Pairing, Planted, Second,
    memory::{of_cloud, of_desk},
    people::Deed,
    state::{Before, Cloud, Desk, Flight, Part, Row, State, Wanted, incident},
};
use crate::{
    domain::{
        failure::Side,
        incident::{Incident, IncidentStatus, Severity},
        operation::{OperationKind, OperationState},
    },
    planner::{gate, observed::Reading},
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
pub(super) fn some_time() -> jiff::Timestamp {
    at("2026-03-01T12:00:00Z")
}

pub(super) fn unknown() -> OperationState {
    OperationState::OutcomeUnknown { since: some_time(), look: some_time(), looks: 0, failed: 0 }
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
                    if row.head().is_some_and(|head| matches!(head.kind, OperationKind::AddComment { .. }))
                        || state.flights.iter().all(|flight| flight.of != of)
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
}
