//! The answers tried at Microsoft: the app's proof first, then real reads with it.

use std::sync::Arc;

use async_trait::async_trait;
use jiff::{civil::Date, tz::TimeZone};
use secrecy::{ExposeSecret as _, SecretString};
use subtle::ConstantTimeEq as _;

use super::cloud_of;
use crate::{
    domain::{
        connection::MicrosoftConnection,
        failure::{Failure, FailureKind},
        ids::ConnectionId,
    },
    engine::registry::REFRESH_TOKEN,
    entra::{
        AppRegistration, Credential, Resource, Tokens,
        app_token::AppTokens,
        assertion::{self, BadCertificate, Certificate},
        delegated::{DelegatedTokens, RefreshTokens},
    },
    outbound::Transport,
    sentinel::Sentinel,
    service::{
        App,
        error::{FieldProblem, ServiceError},
        fault,
        set_up::{Typed, entry},
        sign_in::{CERTIFICATE, CLIENT_SECRET, PRIVATE_KEY},
    },
    store::SecretOwner,
};

async fn kept(app: &App, id: Option<ConnectionId>, name: &str) -> Result<Option<SecretString>, ServiceError> {
    let Some(id) = id else { return Ok(None) };
    match app.store.secret(SecretOwner::Connection(id), name).await {
        Ok(secret) => Ok(secret),
        Err(error) if error.transient() => Err(fault("read a connection's secret", &error)),
        // its sentence says what to do: a variable or a file that is not there
        Err(error) => {
            let (field, label) = match name {
                CERTIFICATE => ("certificate", "Certificate"),
                PRIVATE_KEY => ("private_key", "Private key"),
                REFRESH_TOKEN => ("identity", "Who signs in"),
                _ => ("client_secret", "Client secret"),
            };
            Err(ServiceError::invalid(field, format!("{label}: {error}")))
        }
    }
}

/// Whether the app is to prove itself by certificate, whoever signs in.
pub(super) fn by_certificate(typed: &Typed) -> bool {
    matches!(typed.text("identity"), "certificate" | "delegated-certificate")
}

/// What was typed, with certificate and key each in its own field: some files hold both, and some people mix them up.
pub(super) fn apart(typed: &Typed) -> Typed {
    let (certificate, key) = (typed.text(CERTIFICATE), typed.text(PRIVATE_KEY));
    let mixed = certificate.contains("PRIVATE KEY-----") || key.contains("-----BEGIN CERTIFICATE-----");
    let Some((certificate, key)) = mixed.then(|| assertion::apart(&format!("{certificate}\n{key}"))).flatten() else {
        return typed.clone();
    };
    let others = typed.entries().filter(|(name, _)| ![CERTIFICATE, PRIVATE_KEY].contains(name));
    let others = others.map(|(name, value)| (name.to_owned(), value.to_owned()));
    Typed::new(others.chain([(CERTIFICATE.to_owned(), certificate), (PRIVATE_KEY.to_owned(), key)]))
}

/// Whether the typed proof is another one than lies here: the same, pasted again, is none. Only the one counts by which the
/// app is to prove itself.
pub(super) async fn renewed(app: &App, typed: &Typed, id: Option<ConnectionId>) -> Result<bool, ServiceError> {
    let name = if by_certificate(typed) { CERTIFICATE } else { CLIENT_SECRET };
    let Some(value) = typed.secret(name) else { return Ok(false) };
    // one that cannot be read is about to be replaced
    let before = kept(app, id, name).await.ok().flatten();
    let same = before.is_some_and(|before| {
        bool::from(before.expose_secret().trim().as_bytes().ct_eq(value.expose_secret().as_bytes()))
    });
    Ok(!same)
}

