//! The world: both sides, what goes wrong, what was called, what waits to be sent.

mod faulty;

use bytes::Bytes;
use jiff::Timestamp;
use serde_json::{Value, json};

use self::faulty::{early, late};
use super::{
    calls::{Bodies, Calls, Received},
    delivery::Deliveries,
    faults::{self, Fault, Faults},
    halo::{Halo, HaloOptions},
    kinds,
    limits::Limits,
    microsoft::Microsoft,
    options::TwinOptions,
    stamp,
    wire::{Call, Cx, Outgoing, Reply},
};
use crate::clock::{IdSource, SeededIds};

/// What becomes of an answer on its way back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It arrives.
    Whole,
    /// The connection is cut before the call is carried out.
    Cut,
    /// It was carried out; the connection is cut before the answer.
    Lost,
    /// Half of the body arrives, then the connection is cut.
    Half,
}

/// An answer and how it travels.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The answer.
    pub reply: Reply,
    /// Milliseconds it waits.
    pub delay_ms: u64,
    /// What becomes of it.
    pub fate: Fate,
}

impl Answer {
    /// An answer that arrives at once.
    pub fn whole(reply: Reply) -> Self {
        Self { reply, delay_ms: 0, fate: Fate::Whole }
    }
}

/// One Halo instance and the path segment it is served under.
pub struct Instance {
    /// Path segment (`halo`).
    pub name: String,
    /// The instance.
    pub halo: Halo,
}

/// Everything.
pub struct World {
    /// Microsoft's side.
    pub microsoft: Microsoft,
    /// Halo's side: one instance or more.
    pub halos: Vec<Instance>,
    /// What goes wrong with calls.
    pub faults: Faults,
    /// What was called.
    pub calls: Calls,
    /// What is sent.
    pub deliveries: Deliveries,
    /// Milliseconds every answer waits.
    pub latency_ms: u64,
    ids: SeededIds,
    options: TwinOptions,
}

impl World {
    /// A world made from its options.
    pub fn new(options: TwinOptions) -> Self {
        let ids = SeededIds::new(options.seed);
        let halo_options = HaloOptions { name: "halo".into(), product: options.product, limits: options.limits };
        let microsoft = Microsoft::new(&options, &ids);
        let mut halo = Halo::new(&halo_options, &ids);
        for (name, value) in &options.switches {
            // Checked by `check_switches` before; one meant for Microsoft's side is not Halo's.
            let _ = halo.set_switch(name, value);
        }
        Self {
            microsoft,
            halos: vec![Instance { name: "halo".into(), halo }],
            faults: Faults::new(options.seed),
            calls: Calls::default(),
            deliveries: Deliveries::new(options.seed),
            latency_ms: options.latency_ms,
            ids,
            options,
        }
    }

    /// What it was made from.
    pub fn options(&self) -> &TwinOptions {
        &self.options
    }

    /// Adds a Halo instance, served under `/{name}/auth` and `/{name}/api`.
    ///
    /// # Errors
    /// When the name is taken or no path segment.
    pub fn add_halo(&mut self, options: &HaloOptions) -> Result<Value, String> {
        // The first instance is at the root too: `api` and `auth` are its paths there.
        let reserved = ["entra", "arm", "loganalytics", "graph", "admin", "act", "api", "auth"];
        let plain = !options.name.is_empty() && options.name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
        if !plain || reserved.contains(&options.name.as_str()) || self.halos.iter().any(|one| one.name == options.name)
        {
            return Err(format!("{:?} cannot be the name of a Halo instance", options.name));
        }
        let halo = Halo::new(options, &self.ids);
        let connection = halo.connection();
        self.halos.push(Instance { name: options.name.clone(), halo });
        Ok(connection)
    }

