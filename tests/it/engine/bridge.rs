//! A whole bridge for a test: twin, store, applied file, engine.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, Ordering},
};
use std::task::Poll;

use bytes::Bytes;
use halobridge::{
    cli::ways::Always,
    clock::{Clock as _, IdSource as _, ManualClock, SeededIds},
    config::fault::Severity,
    domain::{
        account::{Role, Scope},
        delivery::{Delivery, DeliverySource},
        failure::{Failure, FailureKind, Side},
        ids::{ClientId, DeliveryId, IncidentId, UserId},
        pair::{Pair, Subject},
        time,
        workspace::Workspace,
    },
    engine::{Engine, Unit, once},
    outbound::{BoxFuture, Transport, TransportError},
    service::{App, caller::Caller, configuration, running_engine::RunningEngine},
    store::{PairFilter, PairSort, SealKey, SituationRow, Snapshot, Store, SubjectFilter},
    twin::{
        Twin,
        faults::Fault,
        halo::HaloOptions,
        limits::Limits,
        options::{Product, TwinOptions},
        transport::TwinTransport,
    },
};
use jiff::{SignedDuration, Timestamp, civil::DateTime};
use serde_json::{Value, json};
use sqlx::{ConnectOptions as _, sqlite::SqliteConnectOptions};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::openapi::Judge;

