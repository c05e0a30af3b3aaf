//! Calls on their way: when they arrive, what becomes of them there, and what comes back.

use bytes::Bytes;
use serde_json::Value;

use super::{
    bugs::Bug,
    describe,
    nemesis::Nemesis,
    story::Who,
    watch::{By, IncidentKey, Order, Write, ticket_values},
    wire::{CallId, Outcome, Sent},
    world::{Event, World},
};
use crate::{
    outbound::TransportError,
    twin::{
        faults::{Effect, Fault},
        kinds,
        transport::call_of,
        wire::Call,
        world::{Answer, Fate},
    },
};

/// How long the product's own way out waits for a whole answer, in seconds.
const PATIENCE_SECS: i64 = 60;

/// A call under way.
pub struct Flight {
    /// Who sent it.
    pub host: usize,
    /// What it asks.
    pub request: http::Request<Bytes>,
    /// The twin's side (`arm`, `entra`, `halo`, …).
    pub side: String,
    /// The twin's name for its kind (`sentinel.comment.put`).
    pub kind: String,
    /// When it was sent, in the order of things.
    pub sent: Order,
    /// What comes back, once it was carried out.
    pub outcome: Option<Outcome>,
    /// That the other side asks to wait, and for how many seconds if it says so: what the program must not overhear.
    pub told: Option<Option<i64>>,
    /// The write that it was, by its place among all of them.
    pub write: Option<usize>,
}

impl Flight {
    /// Whether it changes something.
    pub fn writes(&self) -> bool {
        let method = self.request.method();
        let changes = method == http::Method::PUT || method == http::Method::DELETE || method == http::Method::POST;
        changes
            && !self.kind.ends_with("token")
            && !matches!(self.kind.as_str(), "sentinel.alerts.post" | "sentinel.entities.post")
    }
}

/// What becomes of one call.
#[derive(Default)]
struct Mischief {
    nemesis: Option<Nemesis>,
    effect: Option<Effect>,
    /// Carried out as it should be; then this comes back instead of the answer.
    instead: Option<Effect>,
    /// Milliseconds the answer takes longer.
    drips_ms: i64,
    /// Nobody waits that long.
    too_late: bool,
    twice: bool,
    odd: bool,
}

/// How often each strikes a call of a world that has it, at strength 1.
const PER_CALL: [(Nemesis, f64); 13] = [
    (Nemesis::LostAnswer, 0.06),
    (Nemesis::Cut, 0.02),
    (Nemesis::HalfBody, 0.02),
    (Nemesis::BrokenJson, 0.02),
    (Nemesis::SlowDrip, 0.02),
    (Nemesis::ServerError, 0.03),
    (Nemesis::ServerErrorAfter, 0.05),
    (Nemesis::WebPage, 0.015),
    (Nemesis::Throttled, 0.02),
    (Nemesis::ThrottledSilent, 0.02),
    (Nemesis::StaleRead, 0.08),
    (Nemesis::OddBody, 0.03),
    (Nemesis::DuplicateRequest, 0.08),
];

impl World {
    /// Takes up what the processes have sent.
    pub fn take_sent(&mut self) {
        for Sent { id, host, request } in self.wires.take_sent() {
            let path = request.uri().path().trim_start_matches('/').to_owned();
            let (side, rest) = path.split_once('/').unwrap_or((path.as_str(), ""));
            let kind = kinds::of(side, request.method().as_str(), &format!("/{rest}"));
            let flight = Flight {
                host,
                side: side.to_owned(),
                kind,
                sent: self.watch.next_order(),
                outcome: None,
                told: None,
                write: None,
                request,
            };
            self.watch_wait(&flight);
            self.watch.sets_out(self.now(), flight.sent);
            let slow = self.shape.fate.of(Nemesis::Reordered);
            let travel = if !self.calm && self.wire_dice.chance(slow * 0.3) {
                self.wire_dice.between(10, 9_000)
            } else {
                self.wire_dice.between(8, 180)
            };
            self.flights.insert(id, flight);
            self.later(travel, Event::Arrive(id));
        }
    }