    /// Sets a switch on whichever side has it.
    ///
    /// # Errors
    /// When no side has it, or the value does not fit.
    pub fn set_switch(&mut self, name: &str, value: &str) -> Result<(), String> {
        let mut known = self.microsoft.set_switch(name, value)?;
        for one in &mut self.halos {
            known |= one.halo.set_switch(name, value)?;
        }
        if known { Ok(()) } else { Err(no_switch(name)) }
    }

    /// Whether a switch could be set so; nothing is.
    ///
    /// # Errors
    /// When no side has it, or the value does not fit.
    pub fn check_switch(&self, name: &str, value: &str) -> Result<(), String> {
        let mut known = self.microsoft.switches.clone().set(name, value)?;
        for one in &self.halos {
            known |= one.halo.check_switch(name, value)?;
        }
        if known { Ok(()) } else { Err(no_switch(name)) }
    }

    /// A fault whose side there is.
    ///
    /// # Errors
    /// A sentence naming the side that there is not.
    pub fn knows(&self, fault: Fault) -> Result<Fault, String> {
        let Some(side) = &fault.side else { return Ok(fault) };
        let all: Vec<&str> = MICROSOFT.into_iter().chain(self.halos.iter().map(|one| one.name.as_str())).collect();
        if all.contains(&side.as_str()) {
            Ok(fault)
        } else {
            Err(format!("there is no side {side:?}: {}", all.join(", ")))
        }
    }

    /// Changes how strictly limits are kept.
    pub fn set_limits(&mut self, limits: Limits) {
        self.microsoft.set_limits(limits);
        for one in &mut self.halos {
            one.halo.set_limits(limits);
        }
    }

    /// Runs what is due by now: rules that waited, batches.
    pub fn tick(&mut self, now: Timestamp) {
        let mut outgoing = Vec::new();
        let mut cx = Cx { now, ids: &self.ids, outgoing: &mut outgoing };
        self.microsoft.tick(&mut cx);
        for one in &mut self.halos {
            one.halo.tick(&mut cx);
        }
        self.send(outgoing, now);
    }

    fn send(&mut self, outgoing: Vec<Outgoing>, now: Timestamp) {
        for lost in self.deliveries.take(outgoing) {
            self.microsoft.run_over(&lost, false, now);
        }
    }

    /// When something happens next by itself.
    pub fn next_due(&self) -> Option<Timestamp> {
        let halos = self.halos.iter().filter_map(|one| one.halo.next_due());
        self.microsoft.next_due().into_iter().chain(halos).chain(self.deliveries.next_due()).min()
    }

    /// Hands out what is to be sent by now.
    pub fn due_outgoing(&mut self, now: Timestamp) -> Vec<Outgoing> {
        self.tick(now);
        self.deliveries.due(now)
    }

    /// Notes how a delivery ended (`None`: no answer).
    pub fn delivered(&mut self, one: Outgoing, status: Option<u16>, now: Timestamp) {
        if one.kind == "halo-webhook" {
            for instance in &mut self.halos {
                instance.halo.delivered(&one.body, status.unwrap_or(0));
            }
        }
        let delivery = one.clone();
        if let Some(arrived) = self.deliveries.ended(one, status, now) {
            self.microsoft.run_over(&delivery, arrived, now);
        }
    }

    /// A person's act on either side: `ticket.…` and `note.…` in Halo (`halo` names the instance), the
    /// rest at Microsoft's.
    pub fn act(&mut self, verb: &str, body: &Value, now: Timestamp) -> Reply {
        let mut outgoing = Vec::new();
        let mut cx = Cx { now, ids: &self.ids, outgoing: &mut outgoing };
        let reply = if verb.starts_with("ticket.") || verb.starts_with("note.") {
            let name = body.get("halo").and_then(Value::as_str).unwrap_or("halo");
            match self.halos.iter_mut().find(|one| one.name == name) {
                Some(one) => one.halo.act(verb, body, &mut cx),
                None => Reply::json(404, &json!({"error": format!("there is no Halo instance {name:?}")})),
            }
        } else {
            self.microsoft.act(verb, body, &mut cx)
        };
        self.send(outgoing, now);
        if self.calls.keeps_act(verb) {
            self.calls.note(Received {
                number: 0,
                at: now,
                side: "act".into(),
                kind: format!("act.{verb}"),
                method: "POST".into(),
                path: format!("/admin/acts/{verb}"),
                query: Vec::new(),
                status: reply.status,
                left: None,
                note: String::new(),
                bodies: Some(Bodies { sent: Bytes::from(body.to_string()), answered: reply.body.clone() }),
            });
        }
        reply
    }

