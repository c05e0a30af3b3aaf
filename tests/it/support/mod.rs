//! [`TestApp`]: the whole web layer in one process, over a database in memory, with a clock that stands
//! still and an engine that only writes down what it is asked.

pub mod seed;

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use axum::{Router, body::Body, extract::ConnectInfo};
use halobridge::{
    clock::{Clock, IdSource, ManualClock, SeededIds},
    domain::{
        account::{Role, Scope, User},
        failure::{Failure, FailureKind, Side},
        ids::{ConnectionId, OperationId, PairId, TicketId, UserId, WorkspaceId},
        run::RunCause,
    },
    outbound::Transport,
    service::{
        App, NetworkFor, accounts,
        engine_handle::{EngineHandle, EngineStatus},
    },
    store::{Account, SealKey, Snapshot, Store},
    web::{self, WebOptions},
};
use http::{HeaderMap, Method, Request, StatusCode, header};
use http_body_util::BodyExt;
use jiff::Timestamp;
use tokio::sync::watch;
use tower::ServiceExt;

/// What everybody signs in with here.
pub const PASSWORD: &str = "violet kettle sings at dawn";

/// Writes down what it is asked.
pub struct Recorder {
    asked: Mutex<Vec<String>>,
    status: Mutex<EngineStatus>,
    looked: Mutex<BTreeMap<PairId, Timestamp>>,
    changed: watch::Sender<i64>,
}

impl Recorder {
    fn push(&self, words: String) {
        self.asked.lock().unwrap().push(words);
    }

    /// What was asked since the last call.
    pub fn taken(&self) -> Vec<String> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }

    /// Sets what [`EngineHandle::status`] answers.
    pub fn stands(&self, status: EngineStatus) {
        *self.status.lock().unwrap() = status;
    }

    /// Both sides of a pair were read.
    pub fn looked(&self, pair: PairId, at: Timestamp) {
        self.looked.lock().unwrap().insert(pair, at);
    }

    /// Tells of a new ledger entry.
    pub fn moved(&self, latest: i64) {
        self.changed.send_replace(latest);
    }
}

impl EngineHandle for Recorder {
    fn poke_workspace(&self, workspace: WorkspaceId, cause: RunCause) {
        self.push(format!("poll {workspace} {cause:?}"));
    }
    fn poke_incident(&self, workspace: WorkspaceId, incident: halobridge::domain::ids::IncidentId) {
        self.push(format!("incident {workspace} {incident}"));
    }
    fn delivered(&self, _: halobridge::domain::ids::DeliveryId) {}
    fn poke_halo(&self, connection: ConnectionId, tickets: Option<Vec<TicketId>>) {
        let tickets = tickets.map(|ids| ids.iter().map(|id| id.0).collect::<Vec<_>>());
        self.push(format!("halo {connection} {tickets:?}"));
    }
    fn look_again(&self, pair: PairId) {
        self.push(format!("look {pair}"));
    }
    fn looked_at(&self, pair: PairId) -> Option<Timestamp> {
        self.looked.lock().unwrap().get(&pair).copied()
    }
    fn sync_now(&self, pair: PairId) {
        self.push(format!("sync {pair}"));
    }
    fn retry(&self, operation: OperationId) {
        self.push(format!("retry {operation}"));
    }
    fn asked(&self) {
        self.push("asked".into());
    }
    fn pauses_changed(&self) {
        self.push("pauses".into());
    }
    fn configuration(&self) -> Option<i64> {
        None
    }
    fn status(&self) -> EngineStatus {
        self.status.lock().unwrap().clone()
    }
    fn changed(&self) -> watch::Receiver<i64> {
        self.changed.subscribe()
    }
}

/// The program under test.
pub struct TestApp {
    /// Its use cases.
    pub app: App,
    /// Its clock.
    pub clock: ManualClock,
    /// Its engine.
    pub engine: Arc<Recorder>,
    /// Its web layer.
    pub router: Router,
}

/// An answer, read whole.
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: String,
}

impl Answer {
    /// The `Location` of a redirect.
    pub fn location(&self) -> &str {
        self.headers.get(header::LOCATION).map_or("", |value| value.to_str().unwrap())
    }
}

