//! Incidents whose comments alone cannot be read: their pairs say so until they are.

use jiff::SignedDuration;

use crate::{
    domain::{
        failure::{Failure, FailureKind},
        ids::PairId,
        incident::Incident,
    },
    planner::observed::Reading,
    store::{PairFilter, PairSort, StoreError},
};

use super::{Engine, digest};

/// A pair whose comments alone a look could not read is looked at again after this long.
pub(super) const AGAIN: SignedDuration = SignedDuration::from_mins(5);
/// One that a poll could not read, after this long at the latest: most often the next poll asks again.
const AT_THE_LATEST: SignedDuration = SignedDuration::from_hours(1);
/// Pairs that are taken up at once when a process starts.
const ROWS: u32 = 500;

/// What failed, and of which incident: the run and the page's head say no more than that.
pub(super) fn named(incident: &Incident, failure: Failure) -> Failure {
    if matches!(failure.kind, FailureKind::WaitUntil { .. }) {
        return failure;
    }
    let which = incident.number.map_or_else(|| incident.id.to_string(), |number| format!("#{number}"));
    Failure { message: format!("The comments of incident {which} could not be read: {}", failure.message), ..failure }
}

/// Keeps that a pair's comments could not be read, for whatever plans it next. Waiting for a turn is no such failure.
pub(super) fn keep(engine: &Engine, pair: PairId, failure: &Failure) {
    if !matches!(failure.kind, FailureKind::WaitUntil { .. }) {
        let again = engine.now() + AT_THE_LATEST;
        let mut schedule = engine.schedule();
        schedule.unread.insert(pair, failure.message.clone());
        schedule.later_looks.entry(pair).or_insert(again);
    }
}

/// As [`keep`]; the pair is planned anew, so that it says so at once.
pub(super) async fn say(engine: &Engine, pair: PairId, failure: &Failure) -> Result<(), StoreError> {
    keep(engine, pair, failure);
    digest::pair(engine, pair, Vec::new(), Reading::default()).await
}

/// Pairs that said so when the process before this one ended are looked at: nothing else would ask for them.
pub(super) async fn left_behind(engine: &Engine) -> Result<(), StoreError> {
    let filter = PairFilter { reason: Some("comments-unread".to_owned()), ..PairFilter::default() };
    let mut after = None;
    loop {
        let page = engine.store.pairs_page(&filter, PairSort::default(), after, ROWS).await?;
        engine.schedule().looks.extend(page.rows.iter().map(|row| row.pair.id));
        after = page.next;
        if after.is_none() {
            return Ok(());
        }
    }
}
