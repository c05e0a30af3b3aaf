//! How often somebody may try to sign in: at most ten tries an account and thirty an address in five
//! minutes, with growing waits. Kept in memory; a restart forgets it, and argon2 stays the floor.

use std::{
    collections::{HashMap, HashSet},
    net::IpAddr,
    sync::{Mutex, PoisonError},
};

use jiff::{SignedDuration, Timestamp};

use crate::clock;

/// Tries are counted over this long.
const WINDOW: SignedDuration = SignedDuration::from_mins(5);
const PER_ACCOUNT: usize = 10;
const PER_ADDRESS: usize = 30;
/// Tries before the first wait.
const FREE_TRIES: usize = 4;
/// Keys remembered at most; beyond it the ones out of their window go first, then the longest idle.
const KEYS_MAX: usize = 20_000;

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Key {
    /// An account from anywhere. The name may belong to nobody: the answers must not differ.
    Account(String),
    /// An account from an address it has signed in from before: strangers cannot lock its owner out.
    Known(String, IpAddr),
    /// An address, whatever the account.
    Address(IpAddr),
}

impl Key {
    fn allowed(&self) -> usize {
        match self {
            Self::Account(_) | Self::Known(..) => PER_ACCOUNT,
            Self::Address(_) => PER_ADDRESS,
        }
    }
}

#[derive(Debug, Default)]
struct State {
    tries: HashMap<Key, Vec<Timestamp>>,
    known: HashSet<(String, IpAddr)>,
}

/// Counts failed tries.
#[derive(Debug, Default)]
pub struct Throttle(Mutex<State>);

impl Throttle {
    fn keys(state: &State, account: &str, address: IpAddr) -> [Key; 2] {
        let account = account.trim().to_lowercase();
        let of_account = if state.known.contains(&(account.clone(), address)) {
            Key::Known(account, address)
        } else {
            Key::Account(account)
        };
        [of_account, Key::Address(address)]
    }

    /// Counts a try and says whether it may be made; `Err` holds the seconds to wait, at least 1.
    /// Counted before the password is looked at, so that tries at the same moment count too.
    ///
    /// # Errors
    /// The wait, when there were too many tries.
    pub fn admit(&self, account: &str, address: IpAddr, now: Timestamp) -> Result<(), u64> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let keys = Self::keys(&state, account, address);
        let since = now.checked_sub(WINDOW).unwrap_or(Timestamp::UNIX_EPOCH);
        let mut wait = 0_u64;
        for key in &keys {
            let Some(tries) = state.tries.get_mut(key) else { continue };
            // Those of a clock that was ahead would lock out for as long as it was.
            tries.retain(|at| *at > since && clock::set_back(*at, now).is_none());
            wait = wait.max(wait_secs(tries, key, now));
        }
        if wait > 0 {
            return Err(wait);
        }
        if state.tries.len() >= KEYS_MAX {
            make_room(&mut state.tries, since);
        }
        for key in keys {
            state.tries.entry(key).or_default().push(now);
        }
        Ok(())
    }

    /// Forgets the account's tries after a success and remembers the address as one of its own.
    pub fn succeeded(&self, account: &str, address: IpAddr) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for key in Self::keys(&state, account, address) {
            match key {
                // the success itself was counted as a try
                Key::Address(_) => {
                    if let Some(tries) = state.tries.get_mut(&key) {
                        tries.pop();
                    }
                }
                _ => {
                    state.tries.remove(&key);
                }
            }
        }
        if state.known.len() < KEYS_MAX {
            state.known.insert((account.trim().to_lowercase(), address));
        }
    }
}

/// Seconds until the next try: none for the first few, then 1, 2, 4, …, and the rest of the window at the limit.
fn wait_secs(tries: &[Timestamp], key: &Key, now: Timestamp) -> u64 {
    let (Some(first), Some(last)) = (tries.first(), tries.last()) else { return 0 };
    let free = FREE_TRIES * key.allowed() / PER_ACCOUNT;
    let until = if tries.len() >= key.allowed() {
        first.checked_add(WINDOW)
    } else if tries.len() >= free {
        let steps = u32::try_from(tries.len() - free).unwrap_or(u32::MAX).min(5);
        last.checked_add(SignedDuration::from_secs(1_i64 << steps))
    } else {
        return 0;
    };
    let left = until.unwrap_or(now).duration_since(now).as_millis();
    u64::try_from(left).unwrap_or(0).div_ceil(1000)
}

fn make_room(tries: &mut HashMap<Key, Vec<Timestamp>>, since: Timestamp) {
    tries.retain(|_, at| at.last().is_some_and(|last| *last > since));
    if tries.len() >= KEYS_MAX {
        let mut lasts: Vec<Timestamp> = tries.values().filter_map(|at| at.last().copied()).collect();
        lasts.sort_unstable();
        if let Some(cut) = lasts.get(lasts.len() / 2).copied() {
            tries.retain(|_, at| at.last().is_some_and(|last| *last > cut));
        }
    }
}
