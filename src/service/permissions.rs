//! What was consented to for a connection that a person signs in for: what Microsoft's answers told, and nothing else.

use std::time::Duration;

use jiff::Timestamp;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use super::{App, error::ServiceError, fault, sign_in};
use crate::{
    domain::{
        connection::MicrosoftConnection,
        failure::{Failure, FailureKind, Side},
        ids::ConnectionId,
        view::permission::{Consent, Permission, PermissionRow},
    },
    engine::registry::REFRESH_TOKEN,
    entra::{Resource, delegated, error::of_consent},
    store::{SecretOwner, StoreError},
};

/// Who signs in or tests waits no longer for what Microsoft says of the logs.
const WITHIN: Duration = Duration::from_secs(5);

/// What came of asking for a token of the logs, as kept.
#[derive(Serialize, Deserialize)]
struct Asked {
    at: Timestamp,
    consent: Consent,
    says: String,
}

/// The setting that holds what came of asking for a token of the logs.
pub(super) fn setting(connection: ConnectionId) -> String {
    format!("consented-logs/{connection}")
}

/// Whether one of the scopes is this permission.
fn named(scopes: &[String], permission: Permission) -> bool {
    let end = |scope: &String| scope.rsplit('/').next().is_some_and(|end| end.eq_ignore_ascii_case(permission.scope()));
    scopes.iter().any(end)
}

/// Asks Microsoft for a token of the logs with what the person's sign-in left here, and keeps what it said: the token of
/// the sign-in itself is for Azure alone. Nothing is asked where nobody has signed in, and no answer in time is kept as that.
///
/// # Errors
/// The store cannot be read or written.
pub async fn ask(app: &App, connection: &MicrosoftConnection) -> Result<(), ServiceError> {
    let token = match app.store.secret(SecretOwner::Connection(connection.id), REFRESH_TOKEN).await {
        Ok(Some(token)) => token,
        // what cannot be opened is said where the connection is used
        Ok(None) | Err(StoreError::Secret(_) | StoreError::Key(_)) => return Ok(()),
        Err(error) => return Err(fault("read a sign-in with Microsoft", &error)),
    };
    let answered = match tokio::time::timeout(WITHIN, answer(app, connection, &token)).await {
        Ok(answered) => answered?,
        Err(_) => {
            let words = format!("Microsoft had not answered after {} seconds.", WITHIN.as_secs());
            Err(Failure::new(Side::Sentinel, FailureKind::Transient, words))
        }
    };
    let (consent, says) = match answered {
        // an answer that leaves the scopes out gives what was asked for (RFC 6749, 5.1)
        Ok(scopes) if scopes.is_empty() || named(&scopes, Permission::Logs) => (Consent::Given, String::new()),
        Ok(_) => (Consent::Missing, "Microsoft gave a token without it.".to_owned()),
        Err(failure) if of_consent(&failure) => (Consent::Missing, failure.message),
        Err(failure) => (Consent::Unknown, failure.message),
    };
    let asked = Asked { at: app.clock.now(), consent, says };
    let text = serde_json::to_string(&asked).map_err(|e| ServiceError::internal("keep what was consented to", &e))?;
    let doing = |e: StoreError| fault("keep what was consented to", &e);
    let mut tx = app.store.begin().await.map_err(doing)?;
    tx.put_setting(&setting(connection.id), Some(&text)).await.map_err(doing)?;
    tx.commit().await.map_err(doing)
}

async fn answer(
    app: &App,
    connection: &MicrosoftConnection,
    token: &SecretString,
) -> Result<Result<Vec<String>, Failure>, ServiceError> {
    let registration = match sign_in::registration(app, connection).await? {
        Ok(registration) => registration,
        Err(failure) => return Ok(Err(failure)),
    };
    let transport = match (app.network)(connection.allow_insecure) {
        Ok(transport) => transport,
        Err(failure) => return Ok(Err(failure)),
    };
    let tenant = &connection.tenant_id;
    let (clock, ids) = (&*app.clock, &*app.ids);
    Ok(delegated::granted(&registration, tenant, Resource::LogAnalytics, token, transport, clock, ids).await)
}

/// The three permissions of a connection that somebody signed in for.
///
/// # Errors
/// The store cannot be read.
pub async fn rows(app: &App, connection: ConnectionId) -> Result<Vec<PermissionRow>, ServiceError> {
    let scopes = sign_in::consented(app, connection).await?;
    let since = sign_in::signed_in_at(app, connection).await?;
    let kept = app.store.setting(&setting(connection)).await;
    let kept = kept.map_err(|e| fault("read what was consented to", &e))?;
    let logs: Option<Asked> = kept.and_then(|text| serde_json::from_str(&text).ok());
    let row = |permission: Permission| {
        let (consent, says, seen) = match permission {
            Permission::Azure if scopes.is_empty() => {
                (Consent::Unknown, "Microsoft's answer to the sign-in did not name what it gives.".to_owned(), since)
            }
            Permission::Azure if named(&scopes, permission) => (Consent::Given, String::new(), since),
            Permission::Azure => {
                (Consent::Missing, "Microsoft's answer to the sign-in does not name it.".to_owned(), since)
            }
            // without it there is no refresh token, and no sign-in is kept
            Permission::Offline => (Consent::Given, String::new(), since),
            Permission::Logs => match &logs {
                Some(asked) => (asked.consent, asked.says.clone(), Some(asked.at)),
                None => (Consent::Unknown, "Microsoft has not been asked for it since the sign-in.".to_owned(), None),
            },
        };
        PermissionRow { permission, consent, says, seen }
    };
    Ok(Permission::ALL.map(row).to_vec())
}
