//! What waits to be carried out and is not carried any more: it is taken back.

use crate::{
    domain::operation::{Operation, OperationState},
    ledger::fact::Fact,
    planner::{self, observed::Reading},
    store::{SituationRow, StoreError},
};

use super::{Engine, digest, meanwhile};

/// Whether the workspace is still there, its mode carries this and the ticket is its client's: all of it may have
/// changed since it was planned.
pub(super) fn carried(engine: &Engine, row: &SituationRow, operation: &Operation) -> bool {
    let view = engine.registry.view();
    view.of_workspace(row.pair.workspace).is_some_and(|(workspace, client, _)| {
        let elsewhere = match row.pair.ticket {
            Some(_) => planner::plan::displaced(client, &row.pair),
            None => planner::plan::homeless(client, &row.pair),
        };
        planner::gate::carries(workspace.mode, &operation.kind) && !elsewhere
    })
}

/// Takes back what the mode does not carry, and plans anew.
pub(super) async fn run(engine: &Engine, row: &SituationRow, operation: &Operation) -> Result<(), StoreError> {
    let state = OperationState::Void { at: engine.now(), why: planner::taken_back::NOT_CARRIED.to_owned() };
    let (pair, attempts, failure) = (operation.pair, operation.attempts, operation.last_failure.clone());
    let mut facts = vec![Fact::OperationMoved { operation: operation.id, pair, state, attempts, failure }];
    let base = planner::taken_back::untold(&row.subject.incident, &row.pair.base, operation);
    facts.extend(base.map(|base| Fact::BaseAgreed { pair, base }));
    let grounds = meanwhile::grounds(row, &facts);
    digest::pair(engine, pair, facts, Reading { grounds, ..Reading::default() }).await
}
