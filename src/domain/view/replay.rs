//! Dead letters before they are tried again: what would be written, from what both sides say now.

use serde::{Deserialize, Serialize};

use super::operation::OperationView;
use crate::domain::{failure::Side, reason::Reason};

/// The page.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReplayView {
    /// The dead letters, newest first.
    pub items: Vec<ReplayItem>,
    /// How many there are of this kind in all, of which these are the newest.
    pub total: u64,
    /// Where the reader came from.
    pub back: String,
    /// The plan for those ticked was asked for, and none was.
    pub unticked: bool,
}

/// One dead letter with its plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReplayItem {
    /// The dead letter.
    pub operation: OperationView,
    /// The incident it belongs to, for people.
    pub incident: String,
    /// What would be written instead, in its order.
    pub planned: Vec<PlannedView>,
    /// What is said when there is more to say than the plan, or none.
    pub remark: Option<String>,
}

/// One write that would follow.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlannedView {
    /// What it does, in words.
    pub words: String,
    /// The side written to.
    pub side: Side,
    /// Why.
    pub reason: Reason,
    /// What will be written: pretty JSON, secrets masked.
    pub body: Option<String>,
}
