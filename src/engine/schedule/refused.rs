//! Units that wait because the store refused what they came to.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::Unit;

/// What comes from outside (a full disk, another process's lock) may be over at any moment.
const SOON: SignedDuration = SignedDuration::from_secs(5);
/// What the database refuses for another reason it refuses again: it is tried ever more rarely, this much at the latest.
const LONGEST: SignedDuration = SignedDuration::from_mins(10);
/// Everything else waits for these.
const LONGEST_FOR_ALL: SignedDuration = SignedDuration::from_mins(1);
/// What has not come up for so long after its time nothing asks for any more.
const ASKED_FOR: SignedDuration = SignedDuration::from_mins(15);
/// So often in a row the same is refused before it is told: of two that record at the same moment one may be refused once.
const TOLD_AFTER: u32 = 2;

/// A step that the database refuses again and again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedStep {
    /// Which.
    pub unit: Unit,
    /// Since when.
    pub since: Timestamp,
    /// When it is tried again.
    pub next: Timestamp,
    /// In the store's words.
    pub why: String,
}

struct Waits {
    until: Timestamp,
    /// Refused for a reason that does not come from outside: since when, how often in a row, and why.
    again: Option<(Timestamp, u32, String)>,
}

/// Those that wait.
#[derive(Default)]
pub struct Refused(BTreeMap<Unit, Waits>);

impl Refused {
    /// The store refused what a unit came to; `why`: for a reason that does not come from outside.
    pub fn note(&mut self, unit: Unit, why: Option<String>, now: Timestamp) {
        self.0.retain(|_, waits| now.duration_since(waits.until) < ASKED_FOR);
        let before = self.0.remove(&unit).and_then(|waits| waits.again);
        let longest = match unit {
            Unit::Configuration | Unit::Intake => LONGEST_FOR_ALL,
            _ => LONGEST,
        };
        let (again, wait) = match (before, why) {
            (before, None) => (before, SOON),
            (before, Some(why)) => {
                let (since, times) = before.map_or((now, 0), |(since, times, _)| (since, times));
                let wait = SOON.saturating_mul(1 << times.min(10)).min(longest);
                (Some((since, times.saturating_add(1), why)), wait)
            }
        };
        self.0.insert(unit, Waits { until: now + wait, again });
    }

    /// What a unit came to was recorded.
    pub fn over(&mut self, unit: Unit) {
        self.0.remove(&unit);
    }

    /// Whether a unit waits still.
    pub fn holds(&self, unit: Unit, now: Timestamp) -> bool {
        self.0.get(&unit).is_some_and(|waits| waits.until > now)
    }

    /// When they come up again.
    pub fn times(&self) -> impl Iterator<Item = Timestamp> {
        self.0.values().map(|waits| waits.until)
    }

    /// The clock was set back.
    pub fn set_back(&mut self, back: impl Fn(&mut Timestamp)) {
        for waits in self.0.values_mut() {
            back(&mut waits.until);
            if let Some((since, ..)) = &mut waits.again {
                back(since);
            }
        }
    }

    /// What is refused again and again, the longest first.
    pub fn steps(&self, now: Timestamp) -> Vec<RefusedStep> {
        let told = |(unit, waits): (&Unit, &Waits)| {
            let (since, times, why) = waits.again.as_ref()?;
            let stands = *times >= TOLD_AFTER && now.duration_since(waits.until) < ASKED_FOR;
            stands.then(|| RefusedStep { unit: *unit, since: *since, next: waits.until, why: why.clone() })
        };
        let mut steps: Vec<RefusedStep> = self.0.iter().filter_map(told).collect();
        steps.sort_by_key(|step| (step.since, step.unit));
        steps
    }
}