/// Runs a test for HaloITSM and for HaloPSA.
macro_rules! both {
    ($($(#[$about:meta])* async fn $name:ident($product:ident) $body:block)*) => { $(
        $(#[$about])*
        mod $name {
            use halobridge::twin::options::Product;
            #[tokio::test]
            async fn itsm() {
                super::$name(Product::Itsm).await;
            }
            #[tokio::test]
            async fn psa() {
                super::$name(Product::Psa).await;
            }
        }
        async fn $name($product: halobridge::twin::options::Product) $body
    )* };
}
pub(super) use both;

/// An analyst at Microsoft's side and the agent the policy maps to.
pub const ANALYST: &str = "ana.analyst@contoso.example";
pub const AGENT: &str = "Amira Haddad";
/// Another agent, mapped to another analyst.
pub const SECOND_ANALYST: &str = "carla.contributor@contoso.example";
pub const SECOND_AGENT: &str = "Jonas Weber";

const UNITS_MAX: usize = 200_000;
const CLIENTS: [&str; 3] = ["Northwind Traders", "Contoso Retail", "Fabrikam Logistics"];

/// What a bridge is made from.
#[derive(Clone)]
pub struct Setup {
    pub product: Product,
    pub seed: u64,
    pub workspaces: usize,
    pub mode: &'static str,
    pub notes: &'static str,
    pub missing_verdict: &'static str,
    /// Whether incidents get the comment that names the ticket; most tests count comments of people.
    pub link_comment: bool,
    pub evidence: bool,
    /// Further lines of the policy.
    pub policy: String,
    /// Further lines of each workspace.
    pub workspace: &'static str,
    /// Further rows of its agents, each with a comma before it.
    pub agents: String,
    /// Further rows of its mapped fields, each with a comma behind it.
    pub fields: String,
    /// Replaces the line of priorities.
    pub priorities: Option<String>,
    pub ticket_type: &'static str,
    /// Replaces the line of statuses.
    pub statuses: Option<&'static str>,
    pub bound: bool,
    /// Seconds from the beginning to the workspace's start; negative for earlier.
    pub since_secs: i64,
    pub settle_secs: u32,
    pub limits: Limits,
    pub switches: Vec<(&'static str, &'static str)>,
    pub wrong_secret: bool,
    pub poll_secs: u32,
    pub on_disk: bool,
    /// Whether the second client's tickets are in a Halo of their own, `second`.
    pub second_halo: bool,
    /// What goes wrong from the very first call on.
    pub fault: Option<Value>,
}

impl Setup {
    pub fn new(product: Product) -> Self {
        Self {
            product,
            seed: 7,
            workspaces: 2,
            mode: "two-way",
            notes: "public",
            missing_verdict: "\"ask\"",
            link_comment: false,
            evidence: true,
            policy: String::new(),
            workspace: "",
            agents: String::new(),
            fields: String::new(),
            priorities: None,
            ticket_type: "Security Incident",
            statuses: None,
            bound: true,
            since_secs: 0,
            settle_secs: 60,
            limits: Limits::Off,
            switches: Vec::new(),
            wrong_secret: false,
            poll_secs: 30,
            on_disk: false,
            second_halo: false,
            fault: None,
        }
    }
}

/// What stands between engine and twin: changes answers, cuts calls off.
pub struct Tap {
    inner: Judge<TwinTransport>,
    mutate: Mutex<Option<Box<Mutation>>>,
    /// What happens just before a call is carried out.
    before: Mutex<Option<Box<Before>>>,
    /// Ends of addresses, and what happens here once each, just before such a one is read.
    meanwhile: Mutex<Vec<Meanwhile>>,
    /// Part of the addresses that cannot be reached.
    away: Mutex<Option<&'static str>>,
    /// Tickets whose actions are answered with a status and nothing else.
    withheld: Mutex<(Vec<i64>, u16)>,
    hang: Mutex<Option<Hang>>,
    /// Method and part of the address of calls that stand still for ever.
    still: Mutex<Option<&'static str>>,
    pub hung: Notify,
    /// Whether other work goes on while a call is under way.
    yields: AtomicBool,
    /// Addresses of instances whose times are local ones, and how far ahead of UTC these are.
    zones: Mutex<Vec<(&'static str, SignedDuration)>>,
}

type Before = dyn FnMut(&http::Request<Bytes>) + Send;
type Meanwhile = (String, BoxFuture<'static, ()>);
type Mutation = dyn FnMut(&http::Request<Bytes>, &mut Value) + Send;

/// After how many more calls everything stands still, and whether that call is carried out first.
#[derive(Debug, Clone, Copy)]
pub struct Hang {
    pub after: usize,
    pub carried_out: bool,
}

/// An instance that tells local time takes what it is asked by for local time too.
fn asked_in(request: &mut http::Request<Bytes>, by: SignedDuration) {
    let Some(query) = request.uri().query() else { return };
    let local = |(name, value): (String, String)| {
        let moment = if name == "lastupdatefromdate" { time::parse(&value) } else { None };
        (name, moment.map_or(value, |moment| time::iso(moment - by)))
    };
    let pairs: Vec<_> = url::form_urlencoded::parse(query.as_bytes()).into_owned().map(local).collect();
    let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    let uri = request.uri();
    let whole = format!("{}://{}{}?{query}", uri.scheme_str().unwrap(), uri.authority().unwrap(), uri.path());
    *request.uri_mut() = whole.parse().unwrap();
}

/// Its answers: each time that is told without a zone is the local one.
fn told_in(value: &mut Value, by: SignedDuration) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| told_in(item, by)),
        Value::Object(members) => members.values_mut().for_each(|member| told_in(member, by)),
        Value::String(text) => {
            let plain = text.contains('T') && text.bytes().all(|byte| byte.is_ascii_digit() || b"-:T.".contains(&byte));
            let moment = if plain { text.parse::<DateTime>().ok() } else { None };
            if let Some(local) = moment.and_then(|moment| moment.checked_add(by).ok()) {
                *text = local.to_string();
            }
        }
        _ => {}
    }
}

impl Transport for Tap {
    fn send(&self, mut request: http::Request<Bytes>) -> BoxFuture<'_, Result<http::Response<Bytes>, TransportError>> {
        Box::pin(async move {
            let stop = {
                let mut hang = self.hang.lock().unwrap();
                match hang.as_mut() {
                    Some(hang) if hang.after == 0 => Some(hang.carried_out),
                    Some(hang) => {
                        hang.after -= 1;
                        None
                    }
                    None => None,
                }
            };
            let called = format!("{} {}", request.method(), request.uri().path());
            let still = self.still.lock().unwrap().is_some_and(|part| called.contains(part));
            if still || stop == Some(false) {
                self.hung.notify_one();
                std::future::pending::<()>().await;
            }
            let away = *self.away.lock().unwrap();
            if away.is_some_and(|part| request.uri().path().contains(part)) {
                return Err(TransportError::NotSent("connection refused".into()));
            }
            if called.starts_with("GET") && called.ends_with("/Actions") {
                let (tickets, status) = self.withheld.lock().unwrap().clone();
                let query = request.uri().query().unwrap_or_default();
                if tickets.iter().any(|id| query.split('&').any(|part| part == format!("ticket_id={id}"))) {
                    return Ok(http::Response::builder().status(status).body(Bytes::new()).unwrap());
                }
            }
            let meanwhile = {
                let read = |end: &str| called.starts_with("GET") && called.to_lowercase().ends_with(end);
                let mut waiting = self.meanwhile.lock().unwrap();
                let due = waiting.iter().position(|(end, _)| read(end.as_str()));
                due.map(|at| waiting.remove(at))
            };
            if let Some((_, happens)) = meanwhile {
                happens.await;
            }
            if self.yields.load(Ordering::SeqCst) {
                tokio::task::yield_now().await;
            }
            let asked = request.clone();
            let path = request.uri().path().to_owned();
            let zones = self.zones.lock().unwrap().clone();
            let zone = zones.into_iter().find(|(part, _)| path.starts_with(part)).map(|(_, by)| by);
            if let Some(by) = zone {
                asked_in(&mut request, by);
            }
            if let Some(before) = self.before.lock().unwrap().as_mut() {
                before(&request);
            }
            let mut response = self.inner.send(request).await?;
            if let Some(by) = zone
                && let Ok(mut body) = serde_json::from_slice::<Value>(response.body())
            {
                told_in(&mut body, by);
                *response.body_mut() = Bytes::from(body.to_string());
            }
            if stop == Some(true) {
                self.hung.notify_one();
                std::future::pending::<()>().await;
            }
            if let Some(mutate) = self.mutate.lock().unwrap().as_mut()
                && let Ok(mut body) = serde_json::from_slice::<Value>(response.body())
            {
                mutate(&asked, &mut body);
                *response.body_mut() = Bytes::from(body.to_string());
            }
            Ok(response)
        })
    }
}

pub struct Bridge {
    pub clock: ManualClock,
    pub twin: Twin,
    pub store: Store,
    pub engine: Arc<Engine>,
    pub tap: Arc<Tap>,
    pub setup: Setup,
    pub begins: Timestamp,
    connection: Value,
    /// Credentials of the second Halo, if there is one.
    second: Option<Value>,
    folder: tempfile::TempDir,
    starts: u64,
    /// Incidents and the places they were raised in.
    raised: Mutex<BTreeMap<String, usize>>,
    ids: SeededIds,
    finished: bool,
}

impl Drop for Bridge {
    fn drop(&mut self) {
        assert!(self.finished || std::thread::panicking(), "a bridge ends with finish()");
    }
}

impl Bridge {
    pub async fn new(product: Product) -> Self {
        Self::with(Setup::new(product)).await
    }

