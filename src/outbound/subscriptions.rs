//! One budget for each Azure subscription.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use super::budget::Budget;

/// The budgets of all Azure subscriptions, one each however many connections reach it.
#[derive(Debug, Default)]
pub struct Subscriptions {
    budgets: Mutex<BTreeMap<String, Arc<Budget>>>,
}

impl Subscriptions {
    /// The budget of a subscription (any letter case), made with `writes_per_5min` when it is new.
    pub fn of(&self, subscription: &str, writes_per_5min: u32) -> Arc<Budget> {
        let mut budgets = self.budgets.lock().unwrap_or_else(PoisonError::into_inner);
        budgets.entry(subscription.to_ascii_lowercase()).or_insert_with(|| Budget::azure(writes_per_5min)).clone()
    }

    /// So many writes are allowed there from now on, if there is a budget yet.
    pub fn allow(&self, subscription: &str, writes_per_5min: u32) {
        if let Some(budget) = self.known(subscription) {
            budget.allow_azure(writes_per_5min);
        }
    }

    /// The budget of a subscription, if there is one yet.
    pub fn known(&self, subscription: &str) -> Option<Arc<Budget>> {
        let budgets = self.budgets.lock().unwrap_or_else(PoisonError::into_inner);
        budgets.get(&subscription.to_ascii_lowercase()).cloned()
    }

    /// Every budget with its subscription, for the page.
    pub fn all(&self) -> Vec<(String, Arc<Budget>)> {
        let budgets = self.budgets.lock().unwrap_or_else(PoisonError::into_inner);
        budgets.iter().map(|(name, budget)| (name.clone(), budget.clone())).collect()
    }
}
