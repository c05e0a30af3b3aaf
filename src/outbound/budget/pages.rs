//! A list of several pages: once begun it is read to its end. At the pace of what can wait it would not end: whoever
//! finds no place in the middle of a list begins anew, and a place every few seconds is taken by its first page each time.

use jiff::Timestamp;

use super::{Budget, Class, Kind, Limit, WINDOW, after, kept, mine};

impl Limit {
    /// `None` when so many calls of this class find room now, whatever their pace, else the moment they do.
    pub(super) fn room_at(&self, now: Timestamp, class: Class, calls: u64) -> Option<Timestamp> {
        match self {
            Self::Window { allowed, taken, .. } => {
                let mine = mine(*allowed, class);
                let (used, calls) = (self.used(now, class), calls.clamp(1, mine));
                (used + calls > mine).then(|| {
                    // Free once so many have left that no more than `mine` remain with these.
                    let leaving = usize::try_from(used + calls - mine - 1).unwrap_or(usize::MAX);
                    after(taken.get(leaving).copied().unwrap_or(now), WINDOW)
                })
            }
            Self::Bucket(bucket) => bucket.free_at(now, kept(bucket, class), calls),
        }
    }
}

impl Budget {
    /// Counts one call as soon as `free` gives no later moment for it.
    pub(super) fn take_once(
        &self,
        now: Timestamp,
        kind: Kind,
        class: Class,
        free: impl FnOnce(&Limit) -> Option<Timestamp>,
    ) -> Result<(), Timestamp> {
        self.at(now, |inner| {
            if let Some(until) = inner.told_until {
                if until > now {
                    return Err(until);
                }
                inner.told_until = None;
            }
            let Some(limit) = inner.limits.get_mut(&kind) else { return Ok(()) };
            limit.pass(now);
            match free(limit) {
                Some(at) if at > now => Err(at),
                _ => {
                    limit.take(now, class);
                    Ok(())
                }
            }
        })
    }

    /// How many calls of this kind and class go within one window at most: a list of more pages is never read to its end.
    pub fn most(&self, kind: Kind, class: Class) -> u64 {
        self.with(|inner| match inner.limits.get(&kind) {
            Some(Limit::Window { allowed, .. }) => mine(*allowed, class),
            _ => u64::MAX,
        })
    }

    /// Counts one more page of a list of which `read` pages were read: within the class's share, not at its pace. What is
    /// paced goes the slower for it.
    ///
    /// # Errors
    /// The moment at which twice as many pages as were read find room, since the list has to be begun anew. Nothing was
    /// counted.
    pub fn take_on(&self, now: Timestamp, kind: Kind, class: Class, read: u64) -> Result<(), Timestamp> {
        self.take_once(now, kind, class, |limit| {
            let anew = limit.room_at(now, class, read.saturating_mul(2));
            limit.room_at(now, class, 1).and(anew)
        })
    }
}
