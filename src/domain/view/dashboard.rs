//! The dashboard: pairs, their filter and the counts above them.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    form::FormView,
    list::{Choice, OutsideLink, Rows},
    pair_errands::ErrandEntry,
    pause::PauseView,
    query::{QueryText, value},
};
use crate::domain::{
    ids::{ClientId, IncidentId, PairId, WorkspaceId},
    incident::{IncidentStatus, Severity},
    pair::{Health, SyncState},
    reason::Reason,
};

/// By what the pairs are sorted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PairSort {
    /// Last change, newest first by default.
    #[default]
    Changed,
    /// Incident number.
    Number,
    /// Severity, worst first by default.
    Severity,
    /// Client's name.
    Client,
    /// Ticket number.
    Ticket,
    /// Health, `needs you` first by default.
    State,
}

impl PairSort {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::Changed, Self::Number, Self::Severity, Self::Client, Self::Ticket, Self::State];

    /// As in the address.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Changed => "changed",
            Self::Number => "number",
            Self::Severity => "severity",
            Self::Client => "client",
            Self::Ticket => "ticket",
            Self::State => "state",
        }
    }

    /// The inverse of [`PairSort::as_str`].
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|sort| sort.as_str() == text)
    }
}

/// Which pairs are shown: exactly what the address says.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PairFilter {
    /// Search text: incident number, GUID, ticket number, words or parts of words of the title. `q`
    pub text: String,
    /// `sync`
    pub sync: Option<SyncState>,
    /// `health`
    pub health: Option<Health>,
    /// `client`
    pub client: Option<ClientId>,
    /// `workspace`
    pub workspace: Option<WorkspaceId>,
    /// Microsoft's spelling. `severity`
    pub severity: Option<Severity>,
    /// Incident status, Microsoft's spelling. `status`
    pub status: Option<IncidentStatus>,
    /// A reason's code. `reason`
    pub reason: String,
    /// `sort`
    pub sort: PairSort,
    /// `dir=up`: the reverse of the column's default order.
    pub reversed: bool,
    /// Opaque token of the page, made by the store. `from`
    pub from: String,
}

impl PairFilter {
    /// Reads the query of an address; what is not understood is left out.
    pub fn from_query(pairs: &[(String, String)]) -> Self {
        let get = |name| value(pairs, name);
        let severity = get("severity");
        let status = get("status");
        Self {
            text: get("q"),
            sync: SyncState::parse(&get("sync")),
            health: Health::parse(&get("health")),
            client: get("client").parse().ok(),
            workspace: get("workspace").parse().ok(),
            severity: (!severity.is_empty()).then(|| severity.into()),
            status: (!status.is_empty()).then(|| status.into()),
            reason: get("reason"),
            sort: PairSort::parse(&get("sort")).unwrap_or_default(),
            reversed: get("dir") == "up",
            from: get("from"),
        }
    }

    /// The query that [`PairFilter::from_query`] reads back, defaults left out.
    pub fn query(&self) -> QueryText {
        QueryText::new()
            .with("q", &self.text)
            .with("sync", self.sync.map_or("", SyncState::as_str))
            .with("health", self.health.map_or("", Health::as_str))
            .with("client", &self.client.map_or_else(String::new, |id| id.to_string()))
            .with("workspace", &self.workspace.map_or_else(String::new, |id| id.to_string()))
            .with("severity", self.severity.as_ref().map_or("", Severity::as_str))
            .with("status", self.status.as_ref().map_or("", IncidentStatus::as_str))
            .with("reason", &self.reason)
            .with("sort", if self.sort == PairSort::default() { "" } else { self.sort.as_str() })
            .with("dir", if self.reversed { "up" } else { "" })
            .with("from", &self.from)
    }

    /// The address of the dashboard with this filter.
    pub fn address(&self) -> String {
        self.query().after("/")
    }

    /// The address of everything it matches as a CSV file.
    pub fn file(&self) -> String {
        Self { from: String::new(), ..self.clone() }.query().after("/pairs.csv")
    }

    /// Whether anything narrows the list (sorting and paging don't).
    pub fn narrows(&self) -> bool {
        let plain = Self { sort: self.sort, reversed: self.reversed, from: self.from.clone(), ..Self::default() };
        *self != plain
    }
}

