//! Errands at pairs, as their pages show them.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::errand::{ErrandPair, PairErrand};

/// How many pairs are how far.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrandCounts {
    /// Their turn has not come.
    pub waiting: u64,
    /// Done.
    pub done: u64,
    /// Could not be done.
    pub failed: u64,
    /// Passed over, by why.
    pub passed: Vec<(String, u64)>,
}

impl ErrandCounts {
    /// Those that something is done with.
    pub fn meant(&self) -> u64 {
        self.waiting.saturating_add(self.settled())
    }

    /// Those that something was done with, or tried.
    pub fn settled(&self) -> u64 {
        self.done.saturating_add(self.failed)
    }
}

/// One errand: its plan until it is begun, then how far it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PairErrandView {
    /// The errand.
    pub errand: PairErrand,
    /// How far it is.
    pub counts: ErrandCounts,
    /// The first of those whose turn has not come.
    pub samples: Vec<ErrandPair>,
    /// The first of those that could not be done.
    pub failed: Vec<ErrandPair>,
    /// The list it was planned from.
    pub back: String,
    /// This installation only reads, so it waits.
    pub held: bool,
}

/// The reader's last errands, the newest first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PairErrandsView {
    /// Each with its counts.
    pub rows: Vec<(PairErrand, ErrandCounts)>,
}

/// When something of it last began or ended.
pub fn moved(errand: &PairErrand) -> Timestamp {
    errand.ended.or(errand.begun).unwrap_or(errand.planned)
}
