//! Passwords: the rules for new ones, and argon2id.

use std::sync::{Arc, Mutex, PoisonError};

use argon2::{Algorithm, Argon2, Block, Params, PasswordVerifier, Version, password_hash::phc::PasswordHash};
use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
use subtle::ConstantTimeEq as _;
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
/// The same for those who signed in before from where they are, once all other places are taken.
const WAITING_KNOWN: usize = 16;

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

/// Memory to hash in, kept from one hash to the next: allocated anew each time, on whatever thread is free, much of it
/// would stay with the process for good.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<Vec<Block>>>>);

impl std::fmt::Debug for Kept {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Kept")
    }
}

impl Kept {
    fn with<T>(&self, change: impl FnOnce(&mut Vec<Vec<Block>>) -> T) -> T {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn take(&self) -> Vec<Block> {
        self.with(Vec::pop).unwrap_or_else(|| vec![Block::new(); argon2id().params().block_count()])
    }

    fn give_back(&self, memory: Vec<Block>) {
        self.with(|all| {
            if all.len() < AT_ONCE {
                all.push(memory);
            }
        });
    }
}

/// Hashes and checks, at most two at once, away from the threads that serve pages.
#[derive(Debug, Clone)]
pub struct Hasher {
    turns: Arc<Semaphore>,
    queue: Arc<Semaphore>,
    /// Places for those who signed in before: strangers do not take them.
    known: Arc<Semaphore>,
    kept: Kept,
}

impl Default for Hasher {
    fn default() -> Self {
        Self {
            turns: Arc::new(Semaphore::new(AT_ONCE)),
            queue: Arc::new(Semaphore::new(AT_ONCE + WAITING)),
            known: Arc::new(Semaphore::new(WAITING_KNOWN)),
            kept: Kept::default(),
        }
    }
}

fn argon2id() -> Argon2<'static> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).unwrap_or(Params::DEFAULT);
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

/// How the PHC text of every hash made here begins.
fn beginning() -> String {
    format!("$argon2id$v=19$m={MEMORY_KIB},t={PASSES},p={LANES}$")
}

type Output = [u8; Params::DEFAULT_OUTPUT_LEN];

fn output(password: &[u8], salt: &[u8], memory: &mut [Block]) -> Result<Output, argon2::Error> {
    let mut out = Output::default();
    argon2id().hash_password_into_with_memory(password, salt, &mut out, memory)?;
    Ok(out)
}

/// Salt and output of a hash that was made with these very parameters.
fn parts(stored: &str) -> Option<(Vec<u8>, Vec<u8>)> {
    let (salt, output) = stored.strip_prefix(&beginning())?.split_once('$')?;
    Some((STANDARD_NO_PAD.decode(salt).ok()?, STANDARD_NO_PAD.decode(output).ok()?))
}

fn matches(password: &[u8], stored: &str, memory: &mut [Block]) -> bool {
    match parts(stored) {
        Some((salt, expected)) => {
            output(password, &salt, memory).is_ok_and(|found| bool::from(found[..].ct_eq(&expected[..])))
        }
        // Of other parameters: it needs memory of its own.
        None => PasswordHash::new(stored).is_ok_and(|hash| argon2id().verify_password(password, &hash).is_ok()),
    }
}

/// A hash nobody's password has: checked when there is no such user, so that the time does not differ.
pub const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$YWFhYWFhYWFhYWFhYWFhYQ$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

impl Hasher {
    async fn in_turn<T: Send + 'static>(
        &self,
        known: bool,
        work: impl FnOnce(&mut [Block]) -> T + Send + 'static,
    ) -> Result<T, ServiceError> {
        let place = self.queue.try_acquire().or_else(|full| if known { self.known.try_acquire() } else { Err(full) });
        let _place = place.map_err(|_| ServiceError::Busy)?;
        let turn = Arc::clone(&self.turns).acquire_owned().await.map_err(|_| ServiceError::Busy)?;
        let kept = self.kept.clone();
        // the turn goes with the work: a caller that gives up does not free it early
        let done = tokio::task::spawn_blocking(move || {
            let mut memory = kept.take();
            let result = work(&mut memory);
            kept.give_back(memory);
            drop(turn);
            result
        });
        done.await.map_err(|error| ServiceError::internal("hash a password", &error))
    }

    /// How many pieces of memory wait for the next hash.
    #[doc(hidden)]
    pub fn kept(&self) -> usize {
        self.kept.with(|all| all.len())
    }

    /// The PHC text to store.
    ///
    /// # Errors
    /// `Busy` when too many wait; `Internal`.
    pub async fn hash(&self, password: &str, ids: &dyn IdSource) -> Result<String, ServiceError> {
        let mut salt = [0_u8; 16];
        ids.fill(&mut salt);
        let password = Zeroizing::new(password.to_owned());
        let hashed = self.in_turn(true, move |memory| output(password.as_bytes(), &salt, memory)).await?;
        let hashed = hashed.map_err(|error| ServiceError::internal("hash a password", &error))?;
        Ok(format!("{}{}${}", beginning(), STANDARD_NO_PAD.encode(salt), STANDARD_NO_PAD.encode(hashed)))
    }

    /// Whether `password` is the one hashed in `stored`; without a stored one the work is done all the same. Some places
    /// are kept for those who are `known` by an earlier sign-in.
    ///
    /// # Errors
    /// `Busy` when too many wait.
    pub async fn verify(&self, password: &str, stored: Option<&str>, known: bool) -> Result<bool, ServiceError> {
        let exists = stored.is_some();
        let stored = stored.unwrap_or(NOBODY).to_owned();
        let too_long = password.len() > BYTES_MAX;
        let password = Zeroizing::new(if too_long { String::new() } else { password.to_owned() });
        let matched = self.in_turn(known, move |memory| matches(password.as_bytes(), &stored, memory)).await?;
        Ok(matched && exists && !too_long)
    }
}
