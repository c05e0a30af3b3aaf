//! One at a time per pair (reading, planning, recording), per workspace (recording newcomers) and per Halo
//! instance (creating tickets).

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex as StdMutex, PoisonError};

use tokio::sync::{Mutex, MutexGuard, OwnedMutexGuard};

use crate::domain::ids::{ConnectionId, PairId, WorkspaceId};

const SHARDS: usize = 256;

/// The lanes.
pub struct Lanes {
    pairs: Vec<Mutex<()>>,
    newcomers: Vec<Mutex<()>>,
    creates: StdMutex<BTreeMap<ConnectionId, Arc<Mutex<()>>>>,
}

impl Default for Lanes {
    fn default() -> Self {
        let shards = || (0..SHARDS).map(|_| Mutex::new(())).collect();
        Self { pairs: shards(), newcomers: shards(), creates: StdMutex::default() }
    }
}

impl Lanes {
    /// Waits for a pair's lane. Never hold it across a call outside, nor two at once.
    pub async fn pair(&self, pair: PairId) -> Option<MutexGuard<'_, ()>> {
        lane(&self.pairs, &pair.0).await
    }

    /// Waits for a workspace's lane for recording newcomers. Never hold it across a call outside.
    pub async fn newcomers(&self, workspace: WorkspaceId) -> Option<MutexGuard<'_, ()>> {
        lane(&self.newcomers, &workspace.0).await
    }

    /// An instance's lane for creating tickets, if nobody is in it: parallel creates met server errors (halo-api
    /// sheet 3.3). Who finds it taken stands in line: see [`super::queue`].
    pub fn try_create(&self, halo: ConnectionId) -> Option<OwnedMutexGuard<()>> {
        self.create_lane(halo).try_lock_owned().ok()
    }

    /// Whether nobody is in an instance's lane for creating tickets.
    pub fn may_create(&self, halo: ConnectionId) -> bool {
        self.create_lane(halo).try_lock().is_ok()
    }

    fn create_lane(&self, halo: ConnectionId) -> Arc<Mutex<()>> {
        Arc::clone(self.creates.lock().unwrap_or_else(PoisonError::into_inner).entry(halo).or_default())
    }
}

async fn lane<'a>(lanes: &'a [Mutex<()>], id: &uuid::Uuid) -> Option<MutexGuard<'a, ()>> {
    let shard = usize::try_from(id.as_u64_pair().1 % SHARDS as u64).unwrap_or(0);
    match lanes.get(shard) {
        Some(lane) => Some(lane.lock().await),
        None => None,
    }
}
