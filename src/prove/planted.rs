//! Whether the invariants see: a bug is planted, and worlds are lived until one fails that is good without it.

use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

use super::{
    bugs::{Bug, Bugs},
    run::{Plan, failure, live},
    seat,
    world::{Broken, migrated},
};
use crate::store::Snapshot;

/// The world that gave a bug away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Its seed.
    pub seed: u64,
    /// What did not hold there, one sentence.
    pub wrong: String,
}

/// What a search came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Search {
    /// Worlds lived with the bug, up to the first that gave it away.
    pub lived: u64,
    /// That one.
    pub found: Option<Found>,
}

/// Plants a bug in the worlds of a plan, in their order, until one of them gives it away.
///
/// # Errors
/// What the simulation itself could not do before the first world.
pub fn search(bug: Bug, plan: &Plan) -> Result<Search, Broken> {
    let migrated = migrated()?;
    let next = AtomicU64::new(plan.from);
    let end = plan.from.saturating_add(plan.seeds);
    let stop = AtomicBool::new(false);
    let first: Mutex<Option<Found>> = Mutex::default();
    std::thread::scope(|scope| {
        for n in 0..plan.jobs.max(1) {
            let (next, stop, first, migrated) = (&next, &stop, &first, &migrated);
            scope.spawn(move || {
                seat::take(n);
                while !stop.load(Ordering::Relaxed) {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= end {
                        break;
                    }
                    if let Some(wrong) = gives_away(bug, seed, plan, migrated) {
                        stop.store(true, Ordering::Relaxed);
                        let mut first = first.lock().unwrap_or_else(PoisonError::into_inner);
                        // Those side by side end in any order: the lowest counts.
                        if first.as_ref().is_none_or(|known| known.seed > seed) {
                            *first = Some(Found { seed, wrong });
                        }
                    }
                }
            });
        }
    });
    let found = first.into_inner().unwrap_or_else(PoisonError::into_inner);
    let lived = found.as_ref().map_or(plan.seeds, |found| found.seed - plan.from + 1);
    Ok(Search { lived, found })
}

/// What does not hold in a world with this bug, if it is good without it.
fn gives_away(bug: Bug, seed: u64, plan: &Plan, migrated: &Snapshot) -> Option<String> {
    let shape = plan.shape(seed);
    // A world without what the bug needs counts, and need not be lived.
    let harmless = !bug.needs().is_empty() && !bug.needs().iter().any(|needed| shape.fate.has(*needed));
    if shape.large || harmless {
        return None;
    }
    let wrong = failure(&live(shape, &Bugs::one(bug), false, migrated))?.wrong.into_iter().next()?;
    failure(&live(plan.shape(seed), &Bugs::default(), false, migrated)).is_none().then_some(wrong)
}
