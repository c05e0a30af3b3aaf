//! The token endpoint: one call, and what it answers.

use http::Method;
use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use super::{AppRegistration, Credential, assertion, endpoint, error};
use crate::{
    clock::{Clock, IdSource},
    domain::failure::Failure,
    outbound::{
        exchange::{Ask, Exchange},
        read,
    },
};

/// A good answer of the token endpoint.
pub(super) struct Granted {
    pub access_token: SecretString,
    pub refresh_token: Option<SecretString>,
    pub id_token: Option<SecretString>,
    /// What was granted, as Entra names it; blanks between.
    pub scope: Option<String>,
    pub life: SignedDuration,
}

/// A refused token call.
#[derive(Debug, Clone)]
pub struct Refused {
    /// What can be done about it.
    pub failure: Failure,
    /// What the next sign-in has to ask for, if Entra named it (a claims challenge).
    pub claims: Option<String>,
}

impl From<Failure> for Refused {
    fn from(failure: Failure) -> Self {
        Self { failure, claims: None }
    }
}

impl From<Refused> for Failure {
    fn from(refused: Refused) -> Self {
        refused.failure
    }
}

/// Asks the token endpoint. `pairs` are the grant's own members; the app's proof is added here.
pub(super) async fn ask_for_token(
    exchange: &Exchange,
    app: &AppRegistration,
    tenant: &str,
    pairs: &[(&str, &str)],
    clock: &dyn Clock,
    ids: &dyn IdSource,
) -> Result<Granted, Refused> {
    let url = endpoint(&app.endpoints, tenant, "token");
    let mut form: Vec<(&str, &str)> = vec![("client_id", &app.oauth_client_id)];
    form.extend_from_slice(pairs);
    let signed;
    match &app.credential {
        Credential::Secret(secret) => form.push(("client_secret", secret.expose_secret())),
        Credential::Certificate(certificate) => {
            signed = certificate.assertion(&app.oauth_client_id, &url, clock.now(), ids)?;
            form.push(("client_assertion_type", assertion::TYPE));
            form.push(("client_assertion", signed.expose_secret()));
        }
    }
    // A token call changes nothing that could not be asked for again.
    let answer = exchange.send(Ask::read(Method::POST, url).form(&form)).await?;
    let body = answer.json_if_any();
    if !answer.ok() {
        let claims = body.as_ref().and_then(|body| read::words_at(body, "claims"));
        return Err(Refused { failure: error::refused(&answer, body.as_ref(), clock.now()), claims });
    }
    body.as_ref().and_then(granted).ok_or_else(|| answer.unreadable().into())
}

fn granted(body: &Value) -> Option<Granted> {
    let secret = |key: &str| read::words_at(body, key).map(SecretString::from);
    // The number is Entra's to choose; without a usable one a token is used for a short while.
    let seconds = read::int_at(body, "expires_in").filter(|s| *s > 0).unwrap_or(300).min(86_400);
    Some(Granted {
        access_token: secret("access_token")?,
        refresh_token: secret("refresh_token"),
        id_token: secret("id_token"),
        scope: read::words_at(body, "scope"),
        life: SignedDuration::from_secs(seconds),
    })
}

/// The moment at 80 % of a life that begins now.
pub(super) fn early(now: Timestamp, life: SignedDuration) -> Timestamp {
    let millis = i64::try_from(life.as_millis()).unwrap_or(0) / 5 * 4;
    now.checked_add(SignedDuration::from_millis(millis)).unwrap_or(now)
}
