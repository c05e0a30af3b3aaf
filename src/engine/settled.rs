//! Until when a source is known whole. While it is quiet its overlap would be listed again with every poll: one bulk
//! change of a thousand tickets would cost the budget of all that follows. Once everything behind the newest has had
//! time to show, only what is newer is asked for.

use jiff::{SignedDuration, Timestamp};

/// The newest change that whole readings know of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settled {
    newest: Timestamp,
    /// Start of the first whole reading that knew of no newer one.
    since: Timestamp,
}

impl Settled {
    /// What is known after a whole reading that began at `started` and whose newest change was `newest`.
    pub fn after(before: Option<Self>, newest: Timestamp, started: Timestamp) -> Self {
        match before {
            Some(before) if before.newest == newest => before,
            _ => Self { newest, since: started },
        }
    }

    /// Whether all that lies behind `cursor` has shown: nothing newer came in for as long as changes may be late.
    pub fn up_to(settled: Option<Self>, cursor: Timestamp, now: Timestamp, late: SignedDuration) -> bool {
        settled.is_some_and(|settled| settled.newest == cursor && settled.since + late <= now)
    }
}
