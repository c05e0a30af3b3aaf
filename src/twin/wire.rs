//! One HTTP call and its reply, as plain values.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::Timestamp;
use serde_json::Value;
use sha2::Sha256;

/// A request as the twin sees it: base address already cut off.
#[derive(Debug, Clone)]
pub struct Call {
    /// Upper-case method.
    pub method: String,
    /// Decoded path below the side's base, with its leading slash (`/Tickets/12`).
    pub path: String,
    /// Decoded query pairs in the order sent.
    pub query: Vec<(String, String)>,
    /// Header pairs, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The raw body.
    pub body: Bytes,
    /// Scheme, host and port by which the caller reached the twin (`http://127.0.0.1:9000`), for absolute links.
    pub origin: String,
    /// Path between that and the side's own (`/halo`, `/entra`); empty when the side was reached at the root.
    pub base: String,
}

impl Call {
    /// First query value of this name, whatever the letter case.
    pub fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// First header value of this name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The pairs of a form-encoded body, decoded.
    pub fn form(&self) -> Vec<(String, String)> {
        url::form_urlencoded::parse(&self.body).into_owned().collect()
    }

    /// The body as JSON.
    pub fn json(&self) -> Option<Value> {
        serde_json::from_slice(&self.body).ok()
    }
}

/// What goes back.
#[derive(Debug, Clone)]
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// Header pairs.
    pub headers: Vec<(String, String)>,
    /// The raw body.
    pub body: Bytes,
}

impl Reply {
    /// A JSON reply.
    pub fn json(status: u16, body: &Value) -> Self {
        Self {
            status,
            headers: vec![("content-type".into(), "application/json; charset=utf-8".into())],
            body: Bytes::from(body.to_string()),
        }
    }

    /// A reply whose body is JSON text already.
    pub fn json_text(status: u16, body: String) -> Self {
        Self {
            status,
            headers: vec![("content-type".into(), "application/json; charset=utf-8".into())],
            body: Bytes::from(body),
        }
    }

    /// A page.
    pub fn html(status: u16, body: String) -> Self {
        Self {
            status,
            headers: vec![("content-type".into(), "text/html; charset=utf-8".into())],
            body: Bytes::from(body),
        }
    }

    /// First header value of this name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// A reply without a body.
    pub fn empty(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Bytes::new() }
    }

    /// The same with one more header.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }
}

/// Something the twin sends by itself (a webhook, a Logic App's POST), due at a moment.
#[derive(Debug, Clone)]
pub struct Outgoing {
    /// When it is to be sent, by the twin's clock.
    pub due: Timestamp,
    /// Where to (absolute address).
    pub url: String,
    /// Upper-case method.
    pub method: String,
    /// Header pairs.
    pub headers: Vec<(String, String)>,
    /// The raw body.
    pub body: Bytes,
    /// `logic-app` or `halo-webhook`, for the log.
    pub kind: &'static str,
    /// Attempts made so far.
    pub attempt: u32,
    /// Attempts allowed in all (Halo: 1; Logic App: 1 + 4 retries).
    pub attempts_max: u32,
    /// How to sign another body in this one's place.
    pub seal: Option<Seal>,
    /// The run of a logic app that it belongs to.
    pub run: Option<String>,
}

/// A header that signs the body: base64( HMAC-SHA256( secret, body ) ), as Halo's webhooks do (sheet 6.4).
#[derive(Clone)]
pub struct Seal {
    /// Name of the header.
    pub header: String,
    /// The key.
    pub secret: String,
}

impl std::fmt::Debug for Seal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Seal").field("header", &self.header).finish_non_exhaustive()
    }
}

impl Seal {
    /// The header's value for a body.
    pub fn of(&self, body: &[u8]) -> String {
        // HMAC takes keys of any length, so this cannot fail.
        Hmac::<Sha256>::new_from_slice(self.secret.as_bytes()).map_or_else(
            |_| String::new(),
            |mut mac| {
                mac.update(body);
                STANDARD.encode(mac.finalize().into_bytes())
            },
        )
    }
}

/// What a side may use while it answers.
pub struct Cx<'a> {
    /// The twin's clock.
    pub now: Timestamp,
    /// Random bytes and ids, from the twin's seed.
    pub ids: &'a dyn crate::clock::IdSource,
    /// What the side wants sent after this call.
    pub outgoing: &'a mut Vec<Outgoing>,
}
