//! What is due. Kept in memory; after a start everything is due once, so nothing depends on it surviving.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use crate::{
    domain::{
        failure::{Failure, FailureKind, Side},
        ids::{ConnectionId, DeliveryId, IncidentId, OperationId, PairId, TicketId, WorkspaceId},
        pause::Pause,
    },
    planner::{
        pause::Refusals,
        retry::{own_wait, wait_secs},
    },
    store::StoreError,
};

use super::{
    Engine,
    backfill::Waiting,
    halo::{RowVersion, once_more::OnceMore},
    poll::{Natives, Shadowing},
    queue::Queue,
    ruled::SentPriority,
    unread::{Unread, Waiting as CommentsWait},
    unreadable,
    unrecorded::Unrecorded,
};

mod forgotten;
mod looks;
mod named;
pub mod refused;
mod set_back;
mod standing;
mod wanted;

pub use refused::RefusedStep;
pub(super) use set_back::{due_now, put_right};
pub use standing::Standing;

/// Rows of tickets remembered at most.
pub(super) const ROWS_KEPT: usize = 100_000;

/// A piece of work that can run beside others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Unit {
    /// Take up a changed configuration.
    Configuration,
    /// Take up webhooks and requests.
    Intake,
    /// Read an instance's look-ups.
    Catalogue(ConnectionId),
    /// Carry out a pair's queue.
    Pair(PairId),
    /// Read both sides of a pair again.
    Look(PairId),
    /// Read a workspace's incidents that webhooks named, and comments that waited for a place.
    Fetch(WorkspaceId),
    /// Read a workspace's changed incidents.
    Poll(WorkspaceId),
    /// Take in some of a workspace's old incidents.
    Backfill(WorkspaceId),
    /// Read an instance's changed tickets.
    Halo(ConnectionId),
}

