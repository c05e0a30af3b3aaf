//! What an onlooker with eyes on both sides writes down: every value and who set it, every word and who wrote
//! it, every write of ours. The invariants are asked of this alone, and of how it all ended.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::twin::{
    Twin,
    microsoft::incident::Incident,
    world::{Answer, Fate, World},
};

/// Order of everything that happens in a world.
pub type Order = u64;

/// Who set a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// A person.
    Person,
    /// The cloud itself.
    Cloud,
    /// A process of ours, by its place.
    Us(usize),
}

/// An incident: number of its place, GUID.
pub type IncidentKey = (usize, String);

/// What counts of an incident.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IncidentValues {
    /// Status.
    pub status: String,
    /// Severity.
    pub severity: String,
    /// Owner's sign-in name.
    pub owner: Option<String>,
    /// Its labels.
    pub labels: Vec<String>,
    /// Merged away.
    pub redirected: bool,
}

impl IncidentValues {
    fn of(incident: &Incident) -> Self {
        Self {
            status: incident.status.clone(),
            severity: incident.severity.clone(),
            owner: incident.owner.upn.clone().or_else(|| incident.owner.email.clone()),
            labels: incident.labels.iter().map(|label| label.name.clone()).collect(),
            redirected: incident.merged_into.is_some(),
        }
    }
}

/// What counts of a ticket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TicketValues {
    /// Status.
    pub status_id: i64,
    /// Closed.
    pub closed: bool,
    /// Priority.
    pub priority_id: i64,
    /// Agent.
    pub agent_id: i64,
    /// Client.
    pub client_id: i64,
    /// Deleted.
    pub deleted: bool,
    /// Merged into this one; 0 = none.
    pub merged_into: i64,
}

/// A value from a moment on.
#[derive(Debug, Clone)]
pub struct Version<T> {
    /// Place in the order of things.
    pub order: Order,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub by: By,
    /// What.
    pub value: T,
}

/// On which side.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Where {
    /// A comment of an incident, by its GUID.
    Comment(IncidentKey, String),
    /// A note of a ticket, by its number.
    Note(i64, i64),
}

/// Something a person wrote.
#[derive(Debug, Clone)]
pub struct Said {
    /// Where.
    pub place: Where,
    /// Words, with the unique one among them, one version each; the last is what stands there.
    pub versions: Vec<Wording>,
    /// Number of the client it concerns.
    pub client: usize,
    /// The policy lets it cross.
    pub crosses: bool,
    /// Hidden from the end user.
    pub private: bool,
    /// Deleted.
    pub gone: Option<Order>,
}

/// One version of what was written.
#[derive(Debug, Clone)]
pub struct Wording {
    /// When.
    pub at: Timestamp,
    /// Place in the order of things.
    pub order: Order,
    /// Occurs in this text alone.
    pub mark: String,
    /// The words in order.
    pub words: Vec<String>,
}

/// A copy of ours that a person deleted.
#[derive(Debug, Clone)]
pub struct Lost {
    /// Where it stood.
    pub place: Where,
    /// The mark of the words in it.
    pub mark: String,
}

/// A write of ours that the other side carried out.
#[derive(Debug, Clone)]
pub struct Write {
    /// Place in the order of things.
    pub order: Order,
    /// When.
    pub at: Timestamp,
    /// Which process.
    pub host: usize,
    /// When it set out on its way.
    pub sent: Order,
    /// The twin's name for the call (`sentinel.comment.put`).
    pub kind: String,
    /// The incident it changed.
    pub incident: Option<IncidentKey>,
    /// The ticket it changed or made.
    pub ticket: Option<i64>,
    /// The client whose record it is, by its number; `None` when it is nobody's.
    pub client: Option<usize>,
    /// The ticket's client was changed by a person after we last looked at it.
    pub moved_unseen: bool,
    /// When we last read the incident before.
    pub read: Option<Order>,
    /// What was sent.
    pub body: Value,
    /// What was answered.
    pub status: u16,
    /// We heard that it was carried out.
    pub answered: bool,
    /// It made a record that was not there before.
    pub made: bool,
}

/// Something that is wrong the moment it happens.
#[derive(Debug, Clone)]
pub struct Wrong {
    /// When.
    pub at: Timestamp,
    /// What, in words.
    pub text: String,
}

