//! Sealing of secrets: XChaCha20-Poly1305, a random nonce for each, the row's identity as associated data.

use std::{io::Write, os::unix::fs::OpenOptionsExt, path::Path, sync::Arc};

use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use super::error::{Result, StoreError};
use crate::clock::IdSource;

/// Bytes of a nonce.
const NONCE: usize = 24;

/// The key that seals secrets, with the source of nonces. It lives outside the database.
#[derive(Clone)]
pub struct SealKey {
    cipher: Arc<XChaCha20Poly1305>,
    ids: Arc<dyn IdSource>,
}

impl SealKey {
    /// From 32 bytes.
    pub fn new(bytes: &[u8; 32], ids: Arc<dyn IdSource>) -> Self {
        Self { cipher: Arc::new(XChaCha20Poly1305::new(&(*bytes).into())), ids }
    }

    /// A new random key that is nowhere kept: for a database in memory.
    pub fn random(ids: Arc<dyn IdSource>) -> Self {
        let mut bytes = Zeroizing::new([0_u8; 32]);
        ids.fill(&mut *bytes);
        Self::new(&bytes, ids)
    }

    /// From 64 hexadecimal digits, as the environment variable gives it.
    ///
    /// # Errors
    /// [`StoreError::Key`] when it is something else.
    pub fn from_hex(text: &SecretString, ids: Arc<dyn IdSource>) -> Result<Self> {
        let mut bytes = Zeroizing::new([0_u8; 32]);
        hex::decode_to_slice(text.expose_secret().trim(), &mut *bytes)
            .map_err(|_| StoreError::Key("The sealing key must be 64 hexadecimal digits (32 bytes).".into()))?;
        Ok(Self::new(&bytes, ids))
    }

    /// From a file of 64 hexadecimal digits that only its owner may read; with `make`, a new one is made when it
    /// is missing.
    ///
    /// # Errors
    /// [`StoreError::Key`] when the file is missing, readable by others, or holds something else.
    pub fn from_file(path: &Path, make: bool, ids: Arc<dyn IdSource>) -> Result<Self> {
        use std::os::unix::fs::PermissionsExt;
        let shown = path.display();
        if make {
            let opened = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
            match opened {
                Ok(mut file) => {
                    let written = writeln!(file, "{}", ids.token(32)).and_then(|()| file.sync_all());
                    if let Err(error) = written {
                        // A half-written key would lock us out for ever.
                        let _ = std::fs::remove_file(path);
                        return Err(StoreError::from_io(&error));
                    }
                }
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(error) => {
                    return Err(StoreError::Key(format!(
                        "The key file {shown} cannot be made: {error}. Give this user the right to write there."
                    )));
                }
            }
        }
        let unreadable = |error: std::io::Error| {
            StoreError::Key(format!(
                "The key file {shown} cannot be read: {error}. Put the key that belongs to this database there."
            ))
        };
        let mode = std::fs::metadata(path).map_err(unreadable)?.permissions().mode();
        if mode & 0o077 != 0 {
            return Err(StoreError::Key(format!(
                "The key file {shown} can be read by others (mode {:o}). Run `chmod 600` on it.",
                mode & 0o777
            )));
        }
        let text = SecretString::from(std::fs::read_to_string(path).map_err(unreadable)?);
        Self::from_hex(&text, ids)
            .map_err(|_| StoreError::Key(format!("The key file {shown} must hold 64 hexadecimal digits.")))
    }

    /// Seals: nonce, then ciphertext.
    pub(super) fn seal(&self, identity: &str, secret: &SecretString) -> Result<Vec<u8>> {
        let mut nonce = [0_u8; NONCE];
        self.ids.fill(&mut nonce);
        let payload = Payload { msg: secret.expose_secret().as_bytes(), aad: identity.as_bytes() };
        let sealed = self
            .cipher
            .encrypt(&XNonce::from(nonce), payload)
            .map_err(|_| StoreError::Key("The secret could not be sealed.".into()))?;
        Ok([&nonce[..], &sealed].concat())
    }

    /// Opens what [`SealKey::seal`] made for the same identity.
    pub(super) fn open(&self, identity: &str, sealed: &[u8]) -> Result<SecretString> {
        let wrong = || {
            StoreError::Key(format!(
                "The secret {identity} cannot be opened with this key. Use the key that belongs to this database, or \
                 enter the secret again."
            ))
        };
        let (nonce, text) = sealed.split_at_checked(NONCE).ok_or_else(wrong)?;
        let nonce = <[u8; NONCE]>::try_from(nonce).map_err(|_| wrong())?;
        let payload = Payload { msg: text, aad: identity.as_bytes() };
        let bytes = self.cipher.decrypt(&XNonce::from(nonce), payload).map_err(|_| wrong())?;
        String::from_utf8(bytes).map(SecretString::from).map_err(|_| wrong())
    }
}

impl std::fmt::Debug for SealKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SealKey")
    }
}
