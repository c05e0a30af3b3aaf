//! Measurements of bars P1 to P8, R14, R15 and of the steady state. Prints, never asserts: `make bench`, or
//! `make bench ARGS="p3 p8"` (p1 p3 p4 p5 p6 p7 p8 r14 r15 steady).
//!
//! The twin is a process of its own wherever a time or the CPU of the product is meant; "in one process" says so.
//! Sizes: HALOBRIDGE_BENCH_INCIDENTS (2000), HALOBRIDGE_BENCH_SAMPLES (300), HALOBRIDGE_BENCH_WORKSPACES (500),
//! HALOBRIDGE_BENCH_CLIENTS (500), HALOBRIDGE_BENCH_BACKLOG (10000), HALOBRIDGE_BENCH_MINUTES (60),
//! HALOBRIDGE_BENCH_PAIRS (10000), HALOBRIDGE_BENCH_CHANGES (5000), HALOBRIDGE_BENCH_WEBHOOKS (5000),
//! HALOBRIDGE_BENCH_SENDERS (64).

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod backlog;
#[path = "../tests/it/inside.rs"]
mod inside;
#[path = "../tests/it/limited.rs"]
mod limited;
#[path = "../tests/it/outside.rs"]
mod outside;
mod webhooks;

use std::time::Instant;

use halobridge::twin::options::TwinOptions;
use inside::{Inside, beginning, of, work};
use jiff::{SignedDuration, Timestamp};
use outside::{Installation, Wanted, until};
use serde_json::{Value, json};

/// The kernel counts processor time in hundredths of a second.
const TICKS: f64 = 100.0;

fn number(name: &str, default: usize) -> usize {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// Processor seconds (user and system, all threads) of a process so far.
fn cpu(pid: &str) -> f64 {
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).expect("a running process on Linux");
    let after_name = text.rsplit_once(')').expect("its name").1;
    let fields: Vec<&str> = after_name.split_whitespace().collect();
    let ticks = |at: usize| fields[at].parse::<f64>().expect("ticks");
    (ticks(11) + ticks(12)) / TICKS
}

/// Most memory a process ever had resident, in MB.
fn peak_mb(pid: &str) -> f64 {
    let text = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("a running process on Linux");
    let line = text.lines().find(|line| line.starts_with("VmHWM:")).expect("its peak");
    line.split_whitespace().nth(1).and_then(|kb| kb.parse::<f64>().ok()).expect("a number") / 1024.0
}

fn main() {
    let asked: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with('-')).collect();
    let wants = |name: &str| asked.is_empty() || asked.iter().any(|one| one == name);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("threads");
    if cfg!(debug_assertions) {
        println!("This is the program built for debugging: counts hold, times and CPU mean nothing.\n");
    }
    runtime.block_on(async {
        if wants("p1") {
            calls().await;
        }
        if wants("p6") {
            import_over_http(false, 0).await;
            import_over_http(true, 0).await;
        }
        if wants("p7") {
            import_over_http(false, 50).await;
        }
        if wants("p3") {
            for latency in [0, 100] {
                reaction(latency).await;
            }
        }
        if wants("p5") {
            for (named, within_secs) in [(false, None), (true, None), (true, Some(5))] {
                webhooks::acknowledged(webhooks::Burst { named, within_secs }).await;
            }
        }
        if wants("p8") {
            idle_server().await;
        }
    });
    drop(runtime);
    // One thread, so that the twin's share can be told apart by the watch.
    let alone = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a thread");
    if wants("p6") {
        alone.block_on(import_in_one_process(false));
        alone.block_on(import_in_one_process(true));
    }
    if wants("p1") {
        for finely in [false, true] {
            alone.block_on(backlog::mixed_day(finely));
        }
    }
    if wants("p4") {
        alone.block_on(backlog::fresh_before_backlog());
    }
    if wants("r14") {
        alone.block_on(backlog::head_of_line());
    }
    if wants("r15") {
        alone.block_on(backlog::recovery());
    }
    if wants("steady") {
        alone.block_on(backlog::steady());
    }
    if wants("p8") {
        for latency in [0, 50] {
            alone.block_on(idle_in_one_process(latency));
        }
    }
}

const WORKSPACES: usize = 20;

fn by_kind(calls: &[(String, u64)]) -> String {
    calls.iter().map(|(kind, count)| format!("{kind} {count}")).collect::<Vec<_>>().join(", ")
}

