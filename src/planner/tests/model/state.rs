//! What there is: two incidents, tickets, our memory of their pairs, and what is on the wire.

use std::{
    fmt,
    hash::{DefaultHasher, Hash, Hasher},
    ops::Deref,
    sync::Arc,
};

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use serde_json::Value;

use super::{super::scene, people::Deed};
use crate::domain::{
    failure::Side,
    ids::{ActionKey, CommentId, IncidentId, OperationId, PairId, TicketId},
    incident::{Comment, Incident, IncidentStatus, Label, Severity},
    operation::{Operation, OperationState},
    pair::{NoteLink, Pair},
    policy::{Direction, FieldRule, When},
    ticket::{Action, Ticket},
};
use crate::planner::observed::{News, Observed, Reading};

/// Our own agent in Halo.
pub const OURS: i64 = 99;

/// Part of a state: shared by all states that have it in common, compared and hashed by all that it says.
#[derive(Clone)]
pub struct Part<T> {
    value: Arc<T>,
    print: u64,
}

/// What is written into it is hashed.
struct Digest(DefaultHasher);

impl std::io::Write for Digest {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.write(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<T: Serialize> Part<T> {
    pub fn new(value: T) -> Self {
        let mut digest = Digest(DefaultHasher::new());
        serde_json::to_writer(&mut digest, &value).expect("a part of a state can be written down");
        Self { value: Arc::new(value), print: digest.0.finish() }
    }
}

impl<T> Serialize for Part<T> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(self.print)
    }
}

impl<T> Deref for Part<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T> PartialEq for Part<T> {
    fn eq(&self, other: &Self) -> bool {
        self.print == other.print
    }
}

impl<T> Hash for Part<T> {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        self.print.hash(hasher);
    }
}

/// An incident as it truly is.
#[derive(Clone, Serialize)]
pub struct Cloud {
    pub incident: Incident,
    pub comments: Vec<Comment>,
    pub gone: bool,
}

/// A ticket as it truly is.
#[derive(Clone, Serialize)]
pub struct Desk {
    pub ticket: Ticket,
    pub actions: Vec<Action>,
    /// Number of the incident that it was made for.
    pub of: usize,
    /// Our visible reference.
    pub reference: String,
}

/// A pair as we know it.
#[derive(Clone, Serialize)]
pub struct Row {
    pub pair: Pair,
    pub incident: Incident,
    pub comments: Vec<Comment>,
    pub ticket: Option<Ticket>,
    pub actions: Option<Vec<Action>>,
    pub links: Vec<NoteLink>,
    pub operations: Vec<Operation>,
}

impl Row {
    pub fn observed(&self) -> Observed<'_> {
        Observed {
            incident: &self.incident,
            comments: Some(&self.comments),
            evidence: None,
            ticket: self.ticket.as_ref(),
            actions: self.actions.as_deref(),
            links: &self.links,
            deleted: &self.pair.base.deleted,
        }
    }

    /// What was read is known.
    pub fn learn(&mut self, news: News) {
        if self.pair.gone.is_some_and(|side| news.shows(side)) {
            self.pair.gone = None;
        }
        self.incident = news.incident.unwrap_or_else(|| self.incident.clone());
        self.comments = news.comments.unwrap_or_else(|| std::mem::take(&mut self.comments));
        self.ticket = news.ticket.or_else(|| self.ticket.take());
        self.actions = news.actions.or_else(|| self.actions.take());
    }

    /// Places and ids in the order of the queue: what is over leaves no gap.
    pub fn number(&mut self) {
        for (place, operation) in (1_u32..).zip(&mut self.operations) {
            operation.position = i64::from(place);
            operation.id = OperationId(uuid::Uuid::from_u128(1_000 + u128::from(place)));
        }
    }

    /// The write that is being sent.
    pub fn sending(&mut self) -> Option<&mut Operation> {
        self.operations.iter_mut().find(|operation| matches!(operation.state, OperationState::Sending { .. }))
    }

    /// The write whose turn it is.
    pub fn head(&self) -> Option<&Operation> {
        let first = self.operations.iter().find(|operation| operation.state.open())?;
        let create = |o: &Operation| matches!(o.kind, crate::domain::operation::OperationKind::CreateTicket { .. });
        let given_up = self.pair.ticket.is_none() && self.operations.iter().any(|o| create(o) && !o.state.open());
        (!given_up).then_some(first)
    }
}

/// A write on the wire.
#[derive(Clone, Serialize)]
pub struct Flight {
    /// The pair's number.
    pub of: usize,
    /// Whether anybody waits for its answer.
    pub heard: bool,
    pub operation: Operation,
    /// The pair as it was known when it was sent.
    pub row: Part<Row>,
    /// What was read just before it was sent.
    pub before: Before,
}

