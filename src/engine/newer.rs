//! Nothing is written by an older configuration once the newer one's change was answered.

use crate::{
    domain::{
        ids::PairId,
        operation::{Operation, OperationState},
    },
    planner::observed::Reading,
    store::StoreError,
};

use super::{Engine, execute};

impl Engine {
    /// Whether this process has changed the configuration and the engine does not work by it yet.
    pub(super) fn outdated(&self) -> bool {
        let configured = self.store.configured();
        self.schedule().configured != configured
    }
}

/// Whether the configuration has changed since a turn began with `configured`, or is not taken up yet. The pair is read
/// and planned by the new one then, before anything of its queue is carried out.
pub(super) fn came(engine: &Engine, pair: PairId, configured: u64) -> bool {
    let came = engine.outdated() || engine.store.configured() != configured;
    if came {
        let mut schedule = engine.schedule();
        schedule.looks.insert(pair);
        schedule.pairs.insert(pair);
    }
    came
}

/// What is recorded as being sent and has not left yet stays planned, for the same reason; or because nothing is written any
/// more.
pub(super) async fn put_back(engine: &Engine, operation: &Operation) -> Result<(), StoreError> {
    let state = OperationState::Planned { ready: engine.now() };
    let failure = operation.last_failure.clone();
    // First: nothing of the pair is carried out between the two.
    engine.schedule().looks.insert(operation.pair);
    execute::moved(engine, operation, state, operation.attempts, failure, Reading::default()).await
}
