//! Pairs whose ticket is not made yet when their workspace is given to another client, or its client to another place in
//! Halo: no ticket is made at the former place. The incident is judged anew, as one of the client in force. Where that is
//! the same client, what let it through before (a backfill, a person, a filter of that time) is not asked again.

use crate::{
    domain::{pause::PauseScope, reason::Reason, run::RunCause},
    ledger::fact::Fact,
    planner,
    store::{SituationRow, StoreError},
};

use super::{Engine, known::Known};

/// Whether the pair waits at a place that its workspace's client does not have any more, and may leave it: what is paused of
/// that place alone does not hold it there.
pub(super) fn is(engine: &Engine, row: &SituationRow) -> bool {
    let (view, pair) = (engine.registry.view(), &row.pair);
    let Some((workspace, client, _)) = view.of_workspace(pair.workspace) else { return false };
    if !planner::plan::homeless(client, pair) {
        return false;
    }
    let halo = client.halo.as_ref().map(|halo| halo.connection);
    let held = engine.schedule().pauses.iter().any(|pause| match pause.scope {
        PauseScope::Pair { id } => id == pair.id,
        PauseScope::Client { id } => id == pair.client && id == client.id,
        PauseScope::Connection { id } => id == workspace.connection || id == pair.halo && halo == Some(id),
    });
    !held
}

/// Takes the pair apart, and has its incident judged with the next poll, which is made at once.
pub(super) async fn begin_anew(engine: &Engine, known: &Known) -> Result<(), StoreError> {
    let pair = &known.row.pair;
    let _lane = engine.lanes.pair(pair.id).await;
    if known.moved(engine) {
        engine.schedule().pairs.insert(pair.id);
        return Ok(());
    }
    let view = engine.registry.view();
    let same = view.of_workspace(pair.workspace).is_some_and(|(_, client, _)| client.id == pair.client);
    let reason = if same {
        Reason::Rehomed { reference: pair.reference.clone(), blocked: None }
    } else {
        Reason::ClientNotBound
    };
    let unlinked = Fact::Unlinked { pair: pair.id, workspace: pair.workspace, incident: pair.incident.clone(), reason };
    engine.record(engine.now(), Some(pair.client), vec![unlinked]).await?;
    if let Some(standing) = engine.schedule().workspaces.get_mut(&pair.workspace) {
        standing.judge_anew = true;
    }
    engine.poke_workspace(pair.workspace, RunCause::Schedule);
    Ok(())
}