/// The onlooker's notes.
#[derive(Default)]
pub struct Watch {
    /// Every incident ever.
    pub incidents: BTreeMap<IncidentKey, Vec<Version<IncidentValues>>>,
    /// Every ticket ever.
    pub tickets: BTreeMap<i64, Vec<Version<TicketValues>>>,
    /// What people wrote.
    pub said: Vec<Said>,
    /// What we wrote.
    pub writes: Vec<Write>,
    /// Deleted incidents.
    pub deleted: BTreeSet<IncidentKey>,
    /// Limits that were passed, waits that were not kept.
    pub limits: Vec<Wrong>,
    /// When a ticket was last read by a process of ours that writes, by its place.
    pub read: BTreeMap<(usize, i64), Order>,
    /// When an incident was last read by us.
    pub read_incidents: BTreeMap<IncidentKey, Order>,
    /// When a true answer showed such a process a ticket that was at another client than in the beginning.
    pub away: BTreeMap<(usize, i64), Vec<Order>>,
    /// When a true answer showed us an incident (its name) or a ticket (`#`, its number) by itself.
    pub looks: BTreeMap<String, Vec<Order>>,
    /// Calls that set out (their place in the order of things) the moment an answer to a reading of a ticket (its number)
    /// reached us: what such a call knows of the ticket is what was read.
    pub upon: BTreeMap<Order, i64>,
    /// When each backup was made that took the database's place.
    pub backups: Vec<Order>,
    /// When each incident first stood in an answer to us.
    pub shown: BTreeMap<IncidentKey, Timestamp>,
    /// Every time that it did.
    pub seen: BTreeMap<IncidentKey, Vec<Timestamp>>,
    /// When the changed incidents of a place were read to the end of the list, by its number.
    pub polls: BTreeMap<usize, Vec<Timestamp>>,
    /// When people changed something of a ticket that is no value of it here, by its number.
    pub touched: Vec<(i64, Order)>,
    /// Labels that agents took off a ticket.
    pub taken_off: Vec<(String, Order)>,
    /// Copies of ours that people deleted.
    pub lost: Vec<Lost>,
    /// When we last asked for a token, by side, and how many calls that made.
    pub tokens: BTreeMap<String, u64>,
    /// Reads of one record within a minute: when the minute began, how many.
    reads: BTreeMap<String, (Timestamp, u32)>,
    /// The last answer was one to a reading of this ticket, and reached us then.
    heard: Option<(Timestamp, i64)>,
    /// When each call of a process to Halo set out, over the last ten minutes.
    departures: BTreeMap<usize, VecDeque<Timestamp>>,
    order: Order,
}

/// Calls that Halo takes within so long a window.
const HALO_TAKES: (usize, SignedDuration) = (300, SignedDuration::from_mins(5));
/// No call is on its way for longer.
const TRAVELS: SignedDuration = SignedDuration::from_mins(1);

/// Reads of one record within a minute that no work asks for. Each change by an analyst asks for one, and takes one off:
/// an incident that somebody goes on changing whenever we have read it is told of, refuses our writes and is read for
/// that, as often as they change it. Who goes in a circle reads more often than that.
const READS_MAX: u32 = 40;

impl Watch {
    /// A record was read: whoever reads one over and over goes in a circle.
    pub fn reads(&mut self, at: Timestamp, path: &str) {
        let (began, count) = self.reads.entry(path.to_owned()).or_insert((at, 0));
        if at.duration_since(*began).as_secs() >= 60 {
            (*began, *count) = (at, 0);
        }
        *count += 1;
        if *count == READS_MAX {
            let text = format!("{path} was read {READS_MAX} times within a minute");
            self.limits.push(Wrong { at, text });
        }
    }

    /// A process sent a call.
    pub fn departs(&mut self, host: usize, kind: &str, at: Timestamp) {
        if kind.starts_with("halo.") && !kind.ends_with("token") {
            let times = self.departures.entry(host).or_default();
            times.push_back(at);
            while times.front().is_some_and(|first| at.duration_since(*first) > HALO_TAKES.1 * 2) {
                times.pop_front();
            }
        }
    }

