//! What an onlooker knows of a program in a process of its own: the twin's log of every call and act, how both sides
//! stand at the end, and the database that the process left. The invariants are asked of it as of a simulated world.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;

use super::{
    clicks::desk::Decided,
    invariants::{
        self, Violation,
        ending::{self, Ending, OUR_APPLICATION, Sides, Text},
    },
    scene::{Hands, Scene, Setting, Struck},
    shape::Place,
    watch::{By, IncidentKey, IncidentValues, Order, Said, TicketValues, Version, Watch, Where, Wording, Write},
};
use crate::{
    store::{Store, StoreError},
    twin::options::Product,
};

/// What an onlooker was told.
#[derive(Debug, Clone)]
pub struct Told {
    /// `GET /admin/state`.
    pub state: Value,
    /// `GET /admin/calls` of a twin that keeps bodies (`POST /admin/calls`): what people did is in it too.
    pub calls: Value,
    /// Workspaces, each with its client and mode. Their policies let public notes cross, and no private ones.
    pub places: Vec<Place>,
    /// Which Halo.
    pub product: Product,
    /// Clients.
    pub clients: usize,
    /// How often the process was killed.
    pub crashes: u64,
    /// From when on nothing may be written any more.
    pub silent_from: Timestamp,
    /// The true time.
    pub now: Timestamp,
}

/// What an onlooker was told, beside what the database says.
pub struct Outside {
    told: Told,
    watch: Watch,
    /// How it ended.
    pub ending: Ending,
    rebuilt: BTreeMap<IncidentKey, u64>,
    decided: Decided,
}

impl Outside {
    /// Asks every invariant that can be asked of somebody who only looks on. Gives those that do not hold.
    pub fn judge(&self) -> Vec<Violation> {
        let (first, now) = (self.told.log().first().map(moment), self.told.now);
        let hours = first.map_or(0, |first| now.duration_since(first).as_hours().unsigned_abs());
        let scene = Scene {
            watch: &self.watch,
            shape: Setting {
                places: &self.told.places,
                clients: self.told.clients,
                first_client_id: self.told.product.first_client_id(),
                defender: false,
            },
            strikes: Struck { restored: &[], restored_orders: &[], copy: None },
            people: Hands { rebuilt: &self.rebuilt, decided: &self.decided },
            unfinished: Vec::new(),
            silent_from: self.told.silent_from,
            tokens_max: 8 + 3 * hours + 4 * (2 + self.told.crashes),
            now,
        };
        invariants::ask(&scene, &self.ending)
    }

    /// The onlooker's notes.
    pub fn watch(&self) -> &Watch {
        &self.watch
    }
}

impl Told {
    /// Puts what was told beside what the database says.
    ///
    /// # Errors
    /// What the database says.
    pub async fn beside(self, store: &Store) -> Result<Outside, StoreError> {
        let watch = self.watch();
        let keys: Vec<IncidentKey> = self.incidents().map(|(key, _)| key).collect();
        let names: Vec<String> = self.places.iter().map(|place| place.workspace.clone()).collect();
        let known = ending::read(store, &names, &keys).await?;
        let ending = ending::gather(&watch, &self.places, &self, keys, known);
        Ok(Outside { told: self, watch, ending, rebuilt: BTreeMap::new(), decided: Decided::default() })
    }

    /// Every call and act, oldest first.
    fn log(&self) -> &[Value] {
        self.calls.get("calls").and_then(Value::as_array).map_or(&[][..], Vec::as_slice)
    }

    /// Every incident that is there at the end.
    fn incidents(&self) -> impl Iterator<Item = (IncidentKey, &Value)> {
        list(&self.state, "workspaces").iter().flat_map(move |workspace| {
            let place = self.place(text(workspace, "name"));
            let incidents = list(workspace, "incidents").iter();
            incidents.filter_map(move |incident| Some(((place?, text(incident, "name").to_lowercase()), incident)))
        })
    }

