//! What only shows against the documented limits: a backlog, an outage, what one broken thing costs the others. Engine and
//! twin in one process under one clock, which jumps from one moment at which something is due to the next: times are those
//! of the world, to the millisecond. The tests look at small worlds, the benchmarks at large ones.

// Each user of this file needs only a part of it.
#![allow(dead_code)]

use std::collections::{BTreeMap, BTreeSet};

use halobridge::{
    clock::{Clock, IdSource, SystemIds},
    domain::{
        delivery::{Delivery, DeliverySource},
        ids::{DeliveryId, IncidentId},
        workspace::Workspace,
    },
    twin::{faults::Fault, limits::Limits, options::TwinOptions},
};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::{
    inside::{Inside, beginning},
    outside::Wanted,
};

/// Halo's documented limit: so many requests in any five minutes.
pub const PERMITTED: f64 = 300.0;
/// The promised floor of an Azure subscription: so many writes of a kind in any five minutes.
pub const PROMISED: f64 = 75.0;
pub const WINDOW_SECS: f64 = 300.0;
/// One in twenty of Halo's permitted rate, in the middle: an incident comes after up to twice as long.
const FRESH_EVERY: SignedDuration = SignedDuration::from_secs(20);
const TWICE_MS: i64 = 2 * FRESH_EVERY.as_millis() as i64;

impl Inside {
    /// A world with the documented limits on either side.
    pub async fn limited(workspaces: usize, poll_secs: u32) -> Self {
        let options = TwinOptions { workspaces, limits: Limits::Real, ..TwinOptions::new(5, beginning()) };
        let wanted =
            Wanted { evidence: false, poll_secs, customers: workspaces, documented_limits: true, ..Wanted::default() };
        let world = Self::new(options, &wanted).await;
        // What another process may have changed: there is none.
        world.engine.alone(SignedDuration::from_mins(1));
        world.pass(60).await;
        world
    }

    /// To the next moment at which something is due, `until` at the latest.
    fn jump(&self, until: Timestamp) {
        let next = self.clock.now() + SignedDuration::from_millis(1);
        self.clock.set(self.engine.next_work().max(next).min(until));
    }

    /// So many seconds, from one moment at which something is due to the next.
    pub async fn pass(&self, secs: i64) {
        let until = self.clock.now() + SignedDuration::from_secs(secs);
        loop {
            self.run().await;
            if self.clock.now() >= until {
                return;
            }
            self.jump(until);
        }
    }

    /// Until nothing waits in a queue: seconds; `None` when that takes longer than `most_secs`.
    pub async fn until_in_step(&self, most_secs: i64) -> Option<f64> {
        let began = self.clock.now();
        let until = began + SignedDuration::from_secs(most_secs);
        loop {
            self.run().await;
            if self.store.queue_counts().await.expect("counts").open == 0 {
                return Some(self.clock.now().duration_since(began).as_secs_f64());
            }
            if self.clock.now() >= until {
                return None;
            }
            self.jump(until);
        }
    }

    /// Workspaces by name.
    pub async fn places(&self) -> BTreeMap<String, Workspace> {
        let installation = self.store.installation().await.expect("an installation");
        let named = |one: &Workspace| (one.arm_id.rsplit('/').next().unwrap_or_default().to_owned(), one.clone());
        installation.workspaces.iter().map(named).collect()
    }

    fn acted(&self, verb: &str, body: &Value) -> Value {
        let reply = self.twin.act(verb, body);
        assert_eq!(reply.status, 200, "{verb} {body}");
        serde_json::from_slice(&reply.body).expect("JSON")
    }

    fn fault(&self, body: &Value) {
        let fault = Fault::from_json(body).expect("a fault");
        self.twin.with(|world, _| world.faults.add(fault));
    }

