//! A server's word to wait outlives the process: asked before its time, it would only prolong the wait.

use crate::{
    domain::{
        account::Scope,
        failure::{Failure, FailureKind, Side},
        run::RunScope,
    },
    store::StoreError,
};

use super::Engine;

/// Takes up the times that were named to the process before this one, as its last runs tell them.
pub(super) async fn again(engine: &Engine) -> Result<(), StoreError> {
    let (now, view) = (engine.now(), engine.registry.view());
    for last in engine.store.last_runs(&Scope::All, true).await? {
        let Some(Failure { kind: FailureKind::WaitUntil { at }, side, .. }) = last.run.failure else { continue };
        // Nobody is obeyed for longer than an hour: what lies further ahead was told to a clock that was ahead.
        if at <= now || at.duration_since(now) > jiff::SignedDuration::from_hours(1) {
            continue;
        }
        let budget = match last.run.scope {
            RunScope::Halo { id } => engine.registry.halo_budget(id),
            // Halo's word, told to a poll that looked something up there, binds nobody who asks Azure.
            RunScope::Workspace { id } if side == Side::Halo => view
                .of_workspace(id)
                .and_then(|(_, client, _)| engine.registry.halo_budget(client.halo.as_ref()?.connection)),
            RunScope::Workspace { id } => view.of_workspace(id).and_then(|(workspace, ..)| {
                let writes = view.microsoft.get(&workspace.connection)?.writes_per_5min;
                Some(engine.registry.subscriptions().of(&workspace.address()?.subscription, writes))
            }),
        };
        if let Some(budget) = budget {
            budget.told_to_wait(now, at);
        }
    }
    Ok(())
}
