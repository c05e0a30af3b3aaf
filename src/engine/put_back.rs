//! A record that was not found shows again: what was given up for it is planned anew.

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

/// What was given up because a record was not found is tried again after this long at the earliest.
const AGAIN: SignedDuration = SignedDuration::from_mins(1);
/// An incident that was not found is looked for once more after this long.
pub(super) const LOOKED_FOR: SignedDuration = SignedDuration::from_mins(15);

/// Whether a pair may wait for its record of this side to show again.
pub(super) fn awaited(pair: &Pair, side: Side) -> bool {
    let told = |reason: &Reason| matches!(reason, Reason::RecordGone { .. });
    match pair.gone {
        Some(gone) => gone == side,
        None => pair.reason.iter().chain(&pair.further).any(told),
    }
}

/// Whether a write was given up because its record of this side, made before, was not found.
pub(super) fn given_up(operation: &Operation, side: Side, now: Timestamp) -> bool {
    let gone = match &operation.state {
        OperationState::Dead { at, reason: Reason::RecordGone { .. } } => now.duration_since(*at) >= AGAIN,
        _ => false,
    };
    let made = operation.kind.makes_ticket() || operation.kind.makes_incident();
    gone && operation.kind.side() == side && !made
}

/// The record shows again: what was given up because it did not is planned anew as far as it is still wanted.
pub(super) fn shows_again(row: &SituationRow, side: Side, now: Timestamp) -> Vec<Fact> {
    let pair = row.pair.id;
    let record = match side {
        Side::Sentinel => "incident",
        Side::Halo => "ticket",
    };
    let again = |operation: &Operation| Fact::OperationMoved {
        operation: operation.id,
        pair,
        state: OperationState::Void {
            at: now,
            why: format!("The {record} shows again: what is still wanted is planned anew."),
        },
        attempts: operation.attempts,
        failure: operation.last_failure.clone(),
    };
    row.operations.iter().filter(|operation| given_up(operation, side, now)).map(again).collect()
}
