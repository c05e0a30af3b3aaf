//! Passwords: the rules for new ones, and argon2id.

use std::sync::Arc;

use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version, password_hash::phc::PasswordHash};
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

use crate::clock::IdSource;

use super::{super::error::ServiceError, common};

/// Shortest password taken, in characters (ASVS 6.2.1).
pub const CHARS_MIN: usize = 8;
/// Longest password taken, in bytes: room for any passphrase, a bound on the work.
pub const BYTES_MAX: usize = 512;

/// OWASP's first choice: 19 MiB, two passes, one lane.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;
/// Hashes at the same time: signing in can take at most this many times [`MEMORY_KIB`].
const AT_ONCE: usize = 2;
/// Tries that may wait for their turn; more are told to come back.
const WAITING: usize = 32;

/// Says what is wrong with a new password, as one sentence with the remedy; no rules about its composition.
pub fn fault(password: &str, name: &str) -> Option<String> {
    let chars = password.chars().count();
    if chars < CHARS_MIN {
        return Some(format!("Use at least {CHARS_MIN} characters; 15 or more are better."));
    }
    if password.len() > BYTES_MAX {
        return Some(format!("Use at most {BYTES_MAX} bytes."));
    }
    let lower = password.to_lowercase();
    let name = name.trim().to_lowercase();
    if name.chars().count() >= 3 && lower.contains(&name) && chars < name.chars().count() + CHARS_MIN {
        return Some("Choose a password that does not contain the name.".into());
    }
    common::is_common(&lower).then(|| "This password is among the most common ones. Choose another.".to_owned())
}

/// A random password of 16 characters that the rules take: by chance one may look like a common word between digits.
pub fn drawn(ids: &dyn IdSource, name: &str) -> String {
    loop {
        let password = ids.token(8);
        if fault(&password, name).is_none() {
            return password;
        }
    }
}

/// Hashes and checks, at most two at once, away from the threads that serve pages.
#[derive(Debug, Clone)]
pub struct Hasher {
    turns: Arc<Semaphore>,
    queue: Arc<Semaphore>,
}

impl Default for Hasher {
    fn default() -> Self {
        Self { turns: Arc::new(Semaphore::new(AT_ONCE)), queue: Arc::new(Semaphore::new(AT_ONCE + WAITING)) }
    }
}

fn argon2id() -> Argon2<'static> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).unwrap_or(Params::DEFAULT);
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

/// A hash nobody's password has: checked when there is no such user, so that the time does not differ.
pub const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$YWFhYWFhYWFhYWFhYWFhYQ$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

impl Hasher {
    async fn in_turn<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, ServiceError> {
        let _place = self.queue.try_acquire().map_err(|_| ServiceError::Busy)?;
        let turn = Arc::clone(&self.turns).acquire_owned().await.map_err(|_| ServiceError::Busy)?;
        // the turn goes with the work: a caller that gives up does not free it early
        let done = tokio::task::spawn_blocking(move || {
            let result = work();
            drop(turn);
            result
        });
        done.await.map_err(|error| ServiceError::internal("hash a password", &error))
    }

    /// The PHC text to store.
    ///
    /// # Errors
    /// `Busy` when too many wait; `Internal`.
    pub async fn hash(&self, password: &str, ids: &dyn IdSource) -> Result<String, ServiceError> {
        let mut salt = [0_u8; 16];
        ids.fill(&mut salt);
        let password = Zeroizing::new(password.to_owned());
        let hashed = self
            .in_turn(move || {
                argon2id()
                    .hash_password_with_salt(password.as_bytes(), &salt)
                    .map(|hash: PasswordHash| hash.to_string())
            })
            .await?;
        hashed.map_err(|error| ServiceError::internal("hash a password", &error))
    }

    /// Whether `password` is the one hashed in `stored`; without a stored one the work is done all the same.
    ///
    /// # Errors
    /// `Busy` when too many wait.
    pub async fn verify(&self, password: &str, stored: Option<&str>) -> Result<bool, ServiceError> {
        let exists = stored.is_some();
        let stored = stored.unwrap_or(NOBODY).to_owned();
        let too_long = password.len() > BYTES_MAX;
        let password = Zeroizing::new(if too_long { String::new() } else { password.to_owned() });
        let matched = self
            .in_turn(move || {
                PasswordHash::new(&stored)
                    .is_ok_and(|hash| argon2id().verify_password(password.as_bytes(), &hash).is_ok())
            })
            .await?;
        Ok(matched && exists && !too_long)
    }
}
