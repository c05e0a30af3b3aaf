//! Backfill: asking for one, its forecast, how far it has come.

use serde::{Deserialize, Serialize};

use super::{form::FormView, list::Choice};
use crate::domain::backfill::Backfill;

/// The page.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BackfillsView {
    /// Workspaces that the person may see and that are read.
    pub workspaces: Vec<Choice>,
    /// `workspace`, `from`, `to`, `cap`, `per_hour`, `closed`.
    pub form: FormView,
    /// The last backfill of each that had one, newest first.
    pub rows: Vec<BackfillRow>,
}

/// One backfill.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BackfillRow {
    /// As it stands.
    pub backfill: Backfill,
    /// Client's name.
    pub client: String,
    /// Workspace's name.
    pub workspace: String,
    /// Whether the workspace's mode makes tickets: else it cannot be started.
    pub makes_tickets: bool,
    /// Why it stands still, with the remedy: no ticket can be made for any incident.
    pub waits: Option<String>,
}
