//! The clock was set back: a host may start with a wrong one and be put right hours later. What is due would wait for all
//! that time, and what was read would pass for fresh.

use jiff::{SignedDuration, Timestamp};

use super::{Schedule, Standing};
use crate::{
    clock,
    domain::{
        failure::FailureKind,
        ids::PairId,
        operation::{Operation, OperationState},
    },
    engine::{Engine, digest, known::Known},
    ledger::fact::Fact,
    planner::observed::Reading,
    store::StoreError,
};

/// Nothing in a queue waits for longer than an hour (a write whose outcome is looked for may, and is looked for sooner
/// then): after a start, what does was put there by a clock that was ahead.
const LONGEST: SignedDuration = SignedDuration::from_hours(2);
/// Pairs that are taken up at once.
const PAIRS_MAX: u32 = 100_000;

impl Schedule {
    /// Notes the time. When the clock was set back since it was last noted, all that is due, and when what was read, moves
    /// back with it; gives by how much.
    fn notice(&mut self, now: Timestamp) -> Option<SignedDuration> {
        let Some(before) = self.noticed.replace(now) else {
            self.beyond = now.checked_add(LONGEST).ok();
            return None;
        };
        let by = clock::set_back(before, now)?;
        let back = |at: &mut Timestamp| *at = at.checked_sub(by).unwrap_or(*at);
        let sources = self.workspaces.values_mut().chain(self.instances.values_mut());
        for standing in sources.chain(self.catalogues.values_mut()) {
            let Standing { next, next_full, next_rows, awaits, last_success, last_failure, settled, .. } = standing;
            [next, next_full, next_rows, awaits, last_success].into_iter().flatten().for_each(back);
            if let Some((at, failure)) = last_failure {
                back(at);
                if let FailureKind::WaitUntil { at } = &mut failure.kind {
                    back(at);
                }
            }
            *settled = None;
        }
        [&mut self.configuration_next, &mut self.intake_next].into_iter().flatten().for_each(back);
        self.cycles.values_mut().for_each(back);
        self.named.set_back(back);
        self.looked.values_mut().for_each(back);
        self.missed.values_mut().for_each(back);
        self.later_looks.values_mut().for_each(back);
        self.evidence_read.values_mut().for_each(back);
        self.unread.values_mut().for_each(|unread| unread.set_back(back));
        self.comments_waiting.values_mut().for_each(|waiting| back(&mut waiting.at));
        self.written.values_mut().for_each(|once| once.set_back(back));
        self.backfills.values_mut().for_each(back);
        self.refused.set_back(back);
        self.pushes.values_mut().for_each(|waits| back(&mut waits.until));
        self.announced.values_mut().for_each(|(at, _)| back(at));
        self.queue.set_back(by);
        self.natives.values_mut().for_each(|natives| natives.set_back(by));
        self.shadows.values_mut().for_each(|shadowing| shadowing.set_back(by));
        self.pairs_next = None;
        self.beyond = Some(now);
        Some(by)
    }
}

impl Engine {
    /// Notices when the clock was set back.
    pub(super) async fn mind_clock(&self, now: Timestamp) -> Result<(), StoreError> {
        let (set_back, beyond) = {
            let mut schedule = self.schedule();
            (schedule.notice(now), schedule.beyond)
        };
        if let Some(by) = set_back {
            tracing::warn!(secs = by.as_secs(), "the clock was set back; what is due moves back with it");
        }
        let Some(beyond) = beyond else { return Ok(()) };
        let pairs = self.store.pairs_waiting_beyond(beyond, PAIRS_MAX).await?;
        let mut schedule = self.schedule();
        schedule.beyond = None;
        schedule.pairs.extend(pairs.iter().copied());
        schedule.ahead.extend(pairs);
        Ok(())
    }
}

/// What waits in a pair's queue by a clock that was ahead is due now; `true` when something did.
pub(in crate::engine) async fn put_right(engine: &Engine, known: &Known) -> Result<bool, StoreError> {
    let pair = known.row.pair.id;
    if !engine.schedule().ahead.remove(&pair) {
        return Ok(false);
    }
    let now = engine.now();
    let facts: Vec<Fact> = known.row.operations.iter().filter_map(|operation| due_now(pair, operation, now)).collect();
    if facts.is_empty() {
        return Ok(false);
    }
    let recorded = Box::pin(digest::pair(engine, pair, facts, Reading::default())).await;
    if recorded.is_err() {
        engine.schedule().ahead.insert(pair);
    }
    recorded.map(|()| true)
}

/// A write that is to be sent, or looked for, later: it is due now.
pub(in crate::engine) fn due_now(pair: PairId, operation: &Operation, now: Timestamp) -> Option<Fact> {
    let state = match operation.state {
        OperationState::Planned { ready } if ready > now => OperationState::Planned { ready: now },
        // The span in which it is looked for begins anew where it would begin in the time to come.
        OperationState::OutcomeUnknown { since, look, looks, failed } if look > now => {
            OperationState::OutcomeUnknown { since: since.min(now), look: now, looks, failed }
        }
        _ => return None,
    };
    let (attempts, failure) = (operation.attempts, operation.last_failure.clone());
    Some(Fact::OperationMoved { operation: operation.id, pair, state, attempts, failure })
}
