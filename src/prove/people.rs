//! People on both sides: what they do next, from the seed.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{
    clicks::{
        Hand,
        desk::{Decided, Desk},
    },
    dice::Dice,
    nemesis::Nemesis,
    seldom::{self, Seldom},
    shape::Shape,
    story::Who,
    watch::{By, IncidentKey},
    words,
    world::{Event, World},
};
use crate::twin::wire::Reply;

/// Microsoft's.
pub(super) const SEVERITIES: [&str; 4] = ["High", "Medium", "Low", "Informational"];
/// Comments and notes one record gets: beyond, an incident is full and nothing more can be told of it.
pub(super) const SAID_MAX: usize = 40;

/// What people know and intend.
pub struct People {
    /// Chance, for what people do.
    pub(super) dice: Dice,
    marks: u64,
    /// Incidents that were raised, deleted ones too.
    pub raised: Vec<IncidentKey>,
    to_raise: usize,
    /// Chance, for what the admin does.
    pub(super) admin: Dice,
    /// How often, beside something that others do, the admin has a pair rebuilt from both sides.
    pub(super) rebuilds: f64,
    /// Incidents whose pairs were, each with its place in the order of things when it first was.
    pub rebuilt: BTreeMap<IncidentKey, u64>,
    /// What the admin presses in the console.
    pub hand: Hand,
    /// What they see to of what waits.
    pub desk: Desk,
    /// What they made of it.
    pub decided: Decided,
    /// What they seldom do.
    pub seldom: Seldom,
}

impl People {
    /// The people of a world.
    pub fn new(shape: &Shape) -> Self {
        let mut admin = Dice::of(shape.seed, "admin");
        let rebuilds = if admin.chance(0.4) { 0.02 } else { 0.0 };
        Self {
            dice: Dice::of(shape.seed, "people"),
            marks: 0,
            raised: Vec::new(),
            to_raise: shape.incidents,
            admin,
            rebuilds,
            rebuilt: BTreeMap::new(),
            hand: Hand::of(shape.seed),
            desk: Desk::of(shape.seed),
            decided: Decided { start: seldom::starts_later(shape), ..Decided::default() },
            seldom: Seldom::of(shape),
        }
    }

    /// Something that occurs in one text alone.
    pub fn mark(&mut self) -> String {
        self.marks += 1;
        format!("mk{:06}", self.marks)
    }
}

/// What a person may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Deed {
    Comment,
    CommentTwice,
    EditComment,
    DeleteComment,
    Severity,
    Owner,
    Status,
    Close,
    Reopen,
    Alert,
    Label,
    Note,
    NoteTwice,
    EditNote,
    DeleteNote,
    Mail,
    TicketStatus,
    Priority,
    Agent,
    CloseTicket,
    ReopenTicket,
    OwnTicket,
    MoveTicket,
    MoveBack,
    Merge,
    MergeTickets,
    DeleteIncident,
    DeleteTicket,
}

impl World {
    /// Spreads everything that people will do over the time they have.
    pub fn plan_acts(&mut self) {
        let span = self.shape.span.as_millis();
        let span = i64::try_from(span).unwrap_or(i64::MAX);
        for _ in 0..self.shape.acts {
            // People work in bursts: a third of what they do follows closely on something else.
            let at = self.people.dice.between(0, span.saturating_sub(1_000));
            self.later(at, Event::Act);
        }
    }

