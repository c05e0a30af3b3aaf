//! Shadow mode: what Halo's own Sentinel integration missed, doubled and carried over late.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    list::{Choice, OutsideLink, Rows},
    query::{QueryText, value},
};
use crate::domain::{
    ids::{IncidentId, WorkspaceId},
    shadow::{Compared, LapseKind},
};

/// Which compared incidents are shown.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShadowFilter {
    /// Only with a lapse of this kind. `kind`
    pub kind: Option<LapseKind>,
    /// `workspace`
    pub workspace: Option<WorkspaceId>,
    /// Opaque token of the page. `from`
    pub from: String,
}

impl ShadowFilter {
    /// Reads the query of an address; what is not understood is left out.
    pub fn from_query(pairs: &[(String, String)]) -> Self {
        Self {
            kind: LapseKind::parse(&value(pairs, "kind")),
            workspace: value(pairs, "workspace").parse().ok(),
            from: value(pairs, "from"),
        }
    }

    /// The query that [`ShadowFilter::from_query`] reads back.
    pub fn query(&self) -> QueryText {
        QueryText::new()
            .with("kind", self.kind.map_or("", LapseKind::as_str))
            .with("workspace", &self.workspace.map_or_else(String::new, |id| id.to_string()))
            .with("from", &self.from)
    }

    /// The address of the page with this filter.
    pub fn address(&self) -> String {
        self.query().after("/shadow")
    }

    /// The address of everything it matches as a CSV file.
    pub fn file(&self) -> String {
        Self { from: String::new(), ..self.clone() }.query().after("/shadow.csv")
    }

    /// Whether anything narrows the list.
    pub fn narrows(&self) -> bool {
        self.kind.is_some() || self.workspace.is_some()
    }
}

/// The page.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ShadowView {
    /// What the address asked for.
    pub filter: ShadowFilter,
    /// Names of the workspaces that are in shadow mode now.
    pub on: Vec<String>,
    /// Over everything the person may see, within the workspace that is asked for.
    pub counts: ShadowCounts,
    /// Workspaces the person may see.
    pub workspaces: Vec<Choice>,
    /// The rows, newest change first.
    pub rows: Rows<ShadowRow>,
}

/// Counts over all compared incidents.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShadowCounts {
    /// Incidents compared.
    pub incidents: u64,
    /// Those with a ticket.
    pub ticketed: u64,
    /// How late their tickets were on average, in seconds.
    pub late_secs: u64,
    /// Things missed.
    pub missed: u64,
    /// Things doubled.
    pub doubled: u64,
    /// Things carried over late.
    pub delayed: u64,
}

impl ShadowCounts {
    /// How many of a kind.
    pub fn of(&self, kind: LapseKind) -> u64 {
        match kind {
            LapseKind::Missed => self.missed,
            LapseKind::Doubled => self.doubled,
            LapseKind::Delayed => self.delayed,
        }
    }
}

/// One incident that was compared.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ShadowRow {
    /// The incident.
    pub incident: IncidentId,
    /// Number within the workspace.
    pub number: Option<i64>,
    /// Title.
    pub title: String,
    /// Client's name.
    pub client: String,
    /// Workspace's name.
    pub workspace: String,
    /// When it was made.
    pub opened: Timestamp,
    /// Its tickets in Halo.
    pub tickets: Vec<OutsideLink>,
    /// What was found.
    pub compared: Compared,
    /// When that last changed.
    pub changed: Timestamp,
}
