//! Records of which something alone cannot be read (an incident's comments or alerts, a ticket): their pairs say so until it
//! is, and ask again later and later; nobody else waits for them. Comments for which our own budget has no place yet wait
//! for it beside the polls, which go on.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use crate::{
    domain::{
        failure::{Failure, FailureKind, Side},
        ids::{ClientId, ConnectionId, IncidentId, PairId, TicketId, WorkspaceId},
        incident::Incident,
        pair::Pair,
        reason::Reason,
    },
    planner::{observed::Reading, retry::wait_secs},
    store::{PairFilter, PairSort, StoreError},
};

use super::{Engine, digest, poll::Poll, registry::salt, schedule::Schedule};

/// Those of which something may be unread.
const SIDES: [Side; 2] = [Side::Sentinel, Side::Halo];
/// What is unread is asked for again at the latest so long after a look that came to nothing for another reason.
const UNREAD_AGAIN: SignedDuration = SignedDuration::from_mins(5);
/// Pairs that are taken up at once when a process starts.
const ROWS: u32 = 500;
/// Incidents that wait for a place at once: any more are asked for with the next poll.
const WAITING_MAX: usize = 2_000;
/// Refusals of our own budget after which the others need not ask.
const REFUSED_MAX: u32 = 3;
/// After this long one is asked for once more of which it is not known what it came to.
const ONCE_MORE: SignedDuration = SignedDuration::from_mins(1);

/// While a right is missing, one of those that lack it is asked for so often.
const PROBED_AFTER: SignedDuration = SignedDuration::from_mins(5);
/// A ticket that alone could not be read is read again after so many seconds, then after twice that, and so on.
const TICKET_AGAIN_SECS: i64 = 15;
/// How often that doubles: it comes to half an hour.
const DOUBLINGS: u32 = 7;

/// An incident whose comments wait for a place in our own budget. The cursor waits for it too, so nothing is lost with it.
#[derive(Debug, Clone)]
pub(super) struct Waiting {
    /// Whose it is.
    pub workspace: WorkspaceId,
    /// When it asks again.
    pub at: Timestamp,
    /// As it was listed last.
    incident: Incident,
}

/// A ticket, and whose it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Whose {
    /// Its instance.
    pub halo: ConnectionId,
    /// Our client.
    pub client: ClientId,
    /// Which.
    pub ticket: TicketId,
}

/// What of one side's record could not be read when it was last asked for.
#[derive(Debug, Clone, Default)]
pub(super) struct Unread {
    /// Why the comments, or the ticket, could not.
    why: Option<String>,
    /// Why the incident's alerts could not.
    alerts: Option<String>,
    /// Whose comments they are, where a right is missing.
    refused: Option<(WorkspaceId, IncidentId)>,
    /// How often in a row.
    times: u32,
    /// When it is asked for again; none while it is asked for.
    due: Option<Timestamp>,
    /// The ticket that could not.
    ticket: Option<Whose>,
    /// Since it could not, no ticket of its instance was read.
    none_since: bool,
}

impl Unread {
    /// The workspace whose right is missing.
    pub(super) fn workspace(&self) -> Option<WorkspaceId> {
        self.refused.as_ref().map(|(workspace, _)| *workspace)
    }

    /// When it is asked for again.
    pub(super) fn due(&self) -> Option<Timestamp> {
        self.due
    }

    /// The clock was set back.
    pub(super) fn set_back(&mut self, back: impl Fn(&mut Timestamp)) {
        self.due.iter_mut().for_each(back);
    }

    /// Whether it is a ticket of this instance.
    fn of(&self, halo: ConnectionId) -> bool {
        self.ticket.is_some_and(|whose| whose.halo == halo)
    }

    /// It could not be read once more: it is asked for again, later each time.
    fn grows(&mut self, (pair, side): (PairId, Side), now: Timestamp) {
        self.times = self.times.saturating_add(1);
        let secs = match side {
            Side::Sentinel => i64::try_from(wait_secs(self.times.saturating_add(2), salt(&pair.0))).unwrap_or(3_600),
            Side::Halo => TICKET_AGAIN_SECS << (self.times - 1).min(DOUBLINGS),
        };
        self.within(now + SignedDuration::from_secs(secs));
    }