/// What is due and what runs.
#[derive(Default)]
pub struct Schedule {
    /// Version of the configuration in force.
    pub configuration: Option<i64>,
    /// Changes of the configuration by this process that it takes in.
    pub configured: u64,
    /// When the configuration's version is compared next.
    pub configuration_next: Option<Timestamp>,
    /// Dead letters that a person wants sent again.
    pub revived: BTreeSet<OperationId>,
    /// Cycles that another process asked for: the request's number and when it was taken up.
    pub cycles: BTreeMap<i64, Timestamp>,
    /// Pushes that could not be carried out yet, by the request's number: when they are tried again.
    pub pushes: BTreeMap<i64, super::push::Waits>,
    /// Webhooks or requests wait.
    pub intake_waits: bool,
    /// When the store is asked for them all the same (another process may have asked).
    pub intake_next: Option<Timestamp>,
    /// Polls.
    pub workspaces: BTreeMap<WorkspaceId, Standing>,
    /// Instances.
    pub instances: BTreeMap<ConnectionId, Standing>,
    /// Look-ups.
    pub catalogues: BTreeMap<ConnectionId, Standing>,
    /// Webhooks whose incident was named before they were taken up.
    pub told: BTreeSet<DeliveryId>,
    /// Incidents that webhooks named and that are not read yet.
    pub named: named::Named,
    /// Incidents that webhooks announced and no poll has shown yet: when to poll again, how often it was tried.
    pub announced: BTreeMap<(WorkspaceId, IncidentId), (Timestamp, u32)>,
    /// Rows of paired tickets as they were last taken up whole: polls overlap, and most rows say the same again.
    pub(super) rows: BTreeMap<(ConnectionId, TicketId), RowVersion>,
    /// Tickets named by webhooks.
    pub tickets: BTreeMap<ConnectionId, BTreeSet<TicketId>>,
    /// Those of them that could not be read: with the next poll, which they do not hasten.
    pub tickets_again: BTreeMap<ConnectionId, BTreeSet<TicketId>>,
    /// Pairs to look at again.
    pub looks: BTreeSet<PairId>,
    /// Pairs to be rebuilt from both sides with the next look, each with the requests that ask for it.
    pub rebuilds: BTreeMap<PairId, BTreeSet<i64>>,
    /// When pairs were last looked at.
    pub looked: BTreeMap<PairId, Timestamp>,
    /// When pairs were last looked at because their ticket's row was missing.
    pub missed: BTreeMap<PairId, Timestamp>,
    /// Pairs to look at again at a later time.
    pub later_looks: BTreeMap<PairId, Timestamp>,
    /// When alerts and entities of pairs with a new incident were last read: see [`super::alerts`].
    pub(super) evidence_read: BTreeMap<PairId, Timestamp>,
    /// Pairs whose comments are read again, a few with each poll.
    pub comment_rereads: BTreeMap<WorkspaceId, BTreeSet<PairId>>,
    /// Pairs of which something (the incident's comments or alerts, the ticket) could not be read when last asked for.
    pub(super) unread: BTreeMap<(PairId, Side), Unread>,
    /// Instances of which no ticket could be read when it was last tried.
    pub(super) unreadable_instances: BTreeSet<ConnectionId>,
    /// Pairs with a look under way that asks for nothing else.
    pub(super) asking: BTreeSet<PairId>,
    /// Pairs whose incident's comments wait for a place in our own budget.
    pub(super) comments_waiting: BTreeMap<PairId, CommentsWait>,
    /// Records without an id that were kept.
    pub unreadable: unreadable::Kept,
    /// Pairs whose waiting times are skipped once.
    pub hurried: BTreeSet<PairId>,
    /// Pairs whose ticket we wrote to, and when its notes are read once more for that.
    pub(super) written: BTreeMap<PairId, OnceMore>,
    /// Pairs whose ticket's priority we wrote: see [`super::ruled`].
    pub(super) priorities_sent: BTreeMap<PairId, SentPriority>,
    /// Nothing is written to either side.
    pub only_read: bool,
    /// The second writer that was noticed, for which nothing is written.
    pub second_writer: Option<crate::domain::second_writer::SecondWriter>,
    /// By Halo client: tickets that were looked at for what Halo's own integration wrote into them.
    pub natives: BTreeMap<(ConnectionId, i64), Natives>,
    /// Backfills, and when each goes on.
    pub backfills: BTreeMap<WorkspaceId, Timestamp>,
    /// What is left of those that are under way.
    pub backfilling: BTreeMap<WorkspaceId, Waiting>,
    /// What is known of workspaces in shadow mode.
    pub shadows: BTreeMap<WorkspaceId, Shadowing>,
    /// What is paused, as last read from the store or recorded since.
    pub pauses: Vec<Pause>,
    /// Writes refused for want of a right.
    pub refusals: Refusals,
    /// What was written before this moment may be missing in the database (it was restored or copied).
    pub forgotten_until: Option<Timestamp>,
    /// After that: pairs whose comments have been read since this process began.
    recalled: BTreeSet<PairId>,
    /// After that: records of pairs that have been read since this process began.
    reread: BTreeSet<(PairId, Side)>,
    /// How often records of pairs were asked for in vain before that.
    in_vain: BTreeMap<PairId, u32>,
    /// After that: creations that have been looked for since this process began.
    pub looked_for: BTreeSet<OperationId>,
    /// Pairs known to have something ready.
    pub pairs: BTreeSet<PairId>,
    /// Of these, those that stand in line for a place.
    pub queue: Queue,
    /// When the store is asked for ready pairs next.
    pub pairs_next: Option<Timestamp>,
    /// How often other processes' changes are looked for, when it is less often than every second.
    pub look_every: SignedDuration,
    /// Units under way.
    pub running: BTreeSet<Unit>,
    /// What changes of ours came to that the store refused to record.
    pub(super) unrecorded: BTreeMap<OperationId, Unrecorded>,
    /// Units that wait after the store refused.
    refused: refused::Refused,
    /// The time when it was last asked what is due.
    noticed: Option<Timestamp>,
    /// What waits in queues beyond this moment waits by a clock that was ahead: it is looked for.
    beyond: Option<Timestamp>,
    /// The pairs in whose queues it was found.
    ahead: BTreeSet<PairId>,
    /// Pairs in whose queues a write waits for a side that answers again.
    pub(super) answered: BTreeSet<(PairId, Side)>,
}

