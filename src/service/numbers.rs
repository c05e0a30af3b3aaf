//! Numbers for supervisors: no secrets, and names only when asked for.

use super::{App, engine_handle::EngineStatus, error::ServiceError, fault, intake};
use crate::domain::{
    account::Scope,
    pair::{Health, SyncState},
    run::RunScope,
};

/// What `GET /metrics` tells.
pub struct Numbers {
    /// The engine's own.
    pub engine: EngineStatus,
    /// Newest ledger entry.
    pub latest: i64,
    /// Webhooks not taken up yet.
    pub deliveries_waiting: i64,
    /// Age of the oldest of them, seconds.
    pub oldest_waiting_secs: i64,
    /// How long the most overdue operation has waited for its turn, seconds.
    pub queue_lag_secs: i64,
    /// Operations planned, being sent, or of unknown outcome.
    pub open: i64,
    /// Dead letters.
    pub dead: i64,
    /// What is read again and again, by name and client; asked for on its own.
    pub names: Vec<(RunScope, String, Option<String>)>,
    /// Webhooks since the start, by what became of them.
    pub webhooks: [(&'static str, u64); 4],
    /// Pairs by both axes of status.
    pub pairs: Vec<(SyncState, Health, i64)>,
}

/// Whether the database can be read.
pub async fn store_answers(app: &App) -> bool {
    app.store.latest_seq().await.inspect_err(|error| app.store.met(error)).is_ok()
}

/// Reads them; `named` says whether workspaces, clients and Halo instances are told by name.
///
/// # Errors
/// The store cannot be read.
pub async fn numbers(app: &App, named: bool) -> Result<Numbers, ServiceError> {
    let doing = |error: crate::store::StoreError| fault("read the numbers", &error);
    let now = app.clock.now();
    let (deliveries_waiting, oldest) = app.store.intake_backlog().await.map_err(doing)?;
    let next = app.store.next_ready().await.map_err(doing)?;
    let since = |at: jiff::Timestamp| now.duration_since(at).as_secs().max(0);
    let queue = app.store.queue_counts().await.map_err(doing)?;
    let mut pairs: Vec<(SyncState, Health, i64)> = Vec::new();
    let installation = app.installation().await?;
    for count in super::dashboard::counted(app, &installation, &Scope::All).await? {
        match pairs.iter_mut().find(|(sync, health, _)| (*sync, *health) == (count.sync, count.health)) {
            Some((.., pairs)) => *pairs += count.pairs,
            None => pairs.push((count.sync, count.health, count.pairs)),
        }
    }
    Ok(Numbers {
        engine: app.engine.status(),
        latest: app.store.latest_seq().await.map_err(doing)?.0,
        deliveries_waiting,
        oldest_waiting_secs: oldest.map_or(0, since),
        queue_lag_secs: next.map_or(0, since),
        open: queue.open,
        dead: queue.dead,
        names: if named { names(app).await? } else { Vec::new() },
        webhooks: intake::counts(app),
        pairs,
    })
}

async fn names(app: &App) -> Result<Vec<(RunScope, String, Option<String>)>, ServiceError> {
    let installation = app.installation().await?;
    let workspaces = installation.workspaces.iter().map(|row| {
        let client = super::names::client(&installation, row.client);
        (RunScope::Workspace { id: row.id }, row.name.clone(), Some(client))
    });
    let halo = installation.halo.iter().map(|row| (RunScope::Halo { id: row.id }, row.name.clone(), None));
    Ok(workspaces.chain(halo).collect())
}