    /// A call reaches the other side.
    pub fn arrive(&mut self, id: CallId) {
        let Some(flight) = self.flights.get(&id) else { return };
        let (host, side, kind, writes, sent) =
            (flight.host, flight.side.clone(), flight.kind.clone(), flight.writes(), flight.sent);
        let overtakes = self
            .flights
            .values()
            .any(|other| other.host == host && other.sent < sent && other.outcome.is_none() && other.side == side);
        if overtakes && self.shape.fate.has(Nemesis::Reordered) {
            self.coverage.struck(Nemesis::Reordered);
        }
        let mut call = call_of(&flight.request);
        self.calls += 1;
        self.bugs.on_call(&mut call, &kind);
        let told = describe::call(&kind, &call);
        if let Some(outcome) = self.refused_by_outage(&side) {
            self.tell(Who::Us(host), format!("{told}: {} is out of reach", describe::side(&side)));
            self.back(id, outcome, 0);
            return;
        }
        let mut mischief = self.mischief(&side, &kind, writes);
        if let Some(effect) = self.refuses_the_ticket(&kind, &call) {
            mischief = Mischief { effect: Some(effect), ..Mischief::default() };
        }
        self.capped(&mut call, &kind);
        if let Some(nemesis) = mischief.nemesis {
            self.coverage.struck(nemesis);
        }
        self.strike_before_write(&kind, &call.path);
        let before = self.watch.writes.len();
        let carried = self.carry_out((host, sent), &kind, call.clone(), &mischief);
        self.strike_after_write(host, writes);
        if self.bugs.has(Bug::TokenForEveryCall) && !kind.ends_with("token") {
            self.halo_token();
            *self.watch.tokens.entry("halo.auth.token".to_owned()).or_default() += 1;
        }
        if self.bugs.repeats(&kind) {
            self.carry_out((host, sent), &kind, call.clone(), &Mischief::default());
        }
        if mischief.twice {
            // The proxy repeats it; the second answer is the one that comes back.
            let again = self.carry_out((host, sent), &kind, call, &Mischief::default());
            self.tell_call(host, &told, &again, mischief.nemesis);
            self.send_back(id, again, &mischief, before);
            return;
        }
        self.tell_call(host, &told, &carried, mischief.nemesis);
        self.send_back(id, carried, &mischief, before);
    }

    fn tell_call(&mut self, host: usize, told: &str, answer: &Answer, nemesis: Option<Nemesis>) {
        let status =
            if answer.fate == Fate::Cut { "not carried out".to_owned() } else { answer.reply.status.to_string() };
        let made = describe::made(&answer.reply);
        let wrong = nemesis.map(|nemesis| format!(" [{}]", nemesis.words())).unwrap_or_default();
        self.tell(Who::Us(host), format!("{told} → {status}{made}{wrong}"));
    }