    pub async fn with(setup: Setup) -> Self {
        let begins: Timestamp = "2026-03-02T09:00:00Z".parse().unwrap();
        let clock = ManualClock::at(begins);
        let mut options = TwinOptions::new(setup.seed, begins);
        options.workspaces = setup.workspaces;
        options.product = setup.product;
        options.limits = setup.limits;
        options.switches = setup.switches.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        options.check_switches().unwrap();
        let twin = Twin::new(options, Arc::new(clock.clone()));
        let connection = twin.connection("http://twin.test");
        let second = setup.second_halo.then(|| {
            let options = HaloOptions { name: "second".into(), product: setup.product, limits: setup.limits };
            twin.with(|world, _| world.add_halo(&options)).unwrap()
        });
        let folder = tempfile::tempdir().unwrap();
        let text = |pointer: &str| connection.pointer(pointer).unwrap().as_str().unwrap().to_owned();
        let halo_secret = if setup.wrong_secret { "not the one".to_owned() } else { text("/halo/client_secret") };
        std::fs::write(folder.path().join("microsoft.secret"), text("/microsoft/client_secret")).unwrap();
        std::fs::write(folder.path().join("halo.secret"), halo_secret).unwrap();
        std::fs::write(folder.path().join("hook.secret"), "hook-secret-for-tests").unwrap();
        if let Some(second) = &second {
            std::fs::write(folder.path().join("second.secret"), second["client_secret"].as_str().unwrap()).unwrap();
        }
        let key = SealKey::new(&[7; 32], Arc::new(SeededIds::new(1)));
        let store = if setup.on_disk {
            Store::open(&folder.path().join("halobridge.db"), key).await.unwrap()
        } else {
            Store::in_memory(key).await.unwrap()
        };
        let tap = Arc::new(Tap {
            // Answers are judged where the twin is tested: here it is told to give impossible ones too.
            inner: Judge::of_requests(TwinTransport::new(twin.clone())),
            mutate: Mutex::new(None),
            before: Mutex::new(None),
            meanwhile: Mutex::default(),
            away: Mutex::new(None),
            withheld: Mutex::default(),
            hang: Mutex::new(None),
            still: Mutex::new(None),
            hung: Notify::new(),
            yields: AtomicBool::new(false),
            zones: Mutex::default(),
        });
        let engine = engine(&store, &clock, setup.seed, &tap);
        let ids = SeededIds::new(setup.seed ^ 0xb1d6);
        let mut bridge = Self {
            clock,
            twin,
            store,
            engine,
            tap,
            setup,
            begins,
            connection,
            second,
            folder,
            starts: 1,
            raised: Mutex::default(),
            ids,
            finished: false,
        };
        bridge.apply().await;
        if let Some(fault) = bridge.setup.fault.clone() {
            bridge.fault(fault);
        }
        bridge.run().await;
        bridge
    }

    /// Applies the file that `setup` says.
    pub async fn apply(&mut self) {
        let file = self.applied_file();
        let options = configuration::ReadOptions { folder: self.folder.path().to_path_buf(), offline: false };
        let reading = configuration::read(&file, Some(&self.store), false, &options).await.unwrap();
        let wrong: Vec<_> = reading.faults.iter().filter(|f| f.severity != Severity::Warning).collect();
        assert!(wrong.is_empty(), "{wrong:?} {file}");
        configuration::apply(&self.store, &reading.applied.unwrap(), false, self.clock.now(), &self.ids).await.unwrap();
    }

    /// Corrects the secret and applies again.
    pub async fn correct_secret(&mut self) {
        let right = self.connection.pointer("/halo/client_secret").unwrap().as_str().unwrap();
        std::fs::write(self.folder.path().join("halo.secret"), right).unwrap();
        self.apply().await;
    }