/// P1: calls of an import and of the polls right after it, against the fewest: the ticket, the comment that names it,
/// two reads of evidence.
async fn calls() {
    let each = number("HALOBRIDGE_BENCH_INCIDENTS", 2_000) / WORKSPACES;
    for evidence in [false, true] {
        let options = TwinOptions { workspaces: WORKSPACES, ..TwinOptions::new(5, beginning()) };
        let world = Inside::new(options, &Wanted { evidence, ..Wanted::default() }).await;
        world.run().await;
        world.forget_calls();
        world.raise(each);
        world.after(30).await;
        let (calls, total) = (world.calls(), (WORKSPACES * each) as u64);
        let fewest = total * if evidence { 4 } else { 2 } + WORKSPACES as u64;
        world.forget_calls();
        world.after(20).await;
        let later = world.calls();
        let made = work(&calls);
        println!(
            "P1  {total} new incidents, 20 workspaces, evidence {}: {made} calls, fewest {fewest}, ratio {:.4} (bar 1.05); \
             {} tickets for {} incidents\n    {}\n    next poll of Halo: {}",
            if evidence { "read" } else { "off" },
            made as f64 / fewest as f64,
            world.tickets(),
            world.incidents(),
            by_kind(&calls),
            by_kind(&later),
        );
    }
}

async fn tickets_made(place: &Installation) -> usize {
    let summary = place.twin.get(&place.http, "calls/summary").await;
    let made = &summary["kinds"]["halo.tickets.post"]["calls"];
    made.as_u64().and_then(|count| usize::try_from(count).ok()).unwrap_or(0)
}

/// P6 and P7 over HTTP: the server's own process, the twin in another. Tickets are made one by one, so an import takes
/// at least as long as their answers.
async fn import_over_http(evidence: bool, latency_ms: usize) {
    let total = number("HALOBRIDGE_BENCH_INCIDENTS", if latency_ms > 0 { 600 } else { 2_000 });
    let latency = latency_ms.to_string();
    let args = ["--workspaces", "20", "--latency-ms", latency.as_str()];
    let place = Installation::new(&args, &Wanted { evidence, halo_poll_secs: 20, ..Wanted::default() });
    let (mut server, address) = place.serve();
    let pid = server.pid().to_string();
    let store = place.store().await;
    ready(&place, WORKSPACES).await;
    let idle_mb = peak_mb(&pid);
    let workspaces = place.workspaces();
    let mut raised = Vec::new();
    for workspace in &workspaces {
        let body = json!({"workspace": workspace, "count": total / WORKSPACES});
        let made = place.twin.post(&place.http, "acts/incident.create", &body).await;
        let all = made["incidents"].as_array().cloned().unwrap_or_else(|| vec![made.clone()]);
        // Each tells of itself where a serial import is timed; else the newest of a workspace, and the list has the others.
        let announced = if latency_ms > 0 { 0 } else { all.len() - 1 };
        raised.extend(all.into_iter().skip(announced).map(|one| (workspace.clone(), one)));
    }
    let (began, cpu_before) = (Instant::now(), cpu(&pid));
    for (workspace, incident) in &raised {
        assert!(place.announce(&address, workspace, incident, workspace).await, "acknowledged");
    }
    until("all tickets are made", 3_600, async || {
        let made = tickets_made(&place).await;
        let open = store.queue_counts().await.expect("counts").open;
        (made >= total && open == 0).then_some(())
    })
    .await;
    let (wall, spent) = (began.elapsed().as_secs_f64(), cpu(&pid) - cpu_before);
    if latency_ms > 0 {
        let least = (total * latency_ms) as f64 / 1_000.0;
        println!(
            "P7  {total} new incidents, tickets made one by one, twin latency {latency_ms} ms: {wall:.2} s, least {least:.2} s, \
             ratio {:.3} (bar 1.05)",
            wall / least,
        );
    }
    println!(
        "P6  {total} new incidents over HTTP, evidence {}: {wall:.2} s, CPU of the server {spent:.2} s = {:.3} ms each \
         (aim 0.12); peak memory {:.1} MB ({idle_mb:.1} MB before)",
        if evidence { "read" } else { "off" },
        spent * 1_000.0 / total as f64,
        peak_mb(&pid),
    );
    server.stop().await;
}

