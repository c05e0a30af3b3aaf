//! People on both sides: what they do next, from the seed.

use serde_json::{Value, json};

use super::{
    dice::Dice,
    nemesis::Nemesis,
    shape::{PEOPLE, Shape},
    story::Who,
    watch::{By, IncidentKey, Said, TicketValues, Version, Where, Wording, incident_of, ticket_values},
    words,
    world::{Event, World},
};
use crate::twin::wire::Reply;

/// Agents that act; the last one is nobody's analyst.
const AGENTS: [&str; 3] = ["Amira Haddad", "Jonas Weber", "Li Chen"];
const SEVERITIES: [&str; 4] = ["High", "Medium", "Low", "Informational"];
/// Comments and notes one record gets: beyond, an incident is full and nothing more can be told of it.
const SAID_MAX: usize = 40;

/// What people know and intend.
pub struct People {
    dice: Dice,
    marks: u64,
    /// Incidents that were raised, deleted ones too.
    pub raised: Vec<IncidentKey>,
    to_raise: usize,
}

impl People {
    /// The people of a world.
    pub fn new(shape: &Shape) -> Self {
        Self { dice: Dice::of(shape.seed, "people"), marks: 0, raised: Vec::new(), to_raise: shape.incidents }
    }

    /// Something that occurs in one text alone.
    pub fn mark(&mut self) -> String {
        self.marks += 1;
        format!("mk{:06}", self.marks)
    }
}

