//! One at a time per pair (reading, planning, recording), per workspace (recording newcomers) and per Halo
//! instance (creating tickets).

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex as StdMutex, PoisonError};

use tokio::sync::{Mutex, MutexGuard, OwnedMutexGuard};

use crate::domain::ids::{ConnectionId, PairId, WorkspaceId};

const SHARDS: usize = 256;

/// How often a lane was entered.
pub type Turn = u64;

/// A workspace's lane for recording newcomers.
pub struct NewcomersLane<'a> {
    /// The turn before this one: what was found in it and is counted under this lane still holds.
    pub before: Option<Turn>,
    _guard: Option<MutexGuard<'a, Turn>>,
}

/// The lanes.
pub struct Lanes {
    pairs: Vec<Mutex<()>>,
    newcomers: Vec<Mutex<Turn>>,
    creates: StdMutex<BTreeMap<ConnectionId, Arc<Mutex<()>>>>,
}

impl Default for Lanes {
    fn default() -> Self {
        let newcomers = (0..SHARDS).map(|_| Mutex::default()).collect();
        Self { pairs: (0..SHARDS).map(|_| Mutex::default()).collect(), newcomers, creates: StdMutex::default() }
    }
}

impl Lanes {
    /// Waits for a pair's lane. Never hold it across a call outside, nor two at once.
    pub async fn pair(&self, pair: PairId) -> Option<MutexGuard<'_, ()>> {
        Some(lane(&self.pairs, &pair.0)?.lock().await)
    }

    /// Waits for a workspace's lane for recording newcomers. Never hold it across a call outside.
    pub async fn newcomers(&self, workspace: WorkspaceId) -> NewcomersLane<'_> {
        let Some(lane) = lane(&self.newcomers, &workspace.0) else {
            return NewcomersLane { before: None, _guard: None };
        };
        let mut guard = lane.lock().await;
        let before = *guard;
        *guard = before.wrapping_add(1);
        NewcomersLane { before: Some(before), _guard: Some(guard) }
    }

    /// The last turn of that lane; `None` while somebody is in it.
    pub fn newcomers_turn(&self, workspace: WorkspaceId) -> Option<Turn> {
        lane(&self.newcomers, &workspace.0)?.try_lock().ok().map(|turn| *turn)
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

fn lane<'a, T>(lanes: &'a [Mutex<T>], id: &uuid::Uuid) -> Option<&'a Mutex<T>> {
    lanes.get(usize::try_from(id.as_u64_pair().1 % SHARDS as u64).unwrap_or(0))
}