    /// It is asked for again at `at` at the latest.
    fn within(&mut self, at: Timestamp) {
        self.due = Some(self.due.map_or(at, |due| due.min(at)));
    }
}

impl Schedule {
    /// Something of a pair's incident could not be read: it is asked for again, later each time (up to an hour).
    pub(super) fn read_later(&mut self, pair: PairId, now: Timestamp) -> &mut Unread {
        let unread = self.unread.entry((pair, Side::Sentinel)).or_default();
        unread.grows((pair, Side::Sentinel), now);
        unread
    }

    /// Pairs of which something unread is to be asked for again by now, those that have waited longest first.
    pub(super) fn unread_due(&self, now: Timestamp) -> Vec<PairId> {
        let due = self.unread.iter().filter_map(|((pair, _), unread)| Some((unread.due?, *pair)));
        let mut due: Vec<(Timestamp, PairId)> = due.filter(|(at, _)| *at <= now).collect();
        due.sort_unstable();
        due.into_iter().map(|(_, pair)| pair).collect()
    }

    /// A look begins that asks for what of a pair is unread and due.
    pub(super) fn asks_again(&mut self, pair: PairId, now: Timestamp) {
        self.asking.insert(pair);
        for side in SIDES {
            if let Some(unread) = self.unread.get_mut(&(pair, side)) {
                unread.due = unread.due.filter(|at| *at > now);
            }
        }
    }

    /// The sides that a look reads which asks for what is unread alone; `None`: it reads both.
    pub(super) fn asked_alone(&self, pair: PairId) -> Option<Vec<Side>> {
        let asked = |side: &Side| self.unread.get(&(pair, *side)).is_some_and(|unread| unread.due.is_none());
        self.asking.contains(&pair).then(|| SIDES.into_iter().filter(asked).collect())
    }

    /// Our own budget has no room for what a look asks for before `at`.
    pub(super) fn ask_at(&mut self, pair: PairId, at: Timestamp) {
        for side in SIDES {
            if let Some(unread) = self.unread.get_mut(&(pair, side)) {
                unread.due.get_or_insert(at);
            }
        }
    }

    /// A look at a pair has ended. What is unread still is asked for until it is read, also where it was something else
    /// (the sign-in, the service as such) that failed this time.
    pub(super) fn asked_again(&mut self, pair: PairId, now: Timestamp) {
        self.asking.remove(&pair);
        for side in SIDES {
            if let Some(unread) = self.unread.get_mut(&(pair, side))
                && unread.due.is_none_or(|at| at <= now)
            {
                unread.due = Some(now + UNREAD_AGAIN);
                unread.grows((pair, side), now);
            }
        }
    }

    /// A pair's comments were read at `now`.
    pub(super) fn comments_read(&mut self, pair: PairId, now: Timestamp) {
        self.comments_waiting.remove(&pair);
        let Some(unread) = self.unread.get_mut(&(pair, Side::Sentinel)) else { return };
        unread.why = None;
        // The right is there: the others that lacked it need not wait for their turn.
        if let Some((workspace, _)) = unread.refused.take() {
            let others = self.unread.values_mut().filter(|unread| unread.workspace() == Some(workspace));
            others.for_each(|unread| unread.due = unread.due.map(|at| at.min(now)));
        }
    }

    /// Whether the comments of another incident of the workspace were refused for want of a right, and still are.
    pub(super) fn refused_elsewhere(&self, workspace: WorkspaceId, incident: &IncidentId) -> bool {
        let mut refused = self.unread.values().filter_map(|unread| unread.refused.as_ref());
        refused.any(|(whose, which)| *whose == workspace && which != incident)
    }

