//! Reading a workspace: incidents changed since the cursor (with overlap), and now and then all open ones.
//!
//! The cursor moves only over what has been recorded: an incident whose comments had no turn yet holds it back, so that
//! nothing is lost when the process ends in between. One of which something alone can't be read is its pair's matter.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use crate::{
    domain::{
        client::Client,
        failure::{Failure, FailureKind, Side},
        ids::{IncidentId, PairId, WorkspaceId},
        incident::{Comment, Incident},
        policy::Policy,
        reason::Reason,
        run::RunCause,
        time::{as_stored, to_ms},
        workspace::Workspace,
    },
    ledger::fact::Fact,
    outbound::budget::Class,
    planner::{observed::Reading, plan::displaced, retry::own_wait},
    sentinel::{Incidents, ListWanted, Place},
    store::{StoreError, Version},
};

mod adopt;
pub(super) mod ahead;
mod alone;
mod beside;
pub(super) mod carried;
mod commented;
mod ended;
mod gap;
mod judge;
mod late;
mod list;
mod listing;
mod newcomers;
pub mod pages;
mod regate;
mod shadow;
pub(in crate::engine) mod unseen;

pub use adopt::Natives;
use ended::ended;
pub use gap::Gap;
pub(super) use newcomers::Newcomer;
pub use shadow::Shadowing;

use self::ahead::Ahead;
use super::{
    Engine, alerts, digest,
    known::Known,
    meanwhile, merges, put_back,
    registry::{salt, wait_for_catalogue},
    settled::Settled,
    unread::{self, Waiting},
};

/// Code of the reason that the storm brake holds for.
const STORM_HELD: &str = Reason::StormHeld { cap: 0 }.code();
/// Polls look this far behind the cursor: incidents arrive out of order (sentinel-api sheet, rule 8).
pub const OVERLAP: SignedDuration = SignedDuration::from_mins(5);
/// What lies behind the newest incident has shown by now (longer than [`OVERLAP`]: Defender's show minutes late).
const SEEN_AFTER: SignedDuration = SignedDuration::from_mins(15);
/// All open incidents are listed this often, whatever the cursor says.
const FULL_EVERY: SignedDuration = SignedDuration::from_hours(6);
/// Incidents may show this late (six hours), and be looked for up to six hours after that.
const LATE: SignedDuration = SignedDuration::from_hours(13);
/// Incidents held for one reason that are taken up at once.
const REGATED_MAX: u32 = 20_000;
/// Newcomers recorded in one transaction.
const BATCH: usize = 100;

/// One reading of a workspace.
pub(super) struct Poll<'a> {
    pub(super) engine: &'a Engine,
    pub(super) workspace: &'a Workspace,
    pub(super) client: &'a Client,
    policy: &'a Policy,
    pub(super) at: Place,
    pub(super) sentinel: Arc<dyn Incidents>,
    class: Class,
    /// While everything is read.
    full: Option<unseen::Full>,
    /// Incidents already known at this version are looked at all the same.
    thorough: bool,
    counts: Counts,
}

#[derive(Default)]
struct Counts {
    read: u32,
    changed: u32,
    /// The cursor may not move to or past this moment.
    held_at: Option<Timestamp>,
    newest: Option<Timestamp>,
    /// No time told may be later than this.
    latest: Option<Timestamp>,
    /// One that is, and whose it is.
    future: Option<(Timestamp, IncidentId)>,
    /// The list did not come in ascending order, as was asked: what lies behind a failed page is then unknown.
    disordered: bool,
    /// A list was not read to its end.
    cut: bool,
    /// There are more comments to be read again than one poll takes, or the budget.
    rest: bool,
    number: Option<i64>,
    /// What of the workspace could not be read.
    failure: Option<Failure>,
    /// How often something of some incident alone could not.
    spoiled: u32,
    /// The first incident of which something was refused for want of a right.
    refused: Option<IncidentId>,
    /// Pairs opened.
    opened: u32,
    /// Incidents that the storm brake held for the first time.
    braked: u32,
}

