//! What a person asks for again: dead letters and dropped writes.

use crate::{
    domain::{ids::OperationId, operation::OperationState, reason::Reason},
    planner::{dropped::said_once, observed::Reading},
    store::StoreError,
};

use super::{Engine, execute::moved};

/// A dead letter or a dropped write is asked for again: it is planned anew from what both sides say now.
pub(super) async fn run(engine: &Engine, id: OperationId) -> Result<(), StoreError> {
    let Some(operation) = engine.store.operation(id).await? else { return Ok(()) };
    let (OperationState::Dead { reason, .. } | OperationState::Dropped { reason, .. }) = &operation.state else {
        return Ok(());
    };
    let now = engine.now();
    let state = if *reason == Reason::OutcomeUnknown {
        // A write whose outcome was never settled is looked for once more before it is sent again.
        OperationState::OutcomeUnknown { since: now, look: now, looks: 0, failed: 0 }
    } else if said_once(&operation) {
        // No plan would bring it back.
        OperationState::Planned { ready: now }
    } else {
        OperationState::Void { at: now, why: "Asked for again: what is still wanted is planned anew.".into() }
    };
    moved(engine, &operation, state, 0, operation.last_failure.clone(), Reading::default()).await
}
