//! P2, P4, R14, R15 and the steady state: what only shows with thousands of incidents and hundreds of clients, or against
//! the documented limits. One process, one clock that is moved by hand: times are those of the world, not of this machine.

use std::collections::{BTreeMap, BTreeSet};

use halobridge::twin::options::TwinOptions;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use crate::{
    cpu,
    inside::{Inside, beginning},
    limited::{self, Away, Broken, Outage},
    number,
    outside::Wanted,
    peak_mb, percentile,
};

/// P2 and P4: a backlog over hundreds of clients, and now and then a fresh incident of any of them.
pub async fn fresh_before_backlog() {
    let clients = number("HALOBRIDGE_BENCH_CLIENTS", 500);
    let waiting = number("HALOBRIDGE_BENCH_BACKLOG", 10_000);
    let minutes = number("HALOBRIDGE_BENCH_MINUTES", 60);
    let secs = i64::try_from(minutes * 60).expect("small");
    // Found by the next polls; then the window is full.
    let found = limited::backlog(clients, waiting, 900, (1_000, secs)).await;
    let (fresh, asked) = (&found.fresh, found.asked as f64);
    println!(
        "P2  {waiting} incidents of {clients} clients wait, {minutes} minutes: {asked} requests to Halo of {} permitted = \
         {:.1} % (bar 95), {} answered with 429 (bar 0); {} incidents are left",
        found.permitted,
        asked * 100.0 / found.permitted,
        found.refused,
        found.left,
    );
    let (worst, longest) = fresh.worst().unwrap_or_default();
    println!(
        "P4  fresh incidents meanwhile: {} in all, of {} clients, {} still without a ticket; waited p50 {:.2} s, p99 {:.2} s \
         (bar 2), most {longest:.2} s, in {worst}",
        fresh.waits.len(),
        fresh.longest.len(),
        fresh.without,
        percentile(&fresh.waits, 50),
        percentile(&fresh.waits, 99),
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
        "steady  {} open pairs of {places} workspaces, nothing changes: a cycle of 30 s takes {:.3} s CPU without the twin's \
         answers; peak memory {:.1} MB with the twin's records; calls of {cycles} cycles: {}",
        world.tickets(),
        each(cpu("self") - cpu_before - (world.twin_secs() - twin_before)),
        peak_mb("self"),
        calls.iter().map(|(kind, count)| format!("{kind} {count}")).collect::<Vec<_>>().join(", "),
    );
}

/// R15: either side cannot be reached for a day while people at the other go on; then how long until all is in step, against
/// the time that the documented limit makes of the same calls. What takes long is the day itself: each pair's write is tried
/// some forty times and recorded each time. In full that is minutes of processor time for either side in an optimised
/// build and many times that in one for debugging; `HALOBRIDGE_BENCH_CHANGES=200` asks for fewer pairs.
pub async fn recovery() {
    let places = 20;
    let changes = number("HALOBRIDGE_BENCH_CHANGES", 5_000);
    let pairs = (changes / places).clamp(1, 50);
    let rounds = (changes / (places * pairs)).max(1);
    for away in [Away::Halo, Away::Sentinel] {
        let outage = Outage { away, hours: 24, places, pairs, rounds, poll_secs: 300 };
        let found = limited::recovery(outage).await;
        println!(
            "R15 {away:?} away for {} hours, {} changes of {} pairs in {places} workspaces meanwhile: {} s until all is in step; \
             the limit allows the {} calls made ({} at the least) in {:.0} s: {:.3} times (bar 1.1); {} answered with 429, \
             {} changes lost, {} dead letters",
            outage.hours,
            found.changes,
            found.pairs,
            found.secs.map_or_else(|| "more than two days".to_owned(), |secs| format!("{secs:.0}")),
            found.asked,
            found.fewest,
            found.allowed,
            found.ratio(),
            found.refused,
            found.lost,
            found.dead,
        );
    }
}

/// R14: what one client's broken tenant, sign-in or incident costs the others.
pub async fn head_of_line() {
    let secs = i64::try_from(number("HALOBRIDGE_BENCH_MINUTES", 60) * 60).expect("small");
    let mut alone = 0.0;
    for broken in [Broken::Nothing, Broken::DeadTenant, Broken::Refused, Broken::Poisoned] {
        let fresh = limited::beside(broken, 5, secs).await;
        let (worst, longest) = fresh.worst().unwrap_or_default();
        if broken == Broken::Nothing {
            alone = longest;
        }
        println!(
            "R14 {broken:?}: {} fresh incidents of other clients waited p50 {:.2} s, p99 {:.2} s, most {longest:.2} s, in \
             {worst}: {:.2} s more than beside nothing broken (bar 1); {} without a ticket",
            fresh.waits.len(),
            percentile(&fresh.waits, 50),
            percentile(&fresh.waits, 99),
            longest - alone,
            fresh.without,
        );
    }
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
    let names: Vec<String> = world.places().await.into_keys().collect();
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
