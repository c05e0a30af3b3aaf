//! Use cases, one function each: what pages, forms and webhooks call. Every one that a person can
//! reach takes the [`caller::Caller`] and authorises here, so that no route can forget to.
//!
//! Start with [`App`], then [`dashboard`] for a page and [`acts`] for a button.

pub mod accounts;
pub mod acts;
pub mod approvals;
pub mod backfills;
pub mod caller;
pub mod configuration;
pub mod connection_tests;
pub mod connections;
pub mod dashboard;
pub mod decisions;
pub mod disconnect;
pub mod doctor;
pub mod drifts;
pub mod engine_handle;
pub mod error;
pub mod explain;
pub mod go_live;
pub mod halo_probe;
pub mod help;
pub mod import_mode;
pub mod incidents;
pub mod intake;
pub mod ledger;
pub mod links;
pub mod live;
pub mod log_checks;
pub mod look_up;
pub mod numbers;
pub mod pair_errands;
pub mod pairs;
pub mod palette;
pub mod pauses;
pub mod permissions;
pub mod problems;
pub mod pulse;
pub mod pushes;
pub mod rebuilds;
pub mod replays;
pub mod request_shown;
pub mod running_engine;
pub mod runs;
pub mod saved_views;
pub mod set_up;
pub mod shadow;
pub mod sign_in;
pub mod then;
pub mod tickets;
pub mod tokens;
pub mod unlinked;
pub mod versions;
pub mod what_if;

mod fields;
pub mod file;
mod names;
mod notes;
mod outside;
mod words;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use jiff::Timestamp;
use tokio::sync::watch;

use self::{engine_handle::EngineHandle, error::ServiceError};
use crate::{
    clock::{Clock, IdSource},
    domain::{failure::Failure, view::ledger::ChainState},
    ledger::entry::Chain,
    outbound::Transport,
    store::{Installation, Store, StoreError},
};

/// Gives the way out for a connection; the argument is its `allow_insecure`.
pub type NetworkFor = Arc<dyn Fn(bool) -> Result<Arc<dyn Transport>, Failure> + Send + Sync>;

/// The whole program as use cases see it. Cheap to clone; all clones are the same program.
#[derive(Clone)]
pub struct App {
    /// The database.
    pub store: Store,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub ids: Arc<dyn IdSource>,
    /// The engine.
    pub engine: Arc<dyn EngineHandle>,
    network: NetworkFor,
    kept: Arc<Kept>,
}

/// What is kept in memory between requests.
struct Kept {
    accounts: accounts::State,
    intake: intake::State,
    installation: Mutex<Option<Arc<Installation>>>,
    chains: Mutex<HashMap<Chain, (Timestamp, ChainState)>>,
    reached: set_up::discovery::Remembered,
    errands: import_mode::errand::Desk,
    logs: log_checks::Desk,
    pair_errands: pair_errands::Desk,
    ended: watch::Sender<u64>,
    /// Held from looking at what is asked until the answer is recorded: of two answers at once one is.
    deciding: tokio::sync::Mutex<()>,
    /// Held from looking at why an incident is held until what a person asked for is recorded: of two requests at once
    /// the later one sees what the first one asked for.
    asking: tokio::sync::Mutex<()>,
}

impl App {
    /// Puts the parts together. `network` gives the way out for signing in with Microsoft.
    pub fn new(
        store: Store,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn IdSource>,
        engine: Arc<dyn EngineHandle>,
        network: NetworkFor,
    ) -> Self {
        let kept = Kept {
            accounts: accounts::State::default(),
            intake: intake::State::default(),
            installation: Mutex::new(None),
            chains: Mutex::default(),
            reached: set_up::discovery::Remembered::default(),
            errands: import_mode::errand::Desk::default(),
            logs: log_checks::Desk::default(),
            pair_errands: pair_errands::Desk::default(),
            ended: watch::Sender::new(0),
            deciding: tokio::sync::Mutex::default(),
            asking: tokio::sync::Mutex::default(),
        };
        Self { store, clock, ids, engine, network, kept: Arc::new(kept) }
    }

    /// Everything set up, as of now; read again only when its version rose.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn installation(&self) -> Result<Arc<Installation>, ServiceError> {
        let version = self.store.configuration_version().await.map_err(|e| {
            self.store.met(&e);
            fault("read the installation", &e)
        })?;
        let kept = self.kept.installation.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(kept) = kept.filter(|kept| kept.version == version) {
            return Ok(kept);
        }
        let fresh = self.store.installation().await.map_err(|e| fault("read the installation", &e))?;
        let fresh = Arc::new(fresh);
        *self.kept.installation.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&fresh));
        Ok(fresh)
    }

    /// What keeps anything from being stored now, as one sentence with the remedy.
    pub fn trouble(&self) -> Option<String> {
        self.store.trouble().map(|error| error.to_string())
    }

    /// Where sessions are kept.
    pub fn sessions(&self) -> crate::store::Sessions {
        self.store.sessions()
    }

    /// Tells of sessions that ended before their time, so that event streams look whether theirs did.
    pub fn ended(&self) -> watch::Receiver<u64> {
        self.kept.ended.subscribe()
    }

    /// A session ended, an account was switched off or changed its role.
    pub fn end_streams(&self) {
        self.kept.ended.send_modify(|count| *count = count.wrapping_add(1));
    }
}

/// Whether a line that anybody can cause as often as they like is due.
fn once_a_minute() -> bool {
    static SAID: Mutex<Option<Instant>> = Mutex::new(None);
    let mut said = SAID.lock().unwrap_or_else(PoisonError::into_inner);
    let due = said.is_none_or(|at| at.elapsed() >= Duration::from_secs(60));
    if due {
        *said = Some(Instant::now());
    }
    due
}

/// A store's failure as its caller hears of it; logged here, once.
fn fault(doing: &'static str, error: &StoreError) -> ServiceError {
    if error.transient() {
        // What keeps the store from writing it has said itself; what keeps it from reading it may not know.
        if matches!(error, StoreError::Failing(_) | StoreError::Damaged(_)) && once_a_minute() {
            tracing::warn!(doing, %error, "the store cannot do it now");
        }
        return ServiceError::Busy;
    }
    ServiceError::internal(doing, error)
}
