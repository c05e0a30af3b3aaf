//! Connections and workspaces, and whether each can be used.

use super::{
    App, caller::Caller, engine_handle::EngineStatus, error::ServiceError, fault, intake, log_checks, names,
    pauses::Paused, runs,
};
use crate::{
    domain::{
        account::Scope,
        connection::{HaloConnection, MicrosoftConnection},
        delivery::DeliverySource,
        failure::{Failure, Side},
        ids::{ClientId, ConnectionId, WorkspaceId},
        pause::PauseScope,
        run::RunScope,
        view::{
            connections::{
                BudgetView, ConnectionHealth, ConnectionsView, HaloRow, MicrosoftRow, SecretSource, WorkspaceRow,
            },
            list::Listed,
            pause::PauseView,
        },
        workspace::Mode,
    },
    engine::registry::REFRESH_TOKEN,
    store::{self, Installation, SecretOwner, SecretStanding},
};

/// Budgets count calls in a rolling window of this many seconds.
const WINDOW_SECS: u32 = 300;

/// Where the console is reached.
pub struct Addresses {
    /// Without a trailing slash.
    pub public: String,
    /// Where Microsoft must send people back to.
    pub redirect_uri: String,
}

/// The page's view, and the authorities its sign-in forms lead to. Connections serve many clients: who
/// sees only some clients sees their workspaces alone.
///
/// # Errors
/// The store cannot be read.
pub async fn view(
    app: &App,
    caller: &Caller,
    addresses: &Addresses,
) -> Result<(ConnectionsView, Vec<String>), ServiceError> {
    let installation = app.installation().await?;
    let status = app.engine.status();
    let paused = Paused::now(app).await?;
    let logs = log_checks::rows(app, &installation, &caller.scope).await?;
    let mut view = ConnectionsView {
        microsoft: Vec::new(),
        halo: Vec::new(),
        workspaces: workspaces(app, caller, addresses, (&installation, &paused), &status),
        from: String::new(),
        pauses: alone(caller, &installation, &paused),
        redirect_uri: addresses.redirect_uri.clone(),
    };
    for log in logs {
        if let Some(row) = view.workspaces.iter_mut().find(|row| row.id == log.workspace) {
            row.log = log.check;
        }
    }
    if caller.scope != Scope::All {
        return Ok((view, Vec::new()));
    }
    let mut authorities = Vec::new();
    for connection in &installation.microsoft {
        if connection.identity.delegated() {
            authorities.push(connection.endpoints.authority.clone());
        }
        let mut row = microsoft(app, &installation, &status, connection).await?;
        row.pauses = paused.of(caller, &installation, PauseScope::Connection { id: connection.id });
        view.microsoft.push(row);
    }
    for connection in &installation.halo {
        let secrets = standings(app, connection.id).await?;
        let mut row = halo(app, addresses, &status, connection, &secrets);
        row.pauses = paused.of(caller, &installation, PauseScope::Connection { id: connection.id });
        view.halo.push(row);
    }
    Ok((view, authorities))
}

/// Adds how far each Halo instance was read, and each workspace on the page of them that is shown.
///
/// # Errors
/// The store cannot be read.
pub async fn add_read_up_to(app: &App, view: &mut ConnectionsView) -> Result<(), ServiceError> {
    let listed = Listed::window(&view.workspaces, &view.from, |row: &WorkspaceRow| row.id.to_string());
    let shown: Vec<WorkspaceId> = listed.rows.iter().map(|row| row.id).collect();
    for row in view.workspaces.iter_mut().filter(|row| shown.contains(&row.id)) {
        row.read_up_to = runs::read_up_to(app, RunScope::Workspace { id: row.id }).await?;
    }
    for row in &mut view.halo {
        row.read_up_to = runs::read_up_to(app, RunScope::Halo { id: row.id }).await?;
    }
    Ok(())
}

/// Pauses of clients within the caller's scope that have no workspace (any more): no row shows them.
fn alone(caller: &Caller, installation: &Installation, paused: &Paused) -> Vec<PauseView> {
    let has_workspace = |client: ClientId| installation.workspaces.iter().any(|row| row.client == client);
    let clients = installation.clients.iter().map(|client| client.id);
    clients
        .filter(|client| caller.scope.allows(Some(*client)) && !has_workspace(*client))
        .flat_map(|client| paused.of(caller, installation, PauseScope::Client { id: client }))
        .collect()
}