/// One browser: it keeps cookies and says where its requests come from.
#[derive(Clone, Default)]
pub struct Browser {
    /// `name=value` pairs.
    pub cookies: Vec<(String, String)>,
}

impl Browser {
    fn keep(&mut self, headers: &HeaderMap) {
        for value in headers.get_all(header::SET_COOKIE) {
            let text = value.to_str().unwrap();
            let (name, value) = text.split(';').next().unwrap().split_once('=').unwrap();
            self.cookies.retain(|(known, _)| known != name);
            if !text.contains("Max-Age=0") && !value.is_empty() {
                self.cookies.push((name.to_owned(), value.to_owned()));
            }
        }
    }

    /// What it sends as `Cookie`.
    pub fn header(&self) -> String {
        self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ")
    }
}

impl TestApp {
    /// An empty installation on `http://127.0.0.1:8080`.
    pub async fn new() -> Self {
        Self::at("http://127.0.0.1:8080").await
    }

    /// An empty installation on another address.
    pub async fn at(public_url: &str) -> Self {
        Self::with_ids(public_url, Arc::new(SeededIds::new(7))).await
    }

    /// An empty installation that reaches the outside through this.
    pub async fn reaching(way: Arc<dyn Transport>) -> Self {
        let network: NetworkFor = Arc::new(move |_| Ok(Arc::clone(&way)));
        Self::made("http://127.0.0.1:8080", Arc::new(SeededIds::new(7)), network).await
    }

    /// The same with another source of ids.
    pub async fn with_ids(public_url: &str, ids: Arc<dyn IdSource>) -> Self {
        let no_way_out =
            |_| Err(Failure::new(Side::Sentinel, FailureKind::Transient, "There is no way out of this test."));
        Self::made(public_url, ids, Arc::new(no_way_out)).await
    }

    async fn made(public_url: &str, ids: Arc<dyn IdSource>, network: NetworkFor) -> Self {
        let store = Store::in_memory(SealKey::new(&[7; 32], Arc::clone(&ids))).await.unwrap();
        Self::with_store(public_url, ids, network, store)
    }

    /// An installation that begins as another one stands, with the browsers that are signed in there.
    pub async fn copied(snapshot: &Snapshot) -> Self {
        // Other ids than those that were given already.
        let ids: Arc<dyn IdSource> = Arc::new(SeededIds::new(8));
        let no_way_out =
            |_| Err(Failure::new(Side::Sentinel, FailureKind::Transient, "There is no way out of this test."));
        let store = Store::from_snapshot(snapshot, SealKey::new(&[7; 32], Arc::clone(&ids))).await.unwrap();
        Self::with_store("http://127.0.0.1:8080", ids, Arc::new(no_way_out), store)
    }

    fn with_store(public_url: &str, ids: Arc<dyn IdSource>, network: NetworkFor, store: Store) -> Self {
        halobridge::web::assets::embed(bundle);
        let clock = ManualClock::at("2026-03-02T08:00:00Z".parse().unwrap());
        let status = EngineStatus { alive: true, ..EngineStatus::default() };
        let engine = Arc::new(Recorder {
            asked: Mutex::default(),
            status: Mutex::new(status),
            looked: Mutex::default(),
            changed: watch::Sender::new(0),
        });
        let shared: Arc<dyn EngineHandle> = Arc::clone(&engine) as Arc<dyn EngineHandle>;
        let app = App::new(store, Arc::new(clock.clone()), ids, shared, network);
        let options = WebOptions::at(public_url.parse().unwrap());
        let router = web::router(app.clone(), options);
        Self { app, clock, engine, router }
    }

    /// The web layer over use cases that are there already.
    pub fn over(app: App, clock: ManualClock) -> Self {
        halobridge::web::assets::embed(bundle);
        let engine = Arc::new(Recorder {
            asked: Mutex::default(),
            status: Mutex::default(),
            looked: Mutex::default(),
            changed: watch::Sender::new(0),
        });
        let router = web::router(app.clone(), WebOptions::at("http://127.0.0.1:8080".parse().unwrap()));
        Self { app, clock, engine, router }
    }