    /// A person does something; whatever cannot be done just now is let be.
    pub fn act(&mut self) {
        self.acts += 1;
        self.admin_rebuilds();
        self.admin_presses();
        self.admin_sees_to_it();
        self.acts_seldom();
        let left = self.shape.acts.saturating_sub(self.acts).max(1);
        // Raised early enough that something can happen to them.
        let due = self.people.to_raise as f64 / left as f64 * 1.8;
        if self.people.to_raise > 0 && (self.people.raised.is_empty() || self.people.dice.chance(due)) {
            return self.raise();
        }
        let fate = |nemesis: Nemesis| {
            if self.shape.fate.has(nemesis) { (self.shape.fate.of(nemesis) * 2.0).ceil() as u32 } else { 0 }
        };
        let deeds = [
            (26, Deed::Comment),
            (3, Deed::CommentTwice),
            (3, Deed::EditComment),
            (2, Deed::DeleteComment),
            (8, Deed::Severity),
            (8, Deed::Owner),
            (8, Deed::Status),
            (7, Deed::Close),
            (4, Deed::Reopen),
            (2, Deed::Alert),
            (2, Deed::Label),
            (26, Deed::Note),
            (3, Deed::NoteTwice),
            (3, Deed::EditNote),
            (2, Deed::DeleteNote),
            (2, Deed::Mail),
            (8, Deed::TicketStatus),
            (5, Deed::Priority),
            (7, Deed::Agent),
            (8, Deed::CloseTicket),
            (4, Deed::ReopenTicket),
            (1, Deed::OwnTicket),
            (fate(Nemesis::ClientMoved), Deed::MoveTicket),
            (fate(Nemesis::ClientMoved), Deed::MoveBack),
            (if self.shape.defender { fate(Nemesis::Merge) * 3 } else { 0 }, Deed::Merge),
            (fate(Nemesis::TicketMerge), Deed::MergeTickets),
            (fate(Nemesis::IncidentDeleted), Deed::DeleteIncident),
            (fate(Nemesis::TicketDeleted), Deed::DeleteTicket),
        ];
        match self.people.dice.weighted(&deeds) {
            None => self.raise(),
            Some(
                deed @ (Deed::Note
                | Deed::NoteTwice
                | Deed::EditNote
                | Deed::DeleteNote
                | Deed::Mail
                | Deed::TicketStatus
                | Deed::Priority
                | Deed::Agent
                | Deed::CloseTicket
                | Deed::ReopenTicket
                | Deed::OwnTicket
                | Deed::MoveTicket
                | Deed::MoveBack
                | Deed::MergeTickets
                | Deed::DeleteTicket),
            ) => self.agent_does(deed),
            Some(deed) => self.analyst_does(deed),
        }
    }

    /// An act at the twin; `None` when it was refused.
    pub(super) fn done(&mut self, verb: &str, body: &Value) -> Option<Value> {
        let Reply { status, body, .. } = self.twin.act(verb, body);
        (200..300).contains(&status).then(|| serde_json::from_slice(&body).unwrap_or(Value::Null))
    }

    pub(super) fn raise(&mut self) {
        self.people.to_raise = self.people.to_raise.saturating_sub(1);
        let place = self.people.dice.place(self.shape.places.len());
        let Some(found) = self.shape.places.get(place).cloned() else { return };
        let mark = self.people.mark();
        let severity = self.people.dice.pick(&SEVERITIES).copied().unwrap_or("High");
        let mut late = 0;
        if self.shape.defender {
            let strength = self.shape.fate.of(Nemesis::Late);
            if strength > 0.0 && self.people.dice.chance(0.4 * strength) {
                late = self.people.dice.spread(30.0, 6.0 * 3_600.0) as i64;
                self.coverage.struck(Nemesis::Late);
            }
            self.twin.with(|world, _| {
                let _ = world.set_switch("defender_delay_s", &late.to_string());
            });
        }
        let mut body = json!({
            "workspace": found.workspace, "severity": severity,
            "title": format!("Something odd {mark} at {}", words::client_mark(found.client)),
            "description": format!("Described {} for {}", mark, words::client_mark(found.client)),
        });
        // Automation closes some at once.
        if self.people.dice.chance(0.06)
            && let Some(members) = body.as_object_mut()
        {
            members.insert("status".into(), "Closed".into());
            members.insert("classification".into(), "BenignPositive".into());
            members.insert("classificationReason".into(), "SuspiciousButExpected".into());
        }
        if let (Some(entities), Some(members)) = (self.entities_named(found.client), body.as_object_mut()) {
            members.insert("entities".into(), entities);
        }
        let Some(made) = self.done("incident.create", &body) else { return };
        let Some(name) = made.get("name").and_then(Value::as_str) else { return };
        let key = (place, name.to_lowercase());
        self.people.raised.push(key.clone());
        self.watch.incident(&self.twin, &key, By::Person);
        let shows = if late > 0 { format!(", shows in {late} s [{}]", Nemesis::Late.words()) } else { String::new() };
        self.tell(Who::Cloud, format!("raises {severity} incident {} in {}{shows}", key.1, found.workspace));
    }
}