    /// Carries a call out at the twin, and notes what it changed.
    fn carry_out(&mut self, (host, sent): (usize, Order), kind: &str, call: Call, mischief: &Mischief) -> Answer {
        let incident = self.incident_named(&call.path);
        let body = call.json().unwrap_or(Value::Null);
        let ticket = describe::ticket_of(&call, &body);
        let writes = matches!(call.method.as_str(), "PUT" | "POST" | "DELETE")
            && (kind.starts_with("sentinel.incident.")
                || kind.starts_with("sentinel.comment.")
                || kind.starts_with("halo.tickets.")
                || kind.starts_with("halo.actions."));
        let moved_unseen = ticket.is_some_and(|ticket| self.watch.moved_unseen(host, ticket));
        let client = match (&incident, ticket) {
            (Some((place, _)), _) => self.shape.places.get(*place).map(|place| place.client),
            (None, Some(ticket)) => {
                let values = self.twin.with(|world, _| ticket_values(world, ticket));
                values.and_then(|values| self.client_number(values.client_id))
            }
            (None, None) => body.pointer("/0/client_id").and_then(Value::as_i64).and_then(|id| self.client_number(id)),
        };
        let injected = matches!(mischief.effect, Some(Effect::Status { status: 429, .. }));
        let read_path = call.path.clone();
        let repeated = mischief.instead.is_some().then(|| call.clone());
        let newest = self.newest_ticket();
        let mut answer = self.handle(call, mischief.effect.clone());
        let carried =
            answer.fate != Fate::Cut && !matches!(mischief.effect, Some(Effect::Status { applied: false, .. }));
        if answer.reply.status == 429 && !injected {
            self.watch_limit(host, kind);
        }
        if kind == "halo.auth.token" || kind == "entra.token" {
            *self.watch.tokens.entry(kind.to_owned()).or_default() += 1;
        }
        if kind.ends_with(".get") && self.hosts.iter().flatten().count() == 1 {
            let now = self.now();
            self.watch.reads(now, &read_path);
        }
        // What a copy that only reads sees is no knowledge of one that writes.
        let knows = host == 0 || self.strikes.beside.writes();
        if knows && carried && mischief.nemesis != Some(Nemesis::StaleRead) {
            // What a full disk keeps from being noted nobody knows any more once the process has ended.
            if host != 0 || !self.strikes.disk_full {
                self.watch.reading(host, kind, incident.as_ref(), ticket, &answer);
            }
        }
        if let (true, "halo.tickets.get", true, Some(ticket)) = (knows, kind, carried, ticket) {
            let order = self.watch.next_order();
            self.watch.read.insert((host, ticket), order);
        }
        if writes && carried {
            // Whatever became of the answer.
            let made = self.newest_ticket().filter(|_| ticket.is_none() && kind == "halo.tickets.post");
            let made = made.filter(|made| Some(*made) != newest);
            let write = Write {
                order: self.watch.next_order(),
                at: self.now(),
                host,
                sent,
                kind: kind.to_owned(),
                incident: incident.clone(),
                ticket: ticket.or(made),
                client,
                moved_unseen,
                read: incident.as_ref().and_then(|key| self.watch.read_incidents.get(key)).copied(),
                body,
                status: answer.reply.status,
                answered: false,
                made: answer.reply.status == 201,
            };
            self.watch.wrote(write);
            if let Some(key) = &incident {
                self.watch.incident(&self.twin, key, By::Us(host));
            }
            if let Some(ticket) = ticket.or(made) {
                self.watch.ticket(&self.twin, ticket, By::Us(host));
            }
        }
        if kind == "sentinel.incident.get"
            && answer.reply.status == 200
            && let Some(key) = incident
        {
            self.maybe_interfere(&key);
        }
        if let Some(call) = repeated {
            answer = self.handle(call, mischief.instead.clone());
        }
        answer
    }

    fn newest_ticket(&self) -> Option<i64> {
        self.twin.with(|world, _| world.halos.first()?.halo.tickets().map(|ticket| ticket.id).max())
    }

    /// Hands a call to the twin, which does this to it.
    fn handle(&self, call: Call, effect: Option<Effect>) -> Answer {
        let anything = |effect| Fault {
            id: 0,
            side: None,
            kind: None,
            method: None,
            path: None,
            effect,
            probability: 1.0,
            skip: 0,
            remaining: Some(1),
        };
        if let Some(effect) = effect {
            self.twin.with(|world, _| world.faults.add(anything(effect)));
        }
        self.twin.handle(call)
    }