    fn applied_file(&self) -> String {
        let s = &self.setup;
        let text = |pointer: &str| self.connection.pointer(pointer).unwrap().as_str().unwrap().to_owned();
        let priorities = s.priorities.clone().unwrap_or_else(|| {
            match s.product {
                Product::Itsm => {
                    r#"{ High = "P2 - High", Medium = "P3 - Medium", Low = "P4 - Low", Informational = "P5 - Informational" }"#
                }
                Product::Psa => {
                    r#"{ High = "High", Medium = "Medium", Low = "Low", Informational = "Informational" }"#
                }
            }
            .to_owned()
        });
        let statuses = s.statuses.unwrap_or(r#"{ New = "New", Active = "In Progress", Closed = "Closed" }"#);
        let mut file = format!(
            r#"[[microsoft]]
name = "Sentinel"
tenant_id = "{}"
oauth_client_id = "{}"
client_secret = {{ file = "microsoft.secret" }}
authority = "{}"
arm = "{}"
log_analytics = "{}"
graph = "{}"
allow_insecure = true

[[halo]]
name = "Service desk"
product = "{}"
resource_server = "{}"
authorisation_server = "{}"
tenant = "{}"
oauth_client_id = "{}"
client_secret = {{ file = "halo.secret" }}
webhook_secret = {{ file = "hook.secret" }}
settle_secs = {}
allow_insecure = true

[[policy]]
name = "standard"
ticket_type = "{}"
priorities = {priorities}
statuses = {statuses}
statuses_back = {{ "On Hold" = "Active", Resolved = "Active" }}
agents = {{ "{ANALYST}" = "{AGENT}", "{SECOND_ANALYST}" = "{SECOND_AGENT}"{} }}
team = "{}"
category = "Security>Phishing"
incident_id_field = "CFSentinelIncidentId"
fields = [
  {{ field = "CFSentinelIncidentNumber", path = "$.properties.incidentNumber" }},
  {{ field = "CFSentinelSeverity", path = "$.properties.severity", when = "always" }},
  {{ field = "CFSentinelLink", path = "$.properties.incidentUrl" }},
  {}
]
classification_field = "CFSentinelClassification"
missing_verdict = {}
notes = "{}"
outcome = "Private Note"
evidence = {}
link_comment = {}
{}
"#,
            text("/microsoft/tenant_id"),
            text("/microsoft/client_id"),
            text("/microsoft/authority"),
            text("/microsoft/arm"),
            text("/microsoft/log_analytics"),
            text("/microsoft/graph"),
            s.product.word(),
            text("/halo/api"),
            text("/halo/auth"),
            text("/halo/tenant"),
            text("/halo/client_id"),
            s.settle_secs,
            s.ticket_type,
            s.agents,
            s.product.security_team(),
            s.fields,
            s.missing_verdict,
            s.notes,
            s.evidence,
            s.link_comment,
            s.policy,
        );
        if let Some(second) = &self.second {
            file.push_str(&format!(
                r#"
[[halo]]
name = "Second desk"
product = "{}"
resource_server = "http://twin.test/second/api"
authorisation_server = "http://twin.test/second/auth"
tenant = "{}"
oauth_client_id = "{}"
client_secret = {{ file = "second.secret" }}
settle_secs = {}
allow_insecure = true
"#,
                s.product.word(),
                second["tenant"].as_str().unwrap(),
                second["client_id"].as_str().unwrap(),
                s.settle_secs,
            ));
        }
        let since = self.begins + SignedDuration::from_secs(s.since_secs);
        let workspaces = self.connection.pointer("/microsoft/workspace_details").unwrap().as_array().unwrap();
        for (place, ((name, workspace), number)) in
            CLIENTS.iter().zip(workspaces.iter().take(s.workspaces)).zip(s.product.first_client_id()..).enumerate()
        {
            let desk = match (s.second_halo, place) {
                (false, _) => "",
                (true, 1) => "halo = \"Second desk\"\n",
                (true, _) => "halo = \"Service desk\"\n",
            };
            let bound = if s.bound { format!("{desk}halo_client_id = {number}") } else { String::new() };
            let id = workspace["id"].as_str().unwrap();
            file.push_str(&format!(
                "\n[[client]]\nname = \"{name}\"\ntime_zone = \"Europe/London\"\n{bound}\n\n[[workspace]]\narm_id = \"{id}\"\nclient = \"{name}\"\nmode = \"{}\"\nsince = \"{since}\"\npoll_secs = {}\nwebhook_secret = {{ file = \"hook.secret\" }}\n{}\n",
                s.mode, s.poll_secs, s.workspace
            ));
        }
        file
    }

    /// The process dies and another one starts over the same store.
    pub async fn restart(&mut self) {
        self.starts += 1;
        self.engine = engine(&self.store, &self.clock, self.setup.seed + self.starts * 1_000, &self.tap);
        self.run().await;
    }

    /// Another process starts over the same store, by a clock of its own.
    pub async fn restart_by(&mut self, clock: &ManualClock) {
        self.starts += 1;
        self.engine = engine(&self.store, clock, self.setup.seed + self.starts * 1_000, &self.tap);
        self.run().await;
    }

    /// A backup takes the database's place, a person confirms it, and another process starts over it.
    pub async fn restore(&mut self, backup: &Snapshot) {
        let key = SealKey::new(&[7; 32], Arc::new(SeededIds::new(self.starts + 1)));
        self.store = Store::from_snapshot(backup, key).await.unwrap();
        self.store.forgot_until(self.clock.now()).await.unwrap();
        self.restart().await;
    }

    /// The same by hand: nobody has told anything that it is an old one.
    pub async fn put_back(&mut self, backup: &Snapshot) {
        let key = SealKey::new(&[7; 32], Arc::new(SeededIds::new(self.starts + 1)));
        self.store = Store::from_snapshot(backup, key).await.unwrap();
        self.restart().await;
    }

    /// As [`Self::restore`], onto a full disk: for two minutes nothing can be recorded, then there is room again.
    pub async fn restore_full(&mut self, backup: &Snapshot) {
        let key = SealKey::new(&[7; 32], Arc::new(SeededIds::new(self.starts + 1)));
        self.store = Store::from_snapshot(backup, key).await.unwrap();
        self.store.forgot_until(self.clock.now()).await.unwrap();
        self.store.limit_pages(None, true).await.unwrap();
        self.restart_cold().await;
        for _ in 0..12 {
            // Refused: that is what a full disk is like.
            let _refused = self.engine.run_until_idle(UNITS_MAX).await;
            self.clock.advance(SignedDuration::from_secs(10));
        }
        self.store.limit_pages(None, false).await.unwrap();
    }

    /// The same without running anything yet.
    pub async fn restart_cold(&mut self) {
        self.starts += 1;
        if self.setup.on_disk {
            let key = SealKey::new(&[7; 32], Arc::new(SeededIds::new(self.starts)));
            self.store = Store::open(&self.folder.path().join("halobridge.db"), key).await.unwrap();
        }
        self.engine = engine(&self.store, &self.clock, self.setup.seed + self.starts * 1_000, &self.tap);
    }

    /// A copy of the whole machine is started beside this one: another engine over a copy of the database.
    pub async fn copy(&self) -> (Store, Arc<Engine>) {
        let snapshot = self.store.snapshot().await.unwrap();
        let key = SealKey::new(&[7; 32], Arc::new(SeededIds::new(self.setup.seed + 1)));
        let store = Store::from_snapshot(&snapshot, key).await.unwrap();
        let engine = engine(&store, &self.clock, self.setup.seed + 500_000, &self.tap);
        (store, engine)
    }

    /// The use cases over this store and engine, and somebody who may call them.
    pub fn console(&self) -> (App, Caller) {
        let (_, changed) = tokio::sync::watch::channel(0);
        let handle = RunningEngine::new(Arc::clone(&self.engine), Arc::new(AtomicBool::new(true)), changed);
        let no_way_out = |_| Err(Failure::new(Side::Sentinel, FailureKind::Transient, "no way out"));
        let ids = Arc::new(SeededIds::new(self.setup.seed ^ 0xca11));
        let app =
            App::new(self.store.clone(), Arc::new(self.clock.clone()), ids, Arc::new(handle), Arc::new(no_way_out));
        let user = UserId(uuid::Uuid::from_u128(9));
        (app, Caller { user, name: "ada".into(), role: Role::Operator, scope: Scope::All })
    }

    /// The same with a way out, and an admin.
    pub fn admin(&self) -> (App, Caller) {
        let (_, changed) = tokio::sync::watch::channel(0);
        let handle = RunningEngine::new(Arc::clone(&self.engine), Arc::new(AtomicBool::new(true)), changed);
        let way: Arc<dyn Transport> = self.tap.clone();
        let ids = Arc::new(SeededIds::new(self.setup.seed ^ 0xad31));
        let network = move |_| Ok(Arc::clone(&way));
        let app = App::new(self.store.clone(), Arc::new(self.clock.clone()), ids, Arc::new(handle), Arc::new(network));
        let user = UserId(uuid::Uuid::from_u128(9));
        (app, Caller { user, name: "ada".into(), role: Role::Admin, scope: Scope::All })
    }

    /// Another way to the database; it is on the disk.
    pub async fn beside_the_store(&self) -> sqlx::SqliteConnection {
        assert!(self.setup.on_disk);
        SqliteConnectOptions::new().filename(self.folder.path().join("halobridge.db")).connect().await.unwrap()
    }

    /// Everything that is due now.
    pub async fn run(&self) {
        let ran = self.engine.run_until_idle(UNITS_MAX).await.unwrap();
        assert!(ran < UNITS_MAX, "the engine never comes to rest");
    }

    /// The same with everything side by side: other work goes on while a call is under way.
    pub async fn run_side_by_side(&self) {
        self.tap.yields.store(true, Ordering::SeqCst);
        once::until_idle(&self.engine, 16).await.unwrap();
        self.tap.yields.store(false, Ordering::SeqCst);
    }

    /// One whole cycle, as `sync --once` runs it.
    pub async fn once(&self) -> once::Summary {
        self.tap.yields.store(true, Ordering::SeqCst);
        let summary = once::once(&self.engine, 16).await.unwrap();
        self.tap.yields.store(false, Ordering::SeqCst);
        summary
    }

    /// Runs until call number `hang.after` stands still for ever, and lets go there; `false` when it never came to that.
    pub async fn run_and_die(&self, hang: Hang) -> bool {
        *self.tap.hang.lock().unwrap() = Some(hang);
        let died = tokio::select! {
            biased;
            () = self.tap.hung.notified() => true,
            ran = self.engine.run_until_idle(UNITS_MAX) => { ran.unwrap(); false }
        };
        *self.tap.hang.lock().unwrap() = None;
        died
    }

    /// Carries the unit out until a call on `path` stands still for ever, then tells it to stop: whether it is given up
    /// at once (`Some(false)`) or goes on (`None`).
    pub async fn run_and_stop(&self, unit: Unit, path: &'static str) -> Option<bool> {
        *self.tap.still.lock().unwrap() = Some(path);
        let stop = CancellationToken::new();
        let mut run = Box::pin(self.engine.run_until(unit, stop.cancelled()));
        tokio::select! {
            biased;
            () = self.tap.hung.notified() => {}
            _ = &mut run => panic!("no call on {path}"),
        }
        stop.cancel();
        let ended = match futures::poll!(&mut run) {
            Poll::Ready(ended) => Some(ended),
            Poll::Pending => None,
        };
        *self.tap.still.lock().unwrap() = None;
        ended
    }

    /// Moves the clock and runs what is due then.
    pub async fn advance(&self, secs: i64) {
        self.clock.advance(SignedDuration::from_secs(secs));
        self.run().await;
    }

    /// A while in steps of a poll's interval.
    pub async fn pass(&self, secs: i64) {
        self.pass_by(secs, 30).await;
    }

    pub async fn pass_by(&self, secs: i64, step: i64) {
        let mut left = secs;
        while left > 0 {
            self.advance(step.min(left)).await;
            left -= step;
        }
    }

    /// Long enough for both sides to be read and everything to cross.
    pub async fn cross(&self) {
        self.pass(120).await;
    }

    /// Addresses that hold this part cannot be reached.
    pub fn away(&self, part: Option<&'static str>) {
        *self.tap.away.lock().unwrap() = part;
    }

    /// The actions of these tickets are answered with this status, and those of no others.
    pub fn withhold(&self, tickets: &[i64], status: u16) {
        *self.tap.withheld.lock().unwrap() = (tickets.to_vec(), status);
    }

    /// The instance below this address tells local time, so many hours ahead of UTC, as if it were UTC.
    pub fn tells_local_time(&self, below: &'static str, hours: i64) {
        let mut zones = self.tap.zones.lock().unwrap();
        zones.retain(|(known, _)| *known != below);
        zones.push((below, SignedDuration::from_hours(hours)));
    }

    pub fn mutate(&self, mutation: impl FnMut(&http::Request<Bytes>, &mut Value) + Send + 'static) {
        *self.tap.mutate.lock().unwrap() = Some(Box::new(mutation));
    }

    /// Something happens elsewhere just before each call from here on is carried out.
    pub fn before(&self, happens: impl FnMut(&http::Request<Bytes>) + Send + 'static) {
        *self.tap.before.lock().unwrap() = Some(Box::new(happens));
    }

    /// This happens in our own process, once, just before the address that ends so is read; what is said a second time
    /// happens at the next such reading.
    pub fn meanwhile(&self, end: String, happens: impl Future<Output = ()> + Send + 'static) {
        self.tap.meanwhile.lock().unwrap().push((end, Box::pin(happens)));
    }

    /// An agent writes a note as soon as a ticket is read: between our reading of it and our own note.
    pub fn note_once_read(&self, ticket: i64, html: &'static str) {
        let twin = self.twin.clone();
        let mut wrote = false;
        self.mutate(move |request, _| {
            let path = request.uri().path().to_lowercase();
            if !wrote && request.method() == http::Method::GET && path.contains("/tickets/") {
                wrote = true;
                twin.act("ticket.note", &json!({ "ticket_id": ticket, "html": html, "agent": AGENT }));
            }
        });
    }

    /// No ticket shows any more, neither in a list nor by its number, until [`Self::mutate_no_more`].
    pub fn hide_tickets(&self) {
        self.mutate(|request, body| {
            let path = request.uri().path();
            if request.method() != "GET" {
                return;
            }
            if path.contains("/Tickets/") {
                *body = Value::Null;
            } else if path.ends_with("/Tickets") {
                *body = json!({ "record_count": 0, "tickets": [] });
            }
        });
    }

    pub fn mutate_no_more(&self) {
        *self.tap.mutate.lock().unwrap() = None;
    }

    pub fn fault(&self, body: Value) -> u64 {
        let fault = Fault::from_json(&body).unwrap();
        self.twin.with(|world, _| world.faults.add(fault))
    }

    pub fn heal(&self) {
        self.twin.with(|world, _| world.faults.remove(None));
    }

    pub fn switch(&self, name: &str, value: &str) {
        self.twin.with(|world, _| world.set_switch(name, value)).unwrap();
    }

    pub fn act(&self, verb: &str, body: Value) -> Value {
        let reply = self.twin.act(verb, &body);
        let text = String::from_utf8_lossy(&reply.body).into_owned();
        assert!(reply.status < 300, "{verb} {body}: {} {text}", reply.status);
        serde_json::from_str(&text).unwrap_or(Value::Null)
    }

    pub fn workspace_name(&self, place: usize) -> String {
        self.connection.pointer("/microsoft/workspace_details").unwrap()[place]["name"].as_str().unwrap().to_owned()
    }

    fn on(&self, incident: &str, more: &Value) -> Value {
        let mut body = json!({ "incident": incident });
        if let Some(place) = self.raised.lock().unwrap().get(incident) {
            body["workspace"] = self.workspace_name(*place).into();
        }
        merged(body, more)
    }

    /// A new incident in the first workspace; gives its GUID.
    pub fn raise(&self, more: Value) -> String {
        self.raise_in(0, more)
    }

    pub fn raise_in(&self, place: usize, more: Value) -> String {
        let body = merged(json!({ "workspace": self.workspace_name(place) }), &more);
        let name = self.act("incident.create", body)["name"].as_str().unwrap().to_owned();
        self.raised.lock().unwrap().insert(name.clone(), place);
        name
    }

    pub fn update(&self, incident: &str, more: Value) {
        self.act("incident.update", self.on(incident, &more));
    }

    pub fn comment(&self, incident: &str, message: &str) {
        self.act("incident.comment", self.on(incident, &json!({ "message": message })));
    }

    /// Id of a comment that was read, by its words.
    pub async fn comment_id(&self, incident: &str, said: &str) -> String {
        let comments = self.situation_of(incident).await.comments.expect("they were read");
        let found = comments.iter().find(|comment| comment.message == said);
        found.unwrap_or_else(|| panic!("{said:?} is not among {comments:#?}")).id.as_str().to_owned()
    }

    pub fn edit_comment(&self, incident: &str, comment: &str, message: &str) {
        self.act("comment.edit", self.on(incident, &json!({ "comment": comment, "message": message })));
    }

    pub fn delete_comment(&self, incident: &str, comment: &str) {
        self.act("comment.delete", self.on(incident, &json!({ "comment": comment })));
    }

    pub fn close_incident(&self, incident: &str, more: Value) {
        self.act("incident.close", self.on(incident, &more));
    }

    pub fn note(&self, ticket: i64, html: &str, more: Value) {
        let agent = json!({ "ticket_id": ticket, "html": html, "agent": AGENT });
        self.act("ticket.note", merged(agent, &more));
    }

    pub fn close_ticket(&self, ticket: i64, more: Value) {
        self.act("ticket.close", merged(json!({ "ticket_id": ticket, "text": "Done.", "agent": AGENT }), &more));
    }

    /// Closes with an option of the classification field (1 true positive … 5 undetermined).
    pub fn close_ticket_as(&self, ticket: i64, option: i64) {
        self.close_ticket(ticket, json!({ "customfields": [{ "name": "CFSentinelClassification", "value": option }] }));
    }

    /// Incidents of a workspace as they are at Microsoft's.
    pub fn incidents(&self, place: usize) -> Vec<Value> {
        let state = self.twin.with(|world, _| world.state());
        let name = self.workspace_name(place);
        let found = state["workspaces"].as_array().unwrap().iter().find(|w| w["name"] == name.as_str()).unwrap();
        found["incidents"].as_array().unwrap().clone()
    }

    pub fn incident(&self, incident: &str) -> Value {
        (0..self.setup.workspaces)
            .flat_map(|place| self.incidents(place))
            .find(|known| known["name"] == incident)
            .unwrap_or(Value::Null)
    }

    pub fn comments_of(&self, incident: &str) -> Vec<String> {
        let found = self.incident(incident);
        let comments = found["comments"].as_array().unwrap();
        comments.iter().map(|c| c["properties"]["message"].as_str().unwrap().to_owned()).collect()
    }

    pub fn tickets(&self) -> Vec<Value> {
        self.tickets_in("halo")
    }

    /// Tickets of one of two instances.
    pub fn tickets_in(&self, halo: &str) -> Vec<Value> {
        let state = self.twin.with(|world, _| world.state());
        state["halo"][halo]["tickets"].as_array().unwrap().clone()
    }

    pub fn ticket(&self, id: i64) -> Value {
        self.tickets().into_iter().find(|t| t["id"] == id).unwrap_or(Value::Null)
    }

    /// Notes that people or the bridge wrote on a ticket, oldest first.
    pub fn notes_of(&self, id: i64) -> Vec<Value> {
        let ticket = self.ticket(id);
        let actions = ticket["actions"].as_array().unwrap().iter();
        actions.filter(|a| a["action_systemid"].as_i64().unwrap_or(0) == 0).cloned().collect()
    }

    /// How many notes on a ticket hold these words.
    pub fn notes_with(&self, ticket: i64, text: &str) -> usize {
        self.notes_of(ticket).iter().filter(|note| words(note).contains(text)).count()
    }

    /// How many comments on an incident hold these words.
    pub fn comments_with(&self, incident: &str, text: &str) -> usize {
        self.comments_of(incident).iter().filter(|comment| comment.contains(text)).count()
    }

    pub async fn workspace(&self, place: usize) -> Workspace {
        let name = self.workspace_name(place);
        self.store.installation().await.unwrap().workspaces.into_iter().find(|w| w.name == name).unwrap()
    }

    pub async fn pair_of(&self, incident: &str) -> Option<Pair> {
        let incident = IncidentId::new(incident);
        for workspace in self.store.installation().await.unwrap().workspaces {
            if let Some(pair) = self.store.pair_of_incident(workspace.id, &incident).await.unwrap() {
                return Some(pair);
            }
        }
        None
    }

    pub async fn subject_of(&self, incident: &str) -> Option<Subject> {
        let incident = IncidentId::new(incident);
        for workspace in self.store.installation().await.unwrap().workspaces {
            if let Some(subject) = self.store.subject(workspace.id, &incident).await.unwrap() {
                return Some(subject);
            }
        }
        None
    }

    pub async fn situation_of(&self, incident: &str) -> SituationRow {
        let pair = self.pair_of(incident).await.expect("it is linked");
        self.store.situation(pair.id).await.unwrap().unwrap()
    }

    /// Code of the reason that the pair (or the held incident) shows.
    pub async fn reason_of(&self, incident: &str) -> Option<&'static str> {
        match self.pair_of(incident).await {
            Some(pair) => pair.reason.map(|reason| reason.code()),
            None => self.subject_of(incident).await?.held.map(|reason| reason.code()),
        }
    }

