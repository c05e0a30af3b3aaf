//! The signing key and the tokens it signs.

use std::sync::OnceLock;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use rsa::{
    RsaPrivateKey,
    pkcs1v15::SigningKey,
    rand_core::{CryptoRng, Error, RngCore},
    signature::{SignatureEncoding, Signer},
    traits::PublicKeyParts,
};
use serde_json::{Value, json};

use crate::clock::{IdSource, SeededIds};

/// Making a key takes a while in a debug build, so one serves every twin of the process. It comes
/// from a fixed seed: it signs nothing that anybody but this stand-in's callers would trust.
static KEY: OnceLock<Option<RsaPrivateKey>> = OnceLock::new();

struct Draws(SeededIds);

impl RngCore for Draws {
    fn next_u32(&mut self) -> u32 {
        let mut bytes = [0; 4];
        self.0.fill(&mut bytes);
        u32::from_le_bytes(bytes)
    }

    fn next_u64(&mut self) -> u64 {
        let mut bytes = [0; 8];
        self.0.fill(&mut bytes);
        u64::from_le_bytes(bytes)
    }

    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        self.0.fill(bytes);
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Error> {
        self.0.fill(bytes);
        Ok(())
    }
}

impl CryptoRng for Draws {}

fn key() -> Option<&'static RsaPrivateKey> {
    KEY.get_or_init(|| RsaPrivateKey::new(&mut Draws(SeededIds::new(0x7477_696e)), 2048).ok()).as_ref()
}

/// The key's name; `generation` moves when the admin route rotates it.
pub fn kid(generation: u32) -> String {
    format!("twin-signing-key-{generation}")
}

/// The answer of `discovery/v2.0/keys`.
pub fn jwks(generation: u32, issuer: &str) -> Value {
    let keys: Vec<Value> = key()
        .map(|key| {
            json!({
                "kty": "RSA", "use": "sig", "alg": "RS256", "kid": kid(generation), "x5t": kid(generation),
                "n": BASE64.encode(key.n().to_bytes_be()), "e": BASE64.encode(key.e().to_bytes_be()), "issuer": issuer,
            })
        })
        .into_iter()
        .collect();
    json!({ "keys": keys })
}

fn unsigned(claims: &Value, generation: u32) -> String {
    let header = json!({"typ": "JWT", "alg": "RS256", "kid": kid(generation)});
    format!("{}.{}", BASE64.encode(header.to_string()), BASE64.encode(claims.to_string()))
}

/// A signed token (RS256): what clients check.
pub fn signed(claims: &Value, generation: u32) -> Option<String> {
    let text = unsigned(claims, generation);
    let signature = SigningKey::<rsa::sha2::Sha256>::new(key()?.clone()).try_sign(text.as_bytes()).ok()?;
    Some(format!("{text}.{}", BASE64.encode(signature.to_bytes())))
}

/// An access token: shaped as the real ones, and opaque to clients as they are; the twin knows it
/// by its text, so the last part is random instead of a signature that nobody could check.
pub fn opaque(claims: &Value, generation: u32, ids: &dyn IdSource) -> String {
    let mut random = [0_u8; 48];
    ids.fill(&mut random);
    format!("{}.{}", unsigned(claims, generation), BASE64.encode(random))
}

/// The claims of a token, signature not looked at.
pub fn claims(token: &str) -> Option<Value> {
    let part = token.split('.').nth(1)?;
    serde_json::from_slice(&BASE64.decode(part.trim_end_matches('=')).ok()?).ok()
}

/// Whether a public key (`n`, `e` of a JWK) verifies a token's signature of the kind its header names: RS256 or
/// PS256 (RFC 7518, sections 3.3 and 3.5), the two that Microsoft's own libraries make.
pub fn verified_by(token: &str, jwk: &Value) -> bool {
    let part = |name: &str| {
        let text = jwk.get(name).and_then(Value::as_str)?;
        Some(rsa::BigUint::from_bytes_be(&BASE64.decode(text).ok()?))
    };
    let check = || {
        let public = rsa::RsaPublicKey::new(part("n")?, part("e")?).ok()?;
        let (text, signature) = token.rsplit_once('.')?;
        let signature = BASE64.decode(signature).ok()?;
        let digest = <rsa::sha2::Sha256 as rsa::sha2::Digest>::digest(text.as_bytes());
        let header: Value = serde_json::from_slice(&BASE64.decode(token.split('.').next()?).ok()?).ok()?;
        match header.get("alg").and_then(Value::as_str)? {
            "RS256" => public.verify(rsa::Pkcs1v15Sign::new::<rsa::sha2::Sha256>(), &digest, &signature).ok(),
            "PS256" => public.verify(rsa::Pss::new::<rsa::sha2::Sha256>(), &digest, &signature).ok(),
            _ => None,
        }
    };
    check().is_some()
}
