//! Backfill: incidents older than a workspace's start get their tickets after all, within limits that a person sets.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::ids::{RunId, WorkspaceId};

/// Tickets that one backfill may come to.
pub const CAP_MAX: u32 = 20_000;
/// Tickets an hour that one backfill may make.
pub const PER_HOUR_MAX: u32 = 3_600;

/// One backfill of a workspace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Backfill {
    /// Ours.
    pub id: RunId,
    /// Which workspace.
    pub workspace: WorkspaceId,
    /// Incidents created at or after.
    pub from: Timestamp,
    /// Incidents created before; never after the workspace's start.
    pub to: Timestamp,
    /// Tickets at most.
    pub cap: u32,
    /// Tickets an hour at most.
    pub per_hour: u32,
    /// Whether closed incidents get a ticket too, which is then closed with their verdict.
    pub closed: bool,
    /// When it was asked for.
    pub asked: Timestamp,
    /// Where it stands.
    pub state: BackfillState,
}

/// Where a backfill stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum BackfillState {
    /// The forecast is being made.
    Counting,
    /// It waits for a person to start it.
    Forecast {
        /// What it would come to.
        forecast: Forecast,
    },
    /// It is under way.
    Running {
        /// What it was expected to come to.
        forecast: Forecast,
        /// How far it has come.
        progress: Progress,
    },
    /// It is over.
    Ended {
        /// When.
        at: Timestamp,
        /// Why.
        how: HowEnded,
        /// How far it had come, once it had begun.
        progress: Option<Progress>,
    },
}

impl BackfillState {
    /// As stored.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Counting => "counting",
            Self::Forecast { .. } => "forecast",
            Self::Running { .. } => "running",
            Self::Ended { .. } => "ended",
        }
    }
}

/// Why a backfill is over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "how", rename_all = "kebab-case")]
pub enum HowEnded {
    /// Every incident of the range was looked at.
    Done,
    /// As many tickets as it may come to were made.
    Cap,
    /// A person stopped it, or did not start it.
    Stopped,
    /// It could not be counted, or its workspace makes no tickets (any more).
    Failed {
        /// Why, with the remedy.
        why: String,
    },
}

/// What a backfill would come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Forecast {
    /// Incidents within the range.
    pub incidents: u32,
    /// Those that have a ticket already.
    pub linked: u32,
    /// Those that are closed and left out for it.
    pub closed: u32,
    /// Those that a gate holds back: a filter, a merge, a person.
    pub held: u32,
    /// Tickets that would be made, the cap allowed for.
    pub tickets: u32,
    /// Calls to both sides.
    pub calls: u64,
    /// Seconds.
    pub secs: u64,
}

/// How far a backfill has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// When it began.
    pub began: Timestamp,
    /// Incidents looked at.
    pub looked: u32,
    /// Incidents that were linked; their tickets are made in turn.
    pub tickets: u32,
    /// Creation time of the last one looked at: where it goes on after an interruption.
    pub through: Option<Timestamp>,
    /// Since when it stands still, as its workspace makes no tickets.
    #[serde(default)]
    pub still: Option<Timestamp>,
    /// Seconds for which it stood still before.
    #[serde(default)]
    pub stood_secs: u64,
}

impl Progress {
    /// It begins.
    pub fn begun(began: Timestamp) -> Self {
        Self { began, looked: 0, tickets: 0, through: None, still: None, stood_secs: 0 }
    }
}

impl Backfill {
    /// How far it has come, once it has begun.
    pub fn progress(&self) -> Option<Progress> {
        match &self.state {
            BackfillState::Running { progress, .. } => Some(*progress),
            BackfillState::Ended { progress, .. } => *progress,
            BackfillState::Counting | BackfillState::Forecast { .. } => None,
        }
    }
}
