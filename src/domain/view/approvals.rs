//! Writes that wait for a person's approval, each as a plan.

use serde::{Deserialize, Serialize};

use super::{list::Listed, replay::PlannedView};
use crate::domain::{
    approval::{Difference, WriteKind},
    decision::Decision,
    ids::PairId,
};

/// The page.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ApprovalsView {
    /// Names of the policies that ask for approval.
    pub policies: Vec<String>,
    /// What waits on the pairs of this page, the pair that changed last first.
    pub rows: Vec<ApprovalRow>,
    /// The pages of those pairs.
    pub pages: Listed<()>,
}

/// One write that waits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ApprovalRow {
    /// Its pair.
    pub pair: PairId,
    /// Incident number and title.
    pub incident: String,
    /// Client's name.
    pub client: String,
    /// Kinds of it that need approval.
    pub kinds: Vec<WriteKind>,
    /// What would be written, and why.
    pub planned: PlannedView,
    /// What changes by it.
    pub differences: Vec<Difference>,
    /// What approving it decides.
    pub approve: Decision,
    /// What rejecting it decides.
    pub reject: Decision,
}
