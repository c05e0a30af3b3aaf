//! What of each pair has been read since this process began, where the database may have forgotten what was written.

use super::Schedule;
use crate::domain::{failure::Side, ids::PairId};

impl Schedule {
    /// The comments of this pair were read and recorded.
    pub fn comments_known(&mut self, pair: PairId) {
        if self.forgotten_until.is_some() {
            self.recalled.insert(pair);
        }
    }

    /// Whether comments of this pair may stand there that the database has forgotten.
    pub fn comments_forgotten(&self, pair: PairId) -> bool {
        self.forgotten_until.is_some() && !self.recalled.contains(&pair)
    }

    /// The records of this pair on these sides were read and recorded.
    pub fn records_known(&mut self, pair: PairId, sides: &[Side]) {
        if self.forgotten_until.is_some() {
            self.reread.extend(sides.iter().map(|side| (pair, *side)));
        }
    }

    /// A record of this pair was asked for in vain; gives how often by now.
    pub fn asked_in_vain(&mut self, pair: PairId) -> u32 {
        let times = self.in_vain.entry(pair).or_default();
        *times = times.saturating_add(1);
        *times
    }

    /// Whether what is known of a pair's record on this side may be as old as the database.
    pub fn record_forgotten(&self, pair: PairId, side: Side) -> bool {
        self.forgotten_until.is_some() && !self.reread.contains(&(pair, side))
    }
}