/// Polls one workspace.
pub(super) async fn run(engine: &Engine, id: WorkspaceId) -> Result<(), StoreError> {
    let view = engine.registry.view();
    let Some((workspace, client, policy)) = view.of_workspace(id) else { return Ok(()) };
    let started = engine.now();
    let (cause, first, failed_before, full_due, settled) = {
        let mut schedule = engine.schedule();
        let Some(standing) = schedule.workspaces.get_mut(&id) else { return Ok(()) };
        standing.hastened = false;
        let full_due = standing.next_full.is_none_or(|at| at <= started);
        let first = standing.last_success.is_none() || standing.judge_anew;
        let cause = standing.cause.unwrap_or(RunCause::Schedule);
        (cause, first, standing.last_failure.is_some(), full_due, standing.settled)
    };
    if let Some(binding) = &client.halo
        && wait_for_catalogue(engine, binding.connection).is_none()
    {
        // Names in the policy mean nothing yet. The look-ups' first reading hastens this poll.
        engine.schedule().wait_for_look_ups(id, binding.connection, started);
        return Ok(());
    }
    let (sentinel, at) = match (engine.registry.sentinel(workspace.connection), view.place(workspace)) {
        (Ok(sentinel), Some(at)) => (sentinel, at),
        (Err(failure), _) => return ended(engine, workspace, cause, started, Counts::failed(failure)).await,
        (Ok(_), None) => {
            let text = format!(
                "“{}” is no workspace's ARM id. Link it anew in the set-up under “Clients and workspaces”.",
                workspace.arm_id
            );
            let failure = Failure::new(Side::Sentinel, FailureKind::Rejected, text);
            return ended(engine, workspace, cause, started, Counts::failed(failure)).await;
        }
    };
    let awaited = engine.schedule().workspaces.get_mut(&id).is_some_and(|standing| {
        standing.judge_anew = false;
        standing.awaits.take_if(|at| *at <= started).is_some()
    });
    if cause == RunCause::Person {
        super::backfill::take_up(engine).await?;
    }
    let class = match cause {
        RunCause::Webhook => Class::WebhookBorn,
        RunCause::Person => Class::Interactive,
        RunCause::Schedule | RunCause::Full => Class::New,
    };
    let cursor = engine.store.cursor(id).await?;
    let mut poll = Poll::new(engine, (workspace, client, policy), at, sentinel, class);
    poll.thorough = first;
    let from = cursor.as_ref().map_or(workspace.since, |c| c.modified);
    let all_seen = !first && cursor.is_some() && Settled::up_to(settled, from);
    let since = if all_seen { from + SignedDuration::from_millis(1) } else { from - OVERLAP };
    poll.list(&ListWanted { modified_since: Some(since), ..ListWanted::default() }).await?;
    if poll.counts.failure.is_none() && poll.counts.held_at.is_none() && !poll.counts.cut {
        let newest = poll.counts.newest.map_or(from, |newest| newest.max(from));
        if let Some(standing) = engine.schedule().workspaces.get_mut(&id) {
            standing.settled = Some(Settled::after(settled, newest, started, SEEN_AFTER));
        }
    }
    poll.move_cursor(cursor.as_ref()).await?;
    poll.note_future();
    let ahead = poll.cursor_was_ahead(cursor.as_ref());
    let from = ahead.unwrap_or(from);
    // What was not read to its end is first gone on with: what it does not show is no gap.
    let gap = poll.whole() && poll.has_gap(cursor.as_ref()).await?;
    // Right after going live everything there is has just been listed.
    let full = gap || poll.counts.failure.is_none() && ahead.is_some() || poll.whole() && full_due && cursor.is_some();
    if full {
        let newest = poll.counts.newest;
        let passed = cursor.as_ref().filter(|_| ahead.is_none()).map(|cursor| cursor.modified - OVERLAP);
        poll.full = Some(unseen::Full { passed, ..unseen::Full::default() });
        // One that shows late may have been closed before that: then it is not among the open ones.
        poll.list(&ListWanted { modified_since: Some(from - LATE), ..ListWanted::default() }).await?;
        poll.list(&ListWanted { open_only: true, ..ListWanted::default() }).await?;
        poll.counts.newest = newest;
        if poll.counts.failure.is_none() {
            poll.look_for_unseen().await?;
        }
        poll.full = None;
        poll.gather_commented().await?;
    }
    let listed = full && poll.whole();
    let cut_off = full && !listed && poll.counts.failure.is_none();
    let missing = listed && poll.still_missing().await?;
    if poll.counts.failure.is_none() {
        poll.read_commented().await?;
    }
    if first || failed_before || cause != RunCause::Schedule {
        poll.asked().await?;
    }
    if awaited && poll.failed() {
        poll.look_for_entities(started);
    } else if awaited {
        poll.awaited().await?;
        // What could not be judged to its end comes up again: no list shows it as changed.
        if poll.failed() {
            poll.look_for_entities(engine.now());
        }
    }
    if first {
        poll.regate().await?;
    }
    if poll.counts.failure.is_none() {
        Box::pin(poll.shadow()).await?;
    }
    let mut counts = poll.counts;
    if let Some(standing) = engine.schedule().workspaces.get_mut(&id) {
        let now = engine.now();
        if listed || cursor.is_none() && counts.failure.is_none() {
            standing.next_full = Some(now + if missing { gap::AGAIN } else { FULL_EVERY });
            standing.cut_off = 0;
        } else if cut_off {
            standing.next_full = Some(now + gap::after_cuts(standing.cut_off));
            standing.cut_off = standing.cut_off.saturating_add(1);
        } else if full {
            standing.next_full = None;
        }
        standing.judge_anew |= first && counts.failure.is_some();
    }
    if counts.failure.is_none() {
        counts.failure = engine.schedule().refused_of_several(id, engine.now());
    }
    let rest = counts.rest;
    ended(engine, workspace, cause, started, counts).await?;
    if rest {
        commented::rest(engine, id);
    }
    Ok(())
}

