//! Going live: what each workspace does now, and what it would begin to do.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::what_if::WhatIf;
use crate::domain::{ids::WorkspaceId, workspace::Mode};

/// One workspace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiveRow {
    /// The workspace.
    pub id: WorkspaceId,
    /// Its name.
    pub name: String,
    /// Its client's name.
    pub client: String,
    /// What is done for it now.
    pub mode: Mode,
    /// Incidents that are older stay as they are.
    pub since: Timestamp,
    /// Incidents that observing has kept back: each gets a ticket when it goes live.
    pub waiting: u32,
    /// What stands in the way; empty when nothing does.
    pub obstacle: String,
}

/// What the first cycle of a workspace would do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FirstCycle {
    /// The workspace.
    pub id: WorkspaceId,
    /// Its name.
    pub name: String,
    /// What would happen.
    pub what: WhatIf,
    /// Where few incidents have come yet: what would happen to the newest, also those from before the workspace's start,
    /// if they came now.
    #[serde(default)]
    pub newest: Option<WhatIf>,
}
