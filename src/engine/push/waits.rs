//! When a push that waits is looked at again: once what it waits for has moved, and now and then all the same, for what
//! another process changed shows nowhere else.

use jiff::{SignedDuration, Timestamp};

use crate::{
    domain::{
        ids::{IncidentId, PairId},
        pause::Pause,
    },
    engine::{Engine, schedule::Schedule},
    ledger::entry::Seq,
};

/// What is waited for here is looked at again after this long, then less and less often.
const SOON: SignedDuration = SignedDuration::from_secs(2);
/// The longest time between two looks.
pub(super) const LONGEST: SignedDuration = SignedDuration::from_secs(60);

/// What a push waits for.
#[derive(Debug, Clone)]
pub struct Waits {
    /// Until when, before it is looked at again.
    pub until: Timestamp,
    /// In a sentence.
    pub why: String,
    /// The pair whose queue holds the making of its incident, and that incident.
    pub pair: Option<(PairId, IncidentId)>,
    /// The last entry of the ledger before it was looked at.
    seen: Seq,
    /// So many looks before found the same.
    same: u32,
    /// The other side, or a budget, said how long.
    told: bool,
}

/// What a look found.
pub(super) struct Found {
    /// How long after the first of these it is looked at again.
    pub first: SignedDuration,
    /// Not before this, as it was told.
    pub told: Option<Timestamp>,
    pub why: String,
    pub pair: Option<(PairId, IncidentId)>,
}

impl Found {
    /// It waits, and is looked at soon.
    pub fn of(why: impl Into<String>) -> Self {
        Self { first: SOON, told: None, why: why.into(), pair: None }
    }
}

/// A push that was looked at has to wait. `seen`: the ledger's end before that.
pub(super) fn wait(engine: &Engine, request: i64, seen: Seq, found: Found) {
    let now = engine.now();
    let mut schedule = engine.schedule();
    let before = schedule.pushes.get(&request);
    let same = before.filter(|before| before.why == found.why && before.pair == found.pair);
    let same = same.map_or(0, |before| before.same.saturating_add(1));
    let secs = found.first.as_secs().saturating_mul(1 << same.min(8)).min(LONGEST.as_secs());
    let least = now + SignedDuration::from_secs(secs);
    let (until, told) = (found.told.map_or(least, |at| at.max(least)), found.told.is_some());
    schedule.pushes.insert(request, Waits { until, why: found.why, pair: found.pair, seen, same, told });
}

/// Requests for pushes that need no look yet.
pub(in crate::engine) fn waiting(engine: &Engine) -> Vec<i64> {
    let now = engine.now();
    let schedule = engine.schedule();
    let moved = |waits: &Waits| {
        let opened = waits.pair.as_ref();
        opened.is_some_and(|(pair, incident)| engine.store.moved_since(waits.seen, *pair, incident))
    };
    let still = schedule.pushes.iter().filter(|entry| entry.1.until > now && !moved(entry.1));
    still.map(|(request, _)| *request).collect()
}

impl Schedule {
    /// Something that pushes may wait for has changed: they are looked at, but for those that were told how long to wait.
    pub(in crate::engine) fn look_at_pushes(&mut self, now: Timestamp) {
        for waits in self.pushes.values_mut().filter(|waits| !waits.told) {
            waits.until = now;
            self.intake_waits = true;
        }
    }

    /// What is paused was read anew.
    pub(in crate::engine) fn paused_now(&mut self, pauses: Vec<Pause>, now: Timestamp) {
        if self.pauses != pauses {
            self.pauses = pauses;
            self.look_at_pushes(now);
        }
    }
}