    /// Sends an answer on its way back.
    fn send_back(&mut self, id: CallId, mut answer: Answer, mischief: &Mischief, writes_before: usize) {
        let kind = self.flights.get(&id).map(|flight| flight.kind.clone()).unwrap_or_default();
        let arrives = !mischief.too_late && answer.fate == Fate::Whole;
        let writes = self.watch.writes.len();
        if let Some(flight) = self.flights.get_mut(&id).filter(|_| writes > writes_before) {
            flight.write = Some(writes - 1);
        }
        if let Some(flight) = self.flights.get_mut(&id).filter(|_| arrives && answer.reply.status == 429) {
            // Signing in to Entra has no budget.
            let secs = answer.reply.header("retry-after").and_then(|text| text.parse().ok());
            flight.told = (kind != "entra.token").then_some(secs);
        }
        let tickets = &self.watch.tickets;
        let made_for = |id: i64| tickets.get(&id).and_then(|versions| versions.first()).map(|v| v.value.client_id);
        self.bugs.on_answer(&kind, &mut answer, made_for);
        if mischief.odd {
            describe::oddly(&mut answer.reply, &mut self.wire_dice);
        }
        if arrives
            && answer.reply.status == 200
            && matches!(kind.as_str(), "sentinel.incident.list" | "sentinel.incident.get")
        {
            self.watch_answer(id, &answer.reply.body);
        }
        let cut = |text: &str| Err(TransportError::NoAnswer(text.to_owned()));
        let outcome = match answer.fate {
            _ if mischief.too_late => cut("nothing came within 60 s"),
            Fate::Whole => response(&answer),
            Fate::Cut => cut("the connection was cut"),
            Fate::Lost => cut("the connection was cut before the answer"),
            Fate::Half => cut("the connection was cut within the answer"),
        };
        self.back(id, outcome, mischief.drips_ms);
    }

    /// Notes which incidents an answer shows us.
    fn watch_answer(&mut self, id: CallId, body: &Bytes) {
        let at = self.now();
        let Some(flight) = self.flights.get(&id) else { return };
        let lower = flight.request.uri().path().to_lowercase();
        let workspace = lower.split_once("/workspaces/").and_then(|(_, below)| below.split('/').next());
        let place = self.shape.places.iter().position(|place| Some(place.workspace.as_str()) == workspace);
        if let Some(place) = place {
            self.watch.answered(at, place, &flight.request, body);
        }
    }

    fn back(&mut self, id: CallId, outcome: Outcome, more_ms: i64) {
        if let Some(flight) = self.flights.get_mut(&id) {
            flight.outcome = Some(outcome);
        }
        let travel = self.wire_dice.between(8, 180) + more_ms;
        self.later(travel, Event::Answer(id));
    }

    /// An answer reaches us.
    pub fn answer(&mut self, id: CallId) {
        let Some(flight) = self.flights.remove(&id) else { return };
        self.watch.hears(self.now(), &flight.kind, flight.request.uri().path());
        let Some(outcome) = flight.outcome else { return };
        // A process that died meanwhile hears nothing, nor does the one that took its place.
        let success = outcome.as_ref().is_ok_and(|response| response.status().is_success());
        let heard = self.wires.answer(id, outcome);
        if let Some(write) = flight.write.and_then(|write| self.watch.writes.get_mut(write)) {
            write.answered = heard && success && !self.strikes.disk_full;
        }
        if let Some(secs) = flight.told.filter(|_| heard) {
            self.strikes.hear(self.clock_of(flight.host), &flight.side, flight.host, secs);
        }
    }

