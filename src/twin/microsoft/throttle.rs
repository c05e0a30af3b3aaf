//! Rate limits of the management API and of log queries (Sentinel sheet, section 7 and 5).

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use crate::twin::{
    limits::{Limits, RollingWindow, TokenBucket},
    wire::Reply,
};

/// Kind of operation a bucket is kept for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operation {
    /// GET, and POST that reads.
    Read,
    /// PUT, POST.
    Write,
    /// DELETE.
    Delete,
}

impl Operation {
    fn word(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Delete => "delete",
        }
    }

    fn documented(self, large: bool) -> (f64, f64) {
        match (self, large) {
            (Self::Read, false) => (250.0, 25.0),
            (_, false) => (200.0, 10.0),
            (Self::Read, true) => (1_100.0, 25.0),
            (_, true) => (800.0, 10.0),
        }
    }
}

/// One call to be counted.
pub struct Counted<'a> {
    /// Subscription, empty at tenant level.
    pub subscription_id: &'a str,
    /// Object id of the caller.
    pub principal_id: &'a str,
    /// Kind of operation.
    pub operation: Operation,
    /// Kind of call (`sentinel.comment.put`), for the promised floor.
    pub kind: &'a str,
}

/// Everybody's budgets.
pub struct Throttle {
    /// How strictly they are kept.
    pub limits: Limits,
    principals: HashMap<(String, String, Operation), TokenBucket>,
    subscriptions: HashMap<(String, Operation), TokenBucket>,
    floors: HashMap<(String, String), RollingWindow>,
    queries: HashMap<String, RollingWindow>,
}

/// What is left after a call was counted.
#[derive(Debug, Clone, Copy, Default)]
pub struct Left {
    /// For this caller.
    pub own: Option<u64>,
    /// For all callers of the subscription together.
    pub global: Option<u64>,
}

impl Throttle {
    /// Full budgets.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            principals: HashMap::new(),
            subscriptions: HashMap::new(),
            floors: HashMap::new(),
            queries: HashMap::new(),
        }
    }

    /// Counts a call of the management API.
    ///
    /// # Errors
    /// The 429 that answers it.
    pub fn count(
        &mut self,
        call: &Counted<'_>,
        large: bool,
        floor: bool,
        silent: bool,
        now: Timestamp,
    ) -> Result<Left, Reply> {
        let Some(factor) = self.limits.factor() else { return Ok(Left::default()) };
        if floor && let Some(calls_max) = promised(call.kind) {
            let window = self.limits.span(SignedDuration::from_mins(5));
            let key = (call.subscription_id.to_lowercase(), call.kind.to_owned());
            let counted = self.floors.entry(key).or_insert_with(|| RollingWindow::new(calls_max, window)).take(now);
            if let Err(wait) = counted {
                let body = json!({"error": {"code": "TooManyRequests", "message": "Too many requests. Please try again later."}});
                return Err(refused(&body, wait, silent));
            }
        }
        let (size, refill) = call.operation.documented(large);
        let key = (call.subscription_id.to_lowercase(), call.principal_id.to_owned(), call.operation);
        let bucket = self.principals.entry(key).or_insert_with(|| TokenBucket::new(size, refill * factor));
        let own = bucket.take(now).map_err(|wait| too_many(call, wait, silent))?;
        let key = (call.subscription_id.to_lowercase(), call.operation);
        // All principals together have fifteen times as much.
        let all =
            self.subscriptions.entry(key).or_insert_with(|| TokenBucket::new(size * 15.0, refill * 15.0 * factor));
        let global = all.take(now).map_err(|wait| too_many(call, wait, silent))?;
        Ok(Left { own: Some(own), global: Some(global) })
    }

    /// Counts a log query: 200 in 30 seconds for each person.
    ///
    /// # Errors
    /// The 429 that answers it.
    pub fn count_query(&mut self, principal_id: &str, silent: bool, now: Timestamp) -> Result<(), Reply> {
        if self.limits.factor().is_none() {
            return Ok(());
        }
        let window = self.limits.span(SignedDuration::from_secs(30));
        let counted =
            self.queries.entry(principal_id.to_owned()).or_insert_with(|| RollingWindow::new(200, window)).take(now);
        counted.map(|_| ()).map_err(|wait| {
            let body = json!({"error": {"code": "ThrottledError", "message": "Rate limit is exceeded"}});
            refused(&body, wait, silent)
        })
    }
}

/// Calls of a kind that are promised in five minutes.
fn promised(kind: &str) -> Option<usize> {
    let (what, verb) = kind.strip_prefix("sentinel.")?.split_once('.')?;
    match (what, verb) {
        ("comment" | "alerts" | "entities" | "relation" | "bookmarks" | "rule", "get" | "list" | "post") => Some(100),
        ("rule", "put") => Some(100),
        ("incident" | "comment" | "relation" | "bookmark", "put") => Some(75),
        _ => None,
    }
}

fn refused(body: &serde_json::Value, wait: SignedDuration, silent: bool) -> Reply {
    let reply = Reply::json(429, body);
    if silent { reply } else { reply.with("retry-after", seconds_up(wait).to_string()) }
}

fn too_many(call: &Counted<'_>, wait: SignedDuration, silent: bool) -> Reply {
    let message = format!(
        "Number of '{}' requests for subscription '{}' actor '{}' exceeded. Please try again after '{}' seconds.",
        call.operation.word(),
        call.subscription_id,
        call.principal_id,
        seconds_up(wait)
    );
    refused(&json!({"error": {"code": "SubscriptionRequestsThrottled", "message": message}}), wait, silent)
}

/// Whole seconds, rounded up, at least one: `Retry-After` has no fraction.
fn seconds_up(wait: SignedDuration) -> i64 {
    let whole = wait.as_secs();
    if wait.subsec_nanos() > 0 { whole + 1 } else { whole.max(1) }
}
