//! “Sign in with Microsoft” for a connection: where to send the browser, and what to keep of its return.

use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::json;
use subtle::ConstantTimeEq as _;

use super::{App, caller::Caller, error::ServiceError, fault};
pub use crate::entra::{error::number_in, sign_in::Returned};
use crate::{
    domain::{
        account::Role,
        connection::MicrosoftConnection,
        failure::{Failure, FailureKind, Side},
        ids::ConnectionId,
        run::RunCause,
    },
    engine::registry::{REFRESH_TOKEN, challenge_setting, signed_in_setting},
    entra::{
        AppRegistration, Credential, Refused,
        assertion::Certificate,
        sign_in::{self, Pending, Wanted},
    },
    ledger::fact::Fact,
    store::{SecretOwner, SecretSource},
};

/// Name of a connection's secret: the API application's, or the app registration's.
pub const CLIENT_SECRET: &str = "client_secret";
/// Name of the certificate (PEM).
pub const CERTIFICATE: &str = "certificate";
/// Name of its private key, where that stands apart from it.
pub const PRIVATE_KEY: &str = "private_key";
/// Seconds a begun sign-in may take (sentinel-api sheet 3.2).
const WITHIN_SECS: i64 = 15 * 60;

/// What is kept in the browser's session until it comes back.
#[derive(Clone, Serialize, Deserialize)]
pub struct PendingSignIn {
    connection: ConnectionId,
    begun_ms: i64,
    tenant: String,
    redirect_uri: String,
    state: String,
    nonce: String,
    verifier: String,
}

impl PendingSignIn {
    /// Whether an answer with this state is the answer to it.
    pub fn fits(&self, state: Option<&str>) -> bool {
        state.is_some_and(|state| bool::from(state.as_bytes().ct_eq(self.state.as_bytes())))
    }

    /// Whether it was begun too long ago to be finished.
    pub fn over(&self, now: Timestamp) -> bool {
        now.duration_since(crate::domain::time::from_ms(self.begun_ms)).as_secs() > WITHIN_SECS
    }
}

impl std::fmt::Debug for PendingSignIn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PendingSignIn").field("connection", &self.connection).finish_non_exhaustive()
    }
}

fn refused(words: &str) -> Failure {
    Failure::new(Side::Sentinel, FailureKind::SignInAgain, words)
}

/// What is said of an answer that belongs to none of the sign-ins that were begun here.
pub fn of_another() -> Failure {
    refused("The sign-in doesn't belong to this browser session. Start it again.")
}

/// Who signed in last for a connection, for display.
///
/// # Errors
/// The store cannot be read.
pub async fn person(app: &App, connection: ConnectionId) -> Result<Option<String>, ServiceError> {
    app.store.setting(&person_setting(connection)).await.map_err(|e| fault("read who signed in", &e))
}

/// When somebody last signed in for a connection. The token that is kept since is renewed with each use.
///
/// # Errors
/// The store cannot be read.
pub async fn signed_in_at(app: &App, connection: ConnectionId) -> Result<Option<Timestamp>, ServiceError> {
    let kept = app.store.setting(&signed_in_setting(connection)).await;
    Ok(kept.map_err(|e| fault("read when somebody signed in", &e))?.and_then(|text| text.parse().ok()))
}

/// What a delegated connection's next sign-in has to ask for, since a call was refused for want of it.
///
/// # Errors
/// The store cannot be read.
pub async fn challenge(app: &App, connection: ConnectionId) -> Result<Option<String>, ServiceError> {
    let read = app.store.setting(&challenge_setting(connection)).await;
    read.map_err(|e| fault("read what a sign-in has to ask for", &e))
}

/// How a kept challenge is shown.
pub fn challenged() -> Failure {
    refused("Azure asks for a stronger sign-in (second factor or policy). Sign in again.")
}

/// What was consented to at the last sign-in of a connection, as Microsoft named it.
///
/// # Errors
/// The store cannot be read.
pub async fn consented(app: &App, connection: ConnectionId) -> Result<Vec<String>, ServiceError> {
    let kept = app.store.setting(&consented_setting(connection)).await;
    let kept = kept.map_err(|e| fault("read what was consented to", &e))?;
    Ok(kept.unwrap_or_default().split_whitespace().map(str::to_owned).collect())
}

fn consented_setting(connection: ConnectionId) -> String {
    format!("consented/{connection}")
}

fn person_setting(connection: ConnectionId) -> String {
    format!("signed-in/{connection}")
}