    /// Raises an incident and stores what a playbook says of it.
    async fn announced(&self, name: &str, workspace: &Workspace) -> IncidentId {
        let made = self.acted("incident.create", &json!({ "workspace": name }));
        let incident = made["name"].as_str().expect("its name").to_owned();
        let body = json!({
            "eventUniqueId": incident, "objectEventType": "Create", "object": { "id": made["id"], "name": incident },
        });
        let delivery = Delivery {
            id: DeliveryId(SystemIds.uuid_v7(self.clock.now())),
            source: DeliverySource::Sentinel { workspace: workspace.id, client: workspace.client },
            received: self.clock.now(),
            body: body.to_string().into_bytes(),
            handled: None,
        };
        self.store.intake(delivery).await.expect("stored");
        self.engine.poke_intake();
        IncidentId::new(&incident)
    }

    /// Calls of a side since they were last forgotten, by the beginning of their kind; token calls count.
    fn asked(&self, side: &str) -> u64 {
        self.twin.with(|world, _| world.calls.count(&format!("{side}.*")))
    }

    /// How many calls of either side were answered with 429 since they were last forgotten.
    pub fn refused(&self) -> u64 {
        let summary = self.twin.with(|world, _| world.calls.summary());
        let kinds = summary["kinds"].as_object().expect("kinds");
        kinds.values().filter_map(|kind| kind["statuses"]["429"].as_u64()).sum()
    }

    /// Incidents with their workspaces, as Microsoft has them.
    fn raised(&self) -> Vec<(String, String)> {
        let state = self.twin.with(|world, _| world.microsoft.state());
        let mut raised = Vec::new();
        for workspace in state["workspaces"].as_array().expect("workspaces") {
            let name = workspace["name"].as_str().expect("a name");
            for incident in workspace["incidents"].as_array().into_iter().flatten() {
                raised.push((name.to_owned(), incident["name"].as_str().expect("a name").to_owned()));
            }
        }
        raised
    }

    /// Numbers of Halo's tickets.
    fn numbers(&self) -> Vec<i64> {
        let state = self.twin.with(|world, _| world.halos[0].halo.state());
        let tickets = state["tickets"].as_array().expect("tickets");
        tickets.iter().filter_map(|ticket| ticket["id"].as_i64()).collect()
    }

    /// Raises fresh incidents, one at a time in one of these places, and follows each to its ticket.
    async fn follow(&self, names: &[&String], all: &BTreeMap<String, Workspace>, secs: i64) -> Fresh {
        let mut fresh = Fresh::default();
        let mut open: Vec<(Timestamp, &String, IncidentId)> = Vec::new();
        let (mut dice, mut next) = (0x2545_F491_4F6C_DD17_u64, self.clock.now());
        let end = self.clock.now() + SignedDuration::from_secs(secs);
        while self.clock.now() < end {
            let now = self.clock.now();
            if now >= next {
                dice ^= dice << 13;
                dice ^= dice >> 7;
                dice ^= dice << 17;
                let name = names[usize::try_from(dice % names.len() as u64).expect("small")];
                open.push((now, name, self.announced(name, &all[name]).await));
                next = now + SignedDuration::from_millis(i64::try_from(dice >> 16).unwrap_or(0) % TWICE_MS);
            }
            self.run().await;
            let mut left = Vec::new();
            for (since, name, incident) in open {
                let pair = self.store.pair_of_incident(all[name].id, &incident).await.expect("read");
                if pair.is_some_and(|pair| pair.ticket.is_some()) {
                    fresh.waited(name, now.duration_since(since).as_secs_f64());
                } else {
                    left.push((since, name, incident));
                }
            }
            open = left;
            self.jump(next.min(end));
        }
        // Those that have none to the end waited at least until then.
        fresh.without = open.len();
        for (since, name, _) in open {
            fresh.waited(name, end.duration_since(since).as_secs_f64());
        }
        fresh.waits.sort_by(f64::total_cmp);
        fresh
    }
}

