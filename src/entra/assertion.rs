//! A certificate as the app's proof: a signed client assertion (RS256, `x5t#S256`).

use std::sync::Arc;

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use jiff::{SignedDuration, Timestamp, civil::Date};
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

/// The day (UTC) on which the certificate of a PEM text ends; `None` when it does not say so in the usual form.
pub fn ends(pem: &SecretString) -> Option<Date> {
    let block = block(pem.expose_secret(), "CERTIFICATE")?;
    let packed: String = block.lines().filter(|l| !l.starts_with("-----")).map(str::trim).collect();
    last_day(&STANDARD.decode(packed).ok()?)
}

/// The second time of a certificate's validity (RFC 5280, 4.1).
fn last_day(der: &[u8]) -> Option<Date> {
    let (_, certificate, _) = element(der)?;
    let (_, mut rest, _) = element(certificate)?;
    // the version, where it is told; then serial number, algorithm, issuer
    if rest.first() == Some(&0xa0) {
        rest = element(rest)?.2;
    }
    for _ in 0..3 {
        rest = element(rest)?.2;
    }
    let (_, validity, _) = element(rest)?;
    let (_, _, second) = element(validity)?;
    let (tag, time, _) = element(second)?;
    let text = std::str::from_utf8(time).ok()?;
    let (year, day) = match tag {
        // of two digits: up to 49 they are of this century
        0x17 => {
            let (year, day) = text.split_at_checked(2)?;
            let year: i16 = year.parse().ok()?;
            (if year < 50 { 2000 + year } else { 1900 + year }, day)
        }
        0x18 => {
            let (year, day) = text.split_at_checked(4)?;
            (year.parse().ok()?, day)
        }
        _ => return None,
    };
    Date::new(year, day.get(..2)?.parse().ok()?, day.get(2..4)?.parse().ok()?).ok()
}

/// The first element of a DER text: its tag, what is in it, and what follows.
fn element(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = der.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = if first < 0x80 {
        (usize::from(first), rest)
    } else {
        let (length, rest) =
            rest.split_at_checked(usize::from(first & 0x7f)).filter(|(length, _)| length.len() <= 4)?;
        (length.iter().fold(0, |sum: usize, byte| (sum << 8) | usize::from(*byte)), rest)
    };
    let (inside, rest) = rest.split_at_checked(length)?;
    Some((tag, inside, rest))
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
