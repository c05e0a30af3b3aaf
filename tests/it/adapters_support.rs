//! What the adapters' tests share: a scripted transport, and Halo's side of the twin as a transport.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use halobridge::{
    clock::{Clock, ManualClock, SeededIds},
    domain::{
        connection::{HaloConnection, HaloProduct},
        failure::Failure,
        ids::ConnectionId,
        ticket::{NoteDraft, OutcomeRef, Requester, TicketDraft},
    },
    entra::{Resource, Tokens},
    halo_itsm::Halo,
    outbound::{BoxFuture, Transport, TransportError, budget::Budget},
    twin::{
        halo,
        limits::Limits,
        options::Product,
        wire::{Call, Cx},
    },
};
use jiff::Timestamp;
use secrecy::SecretString;
use serde_json::Value;
use uuid::Uuid;

/// A request as it left.
#[derive(Debug, Clone)]
pub struct Sent {
    pub method: String,
    pub uri: http::Uri,
    pub headers: http::HeaderMap,
    pub body: Bytes,
}

impl Sent {
    pub fn path(&self) -> &str {
        self.uri.path()
    }

    /// First query value of this name, decoded.
    pub fn query(&self, name: &str) -> Option<String> {
        let query = self.uri.query().unwrap_or_default();
        url::form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// A form member.
    pub fn form(&self, name: &str) -> Option<String> {
        url::form_urlencoded::parse(&self.body).find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
    }
}

/// What a script answers.
pub type Reply = Result<http::Response<Bytes>, TransportError>;

/// A JSON answer.
pub fn json(status: u16, body: &Value) -> Reply {
    text(status, &body.to_string())
}

/// Any answer.
pub fn text(status: u16, body: &str) -> Reply {
    Ok(http::Response::builder().status(status).body(Bytes::from(body.to_owned())).unwrap())
}

/// An answer with one more header.
pub fn with(reply: Reply, name: &'static str, value: &str) -> Reply {
    reply.map(|mut response| {
        response.headers_mut().insert(name, value.parse().unwrap());
        response
    })
}

type Answering = dyn FnMut(&Sent) -> Reply + Send;

/// A transport that answers by a function and remembers what was sent.
pub struct Script {
    answer: Mutex<Box<Answering>>,
    sent: Mutex<Vec<Sent>>,
}

impl Script {
    pub fn new(answer: impl FnMut(&Sent) -> Reply + Send + 'static) -> Arc<Self> {
        Arc::new(Self { answer: Mutex::new(Box::new(answer)), sent: Mutex::new(Vec::new()) })
    }

    pub fn sent(&self) -> Vec<Sent> {
        self.sent.lock().unwrap().clone()
    }
}

impl Transport for Script {
    fn send(&self, request: http::Request<Bytes>) -> BoxFuture<'_, Result<http::Response<Bytes>, TransportError>> {
        Box::pin(async move {
            let (parts, body) = request.into_parts();
            let sent = Sent { method: parts.method.to_string(), uri: parts.uri, headers: parts.headers, body };
            self.sent.lock().unwrap().push(sent.clone());
            // Others get their turn here, as they would while a network is waited for.
            tokio::task::yield_now().await;
            (self.answer.lock().unwrap())(&sent)
        })
    }
}

/// Tokens without a sign-in: `token-0`, and a new number after each rejection.
#[derive(Default)]
pub struct FixedTokens {
    pub rejected: Mutex<u32>,
}

#[async_trait]
impl Tokens for FixedTokens {
    async fn bearer(&self, tenant: &str, _resource: Resource) -> Result<SecretString, Failure> {
        Ok(SecretString::from(format!("token-{}-{tenant}", self.rejected.lock().unwrap())))
    }

    fn reject(&self, _tenant: &str, _resource: Resource, _refused: &SecretString) {
        *self.rejected.lock().unwrap() += 1;
    }
}

