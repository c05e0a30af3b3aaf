//! What the twin sends by itself: waiting, disturbed by faults, sent again when it fails.

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{
    faults::{check_members, draw, matches},
    wire::Outgoing,
};
use crate::clock::SeededIds;

/// The kinds of deliveries.
const KINDS: [&str; 2] = ["logic-app", "halo-webhook"];

/// What goes wrong with a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disturbance {
    /// It is never sent.
    Lost,
    /// It is sent twice.
    Duplicate,
    /// It is sent up to so many milliseconds later than others made after it.
    Reordered(i64),
    /// It is sent so many milliseconds later.
    Delayed(i64),
    /// It waits, with all others, for the next whole multiple of so many milliseconds; Halo's webhooks to one
    /// address are then one array (Halo sheet 6.3).
    Batched(i64),
}

struct Rule {
    id: u64,
    kind: Option<String>,
    what: Disturbance,
    probability: f64,
    remaining: Option<u64>,
}

/// A delivery that waits.
struct Waiting {
    number: u64,
    one: Outgoing,
    /// To be sent in one array with others like it.
    batched: bool,
}

/// A delivery and how it ended.
#[derive(Debug, Clone)]
struct Ended {
    at: Timestamp,
    url: String,
    kind: &'static str,
    attempt: u32,
    outcome: String,
}

/// Deliveries of a world.
pub struct Deliveries {
    waiting: Vec<Waiting>,
    ended: Vec<Ended>,
    rules: Vec<Rule>,
    draws: SeededIds,
    next: u64,
}

impl Deliveries {
    /// None waiting; draws come from `seed`.
    pub fn new(seed: u64) -> Self {
        let draws = SeededIds::new(seed ^ 0x6465_6c69_7665_7273);
        Self { waiting: Vec::new(), ended: Vec::new(), rules: Vec::new(), draws, next: 1 }
    }

    /// Adds a rule from `{"effect":"duplicate","kind":"logic-app","probability":0.1,"count":3,"ms":500}`.
    ///
    /// # Errors
    /// A sentence naming the member that is wrong.
    pub fn disturb(&mut self, body: &Value) -> Result<u64, String> {
        check_members(body, &["effect", "kind", "probability", "count", "ms"])?;
        let kind = body.get("kind").and_then(Value::as_str);
        if let Some(kind) = kind.filter(|kind| !KINDS.iter().any(|known| matches(kind, known))) {
            return Err(format!("there is no kind of delivery {kind:?}: {}", KINDS.join(", ")));
        }
        let ms = body.get("ms").and_then(Value::as_i64).unwrap_or(5_000);
        let what = match body.get("effect").and_then(Value::as_str).unwrap_or("") {
            "lost" => Disturbance::Lost,
            "duplicate" => Disturbance::Duplicate,
            "reordered" => Disturbance::Reordered(ms),
            "delayed" => Disturbance::Delayed(ms),
            "batched" => Disturbance::Batched(ms.max(1)),
            other => return Err(format!("no such effect on deliveries: {other:?}")),
        };
        self.next += 1;
        self.rules.push(Rule {
            id: self.next,
            kind: kind.map(str::to_owned),
            what,
            probability: body.get("probability").and_then(Value::as_f64).unwrap_or(1.0),
            remaining: body.get("count").and_then(Value::as_u64),
        });
        Ok(self.next)
    }

    /// Removes one rule, or all.
    pub fn calm(&mut self, id: Option<u64>) {
        self.rules.retain(|rule| id.is_some_and(|id| rule.id != id));
    }

    /// Takes what a side wants sent; gives back what is lost at once.
    pub fn take(&mut self, outgoing: Vec<Outgoing>) -> Vec<Outgoing> {
        outgoing.into_iter().filter_map(|one| self.take_one(one)).collect()
    }

    fn take_one(&mut self, mut one: Outgoing) -> Option<Outgoing> {
        let (mut copies, mut batched) = (1, false);
        for rule in &mut self.rules {
            let fits = rule.kind.as_deref().is_none_or(|kind| matches(kind, one.kind));
            if !fits || rule.remaining == Some(0) || (rule.probability < 1.0 && draw(&self.draws) >= rule.probability) {
                continue;
            }
            rule.remaining = rule.remaining.map(|left| left - 1);
            let later = |ms: i64| one.due.checked_add(SignedDuration::from_millis(ms)).unwrap_or(one.due);
            match rule.what {
                Disturbance::Lost => copies = 0,
                Disturbance::Duplicate => copies = 2,
                Disturbance::Delayed(ms) => one.due = later(ms),
                // The cast keeps whole milliseconds of a drawn share.
                Disturbance::Reordered(ms) => one.due = later((draw(&self.draws) * ms as f64) as i64),
                Disturbance::Batched(ms) => {
                    one.due = later(ms - one.due.as_millisecond().rem_euclid(ms));
                    batched = one.kind == "halo-webhook";
                }
            }
        }
        if copies == 0 {
            self.end(&one, one.due, "lost".to_owned());
            return Some(one);
        }
        for _ in 0..copies {
            self.next += 1;
            self.waiting.push(Waiting { number: self.next, one: one.clone(), batched });
        }
        None
    }

