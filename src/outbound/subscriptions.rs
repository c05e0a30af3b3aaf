//! One budget for each Azure subscription.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use super::budget::Budget;

/// The budgets of all Azure subscriptions, one each however many connections reach it.
#[derive(Debug, Default)]
pub struct Subscriptions {
    inner: Mutex<Inner>,
}

/// Both by the subscription in small letters.
#[derive(Debug, Default)]
struct Inner {
    budgets: BTreeMap<String, Arc<Budget>>,
    /// Writes per five minutes that the configuration allows, of those that it tells of.
    allowed: BTreeMap<String, u32>,
}

impl Subscriptions {
    fn with<T>(&self, f: impl FnOnce(&mut Inner) -> T) -> T {
        f(&mut self.inner.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The budget of a subscription (any letter case). A new one is made with what [`Self::allow`] told, else with
    /// `writes_per_5min`.
    pub fn of(&self, subscription: &str, writes_per_5min: u32) -> Arc<Budget> {
        let name = subscription.to_ascii_lowercase();
        self.with(|inner| {
            let allowed = inner.allowed.get(&name).copied().unwrap_or(writes_per_5min);
            Arc::clone(inner.budgets.entry(name).or_insert_with(|| Budget::azure(allowed)))
        })
    }

    /// So many writes are allowed there from now on, whichever connection makes the first call.
    pub fn allow(&self, subscription: &str, writes_per_5min: u32) {
        let name = subscription.to_ascii_lowercase();
        self.with(|inner| {
            if let Some(budget) = inner.budgets.get(&name) {
                budget.allow_azure(writes_per_5min);
            }
            inner.allowed.insert(name, writes_per_5min);
        });
    }

    /// The budget of a subscription, if there is one yet.
    pub fn known(&self, subscription: &str) -> Option<Arc<Budget>> {
        self.with(|inner| inner.budgets.get(&subscription.to_ascii_lowercase()).cloned())
    }

    /// Every budget with its subscription, for the page.
    pub fn all(&self) -> Vec<(String, Arc<Budget>)> {
        self.with(|inner| inner.budgets.iter().map(|(name, budget)| (name.clone(), Arc::clone(budget))).collect())
    }
}
