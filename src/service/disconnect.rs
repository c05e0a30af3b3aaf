//! Taking a connection out again. Records stay where they are on both sides, and so do the links and the ledger here;
//! what the connection signs in with is removed.

use std::collections::BTreeMap;

use serde_json::json;

use super::{App, acts, caller::Caller, error::ServiceError, fault, names, set_up};
use crate::{
    domain::{
        client::Client,
        failure::Side,
        ids::{ClientId, ConnectionId, WorkspaceId},
        pair::{Health, SyncState},
        view::{
            disconnect::{DisconnectRow, DisconnectView},
            form::FormView,
        },
        workspace::{Mode, Workspace},
    },
    store::{Installation, SecretOwner, SecretSource},
};

/// The field in which the connection's name is repeated.
pub const NAME: &str = "name";

/// The name and side of a connection.
fn named(installation: &Installation, id: ConnectionId) -> Result<(String, Side), ServiceError> {
    let microsoft =
        installation.microsoft.iter().find(|one| one.id == id).map(|one| (one.name.clone(), Side::Sentinel));
    let halo = || installation.halo.iter().find(|one| one.id == id).map(|one| (one.name.clone(), Side::Halo));
    microsoft.or_else(halo).ok_or(ServiceError::NotFound)
}

/// Clients whose tickets are in a Halo instance.
fn bound(installation: &Installation, id: ConnectionId) -> impl Iterator<Item = &Client> {
    installation.clients.iter().filter(move |client| client.halo.as_ref().is_some_and(|halo| halo.connection == id))
}

/// Workspaces that are read through a connection, or whose tickets are written through it.
fn workspaces(installation: &Installation, id: ConnectionId) -> Vec<&Workspace> {
    let through = |workspace: &&Workspace| {
        workspace.connection == id || bound(installation, id).any(|client| client.id == workspace.client)
    };
    installation.workspaces.iter().filter(through).collect()
}

/// What would end and what would stay.
///
/// # Errors
/// `Forbidden`, `NotFound`; it cannot be read.
pub async fn view(app: &App, caller: &Caller, id: ConnectionId) -> Result<DisconnectView, ServiceError> {
    set_up::allowed(caller)?;
    let installation = app.installation().await?;
    let (name, side) = named(&installation, id)?;
    let counted = app.store.counters(&caller.scope).await.map_err(|e| fault("count pairs", &e))?;
    let mut pairs: BTreeMap<WorkspaceId, (u64, u64)> = BTreeMap::new();
    for count in counted {
        let (all, waiting) = pairs.entry(count.workspace).or_default();
        *all += names::count(count.pairs);
        if (count.sync, count.health) != (SyncState::InStep, Health::Healthy) {
            *waiting += names::count(count.pairs);
        }
    }
    let secrets = app.store.secret_sources(SecretOwner::Connection(id)).await.map_err(|e| fault("read secrets", &e))?;
    let row = |workspace: &&Workspace| {
        let (pairs, waiting) = pairs.get(&workspace.id).copied().unwrap_or_default();
        DisconnectRow {
            id: workspace.id,
            name: workspace.name.clone(),
            client: names::client(&installation, workspace.client),
            client_id: workspace.client,
            pairs,
            waiting,
        }
    };
    Ok(DisconnectView {
        id,
        name,
        side,
        sealed: secrets.iter().any(|secret| secret.source == SecretSource::Sealed),
        workspaces: workspaces(&installation, id).iter().map(row).collect(),
        form: FormView::default(),
    })
}

/// Takes a connection out: a Microsoft connection with its workspaces; of a Halo connection the clients lose their place
/// in Halo, and their workspaces are switched off. Its secrets and tokens are removed with it.
///
/// # Errors
/// `Invalid` when the name does not match; `Forbidden`, `NotFound`; it cannot be recorded. Nothing has changed then.
pub async fn take_out(app: &App, caller: &Caller, id: ConnectionId, typed: &str) -> Result<(), ServiceError> {
    set_up::allowed(caller)?;
    let installation = app.installation().await?;
    let (name, side) = named(&installation, id)?;
    if typed.trim() != name {
        let problem = format!("Enter the connection's name, {name}, to confirm. Nothing was changed.");
        return Err(ServiceError::invalid(NAME, problem));
    }
    let now = app.clock.now();
    let concerned = workspaces(&installation, id);
    let detail = |client: Option<ClientId>| {
        let told = concerned.iter().filter(|workspace| client.is_none_or(|client| workspace.client == client));
        json!({ "connection": name, "workspaces": told.map(|workspace| workspace.name.as_str()).collect::<Vec<_>>() })
    };
    let mut clients: Vec<_> = concerned.iter().map(|workspace| workspace.client).collect();
    clients.extend(bound(&installation, id).map(|client| client.id));
    clients.sort();
    clients.dedup();
    let failed = |error| fault("take a connection out", &error);
    let mut tx = app.store.begin().await.map_err(failed)?;
    for workspace in &concerned {
        if side == Side::Sentinel {
            tx.remove_workspace(workspace.id).await.map_err(failed)?;
        } else {
            tx.put_workspace(&Workspace { mode: Mode::Off, ..(*workspace).clone() }).await.map_err(failed)?;
        }
    }
    for client in bound(&installation, id) {
        tx.put_client(&Client { halo: None, ..client.clone() }).await.map_err(failed)?;
    }
    tx.remove_connection(id).await.map_err(failed)?;
    tx.record(now, None, acts::act(caller, "disconnect", None, detail(None))).await.map_err(failed)?;
    // Nobody reads another client's names in their own client's ledger.
    for client in clients.into_iter().map(Some) {
        tx.record(now, client, acts::act(caller, "disconnect", None, detail(client))).await.map_err(failed)?;
    }
    tx.commit().await.map_err(failed)?;
    set_up::version(app, caller).await
}