    fn incident(&self, key: &IncidentKey) -> Option<&Value> {
        self.incidents().find(|(found, _)| found == key).map(|(_, incident)| incident)
    }

    /// Every ticket that is there at the end, deleted ones too.
    fn all_tickets(&self) -> &[Value] {
        let tickets = self.state.pointer("/halo/halo/tickets").and_then(Value::as_array);
        tickets.map_or(&[][..], Vec::as_slice)
    }

    fn one_ticket(&self, id: i64) -> Option<&Value> {
        self.all_tickets().iter().find(|ticket| number(ticket, "id") == Some(id))
    }

    fn place(&self, workspace: &str) -> Option<usize> {
        self.places.iter().position(|place| place.workspace.eq_ignore_ascii_case(workspace))
    }

    /// The incident that a path below the management API names.
    fn incident_named(&self, path: &str) -> Option<IncidentKey> {
        let lower = path.to_lowercase();
        let (_, below) = lower.split_once("/workspaces/")?;
        let (_, rest) = below.split_once("/incidents/")?;
        let name = rest.split('/').next().filter(|name| !name.is_empty())?;
        Some((self.place(below.split('/').next()?)?, name.to_owned()))
    }

    fn client_number(&self, halo_client_id: i64) -> Option<usize> {
        let number = usize::try_from(halo_client_id - self.product.first_client_id()).ok()?;
        (number < self.clients).then_some(number)
    }

    /// The onlooker's notes.
    fn watch(&self) -> Watch {
        let mut watch = Watch::default();
        for call in self.log() {
            self.note(&mut watch, call);
        }
        self.note_end(&mut watch);
        watch
    }

    /// Notes one call or act.
    fn note(&self, watch: &mut Watch, call: &Value) {
        let (order, at, kind) = (place_of(call), moment(call), text(call, "kind"));
        if matches!(kind, "halo.auth.token" | "entra.token") {
            *watch.tokens.entry(kind.to_owned()).or_default() += 1;
        }
        let (Some(sent), Some(answered)) = (call.get("sent"), call.get("answered")) else { return };
        // Nothing was made of it.
        if answered.is_null() {
            return;
        }
        let status = number(call, "status").and_then(|status| u16::try_from(status).ok()).unwrap_or(0);
        let record = answered.get(0).unwrap_or(answered);
        if let Some(verb) = kind.strip_prefix("act.") {
            if status == 200 {
                self.note_act(watch, verb, sent, record, (order, at));
            }
            return;
        }
        let incident = self.incident_named(text(call, "path"));
        let ticket = match kind {
            "halo.tickets.post" => sent.pointer("/0/id").and_then(Value::as_i64).or_else(|| number(record, "id")),
            "halo.actions.post" => sent.pointer("/0/ticket_id").and_then(Value::as_i64),
            _ => None,
        };
        let client = match (&incident, ticket) {
            (Some((place, _)), _) => self.places.get(*place).map(|place| place.client),
            (None, Some(ticket)) => {
                let known = watch.tickets.get(&ticket).and_then(|versions| versions.last());
                let id = known.map(|version| version.value.client_id).or_else(|| number(record, "client_id"));
                id.and_then(|id| self.client_number(id))
            }
            (None, None) => None,
        };
        let wrong = ["lost", "half", "truncated", "refused"];
        let answered = status < 300 && !wrong.iter().any(|word| text(call, "note").contains(*word));
        watch.writes.push(Write {
            order,
            at,
            host: 0,
            // The way of a call is not seen from here.
            sent: order,
            kind: kind.to_owned(),
            incident: incident.clone(),
            ticket,
            client,
            moved_unseen: false,
            read: None,
            body: sent.clone(),
            status,
            answered,
            made: status == 201,
        });
        match (kind, incident, ticket) {
            ("sentinel.incident.put", Some(key), _) => {
                let versions = watch.incidents.entry(key).or_default();
                changed(versions, incident_values(record), By::Us(0), (order, at));
            }
            ("halo.tickets.post", _, Some(id)) => {
                let versions = watch.tickets.entry(id).or_default();
                changed(versions, ticket_values(record), By::Us(0), (order, at));
            }
            _ => {}
        }
    }