    /// Whether a process sent Halo no more calls within any window that ended in the last minute than it takes. What was held
    /// up on its way arrives among later ones, and may then be one too many: who sends cannot know that.
    pub fn paced(&self, host: usize, kind: &str) -> bool {
        let (most, window) = HALO_TAKES;
        let Some(times) = self.departures.get(&host).filter(|_| kind.starts_with("halo.")) else { return false };
        let Some(newest) = times.back() else { return false };
        // Older windows were judged when they ended.
        let mut lately = times.iter().enumerate().filter(|(_, last)| newest.duration_since(**last) < TRAVELS);
        lately.all(|(n, last)| {
            let before = times.iter().take(n + 1);
            before.filter(|at| last.duration_since(**at) < window).count() <= most
        })
    }

    /// We wrote something. Each write that a ticket takes asks for a reading of it, which takes one off: dozens may follow
    /// one another where an incident showed late.
    pub fn wrote(&mut self, write: Write) {
        if let Some(ticket) = write.ticket.filter(|_| write.status < 300 && write.kind.starts_with("halo.")) {
            self.asks_for_a_reading(&ticket.to_string());
        }
        self.writes.push(write);
    }

    /// Somebody changed the incident of this name, which asks for a reading of it.
    pub fn asks_for_a_reading(&mut self, name: &str) {
        for (path, (_, count)) in &mut self.reads {
            if path.rsplit('/').next().is_some_and(|last| last.eq_ignore_ascii_case(name)) {
                *count = count.saturating_sub(1);
            }
        }
    }

    /// An answer that came whole: which incidents it shows, and whether it ends a list of changed ones.
    pub fn answered(&mut self, at: Timestamp, place: usize, request: &http::Request<Bytes>, answer: &Bytes) {
        let Ok(body) = serde_json::from_slice::<Value>(answer) else { return };
        let one = std::slice::from_ref(&body);
        let rows = body.get("value").and_then(Value::as_array).map_or(one, Vec::as_slice);
        for name in rows.iter().filter_map(|row| row.get("name")?.as_str()) {
            let key = (place, name.to_lowercase());
            self.seen.entry(key.clone()).or_default().push(at);
            self.shown.entry(key).or_insert(at);
        }
        // Later pages carry the filter of the first in their token.
        let query = request.uri().query().unwrap_or_default();
        let changed = query.contains("lastModifiedTimeUtc") || query.contains("skipToken");
        if rows.as_ptr() != one.as_ptr() && changed && body.get("nextLink").is_none_or(Value::is_null) {
            self.polls.entry(place).or_default().push(at);
        }
    }

    /// An answer to a call of this kind and path has reached us.
    pub fn hears(&mut self, at: Timestamp, kind: &str, path: &str) {
        let ticket = path.rsplit('/').next().and_then(|number| number.parse::<i64>().ok());
        self.heard = ticket.filter(|_| kind == "halo.tickets.get").map(|ticket| (at, ticket));
    }

    /// A call sets out.
    pub fn sets_out(&mut self, at: Timestamp, sent: Order) {
        if let Some((_, ticket)) = self.heard.filter(|(heard, _)| *heard == at) {
            self.upon.insert(sent, ticket);
        }
    }

    /// The next place in the order of things.
    pub fn next_order(&mut self) -> Order {
        self.order += 1;
        self.order
    }

    /// The n-th thing said got another wording, or was deleted.
    pub fn reworded(&mut self, n: usize, at: Timestamp, wording: Option<(String, Vec<String>)>) {
        let order = self.next_order();
        let Some(said) = self.said.get_mut(n) else { return };
        match wording {
            Some((mark, words)) => said.versions.push(Wording { at, order, mark, words }),
            None => said.gone = Some(order),
        }
    }

    /// Looks at an incident; notes it when its values have changed.
    pub fn incident(&mut self, twin: &Twin, key: &IncidentKey, by: By) {
        let found = twin.with(|world, now| Some((now, IncidentValues::of(incident_of(world, key)?))));
        let Some((at, value)) = found else { return };
        let order = self.next_order();
        let versions = self.incidents.entry(key.clone()).or_default();
        if versions.last().is_none_or(|last| last.value != value) {
            versions.push(Version { order, at, by, value });
        }
    }

    /// Looks at a ticket; notes it when its values have changed.
    pub fn ticket(&mut self, twin: &Twin, id: i64, by: By) {
        let found = twin.with(|world, now| Some((now, ticket_values(world, id)?)));
        let Some((at, value)) = found else { return };
        let order = self.next_order();
        let versions = self.tickets.entry(id).or_default();
        if versions.last().is_none_or(|last| last.value != value) {
            versions.push(Version { order, at, by, value });
        }
    }