    /// The refusal of the comments of several incidents of the workspace: it stands until all but one of them can be read.
    /// One of them is asked for within five minutes, the others as soon as that is read.
    pub(super) fn refused_of_several(&mut self, workspace: WorkspaceId, now: Timestamp) -> Option<Failure> {
        let mut refused = self.unread.values_mut().filter(|unread| unread.workspace() == Some(workspace));
        let first = refused.next()?;
        refused.next()?;
        // One that is asked for just now says so when it has been.
        first.due = first.due.map(|at| at.min(now + PROBED_AFTER));
        let why = first.why.clone().unwrap_or_default();
        Some(Failure::new(Side::Sentinel, FailureKind::Forbidden, why))
    }

    /// The alerts of a pair's incident were read, or need not be.
    pub(super) fn alerts_read(&mut self, pair: PairId) {
        if let Some(unread) = self.unread.get_mut(&(pair, Side::Sentinel)) {
            unread.alerts = None;
        }
    }

    /// Whether the alerts of a pair's incident are still to be read.
    pub(super) fn alerts_unread(&self, pair: PairId) -> bool {
        self.unread.get(&(pair, Side::Sentinel)).is_some_and(|unread| unread.alerts.is_some())
    }

    /// Tickets of an instance that could not be read, and since then none of its tickets was.
    pub(super) fn none_read_since(&self, halo: ConnectionId) -> BTreeSet<Whose> {
        let tickets = self.unread.values().filter(|unread| unread.none_since).filter_map(|unread| unread.ticket);
        tickets.filter(|whose| whose.halo == halo).collect()
    }

    /// A pair's ticket was read with all its actions. Where that had not been possible, others may be readable again too, and
    /// what is looked for there is looked for now.
    pub(super) fn ticket_read(&mut self, pair: PairId, halo: ConnectionId, now: Timestamp) {
        let again = self.unread.remove(&(pair, Side::Halo)).is_some();
        self.instance_reads(halo, again, now);
        if again {
            self.answered.insert((pair, Side::Halo));
            self.pairs.insert(pair);
        }
    }

    /// Some ticket of an instance was read, perhaps one that could not be before: `again`. Then, and where it was the
    /// instance that failed, all that wait are asked for at once.
    pub(super) fn instance_reads(&mut self, halo: ConnectionId, again: bool, now: Timestamp) {
        if self.unreadable_instances.remove(&halo) || again {
            self.hasten_tickets(halo, now);
        }
        for unread in self.unread.values_mut().filter(|unread| unread.of(halo)) {
            unread.none_since = false;
        }
    }

    /// Tickets of an instance that could not be read are asked for at once, each in its turn.
    pub(super) fn hasten_tickets(&mut self, halo: ConnectionId, now: Timestamp) {
        for unread in self.unread.values_mut().filter(|unread| unread.of(halo)) {
            unread.due = unread.due.map(|at| at.min(now));
        }
    }

    /// There is no place for an incident's comments before `at`.
    pub(super) fn comments_wait(&mut self, pair: PairId, waiting: Waiting) {
        if self.comments_waiting.len() < WAITING_MAX || self.comments_waiting.contains_key(&pair) {
            self.comments_waiting.insert(pair, waiting);
        }
    }

    /// Whether an incident's comments wait, which is listed once more.
    pub(super) fn comments_still_wait(&mut self, pair: PairId, incident: &Incident, now: Timestamp) -> bool {
        let Some(waiting) = self.comments_waiting.get_mut(&pair).filter(|waiting| waiting.at > now) else {
            return false;
        };
        waiting.incident = incident.clone();
        true
    }

    /// Whether a pair's ticket, which alone could not be read, is not to be read before a later time than `now`. While its whole
    /// instance fails, its tickets tell when that is over.
    pub(super) fn ticket_waits(&self, pair: PairId, halo: ConnectionId, now: Timestamp) -> bool {
        let fails = self.instances.get(&halo).is_some_and(|standing| standing.last_failure.is_some());
        !fails && self.unread.get(&(pair, Side::Halo)).and_then(Unread::due).is_some_and(|at| at > now)
    }

