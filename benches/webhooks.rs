//! P5: webhooks as fast as they are acknowledged, over connections that stay open; then the server is killed, and all that
//! was acknowledged has to be there.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, Instant},
};

use halobridge::store::{DeliveryFilter, Store};
use rustix::{
    process::Pid,
    thread::{CpuSet, sched_setaffinity},
};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::{
    cpu, number,
    outside::{HOOK, Installation, Wanted},
    percentile, ready,
};

/// Of five webhooks one is the one before it once more.
const DOUBLES_EVERY: usize = 5;

/// How they come.
#[derive(Clone, Copy)]
pub struct Burst {
    /// Each names an incident that nobody has seen before: the engine reads it, and makes a ticket of it.
    pub named: bool,
    /// All of them within so many seconds, evenly; else as fast as they go.
    pub within_secs: Option<u64>,
}

/// A webhook that was answered.
struct Answered {
    number: usize,
    status: u16,
    took_ms: f64,
}

/// All threads of a process, and those that they start, on one processor from now on.
fn on_one_core(pid: &str, core: usize) {
    let mut cores = CpuSet::new();
    cores.set(core);
    for thread in std::fs::read_dir(format!("/proc/{pid}/task")).expect("a running process on Linux") {
        let name = thread.expect("a thread").file_name();
        let id = name.to_str().and_then(|text| text.parse().ok()).and_then(Pid::from_raw).expect("its number");
        if let Err(error) = sched_setaffinity(Some(id), &cores) {
            assert_eq!(error, rustix::io::Errno::SRCH, "only one that has ended cannot be moved");
        }
    }
}

/// Status of the next answer on a connection.
async fn status(stream: &mut TcpStream) -> u16 {
    let mut read = Vec::with_capacity(1_024);
    loop {
        let count = stream.read_buf(&mut read).await.expect("an answer");
        assert!(count > 0, "the connection stays open");
        let Some(end) = read.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
        let head = String::from_utf8_lossy(&read[..end]).to_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
        let length: usize = length.and_then(|text| text.trim().parse().ok()).expect("its length");
        if read.len() >= end + 4 + length {
            return head.split(' ').nth(1).and_then(|text| text.parse().ok()).expect("a status");
        }
    }
}

/// Sends one after the other of those that nobody has sent yet.
async fn sender(
    address: &str,
    requests: &[Vec<u8>],
    next: &AtomicUsize,
    (began, spacing): (Instant, Duration),
) -> Vec<Answered> {
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    stream.set_nodelay(true).expect("at once");
    let mut answered = Vec::new();
    loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        let Some(request) = requests.get(number) else { return answered };
        let due = began + spacing * u32::try_from(number).expect("some thousands");
        tokio::time::sleep_until(due.into()).await;
        // Where all senders were busy when it was due, it waited from then on.
        let sent = if spacing.is_zero() { Instant::now() } else { due };
        stream.write_all(request).await.expect("sent");
        let status = status(&mut stream).await;
        answered.push(Answered { number, status, took_ms: sent.elapsed().as_secs_f64() * 1_000.0 });
    }
}

/// How often each body is kept.
async fn kept(store: &Store) -> BTreeMap<Vec<u8>, usize> {
    let mut found: BTreeMap<Vec<u8>, usize> = BTreeMap::new();
    let (filter, mut after) = (DeliveryFilter::default(), None);
    loop {
        let page = store.deliveries_page(&filter, after, 1_000).await.expect("a page");
        for row in page.rows {
            let body = store.delivery(row.id).await.expect("a delivery").expect("it is there").body;
            *found.entry(body).or_default() += 1;
        }
        after = page.next;
        if after.is_none() {
            return found;
        }
    }
}

