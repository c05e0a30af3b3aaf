//! How the engine does: said at the top of every page, aloud when something is old.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// How the engine does, as far as the reader may see its sources.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Pulse {
    /// Whether the engine's loop runs.
    pub alive: bool,
    /// Whether it reads and writes nothing: a copied or restored installation that nobody has confirmed.
    pub only_reads: bool,
    /// End of the last look that succeeded, at anything; `None` if there was none yet.
    pub last_look: Option<Timestamp>,
    /// Sources (workspaces in a mode other than off, Halo instances) not read for two cycles or more.
    pub overdue: u32,
    /// The one of them that was read the longest ago.
    pub oldest: Option<OldSource>,
    /// Sources whose last run failed for a reason that only a person can remove.
    pub broken: u32,
}

impl Pulse {
    /// Whether numbers on the page may be old.
    pub fn stale(&self) -> bool {
        !self.alive || self.overdue > 0
    }
}

/// A source that has not been read for too long.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OldSource {
    /// Workspace's or Halo instance's name.
    pub name: String,
    /// End of its last run that went well; `None` if there was none yet.
    pub read: Option<Timestamp>,
    /// Seconds between its polls.
    pub poll_secs: u32,
}
