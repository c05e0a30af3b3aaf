//! The twin's Microsoft side, called in process: section 11 of the Sentinel sheet, point by point.
//! Every answer is also held against Microsoft's API description, where that is at hand.

mod automation;
mod deployments;
mod graph;
mod incidents;
mod logs;
mod odds;
mod rights;
mod rules;
mod server;
mod sign_in;
mod switches;
mod wire;

use std::sync::Arc;

use bytes::Bytes;
use halobridge::{
    clock::SteerableClock,
    twin::{
        Twin,
        options::TwinOptions,
        transport::query_pairs,
        wire::{Call, Reply},
        world::Answer,
    },
};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::openapi;

pub const ORIGIN: &str = "http://twin.test";
pub const VERSION: &str = "api-version=2025-09-01";

/// A world, its clock and a token of its application.
pub struct Rig {
    pub twin: Twin,
    pub clock: Arc<SteerableClock>,
    pub token: String,
    pub connection: Value,
    pub workspace: String,
}

pub struct Got {
    pub status: u16,
    pub reply: Reply,
    pub body: Value,
}

impl Got {
    pub fn text(&self, pointer: &str) -> &str {
        self.body.pointer(pointer).and_then(Value::as_str).unwrap_or_else(|| panic!("{pointer} in {:#}", self.body))
    }
    pub fn names(&self) -> Vec<String> {
        self.body["value"].as_array().unwrap().iter().map(|row| row["name"].as_str().unwrap().to_owned()).collect()
    }
}

impl Rig {
    pub fn new() -> Self {
        Self::with(|_| {})
    }

    pub fn with(change: impl FnOnce(&mut TwinOptions)) -> Self {
        let start: Timestamp = "2026-09-21T14:13:20.5Z".parse().unwrap();
        let clock = Arc::new(SteerableClock::held(start));
        let mut options = TwinOptions::new(7, start);
        change(&mut options);
        let twin = Twin::steerable(options, clock.clone());
        let connection = twin.connection(ORIGIN);
        let mut rig = Self { twin, clock, token: String::new(), workspace: String::new(), connection };
        rig.workspace =
            rig.connection.pointer("/microsoft/workspace_details/0/id").unwrap().as_str().unwrap().to_owned();
        rig.token = rig.app_token("https://management.azure.com/.default");
        rig
    }

    pub fn microsoft(&self, name: &str) -> &str {
        self.connection["microsoft"][name].as_str().unwrap()
    }

    pub fn switch(&self, name: &str, value: &str) {
        self.twin.with(|world, _| world.set_switch(name, value)).unwrap();
    }

    pub fn pass(&self, seconds: i64) {
        let now = halobridge::clock::Clock::now(self.clock.as_ref());
        self.clock.set(now.checked_add(SignedDuration::from_secs(seconds)).unwrap());
    }

    pub fn app_token(&self, scope: &str) -> String {
        let (tenant, id, secret) =
            (self.microsoft("tenant_id"), self.microsoft("client_id"), self.microsoft("client_secret"));
        let got = self.form(
            tenant,
            &[("grant_type", "client_credentials"), ("client_id", id), ("client_secret", secret), ("scope", scope)],
        );
        assert_eq!(got.status, 200, "{:#}", got.body);
        got.text("/access_token").to_owned()
    }

    pub fn form(&self, tenant: &str, pairs: &[(&str, &str)]) -> Got {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
        self.raw("POST", &format!("/entra/{tenant}/oauth2/v2.0/token"), &[], body.into())
    }

    pub fn answer(&self, method: &str, url: &str, headers: &[(&str, &str)], body: Bytes) -> Answer {
        let rest = url.strip_prefix(ORIGIN).unwrap_or(url);
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        self.twin.handle(Call {
            method: method.into(),
            path: percent_encoding::percent_decode_str(path).decode_utf8_lossy().into_owned(),
            query: query_pairs(query),
            headers: headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
            body,
            origin: ORIGIN.into(),
            base: String::new(),
        })
    }

    pub fn raw(&self, method: &str, url: &str, headers: &[(&str, &str)], body: Bytes) -> Got {
        let reply = self.answer(method, url, headers, body).reply;
        Got { status: reply.status, body: serde_json::from_slice(&reply.body).unwrap_or(Value::Null), reply }
    }

    /// A call of the management API with the application's token, held against the description.
    pub fn arm(&self, method: &str, path: &str, body: Option<Value>) -> Got {
        self.arm_as(&self.token, method, path, body)
    }

    pub fn arm_as(&self, token: &str, method: &str, path: &str, body: Option<Value>) -> Got {
        let mark = if path.contains('?') { '&' } else { '?' };
        let url = if path.starts_with("http") || path.contains("api-version") {
            path.to_owned()
        } else {
            format!("{path}{mark}{VERSION}")
        };
        let url = if url.starts_with("http") { url } else { format!("{ORIGIN}/arm{url}") };
        let bytes = body.map(|body| Bytes::from(body.to_string())).unwrap_or_default();
        let got = self.raw(method, &url, &[("authorization", &format!("Bearer {token}"))], bytes);
        if let Some(contract) = openapi::contract() {
            let path = url
                .strip_prefix(ORIGIN)
                .and_then(|rest| rest.strip_prefix("/arm"))
                .unwrap_or("")
                .split('?')
                .next()
                .unwrap_or("");
            contract
                .check_answer(method, path, got.status, &got.reply.body)
                .unwrap_or_else(|faults| panic!("{faults}"));
        }
        got
    }

    /// Below the first workspace's `Microsoft.SecurityInsights`.
    pub fn sentinel(&self, method: &str, path: &str, body: Option<Value>) -> Got {
        self.arm(method, &format!("{}/providers/Microsoft.SecurityInsights/{path}", self.workspace), body)
    }

    pub fn make(&self, guid: &str, properties: Value) -> Got {
        self.sentinel("PUT", &format!("incidents/{guid}"), Some(json!({ "properties": properties })))
    }

    /// A fresh incident with alerts; its name.
    pub fn raise(&self) -> String {
        self.act("incident.create", json!({}))["name"].as_str().unwrap().to_owned()
    }

    pub fn act(&self, verb: &str, body: Value) -> Value {
        let reply = self.twin.act(verb, &body);
        let body: Value = serde_json::from_slice(&reply.body).unwrap();
        assert_eq!(reply.status, 200, "{verb}: {body:#}");
        body
    }
}

pub fn plain() -> Value {
    json!({"title": "Manual incident", "severity": "Low", "status": "New"})
}

/// A GUID with this number at its end.
pub fn guid(number: u32) -> String {
    format!("5a000000-0000-4000-8000-{number:012}")
}
