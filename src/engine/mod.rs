//! The engine: intake → observe → plan → commit → execute.
//!
//! It never sleeps and never asks the operating system for the time. [`Engine::due`] names the units of
//! work whose time has come, [`Engine::run`] carries one out; whoever drives it (the server, a test, the
//! simulation) decides how many run at once and when to ask again. Start with [`schedule`] (what is due),
//! then [`poll`], [`fetch`] and [`halo`] (reading), [`digest`] (plan and commit), [`queue`] (whose turn it is),
//! [`execute`] (writing) and [`settle`] (unknown outcomes).
//!
//! One unit of a kind runs at a time for a workspace, an instance or a pair; within a pair, reading,
//! planning and recording are one step under its lane, and the lane is never held across a call outside.

mod alerts;
mod answers;
pub mod back;
pub mod backfill;
pub mod digest;
mod elsewhere;
mod emptied;
pub mod execute;
pub mod fetch;
mod forgotten;
mod forth;
mod future;
mod groups;
pub mod halo;
mod homeless;
pub mod intake;
mod known;
pub mod lanes;
mod link;
mod look;
mod meanwhile;
mod merges;
mod newcomer;
mod newer;
pub mod once;
mod pauses;
pub mod poll;
pub mod push;
mod put_back;
pub mod queue;
pub mod rebuild;
mod recall;
pub mod registry;
mod revive;
mod ruled;
pub mod schedule;
mod second_writer;
pub mod settle;
mod settled;
mod silenced;
pub mod status;
mod stop;
mod taken_back;
mod told;
mod unread;
mod unreadable;
mod unrecorded;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use tokio::sync::{Notify, watch};

use crate::{
    clock::{Clock, IdSource},
    domain::{
        ids::{ClientId, ConnectionId, DeliveryId, IncidentId, OperationId, PairId, TicketId, WorkspaceId},
        run::RunCause,
        second_writer::SecondWriter,
    },
    ledger::{entry::Seq, fact::Fact},
    store::{Entered, Store, StoreError},
};

pub use registry::{Registry, Transports};
pub use schedule::{RefusedStep, Unit};

/// What the engine's parts share.
pub struct Engine {
    pub(crate) store: Store,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) ids: Arc<dyn IdSource>,
    pub(crate) registry: Registry,
    pub(crate) lanes: lanes::Lanes,
    kept: known::Kept,
    schedule: Mutex<schedule::Schedule>,
    wake: Notify,
    /// Word of each change of the configuration by this process.
    applied: tokio::sync::Mutex<watch::Receiver<u64>>,
}

impl Engine {
    /// What is connected, with its budgets.
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// An engine over a store. Nothing happens before [`Engine::due`] is asked.
    pub fn new(store: Store, clock: Arc<dyn Clock>, ids: Arc<dyn IdSource>, transports: Arc<dyn Transports>) -> Self {
        let applied = tokio::sync::Mutex::new(store.watch_configured());
        let registry = Registry::new(store.clone(), Arc::clone(&clock), Arc::clone(&ids), transports);
        Self {
            store,
            clock,
            ids,
            registry,
            lanes: lanes::Lanes::default(),
            kept: known::Kept::default(),
            schedule: Mutex::new(schedule::Schedule::default()),
            wake: Notify::new(),
            applied,
        }
    }

    /// No other process writes to this database: what others may have changed is looked for only this often.
    pub fn alone(&self, look_every: jiff::SignedDuration) {
        self.schedule().look_every = look_every;
    }

    /// From now on nothing is written to either side: the data directory was copied or restored, or a second process writes
    /// to the same pairs, and a person has not confirmed yet that this is the one to go on with.
    pub fn only_read(&self) {
        self.schedule().only_read = true;
    }

    /// Version of the configuration that it works by.
    pub fn configuration(&self) -> Option<i64> {
        self.schedule().configuration
    }

    /// Whether [`Engine::only_read`] holds.
    pub fn only_reads(&self) -> bool {
        self.schedule().only_read
    }

    /// The second writer that was noticed; while it is not settled, [`Engine::only_reads`] holds.
    pub fn second_writer(&self) -> Option<SecondWriter> {
        self.schedule().second_writer.clone()
    }

