//! Backfill: counting what it would come to, then taking incidents in bit by bit, as slowly as was asked for.

use jiff::{SignedDuration, Timestamp};

use crate::{
    domain::{
        backfill::{Backfill, BackfillState, HowEnded, Progress},
        catalogue::Catalogue,
        failure::{Failure, FailureKind, Side},
        ids::{IncidentId, RunId, WorkspaceId},
        incident::Incident,
        policy::Policy,
        reason::Reason,
        run::RunCause,
        workspace::Workspace,
    },
    ledger::fact::Fact,
    outbound::budget::{Class, Kind},
    planner::{
        backfill::{Counting, allowed, ask, at_rest, waits},
        retry::own_wait,
    },
    sentinel::{ListWanted, walk::Walk},
    store::StoreError,
};

use super::{
    Engine,
    poll::{Newcomer, Poll},
    registry::{salt, wait_for_catalogue},
};

/// Incidents are taken in this often.
const EVERY: SignedDuration = SignedDuration::from_secs(60);
/// After something that passes by itself.
const AGAIN: SignedDuration = SignedDuration::from_secs(60);
/// After our own budget had no room: by then there is room again for as many calls as are made at once.
const ROOM: SignedDuration = SignedDuration::from_secs(10);
/// Incidents taken in at once.
const BATCH: usize = 100;

/// What is left of a backfill that is under way, in the life of this process.
pub struct Waiting {
    backfill: RunId,
    /// The list of its range, while that is read, and how many pages of it were.
    walk: Option<Walk>,
    pages: u32,
    /// What was listed; oldest last, once all of it is.
    incidents: Vec<Incident>,
}

/// Takes one step of a workspace's backfill.
pub(super) async fn run(engine: &Engine, id: WorkspaceId) -> Result<(), StoreError> {
    engine.schedule().backfills.remove(&id);
    let Some(backfill) = engine.store.backfill(id).await? else { return Ok(()) };
    let view = engine.registry.view();
    let Some((workspace, client, policy)) = view.of_workspace(id) else { return Ok(()) };
    let catalogue = client.halo.as_ref().and_then(|halo| wait_for_catalogue(engine, halo.connection));
    let now = engine.now();
    if catalogue.is_none() && client.halo.is_some() {
        engine.schedule().backfills.insert(id, now + SignedDuration::from_secs(15));
        return Ok(());
    }
    let reason = waits(&backfill, (workspace, client, policy), catalogue.as_deref());
    let backfill = rested(engine, workspace, backfill, reason.is_some()).await?;
    if let Some(reason) = reason {
        tracing::debug!(workspace.id = %id, "a backfill waits: {}", reason.words());
        engine.schedule().backfills.insert(id, now + EVERY);
        return Ok(());
    }
    let step = async {
        let Some(binding) = client.halo.as_ref() else {
            let text = "The client has no Halo client yet. Give it one, then ask for the backfill again.";
            return Ok(Err(Failure::new(Side::Halo, FailureKind::Rejected, text)));
        };
        let (sentinel, at) = match (engine.registry.sentinel(workspace.connection), view.place(workspace)) {
            (Ok(sentinel), Some(at)) => (sentinel, at),
            (Err(failure), _) => return Ok(Err(failure)),
            (Ok(_), None) => {
                let text =
                    "The workspace's ARM id cannot be read. Link it anew in the set-up under “Clients and workspaces”.";
                return Ok(Err(Failure::new(Side::Sentinel, FailureKind::Rejected, text)));
            }
        };
        // Its own pace takes the place of the storm brake, and its range that of the start.
        let older = Workspace { since: backfill.from, ..workspace.clone() };
        let unbraked = Policy { tickets_per_hour: 0, ..policy.clone() };
        let mut poll = Poll::new(engine, (&older, client, &unbraked), at, sentinel, Class::Backfill);
        match &backfill.state {
            BackfillState::Counting => {
                let found = (workspace, client, policy);
                let per_5min = view.halo.get(&binding.connection).map_or(1, |halo| halo.requests_per_5min);
                count(&mut poll, &backfill, found, per_5min).await
            }
            BackfillState::Running { progress, .. } => {
                take_in(&mut poll, &backfill, *progress, catalogue.as_deref()).await
            }
            BackfillState::Forecast { .. } | BackfillState::Ended { .. } => Ok(Ok(())),
        }
    };
    match step.await? {
        Ok(()) => Ok(()),
        Err(failure) if failure.retryable() || matches!(failure.kind, FailureKind::WaitUntil { .. }) => {
            let at = tried_again(&failure, id, engine.now());
            engine.schedule().backfills.insert(id, at);
            Ok(())
        }
        Err(failure) => {
            tracing::warn!(workspace.id = %id, error = %failure, "a backfill ended");
            let how = HowEnded::Failed { why: failure.message };
            end(engine, workspace, &backfill, how, backfill.progress()).await
        }
    }
}