impl Counts {
    fn failed(failure: Failure) -> Self {
        Self { failure: Some(failure), ..Self::default() }
    }

    fn hold(&mut self, incident: &Incident) {
        if let Some(modified) = incident.modified.map(as_stored) {
            self.held_at = Some(self.held_at.map_or(modified, |held| held.min(modified)));
        }
    }

    fn saw(&mut self, incident: &Incident) {
        self.read += 1;
        self.number = self.number.max(incident.number);
        if let Some((at, latest)) = incident.modified.zip(self.latest)
            && at > latest
        {
            if self.future.as_ref().is_none_or(|(known, _)| *known < at) {
                self.future = Some((at, incident.id.clone()));
            }
            return;
        }
        self.disordered |= incident.modified.is_some() && incident.modified < self.newest;
        // Compared with a cursor that is kept in milliseconds.
        self.newest = self.newest.max(incident.modified.map(as_stored));
    }
}

impl<'a> Poll<'a> {
    /// A reading that has read nothing yet.
    pub(super) fn new(
        engine: &'a Engine,
        (workspace, client, policy): (&'a Workspace, &'a Client, &'a Policy),
        at: Place,
        sentinel: Arc<dyn Incidents>,
        class: Class,
    ) -> Self {
        let counts = Counts::default();
        Self { engine, workspace, client, policy, at, sentinel, class, full: None, thorough: false, counts }
    }

    /// Reads one incident.
    pub(super) async fn read(&self, incident: &IncidentId) -> Result<Incident, Failure> {
        self.sentinel.incident(&self.at, incident, self.class).await
    }

    /// Something could not be read; what was read before it stands.
    pub(super) fn failed_with(&mut self, failure: Failure) {
        self.counts.failure.get_or_insert(failure);
    }

    /// What may cross.
    pub(super) fn policy(&self) -> &'a Policy {
        self.policy
    }

    /// Pairs opened so far.
    pub(super) fn opened(&self) -> u32 {
        self.counts.opened
    }

    /// What of the workspace could not be read.
    pub(super) fn failure(&self) -> Option<&Failure> {
        self.counts.failure.as_ref()
    }

    /// Whether something of it could not.
    pub(super) fn failed(&self) -> bool {
        self.counts.failure.is_some()
    }

    /// Records what is new in these incidents.
    pub(super) async fn page(&mut self, incidents: Vec<Incident>) -> Result<(), StoreError> {
        let ids: Vec<IncidentId> = incidents.iter().map(|incident| incident.id.clone()).collect();
        let ahead = self.ahead(&ids, false).await?;
        self.page_after(incidents, ahead).await
    }

    /// The same after the store was asked about them, in their order.
    async fn in_order(&mut self, incidents: Vec<Incident>, ahead: Ahead) -> Result<(), StoreError> {
        let Ahead { seq, versions, made } = ahead;
        let mut newcomers: Vec<Newcomer> = Vec::new();
        for incident in incidents {
            self.counts.saw(&incident);
            if let Some(full) = &mut self.full {
                full.seen.insert(incident.id.clone());
            }
            self.engine.schedule().announced.remove(&(self.workspace.id, incident.id.clone()));
            if let Some(pair) = versions.get(&incident.id).and_then(|known| known.pair) {
                self.hurry(pair, &incident);
            }
            match versions.get(&incident.id) {
                Some(known)
                    if !self.thorough
                        && known.etag == incident.etag
                        && incident.etag.is_some()
                        && !comments_went(known, &incident) => {}
                // What the storm brake holds waits for a person, also over a start: a changed cap judges it anew.
                Some(known)
                    if known.held.as_deref() == Some(STORM_HELD)
                        && known.etag == incident.etag
                        && incident.etag.is_some() => {}
                // Without a version the time of the change tells whether a held one has to be judged anew.
                Some(known)
                    if !self.thorough
                        && (known.pair, &incident.etag, &known.etag) == (None, &None, &None)
                        && incident.modified.is_some()
                        && known.modified.map(to_ms) == incident.modified.map(to_ms) => {}
                Some(known) => match known.pair {
                    Some(pair) => Box::pin(self.paired(pair, incident)).await?,
                    None => newcomers.push(Newcomer { incident, held: known.held.clone() }),
                },
                None => newcomers.push(Newcomer { incident, held: None }),
            }
            if newcomers.len() >= BATCH {
                Box::pin(self.newcomers(std::mem::take(&mut newcomers), Some(seq), made)).await?;
            }
        }
        Box::pin(self.newcomers(newcomers, Some(seq), made)).await
    }