/// P6 without sockets: what is left when the twin's own time is taken away.
async fn import_in_one_process(evidence: bool) {
    let total = number("HALOBRIDGE_BENCH_INCIDENTS", 2_000);
    let options = TwinOptions { workspaces: WORKSPACES, ..TwinOptions::new(5, beginning()) };
    let world = Inside::new(options, &Wanted { evidence, ..Wanted::default() }).await;
    world.run().await;
    world.raise(total / WORKSPACES);
    let (began, cpu_before, twin_before) = (Instant::now(), cpu("self"), world.twin_secs());
    world.after(30).await;
    let (wall, spent, twins) =
        (began.elapsed().as_secs_f64(), cpu("self") - cpu_before, world.twin_secs() - twin_before);
    println!(
        "P6  {total} new incidents in one process, evidence {}: {wall:.2} s, CPU {spent:.2} s, of which the twin's answers \
         took {twins:.2} s: {:.3} ms each; {} tickets",
        if evidence { "read" } else { "off" },
        (spent - twins) * 1_000.0 / total as f64,
        world.tickets(),
    );
}

/// Waits until the server has read everything once and polls by schedule.
async fn ready(place: &Installation, workspaces: usize) {
    until("the first polls", 600, async || {
        let summary = place.twin.get(&place.http, "calls/summary").await;
        let lists = summary["kinds"]["sentinel.incident.list"]["calls"].as_u64().unwrap_or(0);
        (usize::try_from(lists).is_ok_and(|lists| lists >= workspaces)).then_some(())
    })
    .await;
}

fn at(call: &Value) -> Timestamp {
    call["at"].as_str().and_then(|text| text.parse().ok()).expect("a time")
}

fn percentile(sorted: &[f64], percent: usize) -> f64 {
    sorted.get((sorted.len().saturating_sub(1) * percent).div_ceil(100)).copied().unwrap_or(f64::NAN)
}

/// P3: from the moment a webhook is sent to the moment the twin is asked for the ticket, less the waiting for answers.
async fn reaction(latency_ms: usize) {
    let samples = number("HALOBRIDGE_BENCH_SAMPLES", 300) / if latency_ms > 0 { 3 } else { 1 };
    let latency = latency_ms.to_string();
    let args = ["--workspaces", "3", "--latency-ms", latency.as_str()];
    for evidence in [false, true] {
        let place =
            Installation::new(&args, &Wanted { evidence, poll_secs: 900, halo_poll_secs: 3_600, ..Wanted::default() });
        let (mut server, address) = place.serve();
        let store = place.store().await;
        ready(&place, 3).await;
        let workspace = place.workspaces().remove(0);
        let (mut own, mut to_reading) = (Vec::with_capacity(samples), Vec::with_capacity(samples));
        let mut rounds_seen = 0;
        for sample in 0..samples + 10 {
            // The bar is meant for a quiet server: what follows the ticket before is over.
            until("a quiet server", 60, async || {
                let counts = store.queue_counts().await.expect("counts");
                (counts.open == 0).then_some(())
            })
            .await;
            let incident = place.raise(&workspace).await;
            let before = place.twin.get(&place.http, "calls?limit=0").await["total"].as_u64().expect("a number");
            #[allow(clippy::disallowed_methods)]
            let sent = Timestamp::now();
            assert!(place.announce(&address, &workspace, &incident, &format!("sample {sample}")).await, "acknowledged");
            let calls = until("the ticket", 120, async || {
                let found = place.twin.get(&place.http, &format!("calls?since={before}")).await;
                let calls = found["calls"].as_array().expect("calls").clone();
                calls.iter().any(|call| call["kind"] == "halo.tickets.post").then_some(calls)
            })
            .await;
            let of_ours = |call: &&Value| {
                let path = call["path"].as_str().unwrap_or_default().to_lowercase();
                path.contains(&format!("/{}/", workspace.to_lowercase()))
            };
            let asked = calls.iter().find(|call| call["kind"] == "halo.tickets.post").map(at).expect("asked for");
            // A call that began only after an earlier one had been answered waited for it.
            let mut rounds = 0;
            let mut free_at: Option<Timestamp> = None;
            let answered = SignedDuration::from_millis(i64::try_from(latency_ms).expect("small"));
            for call in calls.iter().filter(of_ours).filter(|call| at(call) < asked) {
                if free_at.is_none_or(|free| at(call) >= free) {
                    rounds += 1;
                    free_at = Some(at(call) + answered);
                }
            }
            rounds_seen = rounds;
            let took = asked.duration_since(sent).as_secs_f64() * 1_000.0 - (rounds * latency_ms) as f64;
            let reading = calls.iter().find(of_ours).map_or(asked, at).duration_since(sent).as_secs_f64() * 1_000.0;
            // The first ones warm connections and caches.
            if sample >= 10 {
                own.push(took);
                to_reading.push(reading);
            }
        }
        own.sort_by(f64::total_cmp);
        to_reading.sort_by(f64::total_cmp);
        println!(
            "P3  webhook to ticket, twin latency {latency_ms} ms, evidence {}: own part p50 {:.2} ms (bar 5), p99 {:.2} ms \
             (bar 25), most {:.2} ms; {} samples, n = {rounds_seen}; p50 to the first reading {:.2} ms",
            if evidence { "read" } else { "off" },
            percentile(&own, 50),
            percentile(&own, 99),
            own[own.len() - 1],
            own.len(),
            percentile(&to_reading, 50),
        );
        server.stop().await;
    }
}

