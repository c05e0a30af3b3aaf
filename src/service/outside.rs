//! Adapters for use cases that ask the outside themselves: tests, forecasts and set-up. The engine has its own.

use std::sync::Arc;

use secrecy::SecretString;

use super::{App, NetworkFor, error::ServiceError, fault};
use crate::{
    domain::{
        connection::{HaloConnection, MicrosoftConnection},
        failure::Failure,
        view::probe::Line,
        workspace::Workspace,
    },
    engine::{Registry, Transports},
    halo_itsm::Halo,
    outbound::{Transport, budget::Budget},
    sentinel::{Place, Sentinel},
    store::{SecretOwner, StoreError},
};

/// The program's way out, as the registry of adapters wants it.
struct Ways(NetworkFor);

impl Transports for Ways {
    fn microsoft(&self, connection: &MicrosoftConnection) -> Result<Arc<dyn Transport>, String> {
        (self.0)(connection.allow_insecure).map_err(|failure| failure.message)
    }

    fn halo(&self, connection: &HaloConnection) -> Result<Arc<dyn Transport>, String> {
        (self.0)(connection.allow_insecure).map_err(|failure| failure.message)
    }
}

/// A Halo instance by what was typed: with the engine's token where that signs in alike, else with one of its own.
pub(super) fn halo(app: &App, connection: HaloConnection, secret: SecretString) -> Result<Halo, Failure> {
    let transport = (app.network)(connection.allow_insecure)?;
    let budget = budget(app, &connection);
    let halo = Halo::new(connection, secret, transport, Arc::clone(&app.clock), budget);
    Ok(match app.engine.token_lanes() {
        Some(lanes) => halo.sharing(&lanes),
        None => halo,
    })
}

/// A Halo instance that is set up, with its kept secret.
///
/// # Errors
/// The store cannot be read; or, inside, why it cannot be asked.
pub(super) async fn kept_halo(app: &App, connection: &HaloConnection) -> Result<Arc<Halo>, Failure> {
    // The engine's, with its token, once it knows what is set up now: a secret may have been changed a moment ago.
    let newest = app.installation().await.ok().map(|installation| installation.version);
    let engines = app.engine.halo(connection).filter(|_| newest.is_some() && newest == app.engine.configuration());
    match engines {
        Some(halo) => Ok(halo),
        None => registry(app).build_halo(connection, budget(app, connection)).await,
    }
}

/// The budget of the instance that a connection leads to: the engine's, where it knows the instance.
pub(super) fn budget(app: &App, connection: &HaloConnection) -> Arc<Budget> {
    app.engine.halo_budget(connection).unwrap_or_else(|| Budget::halo(connection.requests_per_5min))
}

/// Adapters for what is stored, apart from the engine's but within its budgets and with its tokens.
pub(super) fn registry(app: &App) -> Registry {
    let made = Registry::new(app.store.clone(), Arc::clone(&app.clock), Arc::clone(&app.ids), ways(app));
    made.sharing(app.engine.subscriptions(), app.engine.token_lanes())
}

/// A Microsoft connection that is set up, with its kept secret or sign-in.
///
/// # Errors
/// Why it cannot be asked.
pub(super) async fn sentinel(app: &App, connection: &MicrosoftConnection) -> Result<Arc<Sentinel>, Failure> {
    registry(app).build_sentinel(connection).await
}

fn ways(app: &App) -> Arc<dyn Transports> {
    Arc::new(Ways(Arc::clone(&app.network)))
}

/// Where a workspace lies; `None` when its ARM id cannot be read.
pub(super) fn place(workspace: &Workspace) -> Option<Place> {
    Some(Place { tenant: workspace.tenant_id.clone(), workspace: workspace.address()? })
}

/// A kept secret; inside, as a line at `field`, why one that lies elsewhere cannot be read there.
///
/// # Errors
/// The store cannot be read.
pub(super) async fn kept_secret(
    app: &App,
    owner: SecretOwner,
    name: &str,
    field: &str,
) -> Result<Result<Option<SecretString>, Line>, ServiceError> {
    match app.store.secret(owner, name).await {
        Ok(secret) => Ok(Ok(secret)),
        Err(error @ (StoreError::Secret(_) | StoreError::Key(_))) => {
            let fix = "Put it right there, or enter the secret anew, then try it again.";
            Ok(Err(Line::fault(field, error.to_string(), fix)))
        }
        Err(error) => Err(fault("read a kept secret", &error)),
    }
}