impl Schedule {
    /// A pair's queue has something to carry out at `due`: now, or the store is asked for it then.
    pub fn pair_due(&mut self, pair: PairId, due: Timestamp, now: Timestamp) {
        if due <= now {
            self.pairs.insert(pair);
        } else {
            self.pairs_next = self.pairs_next.map(|at| at.min(due));
        }
    }

    /// A unit begins out of turn, within another; `false` when it may not now.
    pub fn begin(&mut self, unit: Unit) -> bool {
        !self.only_read && self.running.insert(unit)
    }

    /// A unit has ended.
    pub fn ended(&mut self, unit: Unit) {
        self.running.remove(&unit);
    }

    /// What a unit came to was recorded.
    pub fn store_took(&mut self, unit: Unit) {
        self.refused.over(unit);
    }

    /// What the store refuses again and again for a reason that does not come from outside.
    pub fn refused_steps(&self, now: Timestamp) -> Vec<RefusedStep> {
        self.refused.steps(now)
    }

    /// A unit could not be recorded; `why`: for a reason that does not come from outside.
    pub fn store_refused(&mut self, unit: Unit, why: Option<String>, now: Timestamp) {
        self.refused.note(unit, why, now);
        match unit {
            Unit::Look(pair) => {
                self.asking.remove(&pair);
                self.looks.insert(pair);
            }
            // Something of it may stand as being sent: it is looked for.
            Unit::Pair(pair) => {
                self.pairs.insert(pair);
            }
            Unit::Backfill(workspace) => {
                self.backfills.entry(workspace).or_insert(now + SignedDuration::from_secs(5));
            }
            // It may have been the one that judges what is held anew.
            Unit::Poll(workspace) => {
                if let Some(standing) = self.workspaces.get_mut(&workspace) {
                    standing.judge_anew = true;
                }
            }
            _ => {}
        }
    }

    /// When the configuration's version and other processes' requests are looked at next.
    fn second_looks(&self) -> [Option<Timestamp>; 2] {
        [self.configuration_next, self.intake_next]
    }

    /// A run ended well: when it is due again, in `secs`.
    pub fn went_well(standing: &mut Standing, now: Timestamp, secs: u32) {
        standing.last_success = Some(now);
        standing.last_failure = None;
        standing.failures = 0;
        standing.next = Some(now + SignedDuration::from_secs(i64::from(secs)));
        standing.cause = None;
    }

    /// A run failed: when it is tried again.
    pub fn went_wrong(standing: &mut Standing, failure: Failure, now: Timestamp, salt: u64, secs: u32) {
        standing.failures = standing.failures.saturating_add(1);
        let wait = match failure.kind {
            FailureKind::WaitUntil { at } if failure.own_budget() => own_wait(at, standing.failures, salt, now),
            FailureKind::WaitUntil { at } if at > now => at,
            // A person has to act; ask again now and then, in case somebody has.
            FailureKind::SignInAgain | FailureKind::Forbidden | FailureKind::Rejected | FailureKind::Gone => {
                now + SignedDuration::from_secs(i64::from(secs.clamp(60, 300)))
            }
            _ => {
                let longest = u64::from(secs.max(60));
                let wait = wait_secs(standing.failures, salt).min(longest);
                now + SignedDuration::from_secs(i64::try_from(wait).unwrap_or(60))
            }
        };
        standing.next = Some(wait);
        standing.last_failure = Some((now, failure));
    }

    /// Whether `unit` is free to run, and if so marks it as running.
    fn take(&mut self, unit: Unit, now: Timestamp, into: &mut Vec<Unit>, limit: usize) -> bool {
        if into.len() >= limit || self.running.contains(&unit) || self.refused.holds(unit, now) {
            return false;
        }
        // Looking at a pair and carrying out its queue exclude each other.
        let other = match unit {
            Unit::Pair(pair) => Some(Unit::Look(pair)),
            Unit::Look(pair) => Some(Unit::Pair(pair)),
            _ => None,
        };
        if other.is_some_and(|other| self.running.contains(&other)) {
            return false;
        }
        self.running.insert(unit);
        into.push(unit);
        true
    }
}

