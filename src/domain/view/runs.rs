//! Runs: who was read when, what came of it and when it is due again.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    list::Rows,
    query::{QueryText, value},
};
use crate::domain::{
    failure::Failure,
    ids::RunId,
    run::{Run, RunCause, RunScope},
    workspace::Mode,
};

/// Which runs are shown.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunFilter {
    /// A workspace's or Halo connection's id. `source`
    pub source: String,
    /// `failed=1`: only runs that failed; one that was told to wait did not.
    pub failed: bool,
    /// Opaque token of the page. `from`
    pub from: String,
    /// Opaque token of the page of the sources. `sources`
    pub sources: String,
}

impl RunFilter {
    /// Reads the query of an address.
    pub fn from_query(pairs: &[(String, String)]) -> Self {
        Self {
            source: value(pairs, "source"),
            failed: value(pairs, "failed") == "1",
            from: value(pairs, "from"),
            sources: value(pairs, "sources"),
        }
    }

    /// The address of the page with this filter.
    pub fn address(&self) -> String {
        QueryText::new()
            .with("source", &self.source)
            .with("failed", if self.failed { "1" } else { "" })
            .with("from", &self.from)
            .with("sources", &self.sources)
            .after("/runs")
    }
}

/// The page.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunsView {
    /// What the address asked for.
    pub filter: RunFilter,
    /// Every workspace and Halo instance the person may see.
    pub sources: Vec<SourceRow>,
    /// Past runs, newest first.
    pub runs: Rows<RunRow>,
}

/// A workspace or Halo instance that is read again and again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SourceRow {
    /// What is read.
    pub scope: RunScope,
    /// Its name.
    pub name: String,
    /// Client's name, for a workspace.
    pub client: Option<String>,
    /// For a workspace.
    pub mode: Option<Mode>,
    /// The last run.
    pub last: Option<RunRow>,
    /// End of the last run that went well.
    pub last_success: Option<Timestamp>,
    /// Up to which change it was read, by its own clock; told of the rows that the page shows.
    pub read_up_to: Option<Timestamp>,
    /// When it is due again; `None` when it is switched off.
    pub next_due: Option<Timestamp>,
    /// Whether it has not been read for two cycles.
    pub overdue: bool,
    /// What its last whole reading told that cannot be.
    pub note: Option<String>,
    /// Until when it waits, and why: it was told to, or our own budget has no room.
    #[serde(default)]
    pub waits: Option<(Timestamp, String)>,
}

/// One finished run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunRow {
    /// Ours.
    pub id: RunId,
    /// What was read.
    pub scope: RunScope,
    /// Its name.
    pub name: String,
    /// Why it ran.
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

impl RunRow {
    /// From the run and the name of what it read.
    pub fn of(run: &Run, name: &str) -> Self {
        Self {
            id: run.id,
            scope: run.scope,
            name: name.to_owned(),
            cause: run.cause,
            started: run.started,
            ended: run.ended,
            read: run.read,
            changed: run.changed,
            failure: run.failure.clone(),
        }
    }
}
