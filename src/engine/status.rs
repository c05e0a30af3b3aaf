//! How the engine stands, for pages and metrics.

use jiff::Timestamp;

use crate::{
    domain::{
        failure::Failure,
        ids::{ConnectionId, PairId},
        run::RunScope,
    },
    outbound::budget::BudgetState,
};

use super::{
    Engine,
    schedule::{RefusedStep, Standing, Unit},
};

/// How one scope stands.
#[derive(Debug, Clone)]
pub struct ScopeStanding {
    /// Which.
    pub scope: RunScope,
    /// Its times and failures.
    pub standing: Standing,
    /// Whether it is being read now.
    pub running: bool,
}

impl Engine {
    /// The configuration in force.
    pub fn view(&self) -> std::sync::Arc<super::registry::View> {
        self.registry.view()
    }

    /// When both sides of a pair were last read for its own sake, since the start.
    pub fn looked_at(&self, pair: PairId) -> Option<Timestamp> {
        self.schedule().looked.get(&pair).copied()
    }

    /// Up to when the database may have forgotten what crossed, where it was restored or copied.
    pub fn forgotten_until(&self) -> Option<Timestamp> {
        self.schedule().forgotten_until
    }

    /// How polling of every workspace and instance goes.
    pub fn standings(&self) -> Vec<ScopeStanding> {
        let schedule = self.schedule();
        let workspaces = schedule.workspaces.iter().map(|(id, standing)| ScopeStanding {
            scope: RunScope::Workspace { id: *id },
            standing: standing.clone(),
            running: schedule.running.contains(&Unit::Poll(*id)),
        });
        let instances = schedule.instances.iter().map(|(id, standing)| ScopeStanding {
            scope: RunScope::Halo { id: *id },
            standing: standing.clone(),
            running: schedule.running.contains(&Unit::Halo(*id)),
        });
        workspaces.chain(instances).collect()
    }

    /// Steps that the database refuses again and again for a reason of its own, the one refused the longest first.
    pub fn refused_steps(&self) -> Vec<RefusedStep> {
        let now = self.now();
        self.schedule().refused_steps(now)
    }

    /// Instances whose look-ups have never been read and why they cannot be: what waits for them is not read either.
    pub fn without_look_ups(&self) -> Vec<(ConnectionId, Timestamp, Failure)> {
        let failed: Vec<_> = {
            let schedule = self.schedule();
            let failed = |(id, standing): (&ConnectionId, &Standing)| {
                standing.last_failure.clone().map(|(at, failure)| (*id, at, failure))
            };
            schedule.catalogues.iter().filter_map(failed).collect()
        };
        failed.into_iter().filter(|(id, _, _)| self.registry.catalogue(*id).is_none()).collect()
    }

    /// Budgets of Halo instances.
    pub fn halo_budgets(&self) -> Vec<(ConnectionId, BudgetState)> {
        let now = self.now();
        self.registry.halo_budgets().into_iter().map(|(id, budget)| (id, budget.state(now))).collect()
    }

    /// Budgets of Azure subscriptions.
    pub fn subscription_budgets(&self) -> Vec<(String, BudgetState)> {
        let now = self.now();
        self.registry.subscription_budgets().into_iter().map(|(id, budget)| (id, budget.state(now))).collect()
    }
}
