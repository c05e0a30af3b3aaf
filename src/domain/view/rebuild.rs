//! Before a pair is rebuilt from both sides: what would be written, and what would be asked.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::replay::PlannedView;
use crate::domain::{ids::PairId, reason::Reason};

/// The page.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RebuildView {
    /// The pair.
    pub pair: PairId,
    /// Its incident, for people.
    pub incident: String,
    /// Why it can't be, with what to do instead.
    pub refused: Option<String>,
    /// What would be written, in its order.
    pub planned: Vec<PlannedView>,
    /// What a person would be asked.
    pub asked: Vec<Reason>,
    /// Comments and notes that are known to be copies of each other: none of them is written again.
    pub copies: u64,
    /// When the incident was last read.
    pub incident_read: Option<Timestamp>,
    /// When the ticket was last read.
    pub ticket_read: Option<Timestamp>,
}