/// Keeps that one stands still from now on, or that it goes on: what it makes up for afterwards is not that time.
async fn rested(
    engine: &Engine,
    workspace: &Workspace,
    backfill: Backfill,
    still: bool,
) -> Result<Backfill, StoreError> {
    let Some(before) = backfill.progress() else { return Ok(backfill) };
    let progress = at_rest(before, still, engine.now());
    if progress == before {
        return Ok(backfill);
    }
    running(engine, workspace, &backfill, progress).await?;
    Ok(match backfill.state {
        BackfillState::Running { forecast, .. } => {
            Backfill { state: BackfillState::Running { forecast, progress }, ..backfill }
        }
        _ => backfill,
    })
}

/// When it goes on after a failure. Of several that wait for one budget each comes back at a moment of its own.
fn tried_again(failure: &Failure, id: WorkspaceId, now: Timestamp) -> Timestamp {
    match failure.kind {
        FailureKind::WaitUntil { at } if failure.own_budget() => {
            own_wait(at.max(now + ROOM), 3, salt(&id.0) ^ now.as_second().unsigned_abs(), now)
        }
        FailureKind::WaitUntil { at } => at.max(now + SignedDuration::from_secs(1)),
        _ => now + AGAIN,
    }
}

/// Every incident created at or after `from` and within the range, oldest last: as it was listed before, or listed now.
/// Where a budget ends in the middle, the next try goes on there.
async fn list(poll: &Poll<'_>, backfill: &Backfill, from: Timestamp) -> Result<Waiting, Failure> {
    let (engine, id) = (poll.engine, poll.workspace.id);
    let kept = engine.schedule().backfilling.remove(&id).filter(|waiting| waiting.backfill == backfill.id);
    let mut waiting = kept.unwrap_or_else(|| {
        let wanted = ListWanted { created: Some((from, backfill.to)), ..ListWanted::default() };
        Waiting { backfill: backfill.id, walk: Some(Walk::of(wanted)), pages: 0, incidents: Vec::new() }
    });
    let Some(mut walk) = waiting.walk.take() else { return Ok(waiting) };
    while let Some((asked, link)) = walk.wants() {
        // How long a link holds nobody knows.
        let by_link = link.is_some();
        let page = match poll.sentinel.list(&poll.at, &asked, link, Class::Backfill).await {
            Ok(page) => page,
            Err(failure) => {
                if failure.waits_until().is_some() && !by_link {
                    waiting.walk = Some(walk);
                    engine.schedule().backfilling.insert(id, waiting);
                }
                return Err(failure);
            }
        };
        waiting.pages += 1;
        waiting.incidents.extend(walk.take(page, engine.now()));
        if walk.too_long() && walk.wants().is_some() {
            // What was not listed would be left out without a word.
            let text = format!(
                "The range holds more incidents than the {} that one backfill lists. Ask for a shorter range, and for the \
                 rest after it.",
                waiting.incidents.len()
            );
            return Err(Failure::new(Side::Sentinel, FailureKind::Rejected, text));
        }
    }
    // A service may not know this filter: what it gives is looked at.
    waiting.incidents.retain(|incident| incident.created.is_some_and(|at| at >= from && at < backfill.to));
    waiting.incidents.sort_by(|a, b| (b.created, &b.id).cmp(&(a.created, &a.id)));
    waiting.incidents.dedup_by(|a, b| a.id == b.id);
    Ok(waiting)
}

async fn count(
    poll: &mut Poll<'_>,
    backfill: &Backfill,
    found: (&Workspace, &crate::domain::client::Client, &Policy),
    requests_per_5min: u32,
) -> Result<Result<(), Failure>, StoreError> {
    let (engine, workspace) = (poll.engine, found.0);
    let mut counting = Counting::default();
    let Waiting { pages, incidents, .. } = match list(poll, backfill, backfill.from).await {
        Ok(listed) => listed,
        Err(failure) => return Ok(Err(failure)),
    };
    (0..pages).for_each(|_| counting.page());
    let catalogue = found.1.halo.as_ref().and_then(|halo| engine.registry.catalogue(halo.connection));
    for some in incidents.chunks(1_000) {
        let ids: Vec<IncidentId> = some.iter().map(|incident| incident.id.clone()).collect();
        let versions = engine.store.versions(workspace.id, &ids).await?;
        for incident in some {
            let known = versions.get(&incident.id);
            if known.is_some_and(|known| known.pair.is_some()) {
                counting.linked();
                continue;
            }
            let held = match known.and_then(|known| known.held.as_ref()) {
                Some(_) => engine.store.subject(workspace.id, &incident.id).await?.and_then(|subject| subject.held),
                None => None,
            };
            counting.add(backfill, found, catalogue.as_deref(), incident, held.as_ref());
        }
    }
    let forecast = counting.forecast(backfill, requests_per_5min);
    moved(engine, workspace, Backfill { state: BackfillState::Forecast { forecast }, ..backfill.clone() }).await?;
    Ok(Ok(()))
}