    /// A person changed something of a ticket that is no value of it here: its labels, its subject.
    pub fn touch(&mut self, ticket: i64) {
        let order = self.next_order();
        self.touched.push((ticket, order));
    }

    /// Whether a ticket is at another client than in the beginning.
    fn is_away(&self, ticket: i64) -> bool {
        let versions = self.tickets.get(&ticket);
        let client = |version: Option<&Version<TicketValues>>| version.map(|version| version.value.client_id);
        versions.is_some_and(|versions| client(versions.first()) != client(versions.last()))
    }

    /// A copy of the first process begins: it knows what that one has read.
    pub fn copied(&mut self, copy: usize) {
        let first = |(host, ticket): &(usize, i64)| (*host == 0).then_some((copy, *ticket));
        let read: Vec<_> = self.read.iter().filter_map(|(key, order)| Some((first(key)?, *order))).collect();
        let away: Vec<_> = self.away.iter().filter_map(|(key, orders)| Some((first(key)?, orders.clone()))).collect();
        self.read.extend(read);
        self.away.extend(away);
    }

    /// A true answer set out on its way to a process of ours that writes.
    pub fn reading(
        &mut self,
        host: usize,
        kind: &str,
        incident: Option<&IncidentKey>,
        ticket: Option<i64>,
        answer: &Answer,
    ) {
        if answer.fate != Fate::Whole || answer.reply.status != 200 {
            return;
        }
        match (kind, incident, ticket) {
            ("sentinel.incident.get", Some((_, name)), _) => self.shows(host, name),
            ("halo.tickets.get", _, Some(number)) => {
                self.shows(host, &format!("#{number}"));
                self.shows_tickets(host, ticket, &answer.reply.body);
            }
            ("halo.tickets.list", ..) => self.shows_tickets(host, None, &answer.reply.body),
            _ => {}
        }
    }

    /// An answer that nothing happened to shows us one ticket, or a list of them.
    fn shows_tickets(&mut self, host: usize, one: Option<i64>, answer: &Bytes) {
        let mut away: Vec<i64> = self.tickets.keys().copied().filter(|ticket| self.is_away(*ticket)).collect();
        if away.is_empty() {
            return;
        }
        match one {
            Some(ticket) => away.retain(|away| *away == ticket),
            None => {
                let body: Value = serde_json::from_slice(answer).unwrap_or_default();
                let rows = body.get("tickets").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
                away.retain(|away| rows.iter().any(|row| row.get("id").and_then(Value::as_i64) == Some(*away)));
            }
        }
        let order = self.next_order();
        for ticket in away {
            self.away.entry((host, ticket)).or_default().push(order);
        }
    }

    /// An answer that nothing happened to shows us one record. What a copy sees is not ours to know.
    fn shows(&mut self, host: usize, record: &str) {
        if host > 0 {
            return;
        }
        let order = self.next_order();
        self.looks.entry(record.to_owned()).or_default().push(order);
    }

    /// Whether a person changed a ticket's client after a process last read it.
    pub fn moved_unseen(&self, host: usize, ticket: i64) -> bool {
        let read = self.read.get(&(host, ticket)).copied().unwrap_or(0);
        let versions = self.tickets.get(&ticket).map_or(&[][..], Vec::as_slice);
        versions.windows(2).any(|pair| match pair {
            [before, after] => after.order > read && before.value.client_id != after.value.client_id,
            _ => false,
        })
    }
}

/// An incident of the twin.
pub fn incident_of<'a>(world: &'a World, (place, name): &IncidentKey) -> Option<&'a Incident> {
    world.microsoft.workspaces.get(*place)?.get(name)
}

/// A ticket's values at the twin.
pub fn ticket_values(world: &World, id: i64) -> Option<TicketValues> {
    let ticket = world.halos.first()?.halo.ticket(id)?;
    Some(TicketValues {
        status_id: ticket.status_id,
        closed: ticket.closed.is_some(),
        priority_id: ticket.priority_id,
        agent_id: ticket.agent_id,
        client_id: ticket.client_id,
        deleted: ticket.deleted,
        merged_into: ticket.merged_into_id,
    })
}
