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
pub(super) struct Refused(BTreeMap<Unit, Waits>);

impl Refused {
    /// The store refused what a unit came to; `why`: for a reason that does not come from outside.
    pub(super) fn note(&mut self, unit: Unit, why: Option<String>, now: Timestamp) {
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
    pub(super) fn over(&mut self, unit: Unit) {
        self.0.remove(&unit);
    }

    /// Whether a unit waits still.
    pub(super) fn holds(&self, unit: Unit, now: Timestamp) -> bool {
        self.0.get(&unit).is_some_and(|waits| waits.until > now)
    }

    /// When they come up again.
    pub(super) fn times(&self) -> impl Iterator<Item = Timestamp> {
        self.0.values().map(|waits| waits.until)
    }

    /// The clock was set back.
    pub(super) fn set_back(&mut self, back: impl Fn(&mut Timestamp)) {
        for waits in self.0.values_mut() {
            back(&mut waits.until);
            if let Some((since, ..)) = &mut waits.again {
                back(since);
            }
        }
    }

    /// What is refused again and again, the longest first.
    pub(super) fn steps(&self, now: Timestamp) -> Vec<RefusedStep> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::PairId;

    const UNIT: Unit = Unit::Pair(PairId(uuid::Uuid::from_u128(1)));

    fn why() -> Option<String> {
        Some("The database answered: no.".to_owned())
    }

    #[test]
    fn what_is_refused_for_itself_is_tried_ever_more_rarely_and_told_from_the_second_time_on() {
        for (unit, longest) in [(UNIT, 600), (Unit::Intake, 60)] {
            let start = Timestamp::UNIX_EPOCH;
            let (mut refused, mut now, mut waits) = (Refused::default(), start, Vec::new());
            for _ in 0..100 {
                refused.note(unit, why(), now);
                assert!(refused.holds(unit, now));
                let until = refused.times().next().unwrap();
                assert!(!refused.holds(unit, until));
                assert_eq!(refused.steps(now).len(), usize::from(!waits.is_empty()));
                waits.push(until.duration_since(now).as_secs());
                now = until;
            }
            assert_eq!(waits[..4], [5, 10, 20, 40]);
            assert_eq!(waits.last(), Some(&longest));
            let told = refused.steps(now).remove(0);
            assert_eq!((told.unit, told.since, told.next), (unit, start, now));
            refused.over(unit);
            assert!(refused.steps(now).is_empty() && refused.times().next().is_none());
        }
    }

    #[test]
    fn what_comes_from_outside_is_tried_every_few_seconds_and_told_elsewhere() {
        let (mut refused, mut now) = (Refused::default(), Timestamp::UNIX_EPOCH);
        for _ in 0..20 {
            refused.note(UNIT, None, now);
            assert!(refused.steps(now).is_empty());
            now += SOON;
            assert!(!refused.holds(UNIT, now));
        }
    }

    #[test]
    fn what_nothing_asks_for_any_more_is_not_told_for_ever() {
        let (mut refused, now) = (Refused::default(), Timestamp::UNIX_EPOCH);
        refused.note(UNIT, why(), now);
        refused.note(UNIT, why(), now);
        assert_eq!(refused.steps(now).len(), 1);
        assert!(refused.steps(now + SignedDuration::from_hours(1)).is_empty());
        refused.note(Unit::Intake, None, now + SignedDuration::from_hours(1));
        assert_eq!(refused.times().count(), 1);
    }
}
