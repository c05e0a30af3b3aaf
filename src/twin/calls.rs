//! The log of every call received.

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;
use jiff::Timestamp;
use serde_json::{Value, json};

/// Calls kept in the list; the counts go on.
const KEPT: usize = 200_000;

/// One call received.
#[derive(Debug, Clone)]
pub struct Received {
    /// Number, from 1.
    pub number: u64,
    /// When, by the twin's clock.
    pub at: Timestamp,
    /// Side.
    pub side: String,
    /// Kind (`sentinel.incident.put`).
    pub kind: String,
    /// Method.
    pub method: String,
    /// Path below the twin's base.
    pub path: String,
    /// Query options as sent, decoded.
    pub query: Vec<(String, String)>,
    /// Status answered; what the caller saw may differ (`note`).
    pub status: u16,
    /// Budget left, when the answer said it.
    pub left: Option<u64>,
    /// What a fault did, or nothing.
    pub note: String,
    /// Of a write, where they are kept.
    pub bodies: Option<Bodies>,
}

/// What was sent, and what the side made of it before anything happened to the answer.
#[derive(Debug, Clone)]
pub struct Bodies {
    /// The body sent.
    pub sent: Bytes,
    /// The body answered; empty when the call was not carried out.
    pub answered: Bytes,
}

impl Received {
    fn to_json(&self) -> Value {
        let query: String =
            self.query.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&");
        let mut shown = json!({
            "number": self.number, "at": self.at.to_string(), "side": self.side, "kind": self.kind, "method": self.method,
            "path": self.path, "query": query, "status": self.status, "left": self.left, "note": self.note,
        });
        if let (Some(bodies), Some(shown)) = (&self.bodies, shown.as_object_mut()) {
            let read = |body: &Bytes| serde_json::from_slice::<Value>(body).unwrap_or(Value::Null);
            shown.insert("sent".into(), read(&bodies.sent));
            shown.insert("answered".into(), read(&bodies.answered));
        }
        shown
    }
}

/// Calls of one kind.
#[derive(Debug, Clone, Default)]
struct Count {
    calls: u64,
    by_status: BTreeMap<u16, u64>,
}

/// The log.
#[derive(Default)]
pub struct Calls {
    list: VecDeque<Received>,
    counts: BTreeMap<String, Count>,
    next: u64,
    bodies: bool,
}

/// Kinds whose writes are kept whole when that is asked for: what both sides hold, no secrets.
const WHOLE: [&str; 4] = ["sentinel.incident.", "sentinel.comment.", "halo.tickets.", "halo.actions."];
/// Acts of people that are kept whole then.
const ACTS: [&str; 4] = ["incident.", "comment.", "ticket.", "note."];

impl Calls {
    /// Notes a call; its number is given here.
    pub fn note(&mut self, mut call: Received) {
        self.next += 1;
        call.number = self.next;
        let count = self.counts.entry(call.kind.clone()).or_default();
        count.calls += 1;
        *count.by_status.entry(call.status).or_default() += 1;
        if self.list.len() == KEPT {
            self.list.pop_front();
        }
        self.list.push_back(call);
    }

    /// Forgets everything.
    pub fn reset(&mut self) {
        *self = Self { bodies: self.bodies, ..Self::default() };
    }

    /// From now on writes and people's acts are kept with their bodies, in the order in which they happen; or no more.
    pub fn keep_bodies(&mut self, keep: bool) {
        self.bodies = keep;
    }

    /// Whether the bodies of such a call are kept.
    pub fn keeps(&self, kind: &str, method: &str) -> bool {
        let writes = matches!(method, "PUT" | "POST" | "DELETE");
        self.bodies && writes && WHOLE.iter().any(|beginning| kind.starts_with(beginning))
    }

    /// Whether such an act is noted.
    pub fn keeps_act(&self, verb: &str) -> bool {
        self.bodies && ACTS.iter().any(|beginning| verb.starts_with(beginning))
    }

    /// How many calls of a kind pattern there were.
    pub fn count(&self, pattern: &str) -> u64 {
        self.counts.iter().filter(|(kind, _)| super::faults::matches(pattern, kind)).map(|(_, count)| count.calls).sum()
    }

    /// The calls kept, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &Received> {
        self.list.iter()
    }

    /// The list for the admin route: after number `since`, of a kind pattern, at most `limit`.
    pub fn list(&self, since: u64, pattern: Option<&str>, limit: usize) -> Value {
        let calls: Vec<Value> = self
            .list
            .iter()
            .filter(|call| {
                call.number > since && pattern.is_none_or(|pattern| super::faults::matches(pattern, &call.kind))
            })
            .take(limit)
            .map(Received::to_json)
            .collect();
        json!({"total": self.next, "calls": calls})
    }

    /// Counts by kind.
    pub fn summary(&self) -> Value {
        let kinds: serde_json::Map<String, Value> = self
            .counts
            .iter()
            .map(|(kind, count)| {
                let statuses: BTreeMap<String, u64> =
                    count.by_status.iter().map(|(status, n)| (status.to_string(), *n)).collect();
                (kind.clone(), json!({"calls": count.calls, "statuses": statuses}))
            })
            .collect();
        json!({"total": self.next, "kinds": kinds})
    }
}