    /// Those of a workspace whose time has come, oldest first. Of what then comes to nothing each is asked for once more.
    pub(super) fn comments_due(&mut self, workspace: WorkspaceId, now: Timestamp) -> Vec<PairId> {
        let mut due = Vec::new();
        for (pair, waiting) in &mut self.comments_waiting {
            if waiting.workspace == workspace && waiting.at <= now {
                waiting.at = now + ONCE_MORE;
                due.push((waiting.incident.modified, *pair));
            }
        }
        due.sort();
        due.into_iter().map(|(_, pair)| pair).collect()
    }
}

impl Waiting {
    /// One that asks again at `at`.
    pub fn new(workspace: WorkspaceId, at: Timestamp, incident: Incident) -> Self {
        Self { workspace, at, incident }
    }
}

/// Reads the comments that have waited, until there is no place for more. What cannot be read to its end goes on waiting:
/// one that only a full list has shown no other list would show again.
pub(super) async fn read_waiting(poll: &mut Poll<'_>, due: Vec<PairId>) -> Result<(), StoreError> {
    let engine = poll.engine;
    if poll.failed() {
        return Ok(());
    }
    let mut refused = 0;
    let mut until: Option<Timestamp> = None;
    let mut due = due.into_iter();
    while let Some(pair) = due.next() {
        // None: it was read by another unit meanwhile.
        let taken = engine.schedule().comments_waiting.remove(&pair);
        let Some(waiting) = taken else { continue };
        if let Some(at) = until.filter(|_| refused >= REFUSED_MAX) {
            engine.schedule().comments_wait(pair, Waiting { at, ..waiting });
            continue;
        }
        if let Err(error) = Box::pin(poll.paired(pair, waiting.incident.clone())).await {
            engine.schedule().comments_wait(pair, waiting);
            return Err(error);
        }
        if let Some(failure) = poll.failure() {
            let now = engine.now();
            let soonest = now + SignedDuration::from_secs(1);
            let at = failure.waits_until().map_or(now + ONCE_MORE, |at| at.max(soonest));
            let mut schedule = engine.schedule();
            // Else its pair says that they could not be read, and asks for them.
            if !schedule.unread.contains_key(&(pair, Side::Sentinel)) {
                schedule.comments_wait(pair, Waiting { at, ..waiting });
            }
            for behind in due {
                if let Some(waiting) = schedule.comments_waiting.get_mut(&behind) {
                    waiting.at = at;
                }
            }
            return Ok(());
        }
        let again = engine.schedule().comments_waiting.get(&pair).map(|waiting| waiting.at);
        if let Some(at) = again {
            refused += 1;
            until = Some(until.map_or(at, |until| until.min(at)));
        }
    }
    Ok(())
}

/// What failed, and of which incident.
pub(super) fn named(incident: &Incident, failure: Failure) -> Failure {
    worded("comments", incident, failure)
}

fn worded(what: &str, incident: &Incident, failure: Failure) -> Failure {
    if matches!(failure.kind, FailureKind::WaitUntil { .. }) {
        return failure;
    }
    let which = incident.number.map_or_else(|| incident.id.to_string(), |number| format!("#{number}"));
    Failure { message: format!("The {what} of incident {which} could not be read: {}", failure.message), ..failure }
}

/// Keeps that a pair's comments could not be read, for whatever plans it next. Waiting for a turn is no such failure.
pub(super) fn keep(engine: &Engine, (pair, whose): (PairId, (WorkspaceId, &IncidentId)), failure: &Failure) {
    if !matches!(failure.kind, FailureKind::WaitUntil { .. }) {
        let now = engine.now();
        let (workspace, incident) = whose;
        let mut schedule = engine.schedule();
        let unread = schedule.read_later(pair, now);
        unread.why = Some(failure.message.clone());
        unread.refused = (failure.kind == FailureKind::Forbidden).then(|| (workspace, incident.clone()));
    }
}

/// The same of the alerts. Gives what failed, and of which incident.
pub(super) fn keep_alerts(engine: &Engine, pair: PairId, incident: &Incident, failure: Failure) -> Failure {
    let failure = worded("alerts", incident, failure);
    let now = engine.now();
    engine.schedule().read_later(pair, now).alerts = Some(failure.message.clone());
    failure
}