    /// Notes what a person did: `record` is the incident or ticket as it stood then.
    fn note_act(&self, watch: &mut Watch, verb: &str, sent: &Value, record: &Value, (order, at): (Order, Timestamp)) {
        if verb.starts_with("incident.") {
            let workspace = text(sent, "workspace");
            let place = if workspace.is_empty() { Some(0) } else { self.place(workspace) };
            let Some(place) = place else { return };
            let key = (place, text(record, "name").to_lowercase());
            if verb == "incident.delete" {
                watch.deleted.insert(key);
                return;
            }
            let Some(values) = incident_values(record) else { return };
            changed(watch.incidents.entry(key.clone()).or_default(), Some(values), By::Person, (order, at));
            if verb == "incident.comment" {
                let client = self.places.get(place).map_or(0, |place| place.client);
                let said = text(sent, "message");
                let comments = self.incident(&key).map_or(&[][..], |incident| list(incident, "comments"));
                let own = |comment: &&Value| message(comment) == said;
                if let Some(comment) = comments.iter().find(own) {
                    let on = Where::Comment(key, text(comment, "name").to_lowercase());
                    watch.said.push(heard(on, said, client, false, (order, at)));
                }
            }
        } else if let (true, Some(id)) = (verb.starts_with("ticket."), number(record, "id")) {
            changed(watch.tickets.entry(id).or_default(), ticket_values(record), By::Person, (order, at));
            let client = number(record, "client_id").and_then(|id| self.client_number(id));
            let said = text(sent, "note");
            if let (Some(client), "ticket.note") = (client, verb) {
                let private = sent.get("private").and_then(Value::as_bool).unwrap_or(false);
                let actions = self.one_ticket(id).map_or(&[][..], |ticket| list(ticket, "actions"));
                let own = |action: &&Value| !is_ours(action) && note_text(action).contains(mark_of(said));
                if let Some(action) = actions.iter().find(own).and_then(|action| number(action, "id")) {
                    watch.said.push(heard(Where::Note(id, action), said, client, private, (order, at)));
                }
            }
        }
    }

    /// Notes how everything stands at the end, where that is news.
    fn note_end(&self, watch: &mut Watch) {
        let order = self.log().last().map_or(0, place_of) + 1;
        for (key, incident) in self.incidents() {
            let versions = watch.incidents.entry(key).or_default();
            let raised = incident.pointer("/properties/createdTimeUtc").and_then(Value::as_str);
            let raised = raised.and_then(|text| text.parse().ok()).unwrap_or(self.now);
            let when = if versions.is_empty() { (0, raised) } else { (order, self.now) };
            changed(versions, incident_values(incident), By::Cloud, when);
        }
        for ticket in self.all_tickets() {
            let Some(id) = number(ticket, "id") else { continue };
            changed(watch.tickets.entry(id).or_default(), ticket_values(ticket), By::Cloud, (order, self.now));
        }
    }
}

impl Sides for Told {
    fn number(&self, key: &IncidentKey) -> u32 {
        let number = self.incident(key).and_then(|incident| incident.pointer("/properties/incidentNumber")?.as_u64());
        number.and_then(|number| u32::try_from(number).ok()).unwrap_or(0)
    }

    fn comments(&self, key: &IncidentKey) -> Vec<(String, String)> {
        let comments = self.incident(key).map_or(&[][..], |incident| list(incident, "comments"));
        comments.iter().map(|comment| (text(comment, "name").to_lowercase(), message(comment).to_owned())).collect()
    }

