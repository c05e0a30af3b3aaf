//! The twin's Halo side, called in process: every point of the Halo sheet's section 9 in both products.

mod actions;
mod auth;
mod lists;
mod lookups;
mod people;
mod tickets;
mod webhooks;

use halobridge::{
    clock::SeededIds,
    twin::{
        halo::{Halo, HaloSetup, client_names},
        limits::Limits,
        options::Product,
        wire::{Call, Cx, Outgoing, Reply},
    },
};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

/// Runs a check against a fresh instance of each product.
pub fn both(check: impl Fn(Rig)) {
    for product in [Product::Itsm, Product::Psa] {
        check(Rig::new(product));
    }
}

/// An instance, its clock and what it wants sent.
pub struct Rig {
    pub halo: Halo,
    pub now: Timestamp,
    ids: SeededIds,
    pub outgoing: Vec<Outgoing>,
    pub token: String,
    pub product: Product,
}

impl Rig {
    pub fn new(product: Product) -> Self {
        let setup = HaloSetup {
            limits: Limits::Real,
            product,
            tenant: "acme".into(),
            oauth_client_id: "0f6a0f3e-52a4-4d4b-9d0c-6f5c66f2f7a1".into(),
            client_secret: "11111111-1111-1111-1111-111111111111-22222222-2222-2222-2222-222222222222".into(),
            application_name: "Sentinel Bridge".into(),
            agent_password: "agents only".into(),
            clients: client_names(3),
        };
        let mut rig = Self {
            halo: Halo::with_setup(setup),
            now: "2026-11-21T10:00:00.25Z".parse().unwrap(),
            ids: SeededIds::new(7),
            outgoing: Vec::new(),
            token: String::new(),
            product,
        };
        rig.token = rig.sign_in("all").1["access_token"].as_str().unwrap().to_owned();
        rig
    }

    pub fn advance(&mut self, seconds: i64) {
        self.now += SignedDuration::from_secs(seconds);
    }

    pub fn switch(&mut self, name: &str, value: &str) {
        assert_eq!(self.halo.set_switch(name, value), Ok(true), "{name}");
    }

    fn make(&self, method: &str, target: &str, body: Vec<u8>, headers: &[(&str, &str)]) -> Call {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        Call {
            method: method.into(),
            path: path.into(),
            query: url::form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
            headers: headers.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
            body: body.into(),
            origin: "http://127.0.0.1:9000".into(),
            base: "/halo".into(),
        }
    }

    pub fn auth(&mut self, method: &str, target: &str, form: &[(&str, &str)]) -> Reply {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let call =
            self.make(method, target, body.into_bytes(), &[("content-type", "application/x-www-form-urlencoded")]);
        let mut cx = Cx { now: self.now, ids: &self.ids, outgoing: &mut self.outgoing };
        self.halo.handle_auth(&call, &mut cx)
    }

    /// A client-credentials token.
    pub fn sign_in(&mut self, scope: &str) -> (u16, Value) {
        let (id, secret) = (self.halo.setup().oauth_client_id.clone(), self.halo.setup().client_secret.clone());
        let form =
            [("grant_type", "client_credentials"), ("client_id", &*id), ("client_secret", &*secret), ("scope", scope)];
        let reply = self.auth("POST", "/token?tenant=acme", &form);
        (reply.status, json_of(&reply))
    }

    pub fn raw(&mut self, method: &str, target: &str, body: &[u8], bearer: &str) -> Reply {
        let authorization = format!("Bearer {bearer}");
        let headers = [("authorization", &*authorization), ("content-type", "application/json")];
        let call = self.make(method, target, body.to_vec(), if bearer.is_empty() { &[] } else { &headers });
        let mut cx = Cx { now: self.now, ids: &self.ids, outgoing: &mut self.outgoing };
        self.halo.handle_api(&call, &mut cx)
    }

    pub fn get(&mut self, target: &str) -> (u16, Value) {
        let token = self.token.clone();
        let reply = self.raw("GET", target, b"", &token);
        (reply.status, json_of(&reply))
    }

    pub fn ok(&mut self, target: &str) -> Value {
        let (status, body) = self.get(target);
        assert_eq!(status, 200, "{target}: {body}");
        body
    }

    pub fn post(&mut self, target: &str, body: &Value) -> (u16, Value) {
        let token = self.token.clone();
        let reply = self.raw("POST", target, body.to_string().as_bytes(), &token);
        (reply.status, json_of(&reply))
    }

    pub fn delete(&mut self, target: &str) -> (u16, Value) {
        let token = self.token.clone();
        let reply = self.raw("DELETE", target, b"", &token);
        (reply.status, json_of(&reply))
    }

    /// Creates a ticket of the security type for the first named client and returns the answer.
    pub fn ticket(&mut self, more: &Value) -> Value {
        let mut item = json!({ "summary": "Impossible travel", "tickettype_id": self.security_type(), "client_id": self.client(0) });
        item.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let (status, body) = self.post("/Tickets", &json!([item]));
        assert_eq!(status, 201, "{body}");
        body
    }

    pub fn new_id(&mut self) -> i64 {
        self.ticket(&json!({}))["id"].as_i64().unwrap()
    }

    pub fn act(&mut self, verb: &str, body: &Value) -> (u16, Value) {
        let mut cx = Cx { now: self.now, ids: &self.ids, outgoing: &mut self.outgoing };
        let reply = self.halo.act(verb, body, &mut cx);
        (reply.status, json_of(&reply))
    }

    pub fn tick(&mut self) {
        let mut cx = Cx { now: self.now, ids: &self.ids, outgoing: &mut self.outgoing };
        self.halo.tick(&mut cx);
    }

    pub fn named(&self, what: &str, name: &str) -> i64 {
        let list = self.halo.choices(what);
        list.into_iter().find(|(_, n)| n == name).unwrap_or_else(|| panic!("no {what} named {name}")).0
    }

    pub fn security_type(&self) -> i64 {
        self.named("ticket_types", "Security Incident")
    }

    pub fn client(&self, n: usize) -> i64 {
        self.named("clients", &client_names(3)[n])
    }

    pub fn outcome(&self, name: &str) -> i64 {
        self.named("outcomes", name)
    }

    pub fn security_team(&self) -> &'static str {
        if self.product == Product::Itsm { "Security Operations" } else { "SOC" }
    }
}

/// The body as JSON; null when it is empty or something else.
pub fn json_of(reply: &Reply) -> Value {
    serde_json::from_slice(&reply.body).unwrap_or(Value::Null)
}

pub fn ids(list: &Value) -> Vec<i64> {
    list.as_array().unwrap().iter().map(|row| row["id"].as_i64().unwrap()).collect()
}
