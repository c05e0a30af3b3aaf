//! Faults: what goes wrong, for which calls, how often. Drawn from the seed.

use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::clock::{IdSource, SeededIds};

/// What a fault does to a call.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// The write is carried out; the caller gets no answer.
    LostAnswer,
    /// The connection is cut before the call is carried out.
    Cut,
    /// An error status. `applied`: the call is carried out first.
    Status {
        /// HTTP status (429, 500, 502, 503, 504, …).
        status: u16,
        /// Carried out before the error is sent.
        applied: bool,
        /// `Retry-After` in seconds, when sent.
        retry_after: Option<u64>,
        /// An HTML page instead of the side's JSON error.
        html: bool,
    },
    /// The right status and half of the body; then the connection is cut.
    HalfBody,
    /// A whole answer whose JSON text ends in the middle.
    TruncatedJson,
    /// The answer comes after so many milliseconds more.
    Slow(u64),
    /// A read that does not see writes of the last so many milliseconds.
    Stale(i64),
}

/// What a rule may say.
const MEMBERS: [&str; 15] = [
    // Of a rule that was read; it gets a number of its own.
    "id",
    "effect",
    "side",
    "kind",
    "method",
    "path",
    "probability",
    "count",
    "remaining",
    "skip",
    "status",
    "applied",
    "retry_after",
    "html",
    "ms",
];

/// How the names of kinds begin (see [`super::kinds`]).
const SIDES_OF_KINDS: [&str; 6] = ["entra.", "sentinel.", "arm.", "loganalytics.", "graph.", "halo."];

/// Refuses a member that nothing reads: a rule with a misspelt one would hit every call.
///
/// # Errors
/// A sentence naming it.
pub(super) fn check_members(body: &Value, known: &[&str]) -> Result<(), String> {
    let map = body.as_object().ok_or("the body is no object")?;
    for (name, value) in map {
        let fits = match name.as_str() {
            "effect" | "side" | "kind" | "method" | "path" => value.is_string(),
            "probability" => value.is_number(),
            "applied" | "html" => value.is_boolean(),
            // Numbers of things and of milliseconds.
            _ => value.is_u64(),
        };
        if !known.contains(&name.as_str()) {
            return Err(format!("there is no member {name:?}: {}", known.join(", ")));
        }
        if !fits && !value.is_null() {
            return Err(format!("{name} cannot be {value}"));
        }
    }
    Ok(())
}

/// Whether a pattern could fit the kind of any call.
fn kind_could_be(pattern: &str) -> bool {
    let pattern = pattern.to_lowercase();
    let head = pattern.split('*').next().unwrap_or("");
    SIDES_OF_KINDS.iter().any(|side| {
        if pattern.contains('*') && head.len() < side.len() { side.starts_with(head) } else { head.starts_with(side) }
    })
}

/// One rule: which calls, what, how often.
#[derive(Debug, Clone)]
pub struct Fault {
    /// Number given when it was set.
    pub id: u64,
    /// `entra`, `arm`, `loganalytics`, `graph` or a Halo instance's name; any when absent.
    pub side: Option<String>,
    /// Kind pattern (`sentinel.*.put`), `*` for any run of characters.
    pub kind: Option<String>,
    /// Upper-case method.
    pub method: Option<String>,
    /// Path pattern.
    pub path: Option<String>,
    /// What happens.
    pub effect: Effect,
    /// From 0 to 1.
    pub probability: f64,
    /// Matching calls let through before it begins.
    pub skip: u64,
    /// How many calls it still hits; for ever when absent.
    pub remaining: Option<u64>,
}

