//! A gap in incident numbers: some incident is late. Everything is listed at once, and a few times more, for it may not
//! show yet (sentinel-api sheet: minutes in Defender-joined workspaces).

use jiff::SignedDuration;

use super::{FULL_EVERY, Poll};
use crate::store::{Cursor, StoreError};

/// Everything is listed again after a gap in this time.
pub(super) const AGAIN: SignedDuration = SignedDuration::from_mins(5);
/// So many times, unless the missing ones show before: a number may never be given to any incident.
const LOOKS: u8 = 4;

/// After a list of all that was cut off, when it was so before so many times in a row.
pub(super) fn after_cuts(before: u32) -> SignedDuration {
    (AGAIN * (1_i32 << before.min(7))).min(FULL_EVERY)
}

/// Numbers of which some were never seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// Above this one.
    low: i64,
    /// Up to this one.
    high: i64,
    /// How many more times everything is listed for them.
    looks: u8,
}

impl Poll<'_> {
    /// Whether numbers between the last highest and the new highest were never seen: some incident is late (K1).
    pub(super) async fn has_gap(&self, before: Option<&Cursor>) -> Result<bool, StoreError> {
        let (Some(last), Some(highest)) = (before.and_then(|cursor| cursor.number), self.counts.number) else {
            return Ok(false);
        };
        if highest <= last {
            return Ok(false);
        }
        let seen = self.engine.store.numbers_seen(self.workspace.id, last, highest).await?;
        if seen >= highest - last {
            return Ok(false);
        }
        let mut schedule = self.engine.schedule();
        if let Some(standing) = schedule.workspaces.get_mut(&self.workspace.id) {
            let low = standing.gap.as_ref().map_or(last, |gap| gap.low.min(last));
            standing.gap = Some(Gap { low, high: highest, looks: LOOKS });
        }
        Ok(true)
    }

    /// Whether some numbers of the last gap are still missing and looked for once more.
    pub(super) async fn still_missing(&self) -> Result<bool, StoreError> {
        let id = self.workspace.id;
        let gap = self.engine.schedule().workspaces.get(&id).and_then(|standing| standing.gap.clone());
        let Some(Gap { low, high, looks }) = gap else { return Ok(false) };
        let missing = looks > 0 && self.engine.store.numbers_seen(id, low, high).await? < high - low;
        if let Some(standing) = self.engine.schedule().workspaces.get_mut(&id) {
            standing.gap = missing.then(|| Gap { low, high, looks: looks.saturating_sub(1) });
        }
        Ok(missing)
    }
}