/// How long fresh incidents waited for their tickets.
#[derive(Debug, Default)]
pub struct Fresh {
    /// Seconds, the shortest first.
    pub waits: Vec<f64>,
    /// The longest of each workspace.
    pub longest: BTreeMap<String, f64>,
    /// How many had none to the end.
    pub without: usize,
}

impl Fresh {
    fn waited(&mut self, name: &str, secs: f64) {
        self.waits.push(secs);
        let longest = self.longest.entry(name.to_owned()).or_default();
        *longest = secs.max(*longest);
    }

    /// The workspace whose incident waited longest, and how long.
    pub fn worst(&self) -> Option<(&str, f64)> {
        self.longest.iter().max_by(|a, b| a.1.total_cmp(b.1)).map(|(name, secs)| (name.as_str(), *secs))
    }
}

/// P2 and P4: what became of fresh incidents, and of the permitted rate, while a backlog waited.
#[derive(Debug)]
pub struct Backlog {
    pub fresh: Fresh,
    /// Requests to Halo meanwhile, and how many of them the limit permits.
    pub asked: u64,
    pub permitted: f64,
    /// Answers with 429.
    pub refused: u64,
    /// Tickets that were still to be made in the end.
    pub left: usize,
}

/// `waiting` incidents of so many clients wait; for `secs`, now and then, there is a fresh one of any of them. It is looked
/// at from `after_secs` on, when the backlog is found and the window full.
pub async fn backlog(clients: usize, waiting: usize, poll_secs: u32, (after_secs, secs): (i64, i64)) -> Backlog {
    let world = Inside::limited(clients, poll_secs).await;
    world.raise(waiting / clients);
    world.pass(after_secs).await;
    let all = world.places().await;
    let names: Vec<&String> = all.keys().collect();
    world.forget_calls();
    let fresh = world.follow(&names, &all, secs).await;
    Backlog {
        asked: world.asked("halo"),
        permitted: PERMITTED * secs as f64 / WINDOW_SECS,
        refused: world.refused(),
        left: world.incidents() - world.tickets(),
        fresh,
    }
}

/// Which side is away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Away {
    Halo,
    Sentinel,
}

/// R15: what the way back into step took.
#[derive(Debug)]
pub struct Recovered {
    /// Pairs, and changes of them during the outage.
    pub pairs: usize,
    pub changes: usize,
    /// Seconds from the end of the outage until nothing waits; `None` when that took too long.
    pub secs: Option<f64>,
    /// Calls of the limited kind made meanwhile, and the fewest that there are.
    pub asked: u64,
    pub fewest: u64,
    /// Seconds in which the limit allows the calls made.
    pub allowed: f64,
    /// Answers with 429 meanwhile.
    pub refused: u64,
    /// Changes that did not arrive.
    pub lost: usize,
    /// Dead letters.
    pub dead: i64,
}

impl Recovered {
    /// The time it took against the time that the limit allows the same calls in.
    pub fn ratio(&self) -> f64 {
        self.secs.map_or(f64::INFINITY, |secs| secs / self.allowed)
    }
}

const MARK: &str = "change-no-";

/// Numbers of the changes that a text tells of.
fn marks(text: &str) -> BTreeSet<usize> {
    let number = |rest: &str| -> Option<usize> {
        let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
        digits.parse().ok()
    };
    text.split(MARK).skip(1).filter_map(number).collect()
}

/// An outage.
#[derive(Debug, Clone, Copy)]
pub struct Outage {
    pub away: Away,
    pub hours: usize,
    /// Workspaces, each of a client of its own, and pairs of each.
    pub places: usize,
    pub pairs: usize,
    /// How often people change each pair meanwhile.
    pub rounds: usize,
    /// Seconds between polls of a workspace.
    pub poll_secs: u32,
}

/// Longer than any of these worlds needs to come into step.
const FOR_EVER_SECS: i64 = 48 * 3_600;