async fn delegated(app: &App, connection: ConnectionId) -> Result<MicrosoftConnection, ServiceError> {
    let installation = app.installation().await?;
    let found = installation.microsoft.iter().find(|row| row.id == connection);
    let found = found.filter(|row| row.identity.delegated());
    found.cloned().ok_or(ServiceError::NotFound)
}

/// The app registration with its credential. A delegated app is a confidential client (sheet 3.1): it proves
/// itself by a certificate if it has one, else by its secret.
pub(super) async fn registration(
    app: &App,
    connection: &MicrosoftConnection,
) -> Result<Result<AppRegistration, Failure>, ServiceError> {
    let owner = SecretOwner::Connection(connection.id);
    let read = async |name: &str| match app.store.secret(owner, name).await {
        Ok(secret) => Ok(Ok(secret)),
        Err(error @ (crate::store::StoreError::Secret(_) | crate::store::StoreError::Key(_))) => {
            Ok(Err(refused(&error.to_string())))
        }
        Err(error) => Err(fault("read a connection's secret", &error)),
    };
    let credential = match read(CERTIFICATE).await? {
        Err(failure) => return Ok(Err(failure)),
        Ok(Some(pem)) => {
            let key = match read(PRIVATE_KEY).await? {
                Err(failure) => return Ok(Err(failure)),
                Ok(key) => key.map(|key| key.expose_secret().to_owned()).unwrap_or_default(),
            };
            match Certificate::from_pem(&SecretString::from(format!("{}\n{key}", pem.expose_secret()))) {
                Ok(certificate) => Credential::Certificate(certificate),
                Err(error) => {
                    return Ok(Err(refused(&format!("The connection's certificate can't be used: {error}."))));
                }
            }
        }
        Ok(None) => match read(CLIENT_SECRET).await? {
            Err(failure) => return Ok(Err(failure)),
            Ok(Some(secret)) => Credential::Secret(secret),
            Ok(None) => {
                return Ok(Err(refused(
                    "The app registration has no client secret or certificate here. Give the connection one, then sign in.",
                )));
            }
        },
    };
    Ok(Ok(AppRegistration {
        oauth_client_id: connection.oauth_client_id.clone(),
        credential,
        endpoints: connection.endpoints.clone(),
    }))
}

/// The address for the browser and what its session must keep; or why it cannot begin.
///
/// # Errors
/// `Forbidden`, `NotFound` for a connection that takes no person's sign-in.
pub async fn begin(
    app: &App,
    caller: &Caller,
    connection: ConnectionId,
    redirect_uri: &str,
) -> Result<Result<(String, PendingSignIn), Failure>, ServiceError> {
    caller.need(Role::Admin)?;
    caller.need_everything()?;
    let connection = delegated(app, connection).await?;
    let registration = match registration(app, &connection).await? {
        Ok(registration) => registration,
        Err(failure) => return Ok(Err(failure)),
    };
    let claims = challenge(app, connection.id).await?;
    let wanted = Wanted {
        tenant: &connection.tenant_id,
        redirect_uri,
        identity_only: false,
        log_analytics: true,
        claims: claims.as_deref(),
        login_hint: None,
    };
    Ok(sign_in::begin(&registration, &wanted, &*app.ids).map(|(address, pending)| {
        let kept = PendingSignIn {
            connection: connection.id,
            begun_ms: crate::domain::time::to_ms(app.clock.now()),
            tenant: pending.tenant,
            redirect_uri: pending.redirect_uri,
            state: pending.state.expose_secret().to_owned(),
            nonce: pending.nonce.expose_secret().to_owned(),
            verifier: pending.verifier.expose_secret().to_owned(),
        };
        (address.to_string(), kept)
    }))
}

/// Forgets who signed in for a connection, with all that came of it: it was for another tenant or app.
///
/// # Errors
/// The store cannot be written.
pub(super) async fn forget(app: &App, connection: ConnectionId) -> Result<(), ServiceError> {
    let doing = |e: crate::store::StoreError| fault("forget a sign-in with Microsoft", &e);
    let mut tx = app.store.begin().await.map_err(doing)?;
    tx.remove_secret(SecretOwner::Connection(connection), REFRESH_TOKEN).await.map_err(doing)?;
    for setting in [
        person_setting(connection),
        consented_setting(connection),
        super::permissions::setting(connection),
        challenge_setting(connection),
        signed_in_setting(connection),
        super::connection_tests::setting(connection),
    ] {
        tx.put_setting(&setting, None).await.map_err(doing)?;
    }
    tx.commit().await.map_err(doing)
}

