//! A certificate as the app's proof: a signed client assertion (RS256, `x5t#S256`).

use std::sync::Arc;

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use jiff::{SignedDuration, Timestamp};
use rsa::{
    RsaPrivateKey,
    pkcs1::DecodeRsaPrivateKey,
    pkcs1v15::SigningKey,
    pkcs8::DecodePrivateKey,
    signature::{SignatureEncoding, Signer},
};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::{
    clock::IdSource,
    domain::failure::{Failure, FailureKind, Side},
};

/// `client_assertion_type`.
pub const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// A certificate with its private key.
#[derive(Clone)]
pub struct Certificate {
    key: Arc<SigningKey<rsa::sha2::Sha256>>,
    /// Base64url of the certificate's SHA-256.
    thumbprint: String,
}

/// Why a PEM text is no usable certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadCertificate {
    /// No `CERTIFICATE` block.
    #[error("the file holds no certificate: a block “BEGIN CERTIFICATE” is needed beside the private key")]
    NoCertificate,
    /// No readable RSA key.
    #[error("the file holds no readable RSA private key: a block “BEGIN PRIVATE KEY” without password is needed")]
    NoKey,
}

impl Certificate {
    /// Reads a PEM text with the certificate and its RSA private key (PKCS #8 or PKCS #1, without password).
    ///
    /// # Errors
    /// Which of the two is missing.
    pub fn from_pem(pem: &SecretString) -> Result<Self, BadCertificate> {
        let text = pem.expose_secret();
        let block = block(text, "CERTIFICATE").ok_or(BadCertificate::NoCertificate)?;
        let packed: String = block.lines().filter(|l| !l.starts_with("-----")).map(str::trim).collect();
        let der = STANDARD.decode(packed).map_err(|_| BadCertificate::NoCertificate)?;
        let key = None
            .or_else(|| RsaPrivateKey::from_pkcs8_pem(&self::block(text, "PRIVATE KEY")?).ok())
            .or_else(|| RsaPrivateKey::from_pkcs1_pem(&self::block(text, "RSA PRIVATE KEY")?).ok())
            .ok_or(BadCertificate::NoKey)?;
        let thumbprint = URL_SAFE_NO_PAD.encode(Sha256::digest(&der));
        Ok(Self { key: Arc::new(SigningKey::new(key)), thumbprint })
    }

    /// A fresh assertion for a token endpoint, good for ten minutes.
    ///
    /// # Errors
    /// The key can't sign.
    pub fn assertion(
        &self,
        oauth_client_id: &str,
        audience: &str,
        now: Timestamp,
        ids: &dyn IdSource,
    ) -> Result<SecretString, Failure> {
        let expires = now.checked_add(SignedDuration::from_mins(10)).unwrap_or(now);
        let header = json!({"alg": "RS256", "typ": "JWT", "x5t#S256": self.thumbprint});
        let claims = json!({
            "aud": audience,
            "iss": oauth_client_id,
            "sub": oauth_client_id,
            "jti": ids.uuid_v4(),
            "iat": now.as_second(),
            // Our clock may run a little ahead of Microsoft's.
            "nbf": now.as_second() - 300,
            "exp": expires.as_second(),
        });
        let signed =
            format!("{}.{}", URL_SAFE_NO_PAD.encode(header.to_string()), URL_SAFE_NO_PAD.encode(claims.to_string()));
        let signature = self.key.try_sign(signed.as_bytes()).map_err(|_| {
            let text = "The certificate's private key can't sign. Enter the certificate again.";
            Failure::new(Side::Sentinel, FailureKind::SignInAgain, text)
        })?;
        Ok(SecretString::from(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature.to_bytes()))))
    }
}

/// The first PEM block with this label, with its marks.
fn block(text: &str, label: &str) -> Option<String> {
    let (begin, end) = (format!("-----BEGIN {label}-----"), format!("-----END {label}-----"));
    let start = text.find(&begin)?;
    let rest = text.get(start..)?;
    let stop = rest.find(&end)? + end.len();
    let lines: Vec<&str> = rest.get(..stop)?.lines().map(str::trim).collect();
    Some(lines.join("\n"))
}
