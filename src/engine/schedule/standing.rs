//! How polling goes.

use jiff::{SignedDuration, Timestamp};

use crate::{
    domain::{failure::Failure, ids::PairId, run::RunCause},
    engine::{
        halo::sight::{Sight, Tally},
        poll::Gap,
        settled::Settled,
    },
};

/// How polling of one scope goes.
#[derive(Debug, Clone, Default)]
pub struct Standing {
    /// When it is due next; `None` = at once.
    pub next: Option<Timestamp>,
    /// Seconds that it waited for this run.
    pub wait: Option<u32>,
    /// Why it will run, if not by schedule.
    pub cause: Option<RunCause>,
    /// Last time it ended well.
    pub last_success: Option<Timestamp>,
    /// When and why it did not.
    pub last_failure: Option<(Timestamp, Failure)>,
    /// Failures in a row.
    pub failures: u32,
    /// The last run that the ledger keeps failed.
    pub failing: bool,
    /// Next full list.
    pub next_full: Option<Timestamp>,
    /// Of an instance: polls in a row that ended with fewer rows than it counts.
    pub short: u32,
    /// What whole readings know to be the newest.
    pub settled: Option<Settled>,
    /// Of a workspace: full lists in a row that were not read to their end.
    pub cut_off: u32,
    /// Of a workspace: incident numbers that are missing still.
    pub gap: Option<Gap>,
    /// What the last whole reading told that cannot be.
    pub note: Option<String>,
    /// Of an instance: next reading of the rows of all open paired tickets.
    pub next_rows: Option<Timestamp>,
    /// Of an instance: how far the reading of rows has come.
    pub rows_after: Option<PairId>,
    /// How many tickets it has read so far.
    pub rows_read: i64,
    /// How they showed so far.
    pub rows_tally: Tally,
    /// How far an instance's full reading has come, or the search for what a workspace's full list did not show.
    pub full_after: Option<PairId>,
    /// How the tickets of an instance's full reading showed so far.
    pub full_tally: Tally,
    /// Of an instance: whether each ticket read so far began with an action of Halo's own.
    pub opening: Option<bool>,
    /// Of an instance: how long after the ticket that action was written, at most.
    pub opens_after: Option<SignedDuration>,
    /// Of an instance: how its tickets show.
    pub sight: Sight,
    /// Somebody asked for it since the last run began: what runs now may not cover it.
    pub hastened: bool,
    /// Of an instance's look-ups: some that had rows had none when they were last read.
    pub doubted: bool,
    /// When incidents of a workspace that wait for their entities are looked at again.
    pub awaits: Option<Timestamp>,
    /// What the incidents were judged by has changed: the next run looks at held ones and open items again.
    pub judge_anew: bool,
}
