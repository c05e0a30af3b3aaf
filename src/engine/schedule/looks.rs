//! Looks at pairs whose time has come.

use jiff::Timestamp;

use super::{Schedule, Unit};
use crate::domain::ids::PairId;

/// Looks at once that ask again for what could not be read: thousands of pairs may wait for theirs, and what is fresh
/// does not wait for these.
const AGAIN_AT_ONCE: usize = 4;

impl Schedule {
    /// Takes those that were asked for, and a few of those that ask again for what is unread.
    pub(super) fn looks_due(&mut self, now: Timestamp, units: &mut Vec<Unit>, limit: usize) {
        let ripe: Vec<PairId> = self.later_looks.iter().filter(|(_, at)| **at <= now).map(|(pair, _)| *pair).collect();
        for pair in ripe {
            self.later_looks.remove(&pair);
            self.looks.insert(pair);
        }
        for pair in self.looks.clone() {
            if self.take(Unit::Look(pair), now, units, limit) {
                self.looks.remove(&pair);
            }
        }
        if self.asking.len() >= AGAIN_AT_ONCE {
            return;
        }
        for pair in self.unread_due(now) {
            if self.asking.len() >= AGAIN_AT_ONCE {
                return;
            }
            if self.take(Unit::Look(pair), now, units, limit) {
                self.asks_again(pair, now);
            }
        }
    }
}