    /// End state of both sides.
    pub fn state(&self) -> Value {
        let mut state = self.microsoft.state();
        if let Some(map) = state.as_object_mut() {
            let halos: serde_json::Map<String, Value> =
                self.halos.iter().map(|one| (one.name.clone(), one.halo.state())).collect();
            map.insert("halo".into(), Value::Object(halos));
        }
        state
    }

    /// Answers a call: faults first, then the side, then faults on the way back.
    pub fn handle(&mut self, mut call: Call, now: Timestamp) -> Answer {
        self.tick(now);
        let first = self.halos.first().map_or("", |one| one.name.as_str());
        let (side, base, rest) = side(&call.path, first);
        call.base = base;
        let kind = kinds::of(&side, &call.method, &rest);
        let effects = self.faults.decide(&side, &kind, &call.method, &rest);
        let mut answer = Answer { reply: Reply::empty(200), delay_ms: self.latency_ms, fate: Fate::Whole };
        let full_path = std::mem::replace(&mut call.path, rest);
        let mut note = String::new();
        let early = early(&effects, &side, &mut answer, &mut note);
        let keeps = self.calls.keeps(&kind, &call.method);
        let mut bodies = keeps.then(|| Bodies { sent: call.body.clone(), answered: Bytes::new() });
        if !early {
            let reply = self.carry_out(&side, &mut call, faults::stale(&effects), now);
            answer.reply = reply;
            if let Some(bodies) = &mut bodies {
                bodies.answered = answer.reply.body.clone();
            }
            late(&effects, &side, &mut answer, &mut note);
        }
        answer.reply = answer.reply.with("date", stamp::http_date(now));
        let left =
            ["x-ms-ratelimit-remaining-subscription-reads", "x-ms-ratelimit-remaining-subscription-resource-requests"]
                .iter()
                .find_map(|name| answer.reply.header(name))
                .and_then(|left| left.parse().ok());
        self.calls.note(Received {
            number: 0,
            at: now,
            side,
            kind,
            method: call.method,
            path: full_path,
            query: call.query,
            status: answer.reply.status,
            left,
            note,
            bodies,
        });
        answer
    }

    fn carry_out(&mut self, side: &str, call: &mut Call, stale: Option<jiff::SignedDuration>, now: Timestamp) -> Reply {
        let mut outgoing = Vec::new();
        let mut cx = Cx { now, ids: &self.ids as &dyn IdSource, outgoing: &mut outgoing };
        let from_browser = MICROSOFT.contains(&side) && side != "entra" && call.header("origin").is_some();
        if from_browser && call.method == "OPTIONS" {
            return preflight(call);
        }
        self.microsoft.stale = stale;
        let mut reply = match side {
            "entra" => self.microsoft.handle_entra(call, &mut cx),
            "arm" => self.microsoft.handle_arm(call, &mut cx),
            "loganalytics" => self.microsoft.handle_log_analytics(call, &mut cx),
            "graph" => self.microsoft.handle_graph(call, &mut cx),
            name => match self.halos.iter_mut().find(|one| one.name == name) {
                Some(one) => halo_reply(&mut one.halo, call, stale, &mut cx),
                None => Reply::json(404, &json!({"error": "there is no such side; see /admin"})),
            },
        };
        self.microsoft.stale = None;
        self.send(outgoing, now);
        if from_browser {
            reply = reply.with("access-control-allow-origin", "*").with("access-control-expose-headers", "*");
        }
        reply
    }
}

