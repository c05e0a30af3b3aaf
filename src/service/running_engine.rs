//! The running engine as pages and forms know it.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use tokio::sync::watch;

use crate::{
    domain::{
        connection::HaloConnection,
        failure::Side,
        ids::{ConnectionId, DeliveryId, IncidentId, OperationId, PairId, TicketId, WorkspaceId},
        run::{RunCause, RunScope},
    },
    engine::{self, Engine, Unit},
    halo_itsm::{Halo, TokenLanes},
    outbound::budget::{Budget, BudgetState, Subscriptions},
};

use super::engine_handle::{BudgetStatus, EngineHandle, EngineStatus, RefusedStep, ScopeStatus, StepOf};

/// A way to the running engine.
pub struct RunningEngine {
    engine: Arc<Engine>,
    alive: Arc<AtomicBool>,
    changed: watch::Receiver<i64>,
}

impl RunningEngine {
    /// For an engine; `alive` tells whether its loop runs, `changed` its newest ledger number.
    pub fn new(engine: Arc<Engine>, alive: Arc<AtomicBool>, changed: watch::Receiver<i64>) -> Self {
        Self { engine, alive, changed }
    }

    fn budgets(&self) -> Vec<BudgetStatus> {
        let row = |side, connection, subscription, state: BudgetState| BudgetStatus {
            side,
            connection,
            subscription,
            remaining: u32::try_from(state.allowed.saturating_sub(state.used)).unwrap_or(u32::MAX),
            limit: u32::try_from(state.allowed).unwrap_or(u32::MAX),
            waits_until: state.told_until,
        };
        let view = self.engine.view();
        let halo = self.engine.halo_budgets().into_iter().map(|(id, state)| row(Side::Halo, id, None, state));
        let azure = self.engine.subscription_budgets().into_iter().filter_map(|(subscription, state)| {
            let of = |w: &&crate::domain::workspace::Workspace| {
                w.address().is_some_and(|address| address.subscription.eq_ignore_ascii_case(&subscription))
            };
            let connection = view.workspaces.values().find(of)?.connection;
            Some(row(Side::Sentinel, connection, Some(subscription), state))
        });
        halo.chain(azure).collect()
    }
}

/// A refused step in words.
fn refused(found: engine::RefusedStep) -> RefusedStep {
    let workspace = |id| StepOf::Source(RunScope::Workspace { id });
    let halo = |id| StepOf::Source(RunScope::Halo { id });
    let (does, of) = match found.unit {
        Unit::Configuration => ("Taking up the configuration", StepOf::All),
        Unit::Intake => ("Taking up webhooks and requests", StepOf::All),
        Unit::Catalogue(id) => ("Reading the look-ups", halo(id)),
        Unit::Halo(id) => ("Reading the changed tickets", halo(id)),
        Unit::Poll(id) => ("Reading the changed incidents", workspace(id)),
        Unit::Fetch(id) => ("Reading the announced incidents", workspace(id)),
        Unit::Backfill(id) => ("Taking in the old incidents", workspace(id)),
        Unit::Look(id) => ("Reading both sides of a pair", StepOf::Pair(id)),
        Unit::Pair(id) => ("Carrying out the writes of a pair", StepOf::Pair(id)),
    };
    RefusedStep { does, of, since: found.since, next: found.next, why: found.why }
}

impl EngineHandle for RunningEngine {
    fn poke_workspace(&self, workspace: WorkspaceId, cause: RunCause) {
        // A stored webhook is taken up with the incident it names; without one it asks for a poll.
        match cause {
            RunCause::Webhook => self.engine.poke_intake(),
            _ => self.engine.poke_workspace(workspace, cause),
        }
    }

    fn poke_incident(&self, workspace: WorkspaceId, incident: IncidentId) {
        self.engine.poke_incident(workspace, incident);
    }

    fn delivered(&self, delivery: DeliveryId) {
        self.engine.delivered(delivery);
    }

    fn poke_halo(&self, connection: ConnectionId, tickets: Option<Vec<TicketId>>) {
        self.engine.poke_intake();
        self.engine.poke_halo(connection, &tickets.unwrap_or_default());
    }

    fn push_waits(&self, request: i64) -> Option<(jiff::Timestamp, String)> {
        self.engine.push_waits(request)
    }

    fn look_again(&self, pair: PairId) {
        self.engine.look_again(pair);
    }

    fn looked_at(&self, pair: PairId) -> Option<jiff::Timestamp> {
        self.engine.looked_at(pair)
    }

    fn sync_now(&self, pair: PairId) {
        self.engine.sync_now(pair);
    }

    fn retry(&self, operation: OperationId) {
        self.engine.retry(operation);
    }

    fn retry_no_more(&self, operation: OperationId) {
        self.engine.retry_no_more(operation);
    }

    fn forgotten_until(&self) -> Option<jiff::Timestamp> {
        self.engine.forgotten_until()
    }

    fn asked(&self) {
        self.engine.poke_intake();
    }

    fn pauses_changed(&self) {
        self.engine.poke_pauses();
    }

    fn configuration(&self) -> Option<i64> {
        self.alive.load(Ordering::Relaxed).then(|| self.engine.configuration()).flatten()
    }

    fn status(&self) -> EngineStatus {
        let scopes = self.engine.standings().into_iter().map(|found| ScopeStatus {
            scope: found.scope,
            last_success: found.standing.last_success,
            last_failure: found.standing.last_failure,
            next_due: found.standing.next,
            running: found.running,
            note: found.standing.note,
        });
        EngineStatus {
            alive: self.alive.load(Ordering::Relaxed),
            only_reads: self.engine.only_reads(),
            second_writer: self.engine.second_writer(),
            scopes: scopes.collect(),
            budgets: self.budgets(),
            refused: self.engine.refused_steps().into_iter().map(refused).collect(),
        }
    }

    fn halo(&self, connection: &HaloConnection) -> Option<Arc<Halo>> {
        let registry = self.engine.registry();
        let known = registry.view().halo.get(&connection.id) == Some(connection);
        if known && self.alive.load(Ordering::Relaxed) { registry.halo(connection.id).ok() } else { None }
    }

    fn halo_budget(&self, connection: &HaloConnection) -> Option<Arc<Budget>> {
        self.engine.registry().budget_of(connection)
    }

    fn token_lanes(&self) -> Option<Arc<TokenLanes>> {
        Some(self.engine.registry().token_lanes())
    }

    fn subscriptions(&self) -> Option<Arc<Subscriptions>> {
        Some(self.engine.registry().subscriptions())
    }

    fn changed(&self) -> watch::Receiver<i64> {
        self.changed.clone()
    }
}
