//! One incident, looked up by its number, id or address in a workspace, whether a ticket is linked to it or not.

use serde::{Deserialize, Serialize};

use super::{
    form::FormView,
    list::Choice,
    not_linked::{GateRow, NotLinkedRow},
};
use crate::domain::ids::PairId;

/// The page. Fields of its form: `workspace`, `incident`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct LookUpView {
    /// Workspaces to choose from.
    pub workspaces: Vec<Choice>,
    /// What was asked for.
    pub form: FormView,
    /// What was found; `None` while nothing was asked for, or where it was not found.
    pub found: Option<FoundIncident>,
}

/// An incident, as Sentinel tells it at this moment, or as it is known here.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FoundIncident {
    /// What it is, and why it is not linked.
    pub row: NotLinkedRow,
    /// Every gate, in its order; empty where it is linked.
    pub gates: Vec<GateRow>,
    /// The pair that it has.
    pub pair: Option<PairId>,
    /// A poll has read it. One that none has was read for this page alone, and nothing is kept of it.
    pub met: bool,
}
