//! All SQL. Nothing else in the program knows that the database is SQLite.
//!
//! Start with [`Store`] (opening, transactions), then [`tx`] (recording facts) and [`projector`] (what a
//! fact does to the state tables). May use `domain`, `ledger` and `clock`; touches one database file.
//! `docs/SCHEMA.md` explains the tables.

mod accounts;
mod append;
mod backfills;
pub mod batch;
mod configuration;
mod connections;
mod counters;
mod deliveries;
mod drifts;
mod error;
mod groups;
mod history;
mod instance;
pub mod migrate;
mod moved;
mod operations;
mod pages;
mod pair_errands;
mod pairs;
mod passphrase;
mod pauses;
mod projector;
mod requests;
mod row;
mod runs;
mod saved_views;
mod seal;
mod search;
mod secrets;
mod sessions;
mod settings;
mod shadows;
mod snapshot;
pub mod statements;
mod subjects;
mod together;
mod tokens;
mod trouble;
mod tx;
mod upkeep;
mod ways;

use std::{
    path::Path,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
};

use tokio::sync::watch;

pub use self::{
    accounts::{Account, NewAccount},
    append::Entered,
    configuration::{Connected, Installation},
    connections::{behind, schema_of},
    counters::{HeldCount, PairCount},
    deliveries::{DeliveryFilter, DeliveryPage},
    drifts::{DriftCount, DriftFilter, DriftPage, DriftRow},
    error::{Result, StoreError},
    history::{Change, Item, LedgerFilter},
    instance::{InstanceLock, InstanceMark, LOCK_FILE, Noticed, lock_instance},
    migrate::KNOWN as SCHEMA_VERSION,
    operations::{DeadLetter, DeadPage, QueueCounts},
    pages::{NeedingPair, PageKey, PairFilter, PairPage, PairRow, PairSort, SortBy},
    pairs::{Cursor, SituationRow, Version},
    passphrase::{open_key, seal_key},
    requests::{ASKED_AT_ONCE, Request},
    runs::LastRun,
    saved_views::KeptView,
    seal::SealKey,
    secrets::{SecretOwner, SecretSource, SecretStanding},
    sessions::Sessions,
    shadows::{ShadowCount, ShadowFilter, ShadowPage, ShadowRow},
    snapshot::Snapshot,
    subjects::{SubjectFilter, SubjectPage, SubjectRow},
    tx::{Lens, Tx},
};
use self::{append::KnownEnds, connections::Connections, deliveries::Intake};
use crate::{
    domain::ids::{IncidentId, PairId},
    ledger::{entry::Seq, fact::Fact},
};

/// The database. Cheap to clone; all clones are the same database.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    connections: Connections,
    key: SealKey,
    intake: Intake,
    ends: KnownEnds,
    together: together::Together,
    moved: moved::Moved,
    committed: watch::Sender<Seq>,
    configured: watch::Sender<u64>,
    trouble: trouble::Trouble,
    /// Incidents may wait to be indexed.
    words_wait: AtomicBool,
    lens: OnceLock<Lens>,
}

impl Store {
    /// Opens the database file, makes it when it is missing, and brings its schema up to date.
    ///
    /// # Errors
    /// [`StoreError::CannotOpen`], [`StoreError::ReadOnly`], [`StoreError::Full`], [`StoreError::Newer`], [`StoreError::Damaged`].
    pub async fn open(path: &Path, key: SealKey) -> Result<Self> {
        Self::over(Connections::open(path).await?, key, Some(path)).await
    }

    /// A database in memory: one connection for everything, so that the order of calls is the order of effects.
    ///
    /// A read waits until an open transaction has ended; never read through the store while holding a [`Tx`].
    ///
    /// # Errors
    /// Only if memory is short.
    pub async fn in_memory(key: SealKey) -> Result<Self> {
        Self::over(Connections::in_memory().await?, key, None).await
    }

    async fn over(connections: Connections, key: SealKey, file: Option<&Path>) -> Result<Self> {
        let (committed, _) = watch::channel(Seq(0));
        let store = Self {
            inner: Arc::new(Inner {
                connections,
                key,
                intake: Intake::default(),
                ends: KnownEnds::default(),
                together: together::Together::default(),
                moved: moved::Moved::default(),
                committed,
                configured: watch::Sender::new(0),
                trouble: trouble::Trouble::none(file),
                words_wait: AtomicBool::new(true),
                lens: OnceLock::new(),
            }),
        };
        let latest = store.latest_seq().await?;
        store.inner.committed.send_replace(latest);
        Ok(store)
    }

    /// Begins a transaction that writes. Dropped without [`Tx::commit`], it leaves no trace.
    ///
    /// # Errors
    /// [`StoreError::Locked`] when another process keeps the write lock for ten seconds; [`StoreError::Gone`].
    pub async fn begin(&self) -> Result<Tx> {
        Tx::begin(self.clone()).await
    }

    /// From now on every fact is recorded as `lens` gives it back, or not at all: how the simulation plants bugs.
    #[doc(hidden)]
    pub fn look_through(&self, lens: Lens) {
        // A second one would be a mistake of the simulation's; the first stays.
        let _ = self.inner.lens.set(lens);
    }

    /// A fact as it is recorded.
    fn seen(&self, fact: Fact) -> Option<Fact> {
        if matches!(fact, Fact::IncidentRead { .. } | Fact::EvidenceRead { .. }) {
            self.inner.words_wait.store(true, Ordering::Relaxed);
        }
        match self.inner.lens.get() {
            None => Some(fact),
            Some(lens) => lens(fact),
        }
    }

    /// Tells of each commit of this process that added to the ledger. Other processes' commits are not told:
    /// compare [`Store::latest_seq`] now and then.
    pub fn watch(&self) -> watch::Receiver<Seq> {
        self.inner.committed.subscribe()
    }

    /// How often this process has changed what is set up, and word of each time. Other processes' changes are not told:
    /// compare [`Store::configuration_version`] now and then.
    pub fn watch_configured(&self) -> watch::Receiver<u64> {
        self.inner.configured.subscribe()
    }

    /// How often this process has changed what is set up: known before whoever changed it has an answer.
    pub fn configured(&self) -> u64 {
        *self.inner.configured.borrow()
    }

    /// The number of the last entry that this process has seen committed.
    pub fn last_recorded(&self) -> Seq {
        *self.inner.committed.borrow()
    }

    /// Whether this process may have recorded something about a pair or its incident after this entry.
    pub fn moved_since(&self, seq: Seq, pair: PairId, incident: &IncidentId) -> bool {
        self.inner.moved.since(seq, pair, incident)
    }

    /// Whether this process may have recorded something about an incident after this entry.
    pub fn incident_moved_since(&self, seq: Seq, incident: &IncidentId) -> bool {
        self.inner.moved.incident_since(seq, incident)
    }

    async fn reader(&self) -> Result<connections::Connection> {
        self.inner.connections.reader().await
    }

    async fn writer(&self) -> connections::Connection {
        self.inner.connections.writer().await
    }

    async fn first_writer(&self) -> connections::Connection {
        self.inner.connections.first_writer().await
    }
}