async fn standings(app: &App, connection: ConnectionId) -> Result<Vec<SecretStanding>, ServiceError> {
    let owner = SecretOwner::Connection(connection);
    app.store.secret_sources(owner).await.map_err(|e| fault("read where secrets are", &e))
}

fn source(standings: &[SecretStanding], name: &str) -> SecretSource {
    match standings.iter().find(|standing| standing.name == name).map(|standing| &standing.source) {
        Some(store::SecretSource::Sealed) => SecretSource::Sealed,
        Some(store::SecretSource::Env(name)) => SecretSource::Environment { name: name.clone() },
        Some(store::SecretSource::File(path)) => SecretSource::File { path: path.clone() },
        None => SecretSource::None,
    }
}

/// Of several sources read through one connection: the newest success, and the newest failure after which
/// nothing went well, of this side alone where one is given.
fn health(status: &EngineStatus, scopes: &[RunScope], side: Option<Side>) -> ConnectionHealth {
    let rows = || status.scopes.iter().filter(|row| scopes.contains(&row.scope));
    let failures = rows().filter_map(|row| row.last_failure.as_ref());
    let failed = failures.filter(|(_, failure)| side.is_none_or(|side| failure.side == side)).max_by_key(|(at, _)| *at);
    ConnectionHealth {
        last_success: rows().filter_map(|row| row.last_success).max(),
        failure: failed.map(|(_, failure)| failure.clone()),
        failed_at: failed.map(|(at, _)| *at),
        next: rows().filter_map(|row| row.next_due).min(),
    }
}

async fn microsoft(
    app: &App,
    installation: &Installation,
    status: &EngineStatus,
    connection: &MicrosoftConnection,
) -> Result<MicrosoftRow, ServiceError> {
    let standings = standings(app, connection.id).await?;
    let secret =
        if connection.identity.by_certificate() { super::sign_in::CERTIFICATE } else { super::sign_in::CLIENT_SECRET };
    let person = super::sign_in::person(app, connection.id).await?;
    let signed_in = standings.iter().find(|standing| standing.name == REFRESH_TOKEN);
    let signed_in = signed_in.filter(|_| connection.identity.delegated());
    let scopes: Vec<RunScope> = installation
        .workspaces
        .iter()
        .filter(|workspace| workspace.connection == connection.id)
        .map(|workspace| RunScope::Workspace { id: workspace.id })
        .collect();
    // A workspace may wait for Halo, which says nothing of this connection.
    let mut health = health(status, &scopes, Some(Side::Sentinel));
    let read = |scope: RunScope| {
        let mut on = installation.workspaces.iter().filter(|row| row.mode != Mode::Off);
        on.any(|row| row.connection == connection.id && scope == RunScope::Workspace { id: row.id })
    };
    health.next = status.scopes.iter().filter(|row| read(row.scope)).filter_map(|row| row.next_due).min();
    if health.failure.is_none() && super::sign_in::challenge(app, connection.id).await?.is_some() {
        // reading goes well and writing is refused
        health.failure = Some(super::sign_in::challenged());
    }
    let budgets = status
        .budgets
        .iter()
        .filter(|budget| budget.side == Side::Sentinel && budget.connection == connection.id)
        .map(|budget| BudgetView {
            name: match &budget.subscription {
                Some(id) => format!("Azure subscription {id}"),
                None => connection.name.clone(),
            },
            used: budget.limit.saturating_sub(budget.remaining),
            allowed: budget.limit,
            window_secs: WINDOW_SECS,
            free_at: budget.waits_until,
        })
        .collect();
    Ok(MicrosoftRow {
        id: connection.id,
        name: connection.name.clone(),
        tenant: connection.tenant_id.clone(),
        oauth_client_id: connection.oauth_client_id.clone(),
        identity: connection.identity,
        signed_in: signed_in.map(|_| person.unwrap_or_else(|| "somebody".to_owned())),
        signed_in_at: match signed_in {
            Some(_) => super::sign_in::signed_in_at(app, connection.id).await?,
            None => None,
        },
        secret: source(&standings, secret),
        secret_ends: connection.secret_expires.map(|day| day.to_string()).zip(connection.secret_days(app.clock.now())),
        secret_warning: connection.secret_warning(app.clock.now()),
        permissions: match signed_in {
            Some(_) => super::permissions::rows(app, connection.id).await?,
            None => Vec::new(),
        },
        tested: super::connection_tests::last(app, connection.id).await?,
        health,
        pauses: Vec::new(),
        budgets,
    })
}

