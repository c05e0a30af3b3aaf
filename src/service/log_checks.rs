//! Comparing what workspaces' own logs name with what was read: asked for here or due once a day, carried out by [`Worker`],
//! and kept, so that pages tell what came of it.

mod worker;

use std::collections::{BTreeSet, HashMap};

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

pub use worker::Worker;

use super::{App, acts, caller::Caller, error::ServiceError, fault, names};
use crate::{
    domain::{
        account::{Role, Scope},
        ids::{IncidentId, WorkspaceId},
        log_check::{LogCheck, LogRow},
        workspace::{Mode, Workspace},
    },
    store::{Installation, StoreError},
};

/// Settings that hold what a comparison told, by workspace.
const CHECKS: &str = "log-check/";
/// Settings that hold that a person has asked for one.
const ASKED: &str = "log-check-asked/";
/// Incidents that the store is asked about at once.
const ABOUT: usize = 500;

/// What the program keeps in memory of them.
#[derive(Default)]
pub struct Desk {
    /// Tells the worker that somebody asks.
    news: tokio::sync::Notify,
}

/// A moment some time later.
fn later(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.checked_add(by).unwrap_or(at)
}

/// Asks that a workspace be compared with its log now.
///
/// # Errors
/// `Invalid` for a workspace that is not read, `Forbidden` for viewers, `NotFound` for foreign workspaces.
pub async fn ask(app: &App, caller: &Caller, workspace: WorkspaceId) -> Result<(), ServiceError> {
    caller.need(Role::Operator)?;
    let installation = app.installation().await?;
    let found = names::workspace(&installation, workspace).ok_or(ServiceError::NotFound)?;
    caller.see(found.client)?;
    if found.mode == Mode::Off {
        let problem =
            "The workspace is switched off: it is not read, so there is nothing to compare. Set its mode first.";
        return Err(ServiceError::invalid("workspace", problem));
    }
    let doing = |e: StoreError| fault("ask for a comparison with a log", &e);
    let now = app.clock.now();
    let act = acts::act(caller, "compare-log", None, json!({ "workspace": workspace.to_string() }));
    let mut tx = app.store.begin().await.map_err(doing)?;
    tx.record(now, Some(found.client), act).await.map_err(doing)?;
    tx.put_setting(&format!("{ASKED}{workspace}"), Some(&now.to_string())).await.map_err(doing)?;
    tx.commit().await.map_err(doing)?;
    app.kept.logs.news.notify_one();
    Ok(())
}

/// What the comparisons told, by workspace; what cannot be read any more counts as never made.
async fn kept(app: &App) -> Result<HashMap<WorkspaceId, LogCheck>, ServiceError> {
    let rows = app.store.settings_under(CHECKS).await.map_err(|e| fault("read comparisons with logs", &e))?;
    let read = |(name, text): (String, String)| {
        let id: WorkspaceId = name.strip_prefix(CHECKS)?.parse().ok()?;
        let check: LogCheck = serde_json::from_str(&text).ok()?;
        Some((id, check))
    };
    Ok(rows.into_iter().filter_map(read).collect())
}

/// Workspaces that somebody has asked for.
async fn asked(app: &App) -> Result<BTreeSet<WorkspaceId>, ServiceError> {
    let rows = app.store.settings_under(ASKED).await.map_err(|e| fault("read comparisons with logs", &e))?;
    Ok(rows.into_iter().filter_map(|(name, _)| name.strip_prefix(ASKED)?.parse().ok()).collect())
}

/// Keeps what a comparison told; with `done`, nobody waits for it any more. `None` forgets it.
async fn keep(app: &App, workspace: WorkspaceId, check: Option<&LogCheck>, done: bool) -> Result<(), ServiceError> {
    let text = check.map(serde_json::to_string).transpose();
    let text = text.map_err(|e| ServiceError::internal("keep a comparison with a log", &e))?;
    let doing = |e: StoreError| fault("keep a comparison with a log", &e);
    let mut tx = app.store.begin().await.map_err(doing)?;
    tx.put_setting(&format!("{CHECKS}{workspace}"), text.as_deref()).await.map_err(doing)?;
    if done {
        tx.put_setting(&format!("{ASKED}{workspace}"), None).await.map_err(doing)?;
    }
    tx.commit().await.map_err(doing)
}

/// Those of the incidents that are known by now.
async fn known(
    app: &App,
    workspace: WorkspaceId,
    incidents: &[IncidentId],
) -> Result<BTreeSet<IncidentId>, ServiceError> {
    let mut known = BTreeSet::new();
    for some in incidents.chunks(ABOUT) {
        let found = app.store.versions(workspace, some).await;
        known.extend(found.map_err(|e| fault("read which incidents are known", &e))?.into_keys());
    }
    Ok(known)
}

/// Takes out what is known by now: whatever was open ends by itself.
async fn settle(app: &App, workspace: WorkspaceId, check: &mut LogCheck) -> Result<(), ServiceError> {
    let ids: Vec<IncidentId> = check.unseen.iter().map(|one| one.id.clone()).collect();
    let known = known(app, workspace, &ids).await?;
    let before = check.unseen.len();
    check.unseen.retain(|one| !known.contains(&one.id));
    check.come += count(before - check.unseen.len());
    Ok(())
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

/// The workspaces within a scope that are read, each with what its last comparison told: those with something open first.
///
/// # Errors
/// The store cannot be read.
pub(super) async fn rows(app: &App, installation: &Installation, scope: &Scope) -> Result<Vec<LogRow>, ServiceError> {
    let (mut checks, asked) = (kept(app).await?, asked(app).await?);
    let seen = |workspace: &&Workspace| workspace.mode != Mode::Off && scope.allows(Some(workspace.client));
    let mut rows = Vec::new();
    for workspace in installation.workspaces.iter().filter(seen) {
        // What was told of a client's workspace is not told to the next client.
        let mut check = checks.remove(&workspace.id).filter(|check| check.client == workspace.client);
        if let Some(check) = check.as_mut().filter(|check| !check.unseen.is_empty()) {
            settle(app, workspace.id, check).await?;
        }
        rows.push(LogRow {
            workspace: workspace.id,
            name: workspace.name.clone(),
            client: names::client(installation, workspace.client),
            asked: asked.contains(&workspace.id),
            check,
        });
    }
    let well = |row: &LogRow| row.check.as_ref().is_none_or(LogCheck::well);
    rows.sort_by_cached_key(|row| (well(row), row.client.to_lowercase(), row.name.to_lowercase()));
    Ok(rows)
}
