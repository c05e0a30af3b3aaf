//! Incidents whose comments alone cannot be read: their pairs say so until they are.

use crate::{
    domain::{
        failure::{Failure, FailureKind},
        ids::PairId,
        incident::Incident,
    },
    planner::observed::Reading,
    store::StoreError,
};

use super::{Engine, digest};

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
        engine.schedule().unread.insert(pair, failure.message.clone());
    }
}

/// As [`keep`]; the pair is planned anew, so that it says so at once.
pub(super) async fn say(engine: &Engine, pair: PairId, failure: &Failure) -> Result<(), StoreError> {
    keep(engine, pair, failure);
    digest::pair(engine, pair, Vec::new(), Reading::default()).await
}
