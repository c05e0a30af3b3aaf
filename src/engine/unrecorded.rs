//! What stands as being sent though nobody sends it: the process ended meanwhile, or the store refused to record what came of
//! it.

use jiff::Timestamp;

use crate::{
    domain::operation::{Operation, OperationState},
    planner::observed::Reading,
    store::StoreError,
};

use super::{
    Engine,
    execute::{Attempt, finish, moved},
};

/// What an attempt came to, which the store refused to record (a full disk, say).
pub(super) struct Unrecorded {
    outcome: Attempt,
    at: Timestamp,
}

impl Unrecorded {
    pub(super) fn new(outcome: Attempt, at: Timestamp) -> Self {
        Self { outcome, at }
    }
}

/// Records what became of the head of a queue that stands as being sent: what is known of it, or that its outcome is to be
/// looked for. Whatever is paused: nothing is sent by that, and a queue with such a head counts as nobody's turn until then.
pub(super) async fn settle(engine: &Engine, operation: &Operation) -> Result<(), StoreError> {
    let OperationState::Sending { since } = operation.state else { return Ok(()) };
    let kept = { engine.schedule().unrecorded.remove(&operation.id) };
    let Some(kept) = kept else {
        let unknown = OperationState::OutcomeUnknown { since, look: engine.now(), looks: 0, failed: 0 };
        let (attempts, failure) = (operation.attempts, operation.last_failure.clone());
        return moved(engine, operation, unknown, attempts, failure, Reading::default()).await;
    };
    let outcome = kept.outcome.clone();
    let result = Box::pin(finish(engine, None, operation, operation.attempts, outcome, kept.at)).await;
    if result.is_err() {
        engine.schedule().unrecorded.insert(operation.id, kept);
    }
    result.map(drop)
}
