//! Engine and twin in one process, without sockets, under one clock that stands still. The benchmarks use this too.

// Each user of this file needs only a part of it.
#![allow(dead_code)]

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use bytes::Bytes;
use halobridge::{
    cli::ways::Always,
    clock::{Clock, IdSource, ManualClock, SystemIds},
    engine::{Engine, once},
    outbound::{BoxFuture, Transport, TransportError},
    service::configuration,
    store::{SealKey, Store},
    twin::{
        Twin,
        options::{Product, TwinOptions},
        transport::TwinTransport,
    },
};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::outside::{CUSTOMERS, Wanted, applied_file, write_secrets};

/// The twin as transport, with a watch on the time it takes itself.
struct Timed {
    twin: TwinTransport,
    nanos: Arc<AtomicU64>,
    latency: bool,
}

impl Transport for Timed {
    fn send(&self, request: http::Request<Bytes>) -> BoxFuture<'_, Result<http::Response<Bytes>, TransportError>> {
        if self.latency {
            return self.twin.send(request);
        }
        Box::pin(async move {
            let began = Instant::now();
            let answer = self.twin.send(request).await;
            let took = u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX);
            self.nanos.fetch_add(took, Ordering::Relaxed);
            answer
        })
    }
}

/// Both.
pub struct Inside {
    pub twin: Twin,
    pub clock: ManualClock,
    pub store: Store,
    pub engine: Arc<Engine>,
    pub folder: TempDir,
    twin_nanos: Arc<AtomicU64>,
}

/// When these worlds begin.
pub fn beginning() -> Timestamp {
    "2026-05-04T09:00:00Z".parse().expect("a moment")
}

impl Inside {
    /// An installation in a database file, set up by an applied file; nothing has been read yet.
    pub async fn new(options: TwinOptions, wanted: &Wanted) -> Self {
        let clock = ManualClock::at(beginning());
        let shown: Arc<dyn Clock> = Arc::new(clock.clone());
        let latency = options.latency_ms > 0;
        let twin = Twin::new(options, Arc::clone(&shown));
        let line = twin.connection("http://127.0.0.1:1");
        let folder = tempfile::tempdir().expect("a folder");
        write_secrets(folder.path(), &line);
        let ids: Arc<dyn IdSource> = Arc::new(SystemIds);
        let key = SealKey::random(Arc::clone(&ids));
        let store = Store::open(&folder.path().join("halobridge.db"), key).await.expect("a database");
        let read = configuration::ReadOptions { folder: folder.path().to_path_buf(), offline: false };
        let halo_clients = match wanted.customers > CUSTOMERS {
            true => clients(&twin, &clock, &line, wanted.customers).await,
            false => Vec::new(),
        };
        let file = applied_file(&line, &Wanted { halo_clients, ..wanted.clone() });
        let reading = configuration::read(&file, Some(&store), false, &read).await.expect("read");
        let applied = reading.applied.as_ref().unwrap_or_else(|| panic!("{:?}", reading.faults));
        configuration::apply(&store, applied, false, clock.now(), &SystemIds).await.expect("applied");
        let twin_nanos = Arc::new(AtomicU64::new(0));
        let way = Timed { twin: TwinTransport::new(twin.clone()), nanos: Arc::clone(&twin_nanos), latency };
        let engine = Engine::new(store.clone(), shown, ids, Arc::new(Always(Arc::new(way))));
        Self { twin, clock, store, engine: Arc::new(engine), folder, twin_nanos }
    }

    /// Carries out everything that is due now.
    pub async fn run(&self) {
        once::until_idle(&self.engine, 48).await.expect("the store works");
    }

    /// Moves the clock, then carries out everything that is due.
    pub async fn after(&self, secs: i64) {
        self.clock.advance(SignedDuration::from_secs(secs));
        self.run().await;
    }

