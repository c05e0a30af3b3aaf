//! Rules of Halo run after a write, and the answer may come before them (halo-api sheet 7.3, no. 16): a priority that is
//! another one within a moment of ours is no agent's choice.
//!
//! Kept in memory: what a process forgets is taken for an agent's.

use jiff::{SignedDuration, Timestamp};

use crate::{
    domain::{
        operation::{Operation, OperationKind},
        pair::Kept,
    },
    ledger::fact::Fact,
    planner::{agreed, observed::Reading},
    store::SituationRow,
};

use super::{Engine, schedule::ROWS_KEPT};

/// No agent is so quick, and no rule so slow.
const MOMENT: SignedDuration = SignedDuration::from_secs(5);

/// A priority that we wrote, and when that was by Halo's clock.
#[derive(Debug, Clone, Copy)]
pub(super) struct SentPriority {
    priority_id: i64,
    at: Timestamp,
}

/// A write of ours was answered as it was sent.
pub(super) fn sent(engine: &Engine, operation: &Operation, reading: &Reading) {
    let sent = match &operation.kind {
        OperationKind::CreateTicket { draft, .. } => draft.priority_id,
        OperationKind::UpdateTicket { change } => change.priority_id,
        _ => None,
    };
    let (Some(priority_id), Some(answer)) = (sent, &reading.ticket) else { return };
    let Some(at) = answer.last_update.filter(|_| answer.priority_id == Some(priority_id)) else { return };
    let mut schedule = engine.schedule();
    if schedule.priorities_sent.len() >= ROWS_KEPT {
        schedule.priorities_sent.clear();
    }
    schedule.priorities_sent.insert(operation.pair, SentPriority { priority_id, at });
}

/// Whether a pair's ticket, as it is known by now, says that Halo kept another priority than the one that we wrote last.
pub(super) fn kept(engine: &Engine, row: &SituationRow) -> Option<Fact> {
    let pair = row.pair.id;
    let mut schedule = engine.schedule();
    let sent = *schedule.priorities_sent.get(&pair)?;
    let ticket = row.ticket.as_ref()?;
    let (at, kept) = (ticket.last_update?, ticket.priority_id?);
    let within = at <= sent.at + MOMENT;
    if within && kept == sent.priority_id {
        return None;
    }
    schedule.priorities_sent.remove(&pair);
    drop(schedule);
    let mut base = row.pair.base.clone();
    base.kept.insert(agreed::PRIORITY.to_owned(), Kept { sent: sent.priority_id, kept });
    within.then_some(Fact::BaseAgreed { pair, base })
}