    /// The engine's time.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(crate) fn schedule(&self) -> MutexGuard<'_, schedule::Schedule> {
        self.schedule.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records facts of one client (or the installation's): all or none. Gives the number of the last.
    pub(crate) async fn record(
        &self,
        at: Timestamp,
        client: Option<ClientId>,
        facts: Vec<Fact>,
    ) -> Result<Seq, StoreError> {
        let _unbroken = stop::unbroken();
        self.store.append_together(facts.into_iter().map(|fact| Entered { client, at, fact }).collect()).await
    }

    /// Ends when somebody has poked the engine or changed the configuration since it was last asked.
    pub async fn woken(&self) {
        let mut applied = self.applied.lock().await;
        tokio::select! {
            () = self.wake.notified() => {}
            // Its sender is the store's, which the engine holds.
            _ = applied.changed() => {}
        }
    }

    pub(crate) fn wake(&self) {
        self.wake.notify_one();
    }

    /// Poll this workspace now.
    pub fn poke_workspace(&self, workspace: WorkspaceId, cause: RunCause) {
        let now = self.now();
        self.schedule().hasten_poll(workspace, cause, now);
        self.wake();
    }

    /// Why a push that was asked for waits, and until when it does.
    pub fn push_waits(&self, request: i64) -> Option<(Timestamp, String)> {
        self.schedule().pushes.get(&request).map(|waits| (waits.until, waits.why.clone()))
    }

    /// Read this incident now: a webhook named it. It need not be stored yet, for reading does no harm.
    pub fn poke_incident(&self, workspace: WorkspaceId, incident: IncidentId) {
        let now = self.now();
        self.schedule().name(workspace, incident, now);
        self.wake();
    }

    /// The webhook `delivery`, whose incident was asked for already, is stored.
    pub fn delivered(&self, delivery: DeliveryId) {
        let now = self.now();
        let crowd = self.store.crowded();
        let mut schedule = self.schedule();
        schedule.told.insert(delivery);
        // That it was taken up can be written down a little later, with those that come until then; of a crowd, when it
        // is looked what waits in any case.
        let sooner = !crowd && schedule.intake_soon(now);
        drop(schedule);
        if sooner {
            self.wake();
        }
    }

    /// Look for changed tickets of this instance now.
    pub fn poke_halo(&self, connection: ConnectionId, tickets: &[TicketId]) {
        let now = self.now();
        self.schedule().hasten_halo(connection, tickets, now);
        self.wake();
    }

    /// Take up webhooks and requests that another part has stored.
    pub fn poke_intake(&self) {
        self.schedule().intake_waits = true;
        self.wake();
    }

    /// Read both sides of a pair again, then plan.
    pub fn look_again(&self, pair: PairId) {
        self.schedule().looks.insert(pair);
        self.wake();
    }

    /// Carry out a pair's queue now, without waiting for retries' times.
    pub fn sync_now(&self, pair: PairId) {
        let now = self.now();
        let mut schedule = self.schedule();
        schedule.looks.insert(pair);
        schedule.hurried.insert(pair);
        if schedule.queue.holds(pair) {
            // It leaves its place in line for a better one, for which it comes up again.
            schedule.pairs.insert(pair);
        }
        schedule.queue.freshen(pair, now);
        drop(schedule);
        self.wake();
    }

    /// Queue a dead letter again.
    pub fn retry(&self, operation: OperationId) {
        let mut schedule = self.schedule();
        schedule.revived.insert(operation);
        schedule.intake_waits = true;
        drop(schedule);
        self.wake();
    }

    /// A person dropped it after it was to be queued again: what was said last holds.
    pub fn retry_no_more(&self, operation: OperationId) {
        self.schedule().revived.remove(&operation);
    }

    /// A unit ended without saying so (it panicked): it may run again.
    pub fn abandon(&self, unit: Unit) {
        let now = self.now();
        let mut schedule = self.schedule();
        schedule.store_refused(unit, Some("It broke off; the log says where.".to_owned()), now);
        schedule.ended(unit);
    }

    /// Runs one unit of work to its end. Never fails: what went wrong is recorded and shown.
    pub async fn run(&self, unit: Unit) {
        // Boxed: one future of all of them would be as large as the largest, on every stack that holds it.
        let outcome = match unit {
            Unit::Configuration => Box::pin(registry::reload(self)).await,
            Unit::Intake => Box::pin(intake::run(self)).await,
            Unit::Catalogue(connection) => Box::pin(registry::read_catalogue(self, connection)).await,
            Unit::Fetch(workspace) => Box::pin(fetch::run(self, workspace)).await,
            Unit::Poll(workspace) => Box::pin(poll::run(self, workspace)).await,
            Unit::Backfill(workspace) => Box::pin(backfill::run(self, workspace)).await,
            Unit::Halo(connection) => Box::pin(halo::run(self, connection)).await,
            Unit::Look(pair) => Box::pin(look::run(self, pair)).await,
            Unit::Pair(pair) => Box::pin(execute::run(self, pair)).await,
        };
        if let Err(error) = &outcome {
            // The store refused: nothing was half done. The unit comes up again.
            self.store.met(error);
            if !error.lasts() {
                tracing::error!(unit = ?unit, error = crate::telemetry::chain(error), "the database refused a step; it will be tried again");
            }
        }
        let now = self.now();
        let mut schedule = self.schedule();
        match outcome {
            Ok(()) => schedule.store_took(unit),
            // What comes from outside is said by the store.
            Err(error) => schedule.store_refused(unit, (!error.lasts()).then(|| error.to_string()), now),
        }
        schedule.ended(unit);
        drop(schedule);
        self.wake();
    }

    /// Runs everything that is due, one unit after another, until nothing is due now. For tests, the demo's
    /// thirty days and `sync --once`; gives the number of units run, at most `units_max`.
    ///
    /// # Errors
    /// What the store says when asked for due pairs.
    pub async fn run_until_idle(&self, units_max: usize) -> Result<usize, StoreError> {
        let mut ran = 0;
        while ran < units_max {
            let units = self.due(usize::MAX).await?;
            if units.is_empty() {
                break;
            }
            for unit in units {
                self.run(unit).await;
                ran += 1;
            }
        }
        Ok(ran)
    }
}
