//! P2, P4 and the steady state: what only shows with thousands of incidents and hundreds of clients. One process, one
//! clock that is moved by hand: times are those of the world, not of this machine.

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
use serde_json::json;

use crate::{
    cpu,
    inside::{Inside, beginning},
    number,
    outside::Wanted,
    peak_mb, percentile,
};

/// Halo's documented limit: so many requests in any five minutes.
const PERMITTED: usize = 300;
const WINDOW_SECS: i64 = 300;
/// The clock is moved by this much, in milliseconds: waits are told to this grain.
const STEP_MS: i64 = 500;

async fn workspaces(world: &Inside) -> BTreeMap<String, Workspace> {
    let installation = world.store.installation().await.expect("an installation");
    let named = |one: &Workspace| (one.arm_id.rsplit('/').next().unwrap_or_default().to_owned(), one.clone());
    installation.workspaces.iter().map(named).collect()
}

/// Raises an incident and stores what a playbook says of it.
async fn announced(world: &Inside, name: &str, workspace: &Workspace) -> IncidentId {
    let made = world.twin.act("incident.create", &json!({ "workspace": name }));
    let made: serde_json::Value = serde_json::from_slice(&made.body).expect("JSON");
    let incident = made["name"].as_str().expect("its name").to_owned();
    let body = json!({
        "eventUniqueId": incident, "objectEventType": "Create", "object": { "id": made["id"], "name": incident },
    });
    let delivery = Delivery {
        id: DeliveryId(SystemIds.uuid_v7(world.clock.now())),
        source: DeliverySource::Sentinel { workspace: workspace.id, client: workspace.client },
        received: world.clock.now(),
        body: body.to_string().into_bytes(),
        handled: None,
    };
    world.store.intake(delivery).await.expect("stored");
    world.engine.poke_intake();
    IncidentId::new(&incident)
}

/// P2 and P4: a backlog over hundreds of clients, and now and then a fresh incident of any of them.
pub async fn fresh_before_backlog() {
    let clients = number("HALOBRIDGE_BENCH_CLIENTS", 500);
    let waiting = number("HALOBRIDGE_BENCH_BACKLOG", 10_000);
    let minutes = number("HALOBRIDGE_BENCH_MINUTES", 60);
    let options = TwinOptions { workspaces: clients, limits: Limits::Real, ..TwinOptions::new(5, beginning()) };
    let wanted =
        Wanted { evidence: false, poll_secs: 900, customers: clients, documented_limits: true, ..Wanted::default() };
    let world = Inside::new(options, &wanted).await;
    world.run().await;
    world.after(60).await;
    world.raise(waiting / clients);
    // Found by the next polls.
    for _ in 0..1_000 {
        world.after(1).await;
    }
    let all = workspaces(&world).await;
    let names: Vec<&String> = all.keys().collect();
    let (began, tickets) = (world.clock.now(), world.tickets());
    let mut waits: Vec<f64> = Vec::new();
    let mut open: Vec<(Timestamp, &Workspace, IncidentId)> = Vec::new();
    let (mut dice, mut next) = (0x2545_F491_4F6C_DD17_u64, began);
    let end = began + SignedDuration::from_mins(i64::try_from(minutes).expect("small"));
    while world.clock.now() < end {
        if world.clock.now() >= next {
            dice ^= dice << 13;
            dice ^= dice >> 7;
            dice ^= dice << 17;
            let name = names[usize::try_from(dice % names.len() as u64).expect("small")];
            let incident = announced(&world, name, &all[name]).await;
            open.push((world.clock.now(), &all[name], incident));
            // One in twenty of the permitted rate.
            next += SignedDuration::from_secs(WINDOW_SECS * 20 / i64::try_from(PERMITTED).expect("small"));
        }
        world.run().await;
        let mut left = Vec::new();
        for (since, workspace, incident) in open {
            let pair = world.store.pair_of_incident(workspace.id, &incident).await.expect("read");
            if pair.is_some_and(|pair| pair.ticket.is_some()) {
                let waited = world.clock.now().duration_since(since).as_secs_f64();
                if waited > 2.0 {
                    let (at, name) = (since.duration_since(began).as_secs_f64(), &workspace.name);
                    println!("    raised {at:.1} s after the beginning in {name}: waited {waited:.1} s");
                }
                waits.push(waited);
            } else {
                left.push((since, workspace, incident));
            }
        }
        open = left;
        world.clock.advance(SignedDuration::from_millis(STEP_MS));
    }
    for (since, workspace, incident) in &open {
        let at = since.duration_since(began).as_secs_f64();
        let pair = world.store.pair_of_incident(workspace.id, incident).await.expect("read");
        let state = pair.map_or("is not linked", |pair| pair.health.as_str());
        println!("    raised {at:.1} s after the beginning in {}: still without a ticket, {state}", workspace.name);
    }
    waits.sort_by(f64::total_cmp);
    let (asked, refused) = world.twin.with(|world, _| {
        let of_halo = |kind: &str| kind.starts_with("halo.") && !kind.contains("token");
        let asked = world.calls.iter().filter(|call| of_halo(&call.kind) && call.at >= began).count();
        let refused = world.calls.iter().filter(|call| call.status == 429 && call.at >= began).count();
        (asked, refused)
    });
    let permitted = PERMITTED * minutes * 60 / usize::try_from(WINDOW_SECS).expect("small");
    println!(
        "P2  {waiting} incidents of {clients} clients wait, {minutes} minutes: {asked} requests to Halo of {permitted} \
         permitted = {:.1} % (bar 95), {refused} answered with 429 (bar 0); {} tickets made",
        asked as f64 * 100.0 / permitted as f64,
        world.tickets() - tickets,
    );
    println!(
        "P4  fresh incidents meanwhile: {} in all, {} still without a ticket, {} waited longer than 2 s; waited p50 {:.1} s, \
         p99 {:.1} s, most {:.1} s (bar p99 2, told to {STEP_MS} ms)",
        waits.len() + open.len(),
        open.len(),
        waits.iter().filter(|wait| **wait > 2.0).count(),
        percentile(&waits, 50),
        percentile(&waits, 99),
        waits.last().copied().unwrap_or_default(),
    );
}