async fn keep_challenge(app: &App, connection: ConnectionId, claims: &str) -> Result<(), ServiceError> {
    let doing = |e: crate::store::StoreError| fault("keep what a sign-in has to ask for", &e);
    let mut tx = app.store.begin().await.map_err(doing)?;
    tx.put_setting(&challenge_setting(connection), Some(claims)).await.map_err(doing)?;
    tx.commit().await.map_err(doing)
}

/// Redeems what the browser brought back and keeps the refresh token, sealed; or says why not. With it go on what a refused
/// sign-in had paused: all of it is kept, or nothing.
///
/// # Errors
/// `Forbidden`, `NotFound` when the connection is gone by now.
pub async fn finish(
    app: &App,
    caller: &Caller,
    pending: PendingSignIn,
    returned: &Returned<'_>,
) -> Result<Result<(), Failure>, ServiceError> {
    caller.need(Role::Admin)?;
    caller.need_everything()?;
    let now = app.clock.now();
    if pending.over(now) {
        return Ok(Err(refused("The sign-in took more than 15 minutes. Start it again.")));
    }
    let connection = delegated(app, pending.connection).await?;
    if !connection.tenant_id.eq_ignore_ascii_case(&pending.tenant) {
        return Ok(Err(refused("The connection was given another tenant during the sign-in. Start it again.")));
    }
    let registration = match registration(app, &connection).await? {
        Ok(registration) => registration,
        Err(failure) => return Ok(Err(failure)),
    };
    let transport = match (app.network)(connection.allow_insecure) {
        Ok(transport) => transport,
        Err(failure) => return Ok(Err(failure)),
    };
    let pending = Pending {
        tenant: pending.tenant,
        redirect_uri: pending.redirect_uri,
        state: SecretString::from(pending.state),
        nonce: SecretString::from(pending.nonce),
        verifier: SecretString::from(pending.verifier),
        identity_only: false,
    };
    let signed_in = sign_in::redeem(&registration, pending, returned, transport, &*app.clock, &*app.ids).await;
    let signed_in = match signed_in {
        Ok(signed_in) => signed_in,
        Err(Refused { failure, claims }) => {
            if let Some(claims) = claims {
                keep_challenge(app, connection.id, &claims).await?;
            }
            return Ok(Err(failure));
        }
    };
    let Some(token) = signed_in.refresh_token else {
        return Ok(Err(refused(
            "Microsoft gave no refresh token. Grant offline_access to the app, then sign in again.",
        )));
    };
    let person = signed_in.person;
    let shown = person.username.or(person.name).unwrap_or_else(|| person.object_id.clone());
    let owner = SecretOwner::Connection(connection.id);
    let doing = |e: crate::store::StoreError| fault("keep a sign-in with Microsoft", &e);
    // Read before anything is kept: once it is, nothing may say that it failed.
    let lifted = super::pauses::lifted_by_sign_in(app, connection.id).await?;
    let installation = app.installation().await?;
    let mut tx = app.store.begin().await.map_err(doing)?;
    tx.put_secret(now, owner, REFRESH_TOKEN, &token, &SecretSource::Sealed).await.map_err(doing)?;
    tx.put_setting(&person_setting(connection.id), Some(&shown)).await.map_err(doing)?;
    tx.put_setting(&consented_setting(connection.id), Some(&signed_in.scopes.join(" "))).await.map_err(doing)?;
    tx.put_setting(&super::permissions::setting(connection.id), None).await.map_err(doing)?;
    tx.put_setting(&challenge_setting(connection.id), None).await.map_err(doing)?;
    tx.put_setting(&signed_in_setting(connection.id), Some(&now.to_string())).await.map_err(doing)?;
    let fact = Fact::HumanAct {
        user: Some(caller.user),
        act: "sign-in-microsoft".to_owned(),
        pair: None,
        detail: json!({ "connection": connection.name, "tenant": person.tenant_id, "object_id": person.object_id }),
    };
    tx.record(now, None, fact).await.map_err(doing)?;
    let resumes = lifted.is_some();
    if let Some(fact) = lifted {
        tx.record(now, None, fact).await.map_err(doing)?;
    }
    tx.commit().await.map_err(doing)?;
    if resumes {
        app.engine.pauses_changed();
    }
    for workspace in installation.workspaces.iter().filter(|row| row.connection == connection.id) {
        app.engine.poke_workspace(workspace.id, RunCause::Person);
    }
    // the sign-in is kept, whatever comes of this
    if let Err(error) = super::permissions::ask(app, &connection).await {
        tracing::warn!(%error, "what was consented to for the logs could not be kept");
    }
    Ok(Ok(()))
}
