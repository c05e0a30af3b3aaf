//! A side answers again after an outage: what waits for it is tried at once. Waits grow up to an hour, so that a side that
//! is down is asked seldom; once it answers, nothing is won by waiting on.

use jiff::Timestamp;

use crate::{
    domain::{
        failure::{Failure, FailureKind, Side},
        operation::{Operation, OperationState},
        run::RunScope,
    },
    ledger::fact::Fact,
    planner::observed::Reading,
    store::StoreError,
};

use super::{Engine, digest, known::Known, schedule::Standing};

/// So many readings in a row failed: after fewer nothing waits for long.
const OUTAGE: u32 = 3;
/// Pairs that are taken up at once; any more are tried at their time.
const PAIRS_MAX: u32 = 100_000;

/// Whether a source could not be read for a while: what waits for its side is to be tried when it is read again. That our
/// own budget has no room is no outage.
pub(super) fn was_away(standing: &Standing) -> bool {
    standing.failing && standing.failures >= OUTAGE
}

/// It is read again.
pub(super) async fn again(engine: &Engine, reading: RunScope) -> Result<(), StoreError> {
    let side = match reading {
        RunScope::Workspace { .. } => Side::Sentinel,
        RunScope::Halo { .. } => Side::Halo,
    };
    let now = engine.now();
    let pairs = engine.store.pairs_waiting_for(reading, now, PAIRS_MAX).await?;
    if pairs.len() >= PAIRS_MAX as usize {
        tracing::warn!(pairs = pairs.len(), "more pairs wait for a side that answers again than are taken up at once");
    }
    let view = engine.registry.view();
    let connection = match reading {
        RunScope::Workspace { id } => view.workspaces.get(&id).map(|workspace| workspace.connection),
        RunScope::Halo { .. } => None,
    };
    let mut schedule = engine.schedule();
    if let RunScope::Halo { id } = reading {
        schedule.hasten_tickets(id, now);
    }
    schedule.answered.extend(pairs.iter().map(|pair| (*pair, side)));
    schedule.pairs.extend(pairs);
    // What answers for one workspace may answer for the others, whose next readings may be a quarter of an hour away.
    for (id, standing) in &mut schedule.workspaces {
        let beside =
            connection.is_some() && view.workspaces.get(id).map(|workspace| workspace.connection) == connection;
        let unanswered = |(_, failure): &(Timestamp, Failure)| failure.kind == FailureKind::Transient;
        if beside && was_away(standing) && standing.last_failure.as_ref().is_some_and(unanswered) {
            standing.next = standing.next.map(|next| next.min(now));
        }
    }
    Ok(())
}

/// What waits in a pair's queue because a side that answers again did not answer is due now; `true` when something did.
pub(super) async fn try_now(engine: &Engine, known: &Known) -> Result<bool, StoreError> {
    let pair = known.row.pair.id;
    let sides: Vec<Side> = {
        let mut schedule = engine.schedule();
        [Side::Sentinel, Side::Halo].into_iter().filter(|side| schedule.answered.remove(&(pair, *side))).collect()
    };
    if sides.is_empty() {
        return Ok(false);
    }
    let now = engine.now();
    let waiting = known.row.operations.iter().filter(|operation| waits(operation, &sides, now));
    let facts: Vec<Fact> = waiting
        .map(|operation| Fact::OperationMoved {
            operation: operation.id,
            pair,
            state: match operation.state {
                OperationState::OutcomeUnknown { since, looks, failed, .. } => {
                    OperationState::OutcomeUnknown { since, look: now, looks, failed }
                }
                _ => OperationState::Planned { ready: now },
            },
            attempts: operation.attempts,
            failure: operation.last_failure.clone(),
        })
        .collect();
    if facts.is_empty() {
        return Ok(false);
    }
    let recorded = Box::pin(digest::pair(engine, pair, facts, Reading::default())).await;
    if recorded.is_err() {
        // The store refused: the unit comes up again, and the side still answers.
        engine.schedule().answered.extend(sides.iter().map(|side| (pair, *side)));
    }
    recorded.map(|()| true)
}

/// Whether a write is to be tried, or looked for, later because one of these sides gave no answer, or none that tells of the
/// write. What the side said in words (wait until then, you may not, somebody was faster) holds; that we may not look, no
/// longer than it is so.
fn waits(operation: &Operation, sides: &[Side], now: Timestamp) -> bool {
    let (later, looked_for) = match operation.state {
        OperationState::Planned { ready } => (ready > now, false),
        OperationState::OutcomeUnknown { look, .. } => (look > now, true),
        _ => (false, false),
    };
    // What was said of a write does not keep it from being looked for.
    let unanswered = |failure: &Failure| match failure.kind {
        FailureKind::Transient | FailureKind::Unreadable | FailureKind::Unknown => looked_for || !failure.said_no(),
        FailureKind::Forbidden | FailureKind::Rejected => looked_for,
        _ => false,
    };
    later && sides.contains(&operation.kind.side()) && operation.last_failure.as_ref().is_some_and(unanswered)
}