fn refused(app: &App, source: DeliverySource) -> Option<(String, jiff::Timestamp)> {
    intake::turned_away(app, source).map(|turned| (turned.words().to_owned(), turned.at))
}

fn halo(
    app: &App,
    addresses: &Addresses,
    status: &EngineStatus,
    connection: &HaloConnection,
    secrets: &[SecretStanding],
) -> HaloRow {
    let budget = status.budgets.iter().find(|row| row.side == Side::Halo && row.connection == connection.id);
    HaloRow {
        id: connection.id,
        name: connection.name.clone(),
        product: connection.product,
        address: connection.resource_server.clone(),
        oauth_client_id: connection.oauth_client_id.clone(),
        secret: source(secrets, super::sign_in::CLIENT_SECRET),
        health: health(status, &[RunScope::Halo { id: connection.id }], None),
        read_up_to: None,
        pauses: Vec::new(),
        budget: budget.map(|budget| BudgetView {
            name: connection.name.clone(),
            used: budget.limit.saturating_sub(budget.remaining),
            allowed: budget.limit,
            window_secs: WINDOW_SECS,
            free_at: budget.waits_until,
        }),
        poll_secs: connection.poll_secs,
        webhook: (connection.webhook && secrets.iter().any(|standing| standing.name == intake::SECRET))
            .then(|| format!("{}/hooks/halo/{}", addresses.public, connection.id)),
        webhook_refused: refused(app, DeliverySource::Halo { connection: connection.id }),
    }
}

fn workspaces(
    app: &App,
    caller: &Caller,
    addresses: &Addresses,
    (installation, paused): (&Installation, &Paused),
    status: &EngineStatus,
) -> Vec<WorkspaceRow> {
    let mut rows: Vec<WorkspaceRow> = installation
        .workspaces
        .iter()
        .filter(|workspace| caller.scope.allows(Some(workspace.client)))
        .map(|workspace| {
            let connected = installation.connected(workspace.id);
            let mut health = health(status, &[RunScope::Workspace { id: workspace.id }], None);
            health.next = health.next.filter(|_| workspace.mode != Mode::Off);
            if health.failure.is_none()
                && let Some(failure) = paused.sign_in_refused(workspace.connection)
            {
                // it was read before the sign-in ended, and is not any more
                let message = "The sign-in of its connection is refused.".to_owned();
                health.failure = Some(Failure { message, ..failure.clone() });
            }
            WorkspaceRow {
                id: workspace.id,
                name: workspace.name.clone(),
                client: names::client(installation, workspace.client),
                client_id: workspace.client,
                client_bound: connected.as_ref().is_some_and(|row| row.client.halo.is_some()),
                connection: names::connection(installation, workspace.connection),
                policy: connected.as_ref().map(|row| row.policy.name.clone()).unwrap_or_default(),
                mode: workspace.mode,
                shadow: workspace.shadows(),
                since: workspace.since,
                poll_secs: workspace.poll_secs,
                poll_fast_secs: workspace.poll_fast_secs.min(workspace.poll_secs),
                webhook: workspace.webhook.then(|| format!("{}/hooks/sentinel/{}", addresses.public, workspace.id)),
                webhook_refused: refused(
                    app,
                    DeliverySource::Sentinel { workspace: workspace.id, client: workspace.client },
                ),
                health,
                read_up_to: None,
                log: None,
                pauses: paused.of(caller, installation, PauseScope::Client { id: workspace.client }),
            }
        })
        .collect();
    rows.sort_by_key(|row| (row.client.to_lowercase(), row.name.to_lowercase()));
    rows
}
