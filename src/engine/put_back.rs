//! An incident that was not found shows again: what was given up for it is planned anew.

use jiff::{SignedDuration, Timestamp};

use crate::{
    domain::{
        failure::Side,
        operation::{Operation, OperationState},
        pair::Pair,
        reason::Reason,
    },
    ledger::fact::Fact,
    store::SituationRow,
};

/// What was given up because the incident was not found is tried again after this long at the earliest.
const AGAIN: SignedDuration = SignedDuration::from_mins(1);
/// One that was not found is looked for once more after this long.
pub(super) const LOOKED_FOR: SignedDuration = SignedDuration::from_mins(15);

/// Whether a pair may wait for its incident to show again.
pub(super) fn awaited(pair: &Pair) -> bool {
    let told = |reason: &Reason| matches!(reason, Reason::RecordGone { .. });
    match pair.gone {
        Some(side) => side == Side::Sentinel,
        None => pair.reason.iter().chain(&pair.further).any(told),
    }
}

fn given_up(operation: &Operation, now: Timestamp) -> bool {
    let gone = match &operation.state {
        OperationState::Dead { at, reason: Reason::RecordGone { .. } } => now.duration_since(*at) >= AGAIN,
        _ => false,
    };
    gone && operation.kind.side() == Side::Sentinel && !operation.kind.makes_incident()
}

/// The incident shows again: what was given up because it did not is planned anew as far as it is still wanted.
pub(super) fn shows_again(row: &SituationRow, now: Timestamp) -> Vec<Fact> {
    let pair = row.pair.id;
    let again = |operation: &Operation| Fact::OperationMoved {
        operation: operation.id,
        pair,
        state: OperationState::Void {
            at: now,
            why: "The incident shows again: what is still wanted is planned anew.".into(),
        },
        attempts: operation.attempts,
        failure: operation.last_failure.clone(),
    };
    row.operations.iter().filter(|operation| given_up(operation, now)).map(again).collect()
}