/// P8 with the real server over HTTP: CPU of its process over whole cycles of 30 s.
async fn idle_server() {
    let workspaces = number("HALOBRIDGE_BENCH_WORKSPACES", 500);
    let count = workspaces.to_string();
    let args = ["--workspaces", count.as_str(), "--latency-ms", "50"];
    let place = Installation::new(&args, &Wanted { poll_secs: 30, halo_poll_secs: 30, ..Wanted::default() });
    let (mut server, _) = place.serve();
    let pid = server.pid().to_string();
    ready(&place, workspaces).await;
    let cycles = 3;
    let lists = async || {
        let summary = place.twin.get(&place.http, "calls/summary").await;
        summary["kinds"]["sentinel.incident.list"]["calls"].as_u64().and_then(|n| usize::try_from(n).ok()).unwrap_or(0)
    };
    // From the end of a cycle to the end of the one so many later.
    let cycle_ended = async |number: usize| {
        until("a cycle", 300, async || (lists().await >= workspaces * number).then_some(())).await;
    };
    let done = lists().await.div_ceil(workspaces).max(1) + 1;
    cycle_ended(done).await;
    let (began, cpu_before) = (Instant::now(), cpu(&pid));
    cycle_ended(done + cycles).await;
    let (wall, spent) = (began.elapsed().as_secs_f64(), cpu(&pid) - cpu_before);
    let calls = place.twin.get(&place.http, "calls?limit=200000").await;
    let times: Vec<Timestamp> = calls["calls"]
        .as_array()
        .expect("calls")
        .iter()
        .filter(|call| call["kind"] == "sentinel.incident.list")
        .skip(workspaces * done)
        .take(workspaces)
        .map(at)
        .collect();
    let span = match (times.first(), times.last()) {
        (Some(first), Some(last)) => last.duration_since(*first).as_secs_f64(),
        _ => 0.0,
    };
    println!(
        "P8  server over HTTP, {workspaces} workspaces, twin latency 50 ms, {cycles} cycles in {wall:.1} s: CPU {:.3} s a \
         cycle (bar 0.15), first to last list of a cycle {span:.2} s (bar 3); peak memory {:.1} MB",
        spent / cycles as f64,
        peak_mb(&pid),
    );
    server.stop().await;
}

/// P8 without sockets: calls, wall and CPU of a cycle.
async fn idle_in_one_process(latency_ms: u64) {
    let workspaces = number("HALOBRIDGE_BENCH_WORKSPACES", 500);
    let options = TwinOptions { workspaces, latency_ms, ..TwinOptions::new(5, beginning()) };
    let world = Inside::new(options, &Wanted { halo_poll_secs: 30, ..Wanted::default() }).await;
    world.run().await;
    world.after(30).await;
    world.forget_calls();
    let cycles = 5;
    let (began, cpu_before, twin_before) = (Instant::now(), cpu("self"), world.twin_secs());
    for _ in 0..cycles {
        world.after(30).await;
    }
    let each = |all: f64| all / f64::from(cycles);
    let calls = world.calls();
    println!(
        "P8  in one process, {workspaces} workspaces, twin latency {latency_ms} ms: {} lists + {} of Halo a cycle, all calls \
         {}; wall {:.2} s, CPU {:.3} s a cycle with the twin's ({:.3} s of it)",
        of(&calls, "sentinel.incident.list") / 5,
        of(&calls, "halo.tickets.list") / 5,
        calls.iter().map(|(_, count)| count).sum::<u64>() / 5,
        each(began.elapsed().as_secs_f64()),
        each(cpu("self") - cpu_before),
        each(world.twin_secs() - twin_before),
    );
}
