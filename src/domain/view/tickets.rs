//! One ticket, looked up by its number in Halo, whether an incident is linked to it or not.

use serde::{Deserialize, Serialize};

use super::{
    form::FormView,
    list::{Choice, OutsideLink},
    not_linked::GateRow,
};
use crate::domain::ids::{IncidentId, PairId, WorkspaceId};

/// The page. Fields of its form: `halo`, `ticket`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TicketsView {
    /// Halo instances to choose from.
    pub halos: Vec<Choice>,
    /// What was asked for.
    pub form: FormView,
    /// What was found; `None` while nothing was asked for, or where it was not found.
    pub found: Option<FoundTicket>,
}

/// A ticket, as Halo tells it at this moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FoundTicket {
    /// Its number, with its address.
    pub ticket: OutsideLink,
    /// Its number.
    pub number: i64,
    /// Subject.
    pub summary: String,
    /// The client here, or its name in Halo where it is none of ours.
    pub client: String,
    /// Status, by name.
    pub status: String,
    /// Assigned agent, by name.
    pub agent: String,
    /// Whether it was made here for an incident: it is not pushed.
    pub made: bool,
    /// The last pair that it had, where a person took that apart.
    pub unlinked: Option<PairId>,
    /// Pairs that it has.
    pub pairs: Vec<(PairId, String)>,
    /// Why it is not linked, rule by rule; empty where it is.
    pub gates: Vec<GateRow>,
    /// Workspaces that it can be pushed to, of its client and in two-way.
    pub push_to: Vec<Choice>,
    /// Whether nothing stands in the way of linking it to an incident.
    pub may_link: bool,
    /// Incidents of its client that are not linked, the newest first.
    pub incidents: Vec<LinkableRow>,
}

/// An incident that the ticket can be linked to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkableRow {
    /// Where.
    pub workspace: WorkspaceId,
    /// Which.
    pub incident: IncidentId,
    /// Number and title.
    pub name: String,
}
