//! What happens on a ticket within the second of a write of ours: where times are told in whole seconds no row shows it, so
//! the ticket's notes are read once more when that second is over, unless they are read by then for another reason.

use jiff::{SignedDuration, Timestamp};

use super::OVERLAP;
use crate::{
    domain::{
        ids::PairId,
        operation::{Operation, OperationKind},
        ticket::Ticket,
    },
    engine::{Engine, ruled, schedule::Schedule},
    planner::observed::Reading,
};

const SECOND: SignedDuration = SignedDuration::from_secs(1);
/// A ticket that is so old has been acted on by Halo's own rules.
const BORN: SignedDuration = SignedDuration::from_secs(90);
/// What a poll may take, and what it may come late by.
const LATE: SignedDuration = SignedDuration::from_secs(10);

/// That a ticket's notes are to be read once more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OnceMore {
    /// When the second of our write is over: whatever is read from then on shows all of it.
    pub over: Timestamp,
    /// When they are read if no reading that began after `over` came first.
    pub due: Timestamp,
    /// Whatever the row's times say by then; else only if the ticket's last action fell into the second.
    pub in_any_case: bool,
}

impl OnceMore {
    /// After a write that was answered at `now`.
    pub fn after(now: Timestamp) -> Self {
        let over = now + SECOND;
        Self { over, due: over, in_any_case: true }
    }

    /// The clock was set back.
    pub fn set_back(&mut self, back: impl Fn(&mut Timestamp)) {
        back(&mut self.over);
        back(&mut self.due);
    }
}

/// A write of ours to a ticket is done. A new ticket's answer is the ticket as it was born; rules of Halo may write in it
/// at once (halo-api sheet 7.3, no. 16), so it is looked at too, but as late as its row is sure to be listed still: most
/// are read before because somebody works on them, or because a note of ours follows.
pub(in crate::engine) fn wrote(engine: &Engine, operation: &Operation, reading: &Reading, now: Timestamp) {
    ruled::sent(engine, operation, reading);
    let once = OnceMore::after(now);
    let once = match (&operation.kind, &reading.ticket) {
        (OperationKind::AddNote { .. }, _) if reading.alone => return,
        (OperationKind::AddNote { .. }, _) => once,
        (OperationKind::UpdateTicket { .. }, _) => OnceMore { in_any_case: false, ..once },
        (OperationKind::CreateTicket { .. }, Some(ticket))
            if whole_seconds(ticket.last_action.or(ticket.last_update)) =>
        {
            OnceMore { due: now + born(engine), ..once }
        }
        _ => return,
    };
    let mut schedule = engine.schedule();
    // What an earlier write left to be read is not forgotten for a later one.
    let before = schedule.written.get(&operation.pair).is_some_and(|before| before.in_any_case);
    schedule.written.insert(operation.pair, OnceMore { in_any_case: once.in_any_case || before, ..once });
}

/// How long after its birth a ticket is looked at: the last poll that is sure to list it comes after that.
fn born(engine: &Engine) -> SignedDuration {
    let polls = engine.registry.view().halo.values().map(|halo| halo.poll_secs).max().unwrap_or_default();
    BORN.max(OVERLAP - LATE - SignedDuration::from_secs(i64::from(polls)))
}

/// Whether a time, or its absence, cannot tell two moments of a second apart.
pub(super) fn whole_seconds(at: Option<Timestamp>) -> bool {
    at.is_none_or(|at| at.subsec_nanosecond() == 0)
}

/// Whether the second of a ticket's last action was not over when its row was told, by Halo's own clock: what else is
/// written in it shows in no row. A time that lies ahead of that clock is told by another one, and says nothing.
pub(super) fn not_over(row: &Ticket, told: Option<Timestamp>) -> bool {
    let within = |(at, told): (Timestamp, Timestamp)| whole_seconds(Some(at)) && at.as_second() == told.as_second();
    row.last_action.zip(told).is_some_and(within)
}

/// Whether the actions are read although the row tells of nothing new. Asked once after each write of ours.
pub(super) fn look_once_more(engine: &Engine, pair: PairId, row: &Ticket, asked: Timestamp) -> bool {
    let mut schedule = engine.schedule();
    if !schedule.once_more_due(&pair, asked) {
        return false;
    }
    let in_any_case = schedule.written.remove(&pair).is_some_and(|once| once.in_any_case);
    match (row.last_action, row.last_update) {
        (Some(action), Some(update)) => in_any_case || action.as_second() >= update.as_second(),
        _ => true,
    }
}

impl Schedule {
    /// Whether a pair's ticket, whose row was asked for at `asked`, is to be read once more now.
    pub(super) fn once_more_due(&self, pair: &PairId, asked: Timestamp) -> bool {
        self.written.get(pair).is_some_and(|once| once.due <= asked)
    }

    /// It was to be read once more and could not be: with the next row.
    pub(super) fn read_again(&mut self, pair: PairId, asked: Timestamp) {
        let once = OnceMore { over: asked, due: asked, in_any_case: true };
        self.written.entry(pair).and_modify(|newer| newer.in_any_case = true).or_insert(once);
    }

    /// All notes of a pair's ticket were read, not before `asked`: a second of ours that was over by then is known.
    pub(super) fn notes_read(&mut self, pair: PairId, asked: Timestamp) {
        if self.written.get(&pair).is_some_and(|once| once.over <= asked) {
            self.written.remove(&pair);
        }
    }
}