    /// Hands out what is due, in order.
    pub fn due(&mut self, now: Timestamp) -> Vec<Outgoing> {
        let (mut due, later): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.waiting).into_iter().partition(|waiting| waiting.one.due <= now);
        self.waiting = later;
        due.sort_by_key(|waiting| (waiting.one.due, waiting.number));
        let mut sent: Vec<Outgoing> = Vec::with_capacity(due.len());
        let mut batches: Vec<(usize, Vec<Bytes>)> = Vec::new();
        for Waiting { one, batched, .. } in due {
            let begun = batches.iter_mut().find(|(at, _)| sent.get(*at).is_some_and(|first| first.url == one.url));
            match begun.filter(|_| batched) {
                Some((_, bodies)) => bodies.push(one.body),
                None => {
                    if batched {
                        batches.push((sent.len(), vec![one.body.clone()]));
                    }
                    sent.push(one);
                }
            }
        }
        for (at, bodies) in batches {
            if let Some(one) = sent.get_mut(at) {
                put_body(one, array_of(&bodies));
            }
        }
        sent
    }

    /// When the next one is due.
    pub fn next_due(&self) -> Option<Timestamp> {
        self.waiting.iter().map(|waiting| waiting.one.due).min()
    }

    /// Notes how a delivery ended (`None`: no answer). 408, 429, 5xx and no answer are tried again
    /// while attempts are left: exponential, 7.5 s doubled, between 5 and 45 s. Gives whether it arrived, once it is
    /// not tried again.
    pub fn ended(&mut self, mut one: Outgoing, status: Option<u16>, now: Timestamp) -> Option<bool> {
        one.attempt += 1;
        let outcome = status.map_or_else(|| "no answer".to_owned(), |status| status.to_string());
        self.end(&one, now, outcome);
        let again = status.is_none_or(|status| matches!(status, 408 | 429) || status >= 500);
        if !again {
            return Some(status.is_some_and(|status| status < 400));
        }
        if one.attempt >= one.attempts_max {
            self.end(&one, now, "given up".to_owned());
            return Some(false);
        }
        let grown = 7.5 * 2_f64.powi(i32::try_from(one.attempt.saturating_sub(1)).unwrap_or(0));
        let seconds = (grown * (0.8 + 0.4 * draw(&self.draws))).clamp(5.0, 45.0);
        let wait = SignedDuration::try_from_secs_f64(seconds).unwrap_or(SignedDuration::from_secs(10));
        one.due = now.checked_add(wait).unwrap_or(now);
        self.next += 1;
        self.waiting.push(Waiting { number: self.next, one, batched: false });
        None
    }

    fn end(&mut self, one: &Outgoing, at: Timestamp, outcome: String) {
        self.ended.push(Ended { at, url: one.url.clone(), kind: one.kind, attempt: one.attempt, outcome });
    }

    /// What waits and how the others ended. Headers and bodies are left out: they hold secrets.
    pub fn to_json(&self) -> Value {
        let ended: Vec<Value> = self
            .ended
            .iter()
            .map(|ended| json!({"at": ended.at.to_string(), "url": ended.url, "kind": ended.kind, "attempt": ended.attempt, "outcome": ended.outcome}))
            .collect();
        json!({"waiting": self.waiting.len(), "ended": ended})
    }
}

/// One JSON array of bodies; one that is an array already gives its items.
fn array_of(bodies: &[Bytes]) -> String {
    let items: Vec<String> = bodies
        .iter()
        .map(|body| String::from_utf8_lossy(body).trim().to_owned())
        .map(|text| match text.strip_prefix('[').and_then(|text| text.strip_suffix(']')) {
            Some(items) => items.to_owned(),
            None => text,
        })
        .filter(|items| !items.is_empty())
        .collect();
    format!("[{}]", items.join(","))
}

/// Puts another body in place, signed as the first was.
fn put_body(one: &mut Outgoing, body: String) {
    if let Some(seal) = &one.seal {
        for (_, value) in one.headers.iter_mut().filter(|(name, _)| *name == seal.header) {
            *value = seal.of(body.as_bytes());
        }
    }
    one.body = body.into();
}
