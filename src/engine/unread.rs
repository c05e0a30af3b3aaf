//! Incidents of which something alone cannot be read (comments, alerts): their pairs say so until it is, and ask again
//! later and later; nobody else waits for them. Comments for which our own budget has no place yet wait for it beside the
//! polls, which go on.

use jiff::{SignedDuration, Timestamp};

use crate::{
    domain::{
        failure::{Failure, FailureKind},
        ids::{IncidentId, PairId, WorkspaceId},
        incident::Incident,
    },
    planner::{observed::Reading, retry::wait_secs},
    store::{PairFilter, PairSort, StoreError},
};

use super::{Engine, digest, poll::Poll, registry::salt, schedule::Schedule};

/// Pairs that are taken up at once when a process starts.
const ROWS: u32 = 500;
/// Incidents that wait for a place at once: any more are asked for with the next poll.
const WAITING_MAX: usize = 2_000;
/// Refusals of our own budget after which the others need not ask.
const REFUSED_MAX: u32 = 3;
/// After this long one is asked for once more of which it is not known what it came to.
const ONCE_MORE: SignedDuration = SignedDuration::from_mins(1);

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

/// What of a pair's incident could not be read when it was last asked for.
#[derive(Debug, Clone, Default)]
pub(super) struct Unread {
    /// Why its comments could not.
    comments: Option<String>,
    /// Why its alerts could not.
    alerts: Option<String>,
    /// Whose comments they are, where a right is missing.
    refused: Option<(WorkspaceId, IncidentId)>,
    /// How often in a row.
    tries: u32,
}

impl Unread {
    /// What its pair says of it.
    pub(super) fn said(&self) -> Option<String> {
        self.comments.clone().or_else(|| self.alerts.clone())
    }
}

impl Schedule {
    /// Something of a pair's incident could not be read: the pair is looked at again, later each time (up to an hour).
    pub(super) fn read_later(&mut self, pair: PairId, now: Timestamp) -> &mut Unread {
        let unread = self.unread.entry(pair).or_default();
        unread.tries = unread.tries.saturating_add(1);
        let secs = wait_secs(unread.tries.saturating_add(2), salt(&pair.0));
        let at = now + SignedDuration::from_secs(i64::try_from(secs).unwrap_or(3_600));
        self.later_looks.entry(pair).and_modify(|due| *due = at.min(*due)).or_insert(at);
        unread
    }

    /// A pair's comments were read.
    pub(super) fn comments_read(&mut self, pair: PairId) {
        self.comments_waiting.remove(&pair);
        if let Some(unread) = self.unread.get_mut(&pair) {
            (unread.comments, unread.refused) = (None, None);
        }
    }

    /// Whether the comments of another incident of the workspace were refused for want of a right, and still are.
    pub(super) fn refused_elsewhere(&self, workspace: WorkspaceId, incident: &IncidentId) -> bool {
        let mut refused = self.unread.values().filter_map(|unread| unread.refused.as_ref());
        refused.any(|(whose, which)| *whose == workspace && which != incident)
    }

    /// The alerts of a pair's incident were read, or need not be.
    pub(super) fn alerts_read(&mut self, pair: PairId) {
        if let Some(unread) = self.unread.get_mut(&pair) {
            unread.alerts = None;
        }
    }

    /// Whether the alerts of a pair's incident are still to be read.
    pub(super) fn alerts_unread(&self, pair: PairId) -> bool {
        self.unread.get(&pair).is_some_and(|unread| unread.alerts.is_some())
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

/// Reads the comments that have waited, until there is no place for more.
pub(super) async fn read_waiting(poll: &mut Poll<'_>, due: Vec<PairId>) -> Result<(), StoreError> {
    let engine = poll.engine;
    let mut refused = 0;
    let mut until: Option<Timestamp> = None;
    for pair in due {
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
    of("comments", incident, failure)
}

fn of(what: &str, incident: &Incident, failure: Failure) -> Failure {
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
        unread.comments = Some(failure.message.clone());
        unread.refused = (failure.kind == FailureKind::Forbidden).then(|| (workspace, incident.clone()));
    }
}

/// The same of the alerts. Gives what failed, and of which incident.
pub(super) fn keep_alerts(engine: &Engine, pair: PairId, incident: &Incident, failure: Failure) -> Failure {
    let failure = of("alerts", incident, failure);
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