/// Thousands of open pairs, nothing changing: what a cycle of polls costs.
pub async fn steady() {
    let pairs = number("HALOBRIDGE_BENCH_PAIRS", 10_000);
    let places = 100;
    let options = TwinOptions { workspaces: places, ..TwinOptions::new(5, beginning()) };
    let world = Inside::new(options, &Wanted { evidence: false, customers: places, ..Wanted::default() }).await;
    world.run().await;
    world.raise(pairs / places);
    for _ in 0..20 {
        world.after(30).await;
    }
    world.forget_calls();
    let (cpu_before, twin_before) = (cpu("self"), world.twin_secs());
    let cycles = 20;
    for _ in 0..cycles {
        world.after(30).await;
    }
    let calls = world.calls();
    let each = |all: f64| all / f64::from(cycles);
    println!(
        "P5  {} open pairs of {places} workspaces, nothing changes: a cycle of 30 s takes {:.3} s CPU without the twin's \
         answers; peak memory {:.1} MB with the twin's records; calls of {cycles} cycles: {}",
        world.tickets(),
        each(cpu("self") - cpu_before - (world.twin_secs() - twin_before)),
        peak_mb("self"),
        calls.iter().map(|(kind, count)| format!("{kind} {count}")).collect::<Vec<_>>().join(", "),
    );
}

/// R15: Halo cannot be reached for a day while incidents come in; then how long until each has its ticket, against the
/// time that Halo's documented limit makes of it.
pub async fn recovery() {
    let clients = 20;
    let changes = number("HALOBRIDGE_BENCH_CHANGES", 5_000);
    let options = TwinOptions { workspaces: clients, limits: Limits::Real, ..TwinOptions::new(5, beginning()) };
    let wanted =
        Wanted { evidence: false, poll_secs: 300, customers: clients, documented_limits: true, ..Wanted::default() };
    let world = Inside::new(options, &wanted).await;
    world.run().await;
    world.after(60).await;
    let outage = Fault::from_json(&json!({ "effect": "status", "status": 503, "kind": "halo.*" })).expect("a fault");
    world.twin.with(|world, _| world.faults.add(outage));
    let before = world.tickets();
    for hour in 0..24 {
        world.raise((changes / clients * (hour + 1)) / 24 - (changes / clients * hour) / 24);
        for _ in 0..12 {
            world.after(300).await;
        }
    }
    world.twin.with(|world, _| world.faults.remove(None));
    let (began, due) = (world.clock.now(), before + changes / clients * clients);
    let limit = SignedDuration::from_hours(12);
    while world.tickets() < due && world.clock.now().duration_since(began) < limit {
        for _ in 0..20 {
            world.after(1).await;
        }
    }
    let took = world.clock.now().duration_since(began).as_secs_f64();
    // one request each, and a window's worth at once
    let missing = due - before;
    let least = (missing.saturating_sub(PERMITTED)) as f64 * WINDOW_SECS as f64 / PERMITTED as f64;
    println!(
        "R15 Halo away for 24 hours, {missing} incidents meanwhile: all but {} have their tickets {took:.0} s after it is back; \
         the limit allows it in {least:.0} s: {:.2} times (bar 1.1)",
        due - world.tickets(),
        took / least,
    );
}

