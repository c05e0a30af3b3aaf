//! A ticket whose list of actions is empty though some are known: asked for once more before that is taken for deletions.

use jiff::SignedDuration;

use crate::{
    domain::pair::Base,
    ledger::fact::Fact,
    planner::{
        emptied::{APART, weighed},
        observed::Reading,
    },
    store::SituationRow,
};

use super::Engine;

/// Weighs the actions of a reading: a list that is not to be believed yet is taken out of it.
pub(super) fn kept(engine: &Engine, row: &SituationRow, reading: &mut Reading) -> Option<Fact> {
    let read = reading.actions.as_deref()?;
    let (now, before) = (engine.now(), row.pair.base.emptied);
    let known = row.actions.as_deref().unwrap_or_default();
    let opening = engine.schedule().has_opening(row.pair.halo);
    let found = weighed((known, read), (reading.none, opening), before, now);
    if !found.taken {
        // What else is new there is read with its next row.
        (reading.actions, reading.unread) = (None, true);
    }
    if !found.taken && found.since.is_some() {
        let at = now + APART + SignedDuration::from_secs(1);
        engine.schedule().later_looks.entry(row.pair.id).or_insert(at);
    }
    (found.since != before).then(|| {
        let base = Base { emptied: found.since, ..row.pair.base.clone() };
        Fact::BaseAgreed { pair: row.pair.id, base }
    })
}
