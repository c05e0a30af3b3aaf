//! Budgets that two registries spend together: a subscription has one, whoever asks there.

use std::sync::Arc;

use super::Registry;
use crate::outbound::budget::Subscriptions;

impl Registry {
    /// The same, spending these budgets of Azure subscriptions.
    #[must_use]
    pub fn spending(mut self, budgets: Arc<Subscriptions>) -> Self {
        self.subscriptions = budgets;
        self
    }
}
