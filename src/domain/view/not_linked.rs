//! Incidents seen and not linked: each with the answer to "why not?".

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    form::FormView,
    list::{Choice, Rows},
    query::{QueryText, value},
};
use crate::domain::{
    ids::{IncidentId, PairId, WorkspaceId},
    incident::{IncidentStatus, Severity},
    reason::Reason,
};

/// Which unlinked incidents are shown.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotLinkedFilter {
    /// Search text. `q`
    pub text: String,
    /// A reason's code. `reason`
    pub reason: String,
    /// `workspace`
    pub workspace: Option<WorkspaceId>,
    /// Opaque token of the page. `from`
    pub from: String,
}

impl NotLinkedFilter {
    /// Reads the query of an address; what is not understood is left out.
    pub fn from_query(pairs: &[(String, String)]) -> Self {
        Self {
            text: value(pairs, "q"),
            reason: value(pairs, "reason"),
            workspace: value(pairs, "workspace").parse().ok(),
            from: value(pairs, "from"),
        }
    }

    /// The query that [`NotLinkedFilter::from_query`] reads back.
    pub fn query(&self) -> QueryText {
        QueryText::new()
            .with("q", &self.text)
            .with("reason", &self.reason)
            .with("workspace", &self.workspace.map_or_else(String::new, |id| id.to_string()))
            .with("from", &self.from)
    }

    /// The address of the page with this filter.
    pub fn address(&self) -> String {
        self.query().after("/incidents")
    }

    /// Whether anything narrows the list.
    pub fn narrows(&self) -> bool {
        !self.text.is_empty() || !self.reason.is_empty() || self.workspace.is_some()
    }
}

/// The page.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NotLinkedView {
    /// What the address asked for.
    pub filter: NotLinkedFilter,
    /// The earliest start of the workspaces that are read: of what changed before it little is seen.
    pub since: Option<Timestamp>,
    /// Unlinked incidents in all, whatever the filter says.
    pub total: u64,
    /// Reasons that occur (value = code), counted.
    pub reasons: Vec<Choice>,
    /// Workspaces the person may see.
    pub workspaces: Vec<Choice>,
    /// The rows, what was read with a change last first.
    pub rows: Rows<NotLinkedRow>,
    /// Pushing a ticket to Sentinel.
    pub push: PushView,
}

/// Pushing a ticket to Sentinel.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct PushView {
    /// Workspaces that are written to and that the person may see.
    pub workspaces: Vec<Choice>,
    /// `ticket`, `workspace`, `anyway`.
    pub form: FormView,
    /// What was asked for within the last day, newest first.
    pub recent: Vec<PushRow>,
}

/// One ticket that was asked for to be pushed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PushRow {
    /// The ticket.
    pub ticket: i64,
    /// Workspace's name.
    pub workspace: String,
    /// The workspace, to push it there again.
    pub workspace_id: Option<WorkspaceId>,
    /// When.
    pub asked: Timestamp,
    /// The incident as it is written, in words, once that is known.
    pub becomes: Option<String>,
    /// The request that writes it, its token masked.
    pub request: Option<String>,
    /// Whether Sentinel refused it and it waits for somebody who pushes it again.
    pub again: bool,
    /// The pair that came of it, once its incident is there.
    pub pair: Option<PairId>,
    /// The pair in whose queue the making of its incident stands until then.
    pub opened: Option<PairId>,
    /// Why it was not pushed, with the remedy.
    pub refused: Option<String>,
    /// What it waits for, if anything is known to be in its way.
    pub waits: Option<String>,
}

/// Linking one incident by hand.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LinkingView {
    /// The incident.
    pub row: NotLinkedRow,
    /// Every gate, in its order.
    pub gates: Vec<GateRow>,
    /// `ticket`.
    pub form: FormView,
    /// Address of the list it was chosen from.
    pub next: String,
}

/// A gate that an incident passes, or not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GateRow {
    /// What it asks.
    pub name: String,
    /// By which rule.
    pub rule: String,
    /// What it saw.
    pub saw: String,
    /// It lets the incident pass.
    pub passes: bool,
    /// What would change that, where it does not.
    pub remedy: Option<String>,
}

/// One incident without a ticket.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NotLinkedRow {
    /// The incident.
    pub incident: IncidentId,
    /// Number within the workspace.
    pub number: Option<i64>,
    /// Title.
    pub title: String,
    /// Address in its portal, if the host is a known one.
    pub url: Option<String>,
    /// Client's name.
    pub client: String,
    /// Where.
    pub workspace: WorkspaceId,
    /// Workspace's name.
    pub workspace_name: String,
    /// As Microsoft rates it.
    pub severity: Severity,
    /// Where it stands.
    pub status: IncidentStatus,
    /// Why it is not linked; `None` while it waits for its first plan.
    pub reason: Option<Reason>,
    /// When it was created, by the service's clock.
    pub created: Option<Timestamp>,
    /// When it last changed, by the service's clock; when it was read where the service does not say.
    pub changed: Timestamp,
}