/// One side is away while people at the other go on.
pub async fn recovery(outage: Outage) -> Recovered {
    let Outage { away, hours, places, pairs, rounds, poll_secs } = outage;
    let world = Inside::limited(places, poll_secs).await;
    world.raise(pairs);
    world.pass(i64::from(poll_secs) + 60).await;
    world.until_in_step(FOR_EVER_SECS).await.expect("all pairs are in step before it");
    let (raised, numbers) = (world.raised(), world.numbers());
    assert_eq!((raised.len(), numbers.len()), (places * pairs, places * pairs), "each incident has its ticket");
    let kind = match away {
        Away::Halo => "halo.*",
        Away::Sentinel => "sentinel.*",
    };
    world.fault(&json!({ "effect": "status", "status": 503, "kind": kind }));
    let mut changes = 0;
    for _ in 0..rounds {
        for ((workspace, incident), number) in raised.iter().zip(&numbers) {
            let text = format!("{MARK}{changes}.");
            let (verb, body) = match away {
                Away::Halo => {
                    let body = json!({ "workspace": workspace, "incident": incident, "message": text });
                    ("incident.comment", body)
                }
                Away::Sentinel => ("ticket.note", json!({ "ticket_id": number, "agent": "Jonas Weber", "text": text })),
            };
            world.acted(verb, &body);
            changes += 1;
        }
        world.pass(i64::try_from(hours * 3_600 / rounds).expect("small")).await;
    }
    world.twin.with(|world, _| world.faults.remove(None));
    world.forget_calls();
    let secs = world.until_in_step(FOR_EVER_SECS).await;
    let (asked, per_window, fewest) = match away {
        // Before a note the ticket is read: docs/decisions/0007.
        Away::Halo => (world.asked("halo"), PERMITTED, 2 * changes),
        Away::Sentinel => (world.twin.with(|world, _| world.calls.count("sentinel.comment.put")), PROMISED, changes),
    };
    let arrived = match away {
        Away::Halo => world.twin.with(|world, _| world.halos[0].halo.state()),
        Away::Sentinel => world.twin.with(|world, _| world.microsoft.state()),
    };
    Recovered {
        pairs: raised.len(),
        changes,
        secs,
        asked,
        fewest: fewest as u64,
        allowed: asked as f64 * WINDOW_SECS / per_window,
        refused: world.refused(),
        lost: changes - marks(&arrived.to_string()).len(),
        dead: world.store.queue_counts().await.expect("counts").dead,
    }
}

/// What is broken at one client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Broken {
    /// Nothing: what the others' incidents take anyway.
    Nothing,
    /// No call to its workspace is answered.
    DeadTenant,
    /// Every call to its workspace is refused with 401.
    Refused,
    /// One incident's comments can be neither read nor written.
    Poisoned,
}

/// R14: how long the others' fresh incidents wait while something of one client's is broken. There is no backlog: what they
/// wait for is that alone.
pub async fn beside(broken: Broken, places: usize, secs: i64) -> Fresh {
    let world = Inside::limited(places, 60).await;
    world.raise(2);
    world.pass(120).await;
    let all = world.places().await;
    let (victim, others): (Vec<&String>, Vec<&String>) = all.keys().partition(|name| all.keys().next() == Some(*name));
    let victim = victim[0];
    let raised = world.raised();
    let (_, poisoned) = raised.iter().find(|(workspace, _)| workspace == victim).expect("an incident");
    let of_victim = format!("*/workspaces/{victim}/*");
    match broken {
        Broken::Nothing => {}
        Broken::DeadTenant => world.fault(&json!({ "effect": "cut", "path": of_victim })),
        Broken::Refused => world.fault(&json!({ "effect": "status", "status": 401, "path": of_victim })),
        Broken::Poisoned => {
            let path = format!("*/incidents/{poisoned}/*");
            world.fault(&json!({ "effect": "status", "status": 500, "path": path }));
        }
    }
    let comment = json!({ "workspace": victim, "incident": poisoned, "message": "seen" });
    world.acted("incident.comment", &comment);
    world.raise(1);
    world.pass(300).await;
    world.follow(&others, &all, secs).await
}