/// The day on which the certificate that is typed ends: it says so itself. One that has ended is of no use.
pub(super) fn certificate_ends(app: &App, typed: &Typed) -> Result<Option<Date>, ServiceError> {
    let Some(pem) = typed.secret(CERTIFICATE).filter(|_| by_certificate(typed)) else {
        return Ok(None);
    };
    let today = app.clock.now().to_zoned(TimeZone::UTC).date();
    if let Some(day) = assertion::begins(&pem).filter(|day| *day > today) {
        let text = format!(
            "Certificate: it holds only from {day} on. Paste one that holds today, or look whether the clock is right where it was \
             made."
        );
        return Err(ServiceError::invalid("certificate", text));
    }
    let day = assertion::ends(&pem);
    match day.filter(|day| *day < today) {
        Some(day) => {
            let text = format!(
                "Certificate: it ended on {day}. Make a new one, upload it to the app registration, and paste it here."
            );
            Err(ServiceError::invalid("certificate", text))
        }
        None => Ok(day),
    }
}

/// Reads the certificate and key that were typed: what is wrong with them comes before what hangs on them.
pub(super) async fn readable(app: &App, typed: &Typed, id: Option<ConnectionId>) -> Result<(), ServiceError> {
    let fresh = [CERTIFICATE, PRIVATE_KEY].iter().any(|name| !typed.text(name).is_empty());
    if by_certificate(typed) && fresh {
        credential(app, typed, id).await?;
    }
    Ok(())
}

/// The app's proof as typed, or as it lies here.
async fn credential(app: &App, typed: &Typed, id: Option<ConnectionId>) -> Result<Credential, ServiceError> {
    if by_certificate(typed) {
        let mut pem = String::new();
        for name in [CERTIFICATE, PRIVATE_KEY] {
            let value = match typed.secret(name) {
                Some(value) => Some(value),
                None => kept(app, id, name).await?,
            };
            pem.push_str(value.as_ref().map_or("", |value| value.expose_secret()));
            pem.push('\n');
        }
        return Certificate::from_pem(&SecretString::from(pem)).map(Credential::Certificate).map_err(|error| {
            let (field, label) = match error {
                BadCertificate::NoCertificate => ("certificate", "Certificate"),
                _ => ("private_key", "Private key"),
            };
            ServiceError::invalid(field, format!("{label}: {error}."))
        });
    }
    let secret = match typed.secret("client_secret") {
        Some(value) => Some(value),
        None => kept(app, id, CLIENT_SECRET).await?,
    };
    secret.map(Credential::Secret).ok_or_else(|| {
        let place = "Create one in the app registration under Certificates & secrets, and copy its value.";
        ServiceError::Invalid(vec![entry::empty("client_secret", "Client secret", place)])
    })
}

/// Asks Entra for a token of the app itself: that proves tenant, app and secret before anybody signs in. Gives why a person's
/// sign-in does not hold for it, which is made anew in the next step.
pub async fn run(
    app: &App,
    typed: &Typed,
    connection: &MicrosoftConnection,
    id: Option<ConnectionId>,
) -> Result<Option<Failure>, ServiceError> {
    let registration = AppRegistration {
        oauth_client_id: connection.oauth_client_id.clone(),
        credential: credential(app, typed, id).await?,
        endpoints: connection.endpoints.clone(),
    };
    let transport = (app.network)(connection.allow_insecure).map_err(|failure| of_failure(connection, &failure))?;
    let tokens: Arc<dyn Tokens> = Arc::new(AppTokens::new(
        registration.clone(),
        Arc::clone(&transport),
        Arc::clone(&app.clock),
        Arc::clone(&app.ids),
    ));
    match tokens.bearer(&connection.tenant_id, Resource::Arm).await {
        Ok(_) => rehearse(app, connection, id, registration, tokens, transport).await,
        // An app of another tenant is unknown here until somebody has signed in or consented.
        Err(failure)
            if typed.ticked("elsewhere")
                && connection.identity.delegated()
                && failure.code.as_deref() == Some("AADSTS700016") =>
        {
            Ok(Some(failure))
        }
        Err(failure) => Err(of_failure(connection, &failure)),
    }
}

