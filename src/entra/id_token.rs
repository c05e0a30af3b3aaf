//! The id token: who signed in, proven (sentinel-api sheet 3.4).
//!
//! RS256 only; the key is found by `kid` in the tenant's own key set, read anew for each sign-in;
//! issuer = the metadata's template with this token's `tid`; audience, nonce and times are checked.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use http::Method;
use rsa::{
    BigUint, RsaPublicKey,
    pkcs1v15::{Signature, VerifyingKey},
    signature::Verifier,
};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use subtle::ConstantTimeEq;
use url::Url;

use super::{AppRegistration, sign_in::Person};
use crate::{
    clock::Clock,
    domain::failure::{Failure, FailureKind, Side},
    outbound::{
        exchange::{Ask, Exchange},
        read,
    },
};

/// Seconds two clocks may differ.
const LEEWAY_SECS: i64 = 300;

fn refused(why: &str) -> Failure {
    let text = format!("Microsoft's id token can't be accepted: {why}. Start the sign-in again.");
    Failure::new(Side::Sentinel, FailureKind::SignInAgain, text)
}

/// What a tenant's sign-in service tells of itself: its metadata.
pub struct Server {
    /// May hold the literal `{tenantid}`.
    issuer: Option<String>,
    keys_at: Option<String>,
    /// It names itself in every answer (RFC 9207).
    names_itself: bool,
}

impl Server {
    /// Reads the metadata of a tenant.
    ///
    /// # Errors
    /// It can't be read.
    pub async fn ask(exchange: &Exchange, app: &AppRegistration, tenant: &str) -> Result<Self, Failure> {
        let authority = app.endpoints.authority.trim_end_matches('/');
        let told = get(exchange, &format!("{authority}/{tenant}/v2.0/.well-known/openid-configuration")).await?;
        Ok(Self {
            issuer: read::words_at(&told, "issuer"),
            keys_at: read::words_at(&told, "jwks_uri"),
            names_itself: told.get("authorization_response_iss_parameter_supported") == Some(&Value::Bool(true)),
        })
    }

    /// Whether an answer that came by the browser is this server's, as far as it says so: the defence against being mixed
    /// up with another server (RFC 9207). Entra itself sends no `iss`.
    pub fn answered(&self, tenant: &str, named: Option<&str>) -> bool {
        match (named, &self.issuer) {
            (None, _) => !self.names_itself,
            (Some(named), Some(issuer)) => match issuer.split_once("{tenantid}") {
                None => named == issuer,
                Some((before, after)) => {
                    let own = named.strip_prefix(before).and_then(|rest| rest.strip_suffix(after));
                    let is_guid = |text: &str| uuid::Uuid::parse_str(text).is_ok();
                    own.is_some_and(|own| is_guid(own) && (!is_guid(tenant) || own.eq_ignore_ascii_case(tenant)))
                }
            },
            (Some(_), None) => false,
        }
    }
}

/// Checks an id token and reads who it is about.
///
/// # Errors
/// Says which check it did not pass; or the keys can't be read.
pub async fn verify(
    exchange: &Exchange,
    app: &AppRegistration,
    tenant: &str,
    server: &Server,
    token: &SecretString,
    nonce: &SecretString,
    clock: &dyn Clock,
) -> Result<Person, Failure> {
    let parts: Vec<&str> = token.expose_secret().split('.').collect();
    let [head, body, signature] = parts.as_slice() else { return Err(refused("it is not a signed token")) };
    let (header, claims) = (part(head)?, part(body)?);
    if read::text_at(&header, "alg").as_deref() != Some("RS256") {
        return Err(refused("it is not signed with RS256"));
    }
    let kid = read::words_at(&header, "kid").ok_or_else(|| refused("it names no key"))?;
    let keys_at = server.keys_at.as_deref().ok_or_else(|| refused("the key set has no address"))?;
    if !same_origin(keys_at, &app.endpoints.authority) {
        return Err(refused("the key set lies on another host"));
    }
    let keys = get(exchange, keys_at).await?;
    let key = read::list_at(&keys, "keys")
        .iter()
        .filter(|key| read::text_at(key, "kid").as_deref() == Some(kid.as_str()))
        .find_map(public_key)
        .ok_or_else(|| refused("its key is unknown"))?;
    let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| refused("its signature is broken"))?;
    let signature = Signature::try_from(signature.as_slice()).map_err(|_| refused("its signature is broken"))?;
    let signed = format!("{head}.{body}");
    VerifyingKey::<rsa::sha2::Sha256>::new(key)
        .verify(signed.as_bytes(), &signature)
        .map_err(|_| refused("its signature is wrong"))?;
    let issuer = server.issuer.as_deref().ok_or_else(|| refused("the issuer is unknown"))?;
    check_claims(&claims, issuer, app, tenant, nonce, clock.now().as_second())
}

