//! One at a time per pair (reading, planning, recording) and per Halo instance (creating tickets).

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex as StdMutex, PoisonError};

use tokio::sync::{Mutex, MutexGuard, OwnedMutexGuard};

use crate::domain::ids::{ConnectionId, PairId};

const SHARDS: usize = 256;

/// The lanes.
pub struct Lanes {
    pairs: Vec<Mutex<()>>,
    creates: StdMutex<BTreeMap<ConnectionId, Arc<Mutex<()>>>>,
}

impl Default for Lanes {
    fn default() -> Self {
        Self { pairs: (0..SHARDS).map(|_| Mutex::new(())).collect(), creates: StdMutex::default() }
    }
}

impl Lanes {
    /// Waits for a pair's lane. Never hold it across a call outside, nor two at once.
    pub async fn pair(&self, pair: PairId) -> Option<MutexGuard<'_, ()>> {
        let index = usize::from(pair.0.as_bytes()[15]) % SHARDS;
        match self.pairs.get(index) {
            Some(lane) => Some(lane.lock().await),
            None => None,
        }
    }

    /// Waits for an instance's lane for creating tickets: parallel creates met server errors (halo-api sheet 3.3).
    pub async fn create(&self, halo: ConnectionId) -> OwnedMutexGuard<()> {
        let lane = {
            let mut creates = self.creates.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(creates.entry(halo).or_default())
        };
        lane.lock_owned().await
    }
}
