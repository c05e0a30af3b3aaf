//! What asks for a person: dead letters and open items, by reason.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    list::{OutsideLink, Trouble},
    operation::OperationView,
    pause::PauseView,
};
use crate::domain::{
    ids::{PairId, WorkspaceId},
    reason::Reason,
};

/// The page.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProblemsView {
    /// How many pairs need somebody; one may stand in several groups.
    pub pairs: u64,
    /// How many of them stand in the groups: the newest.
    pub grouped: u64,
    /// By reason, most items first; or why they cannot be read.
    pub groups: Result<Vec<ProblemGroup>, Trouble>,
    /// Workspaces in which the storm brake holds incidents.
    pub storms: Vec<StormView>,
    /// What a failure has paused.
    pub pauses: Vec<PauseView>,
    /// Connections that cannot be used, in one sentence each, with their remedy in it.
    pub connections: Vec<String>,
}

/// A workspace in which the storm brake holds incidents.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StormView {
    /// The workspace.
    pub workspace: WorkspaceId,
    /// Its name.
    pub name: String,
    /// Client's name.
    pub client: String,
    /// How many incidents are held.
    pub held: u64,
    /// New tickets per hour that the policy allows, while the workspace is configured.
    pub cap: Option<u32>,
}

/// Everything that waits for the same kind of act.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProblemGroup {
    /// The reason; where items differ in its details, the newest item's.
    pub reason: Reason,
    /// How many pairs in all.
    pub total: u64,
    /// The newest of them, 25 at most.
    pub items: Vec<ProblemItem>,
}

/// One pair that waits for a person.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProblemItem {
    /// The pair.
    pub pair: PairId,
    /// Client's name.
    pub client: String,
    /// Incident number and title.
    pub incident: String,
    /// The ticket, once known.
    pub ticket: Option<OutsideLink>,
    /// Its own reason, details included.
    pub reason: Reason,
    /// Since when.
    pub since: Timestamp,
    /// The dead letter, if that is what waits.
    pub operation: Option<OperationView>,
}