impl Fault {
    /// Reads `{"effect":"lost_answer","kind":"sentinel.incident.put","count":1}`: besides the
    /// members of [`Fault`], `count` (= `remaining`), `status`, `applied`, `retry_after`, `html`,
    /// `ms`.
    ///
    /// # Errors
    /// A sentence naming the member that is wrong.
    pub fn from_json(body: &Value) -> Result<Self, String> {
        check_members(body, &MEMBERS)?;
        let text = |name: &str| body.get(name).and_then(Value::as_str).map(str::to_owned);
        let number = |name: &str| body.get(name).and_then(Value::as_u64);
        let flag = |name: &str| body.get(name).and_then(Value::as_bool).unwrap_or(false);
        let name = text("effect").ok_or("effect is missing")?;
        let status = number("status").and_then(|status| u16::try_from(status).ok());
        if let Some(given) = body.get("status").filter(|_| !status.is_some_and(|status| (200..600).contains(&status))) {
            return Err(format!("status is an HTTP status, not {given}"));
        }
        if let Some(kind) = text("kind").filter(|kind| !kind_could_be(kind)) {
            return Err(format!(
                "no call is of the kind {kind:?}: kinds begin with {}; GET /admin/calls/summary shows those seen",
                SIDES_OF_KINDS.join(", ")
            ));
        }
        let failure = |default: u16| Effect::Status {
            status: status.unwrap_or(default),
            applied: flag("applied"),
            retry_after: number("retry_after"),
            html: flag("html"),
        };
        let effect = match name.as_str() {
            "lost_answer" => Effect::LostAnswer,
            "cut" => Effect::Cut,
            "status" => failure(500),
            "throttle" => failure(429),
            "html" => Effect::Status {
                status: status.unwrap_or(200),
                applied: flag("applied"),
                retry_after: None,
                html: true,
            },
            "half_body" => Effect::HalfBody,
            "truncated_json" => Effect::TruncatedJson,
            "slow" => Effect::Slow(number("ms").unwrap_or(1_000)),
            "stale_read" => Effect::Stale(number("ms").and_then(|ms| i64::try_from(ms).ok()).unwrap_or(60_000)),
            other => return Err(format!("no such effect: {other:?}")),
        };
        let probability = body.get("probability").and_then(Value::as_f64).unwrap_or(1.0);
        if !(0.0..=1.0).contains(&probability) {
            return Err("probability lies between 0 and 1".into());
        }
        Ok(Self {
            id: 0,
            side: text("side"),
            kind: text("kind"),
            method: text("method").map(|method| method.to_uppercase()),
            path: text("path"),
            effect,
            probability,
            skip: number("skip").unwrap_or(0),
            remaining: number("count").or_else(|| number("remaining")),
        })
    }

    /// The rule in the members it is set with.
    fn to_json(&self) -> Value {
        let mut rule = json!({"id": self.id, "probability": self.probability, "skip": self.skip});
        let Some(map) = rule.as_object_mut() else { return rule };
        for (name, text) in [("side", &self.side), ("kind", &self.kind), ("method", &self.method), ("path", &self.path)]
        {
            if let Some(text) = text {
                map.insert(name.to_owned(), text.as_str().into());
            }
        }
        if let Some(remaining) = self.remaining {
            map.insert("remaining".into(), remaining.into());
        }
        let name = match &self.effect {
            Effect::LostAnswer => "lost_answer",
            Effect::Cut => "cut",
            Effect::Status { status, applied, retry_after, html } => {
                map.insert("status".into(), (*status).into());
                map.insert("applied".into(), (*applied).into());
                map.insert("html".into(), (*html).into());
                if let Some(seconds) = retry_after {
                    map.insert("retry_after".into(), (*seconds).into());
                }
                "status"
            }
            Effect::HalfBody => "half_body",
            Effect::TruncatedJson => "truncated_json",
            Effect::Slow(ms) => {
                map.insert("ms".into(), (*ms).into());
                "slow"
            }
            Effect::Stale(ms) => {
                map.insert("ms".into(), (*ms).into());
                "stale_read"
            }
        };
        map.insert("effect".into(), name.into());
        rule
    }

