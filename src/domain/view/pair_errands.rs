//! Errands at pairs, as their pages show them.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::query::QueryText;
use crate::domain::{
    errand::{ErrandPair, PairAct, PairErrand},
    text,
};

/// Characters of a reason that are kept: more than a reason may have, so that it can be shortened.
const WHY_KEPT: usize = 400;

/// What was entered into the form of the list and was refused: the list's address keeps it, for that form alone. It
/// changes nothing of what is listed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrandEntry {
    /// What is to be done. `act`
    pub act: Option<PairAct>,
    /// With all that match. `which=all`
    pub all: bool,
    /// Why they are to be paused. `why`
    pub why: String,
}

impl ErrandEntry {
    /// As the form sends it.
    pub fn new(act: &str, which: &str, why: &str) -> Self {
        let why = text::line(why).chars().take(WHY_KEPT).collect();
        Self { act: PairAct::parse(act), all: which == "all", why }
    }

    /// Whether anything was.
    pub fn any(&self) -> bool {
        *self != Self::default()
    }

    /// Reads the query of an address; what is not understood is left out.
    pub fn from_query(pairs: &[(String, String)]) -> Self {
        let get = |name: &str| pairs.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value.as_str());
        Self::new(get("act"), get("which"), get("why"))
    }

    /// The query of a list with it.
    pub fn on(&self, list: QueryText) -> QueryText {
        list.with("act", self.act.map_or("", PairAct::as_str))
            .with("which", if self.all { "all" } else { "" })
            .with("why", &self.why)
    }
}

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