/// The claims of a token whose signature holds.
fn check_claims(
    claims: &Value,
    issuer: &str,
    app: &AppRegistration,
    tenant: &str,
    nonce: &SecretString,
    now: i64,
) -> Result<Person, Failure> {
    let tenant_id = read::words_at(claims, "tid").ok_or_else(|| refused("it names no tenant"))?;
    let issuer = issuer.replace("{tenantid}", &tenant_id);
    if read::text_at(claims, "iss").as_deref() != Some(issuer.as_str()) {
        return Err(refused("it was issued by someone else"));
    }
    // A domain name can't be compared with the GUID; its own authority has answered, which is enough.
    let is_guid = uuid::Uuid::parse_str(tenant).is_ok();
    if is_guid && !tenant_id.eq_ignore_ascii_case(tenant) {
        return Err(refused("it belongs to another tenant than this connection"));
    }
    let audience = claims.get("aud").and_then(Value::as_str);
    if audience != Some(app.oauth_client_id.as_str()) {
        return Err(refused("it is meant for another app"));
    }
    if read::int_at(claims, "exp").is_none_or(|exp| exp + LEEWAY_SECS <= now) {
        return Err(refused("it has expired; check this machine's clock"));
    }
    if read::int_at(claims, "nbf").is_some_and(|nbf| nbf - LEEWAY_SECS > now) {
        return Err(refused("it is not valid yet; check this machine's clock"));
    }
    let given = read::text_at(claims, "nonce").unwrap_or_default();
    if !bool::from(given.as_bytes().ct_eq(nonce.expose_secret().as_bytes())) {
        return Err(refused("it does not belong to this sign-in"));
    }
    Ok(Person {
        tenant_id,
        object_id: read::words_at(claims, "oid").ok_or_else(|| refused("it names no account"))?,
        name: read::words_at(claims, "name"),
        username: read::words_at(claims, "preferred_username"),
    })
}

fn part(text: &str) -> Result<Value, Failure> {
    let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| refused("it is broken"))?;
    serde_json::from_slice(&bytes).map_err(|_| refused("it is broken"))
}

fn public_key(key: &Value) -> Option<RsaPublicKey> {
    if read::text_at(key, "kty")? != "RSA" || read::text_at(key, "use").is_some_and(|usage| usage != "sig") {
        return None;
    }
    let number = |name: &str| {
        let bytes = URL_SAFE_NO_PAD.decode(read::text_at(key, name)?.trim_end_matches('=')).ok()?;
        Some(BigUint::from_bytes_be(&bytes))
    };
    RsaPublicKey::new(number("n")?, number("e")?).ok()
}

fn same_origin(a: &str, b: &str) -> bool {
    match (Url::parse(a), Url::parse(b)) {
        (Ok(a), Ok(b)) => a.origin() == b.origin(),
        _ => false,
    }
}

async fn get(exchange: &Exchange, url: &str) -> Result<Value, Failure> {
    let answer = exchange.send(Ask::read(Method::GET, url)).await?;
    if answer.ok() { answer.json() } else { Err(answer.server_error()) }
}
