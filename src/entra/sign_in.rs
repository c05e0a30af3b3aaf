//! “Sign in with Microsoft”: authorization code with PKCE, state and nonce (sentinel-api sheet 3.2–3.4).
//!
//! [`begin`] gives the address to send the browser to and what must be kept until it comes back
//! (bound to the browser's session, single use, 15 minutes at most); [`redeem`] takes the code.

use std::sync::Arc;

use oauth2::{AuthUrl, CsrfToken, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, Scope, basic::BasicClient};
use secrecy::{ExposeSecret, SecretString};
use subtle::ConstantTimeEq;
use url::Url;

use super::{AppRegistration, Refused, Resource, endpoint, error, id_token, wire};
use crate::{
    clock::{Clock, IdSource},
    domain::{
        connection::MicrosoftConnection,
        failure::{Failure, FailureKind, Side},
    },
    outbound::{Transport, exchange::Exchange},
};

/// What a sign-in asks for.
#[derive(Debug, Clone)]
pub struct Wanted<'a> {
    /// The tenant's GUID or domain: its own authority, never `common`.
    pub tenant: &'a str,
    /// Where Entra sends the browser back; must be registered, character for character.
    pub redirect_uri: &'a str,
    /// The console's sign-in only: identity, no access to Azure and no refresh token.
    pub identity_only: bool,
    /// The right to query Log Analytics, too.
    pub log_analytics: bool,
    /// A claims challenge to pass on, as ARM gave it.
    pub claims: Option<&'a str>,
    /// The account to propose.
    pub login_hint: Option<&'a str>,
}

/// What must be kept until the browser comes back.
#[derive(Clone)]
pub struct Pending {
    /// The tenant.
    pub tenant: String,
    /// Our redirect address.
    pub redirect_uri: String,
    /// 256 random bits, echoed by Entra.
    pub state: SecretString,
    /// 256 random bits, inside the id token.
    pub nonce: SecretString,
    /// PKCE's secret half.
    pub verifier: SecretString,
    /// See [`Wanted::identity_only`].
    pub identity_only: bool,
}

/// Who signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Tenant of the account.
    pub tenant_id: String,
    /// Object id: with the tenant the key of a person.
    pub object_id: String,
    /// Display name.
    pub name: Option<String>,
    /// For display only.
    pub username: Option<String>,
}

/// A finished sign-in.
pub struct SignedIn {
    /// Who.
    pub person: Person,
    /// To be sealed and kept; absent for an identity-only sign-in.
    pub refresh_token: Option<SecretString>,
    /// What was consented to, as Entra names it.
    pub scopes: Vec<String>,
}

fn refused(text: &str) -> Failure {
    Failure::new(Side::Sentinel, FailureKind::SignInAgain, text)
}

/// The address for the browser, and what to keep.
///
/// # Errors
/// The authority is no web address.
pub fn begin(app: &AppRegistration, wanted: &Wanted<'_>, ids: &dyn IdSource) -> Result<(Url, Pending), Failure> {
    let pending = Pending {
        tenant: wanted.tenant.to_owned(),
        redirect_uri: wanted.redirect_uri.to_owned(),
        state: SecretString::from(ids.token(32)),
        nonce: SecretString::from(ids.token(32)),
        verifier: SecretString::from(ids.token(32)),
        identity_only: wanted.identity_only,
    };
    let no_address = |_| refused("The authority of the connection is no web address. Correct it.");
    let authorize = AuthUrl::new(endpoint(&app.endpoints, wanted.tenant, "authorize")).map_err(no_address)?;
    let back = RedirectUrl::new(wanted.redirect_uri.to_owned()).map_err(no_address)?;
    let client = BasicClient::new(oauth2::ClientId::new(app.oauth_client_id.clone()))
        .set_auth_uri(authorize)
        .set_redirect_uri(back);
    let verifier = PkceCodeVerifier::new(pending.verifier.expose_secret().to_owned());
    let state = pending.state.expose_secret().to_owned();
    let mut request = client
        .authorize_url(|| CsrfToken::new(state))
        .set_pkce_challenge(PkceCodeChallenge::from_code_verifier_sha256(&verifier))
        .add_scopes(["openid", "profile"].map(|scope| Scope::new(scope.to_owned())))
        .add_extra_param("response_mode", "query")
        .add_extra_param("nonce", pending.nonce.expose_secret().to_owned())
        .add_extra_param("prompt", "select_account");
    if !wanted.identity_only {
        let arm = format!("{}/user_impersonation", Resource::Arm.audience(&app.endpoints));
        request = request.add_scopes([Scope::new("offline_access".to_owned()), Scope::new(arm)]);
        if wanted.log_analytics {
            let logs = format!("{}/Data.Read", Resource::LogAnalytics.audience(&app.endpoints));
            request = request.add_scope(Scope::new(logs));
        }
    }
    if let Some(claims) = wanted.claims {
        request = request.add_extra_param("claims", claims.to_owned());
    }
    if let Some(hint) = wanted.login_hint {
        request = request.add_extra_param("login_hint", hint.to_owned());
    }
    let (url, _) = request.url();
    Ok((url, pending))
}

