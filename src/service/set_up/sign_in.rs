//! Who signed in for which Microsoft connection, and how another administrator can consent.

use super::{Addresses, allowed, later};
use crate::{
    domain::{
        ids::ConnectionId,
        run::RunScope,
        view::set_up::{SignInRow, SignInStep, Step, StepState, TokenHealth},
    },
    engine::registry::REFRESH_TOKEN,
    entra::verdict::{SHOWN_THERE, verdict},
    service::{
        App, caller::Caller, engine_handle::EngineStatus, error::ServiceError, fault, pauses::Paused, permissions,
        sign_in,
    },
    store::{Installation, SecretOwner},
};

/// How far the step is.
pub async fn state(app: &App) -> Result<(StepState, String), ServiceError> {
    let installation = app.installation().await?;
    if installation.microsoft.is_empty() {
        return Ok(later(Step::Microsoft));
    }
    let paused = Paused::now(app).await?;
    let mut waiting = Vec::new();
    let mut people = Vec::new();
    for connection in &installation.microsoft {
        if !connection.identity.delegated() {
            continue;
        }
        if !signed_in(app, connection.id).await? {
            waiting.push(connection.name.clone());
        } else if sign_in::challenge(app, connection.id).await?.is_some() {
            return Ok((StepState::Failing, format!("{}: {}", connection.name, sign_in::challenged().message)));
        } else if let Some(failure) = paused.sign_in_refused(connection.id) {
            return Ok((StepState::Failing, format!("{}: {}", connection.name, failure.message)));
        } else if let Some(person) = sign_in::person(app, connection.id).await? {
            people.push(person);
        }
    }
    if let Some(name) = waiting.first() {
        let says = match waiting.len() {
            1 => format!("Nobody has signed in for {name} yet."),
            many => format!("Nobody has signed in for {many} connections yet."),
        };
        return Ok((StepState::Open, says));
    }
    Ok((StepState::Done, if people.is_empty() { "The app signs in by itself.".to_owned() } else { people.join(", ") }))
}

async fn signed_in(app: &App, connection: ConnectionId) -> Result<bool, ServiceError> {
    let kept = app.store.secret_sources(SecretOwner::Connection(connection)).await;
    let kept = kept.map_err(|e| fault("read where secrets are", &e))?;
    Ok(kept.iter().any(|secret| secret.name == REFRESH_TOKEN))
}

/// The page, and the authorities that its forms lead to.
///
/// # Errors
/// `Forbidden`; the store cannot be read.
pub async fn view(
    app: &App,
    caller: &Caller,
    addresses: &Addresses,
) -> Result<(SignInStep, Vec<String>), ServiceError> {
    allowed(caller)?;
    let installation = app.installation().await?;
    let status = app.engine.status();
    let paused = Paused::now(app).await?;
    let mut rows = Vec::new();
    for connection in &installation.microsoft {
        let kept = app.store.secret_sources(SecretOwner::Connection(connection.id)).await;
        let kept = kept.map_err(|e| fault("read where secrets are", &e))?;
        let token = kept.iter().find(|secret| secret.name == REFRESH_TOKEN);
        let delegated = connection.identity.delegated();
        let token = token.filter(|_| delegated);
        let person = sign_in::person(app, connection.id).await?;
        let challenged = sign_in::challenge(app, connection.id).await?.is_some();
        rows.push(SignInRow {
            id: connection.id,
            name: connection.name.clone(),
            tenant: connection.tenant_id.clone(),
            identity: connection.identity,
            signed_in: token.map(|_| person.unwrap_or_else(|| "somebody".to_owned())),
            signed_in_at: match token {
                Some(_) => sign_in::signed_in_at(app, connection.id).await?,
                None => None,
            },
            consent_url: crate::entra::sign_in::consent_address(
                connection,
                &addresses.redirect_uri,
                &connection.id.to_string(),
            )
            .ok()
            .map(|url| url.to_string()),
            permissions: match token {
                Some(_) => permissions::rows(app, connection.id).await?,
                None => Vec::new(),
            },
            health: health(&status, &installation, connection.id),
            failure: if challenged {
                Some(sign_in::challenged().message)
            } else {
                paused.sign_in_refused(connection.id).filter(|_| token.is_some()).map(|failure| failure.message.clone())
            },
        });
    }
    let authorities = installation.microsoft.iter().map(|row| row.endpoints.authority.clone()).collect();
    let codes =
        SHOWN_THERE.iter().map(|code| (format!("AADSTS{code}"), verdict("", "", &[*code]).1.to_owned())).collect();
    Ok((SignInStep { rows, redirect_uri: addresses.redirect_uri.clone(), codes }, authorities))
}

/// Of everything that is read through the connection: the newest success, and the next reading.
fn health(status: &EngineStatus, installation: &Installation, connection: ConnectionId) -> TokenHealth {
    let of = |scope: RunScope| {
        let mut workspaces = installation.workspaces.iter().filter(|row| row.connection == connection);
        workspaces.any(|row| scope == RunScope::Workspace { id: row.id })
    };
    let rows = || status.scopes.iter().filter(|row| of(row.scope));
    TokenHealth {
        used: rows().filter_map(|row| row.last_success).max(),
        next: rows().filter_map(|row| row.next_due).min(),
    }
}
