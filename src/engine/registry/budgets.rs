//! How many calls each side bears: one budget for each Halo instance and each Azure subscription, however many connections
//! lead there. They outlive a change of the configuration.

use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError},
};

use jiff::Timestamp;

use super::{Registry, View};
use crate::{
    domain::{connection::HaloConnection, ids::ConnectionId},
    engine::Engine,
    halo_itsm::TokenLanes,
    outbound::budget::{Budget, Kind, Subscriptions},
};

/// What tells one instance from another: its address.
fn instance(connection: &HaloConnection) -> String {
    connection.resource_server.trim_end_matches('/').to_ascii_lowercase()
}

impl Registry {
    /// The same, with the budgets of subscriptions and the tokens of Halo that another one keeps.
    #[must_use]
    pub fn sharing(self, subscriptions: Option<Arc<Subscriptions>>, tokens: Option<Arc<TokenLanes>>) -> Self {
        Self { subscriptions: subscriptions.unwrap_or_default(), tokens: tokens.unwrap_or_default(), ..self }
    }

    /// The tokens of Halo instances.
    pub fn token_lanes(&self) -> Arc<TokenLanes> {
        Arc::clone(&self.tokens)
    }

    /// Budgets of Halo instances, by the connections that lead there.
    pub fn halo_budgets(&self) -> Vec<(ConnectionId, Arc<Budget>)> {
        let adapters = self.adapters.read().unwrap_or_else(PoisonError::into_inner);
        adapters.halo.iter().map(|(id, (_, budget))| (*id, Arc::clone(budget))).collect()
    }

    /// The budget of the instance that a connection leads to.
    pub fn halo_budget(&self, id: ConnectionId) -> Option<Arc<Budget>> {
        let adapters = self.adapters.read().unwrap_or_else(PoisonError::into_inner);
        adapters.halo.get(&id).map(|(_, budget)| Arc::clone(budget))
    }

    /// The same for a connection that need not be kept: that of any connection in force which leads to the same instance.
    pub fn budget_of(&self, connection: &HaloConnection) -> Option<Arc<Budget>> {
        let (view, wanted) = (self.view(), instance(connection));
        let known = view.halo.values().find(|known| instance(known) == wanted)?;
        self.halo_budget(known.id)
    }

    /// A subscription's budget, once a call was made there.
    pub fn subscription_budget(&self, subscription: &str) -> Option<Arc<Budget>> {
        self.subscriptions.known(subscription)
    }

    /// The budgets of all Azure subscriptions.
    pub fn subscriptions(&self) -> Arc<Subscriptions> {
        Arc::clone(&self.subscriptions)
    }

    /// Budgets of Azure subscriptions.
    pub fn subscription_budgets(&self) -> Vec<(String, Arc<Budget>)> {
        self.subscriptions.all()
    }

    /// The budgets of a configuration that is taken up: what was spent is spent, and of several connections to one place the
    /// most careful is heeded.
    pub(super) fn budgets_for(&self, view: &View) -> BTreeMap<ConnectionId, Arc<Budget>> {
        let mut instances: BTreeMap<String, (u32, Arc<Budget>)> = BTreeMap::new();
        for connection in view.halo.values() {
            let most = connection.requests_per_5min;
            let begun = || (most, self.budget_of(connection).unwrap_or_else(|| Budget::halo(most)));
            let (least, _) = instances.entry(instance(connection)).or_insert_with(begun);
            *least = most.min(*least);
        }
        for (most, budget) in instances.values() {
            budget.allow_halo(*most);
        }
        let mut writes: BTreeMap<String, u32> = BTreeMap::new();
        for workspace in view.workspaces.values() {
            let connection = view.microsoft.get(&workspace.connection);
            let Some((address, connection)) = workspace.address().zip(connection) else { continue };
            let least = writes.entry(address.subscription.to_ascii_lowercase()).or_insert(connection.writes_per_5min);
            *least = connection.writes_per_5min.min(*least);
        }
        for (subscription, most) in &writes {
            self.subscriptions.allow(subscription, *most);
        }
        let of = |connection: &HaloConnection| {
            let (_, budget) = instances.get(&instance(connection))?;
            Some((connection.id, Arc::clone(budget)))
        };
        view.halo.values().filter_map(of).collect()
    }
}

/// A reading of an instance that makes its calls together, time and again: the next is expected to make as many.
pub(in crate::engine) struct Coming {
    budget: Option<Arc<Budget>>,
    who: String,
    before: u64,
}

impl Coming {
    /// It begins; `what` is read.
    pub(in crate::engine) fn began(engine: &Engine, id: ConnectionId, what: &str) -> Self {
        let budget = engine.registry.halo_budget(id);
        let before = budget.as_ref().map_or(0, |budget| budget.polled(Kind::Halo));
        Self { budget, who: format!("{what} of {}", id.0), before }
    }

    /// It has ended, and comes again at `next`.
    pub(in crate::engine) fn ended(self, engine: &Engine, next: Option<Timestamp>) {
        if let (Some(budget), Some(next)) = (self.budget, next) {
            let calls = budget.polled(Kind::Halo).saturating_sub(self.before);
            budget.announce(engine.now(), Kind::Halo, &self.who, (calls, next));
        }
    }
}