pub fn moment(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub fn clock() -> ManualClock {
    ManualClock::at(moment("2026-05-04T09:00:00Z"))
}

/// Halo's side of the twin behind the transport; calls can be watched and changed on their way.
pub struct HaloTwin {
    pub halo: Mutex<halo::Halo>,
    pub clock: ManualClock,
    ids: SeededIds,
    sent: Mutex<Vec<Sent>>,
    meddle: Mutex<Option<Box<Meddling>>>,
    /// Creates begun and not yet answered, now and at most.
    creating: Mutex<(u32, u32)>,
}

/// Sees a request with the twin's answer, and may put another in its place.
type Meddling = dyn FnMut(&Sent, http::Response<Bytes>) -> Reply + Send;

impl HaloTwin {
    pub fn new(product: Product, limits: Limits) -> Arc<Self> {
        let ids = SeededIds::new(7);
        let options = halo::HaloOptions { name: "halo".into(), product, limits };
        let halo = Mutex::new(halo::Halo::new(&options, &ids));
        let (sent, meddle) = (Mutex::default(), Mutex::new(None));
        Arc::new(Self { halo, clock: clock(), ids, sent, meddle, creating: Mutex::new((0, 0)) })
    }

    pub fn switch(&self, name: &str, value: &str) {
        assert_eq!(self.halo.lock().unwrap().set_switch(name, value), Ok(true), "{name}");
    }

    pub fn meddle(&self, with: impl FnMut(&Sent, http::Response<Bytes>) -> Reply + Send + 'static) {
        *self.meddle.lock().unwrap() = Some(Box::new(with));
    }

    pub fn sent(&self) -> Vec<Sent> {
        self.sent.lock().unwrap().clone()
    }

    pub fn count(&self, method: &str, path: &str) -> usize {
        self.sent().iter().filter(|s| s.method == method && s.path() == path).count()
    }

    pub fn creating_at_most(&self) -> u32 {
        self.creating.lock().unwrap().1
    }

    /// A person's act on the screen.
    pub fn act(&self, verb: &str, body: &Value) -> Value {
        let mut outgoing = Vec::new();
        let mut cx = Cx { now: self.clock.now(), ids: &self.ids, outgoing: &mut outgoing };
        let reply = self.halo.lock().unwrap().act(verb, body, &mut cx);
        assert_eq!(reply.status, 200, "{verb}: {:?}", reply.body);
        serde_json::from_slice(&reply.body).unwrap()
    }

    /// The adapter for this instance, with a budget of its own.
    pub fn adapter(self: &Arc<Self>) -> Halo {
        self.adapter_within(Budget::halo(300))
    }

    pub fn adapter_within(self: &Arc<Self>, budget: Arc<Budget>) -> Halo {
        let connection = self.halo.lock().unwrap().connection();
        let text = |key: &str| connection[key].as_str().unwrap().to_owned();
        let connection = halo_connection(&text("tenant"), &text("client_id"));
        let secret = SecretString::from(text("client_secret"));
        Halo::new(connection, secret, self.clone(), Arc::new(self.clock.clone()), budget)
    }

    /// First client that is not "Unknown".
    pub fn client(&self) -> i64 {
        self.choice("clients", |name| name != "Unknown")
    }

    pub fn choice(&self, what: &str, fits: impl Fn(&str) -> bool) -> i64 {
        self.halo.lock().unwrap().choices(what).into_iter().find(|(_, name)| fits(name)).map(|(id, _)| id).unwrap()
    }

    pub fn tickets(&self) -> usize {
        self.halo.lock().unwrap().tickets().count()
    }
}

impl Transport for HaloTwin {
    fn send(&self, request: http::Request<Bytes>) -> BoxFuture<'_, Result<http::Response<Bytes>, TransportError>> {
        Box::pin(async move {
            let (parts, body) = request.into_parts();
            let sent = Sent { method: parts.method.to_string(), uri: parts.uri, headers: parts.headers, body };
            self.sent.lock().unwrap().push(sent.clone());
            let creates =
                sent.method == "POST" && sent.path().ends_with("/Tickets") && sent.json()[0].get("id").is_none();
            if creates {
                let mut creating = self.creating.lock().unwrap();
                creating.0 += 1;
                creating.1 = creating.1.max(creating.0);
            }
            tokio::task::yield_now().await;
            let call = Call {
                method: sent.method.clone(),
                path: sent.path().replacen("/halo/api", "", 1).replacen("/halo/auth", "", 1),
                query: url::form_urlencoded::parse(sent.uri.query().unwrap_or_default().as_bytes())
                    .into_owned()
                    .collect(),
                headers: sent.headers.iter().map(|(k, v)| (k.to_string(), v.to_str().unwrap().to_owned())).collect(),
                body: sent.body.clone(),
                origin: "https://acme.haloitsm.example".into(),
                base: "/halo".into(),
            };
            let mut outgoing = Vec::new();
            let mut cx = Cx { now: self.clock.now(), ids: &self.ids, outgoing: &mut outgoing };
            let auth = sent.path().starts_with("/halo/auth");
            let mut halo = self.halo.lock().unwrap();
            let reply = if auth { halo.handle_auth(&call, &mut cx) } else { halo.handle_api(&call, &mut cx) };
            drop(halo);
            if creates {
                self.creating.lock().unwrap().0 -= 1;
            }
            let mut response = http::Response::builder().status(reply.status);
            for (name, value) in reply.headers {
                response = response.header(name, value);
            }
            let response = response.body(reply.body).unwrap();
            match self.meddle.lock().unwrap().as_mut() {
                Some(meddle) => meddle(&sent, response),
                None => Ok(response),
            }
        })
    }
}

pub fn halo_connection(tenant: &str, oauth_client_id: &str) -> HaloConnection {
    HaloConnection {
        id: ConnectionId(Uuid::nil()),
        name: "acme".into(),
        product: HaloProduct::Itsm,
        resource_server: "https://acme.haloitsm.example/halo/api".into(),
        authorisation_server: "https://acme.haloitsm.example/halo/auth".into(),
        tenant: tenant.into(),
        oauth_client_id: oauth_client_id.into(),
        scope: "read:tickets edit:tickets read:customers".into(),
        requests_per_5min: 300,
        poll_secs: 20,
        settle_secs: 180,
        webhook: false,
        webhook_header: "Token".into(),
        allow_insecure: false,
    }
}

/// A ticket to be created for this client, with the product's stock ids.
pub fn draft(twin: &HaloTwin, reference: &str) -> TicketDraft {
    TicketDraft {
        summary: format!("Suspicious sign-in {reference}"),
        details_html: format!("<p>Someone signed in.</p><p>Reference: {reference}</p>"),
        client_id: twin.client(),
        site_id: None,
        requester: Requester::GeneralUser,
        ticket_type_id: twin.choice("ticket_types", |name| name == "Security Incident"),
        status_id: Some(2),
        priority_id: Some(2),
        agent_id: None,
        team: None,
        category_1: None,
        custom_fields: Vec::new(),
        members: Vec::new(),
        occurred: None,
        reference: reference.into(),
    }
}

pub fn note(text: &str) -> NoteDraft {
    NoteDraft {
        former: None,
        outcome: OutcomeRef::Name("Private Note".into()),
        html: format!("<p>{text}</p>"),
        text: text.into(),
        private: true,
        reference: "HB-0000000000".into(),
    }
}