/// P5.
pub async fn acknowledged(Burst { named, within_secs }: Burst) {
    let total = number("HALOBRIDGE_BENCH_WEBHOOKS", 5_000);
    let senders = number("HALOBRIDGE_BENCH_SENDERS", 64);
    let wanted = Wanted { evidence: false, poll_secs: 900, halo_poll_secs: 3_600, ..Wanted::default() };
    let place = Installation::new(&["--workspaces", "3"], &wanted);
    let (mut server, address) = place.serve();
    let pid = server.pid().to_string();
    on_one_core(&pid, 0);
    ready(&place, 3).await;
    let workspace = place.workspaces().remove(0);
    let distinct = total - total / DOUBLES_EVERY;
    let mut incidents: Vec<Value> = Vec::new();
    while named && incidents.len() < distinct {
        let raised = json!({ "workspace": workspace, "count": 100 });
        let made = place.twin.post(&place.http, "acts/incident.create", &raised).await;
        incidents.extend(made["incidents"].as_array().expect("incidents").iter().cloned());
    }
    let body = |number: usize| {
        // The last of each five says what the one before it said.
        let doubles = number / DOUBLES_EVERY + usize::from(number % DOUBLES_EVERY == DOUBLES_EVERY - 1);
        let incident = incidents.get(number - doubles).unwrap_or(&Value::Null);
        json!({
            "eventUniqueId": (number - doubles).to_string(), "objectSchemaType": "Incident", "objectEventType": "Create",
            "object": { "id": incident["id"], "name": incident["name"], "properties": incident["properties"] },
        })
        .to_string()
    };
    let bodies: Vec<String> = (0..total).map(body).collect();
    let host = address.trim_start_matches("http://").to_owned();
    let request = |body: &String| {
        format!(
            "POST /hooks/sentinel/{workspace} HTTP/1.1\r\nhost: {host}\r\nx-halobridge-secret: {HOOK}\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        )
        .into_bytes()
    };
    let requests: Vec<Vec<u8>> = bodies.iter().map(request).collect();
    let spacing =
        within_secs.map_or(Duration::ZERO, Duration::from_secs) / u32::try_from(total).expect("some thousands");
    let next = AtomicUsize::new(0);
    let (began, cpu_before) = (Instant::now(), cpu(&pid));
    let sending = (0..senders).map(|_| sender(&host, &requests, &next, (began, spacing)));
    let answers: Vec<Answered> = futures::future::join_all(sending).await.into_iter().flatten().collect();
    let (wall, spent) = (began.elapsed().as_secs_f64(), cpu(&pid) - cpu_before);
    server.kill();

    let mut sent: BTreeMap<&[u8], usize> = BTreeMap::new();
    for answer in answers.iter().filter(|answer| answer.status == 202) {
        *sent.entry(bodies[answer.number].as_bytes()).or_default() += 1;
    }
    let kept = kept(&place.store().await).await;
    let found = |body: &[u8]| kept.get(body).copied().unwrap_or(0);
    let lost: usize = sent.iter().map(|(body, count)| count.saturating_sub(found(body))).sum();
    let acknowledged: usize = sent.values().sum();
    let beyond = kept.values().sum::<usize>().saturating_sub(acknowledged);
    let mut took: Vec<f64> = answers.iter().map(|answer| answer.took_ms).collect();
    took.sort_by(f64::total_cmp);
    println!(
        "P5  {total} webhooks, {} of them doubles, {senders} senders, {}, {}, server on one core: {:.0} acks/s (bar 5000), p50 \
         {:.2} ms, p99 {:.2} ms (bar 20), most {:.2} ms; CPU of the server {:.3} ms each; after kill -9 lost {lost}, kept \
         without an answer or twice {beyond}, refused {}",
        total / DOUBLES_EVERY,
        within_secs.map_or("as fast as they go".to_owned(), |secs| format!("within {secs} s")),
        if named { "each of a new incident" } else { "none names an incident" },
        acknowledged as f64 / wall,
        percentile(&took, 50),
        percentile(&took, 99),
        took.last().copied().unwrap_or(f64::NAN),
        spent * 1_000.0 / total as f64,
        answers.len() - acknowledged,
    );
}
