//! The sealing key under a passphrase, to go with a backup.
//!
//! One line of text: format, argon2id salt, sealed key; hexadecimal. Memory 64 MiB, 3 passes, 1 lane.

use std::sync::Arc;

use argon2::{Algorithm, Argon2, Params, Version};
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use super::{
    error::{Result, StoreError},
    seal::SealKey,
};
use crate::clock::IdSource;

const FORMAT: &str = "halobridge-key-1";
const IDENTITY: &str = "sealing-key";
const SALT: usize = 16;
const MEMORY_KIB: u32 = 65_536;

fn derived(passphrase: &SecretString, salt: &[u8], ids: Arc<dyn IdSource>) -> Result<SealKey> {
    let failed = |_| StoreError::Key("The passphrase could not be turned into a key.".into());
    let params = Params::new(MEMORY_KIB, 3, 1, Some(32)).map_err(failed)?;
    let mut bytes = Zeroizing::new([0_u8; 32]);
    let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    argon.hash_password_into(passphrase.expose_secret().as_bytes(), salt, &mut *bytes).map_err(failed)?;
    Ok(SealKey::new(&bytes, ids))
}

/// Seals the installation's key (64 hexadecimal digits) under a passphrase.
///
/// # Errors
/// [`StoreError::Key`] when the key is none.
pub fn seal_key(key: &SecretString, passphrase: &SecretString, ids: Arc<dyn IdSource>) -> Result<String> {
    SealKey::from_hex(key, Arc::clone(&ids))?;
    let mut salt = [0_u8; SALT];
    ids.fill(&mut salt);
    let trimmed = SecretString::from(key.expose_secret().trim().to_owned());
    let sealed = derived(passphrase, &salt, ids)?.seal(IDENTITY, &trimmed)?;
    Ok(format!("{FORMAT} {} {}\n", hex::encode(salt), hex::encode(sealed)))
}

/// Opens what [`seal_key`] made.
///
/// # Errors
/// [`StoreError::Key`] when the text is something else or the passphrase is wrong.
pub fn open_key(text: &str, passphrase: &SecretString, ids: Arc<dyn IdSource>) -> Result<SecretString> {
    let other = || StoreError::Key("This is not a key file that `halobridge backup --with-key` wrote.".into());
    let parts: Vec<&str> = text.split_whitespace().collect();
    let [FORMAT, salt, sealed] = parts.as_slice() else { return Err(other()) };
    let salt = hex::decode(salt).map_err(|_| other())?;
    let sealed = hex::decode(sealed).map_err(|_| other())?;
    derived(passphrase, &salt, ids)?
        .open(IDENTITY, &sealed)
        .map_err(|_| StoreError::Key("The passphrase does not open the key. Give the one it was sealed under.".into()))
}
