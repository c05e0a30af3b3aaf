//! Calls that are known to come: what can wait leaves room for them. A poll makes its calls together, at a moment that is
//! known; did they have to find their places beside paced work that fills all there is, they would take those that are
//! kept for what is fresh.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::{Budget, Class, Kind, Limit, after, pace::even, seconds};

/// Calls that did not come by then do not come.
const LATE: SignedDuration = SignedDuration::from_secs(10);
/// The part of a window that room is left for at most.
const MOST: u64 = 10;

/// What is expected.
#[derive(Debug, Default)]
pub(super) struct Expected {
    /// By who makes them: how many, and when.
    coming: BTreeMap<String, (u64, Timestamp)>,
    /// How many calls that are not paced were made for polls.
    polled: u64,
}

impl Expected {
    pub(super) fn set_back(&mut self, back: impl Fn(&mut Timestamp)) {
        self.coming.values_mut().for_each(|(_, at)| back(at));
    }

    pub(super) fn pass(&mut self, now: Timestamp) {
        self.coming.retain(|_, (calls, at)| *calls > 0 && after(*at, LATE) > now);
    }

    /// A call was made.
    pub(super) fn made(&mut self, now: Timestamp, class: Class) {
        if class != Class::Poll {
            return;
        }
        self.polled += 1;
        let due = self.coming.values_mut().filter(|(calls, at)| *calls > 0 && *at <= now).min_by_key(|(_, at)| *at);
        if let Some((calls, _)) = due {
            *calls -= 1;
        }
    }

    /// How many calls room is left for now: of those that come before so many places free again at the even pace.
    pub(super) fn near(&self, now: Timestamp, allowed: u64) -> u64 {
        let ahead = |calls: u64| seconds(calls as f64 / even(allowed));
        let near = self.coming.values().filter(|(calls, at)| after(now, ahead(*calls)) >= *at);
        near.map(|(calls, _)| *calls).sum::<u64>().min(allowed / MOST)
    }
}

impl Limit {
    /// Calls that count for a class: those made, and for what can wait those that are expected.
    pub(super) fn used(&self, now: Timestamp, class: Class) -> u64 {
        match self {
            Self::Window { allowed, taken, expected, .. } => {
                taken.len() as u64 + if class.paced() { expected.near(now, *allowed) } else { 0 }
            }
            Self::Bucket(_) => 0,
        }
    }
}

impl Budget {
    /// How many calls were made for polls so far.
    pub fn polled(&self, kind: Kind) -> u64 {
        self.with(|inner| match inner.limits.get(&kind) {
            Some(Limit::Window { expected, .. }) => expected.polled,
            _ => 0,
        })
    }

    /// `who` will make about so many calls for a poll from `at` on; what was expected of it before no longer is.
    pub fn announce(&self, now: Timestamp, kind: Kind, who: &str, (calls, at): (u64, Timestamp)) {
        self.at(now, |inner| {
            if let Some(Limit::Window { allowed, expected, .. }) = inner.limits.get_mut(&kind) {
                expected.coming.insert(who.to_owned(), (calls.min(*allowed / MOST), at));
            }
        });
    }
}
