//! Runs: one poll, look, reconcile or backfill, with what it counted.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    failure::Failure,
    ids::{ConnectionId, RunId, WorkspaceId},
};

/// What a run looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum RunScope {
    /// Incidents of a workspace.
    Workspace {
        /// Which.
        id: WorkspaceId,
    },
    /// Changed tickets of a Halo instance.
    Halo {
        /// Which.
        id: ConnectionId,
    },
}

/// Why it ran.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RunCause {
    /// Its time had come.
    Schedule,
    /// A webhook hinted.
    Webhook,
    /// A person asked.
    Person,
    /// The six-hourly full list, or a gap in incident numbers.
    Full,
}

/// One finished run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// Ours.
    pub id: RunId,
    /// What it looked at.
    pub scope: RunScope,
    /// Why.
    pub cause: RunCause,
    /// When it began.
    pub started: Timestamp,
    /// When it ended.
    pub ended: Timestamp,
    /// Records read.
    pub read: u32,
    /// Records whose content had changed.
    pub changed: u32,
    /// Why it did not end well.
    pub failure: Option<Failure>,
}