    /// A bridge with an incident and its ticket.
    pub async fn linked(setup: Setup) -> (Self, String, i64) {
        let bridge = Self::with(setup).await;
        let incident = bridge.raise(json!({}));
        bridge.cross().await;
        let ticket = bridge.ticket_of(&incident).await;
        (bridge, incident, ticket)
    }

    pub async fn ticket_of(&self, incident: &str) -> i64 {
        let pair = self.pair_of(incident).await.expect("it is linked");
        pair.ticket.unwrap_or_else(|| panic!("it has a ticket: {pair:?}")).0
    }

    /// How many calls of a kind there were.
    pub fn calls(&self, kind: &str) -> u64 {
        self.twin.with(|world, _| world.calls.count(kind))
    }

    /// Writes to either side so far.
    pub fn writes(&self) -> u64 {
        self.twin.with(|world, _| {
            let reads = ["halo.auth.token", "entra.token", "sentinel.alerts.post", "sentinel.entities.post"];
            let calls = world.calls.iter().filter(|call| call.method != "GET" && !reads.contains(&call.kind.as_str()));
            u64::try_from(calls.count()).unwrap()
        })
    }

    /// Takes what the twin wants to send and hands it in as deliveries that were received.
    pub async fn receive(&self, source: DeliverySource, body: &[u8]) {
        let delivery = Delivery {
            id: DeliveryId(self.ids.uuid_v7(self.clock.now())),
            source,
            received: self.clock.now(),
            body: body.to_vec(),
            handled: None,
        };
        self.store.intake(delivery).await.unwrap();
        self.engine.poke_intake();
    }