/// How often the configuration's version and other processes' requests are looked at.
const LOOK_EVERY: SignedDuration = SignedDuration::from_secs(1);
/// Workspaces that are polled at once: where none of them answers, the rest of what runs side by side goes on.
const POLLS_MAX: usize = 32;
/// Ready pairs that are asked for at once, beside those that stand in line.
const READY_MAX: u32 = 2_000;

impl Engine {
    /// Units whose time has come, most urgent first, at most `limit`; they count as running until [`Engine::run`] ends.
    ///
    /// # Errors
    /// What the store says when asked for ready pairs.
    pub async fn due(&self, limit: usize) -> Result<Vec<Unit>, StoreError> {
        let now = self.now();
        self.mind_clock(now).await?;
        let (ask_pairs, limit_ready) = {
            let schedule = self.schedule();
            // Those that stand in line are ready all the while, and the oldest: the question reaches beyond them.
            let waiting = u32::try_from(schedule.queue.waiting()).unwrap_or(u32::MAX);
            (schedule.pairs_next.is_none_or(|at| at <= now), READY_MAX.saturating_add(waiting))
        };
        if ask_pairs {
            let soon = now + SignedDuration::from_secs(60);
            // Before the question: a queue that gets a time meanwhile brings this forward.
            self.schedule().pairs_next = Some(soon);
            let found = async {
                let ready = self.store.ready_pairs(now, limit_ready).await?;
                Ok((ready, self.store.next_ready_after(now).await?, self.store.pauses().await?))
            }
            .await;
            let mut schedule = self.schedule();
            let (ready, next, pauses) = match found {
                Ok(found) => found,
                Err(error) => {
                    schedule.pairs_next = None;
                    return Err(error);
                }
            };
            schedule.paused_now(pauses, now);
            let more = ready.len() >= limit_ready as usize;
            let ready = ready.into_iter().filter(|pair| !schedule.queue.holds(*pair)).collect::<Vec<_>>();
            schedule.pairs.extend(ready);
            // What this process makes ready is added as it is made; the rest has a time of its own, a second away at least.
            let next = if more { now } else { next.unwrap_or(soon) }.max(now + SignedDuration::from_secs(1));
            schedule.pairs_next = schedule.pairs_next.map(|at| at.min(next));
        }
        let mut units = Vec::new();
        let mut schedule = self.schedule();
        let s = &mut *schedule;
        let outdated = s.configured != self.store.configured();
        if s.configuration.is_none() || outdated || s.configuration_next.is_none_or(|at| at <= now) {
            s.take(Unit::Configuration, now, &mut units, limit);
            s.configuration_next = Some(now + LOOK_EVERY.max(s.look_every));
            // Nothing is known yet of what there is to do, or it may be something else by now.
            if s.configuration.is_none() || (outdated && s.running.contains(&Unit::Configuration)) {
                return Ok(units);
            }
        }
        if s.intake_waits || s.intake_next.is_none_or(|at| at <= now) {
            if s.take(Unit::Intake, now, &mut units, limit) {
                s.intake_waits = false;
            }
            s.intake_next = Some(now + LOOK_EVERY.max(s.look_every));
        }
        s.looks_due(now, &mut units, limit);
        if !s.only_read && !outdated {
            self.pairs_due(s, now, &mut units, limit);
        }
        let due = |standing: &Standing| standing.next.is_none_or(|next| next <= now);
        let catalogues: Vec<_> = s.catalogues.iter().filter(|(_, st)| due(st)).map(|(id, _)| *id).collect();
        for id in catalogues {
            s.take(Unit::Catalogue(id), now, &mut units, limit);
        }
        let waited = s.comments_waiting.values().filter(|waiting| waiting.at <= now).map(|waiting| waiting.workspace);
        for id in s.named.due(now).chain(waited).collect::<BTreeSet<_>>() {
            s.take(Unit::Fetch(id), now, &mut units, limit);
        }
        // A workspace whose last poll failed waits for its time, whatever was announced; one that is off for good.
        let waits = |id: &WorkspaceId| s.workspaces.get(id).is_none_or(|st| st.last_failure.is_some() && !due(st));
        let announced: Vec<_> =
            s.announced.iter().filter(|((id, _), (at, _))| *at <= now && !waits(id)).map(|((id, _), _)| *id).collect();
        for id in announced {
            s.take(Unit::Poll(id), now, &mut units, limit);
        }
        // Those that a webhook or a person asked for go first.
        let mut polls: Vec<_> =
            s.workspaces.iter().filter(|(_, st)| due(st)).map(|(id, st)| (st.cause.is_none(), st.next, *id)).collect();
        polls.sort();
        let instances: Vec<_> = s.instances.iter().filter(|(_, st)| due(st)).map(|(id, _)| *id).collect();
        for id in instances {
            s.take(Unit::Halo(id), now, &mut units, limit);
        }
        polls.retain(|(_, _, id)| !s.running.contains(&Unit::Poll(*id)) && !s.refused.holds(Unit::Poll(*id), now));
        let reading = s.running.iter().filter(|unit| matches!(unit, Unit::Poll(_))).count();
        for (_, _, id) in polls.into_iter().take(POLLS_MAX.saturating_sub(reading)) {
            s.take(Unit::Poll(id), now, &mut units, limit);
        }
        if !s.only_read {
            for id in s.backfills.iter().filter(|(_, at)| **at <= now).map(|(id, _)| *id).collect::<Vec<_>>() {
                s.take(Unit::Backfill(id), now, &mut units, limit);
            }
        }
        Ok(units)
    }

