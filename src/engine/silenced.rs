//! Pairs that nobody reads any more: their workspace was switched off, or it or its connection was taken out. They say so,
//! instead of what they said when they were last read.

use crate::{
    domain::{
        ids::WorkspaceId,
        pair::{Health, PairState, SyncState},
        reason::Reason,
        workspace::Mode,
    },
    ledger::fact::Fact,
    planner::observed::Reading,
    store::{SituationRow, StoreError},
};

use super::{Engine, digest, registry::View};

/// Pairs planned at once.
const ROWS: u32 = 200;

/// Plans the open pairs of workspaces that were read before and are not now; of all that are off, when a process begins.
pub(super) async fn say(engine: &Engine, before: Option<&View>) -> Result<(), StoreError> {
    let view = engine.registry.view();
    let read = |view: &View, id: &WorkspaceId| view.workspaces.get(id).is_some_and(|one| one.mode != Mode::Off);
    let known = before.unwrap_or(&view);
    let silent = |id: &&WorkspaceId| !read(&view, id) && before.is_none_or(|before| read(before, id));
    for workspace in known.workspaces.keys().filter(silent) {
        let mut after = None;
        loop {
            let pairs = engine.store.open_pairs_of_workspace(*workspace, after, ROWS).await?;
            let Some(last) = pairs.last() else { break };
            after = Some(last.id);
            for pair in &pairs {
                digest::pair(engine, pair.id, Vec::new(), Reading::default()).await?;
            }
        }
    }
    Ok(())
}

/// What is to be said of a pair whose workspace or Halo instance is not configured any more.
pub(super) fn judged(row: &SituationRow) -> Vec<Fact> {
    let pair = &row.pair;
    let state = PairState {
        sync: SyncState::Unknown,
        health: Health::Healthy,
        reason: Some(Reason::ModeOff),
        further: Vec::new(),
    };
    let before =
        PairState { sync: pair.sync, health: pair.health, reason: pair.reason.clone(), further: pair.further.clone() };
    if before == state { Vec::new() } else { vec![Fact::PairJudged { pair: pair.id, state }] }
}
