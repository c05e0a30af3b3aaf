//! One planned write, as shown in queues and among problems.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::{
    failure::{Failure, Side},
    ids::{OperationId, PairId},
    operation::{Operation, OperationState},
    reason::Reason,
};

/// One planned write.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OperationView {
    /// Ours.
    pub id: OperationId,
    /// Its pair.
    pub pair: PairId,
    /// What it does, in words.
    pub words: String,
    /// The side written to.
    pub side: Side,
    /// Why.
    pub reason: Reason,
    /// Where it stands.
    pub state: OperationState,
    /// Times sent.
    pub attempts: u32,
    /// Last failure.
    pub failure: Option<Failure>,
    /// When planned.
    pub planned: Timestamp,
    /// What will be (or was) written: pretty JSON, secrets masked.
    pub body: Option<String>,
}

impl OperationView {
    /// From the operation itself; `body` is what will be written, as shown.
    pub fn of(operation: &Operation, body: Option<String>) -> Self {
        Self {
            id: operation.id,
            pair: operation.pair,
            words: operation.kind.words(),
            side: operation.kind.side(),
            reason: operation.reason.clone(),
            state: operation.state.clone(),
            attempts: operation.attempts,
            failure: operation.last_failure.clone(),
            planned: operation.planned,
            body,
        }
    }

    /// When it will be tried or looked for next.
    pub fn next(&self) -> Option<Timestamp> {
        match self.state {
            OperationState::Planned { ready } => Some(ready),
            OperationState::OutcomeUnknown { look, .. } => Some(look),
            _ => None,
        }
    }

    /// Whether it waits for a person because nobody knows whether it was carried out: trying again looks for it first.
    pub fn unsettled(&self) -> bool {
        matches!(self.state, OperationState::Dead { reason: Reason::OutcomeUnknown, .. })
    }

    /// Whether a person may retry or drop it.
    pub fn dead(&self) -> bool {
        matches!(self.state, OperationState::Dead { .. })
    }
}