#[derive(Clone, Serialize)]
pub enum Before {
    Nothing,
    Incident(Box<Incident>),
    Ticket(Box<Ticket>, Option<Vec<Action>>),
    /// A change of a ticket is carried out when it is sent: Halo knows no versions. This is the answer.
    Answer(Box<Ticket>, bool),
}

/// How much may still happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Left {
    /// Acts of people.
    pub acts: u8,
    /// Crashes of the process.
    pub crashes: u8,
    /// Writes or answers lost on the wire.
    pub losses: u8,
    /// Writes carried out twice, readings that arrive once more.
    pub doubles: u8,
}

/// What people want: of each field the last word of each side; one is left where the other had known of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Wanted {
    pub severity: [Option<Severity>; 2],
    pub status: [Option<IncidentStatus>; 2],
    /// Incidents that a person closed.
    pub closed: [bool; 2],
    /// Whether a person closed a ticket.
    pub ticket_closed: bool,
    /// Whether something was merged, deleted or closed without a word: then the sides may differ and say so.
    pub odd: bool,
}

impl Wanted {
    fn index(side: Side) -> usize {
        usize::from(side == Side::Halo)
    }

    pub fn rated(&mut self, side: Side, value: Severity, rested: bool) {
        if rested {
            self.severity = [None, None];
        }
        self.severity[Self::index(side)] = Some(value);
    }

    pub fn moved(&mut self, side: Side, value: IncidentStatus, rested: bool) {
        if rested {
            self.status = [None, None];
        }
        self.status[Self::index(side)] = Some(value);
    }
}

/// What must never happen, and happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fault {
    TwoTickets,
    SaidTwice,
    Echo,
    ClosedByMerge,
}

#[derive(Clone, PartialEq, Hash)]
pub struct State {
    /// Hours since the beginning: each act of a person takes one.
    pub clock: i64,
    /// Seconds within the hour: each write of ours takes one.
    pub tick: i64,
    pub clouds: Vec<Part<Cloud>>,
    pub desks: Vec<Part<Desk>>,
    pub rows: [Option<Part<Row>>; 2],
    pub flights: Vec<Part<Flight>>,
    /// A reading that arrives once more, and whose it is.
    pub kept: Option<(usize, Part<Reading>)>,
    pub left: Left,
    pub wanted: Wanted,
    pub fault: Option<Fault>,
}

impl State {
    pub fn now(&self) -> Timestamp {
        scene::at("2026-03-01T12:00:00Z") + SignedDuration::from_secs(3_600 * self.clock + self.tick)
    }

    pub fn row(&self, of: usize) -> Option<&Part<Row>> {
        self.rows.get(of).and_then(Option::as_ref)
    }

    pub fn desk_of(&self, row: &Row) -> Option<(usize, &Part<Desk>)> {
        let ticket = row.pair.ticket?;
        self.desks.iter().enumerate().find(|(_, desk)| desk.ticket.id == ticket)
    }

    pub fn change_cloud(&mut self, of: usize, change: impl FnOnce(&mut Cloud, Timestamp)) {
        let mut cloud = Cloud::clone(&self.clouds[of]);
        let now = self.now();
        change(&mut cloud, now);
        let incident = &mut cloud.incident;
        incident.modified = Some(now);
        incident.comments_count = i64::try_from(cloud.comments.len()).unwrap_or(0);
        // Whatever differs shows in what Azure sends, also where its version is not kept.
        (incident.etag, incident.raw) = (None, Value::Null.into());
        let print = Part::new(incident.clone()).print;
        (incident.etag, incident.raw) = (Some(format!("\"{print:x}\"")), Value::from(print).into());
        self.clouds[of] = Part::new(cloud);
    }