/// The address where an administrator consents for a whole tenant; who opens it needs no account here.
///
/// # Errors
/// The authority is no web address.
pub fn consent_address(connection: &MicrosoftConnection, redirect_uri: &str, state: &str) -> Result<Url, Failure> {
    let MicrosoftConnection { endpoints, tenant_id, oauth_client_id, .. } = connection;
    let address = endpoint(endpoints, tenant_id, "").replace("/oauth2/v2.0/", "/v2.0/adminconsent");
    let mut url =
        Url::parse(&address).map_err(|_| refused("The authority of the connection is no web address. Correct it."))?;
    let scope = format!("{}/.default", Resource::Arm.audience(endpoints));
    url.query_pairs_mut()
        .append_pair("client_id", oauth_client_id)
        .append_pair("scope", &scope)
        .append_pair("redirect_uri", redirect_uri)
        .append_pair("state", state);
    Ok(url)
}

/// What the browser brought back in its query.
#[derive(Debug, Default)]
pub struct Returned<'a> {
    /// `code`
    pub code: Option<&'a str>,
    /// `state`
    pub state: Option<&'a str>,
    /// `error`
    pub error: Option<&'a str>,
    /// `error_description`: only its number is read.
    pub description: Option<&'a str>,
    /// `iss`, where the server names itself (RFC 9207).
    pub issuer: Option<&'a str>,
}

/// Redeems the code and proves who signed in.
///
/// # Errors
/// `SignInAgain` with the remedy, or a fault on the way.
pub async fn redeem(
    app: &AppRegistration,
    pending: Pending,
    returned: &Returned<'_>,
    transport: Arc<dyn Transport>,
    clock: &dyn Clock,
    ids: &dyn IdSource,
) -> Result<SignedIn, Refused> {
    let same = returned
        .state
        .is_some_and(|state| bool::from(state.as_bytes().ct_eq(pending.state.expose_secret().as_bytes())));
    if !same {
        return Err(refused("The sign-in doesn't belong to this browser session. Start it again.").into());
    }
    if let Some(name) = returned.error {
        return Err(error::sent_back(name, returned.description).into());
    }
    let code = returned.code.ok_or_else(|| refused("Microsoft sent no code back. Start the sign-in again."))?;
    // Before the code goes anywhere: an answer that came from another server has a code of another server.
    let exchange = Exchange::new(transport, Side::Sentinel);
    let server = id_token::Server::ask(&exchange, app, &pending.tenant).await?;
    if !server.answered(&pending.tenant, returned.issuer) {
        let text =
            "The answer came from another sign-in service than this connection's. Start the sign-in again from here.";
        return Err(refused(text).into());
    }
    let mut scope = "openid profile".to_owned();
    if !pending.identity_only {
        scope.push_str(&format!(" offline_access {}/user_impersonation", Resource::Arm.audience(&app.endpoints)));
    }
    let pairs = [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", &pending.redirect_uri),
        ("code_verifier", pending.verifier.expose_secret()),
        ("scope", &scope),
    ];
    let granted = wire::ask_for_token(&exchange, app, &pending.tenant, &pairs, clock, ids).await?;
    let token = granted.id_token.ok_or_else(|| refused("Microsoft sent no id token. Start the sign-in again."))?;
    let person = id_token::verify(&exchange, app, &pending.tenant, &server, &token, &pending.nonce, clock).await?;
    if !pending.identity_only && granted.refresh_token.is_none() {
        let text = "Microsoft gave no refresh token. Grant offline_access to the app, then sign in again.";
        return Err(refused(text).into());
    }
    let scopes = granted.scope.unwrap_or_default().split_whitespace().map(str::to_owned).collect();
    Ok(SignedIn { person, refresh_token: granted.refresh_token, scopes })
}
