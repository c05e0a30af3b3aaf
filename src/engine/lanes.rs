//! One at a time per pair (reading, planning, recording), per workspace (recording newcomers), per ticket (linking one that
//! exists) and per Halo instance (creating tickets).

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex as StdMutex, PoisonError};

use tokio::sync::{Mutex, MutexGuard, OwnedMutexGuard, OwnedSemaphorePermit, Semaphore};

use crate::domain::ids::{ConnectionId, PairId, TicketId, WorkspaceId};

const SHARDS: usize = 256;

/// In an instance's lane for creating tickets: the one that is asking for its ticket, and the next, which makes ready.
const CREATING: usize = 2;

/// Pairs that write to one Halo instance at once: one that does not answer holds up no more of what runs side by side.
const WRITING: usize = 24;

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
    tickets: Vec<Mutex<()>>,
    creates: StdMutex<BTreeMap<ConnectionId, Creates>>,
    writes: StdMutex<BTreeMap<ConnectionId, Arc<Semaphore>>>,
}

/// A pair's place among those that write to a Halo instance, until it is dropped.
pub struct WritePlace {
    _place: OwnedSemaphorePermit,
}

/// An instance's lane for creating tickets.
#[derive(Clone)]
struct Creates {
    places: Arc<Semaphore>,
    call: Arc<Mutex<()>>,
}

impl Default for Creates {
    fn default() -> Self {
        Self { places: Arc::new(Semaphore::new(CREATING)), call: Arc::default() }
    }
}

/// A place in an instance's lane for creating tickets: to make ready in, while the one before still waits for its answer.
pub struct CreatePlace {
    place: OwnedSemaphorePermit,
    call: Arc<Mutex<()>>,
}

/// The turn to ask for a ticket: nobody else asks this instance for one until it is dropped.
pub struct CreateTurn {
    // In this order: the next one's turn begins before its place is free for the one after.
    _call: OwnedMutexGuard<()>,
    _place: OwnedSemaphorePermit,
}

impl CreatePlace {
    /// Waits until the one before has its answer.
    pub async fn turn(self) -> CreateTurn {
        CreateTurn { _call: self.call.lock_owned().await, _place: self.place }
    }
}

impl Default for Lanes {
    fn default() -> Self {
        let newcomers = (0..SHARDS).map(|_| Mutex::default()).collect();
        let pairs = (0..SHARDS).map(|_| Mutex::default()).collect();
        let tickets = (0..SHARDS).map(|_| Mutex::default()).collect();
        Self { pairs, newcomers, tickets, creates: StdMutex::default(), writes: StdMutex::default() }
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

    /// Waits for the lane of a ticket that is to be linked, within a workspace's lane for newcomers: two workspaces may ask for
    /// the same one. Never hold it across a call outside.
    pub async fn ticket(&self, ticket: TicketId) -> Option<MutexGuard<'_, ()>> {
        let at = usize::try_from(ticket.0.unsigned_abs() % SHARDS as u64).unwrap_or(0);
        Some(self.tickets.get(at)?.lock().await)
    }

    /// The last turn of a workspace's lane for newcomers; `None` while somebody is in it.
    pub fn newcomers_turn(&self, workspace: WorkspaceId) -> Option<Turn> {
        lane(&self.newcomers, &workspace.0)?.try_lock().ok().map(|turn| *turn)
    }

    /// A place in an instance's lane for creating tickets, if one is free: parallel creates met server errors (halo-api
    /// sheet 3.3), so they are asked for one by one, and the next one makes ready meanwhile. Who finds no place stands
    /// in line: see [`super::queue`].
    pub fn try_create(&self, halo: ConnectionId) -> Option<CreatePlace> {
        let Creates { places, call } = self.create_lane(halo);
        Some(CreatePlace { place: places.try_acquire_owned().ok()?, call })
    }

    /// Whether a place in an instance's lane for creating tickets is free.
    pub fn may_create(&self, halo: ConnectionId) -> bool {
        self.create_lane(halo).places.available_permits() > 0
    }

    /// A place among the pairs that write to an instance, if one is free. Who finds none stands in line.
    pub fn try_write(&self, halo: ConnectionId) -> Option<WritePlace> {
        Some(WritePlace { _place: self.writing(halo).try_acquire_owned().ok()? })
    }

    /// Whether such a place is free.
    pub fn may_write(&self, halo: ConnectionId) -> bool {
        self.writing(halo).available_permits() > 0
    }

    fn writing(&self, halo: ConnectionId) -> Arc<Semaphore> {
        let mut writes = self.writes.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(writes.entry(halo).or_insert_with(|| Arc::new(Semaphore::new(WRITING))))
    }

    fn create_lane(&self, halo: ConnectionId) -> Creates {
        self.creates.lock().unwrap_or_else(PoisonError::into_inner).entry(halo).or_default().clone()
    }
}

fn lane<'a, T>(lanes: &'a [Mutex<T>], id: &uuid::Uuid) -> Option<&'a Mutex<T>> {
    lanes.get(usize::try_from(id.as_u64_pair().1 % SHARDS as u64).unwrap_or(0))
}