/// As [`keep`]; the pair is planned anew, so that it says so at once.
pub(super) async fn say(
    engine: &Engine,
    (pair, whose): (PairId, (WorkspaceId, &IncidentId)),
    failure: &Failure,
) -> Result<(), StoreError> {
    keep(engine, (pair, whose), failure);
    digest::pair(engine, pair, Vec::new(), Reading::default()).await
}

/// What could not be read of a pair, and why.
pub(super) fn of(engine: &Engine, pair: PairId) -> Option<(Side, String)> {
    let schedule = engine.schedule();
    let said = |side| {
        let unread = schedule.unread.get(&(pair, side))?;
        let why = unread.why.as_ref().or(unread.alerts.as_ref())?;
        Some((side, why.clone()))
    };
    said(Side::Sentinel).or_else(|| said(Side::Halo))
}

/// Whether a failure to read one ticket may be that ticket's alone (its type, its team or its client is kept from the agent,
/// Halo has a fault with it): Halo answered, and neither the sign-in nor the pace is what is wrong, nor is the
/// ticket gone.
pub(super) fn may_be_its_own(failure: &Failure) -> bool {
    let other = matches!(failure.kind, FailureKind::SignInAgain | FailureKind::WaitUntil { .. } | FailureKind::Gone);
    failure.side == Side::Halo && failure.status.is_some() && !other
}

/// Keeps that a pair's ticket alone could not be read, for whatever plans it next. It is read again, ever more rarely.
pub(super) fn keep_ticket(engine: &Engine, pair: PairId, whose: Whose, failure: &Failure) {
    let now = engine.now();
    let mut schedule = engine.schedule();
    let unread = schedule.unread.entry((pair, Side::Halo)).or_default();
    unread.grows((pair, Side::Halo), now);
    unread.why = Some(format!("Ticket {} could not be read whole: {}", whose.ticket, failure.message));
    (unread.ticket, unread.none_since) = (Some(whose), true);
}

/// As [`keep_ticket`]; the pair is planned anew, so that it says so at once.
pub(super) async fn say_ticket(
    engine: &Engine,
    pair: PairId,
    whose: Whose,
    failure: &Failure,
) -> Result<(), StoreError> {
    keep_ticket(engine, pair, whose, failure);
    digest::pair(engine, pair, Vec::new(), Reading::default()).await
}

/// What pairs said to be unread when the process before this one ended is asked for: nothing else would. Of the incident
/// that is its comments and its alerts, for a pair may say that of the comments alone.
pub(super) async fn left_behind(engine: &Engine) -> Result<(), StoreError> {
    for (side, code) in [(Side::Sentinel, "comments-unread"), (Side::Halo, "ticket-unread")] {
        let filter = PairFilter { reason: Some(code.to_owned()), ..PairFilter::default() };
        let mut after = None;
        loop {
            let page = engine.store.pairs_page(&filter, PairSort::default(), after, ROWS).await?;
            let now = engine.now();
            let mut schedule = engine.schedule();
            for row in &page.rows {
                let unread = left_unread(&row.pair, (side, code), now);
                schedule.unread.insert((row.pair.id, side), unread);
            }
            drop(schedule);
            after = page.next;
            if after.is_none() {
                break;
            }
        }
    }
    Ok(())
}

fn left_unread(pair: &Pair, (side, code): (Side, &str), now: Timestamp) -> Unread {
    let mut said = pair.reason.iter().chain(&pair.further);
    let why = said.find(|reason| reason.code() == code).map(Reason::words).unwrap_or_default();
    let ticket = pair.ticket.filter(|_| side == Side::Halo);
    Unread {
        alerts: (side == Side::Sentinel).then(|| why.clone()),
        why: Some(why),
        ticket: ticket.map(|ticket| Whose { halo: pair.halo, client: pair.client, ticket }),
        due: Some(now),
        ..Unread::default()
    }
}