fn no_switch(name: &str) -> String {
    format!("there is no switch {name:?}")
}

/// Microsoft's sides.
const MICROSOFT: [&str; 4] = ["entra", "arm", "loganalytics", "graph"];

/// What a browser asks before it calls from another page.
fn preflight(call: &Call) -> Reply {
    let asked = |name: &str, else_: &str| call.header(name).unwrap_or(else_).to_owned();
    Reply::empty(200)
        .with("access-control-allow-origin", "*")
        .with("access-control-allow-methods", asked("access-control-request-method", "GET"))
        .with("access-control-allow-headers", asked("access-control-request-headers", "authorization"))
        .with("access-control-max-age", "3600")
}

fn halo_reply(halo: &mut Halo, call: &mut Call, stale: Option<jiff::SignedDuration>, cx: &mut Cx<'_>) -> Reply {
    let path = std::mem::take(&mut call.path);
    let lower = path.to_lowercase();
    let (is_auth, cut) = match lower.as_str() {
        path if path.starts_with("/auth/") => (true, 5),
        path if path.starts_with("/api/") => (false, 4),
        _ => return Reply::empty(404),
    };
    call.path = path.get(cut..).unwrap_or("/").to_owned();
    if call.method == "OPTIONS" {
        // What Halo allows pages of other origins is not known: nothing. The question needs no token and counts for no limit.
        let methods = if is_auth { "GET, POST, OPTIONS" } else { "GET, POST, DELETE, OPTIONS" };
        return Reply::empty(204).with("allow", methods);
    }
    if is_auth {
        return halo.handle_auth(call, cx);
    }
    let Some(age) = stale else { return halo.handle_api(call, cx) };
    // Its own switches look back in time; they are turned for this one call.
    let names = ["stale_ms", "list_stale_ms"];
    let before: Vec<(&str, String)> = halo
        .switches()
        .into_iter()
        .filter(|switch| names.contains(&switch.name))
        .map(|switch| (switch.name, switch.value.to_string()))
        .collect();
    for name in names {
        let _ = halo.set_switch(name, &age.as_millis().max(0).to_string());
    }
    let reply = halo.handle_api(call, cx);
    for (name, value) in before {
        let _ = halo.set_switch(name, &value);
    }
    reply
}

/// The side a path names by its first segment, the path that stands for it, and the rest.
///
/// Some public clients keep only scheme and host of an address they are given: what can belong to one
/// of Microsoft's sides alone is taken at the root too, and `api` and `auth` are `first`'s, the first
/// Halo instance's (the addresses that Halo itself has, Halo sheet 1.1 and 2).
fn side(path: &str, first: &str) -> (String, String, String) {
    let trimmed = path.trim_start_matches('/');
    let lower = trimmed.to_lowercase();
    let mut parts = lower.split('/');
    let at_root = match (parts.next().unwrap_or(""), parts.next().unwrap_or("")) {
        // Before Entra's, whose tenant could have any name.
        ("api" | "auth", _) if !first.is_empty() => Some(first),
        ("subscriptions" | "tenants" | "providers", _) | ("metadata", "endpoints") => Some("arm"),
        ("v1", "workspaces" | "subscriptions" | "$batch") => Some("loganalytics"),
        ("v1.0" | "beta", _) => Some("graph"),
        (_, "oauth2" | "discovery" | "v2.0" | ".well-known" | "adminconsent") => Some("entra"),
        _ => None,
    };
    if let Some(side) = at_root {
        return (side.to_owned(), String::new(), format!("/{trimmed}"));
    }
    let (side, rest) = trimmed.split_once('/').unwrap_or((trimmed, ""));
    let side = side.to_lowercase();
    let base = format!("/{side}");
    (side, base, format!("/{rest}"))
}