/// Counts over everything the person may see, whatever the filter says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PairCounts {
    /// Pairs in step.
    pub in_step: u64,
    /// Pairs behind.
    pub behind: u64,
    /// Pairs of which one side could not be read.
    pub unknown: u64,
    /// Pairs that are well.
    pub healthy: u64,
    /// Pairs that go on by themselves.
    pub waiting: u64,
    /// Pairs where a person must act.
    pub needs_you: u64,
    /// Incidents seen and not linked.
    pub not_linked: u64,
    /// Those among them that the storm brake holds.
    pub storm_held: u64,
}

impl PairCounts {
    /// All pairs.
    pub fn pairs(&self) -> u64 {
        self.in_step.saturating_add(self.behind).saturating_add(self.unknown)
    }
}

/// The dashboard.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DashboardView {
    /// What the address asked for.
    pub filter: PairFilter,
    /// Counts without the filter.
    pub counts: PairCounts,
    /// Clients the person may see.
    pub clients: Vec<Choice>,
    /// Workspaces the person may see. Empty: nothing is set up yet.
    pub workspaces: Vec<Choice>,
    /// Clients and connections that are paused.
    pub pauses: Vec<PauseView>,
    /// What is said of secrets that end soon, with the connection's name; for those who see everything.
    #[serde(default)]
    pub secrets: Vec<String>,
    /// The rows.
    pub rows: Rows<PairRow>,
    /// What was entered for many of them at once and was refused.
    #[serde(default)]
    pub entered: ErrandEntry,
    /// What is wrong with it; said once.
    #[serde(default)]
    pub refused: FormView,
}

/// One pair in the list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PairRow {
    /// Ours.
    pub id: PairId,
    /// Client's name.
    pub client: String,
    /// Client.
    pub client_id: ClientId,
    /// Workspace's name.
    pub workspace: String,
    /// The incident's GUID.
    pub incident: IncidentId,
    /// Incident number within the workspace.
    pub number: Option<i64>,
    /// Incident title.
    pub title: String,
    /// As Microsoft rates it.
    pub severity: Severity,
    /// Where the incident stands.
    pub incident_status: IncidentStatus,
    /// The ticket, once known.
    pub ticket: Option<OutsideLink>,
    /// How many other incidents share the ticket.
    pub shared: u64,
    /// Name of the ticket's status (its number when the name isn't known).
    pub ticket_status: Option<String>,
    /// How far apart.
    pub sync: SyncState,
    /// Whether somebody must act.
    pub health: Health,
    /// Whether it, its client or one of its connections is paused.
    pub paused: bool,
    /// Why it is not in step or not healthy.
    pub reason: Option<Reason>,
    /// What else a person has to settle.
    pub further: Vec<Reason>,
    /// When the incident was made.
    pub opened: Timestamp,
    /// When anything of it last changed.
    pub changed: Timestamp,
    /// Our visible reference in the ticket.
    pub reference: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(list: &[(&str, &str)]) -> Vec<(String, String)> {
        list.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect()
    }

    #[test]
    fn a_filter_survives_its_address() {
        let filter = PairFilter {
            text: "odd & even".into(),
            sync: Some(SyncState::Behind),
            health: Some(Health::NeedsYou),
            client: "0198a3b0-0000-7000-8000-000000000001".parse().ok(),
            workspace: "0198a3b0-0000-7000-8000-000000000002".parse().ok(),
            severity: Some(Severity::High),
            status: Some(IncidentStatus::Active),
            reason: "unmapped".into(),
            sort: PairSort::Severity,
            reversed: true,
            from: "o.12.x".into(),
        };
        let text = filter.query();
        let back: Vec<(String, String)> = text
            .as_str()
            .split('&')
            .filter_map(|part| part.split_once('='))
            .map(|(a, b)| (a.to_owned(), b.replace('+', " ").replace("%26", "&")))
            .collect();
        assert_eq!(PairFilter::from_query(&back), filter);
        assert!(filter.narrows());
    }

    #[test]
    fn nonsense_in_the_address_is_left_out() {
        let filter =
            PairFilter::from_query(&pairs(&[("sync", "maybe"), ("client", "me"), ("sort", "x"), ("dir", "up")]));
        assert!(!filter.narrows());
        assert_eq!(filter.address(), "/?dir=up");
    }
}