/// P1 over a mixed day: incidents of every hour, words both ways, severities, closures. What is listed whatever happens is
/// told apart; the fewest are those of the table in the mission's performance sheet, per change: a ticket and the comment
/// that names it; comments read and a note written; notes read and a comment written; a ticket written; notes and
/// incident read and the incident written. `finely`: the instance tells fractions of seconds; where it tells whole
/// ones, a ticket's notes are read once more after our own, for what else its second held.
pub async fn mixed_day(finely: bool) {
    const WORKSPACES: usize = 20;
    const HOURS: usize = 24;
    let options = TwinOptions { workspaces: WORKSPACES, ..TwinOptions::new(5, beginning()) };
    let wanted = Wanted { evidence: false, poll_secs: 60, halo_poll_secs: 20, ..Wanted::default() };
    let world = Inside::new(options, &wanted).await;
    if finely {
        world.clock.advance(SignedDuration::from_millis(137));
    }
    world.run().await;
    let names: Vec<String> = workspaces(&world).await.into_keys().collect();
    world.forget_calls();
    let (mut fewest, mut fence, mut changes, mut cycles) = (0_u64, 0_u64, 0_u64, 0_u64);
    for hour in 0..HOURS {
        for (_, name) in names.iter().enumerate().filter(|(place, _)| (place + hour) % 4 == 0) {
            let made = world.twin.act("incident.create", &json!({ "workspace": name, "severity": "Medium" }));
            let made: serde_json::Value = serde_json::from_slice(&made.body).expect("JSON");
            let incident = made["name"].as_str().expect("its name").to_owned();
            pass(&world, 120, &mut cycles).await;
            let tickets = world.tickets();
            let ticket = i64::try_from(tickets).expect("few") + 1_000;
            let on = |more: serde_json::Value| {
                let mut body = json!({ "workspace": name, "incident": incident });
                for (key, value) in more.as_object().expect("members") {
                    body[key] = value.clone();
                }
                body
            };
            let act = |kind: &str, body: serde_json::Value| {
                assert_eq!(world.twin.act(kind, &body).status, 200, "{kind} {body}")
            };
            act("incident.comment", on(json!({ "message": "seen" })));
            pass(&world, 180, &mut cycles).await;
            act("ticket.note", json!({ "ticket_id": ticket, "agent": "Jonas Weber", "text": "looking" }));
            pass(&world, 120, &mut cycles).await;
            act("incident.update", on(json!({ "severity": "High" })));
            pass(&world, 180, &mut cycles).await;
            let verdict = json!([{ "name": "CFSentinelClassification", "value": 2 }]);
            act(
                "ticket.close",
                json!({ "ticket_id": ticket, "text": "Done.", "agent": "Jonas Weber", "customfields": verdict }),
            );
            pass(&world, 120, &mut cycles).await;
            // Ticket and link; comment and note; notes and comment; ticket; notes, words of closing, incident read and written.
            fewest += 2 + 2 + 2 + 1 + 4;
            // Before a note and before a change the ticket is read: docs/decisions/0007.
            fence += 2;
            changes += 5;
        }
    }
    let calls = world.calls();
    let lists = ["sentinel.incident.list", "halo.tickets.list"];
    let listed: u64 = lists.iter().map(|kind| crate::of(&calls, kind)).sum();
    let all = crate::work(&calls) - listed;
    let by_the_clock = comments_by_the_clock(&world);
    let made = all - by_the_clock;
    let ratio = |calls: u64, fewest: u64| calls as f64 / fewest as f64;
    println!(
        "P1  a mixed day, Halo tells {}: {changes} changes of {} incidents, {made} calls for them, fewest {fewest}, ratio {:.3} \
         (bar 1.2)\n    the same against the fewest that keep a client's notes from another's ticket, which read it before \
         each of our {fence} notes and changes: {:.3}\n    by the clock, not for a change: {by_the_clock} readings of comments \
         every six hours (with them {all} calls, ratio {:.3}), {listed} lists in {:.1} h ({} workspaces every 60 s, Halo \
         every 20 s)\n    {}",
        if finely { "milliseconds" } else { "whole seconds" },
        world.tickets(),
        ratio(made, fewest),
        ratio(made, fewest + fence),
        ratio(all, fewest),
        cycles as f64 * 20.0 / 3_600.0,
        names.len(),
        crate::by_kind(&calls),
    );
}

/// How many readings of comments went with the lists of everything that each workspace is asked for every six hours:
/// three lists at one moment, where a poll makes one.
fn comments_by_the_clock(world: &Inside) -> u64 {
    let mut lists: BTreeMap<(String, Timestamp), usize> = BTreeMap::new();
    let mut comments: BTreeSet<(String, Timestamp, String)> = BTreeSet::new();
    world.twin.with(|world, _| {
        for call in world.calls.iter() {
            let Some((place, rest)) = call.path.split_once("/incidents") else { continue };
            match call.kind.as_str() {
                "sentinel.incident.list" => *lists.entry((place.to_owned(), call.at)).or_default() += 1,
                "sentinel.comment.list" => {
                    comments.insert((place.to_owned(), call.at, rest.to_owned()));
                }
                _ => {}
            }
        }
    });
    let whole = |place: &String, at: &Timestamp| lists.get(&(place.clone(), *at)).is_some_and(|lists| *lists >= 3);
    comments.iter().filter(|(place, at, _)| whole(place, at)).count() as u64
}

async fn pass(world: &Inside, secs: i64, cycles: &mut u64) {
    for _ in 0..secs / 20 {
        world.after(20).await;
        *cycles += 1;
    }
}