    /// Two clients with what there is to look at; `admin`, `operator` and `viewer`, who see all of it, and `other`, who sees
    /// the second client alone.
    pub async fn peopled(other: Role) -> Self {
        let app = Self::new().await;
        app.seed("A title", "some words").await;
        app.person("admin", Role::Admin, Scope::All).await;
        app.person("operator", Role::Operator, Scope::All).await;
        app.person("viewer", Role::Viewer, Scope::All).await;
        app.person("other", other, Scope::Clients(vec![seed::client(2)])).await;
        app
    }

    /// Makes an account.
    pub async fn person(&self, name: &str, role: Role, scope: Scope) {
        // hashed once: tests make hundreds of accounts
        static HASH: tokio::sync::OnceCell<String> = tokio::sync::OnceCell::const_new();
        let hash = HASH
            .get_or_init(async || {
                accounts::password::Hasher::default().hash(PASSWORD, &SeededIds::new(1)).await.unwrap()
            })
            .await;
        let created = self.now();
        let user = User {
            id: UserId(self.app.ids.uuid_v7(created)),
            name: name.to_owned(),
            role,
            scope,
            time_zone: None,
            disabled: false,
            created,
            seen: None,
        };
        let mut tx = self.app.store.begin().await.unwrap();
        tx.create_user(&Account { user, password_hash: Some(hash.clone()) }).await.unwrap();
        tx.commit().await.unwrap();
    }

    /// Sends a request as it is.
    pub async fn send(&self, mut request: Request<Body>) -> Answer {
        let from: SocketAddr = "192.0.2.1:50000".parse().unwrap();
        request.extensions_mut().insert(ConnectInfo(from));
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        Answer { status: parts.status, headers: parts.headers, body: String::from_utf8_lossy(&bytes).into_owned() }
    }

    /// Begins a request whose body is read piece by piece (events).
    pub async fn open(&self, browser: &Browser, path: &str, more: &[(&str, &str)]) -> http::Response<Body> {
        let mut request = Request::get(path).header(header::COOKIE, browser.header());
        for (name, value) in more {
            request = request.header(*name, *value);
        }
        self.router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
    }

    /// Asks for a page.
    pub async fn page(&self, browser: &mut Browser, path: &str) -> Answer {
        let request =
            Request::get(path).header(header::COOKIE, browser.header()).header(header::HOST, "127.0.0.1:8080");
        let answer = self.send(request.body(Body::empty()).unwrap()).await;
        browser.keep(&answer.headers);
        answer
    }

    /// Sends a form from a page of ours.
    pub async fn submit(&self, browser: &mut Browser, path: &str, form: &[(&str, &str)]) -> Answer {
        self.submit_from(browser, path, form, "http://127.0.0.1:8080").await
    }

    /// Sends a form from a page of this origin.
    pub async fn submit_from(&self, browser: &mut Browser, path: &str, form: &[(&str, &str)], origin: &str) -> Answer {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let request = Request::builder()
            .method(Method::POST)
            .uri(path)
            .header(header::HOST, "127.0.0.1:8080")
            .header(header::ORIGIN, origin)
            .header(header::COOKIE, browser.header())
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        let answer = self.send(request.body(Body::from(body)).unwrap()).await;
        browser.keep(&answer.headers);
        answer
    }

    /// A browser in which this person is signed in.
    pub async fn signed_in(&self, name: &str) -> Browser {
        let mut browser = Browser::default();
        let answer = self.submit(&mut browser, "/sign-in", &[("name", name), ("password", PASSWORD)]).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
        browser
    }

    /// Sends a webhook.
    pub async fn hook(&self, path: &str, headers: &[(&str, &str)], body: impl Into<Body>) -> Answer {
        let mut request = Request::post(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request.body(body.into()).unwrap()).await
    }

    /// With one header, whatever bytes it has.
    pub async fn hook_with(&self, path: &str, name: &str, value: http::HeaderValue, body: impl Into<Body>) -> Answer {
        self.send(Request::post(path).header(name, value).body(body.into()).unwrap()).await
    }

    /// The present moment here.
    pub fn now(&self) -> jiff::Timestamp {
        self.clock.now()
    }
}

/// The browser bundle as it lies in its folder: the tests need not be built again for another one.
pub fn bundle(path: &str) -> Option<std::borrow::Cow<'static, [u8]>> {
    let site = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("target/site");
    std::fs::read(site.join(path)).ok().map(std::borrow::Cow::Owned)
}