    pub fn change_desk(&mut self, at: usize, change: impl FnOnce(&mut Desk, Timestamp)) {
        let mut desk = Desk::clone(&self.desks[at]);
        let now = self.now();
        let before = desk.actions.len();
        change(&mut desk, now);
        desk.ticket.last_update = Some(now);
        if desk.actions.len() > before {
            desk.ticket.last_action = Some(now);
        }
        // Whatever differs shows in what Halo sends.
        desk.ticket.raw = Value::Null.into();
        desk.ticket.raw = Value::from(Part::new(desk.ticket.clone()).print).into();
        self.desks[at] = Part::new(desk);
    }
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "hour {}, left {:?}, {:?}, {:?}", self.clock, self.left, self.fault, self.wanted)?;
        for cloud in &self.clouds {
            let said: Vec<&str> = cloud.comments.iter().map(|comment| comment.message.as_str()).collect();
            let incident = &cloud.incident;
            let gone = if cloud.gone { "gone, " } else { "" };
            writeln!(f, "incident: {gone}{} {} {:?} {said:?}", incident.status, incident.severity, incident.labels)?;
        }
        for desk in &self.desks {
            let said: Vec<String> = desk.actions.iter().map(crate::planner::notes::words::body).collect();
            let ticket = &desk.ticket;
            let (status, priority, deleted) = (ticket.status_id, ticket.priority_id, ticket.deleted);
            writeln!(f, "ticket {}: {status:?} {priority:?} deleted {deleted} {said:?}", ticket.id)?;
        }
        for row in self.rows.iter().flatten() {
            let queue: Vec<String> =
                row.operations.iter().map(|o| format!("{} ({})", o.kind.key(), o.state.name())).collect();
            let pair = &row.pair;
            writeln!(f, "pair: {:?} {:?} {:?} {:?}", pair.ticket, pair.sync, pair.health, pair.reason)?;
            writeln!(f, "  knows {} {} {:?}", row.incident.status, row.incident.severity, row.incident.labels)?;
            writeln!(f, "  knows ticket {:?}", row.ticket.as_ref().map(|t| (t.status_id, t.priority_id)))?;
            writeln!(f, "  base {:?}", pair.base)?;
            writeln!(f, "  queue {queue:?}")?;
        }
        for flight in &self.flights {
            writeln!(f, "on the wire: {} heard {}", flight.operation.kind.key(), flight.heard)?;
        }
        Ok(())
    }
}

/// The scene that gives the rules: severity and priority cross both ways, and a ticket that is gone gets another.
pub fn rules() -> super::Scene {
    let mut scene = scene::in_step();
    scene.policy.severity = FieldRule::new(Direction::Both, When::Always);
    scene.policy.flips_per_hour = 0;
    scene.policy.drift.only_in_sentinel = crate::domain::drift::DriftRule::Heal;
    scene.policy.drift.only_in_halo = crate::domain::drift::DriftRule::Heal;
    scene
}

/// An incident of this number, new.
pub fn incident(number: usize, scene: &super::Scene, held: bool) -> Incident {
    let id = format!("{number}1111111-2222-4333-8444-555555555555");
    Incident {
        id: IncidentId::new(&id),
        resource_id: format!("/subscriptions/s/x/incidents/{id}"),
        number: Some(i64::try_from(number).unwrap_or(0) + 7),
        title: format!("Sign-in {number}"),
        status: IncidentStatus::New,
        created: Some(if held { scene::at("2025-01-01T00:00:00Z") } else { scene::at("2026-03-01T10:00:00Z") }),
        raw: Value::Null.into(),
        ..scene.incident.clone()
    }
}

/// A pair of this incident that has no ticket yet.
pub fn pair(number: usize, scene: &super::Scene, incident: &Incident) -> Pair {
    Pair {
        id: pair_id(number),
        incident: incident.id.clone(),
        ticket: None,
        reference: crate::planner::draft::ticket_reference(&scene.workspace, incident),
        base: crate::planner::agreed::at_creation(incident),
        ..scene.pair.clone()
    }
}

pub fn pair_id(number: usize) -> PairId {
    PairId(uuid::Uuid::from_u128(60 + u128::try_from(number).unwrap_or(0)))
}

pub fn redirect(incident: &mut Incident) {
    incident.status = IncidentStatus::Closed;
    incident.labels = vec![Label { name: "Redirected".into(), kind: None }];
}

pub fn persons_comment(of: usize, clock: i64, at: Timestamp, words: String) -> Comment {
    // Random ids are of version 4.
    let number = u128::try_from(clock).unwrap_or(0) * 8 + u128::try_from(of).unwrap_or(0) + 1;
    Comment {
        raw: Value::Null.into(),
        id: CommentId::new(&uuid::Uuid::from_u128(number | (4 << 76)).to_string()),
        message: words,
        author: Some("Li Chen".into()),
        author_object_id: None,
        created: Some(at),
        modified: None,
        etag: None,
    }
}

pub fn action(ticket: TicketId, number: i64, agent: i64, at: Timestamp, html: String) -> Action {
    Action {
        key: ActionKey { ticket, action: number },
        outcome: Some("Note".into()),
        outcome_id: Some(8),
        system: false,
        who: Some("Amira".into()),
        agent_id: Some(agent),
        application: None,
        at: Some(at),
        updated: None,
        note: String::new(),
        note_html: Some(html),
        private: true,
        privacy_untold: false,
        important: false,
        sync_to_sentinel: false,
        new_status: None,
        sentinel_classification: None,
        sentinel_classification_reason: None,
    }
}

/// Words that nobody else says.
pub fn words(deed: Deed, clock: i64) -> String {
    format!("{deed:?} of hour w{clock}w.")
}
