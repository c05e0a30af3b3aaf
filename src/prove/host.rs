//! One process of the simulation: the real engine over a real store, with a clock that may be wrong and that
//! may let the process die at any moment it is asked.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicI64, Ordering},
};

use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;

use super::{
    executor::{Died, End, Executor},
    wire::Wires,
};
use crate::{
    clock::{Clock, IdSource, ManualClock, SeededIds},
    domain::failure::{Failure, FailureKind, Side},
    engine::{Engine, Unit},
    service::{App, running_engine::RunningEngine},
    store::{SealKey, Snapshot, Store},
};

/// Nobody but the process itself writes to its database, but for the admin, who applies a file.
const LOOK_EVERY: SignedDuration = SignedDuration::from_secs(20);

/// Units that run at once, as in the server.
const SIDE_BY_SIDE: usize = 48;

/// What a process takes for the time: the world's, wrong by so much. Each question may be its last.
#[derive(Clone)]
pub struct HostClock {
    world: ManualClock,
    wrong_ms: Arc<AtomicI64>,
    /// Questions left until the process dies; negative = it lives.
    left: Arc<AtomicI64>,
    /// Only the program's own questions count.
    inside: Arc<AtomicBool>,
}

impl HostClock {
    /// A clock that is right.
    pub fn new(world: ManualClock) -> Self {
        Self { world, wrong_ms: Arc::default(), left: Arc::new(AtomicI64::new(-1)), inside: Arc::default() }
    }

    /// How wrong it is.
    pub fn wrong(&self) -> SignedDuration {
        SignedDuration::from_millis(self.wrong_ms.load(Ordering::Relaxed))
    }

    /// Makes it wrong by so much.
    pub fn set_wrong(&self, by: SignedDuration) {
        self.wrong_ms.store(i64::try_from(by.as_millis()).unwrap_or(0), Ordering::Relaxed);
    }

    /// Lets the process die at its `questions`-th next question for the time.
    pub fn die_after(&self, questions: i64) {
        self.left.store(questions.max(0), Ordering::Relaxed);
    }

    /// Lets it live, whatever was asked of it.
    pub fn live(&self) {
        self.left.store(-1, Ordering::Relaxed);
    }

    /// The moment of the world at which this clock will show `shown`.
    pub fn in_world(&self, shown: Timestamp) -> Timestamp {
        shown.checked_sub(self.wrong()).unwrap_or(shown)
    }

    fn read(&self) -> Timestamp {
        let now = self.world.now();
        now.checked_add(self.wrong()).unwrap_or(now)
    }
}

impl Clock for HostClock {
    fn now(&self) -> Timestamp {
        if self.inside.load(Ordering::Relaxed) && self.left.load(Ordering::Relaxed) >= 0 {
            let left = self.left.fetch_sub(1, Ordering::Relaxed);
            if left == 0 {
                std::panic::resume_unwind(Box::new(Died));
            }
        }
        self.read()
    }
}

/// What makes a process the one it is.
pub struct Making {
    /// Its place among the world's processes.
    pub place: usize,
    /// Seed of its ids and nonces.
    pub seed: u64,
    /// Whether it may only read.
    pub only_read: bool,
}

/// One process.
pub struct Host {
    /// Its place among the world's processes.
    pub place: usize,
    /// Its time.
    pub clock: HostClock,
    /// Its database.
    pub store: Store,
    /// Its engine.
    pub engine: Arc<Engine>,
    /// What receives webhooks.
    pub app: App,
    /// Its source of ids.
    pub ids: Arc<dyn IdSource>,
    /// Whether it may only read.
    pub only_read: bool,
}

/// The key that seals the secrets of every simulated database.
pub fn key(seed: u64) -> SealKey {
    SealKey::new(&[7; 32], Arc::new(SeededIds::new(seed)))
}

impl Host {
    /// Starts a process over a database.
    ///
    /// # Errors
    /// The database cannot be opened.
    pub fn start(
        executor: &Executor,
        wires: &Wires,
        clock: HostClock,
        snapshot: &Snapshot,
        making: &Making,
    ) -> Result<Self, String> {
        let (snapshot, key) = (snapshot.clone(), key(making.seed));
        let opened = executor.block_on(async move { Store::from_snapshot(&snapshot, key).await });
        let store = match opened {
            Ok(Ok(store)) => store,
            Ok(Err(error)) => return Err(format!("the database cannot be opened: {error}")),
            Err(end) => return Err(format!("the database cannot be opened: {end:?}")),
        };
        Ok(Self::over(wires, clock, store, making))
    }

    /// Starts a process over a database that is open.
    pub fn over(wires: &Wires, clock: HostClock, store: Store, making: &Making) -> Self {
        let shown: Arc<dyn Clock> = Arc::new(clock.clone());
        let ids: Arc<dyn IdSource> = Arc::new(SeededIds::new(making.seed));
        let way = Arc::new(wires.of(making.place));
        let engine = Arc::new(Engine::new(store.clone(), Arc::clone(&shown), Arc::clone(&ids), way));
        engine.alone(LOOK_EVERY);
        if making.only_read {
            engine.only_read();
        }
        let (alive, changed) = (Arc::new(AtomicBool::new(true)), watch::channel(0).1);
        let handle = Arc::new(RunningEngine::new(Arc::clone(&engine), alive, changed));
        let network = Arc::new(|_| {
            Err(Failure::new(Side::Sentinel, FailureKind::Rejected, "Nobody signs in within the simulation."))
        });
        let app = App::new(store.clone(), shown, Arc::clone(&ids), handle, network);
        Self { place: making.place, clock, store, engine, app, ids, only_read: making.only_read }
    }

    /// Whether questions for the time are the program's own now, and may be its last.
    pub fn clock_counts(&self, counts: bool) {
        self.clock.inside.store(counts, Ordering::Relaxed);
    }

    /// Units whose time has come, as far as there is room.
    ///
    /// # Errors
    /// How asking ended instead.
    pub fn due(&self, executor: &Executor) -> Result<Vec<Unit>, End> {
        let free = SIDE_BY_SIDE.saturating_sub(executor.running(self.place));
        if free == 0 {
            return Ok(Vec::new());
        }
        let engine = Arc::clone(&self.engine);
        // A database that refuses is asked again when the clock has moved.
        self.clock_counts(true);
        let due = executor.block_on(async move { engine.due(free).await.unwrap_or_default() });
        self.clock_counts(false);
        due
    }

    /// The moment of the world at which something may be due next.
    pub fn next_due(&self) -> Timestamp {
        self.clock.in_world(self.engine.next_work())
    }
}