/// What a person may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Deed {
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
    fn done(&mut self, verb: &str, body: &Value) -> Option<Value> {
        let Reply { status, body, .. } = self.twin.act(verb, body);
        (200..300).contains(&status).then(|| serde_json::from_slice(&body).unwrap_or(Value::Null))
    }

    fn raise(&mut self) {
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
        let Some(made) = self.done("incident.create", &body) else { return };
        let Some(name) = made.get("name").and_then(Value::as_str) else { return };
        let key = (place, name.to_lowercase());
        self.people.raised.push(key.clone());
        self.watch.incident(&self.twin, &key, By::Person);
        let shows = if late > 0 { format!(", shows in {late} s [{}]", Nemesis::Late.words()) } else { String::new() };
        self.tell(Who::Cloud, format!("raises {severity} incident {} in {}{shows}", key.1, found.workspace));
    }

    /// An incident that is still there.
    fn some_incident(&mut self) -> Option<IncidentKey> {
        let there: Vec<IncidentKey> = {
            let deleted = &self.watch.deleted;
            self.people.raised.iter().filter(|key| !deleted.contains(*key)).cloned().collect()
        };
        self.people.dice.pick(&there).cloned()
    }

    fn status_of(&self, key: &IncidentKey) -> Option<(String, bool)> {
        self.twin.with(|world, _| {
            incident_of(world, key).map(|incident| (incident.status.clone(), incident.merged_into.is_some()))
        })
    }

    pub(super) fn analyst_on(&mut self, key: &IncidentKey, more: Value) -> Value {
        let user = self.people.dice.pick(&PEOPLE).map_or("", |(analyst, _)| *analyst);
        let workspace = self.shape.places.get(key.0).map(|place| place.workspace.clone()).unwrap_or_default();
        let mut body = json!({ "workspace": workspace, "incident": key.1, "user": user });
        if let (Some(body), Some(more)) = (body.as_object_mut(), more.as_object()) {
            body.extend(more.clone());
        }
        body
    }

    /// An analyst changes an incident.
    pub(super) fn analyst_changes(&mut self, key: &IncidentKey, what: Value) {
        let told = format!("changes incident {}: {what}", key.1);
        let body = self.analyst_on(key, what);
        if self.done("incident.update", &body).is_some() {
            self.watch.incident(&self.twin, key, By::Person);
            self.tell(Who::Analyst, told);
        }
    }

    fn analyst_does(&mut self, deed: Deed) {
        let Some(key) = self.some_incident() else { return };
        let Some((status, redirected)) = self.status_of(&key) else { return };
        if redirected && deed != Deed::Comment && deed != Deed::DeleteIncident {
            return;
        }
        match deed {
            Deed::Comment => self.comment(&key, false),
            Deed::CommentTwice => self.comment(&key, true),
            Deed::EditComment | Deed::DeleteComment => self.change_comment(&key, deed == Deed::DeleteComment),
            Deed::Severity => {
                let severity = self.people.dice.pick(&SEVERITIES).copied().unwrap_or("Low");
                self.analyst_changes(&key, json!({ "severity": severity }));
            }
            Deed::Owner => {
                let owner = match self.people.dice.below(4) {
                    0 => "",
                    n => PEOPLE.get(usize::try_from(n % 2).unwrap_or(0)).map_or("", |(analyst, _)| *analyst),
                };
                self.analyst_changes(&key, json!({ "owner": owner }));
            }
            Deed::Status if status != "Closed" => {
                let status = if status == "New" { "Active" } else { "New" };
                self.analyst_changes(&key, json!({ "status": status }));
            }
            Deed::Close if status != "Closed" => self.close_incident(&key),
            Deed::Reopen if status == "Closed" => self.analyst_changes(&key, json!({ "status": "Active" })),
            Deed::Alert => {
                let body = self.analyst_on(&key, json!({}));
                if self.done("incident.alert", &body).is_some() {
                    self.tell(Who::Cloud, format!("an alert joins incident {}", key.1));
                }
            }
            Deed::Label => {
                let mark = self.people.mark();
                self.analyst_changes(&key, json!({ "labels": [mark] }));
            }
            Deed::Merge => self.merge(&key),
            Deed::DeleteIncident => {
                let body = self.analyst_on(&key, json!({}));
                if self.done("incident.delete", &body).is_some() {
                    self.coverage.struck(Nemesis::IncidentDeleted);
                    self.watch.deleted.insert(key.clone());
                    self.tell(Who::Analyst, format!("deletes incident {}", key.1));
                }
            }
            _ => {}
        }
    }

    fn comment(&mut self, key: &IncidentKey, twice: bool) {
        let said =
            self.watch.said.iter().filter(|said| matches!(&said.place, Where::Comment(on, _) if on == key)).count();
        let client = self.shape.places.get(key.0).map_or(0, |place| place.client);
        if said >= SAID_MAX {
            return;
        }
        let mark = self.people.mark();
        let text = words::text(&mut self.people.dice, client, &mark, true);
        // Sentinel takes no longer comment.
        if text.typed.chars().count() > 29_000 {
            return;
        }
        for _ in 0..if twice { 2 } else { 1 } {
            let name = self.twin.with(|world, _| incident_of(world, key).map_or(0, |incident| incident.comments.len()));
            let body = self.analyst_on(key, json!({ "message": text.typed }));
            if self.done("incident.comment", &body).is_none() {
                return;
            }
            let comment = self.twin.with(|world, _| {
                let incident = incident_of(world, key)?;
                (incident.comments.len() > name).then(|| incident.comments.last().map(|c| c.name.to_lowercase()))?
            });
            let Some(comment) = comment else { return };
            let order = self.watch.next();
            let wording = Wording { at: self.now(), order, mark: mark.clone(), words: text.words.clone() };
            let place = Where::Comment(key.clone(), comment.clone());
            let versions = vec![wording];
            self.watch.said.push(Said { place, versions, client, crosses: true, private: false, gone: None });
            self.tell(
                Who::Analyst,
                format!("comments on {}: {} ({comment})", key.1, super::describe::short(&text.typed)),
            );
        }
    }

    /// One of the comments that a person wrote and that is still there.
    fn some_comment(&mut self, key: &IncidentKey) -> Option<usize> {
        let there: Vec<usize> = self
            .watch
            .said
            .iter()
            .enumerate()
            .filter(|(_, said)| said.gone.is_none() && matches!(&said.place, Where::Comment(on, _) if on == key))
            .map(|(n, _)| n)
            .collect();
        self.people.dice.pick(&there).copied()
    }

    fn change_comment(&mut self, key: &IncidentKey, delete: bool) {
        let Some(n) = self.some_comment(key) else { return };
        let Some((Where::Comment(_, comment), client)) = self.watch.said.get(n).map(|s| (s.place.clone(), s.client))
        else {
            return;
        };
        let mark = self.people.mark();
        let text = words::text(&mut self.people.dice, client, &mark, false);
        let verb = if delete { "comment.delete" } else { "comment.edit" };
        if !delete && text.typed.chars().count() > 29_000 {
            return;
        }
        let body = self.analyst_on(key, json!({ "comment": comment, "message": text.typed }));
        if self.done(verb, &body).is_none() {
            return;
        }
        let (order, at) = (self.watch.next(), self.now());
        if let Some(said) = self.watch.said.get_mut(n) {
            if delete {
                said.gone = Some(order);
            } else {
                said.versions.push(Wording { at, order, mark, words: text.words });
            }
        }
        let what = if delete { "deletes" } else { "edits" };
        self.tell(
            Who::Analyst,
            format!("{what} comment {comment} on {}: {}", key.1, super::describe::short(&text.typed)),
        );
    }

    fn close_incident(&mut self, key: &IncidentKey) {
        let verdicts = [
            ("TruePositive", "SuspiciousActivity"),
            ("BenignPositive", "SuspiciousButExpected"),
            ("FalsePositive", "InaccurateData"),
            ("Undetermined", ""),
        ];
        let (class, reason) = self.people.dice.pick(&verdicts).copied().unwrap_or(("Undetermined", ""));
        let client = self.shape.places.get(key.0).map_or(0, |place| place.client);
        let mark = self.people.mark();
        let mut more = json!({
            "classification": class, "classificationComment": format!("closed {mark} {}", words::client_mark(client)),
        });
        if let (false, Some(more)) = (reason.is_empty(), more.as_object_mut()) {
            more.insert("classificationReason".into(), reason.into());
        }
        let body = self.analyst_on(key, more);
        if self.done("incident.close", &body).is_some() {
            self.watch.incident(&self.twin, key, By::Person);
            self.tell(Who::Analyst, format!("closes incident {} as {class} {mark}", key.1));
        }
    }

    fn merge(&mut self, source: &IncidentKey) {
        let others: Vec<IncidentKey> = {
            let deleted = &self.watch.deleted;
            let fits = |key: &&IncidentKey| key.0 == source.0 && *key != source && !deleted.contains(*key);
            self.people.raised.iter().filter(fits).cloned().collect()
        };
        let Some(target) = self.people.dice.pick(&others).cloned() else { return };
        let body = self.analyst_on(source, json!({ "target": target.1 }));
        if self.done("incident.merge", &body).is_some() {
            self.coverage.struck(Nemesis::Merge);
            self.watch.incident(&self.twin, source, By::Cloud);
            self.watch.incident(&self.twin, &target, By::Cloud);
            self.tell(Who::Cloud, format!("Defender merges incident {} into {}", source.1, target.1));
        }
    }

    /// A ticket that is there and works like one: not deleted, not merged.
    fn some_ticket(&mut self) -> Option<(i64, TicketValues)> {
        let there: Vec<(i64, TicketValues)> = self.twin.with(|world, _| {
            let ids: Vec<i64> =
                world.halos.first().map(|one| one.halo.tickets().map(|t| t.id).collect()).unwrap_or_default();
            ids.into_iter()
                .filter_map(|id| Some((id, ticket_values(world, id)?)))
                .filter(|(_, values)| !values.deleted && values.merged_into == 0)
                .collect()
        });
        self.people.dice.pick(&there).cloned()
    }

    fn agent_acts(&mut self, verb: &str, ticket: i64, more: Value, told: &str) -> bool {
        let agent = self.people.dice.pick(&AGENTS).copied().unwrap_or_default();
        let mut body = json!({ "ticket_id": ticket, "agent": agent });
        if verb == "ticket.update" {
            // There the member names the ticket's agent, not who acts.
            body = json!({ "ticket_id": ticket });
        }
        if let (Some(body), Some(more)) = (body.as_object_mut(), more.as_object()) {
            body.extend(more.clone());
        }
        let done = self.done(verb, &body).is_some();
        if done {
            self.watch.ticket(&self.twin, ticket, By::Person);
            self.tell(Who::Agent, format!("{told} #{ticket}"));
        }
        done
    }

    fn agent_does(&mut self, deed: Deed) {
        let Some((ticket, values)) = self.some_ticket() else { return };
        let open = !values.closed;
        match deed {
            Deed::Note => self.note(ticket, &values, false),
            Deed::NoteTwice => self.note(ticket, &values, true),
            Deed::EditNote | Deed::DeleteNote => self.change_note(ticket, deed == Deed::DeleteNote),
            Deed::Mail => {
                let mark = self.people.mark();
                self.agent_acts(
                    "ticket.mail",
                    ticket,
                    json!({ "text": format!("a user answers {mark}") }),
                    "gets a mail on",
                );
            }
            Deed::TicketStatus if open => {
                let statuses = ["New", "In Progress", "On Hold", "Resolved"];
                let status = self.people.dice.pick(&statuses).copied().unwrap_or("New");
                self.agent_acts(
                    "ticket.status",
                    ticket,
                    json!({ "status": status }),
                    &format!("sets status {status} on"),
                );
            }
            Deed::Priority => {
                let priority = self.people.dice.between(1, 4);
                self.agent_acts(
                    "ticket.update",
                    ticket,
                    json!({ "priority_id": priority }),
                    &format!("sets priority {priority} on"),
                );
            }
            Deed::Agent => {
                let agent = self.people.dice.pick(&AGENTS).copied().unwrap_or_default();
                self.agent_acts("ticket.update", ticket, json!({ "agent_id": agent }), &format!("gives to {agent}"));
            }
            Deed::CloseTicket if open => self.close_ticket(ticket, &values),
            Deed::ReopenTicket if !open => {
                self.agent_acts("ticket.reopen", ticket, json!({}), "reopens");
            }
            Deed::OwnTicket => {
                let client = self.people.dice.place(self.shape.clients);
                let mark = self.people.mark();
                let body = json!({
                    "summary": format!("A ticket of the desk's own {mark} {}", words::client_mark(client)),
                    "client_id": self.shape.product.first_client_id() + i64::try_from(client).unwrap_or(0), "agent_by": "Li Chen",
                });
                if let Some(id) =
                    self.done("ticket.create", &body).and_then(|made| made.get("id").and_then(Value::as_i64))
                {
                    self.watch.ticket(&self.twin, id, By::Person);
                    self.tell(Who::Agent, format!("opens a ticket of the desk's own #{id}"));
                }
            }
            Deed::MoveTicket => {
                let client = self.shape.product.first_client_id() + self.people.dice.between(0, 5);
                if client != values.client_id
                    && self.agent_acts(
                        "ticket.move",
                        ticket,
                        json!({ "client": client }),
                        &format!("moves to client {client}"),
                    )
                {
                    self.coverage.struck(Nemesis::ClientMoved);
                }
            }
            Deed::MoveBack => self.move_back(),
            Deed::MergeTickets => {
                let Some((into, _)) = self.some_ticket().filter(|(other, _)| *other != ticket) else { return };
                if self.agent_acts(
                    "ticket.merge",
                    ticket,
                    json!({ "from": ticket, "into": into }),
                    &format!("merges into #{into}"),
                ) {
                    self.coverage.struck(Nemesis::TicketMerge);
                    self.watch.ticket(&self.twin, into, By::Person);
                }
            }
            Deed::DeleteTicket => {
                // Afterwards the act answers with a ticket that is gone.
                self.agent_acts("ticket.delete", ticket, json!({}), "deletes");
                if self.twin.with(|world, _| ticket_values(world, ticket)).is_some_and(|values| values.deleted) {
                    self.coverage.struck(Nemesis::TicketDeleted);
                    self.watch.ticket(&self.twin, ticket, By::Person);
                }
            }
            _ => {}
        }
    }

    /// A ticket that was moved away goes back to where it was made.
    fn move_back(&mut self) {
        let first = |versions: &Vec<Version<TicketValues>>| versions.first().map(|v| v.value.client_id);
        let last = |versions: &Vec<Version<TicketValues>>| versions.last().map(|v| v.value.clone());
        let moved: Vec<(i64, i64)> = self
            .watch
            .tickets
            .iter()
            .filter_map(|(id, versions)| {
                let (first, last) = (first(versions)?, last(versions)?);
                (first != last.client_id && !last.deleted && last.merged_into == 0).then_some((*id, first))
            })
            .collect();
        if let Some((ticket, client)) = self.people.dice.pick(&moved).copied() {
            self.agent_acts(
                "ticket.move",
                ticket,
                json!({ "client": client }),
                &format!("moves back to client {client}"),
            );
        }
    }

    fn note(&mut self, ticket: i64, values: &TicketValues, twice: bool) {
        let said =
            self.watch.said.iter().filter(|said| matches!(said.place, Where::Note(on, _) if on == ticket)).count();
        let Some(client) = self.client_number(values.client_id) else { return };
        if said >= SAID_MAX {
            return;
        }
        let mark = self.people.mark();
        let text = words::text(&mut self.people.dice, client, &mark, true);
        let private = self.people.dice.chance(0.3);
        let flagged = self.people.dice.chance(0.4);
        for _ in 0..if twice { 2 } else { 1 } {
            let member = if text.html { "html" } else { "text" };
            let mut more = json!({ "private": private, "sync_to_sentinel": flagged });
            if let Some(more) = more.as_object_mut() {
                more.insert(member.into(), text.typed.clone().into());
            }
            let kind = if private { "private note" } else { "note" };
            let flag = if flagged { ", flagged" } else { "" };
            let told = format!("writes a {kind}{flag} {} on", super::describe::short(&text.typed));
            if !self.agent_acts("ticket.note", ticket, more, &told) {
                return;
            }
            let outcome = if private { "Private Note" } else { "Note" };
            self.heard(ticket, client, (&mark, &text.words), (private, flagged, outcome));
        }
    }

    /// Notes that the newest action of a ticket was written by a person.
    fn heard(&mut self, ticket: i64, client: usize, (mark, words): (&str, &[String]), note: (bool, bool, &str)) {
        let (private, flagged, outcome) = note;
        let newest =
            self.twin.with(|world, _| world.halos.first()?.halo.actions(ticket).last().map(|action| action.id));
        let Some(action) = newest else { return };
        let crosses = match self.shape.notes {
            "all" => true,
            "public" => !private,
            "flagged" => flagged,
            "outcomes" => outcome == "Note",
            _ => false,
        };
        let (order, at) = (self.watch.next(), self.now());
        let wording = Wording { at, order, mark: mark.to_owned(), words: words.to_vec() };
        let place = Where::Note(ticket, action);
        self.watch.said.push(Said { place, versions: vec![wording], client, crosses, private, gone: None });
    }

    fn change_note(&mut self, ticket: i64, delete: bool) {
        let there: Vec<usize> = self
            .watch
            .said
            .iter()
            .enumerate()
            .filter(|(_, said)| said.gone.is_none() && matches!(said.place, Where::Note(on, _) if on == ticket))
            .map(|(n, _)| n)
            .collect();
        let Some(n) = self.people.dice.pick(&there).copied() else { return };
        let Some((Where::Note(_, action), client)) = self.watch.said.get(n).map(|s| (s.place.clone(), s.client)) else {
            return;
        };
        let mark = self.people.mark();
        let text = words::text(&mut self.people.dice, client, &mark, false);
        let verb = if delete { "note.delete" } else { "note.edit" };
        let told = if delete {
            "deletes a note".to_owned()
        } else {
            format!("edits a note to {}", super::describe::short(&text.typed))
        };
        if !self.agent_acts(verb, ticket, json!({ "id": action, "text": text.typed }), &format!("{told} ({action}) on"))
        {
            return;
        }
        let (order, at) = (self.watch.next(), self.now());
        if let Some(said) = self.watch.said.get_mut(n) {
            if delete {
                said.gone = Some(order);
            } else {
                said.versions.push(Wording { at, order, mark, words: text.words });
            }
        }
    }

    fn close_ticket(&mut self, ticket: i64, values: &TicketValues) {
        let Some(client) = self.client_number(values.client_id) else { return };
        let mark = self.people.mark();
        let text = vec!["done".to_owned(), mark.clone(), words::client_mark(client)];
        let mut more = json!({ "text": text.join(" ") });
        let verdict = self.people.dice.chance(0.6);
        if let (true, Some(more)) = (verdict, more.as_object_mut()) {
            let value = self.people.dice.between(1, 5);
            more.insert("customfields".into(), json!([{ "name": "CFSentinelClassification", "value": value }]));
        }
        let how = if verdict { "with a classification" } else { "without a classification" };
        if self.agent_acts("ticket.close", ticket, more, &format!("closes {how} ({mark})")) {
            self.heard(ticket, client, (&mark, &text), (false, false, "Close"));
        }
    }
}