    fn ticket(&self, id: i64) -> Option<TicketValues> {
        self.one_ticket(id).and_then(ticket_values)
    }

    fn notes(&self, ticket: i64) -> Vec<Text> {
        let actions = self.one_ticket(ticket).map_or(&[][..], |ticket| list(ticket, "actions"));
        let people = actions.iter().filter(|action| number(action, "action_systemid").unwrap_or(0) == 0);
        people
            .map(|action| Text {
                name: number(action, "id").unwrap_or(0).to_string(),
                text: note_text(action).to_owned(),
                by_person: false,
                ours: is_ours(action),
                private: action.get("hiddenfromuser").and_then(Value::as_bool).unwrap_or(false),
            })
            .collect()
    }

    fn tickets(&self) -> Vec<i64> {
        self.all_tickets().iter().filter_map(|ticket| number(ticket, "id")).collect()
    }
}

/// A value is what it is from a moment on, unless it was before.
fn changed<T: PartialEq>(versions: &mut Vec<Version<T>>, value: Option<T>, by: By, (order, at): (Order, Timestamp)) {
    let Some(value) = value else { return };
    if versions.last().is_none_or(|last| last.value != value) {
        versions.push(Version { order, at, by, value });
    }
}

fn heard(place: Where, said: &str, client: usize, private: bool, (order, at): (Order, Timestamp)) -> Said {
    let words = said.split_whitespace().map(str::to_owned).collect();
    let wording = Wording { at, order, mark: mark_of(said).to_owned(), words };
    Said { place, versions: vec![wording], client, crosses: !private, private, gone: None }
}

/// The first word of what people say occurs nowhere else.
fn mark_of(said: &str) -> &str {
    said.split_whitespace().next().unwrap_or_default()
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn number(value: &Value, name: &str) -> Option<i64> {
    value.get(name).and_then(Value::as_i64)
}

fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value.get(name).and_then(Value::as_array).map_or(&[][..], Vec::as_slice)
}

/// A call's place in the order of things.
fn place_of(call: &Value) -> Order {
    call.get("number").and_then(Value::as_u64).unwrap_or(0)
}

fn moment(call: &Value) -> Timestamp {
    text(call, "at").parse().unwrap_or_default()
}

fn message(comment: &Value) -> &str {
    comment.pointer("/properties/message").and_then(Value::as_str).unwrap_or_default()
}

fn note_text(action: &Value) -> &str {
    let html = text(action, "note_html");
    if html.is_empty() { text(action, "note") } else { html }
}

fn is_ours(action: &Value) -> bool {
    text(action, "actionby_application_id") == OUR_APPLICATION
}

fn incident_values(incident: &Value) -> Option<IncidentValues> {
    let properties = incident.get("properties")?;
    let owner = |name: &str| properties.pointer(name).and_then(Value::as_str).map(str::to_owned);
    Some(IncidentValues {
        status: properties.get("status")?.as_str()?.to_owned(),
        severity: properties.get("severity")?.as_str()?.to_owned(),
        owner: owner("/owner/userPrincipalName").or_else(|| owner("/owner/email")),
        labels: list(properties, "labels").iter().map(|label| text(label, "labelName").to_owned()).collect(),
        redirected: incident.get("mergedInto").is_some_and(|into| !into.is_null()),
    })
}

fn ticket_values(ticket: &Value) -> Option<TicketValues> {
    let closed = text(ticket, "dateclosed");
    Some(TicketValues {
        status_id: number(ticket, "status_id")?,
        closed: !closed.is_empty() && !closed.starts_with("1900"),
        priority_id: number(ticket, "priority_id")?,
        agent_id: number(ticket, "agent_id")?,
        client_id: number(ticket, "client_id")?,
        deleted: ticket.get("deleted").and_then(Value::as_bool).unwrap_or(false),
        merged_into: number(ticket, "merged_into_id").unwrap_or(0),
    })
}