    /// What goes wrong with this call.
    fn mischief(&mut self, side: &str, kind: &str, writes: bool) -> Mischief {
        let mut found = Mischief::default();
        if self.calm {
            return found;
        }
        let put = kind.ends_with(".put") && side == "arm";
        let read = !writes && !kind.ends_with("token");
        for (nemesis, rate) in PER_CALL {
            let fits = match nemesis {
                Nemesis::LostAnswer | Nemesis::ServerErrorAfter => writes,
                Nemesis::StaleRead => read && kind != "sentinel.comment.list" && !kind.starts_with("halo.actions"),
                Nemesis::OddBody => read,
                Nemesis::DuplicateRequest => put,
                _ => true,
            };
            let strength = self.shape.fate.of(nemesis);
            if !fits || strength <= 0.0 || !self.wire_dice.chance(rate * strength) {
                continue;
            }
            let secs = |dice: &mut super::dice::Dice, low, high| dice.between(low, high).unsigned_abs();
            let status = |status, applied, retry_after, html| Effect::Status { status, applied, retry_after, html };
            let five = self.wire_dice.pick(&[500_u16, 502, 503, 504]).copied().unwrap_or(500);
            match nemesis {
                Nemesis::LostAnswer => found.effect = Some(Effect::LostAnswer),
                Nemesis::Cut => found.effect = Some(Effect::Cut),
                Nemesis::HalfBody => found.effect = Some(Effect::HalfBody),
                Nemesis::BrokenJson => found.effect = Some(Effect::TruncatedJson),
                Nemesis::SlowDrip => {
                    found.drips_ms = self.wire_dice.between(2_000, 90_000);
                    if found.drips_ms > PATIENCE_SECS * 1_000 {
                        found.drips_ms = PATIENCE_SECS * 1_000;
                        found.too_late = true;
                    }
                }
                Nemesis::ServerError => found.effect = Some(status(five, false, None, false)),
                Nemesis::ServerErrorAfter => found.instead = Some(status(five, false, None, false)),
                Nemesis::WebPage => found.effect = Some(status(200, false, None, true)),
                Nemesis::Throttled => {
                    let wait = secs(&mut self.wire_dice, 1, 300);
                    found.effect = Some(status(429, false, Some(wait), false));
                }
                Nemesis::ThrottledSilent => found.effect = Some(status(429, false, None, false)),
                // Never older than half of what an unknown outcome is looked for.
                Nemesis::StaleRead => {
                    let ms = self.wire_dice.between(500, self.shape.settle_secs * 500);
                    found.effect = Some(Effect::Stale(ms));
                }
                Nemesis::OddBody => found.odd = true,
                Nemesis::DuplicateRequest => found.twice = true,
                _ => {}
            }
            found.nemesis = Some(nemesis);
            return found;
        }
        found
    }

    /// The server hands out smaller pages than were asked for.
    fn capped(&mut self, call: &mut Call, kind: &str) {
        let Some(cap) = self.strikes.page_cap else { return };
        if kind == "halo.tickets.list" {
            self.coverage.struck(Nemesis::PageCap);
        }
        if !matches!(kind, "sentinel.incident.list" | "sentinel.comment.list") {
            return;
        }
        self.coverage.struck(Nemesis::PageCap);
        call.query.retain(|(name, _)| name != "$top");
        call.query.push(("$top".to_owned(), cap.to_string()));
    }

    /// Somebody else may write to the incident that was just read.
    fn maybe_interfere(&mut self, key: &IncidentKey) {
        let strength = self.shape.fate.of(Nemesis::EtagConflict);
        if self.calm || strength <= 0.0 || !self.wire_dice.chance(0.25 * strength) {
            return;
        }
        let key = key.clone();
        let wait = self.wire_dice.between(1, 300);
        self.later(wait, Event::Strike(super::strikes::Strike::Interfere(key)));
    }

    /// The incident that a path below the management API names.
    pub fn incident_named(&self, path: &str) -> Option<IncidentKey> {
        let lower = path.to_lowercase();
        let (_, below) = lower.split_once("/workspaces/")?;
        let workspace = below.split('/').next()?;
        let (_, rest) = below.split_once("/incidents/")?;
        let name = rest.split('/').next().filter(|name| !name.is_empty())?.to_owned();
        self.shape.places.iter().position(|place| place.workspace == workspace).map(|place| (place, name))
    }

    /// Number of the client with this id in Halo.
    pub fn client_number(&self, halo_client_id: i64) -> Option<usize> {
        let number = usize::try_from(halo_client_id - self.shape.product.first_client_id());
        number.ok().filter(|number| *number < self.shape.clients)
    }
}

fn response(answer: &Answer) -> Outcome {
    let mut response = http::Response::builder().status(answer.reply.status);
    for (name, value) in &answer.reply.headers {
        response = response.header(name, value);
    }
    response.body(answer.reply.body.clone()).map_err(|error| TransportError::NoAnswer(error.to_string()))
}
