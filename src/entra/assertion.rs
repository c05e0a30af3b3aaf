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
    traits::PublicKeyParts,
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

/// Object identifiers of kinds of keys, as DER has them.
const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
const ELLIPTIC_CURVE: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];

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
    #[error(
        "the file holds no certificate: a block “BEGIN CERTIFICATE” is needed beside the private key; a PFX file (.pfx, .p12) \
         becomes one that has both by “openssl pkcs12 -in app.pfx -nodes -out app.pem”"
    )]
    NoCertificate,
    /// No readable RSA key.
    #[error("the file holds no readable RSA private key: a block “BEGIN PRIVATE KEY” without password is needed")]
    NoKey,
    /// The key is encrypted.
    #[error(
        "the private key is locked with a password: take it off with “openssl pkey -in key.pem -out open.pem” and paste what \
         open.pem holds"
    )]
    Locked,
    /// The key is no RSA key.
    #[error(
        "the private key is one of an elliptic curve, and RSA is needed: make a new pair with “openssl req -x509 -newkey rsa:2048 \
         -nodes -days 365 -subj /CN=halobridge -keyout key.pem -out cert.pem”, upload cert.pem to the app registration, and paste both"
    )]
    EllipticCurve,
    /// Each is of another pair.
    #[error("the private key does not belong to the certificate: paste the key with which this certificate was made")]
    Apart,
}

impl Certificate {
    /// Reads a PEM text with the certificate and its RSA private key (PKCS #8 or PKCS #1, without password).
    ///
    /// # Errors
    /// Which of the two is missing, or why the key is of no use.
    pub fn from_pem(pem: &SecretString) -> Result<Self, BadCertificate> {
        let text = pem.expose_secret();
        let block = block(text, "CERTIFICATE").ok_or(BadCertificate::NoCertificate)?;
        let der = unpacked(&block).ok_or(BadCertificate::NoCertificate)?;
        let key = None
            .or_else(|| RsaPrivateKey::from_pkcs8_pem(&self::block(text, "PRIVATE KEY")?).ok())
            .or_else(|| RsaPrivateKey::from_pkcs1_pem(&self::block(text, "RSA PRIVATE KEY")?).ok())
            .ok_or_else(|| no_key(text))?;
        if belongs(&der, &key) == Some(false) {
            return Err(BadCertificate::Apart);
        }
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

/// Why a PEM text holds no key that can be used.
fn no_key(text: &str) -> BadCertificate {
    if text.contains("-----BEGIN ENCRYPTED PRIVATE KEY-----") || text.contains("Proc-Type: 4,ENCRYPTED") {
        return BadCertificate::Locked;
    }
    let of_a_curve = || {
        let der = unpacked(&block(text, "PRIVATE KEY")?)?;
        let (_, info, _) = element(&der)?;
        // after the version
        let (_, algorithm, _) = element(element(info)?.2)?;
        let (_, kind, _) = element(algorithm)?;
        Some(kind == ELLIPTIC_CURVE)
    };
    if text.contains("-----BEGIN EC PRIVATE KEY-----") || of_a_curve() == Some(true) {
        return BadCertificate::EllipticCurve;
    }
    BadCertificate::NoKey
}

/// Whether a certificate is of this key; `None` when it does not say so in the usual form.
fn belongs(certificate: &[u8], key: &RsaPrivateKey) -> Option<bool> {
    // after validity and subject
    let rest = element(element(from_validity(certificate)?)?.2)?.2;
    let (_, public, _) = element(rest)?;
    let (_, algorithm, rest) = element(public)?;
    let (_, kind, _) = element(algorithm)?;
    if kind == ELLIPTIC_CURVE {
        return Some(false);
    }
    if kind != RSA {
        return None;
    }
    // a bit string says first how many bits of its last byte do not count
    let (_, bits, _) = element(rest)?;
    let (_, numbers, _) = element(bits.get(1..)?)?;
    let (_, modulus, rest) = element(numbers)?;
    let (_, exponent, _) = element(rest)?;
    Some(number(modulus) == key.n().to_bytes_be() && number(exponent) == key.e().to_bytes_be())
}

/// A positive number of DER without the zeros before it.
fn number(der: &[u8]) -> &[u8] {
    let zeros = der.iter().take_while(|byte| **byte == 0).count();
    der.get(zeros..).unwrap_or_default()
}

/// The certificates and the keys of a PEM text that holds both, each for itself.
pub fn apart(text: &str) -> Option<(String, String)> {
    let (mut certificates, mut keys) = (Vec::new(), Vec::new());
    let mut rest = text;
    while let Some((_, after)) = rest.split_once("-----BEGIN ") {
        let (label, _) = after.split_once("-----")?;
        let end = format!("-----END {label}-----");
        let (inside, next) = after.split_once(end.as_str())?;
        let block = format!("-----BEGIN {inside}{end}");
        if label == "CERTIFICATE" {
            certificates.push(block);
        } else if label.ends_with("PRIVATE KEY") {
            keys.push(block);
        }
        rest = next;
    }
    (!certificates.is_empty() && !keys.is_empty()).then(|| (certificates.join("\n"), keys.join("\n")))
}

/// The day (UTC) on which the certificate of a PEM text ends; `None` when it does not say so in the usual form.
pub fn ends(pem: &SecretString) -> Option<Date> {
    last_day(&unpacked(&block(pem.expose_secret(), "CERTIFICATE")?)?)
}

/// The day (UTC) from which the certificate of a PEM text holds; `None` when it does not say so in the usual form.
pub fn begins(pem: &SecretString) -> Option<Date> {
    first_day(&unpacked(&block(pem.expose_secret(), "CERTIFICATE")?)?)
}

/// What a PEM block holds.
fn unpacked(block: &str) -> Option<Vec<u8>> {
    let packed: String = block.lines().filter(|l| !l.starts_with("-----")).map(str::trim).collect();
    STANDARD.decode(packed).ok()
}

/// A certificate's parts from its validity on (RFC 5280, 4.1).
fn from_validity(der: &[u8]) -> Option<&[u8]> {
    let (_, certificate, _) = element(der)?;
    let (_, mut rest, _) = element(certificate)?;
    // the version, where it is told; then serial number, algorithm, issuer
    if rest.first() == Some(&0xa0) {
        rest = element(rest)?.2;
    }
    for _ in 0..3 {
        rest = element(rest)?.2;
    }
    Some(rest)
}

/// The first time of a certificate's validity.
fn first_day(der: &[u8]) -> Option<Date> {
    let (_, validity, _) = element(from_validity(der)?)?;
    let (tag, time, _) = element(validity)?;
    day(tag, time)
}

/// The second time of a certificate's validity.
fn last_day(der: &[u8]) -> Option<Date> {
    let (_, validity, _) = element(from_validity(der)?)?;
    let (_, _, second) = element(validity)?;
    let (tag, time, _) = element(second)?;
    day(tag, time)
}

/// The day of a time as DER has it.
fn day(tag: u8, time: &[u8]) -> Option<Date> {
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