/// Reads with the new proof, before the old one goes: as the person who is signed in, or as the app itself.
async fn rehearse(
    app: &App,
    connection: &MicrosoftConnection,
    id: Option<ConnectionId>,
    registration: AppRegistration,
    own: Arc<dyn Tokens>,
    transport: Arc<dyn Transport>,
) -> Result<Option<Failure>, ServiceError> {
    let tokens: Arc<dyn Tokens> = if connection.identity.delegated() {
        // before anybody has signed in there is nothing to read with
        let Some(token) = kept(app, id, REFRESH_TOKEN).await? else { return Ok(None) };
        let (clock, ids) = (Arc::clone(&app.clock), Arc::clone(&app.ids));
        Arc::new(DelegatedTokens::new(registration, Arc::new(Borrowed(token)), Arc::clone(&transport), clock, ids))
    } else {
        own
    };
    let sentinel = Sentinel::new(connection, transport, tokens, Arc::clone(&app.clock), Arc::default());
    match sentinel.subscriptions(&connection.tenant_id).await {
        Ok(_) => Ok(None),
        // the person's own sign-in has ended, whatever the secret is: the next step says so
        Err(failure) if of_the_grant(&failure) => Ok(Some(failure)),
        Err(failure) => Err(of_failure(connection, &failure)),
    }
}

fn of_the_grant(failure: &Failure) -> bool {
    failure.kind == FailureKind::SignInAgain && !failure.code.as_deref().is_some_and(crate::entra::error::of_the_app)
}

/// A refresh token that is tried and not replaced: Entra leaves the old one valid.
struct Borrowed(SecretString);

#[async_trait]
impl RefreshTokens for Borrowed {
    async fn load(&self) -> Result<Option<SecretString>, Failure> {
        Ok(Some(self.0.clone()))
    }

    async fn save(&self, _: &SecretString) -> Result<(), Failure> {
        Ok(())
    }
}

/// A refusal at the field that it is about.
fn of_failure(connection: &MicrosoftConnection, failure: &Failure) -> ServiceError {
    let certificate = connection.identity.by_certificate();
    let (field, label) = match failure.code.as_deref().unwrap_or_default() {
        "AADSTS90002" | "AADSTS900021" | "AADSTS900023" | "AADSTS50059" | "AADSTS50128" => ("tenant_id", "Tenant ID"),
        "AADSTS90038" | "AADSTS90043" | "AADSTS900382" | "AADSTS900383" | "AADSTS900432" => ("cloud", "Cloud"),
        "AADSTS700016" | "AADSTS7000229" | "AADSTS7000112" | "AADSTS50194" | "unauthorized_client" => {
            ("oauth_client_id", "Application (client) ID")
        }
        "AADSTS7000215" | "AADSTS7000222" | "invalid_client" if !certificate => ("client_secret", "Client secret"),
        "AADSTS7000215" | "AADSTS700024" | "AADSTS700027" | "AADSTS700030" | "AADSTS50013" | "invalid_client" => {
            ("certificate", "Certificate")
        }
        _ if matches!(failure.kind, FailureKind::Transient | FailureKind::Unreadable) => {
            match cloud_of(&connection.endpoints) {
                "custom" => ("authority", "Sign-in address"),
                _ => ("cloud", "Cloud"),
            }
        }
        _ => ("oauth_client_id", "App registration"),
    };
    let mut error = entry::failed(field, label, failure);
    if failure.code.as_deref() == Some("AADSTS700016")
        && connection.identity.delegated()
        && let ServiceError::Invalid(problems) = &mut error
        && let Some(FieldProblem { problem, .. }) = problems.first_mut()
    {
        problem
            .push_str(" If the app is registered in another tenant, say so below: the sign-in then asks for consent.");
    }
    error
}