    /// A linked incident that changed: its comments are read where their number moved.
    pub(super) async fn paired(&mut self, pair: PairId, incident: Incident) -> Result<(), StoreError> {
        let Some(Known { row, .. }) = self.engine.known(pair).await? else { return Ok(()) };
        if displaced(self.client, &row.pair) {
            // What is said in it now is another client's. That it is so, the pair has to say.
            return digest::pair(self.engine, pair, Vec::new(), Reading::default()).await;
        }
        let same = row.subject.incident.etag == incident.etag && incident.etag.is_some();
        let moved =
            digest::observed(&row).comments_moved(&incident) || !same && digest::nothing_to_see(&row, &incident);
        if same && !moved {
            if self.thorough {
                alerts::look_after_start(self.engine, self.policy, &row.pair, &incident, row.evidence.as_ref());
            }
            return Ok(());
        }
        let mut reading = Reading::default();
        if moved {
            let now = self.engine.now();
            if self.engine.schedule().comments_still_wait(pair, &incident, now) {
                self.counts.hold(&incident);
                return Ok(());
            }
            reading.asked = Some(now);
            match self.sentinel.comments(&self.at, &incident.id, Class::Comment).await {
                Ok(comments) => {
                    if short(&comments, &incident) {
                        self.look_later(pair);
                    }
                    reading.deleted = Some(digest::observed(&row).deleted_by(&incident, &comments));
                    reading.comments = Some(comments);
                }
                Err(failure) => {
                    // No place in our own budget: it is waited for, and the poll goes on. A backfill has time.
                    if let FailureKind::WaitUntil { at } = failure.kind
                        && failure.own_budget()
                        && self.class != Class::Backfill
                    {
                        let id = self.workspace.id;
                        // The same while for all of a workspace, so that the oldest is the first of them.
                        let at = own_wait(at, 1, salt(&id.0), now);
                        self.counts.hold(&incident);
                        self.engine.schedule().comments_wait(pair, Waiting::new(id, at, incident));
                        return Ok(());
                    }
                    let failure = unread::named(&incident, failure);
                    let whose = (pair, (self.workspace.id, &incident.id));
                    if !self.alone(&incident.id, &failure) {
                        self.counts.hold(&incident);
                        let said = unread::say(self.engine, whose, &failure).await;
                        self.failed_with(failure);
                        return said;
                    }
                    // The rest of it is taken up. Its pair says so, and asks for them again.
                    tracing::warn!(pair.id = %pair, error = %failure, "comments could not be read; the pair asks for them again");
                    unread::keep(self.engine, whose, &failure);
                }
            }
        }
        let mut done = self.drifted(&row, &incident);
        done.extend(put_back::shows_again(&row, Side::Sentinel, self.engine.now()));
        let Ok(evidence) = self.late_alerts(&row, &incident, &mut done).await else { return Ok(()) };
        reading.evidence = evidence;
        self.counts.changed += 1;
        if merges::survivor_wanted(&row, &incident) {
            let survivor =
                merges::by_alerts(self.engine, &row, incident.modified, self.sentinel.as_ref(), &self.at).await?;
            match survivor {
                Ok(survivor) => done.extend(survivor.map(|survivor| Fact::SurvivorFound { pair, survivor })),
                // The pair reads it again by itself: until then the incident is not taken for one without a survivor.
                Err(failure) if self.alone(&incident.id, &failure) => {
                    let now = self.engine.now();
                    self.engine.schedule().read_later(pair, now);
                    return Ok(());
                }
                Err(failure) => {
                    self.counts.hold(&incident);
                    self.failed_with(failure);
                    return Ok(());
                }
            }
        }
        reading.incident = Some(incident);
        reading.grounds = meanwhile::grounds(&row, &done);
        digest::pair(self.engine, pair, done, reading).await
    }

    /// The pair is read once more in a while.
    fn look_later(&self, pair: PairId) {
        let at = self.engine.now() + SignedDuration::from_secs(30);
        self.engine.schedule().later_looks.insert(pair, at);
    }
}

/// Whether a linked incident of a known version has another number of comments than that had: one that is deleted moves
/// nothing else.
fn comments_went(known: &Version, incident: &Incident) -> bool {
    let told = incident.comments_count >= 0;
    told && known.pair.is_some() && known.comments_count != incident.comments_count
}

/// Fewer comments than the incident counts: their list lags behind, and nothing else would ask for it again.
fn short(comments: &[Comment], incident: &Incident) -> bool {
    i64::try_from(comments.len()).unwrap_or(i64::MAX) < incident.comments_count
}
