//! Comparing a workspace's own log with what was read of it: a second look at completeness.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::ids::{ClientId, IncidentId, WorkspaceId};

/// The log is compared this far back.
pub const SPAN: SignedDuration = SignedDuration::from_hours(48);

/// How a comparison ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "ended", rename_all = "kebab-case")]
pub enum LogOutcome {
    /// All that the log has of the time was compared.
    Compared,
    /// The log told a part alone.
    Partly {
        /// Why.
        why: String,
    },
    /// The log could not be asked: nothing is known of what it has.
    NotChecked {
        /// Why, with the remedy.
        why: String,
    },
}

/// An incident that the log names and no list has shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnseenIncident {
    /// Which.
    pub id: IncidentId,
    /// Its number in the workspace.
    pub number: Option<i64>,
    /// Its title.
    pub title: String,
    /// Its severity.
    pub severity: String,
    /// When it was made in Sentinel.
    pub created: Option<Timestamp>,
    /// When the log was first found to name it.
    pub found: Timestamp,
    /// When it was last asked for by its id.
    pub asked: Option<Timestamp>,
    /// Why it could not be read then.
    pub trouble: Option<String>,
}

/// What comparing a workspace with its log told last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogCheck {
    /// Whose workspace it was.
    pub client: ClientId,
    /// When.
    pub at: Timestamp,
    /// The time that was compared: from here …
    pub from: Timestamp,
    /// … to here.
    pub to: Timestamp,
    /// How it ended.
    pub outcome: LogOutcome,
    /// Incidents that the log named.
    pub named: u64,
    /// Those of them that were known.
    pub known: u64,
    /// Those that were not and came in since.
    pub come: u64,
    /// Those that Sentinel does not have any more: they were deleted there.
    pub gone: Vec<IncidentId>,
    /// Those that are not known yet, of this comparison or one before, oldest first.
    pub unseen: Vec<UnseenIncident>,
    /// Further ones that are not listed.
    pub more: u64,
    /// None is asked for before.
    pub ask_after: Option<Timestamp>,
    /// When it is compared again by itself, where that is done.
    pub next: Timestamp,
}

impl LogCheck {
    /// Whether it was compared whole and nothing is left open.
    pub fn well(&self) -> bool {
        self.outcome == LogOutcome::Compared && self.unseen.is_empty() && self.more == 0
    }

    /// Whether the time that was compared is shorter than it is wont to be: the workspace's start lies in it.
    pub fn since_start(&self) -> bool {
        self.from.checked_add(SPAN).is_ok_and(|end| end > self.at)
    }
}

/// A workspace and what comparing it with its log told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogRow {
    /// Which.
    pub workspace: WorkspaceId,
    /// Its name.
    pub name: String,
    /// Its client's name.
    pub client: String,
    /// A person has asked for it, and it is not done yet.
    pub asked: bool,
    /// The last one; `None` = never yet.
    pub check: Option<LogCheck>,
}