    pub async fn sentinel_source(&self, place: usize) -> DeliverySource {
        let workspace = self.workspace(place).await;
        DeliverySource::Sentinel { workspace: workspace.id, client: workspace.client }
    }

    /// Raises an incident with an alert on the host `PC-1`; its entities show that much later.
    pub fn raise_with_late_host(&self, later: SignedDuration) -> String {
        let (clock, show) = (self.clock.clone(), self.clock.now() + later);
        self.mutate(move |request, body| {
            if request.uri().path().ends_with("/entities") && clock.now() < show {
                body["entities"] = json!([]);
            }
        });
        let host = json!({ "kind": "Host", "properties": { "hostName": "PC-1" } });
        self.raise(json!({ "alert": { "alertDisplayName": "Odd sign-in" }, "entities": [host] }))
    }

    /// The workspace is given to another client.
    pub async fn give(&self, workspace: &Workspace, client: ClientId) {
        let mut tx = self.store.begin().await.unwrap();
        tx.put_workspace(&Workspace { client, ..workspace.clone() }).await.unwrap();
        tx.commit().await.unwrap();
    }

    async fn pairs(&self) -> Vec<Pair> {
        let mut pairs = Vec::new();
        let mut after = None;
        loop {
            let page = self.store.pairs_page(&PairFilter::default(), PairSort::default(), after, 200).await.unwrap();
            pairs.extend(page.rows.into_iter().map(|row| row.pair));
            after = page.next;
            if after.is_none() {
                return pairs;
            }
        }
    }