    fn fits(&self, side: &str, kind: &str, method: &str, path: &str) -> bool {
        self.side.as_deref().is_none_or(|wanted| wanted == side)
            && self.method.as_deref().is_none_or(|wanted| wanted == method)
            && self.kind.as_deref().is_none_or(|pattern| matches(pattern, kind))
            && self.path.as_deref().is_none_or(|pattern| matches(pattern, path))
    }
}

impl Effect {
    /// Whether it decides what comes back, or whether anything does; the others only add to that.
    fn decides(&self) -> bool {
        !matches!(self, Self::Slow(_) | Self::Stale(_))
    }
}

/// All rules now in force.
pub struct Faults {
    rules: Vec<Fault>,
    draws: SeededIds,
    next_id: u64,
}

impl Faults {
    /// No faults; draws come from `seed`.
    pub fn new(seed: u64) -> Self {
        // Apart from the ids' stream, so that a fault does not change which ids follow.
        Self { rules: Vec::new(), draws: SeededIds::new(seed ^ 0x6661_756c_7473), next_id: 1 }
    }

    /// Adds a rule; gives its number.
    pub fn add(&mut self, mut fault: Fault) -> u64 {
        fault.id = self.next_id;
        self.next_id += 1;
        self.rules.push(fault);
        self.next_id - 1
    }

    /// Removes one rule, or all.
    pub fn remove(&mut self, id: Option<u64>) {
        self.rules.retain(|rule| id.is_some_and(|id| rule.id != id));
    }

    /// The rules, for the admin route.
    pub fn list(&self) -> Value {
        self.rules.iter().map(Fault::to_json).collect()
    }

    /// What happens to this call, in the order the rules were set.
    pub fn decide(&mut self, side: &str, kind: &str, method: &str, path: &str) -> Vec<Effect> {
        let mut effects = Vec::new();
        for rule in &mut self.rules {
            if rule.remaining == Some(0) || !rule.fits(side, kind, method, path) {
                continue;
            }
            if rule.skip > 0 {
                rule.skip -= 1;
                continue;
            }
            // A call gets one answer: what would decide it too waits for the next call.
            if rule.effect.decides() && effects.iter().any(Effect::decides) {
                continue;
            }
            if rule.probability < 1.0 && draw(&self.draws) >= rule.probability {
                continue;
            }
            rule.remaining = rule.remaining.map(|left| left - 1);
            effects.push(rule.effect.clone());
        }
        self.rules.retain(|rule| rule.remaining != Some(0));
        effects
    }
}

/// The age of the writes a read does not see, when a stale-read effect is among them.
pub fn stale(effects: &[Effect]) -> Option<SignedDuration> {
    effects.iter().find_map(|effect| match effect {
        Effect::Stale(ms) => Some(SignedDuration::from_millis(*ms)),
        _ => None,
    })
}

/// A number from 0 (included) to 1 (not included).
pub fn draw(ids: &dyn IdSource) -> f64 {
    let mut bytes = [0_u8; 4];
    ids.fill(&mut bytes);
    f64::from(u32::from_le_bytes(bytes)) / (f64::from(u32::MAX) + 1.0)
}

/// Whether `text` fits `pattern`, where `*` stands for any run of characters; letter case does not matter.
pub fn matches(pattern: &str, text: &str) -> bool {
    let text = text.to_lowercase();
    let pattern = pattern.to_lowercase();
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| text.strip_prefix(first)) else { return false };
    let mut last_open = !pattern.contains('*');
    for part in parts {
        last_open = false;
        if part.is_empty() {
            last_open = true;
            continue;
        }
        let Some(at) = rest.find(part) else { return false };
        rest = rest.get(at + part.len()..).unwrap_or("");
    }
    if !pattern.contains('*') {
        return rest.is_empty();
    }
    last_open || rest.is_empty() || pattern.rsplit('*').next().is_some_and(|tail| text.ends_with(tail))
}
