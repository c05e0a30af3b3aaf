//! How the engine does: said at the top of every page, aloud when something is old.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::ids::PairId;

/// How the engine does, as far as the reader may see its sources.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Pulse {
    /// Whether the engine's loop runs.
    pub alive: bool,
    /// Whether it only reads, and writes nothing to either side: a copied or restored installation that nobody has confirmed, or one that has
    /// noticed a second writer.
    pub only_reads: bool,
    /// The second writer.
    pub second_writer: Option<Second>,
    /// End of the last look that succeeded, at anything; `None` if there was none yet.
    pub last_look: Option<Timestamp>,
    /// Sources (workspaces in a mode other than off, Halo instances) not read for two cycles or more, the one read
    /// the longest ago first; without those of `broken`.
    pub late: Vec<OldSource>,
    /// Sources whose last run failed for a reason that only a person can remove.
    pub broken: Vec<OldSource>,
    /// Steps that the database refuses again and again.
    #[serde(default)]
    pub refused: Option<Refused>,
}

/// Steps that the database refuses again and again, told by the one that it refuses the longest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// How many.
    pub count: u64,
    /// What the step does.
    pub does: String,
    /// Of which workspace or Halo instance; `None` where it is of none, or the reader may not see that.
    pub of: Option<String>,
    /// The pair that it is about, if the reader may see it.
    pub pair: Option<PairId>,
    /// Since when.
    pub since: Timestamp,
    /// When it is tried again.
    pub next: Timestamp,
    /// In the database's words.
    pub why: String,
}

/// A second process that writes to the pairs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Second {
    /// When it was noticed.
    pub noticed: Timestamp,
    /// What it wrote, in words, and when; `None` for who may not see that client.
    pub wrote: Option<(String, Timestamp)>,
}

impl Pulse {
    /// Whether numbers on the page may be old.
    pub fn stale(&self) -> bool {
        !self.alive || !self.late.is_empty() || !self.broken.is_empty()
    }
}

/// A source that is not read as it should be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OldSource {
    /// Workspace's or Halo instance's name.
    pub name: String,
    /// End of its last run that went well; `None` if there was none yet.
    pub read: Option<Timestamp>,
    /// What its last run failed with.
    pub why: Option<String>,
    /// Seconds between its polls.
    pub poll_secs: u32,
}
