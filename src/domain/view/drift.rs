//! Drift that was found: by class, with what was done about it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    list::{Choice, Rows},
    query::{QueryText, value},
};
use crate::domain::{
    drift::{Drift, DriftClass, DriftRule},
    ids::{PairId, WorkspaceId},
    log_check::LogRow,
};

/// Which drift is shown.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DriftFilter {
    /// `class`
    pub class: Option<DriftClass>,
    /// `workspace`
    pub workspace: Option<WorkspaceId>,
    /// Opaque token of the page. `from`
    pub from: String,
}

impl DriftFilter {
    /// Reads the query of an address; what is not understood is left out.
    pub fn from_query(pairs: &[(String, String)]) -> Self {
        Self {
            class: DriftClass::parse(&value(pairs, "class")),
            workspace: value(pairs, "workspace").parse().ok(),
            from: value(pairs, "from"),
        }
    }

    /// The query that [`DriftFilter::from_query`] reads back.
    pub fn query(&self) -> QueryText {
        QueryText::new()
            .with("class", self.class.map_or("", DriftClass::as_str))
            .with("workspace", &self.workspace.map_or_else(String::new, |id| id.to_string()))
            .with("from", &self.from)
    }

    /// The address of the page with this filter.
    pub fn address(&self) -> String {
        self.query().after("/drift")
    }

    /// Whether anything narrows the list.
    pub fn narrows(&self) -> bool {
        self.class.is_some() || self.workspace.is_some()
    }
}

/// The page.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DriftView {
    /// What the address asked for.
    pub filter: DriftFilter,
    /// How much of each class was dealt with in each way, whatever the filter says of classes.
    pub counts: Vec<(DriftClass, DriftRule, u64)>,
    /// Workspaces the person may see.
    pub workspaces: Vec<Choice>,
    /// The rows, newest first.
    pub rows: Rows<DriftRow>,
    /// What comparing workspaces with their logs told, those with something open first.
    pub logs: Vec<LogRow>,
}

impl DriftView {
    /// How much of a class.
    pub fn of(&self, class: DriftClass) -> u64 {
        self.counts.iter().filter(|(of, ..)| *of == class).map(|(.., count)| count).sum()
    }
}

/// One drift.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DriftRow {
    /// The pair; it may have been taken apart since.
    pub pair: PairId,
    /// Incident number and title, while it is a pair.
    pub incident: Option<String>,
    /// Client's name.
    pub client: String,
    /// Workspace's name.
    pub workspace: String,
    /// What was found, and done about it.
    pub drift: Drift,
    /// When.
    pub found: Timestamp,
}
