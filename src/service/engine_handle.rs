//! What the rest of the program may ask of the engine. The engine implements it; tests record it.

use std::sync::Arc;

use jiff::Timestamp;
use tokio::sync::watch;

use crate::{
    domain::{
        connection::HaloConnection,
        failure::{Failure, Side},
        ids::{ConnectionId, DeliveryId, IncidentId, OperationId, PairId, TicketId, WorkspaceId},
        run::{RunCause, RunScope},
        second_writer::SecondWriter,
    },
    halo_itsm::{Halo, TokenLanes},
    outbound::budget::{Budget, Subscriptions},
};

/// A way to the running engine. Every call returns at once: it wakes the engine and waits for nothing.
/// What was asked is durable already or about to be (a delivery or a human act), so a lost call costs time, never work.
pub trait EngineHandle: Send + Sync + 'static {
    /// Poll this workspace now.
    fn poke_workspace(&self, workspace: WorkspaceId, cause: RunCause);

    /// Read this incident now, which a webhook named. It may be called before the webhook is durable: nothing is
    /// written for a hint's sake, only read.
    fn poke_incident(&self, workspace: WorkspaceId, incident: IncidentId);

    /// The webhook `delivery`, whose incident was asked for by [`Self::poke_incident`], is stored.
    fn delivered(&self, delivery: DeliveryId);

    /// Read these tickets of a Halo instance now; `None` means "poll for changed ones".
    fn poke_halo(&self, connection: ConnectionId, tickets: Option<Vec<TicketId>>);

    /// Read both sides of a pair afresh and plan again.
    fn look_again(&self, pair: PairId);

    /// Carry out now whatever of the pair waits only for its time.
    fn sync_now(&self, pair: PairId);

    /// Send a dead letter again.
    fn retry(&self, operation: OperationId);

    /// Do not: it was dropped since.
    fn retry_no_more(&self, _operation: OperationId) {}

    /// Something was asked that lies in the store's requests.
    fn asked(&self);

    /// Something was paused or resumed.
    fn pauses_changed(&self);

    /// The version of the configuration that the engine works by; what this process applies it takes up at
    /// once, and looks for what others did every second. `None` when its loop does not run.
    fn configuration(&self) -> Option<i64>;

    /// When both sides of a pair were last read for its own sake, since the start.
    fn looked_at(&self, _pair: PairId) -> Option<Timestamp> {
        None
    }

    /// Until when the database may have forgotten what happened: it was restored or copied, and then confirmed.
    fn forgotten_until(&self) -> Option<Timestamp> {
        None
    }

    /// Why a push that was asked for waits, and until when it does.
    fn push_waits(&self, _request: i64) -> Option<(Timestamp, String)> {
        None
    }

    /// The engine's own way to a Halo instance, with the token that it holds; `None` when its loop does not run, or it knows
    /// another connection by this id.
    fn halo(&self, _connection: &HaloConnection) -> Option<Arc<Halo>> {
        None
    }

    /// The budget of the instance that a connection leads to: what pages ask counts like the engine's own calls.
    fn halo_budget(&self, _connection: &HaloConnection) -> Option<Arc<Budget>> {
        None
    }

    /// The tokens of Halo that the engine holds: who signs in alike shares them, since a new one may revoke the earlier.
    fn token_lanes(&self) -> Option<Arc<TokenLanes>> {
        None
    }

    /// The budgets of Azure subscriptions.
    fn subscriptions(&self) -> Option<Arc<Subscriptions>> {
        None
    }

    /// How the engine is, at this moment.
    fn status(&self) -> EngineStatus;

    /// The number of the newest ledger entry; changes after each commit. The source of live events.
    fn changed(&self) -> watch::Receiver<i64>;
}

/// How the engine is.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct EngineStatus {
    /// Whether its loop runs: false before the start, after a stop, and in commands without an engine.
    pub alive: bool,
    /// Whether it may only read: the data directory was copied or restored, or a second writer was noticed, and nobody has
    /// confirmed it.
    pub only_reads: bool,
    /// The second writer that was noticed.
    pub second_writer: Option<SecondWriter>,
    /// One row for each workspace and Halo instance it looks after.
    pub scopes: Vec<ScopeStatus>,
    /// One row for each budget it keeps.
    pub budgets: Vec<BudgetStatus>,
    /// Steps that the database refuses again and again, the one refused the longest first.
    pub refused: Vec<RefusedStep>,
}

/// A step of the engine that the database refuses again and again for a reason of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedStep {
    /// What it does, in words.
    pub does: &'static str,
    /// Of what.
    pub of: StepOf,
    /// Since when it is refused.
    pub since: Timestamp,
    /// When it is tried again.
    pub next: Timestamp,
    /// In the database's words.
    pub why: String,
}

/// What a step of the engine is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepOf {
    /// Everything.
    All,
    /// A workspace or a Halo instance.
    Source(RunScope),
    /// A pair.
    Pair(PairId),
}

impl EngineStatus {
    /// The row of this workspace or instance.
    pub fn scope(&self, scope: RunScope) -> Option<&ScopeStatus> {
        self.scopes.iter().find(|row| row.scope == scope)
    }
}

/// How polling of one workspace or Halo instance goes.
#[derive(Debug, Clone, PartialEq)]
pub struct ScopeStatus {
    /// Which.
    pub scope: RunScope,
    /// When the last run that ended well ended.
    pub last_success: Option<Timestamp>,
    /// The last run's failure, when it ended and why; `None` once a later run ended well.
    pub last_failure: Option<(Timestamp, Failure)>,
    /// When the next run is due.
    pub next_due: Option<Timestamp>,
    /// Whether one is under way.
    pub running: bool,
    /// What the last whole reading told that cannot be.
    pub note: Option<String>,
}

/// How much of a budget is left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BudgetStatus {
    /// Whose budget.
    pub side: Side,
    /// The connection it is spent through (several connections may share a subscription's).
    pub connection: ConnectionId,
    /// The Azure subscription, for Sentinel's.
    pub subscription: Option<String>,
    /// Calls still allowed in the present window.
    pub remaining: u32,
    /// Calls allowed in a whole window.
    pub limit: u32,
    /// Nothing is sent before this moment (the server said so).
    pub waits_until: Option<Timestamp>,
}