    /// Raises `each` incidents in every workspace.
    pub fn raise(&self, each: usize) {
        let line = self.twin.connection("http://127.0.0.1:1");
        for name in line["microsoft"]["workspaces"].as_array().expect("workspaces") {
            let reply = self.twin.act("incident.create", &json!({ "workspace": name, "count": each }));
            assert_eq!(reply.status, 200);
        }
    }

    /// Calls by kind since they were last forgotten.
    pub fn calls(&self) -> Vec<(String, u64)> {
        let summary = self.twin.with(|world, _| world.calls.summary());
        let kinds = summary["kinds"].as_object().expect("kinds");
        kinds.iter().map(|(kind, count)| (kind.clone(), count["calls"].as_u64().unwrap_or(0))).collect()
    }

    pub fn forget_calls(&self) {
        self.twin.with(|world, _| world.calls.reset());
    }

    /// Seconds that the twin itself took to answer so far.
    pub fn twin_secs(&self) -> f64 {
        self.twin_nanos.load(Ordering::Relaxed) as f64 / 1e9
    }

    /// How many tickets there are.
    pub fn tickets(&self) -> usize {
        let state = self.twin.with(|world, _| world.halos[0].halo.state());
        state["tickets"].as_array().map_or(0, Vec::len)
    }

    /// Incidents raised so far.
    pub fn incidents(&self) -> usize {
        let state = self.twin.with(|world, _| world.microsoft.state());
        let workspaces = state["workspaces"].as_array().expect("workspaces");
        workspaces.iter().filter_map(|w| w["incidents"].as_array()).map(Vec::len).sum()
    }
}

/// Makes clients in the twin's Halo until there are so many; their ids, those that were there first.
async fn clients(twin: &Twin, clock: &ManualClock, line: &Value, count: usize) -> Vec<i64> {
    let way = TwinTransport::new(twin.clone());
    let text = |pointer: &str| line.pointer(pointer).and_then(Value::as_str).expect("the twin's line").to_owned();
    let ask = async |url: String, token: &str, kind: &str, body: String| -> Value {
        let request = http::Request::post(url)
            .header("content-type", kind)
            .header("authorization", format!("Bearer {token}"))
            .body(Bytes::from(body))
            .expect("a request");
        let answer = way.send(request).await.expect("an answer");
        assert!(answer.status().is_success(), "{}", String::from_utf8_lossy(answer.body()));
        serde_json::from_slice(answer.body()).expect("JSON")
    };
    let (id, secret, tenant) = (text("/halo/client_id"), text("/halo/client_secret"), text("/halo/tenant"));
    let form = format!("grant_type=client_credentials&scope=all&client_id={id}&client_secret={secret}");
    let url = format!("{}/token?tenant={tenant}", text("/halo/auth"));
    let token = ask(url, "", "application/x-www-form-urlencoded", form).await;
    let token = token["access_token"].as_str().expect("a token");
    let first = Product::Itsm.first_client_id();
    let mut ids: Vec<i64> = (first..).take(CUSTOMERS).collect();
    for number in CUSTOMERS..count {
        // Halo's limit holds here too.
        if number % 250 == 0 {
            clock.advance(SignedDuration::from_mins(5));
        }
        let body = json!([{ "name": format!("Customer {number}") }]).to_string();
        let made = ask(format!("{}/Client", text("/halo/api")), token, "application/json", body).await;
        ids.push(made["id"].as_i64().or_else(|| made[0]["id"].as_i64()).expect("an id"));
    }
    ids
}

/// Calls of the work itself: not signing in, not reading look-ups.
pub fn work(calls: &[(String, u64)]) -> u64 {
    let of_work = |kind: &str| {
        kind.starts_with("sentinel.") || kind.starts_with("halo.tickets.") || kind.starts_with("halo.actions.")
    };
    calls.iter().filter(|(kind, _)| of_work(kind)).map(|(_, count)| count).sum()
}

/// Sum of some kinds.
pub fn of(calls: &[(String, u64)], kind: &str) -> u64 {
    calls.iter().find(|(found, _)| found == kind).map_or(0, |(_, count)| *count)
}
