//! Deliveries of Halo's webhooks: is it Halo's, and which tickets does it hint at (sheet 6.3, 6.4).
//! A hint only: the ticket is read again (rule 14).

use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use sha2::Sha256;
use subtle::{Choice, ConstantTimeEq};

use crate::{domain::ids::TicketId, outbound::read::int_at};

/// How a delivery proves itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// base64( HMAC-SHA256( secret, raw body ) ) in a header of the administrator's choice.
    Signature,
    /// The secret itself, bare or after `Bearer `.
    Token,
    /// `Basic` with the secret as password (any user name), or as `user:password`.
    Basic,
}

/// Whether a header value proves that the sender knows the secret. Takes the same time for all wrong ones.
pub fn verify(method: Method, value: Option<&str>, secret: &SecretString, body: &[u8]) -> bool {
    let key = secret.expose_secret().as_bytes();
    let Some(value) = value.map(str::trim).filter(|_| !key.is_empty()) else { return false };
    match method {
        Method::Signature => {
            let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return false };
            mac.update(body);
            let expected = STANDARD.encode(mac.finalize().into_bytes());
            let given = value.strip_prefix("sha256=").unwrap_or(value);
            bool::from(expected.as_bytes().ct_eq(given.as_bytes()))
        }
        Method::Token => {
            let given = after_scheme(value, "bearer").unwrap_or(value);
            bool::from(given.as_bytes().ct_eq(key))
        }
        Method::Basic => {
            let Some(packed) = after_scheme(value, "basic") else { return false };
            let Ok(pair) = STANDARD.decode(packed) else { return false };
            let password = pair.iter().position(|b| *b == b':').and_then(|at| pair.get(at + 1..)).unwrap_or_default();
            let whole: Choice = pair.ct_eq(key);
            bool::from(whole | password.ct_eq(key))
        }
    }
}

/// Any of the three: what an administrator chose in Halo is not known here.
pub fn verify_any(header: Option<&str>, authorization: Option<&str>, secret: &SecretString, body: &[u8]) -> bool {
    let checks = [verify(Method::Signature, header, secret, body), verify_headers(header, authorization, secret)];
    checks.into_iter().any(|good| good)
}

/// The two for which the body need not be known.
pub fn verify_headers(header: Option<&str>, authorization: Option<&str>, secret: &SecretString) -> bool {
    let checks = [
        verify(Method::Token, header, secret, &[]),
        verify(Method::Token, authorization, secret, &[]),
        verify(Method::Basic, authorization, secret, &[]),
    ];
    checks.into_iter().any(|good| good)
}

fn after_scheme<'a>(value: &'a str, scheme: &str) -> Option<&'a str> {
    let head = value.get(..scheme.len())?;
    let rest = value.get(scheme.len()..)?;
    (head.eq_ignore_ascii_case(scheme) && rest.starts_with(' ')).then(|| rest.trim())
}

/// The tickets a delivery hints at, each once: `object_id`, else `ticket.id`, else `ticket_id`, its own or
/// its action's; never the delivery's own `id`. A batch is an array of envelopes.
pub fn ticket_ids(body: &Value) -> Vec<TicketId> {
    let envelopes = match body {
        Value::Array(items) => items.as_slice(),
        other => std::slice::from_ref(other),
    };
    let mut ids: Vec<TicketId> = Vec::new();
    for envelope in envelopes {
        let inside = |name: &str, member: &str| int_at(envelope.get(name)?, member);
        let places = [
            int_at(envelope, "object_id"),
            inside("ticket", "id"),
            int_at(envelope, "ticket_id"),
            inside("action", "ticket_id"),
        ];
        let id = places.into_iter().flatten().find(|id| *id > 0);
        if let Some(id) = id.map(TicketId)
            && !ids.contains(&id)
        {
            ids.push(id);
        }
    }
    ids
}