    async fn all_there_is(&self) -> Vec<String> {
        let mut all = Vec::new();
        for pair in self.pairs().await {
            all.push(format!("{:?}", self.store.situation(pair.id).await.unwrap()));
            all.push(format!("{:?}", self.store.operations_of_pair(pair.id, 10_000).await.unwrap()));
        }
        let filter = SubjectFilter::default();
        all.push(format!("{:?}", self.store.subjects_page(&filter, None, 10_000).await.unwrap()));
        all.push(format!("{:?}", self.store.counters(&Scope::All).await.unwrap()));
        all.push(format!("{:?}", self.store.held_counters(&Scope::All).await.unwrap()));
        all.push(format!("{:?}", self.store.queue_counts().await.unwrap()));
        for workspace in self.store.installation().await.unwrap().workspaces {
            all.push(format!("{:?}", self.store.cursor(workspace.id).await.unwrap()));
        }
        all
    }

    /// What must hold at the end of every test.
    pub async fn finish(self) {
        self.finish_with(0).await;
    }

    /// The same where a second process has made so many tickets beside ours.
    pub async fn finish_with(mut self, doubled: usize) {
        self.finished = true;
        let mut twice = Vec::new();
        assert_eq!(self.store.second_writer().await.unwrap(), None, "nothing is taken for another process's");
        self.store.verify_ledger().await.expect("the ledger holds");
        let before = self.all_there_is().await;
        self.store.rebuild().await.expect("it can be rebuilt");
        let after = self.all_there_is().await;
        for (before, after) in before.iter().zip(&after) {
            assert_eq!(before, after, "rebuilding changes nothing");
        }
        assert_eq!(before.len(), after.len());
        let mut tickets = self.tickets();
        if self.second.is_some() {
            tickets.extend(self.tickets_in("second"));
        }
        let mut taken = BTreeSet::new();
        for place in 0..self.setup.workspaces {
            for incident in self.incidents(place) {
                let name = incident["name"].as_str().unwrap();
                let Some(subject) = self.subject_of(name).await else {
                    let before_all = self.setup.mode == "off" || self.setup.since_secs > 0;
                    assert!(before_all, "incident {name} was never seen");
                    continue;
                };
                let Some(pair) = self.pair_of(name).await else {
                    assert!(subject.held.is_some(), "incident {name} has no ticket and no reason");
                    continue;
                };
                assert!(pair.ticket.is_some() || pair.reason.is_some(), "a pair without a ticket says why: {pair:?}");
                // The ticket of a merged incident goes on with another one.
                let merged = subject.incident.redirected();
                // Those that share one by rule say so.
                if let Some(ticket) = pair.ticket.filter(|_| !merged && pair.group.is_none()) {
                    assert!(taken.insert((pair.halo, ticket)), "ticket {ticket} serves two incidents");
                }
                let carrying = tickets.iter().filter(|t| t.to_string().contains(&pair.reference)).count();
                twice.extend((1..carrying).map(|_| name.to_owned()));
            }
        }
        assert_eq!(twice.len(), doubled, "incidents with more than one ticket: {twice:?}");
    }
}

fn engine(store: &Store, clock: &ManualClock, seed: u64, tap: &Arc<Tap>) -> Arc<Engine> {
    let way: Arc<dyn Transport> = tap.clone();
    Arc::new(Engine::new(store.clone(), Arc::new(clock.clone()), Arc::new(SeededIds::new(seed)), Arc::new(Always(way))))
}

fn merged(mut body: Value, more: &Value) -> Value {
    for (name, value) in more.as_object().into_iter().flatten() {
        body[name] = value.clone();
    }
    body
}

/// A custom field's value on a ticket, as a person sees it.
pub fn field(ticket: &Value, name: &str) -> String {
    let fields = ticket["customfields"].as_array().unwrap();
    let found = fields.iter().find(|f| f["name"] == name).unwrap();
    match found["display"].as_str().filter(|shown| !shown.is_empty()) {
        Some(shown) => shown.to_owned(),
        None => found["value"].as_str().map_or_else(|| found["value"].to_string(), str::to_owned),
    }
}

/// Text of a note, whichever member holds it.
pub fn words(note: &Value) -> String {
    format!("{} {}", note["note"].as_str().unwrap_or(""), note["note_html"].as_str().unwrap_or(""))
}