async fn take_in(
    poll: &mut Poll<'_>,
    backfill: &Backfill,
    mut progress: Progress,
    catalogue: Option<&Catalogue>,
) -> Result<Result<(), Failure>, StoreError> {
    let (engine, workspace, before) = (poll.engine, poll.workspace, progress);
    let mut waiting = match list(poll, backfill, progress.through.unwrap_or(backfill.from)).await {
        Ok(waiting) => waiting,
        Err(failure) => return Ok(Err(failure)),
    };
    let now = engine.now();
    let left = usize::try_from(allowed(backfill, &progress, now)).unwrap_or(usize::MAX).min(BATCH).min(room(poll));
    let (mut taken, mut looked) = (Vec::new(), 0);
    for incident in waiting.incidents.iter().rev() {
        if taken.len() >= left {
            break;
        }
        looked += 1;
        progress.looked = progress.looked.saturating_add(1);
        progress.through = progress.through.max(incident.created);
        let subject = engine.store.subject(workspace.id, &incident.id).await?;
        let (linked, held) = subject.map_or((false, None), |subject| (subject.pair.is_some(), subject.held));
        let found = (workspace, poll.client, poll.policy());
        if linked || ask(backfill, found, catalogue, incident, held.as_ref()).is_err() {
            continue;
        }
        let held = held.map(|reason| reason.code().to_owned());
        taken.push(Newcomer { incident: incident.clone(), held });
    }
    if !taken.is_empty() {
        Box::pin(poll.newcomers(taken, None, None)).await?;
        progress.tickets = progress.tickets.saturating_add(poll.opened());
    }
    if let Some(failure) = poll.failure() {
        // Some of them may not have been taken in: they are looked at again.
        let again = Progress { tickets: progress.tickets, ..before };
        if failure.kind == FailureKind::Rejected {
            // What is refused in words is refused again.
            tracing::warn!(workspace.id = %workspace.id, error = %failure, "a backfill ended");
            let how = HowEnded::Failed { why: failure.message.clone() };
            end(engine, workspace, backfill, how, Some(again)).await?;
            return Ok(Ok(()));
        }
        let at = tried_again(failure, workspace.id, now);
        if again != before {
            running(engine, workspace, backfill, again).await?;
        }
        {
            let mut schedule = engine.schedule();
            schedule.backfilling.insert(workspace.id, waiting);
            schedule.backfills.insert(workspace.id, at);
        }
        // One that has its ticket already and could not be joined to it is passed over from now on: the polls do that.
        if !engine.store.held_for(workspace.id, Reason::LINK_ASKED, 1).await?.is_empty() {
            engine.poke_workspace(workspace.id, RunCause::Person);
        }
        return Ok(Ok(()));
    }
    waiting.incidents.truncate(waiting.incidents.len() - looked);
    let over = if waiting.incidents.is_empty() {
        Some(HowEnded::Done)
    } else {
        (progress.tickets >= backfill.cap).then_some(HowEnded::Cap)
    };
    match over {
        Some(how) => end(engine, workspace, backfill, how, Some(progress)).await?,
        None => {
            if before != progress {
                running(engine, workspace, backfill, progress).await?;
            }
            let mut schedule = engine.schedule();
            schedule.backfilling.insert(workspace.id, waiting);
            schedule.backfills.insert(workspace.id, now + EVERY);
        }
    }
    Ok(Ok(()))
}

/// For how many tickets the instance's budget has room. When each is made, the line they stand in decides.
fn room(poll: &Poll<'_>) -> usize {
    let Some(binding) = &poll.client.halo else { return 0 };
    let budget = poll.engine.registry.halo_budget(binding.connection);
    let left = budget.map_or(u64::MAX, |budget| budget.left(poll.engine.now(), Kind::Halo, Class::Backfill));
    usize::try_from(left).unwrap_or(usize::MAX)
}

async fn end(
    engine: &Engine,
    workspace: &Workspace,
    backfill: &Backfill,
    how: HowEnded,
    progress: Option<Progress>,
) -> Result<(), StoreError> {
    engine.schedule().backfilling.remove(&workspace.id);
    let state = BackfillState::Ended { at: engine.now(), how, progress };
    moved(engine, workspace, Backfill { state, ..backfill.clone() }).await
}

async fn running(
    engine: &Engine,
    workspace: &Workspace,
    backfill: &Backfill,
    progress: Progress,
) -> Result<(), StoreError> {
    let BackfillState::Running { forecast, .. } = &backfill.state else { return Ok(()) };
    let state = BackfillState::Running { forecast: *forecast, progress };
    moved(engine, workspace, Backfill { state, ..backfill.clone() }).await
}

async fn moved(engine: &Engine, workspace: &Workspace, backfill: Backfill) -> Result<(), StoreError> {
    engine.record(engine.now(), Some(workspace.client), vec![Fact::BackfillMoved { backfill }]).await.map(drop)
}

/// Takes up what a person asked for, or another process left behind.
pub(super) async fn take_up(engine: &Engine) -> Result<(), StoreError> {
    let now = engine.now();
    for backfill in engine.store.backfills().await? {
        if matches!(backfill.state, BackfillState::Counting | BackfillState::Running { .. }) {
            engine.schedule().backfills.entry(backfill.workspace).or_insert(now);
        }
    }
    Ok(())
}
