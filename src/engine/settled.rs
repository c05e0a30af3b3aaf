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
    /// A later one, begun when whatever lies behind it had had time to show, knew of no newer one either.
    shown: bool,
}

impl Settled {
    /// What is known after a whole reading that began at `started`, whose newest change was `newest`, of a source whose
    /// changes show at most `late` after they were made.
    pub fn after(before: Option<Self>, newest: Timestamp, started: Timestamp, late: SignedDuration) -> Self {
        match before {
            Some(before) if before.newest == newest => {
                Self { shown: before.shown || before.since + late <= started, ..before }
            }
            _ => Self { newest, since: started, shown: false },
        }
    }

    /// Whether all that lies behind `cursor` has been read.
    pub fn up_to(settled: Option<Self>, cursor: Timestamp) -> bool {
        settled.is_some_and(|settled| settled.newest == cursor && settled.shown)
    }
}