    /// Pairs whose turn it is: those let through, then those that webhooks gave rise to, then the others.
    fn pairs_due(&self, s: &mut Schedule, now: Timestamp, units: &mut Vec<Unit>, limit: usize) {
        let busy = |pair| s.running.contains(&Unit::Pair(pair)) || s.pairs.contains(&pair);
        let through = s.queue.release(now, |gate| self.open(gate, now), busy);
        s.pairs.extend(&through);
        // No more than can be taken: after an import thousands wait. A few beyond, for those that cannot run now.
        let free = limit.saturating_add(64);
        let order = through.iter().copied().chain(s.queue.fresh_of(&s.pairs)).chain(s.pairs.iter().copied());
        // Those that the store refuses for long keep no other from its turn.
        let idle = |pair: &PairId| !s.running.contains(&Unit::Pair(*pair)) && !s.refused.holds(Unit::Pair(*pair), now);
        let ready: Vec<PairId> = order.filter(idle).take(free).collect();
        for pair in ready {
            if s.take(Unit::Pair(pair), now, units, limit) {
                s.pairs.remove(&pair);
            }
        }
    }

    /// The next moment at which something may be due.
    pub fn next_due(&self) -> Timestamp {
        let now = self.now();
        let looks = { self.schedule().second_looks() };
        let looks = looks.into_iter().flatten().filter(|at| *at > now).min();
        let work = self.next_work();
        looks.map_or(work, |at| at.min(work))
    }

    /// The same without the looks that are made every second: they are made whenever anything else is due as well.
    pub fn next_work(&self) -> Timestamp {
        let now = self.now();
        let s = self.schedule();
        let scopes = s.workspaces.values().chain(s.instances.values()).chain(s.catalogues.values());
        let times = scopes
            .filter_map(|standing| standing.next)
            .chain(s.pairs_next)
            .chain(s.named.times())
            .chain(s.announced.values().map(|(at, _)| *at))
            .chain(s.later_looks.values().copied())
            .chain(s.unread.values().filter_map(Unread::due))
            .chain(s.comments_waiting.values().map(|waiting| waiting.at))
            .chain(s.backfills.values().copied())
            .chain(s.refused.times())
            .chain(s.queue.next_stale())
            .chain(s.queue.gates().filter_map(|gate| self.free_at(gate, now)));
        times.filter(|at| *at > now).min().unwrap_or(now + LOOK_EVERY.max(s.look_every))
    }
}
