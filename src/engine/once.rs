//! Running the engine without a server: units side by side, until nothing is due.

use std::sync::Arc;

use futures::{StreamExt as _, stream::FuturesUnordered};

use crate::{
    domain::{failure::Failure, run::RunScope},
    store::StoreError,
};

use super::Engine;

/// What one cycle came to.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Summary {
    /// Workspaces and instances there are.
    pub scopes: usize,
    /// Those of them that were read, to the end.
    pub read: usize,
    /// Those that could not be read, and why.
    pub failures: Vec<(RunScope, Failure)>,
    /// Operations carried out since it began.
    pub done: i64,
    /// Operations that wait for their time (a limit, a retry).
    pub waiting: i64,
    /// Dead letters in all.
    pub dead: i64,
}

/// Runs everything that is due, `side_by_side` units at once, until nothing is due and nothing runs.
///
/// # Errors
/// What the store says.
pub async fn until_idle(engine: &Arc<Engine>, side_by_side: usize) -> Result<(), StoreError> {
    let mut running = FuturesUnordered::new();
    loop {
        let free = side_by_side.max(1).saturating_sub(running.len());
        if free > 0 {
            // What runs goes on meanwhile: it may hold the very connections to the database that this waits for.
            let due = engine.due(free);
            tokio::pin!(due);
            let mut ended = false;
            let units = loop {
                tokio::select! {
                    biased;
                    units = &mut due => break units?,
                    Some(()) = running.next() => ended = true,
                }
            };
            for unit in units {
                let engine = Arc::clone(engine);
                running.push(async move { engine.run(unit).await });
            }
            if ended {
                // What has ended meanwhile may have brought more, by a later time than was asked with.
                continue;
            }
        }
        if running.next().await.is_none() {
            return Ok(());
        }
    }
}

/// One whole cycle: every workspace and instance is read, every queue carried out as far as it goes now.
///
/// # Errors
/// What the store says.
pub async fn once(engine: &Arc<Engine>, side_by_side: usize) -> Result<Summary, StoreError> {
    let began = engine.now();
    until_idle(engine, side_by_side).await?;
    let queued = engine.store.queue_counts().await?;
    let standings = engine.standings();
    // Without an instance's look-ups its workspaces are not read: that is no success.
    let unread = engine.without_look_ups().into_iter().map(|(id, _, failure)| (RunScope::Halo { id }, failure));
    let told = |scope: &RunScope| standings.iter().any(|s| s.scope == *scope && s.standing.last_failure.is_some());
    let unread: Vec<_> = unread.filter(|(scope, _)| !told(scope)).collect();
    Ok(Summary {
        scopes: standings.len(),
        read: standings.iter().filter(|s| s.standing.read_since(began)).count(),
        failures: standings
            .into_iter()
            .filter_map(|standing| Some((standing.scope, standing.standing.last_failure?.1)))
            .chain(unread)
            .collect(),
        done: engine.store.done_since(began).await?,
        waiting: queued.open,
        dead: queued.dead,
    })
}
