//! Backfill: counting what it would come to, then taking incidents in bit by bit, as slowly as was asked for.

use jiff::{SignedDuration, Timestamp};

use crate::{
    domain::{
        backfill::{Backfill, BackfillState, HowEnded, Progress},
        failure::{Failure, FailureKind, Side},
        ids::{IncidentId, WorkspaceId},
        incident::Incident,
        policy::Policy,
        workspace::Workspace,
    },
    ledger::fact::Fact,
    outbound::budget::{Class, Kind},
    planner::backfill::{Counting, allowed, ask},
    sentinel::{ListWanted, walk::Walk},
    store::StoreError,
};

use super::{
    Engine,
    poll::{Newcomer, Poll},
    registry::wait_for_catalogue,
};

/// Incidents are taken in this often.
const EVERY: SignedDuration = SignedDuration::from_secs(60);
/// After something that passes by itself.
const AGAIN: SignedDuration = SignedDuration::from_secs(60);
/// Pages of the list of a range.
const PAGES_MAX: u32 = 200;
/// Incidents taken in at once.
const BATCH: usize = 100;

/// What is left of a backfill that is under way, in the life of this process.
pub struct Waiting {
    backfill: crate::domain::ids::RunId,
    /// Oldest last.
    incidents: Vec<Incident>,
}

/// Takes one step of a workspace's backfill.
pub(super) async fn run(engine: &Engine, id: WorkspaceId) -> Result<(), StoreError> {
    engine.schedule().backfills.remove(&id);
    let Some(backfill) = engine.store.backfill(id).await? else { return Ok(()) };
    let view = engine.registry.view();
    let Some((workspace, client, policy)) = view.of_workspace(id) else { return Ok(()) };
    let ready = client.halo.as_ref().is_some_and(|halo| wait_for_catalogue(engine, halo.connection).is_some());
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
            BackfillState::Running { progress, .. } => take_in(&mut poll, &backfill, *progress).await,
            BackfillState::Forecast { .. } | BackfillState::Ended { .. } => Ok(Ok(())),
        }
    };
    let now = engine.now();
    if !ready && client.halo.is_some() {
        engine.schedule().backfills.insert(id, now + SignedDuration::from_secs(15));
        return Ok(());
    }
    match step.await? {
        Ok(()) => Ok(()),
        Err(failure) if failure.retryable() || matches!(failure.kind, FailureKind::WaitUntil { .. }) => {
            let at = match failure.kind {
                FailureKind::WaitUntil { at } => at,
                _ => engine.now() + AGAIN,
            };
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

/// Every incident of the range, as far as it has not been looked at, newest first.
async fn list(
    poll: &Poll<'_>,
    from: Timestamp,
    to: Timestamp,
    mut page: impl FnMut(),
) -> Result<Vec<Incident>, Failure> {
    let wanted = ListWanted { created: Some((from, to)), ..ListWanted::default() };
    let mut found: Vec<Incident> = Vec::new();
    let (mut walk, now) = (Walk::of(wanted), poll.engine.now());
    while let Some((asked, link)) = walk.wants() {
        let read = poll.sentinel.list(&poll.at, &asked, link, Class::Backfill).await?;
        page();
        found.extend(walk.take(read, now));
        if walk.pages() >= PAGES_MAX && walk.wants().is_some() {
            // What was not listed would be left out without a word.
            let text = format!(
                "The range holds more incidents than the {} that one backfill lists. Ask for a shorter range, and for the \
                 rest after it.",
                found.len()
            );
            return Err(Failure::new(Side::Sentinel, FailureKind::Rejected, text));
        }
    }
    // A service may not know this filter: what it gives is looked at.
    found.retain(|incident| incident.created.is_some_and(|at| at >= from && at < to));
    found.sort_by(|a, b| (b.created, &b.id).cmp(&(a.created, &a.id)));
    found.dedup_by(|a, b| a.id == b.id);
    Ok(found)
}

async fn count(
    poll: &mut Poll<'_>,
    backfill: &Backfill,
    found: (&Workspace, &crate::domain::client::Client, &Policy),
    requests_per_5min: u32,
) -> Result<Result<(), Failure>, StoreError> {
    let (engine, workspace) = (poll.engine, found.0);
    let mut counting = Counting::default();
    let incidents = match list(poll, backfill.from, backfill.to, || counting.page()).await {
        Ok(incidents) => incidents,
        Err(failure) => return Ok(Err(failure)),
    };
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
) -> Result<Result<(), Failure>, StoreError> {
    let (engine, workspace, before) = (poll.engine, poll.workspace, progress);
    let waiting = engine.schedule().backfilling.remove(&workspace.id);
    let mut waiting = match waiting.filter(|waiting| waiting.backfill == backfill.id) {
        Some(waiting) => waiting,
        None => {
            let from = progress.through.unwrap_or(backfill.from);
            match list(poll, from, backfill.to, || ()).await {
                Ok(incidents) => Waiting { backfill: backfill.id, incidents },
                Err(failure) => return Ok(Err(failure)),
            }
        }
    };
    let now = engine.now();
    let left = usize::try_from(allowed(backfill, &progress, now)).unwrap_or(usize::MAX).min(BATCH).min(room(poll));
    let catalogue = poll.client.halo.as_ref().and_then(|halo| engine.registry.catalogue(halo.connection));
    let mut taken = Vec::new();
    while taken.len() < left {
        let Some(incident) = waiting.incidents.pop() else { break };
        progress.looked = progress.looked.saturating_add(1);
        progress.through = progress.through.max(incident.created);
        let subject = engine.store.subject(workspace.id, &incident.id).await?;
        let (linked, held) = subject.map_or((false, None), |subject| (subject.pair.is_some(), subject.held));
        let found = (workspace, poll.client, poll.policy());
        if linked || ask(backfill, found, catalogue.as_deref(), &incident, held.as_ref()).is_err() {
            continue;
        }
        taken.push(Newcomer { incident, held: held.map(|reason| reason.code().to_owned()) });
    }
    if !taken.is_empty() {
        Box::pin(poll.newcomers(taken, None, None)).await?;
        progress.tickets = progress.tickets.saturating_add(poll.opened());
    }
    if poll.failed() {
        // Some of them may not have been taken in: they are listed again.
        let again = Progress { tickets: progress.tickets, ..before };
        let at = now + AGAIN;
        engine.schedule().backfills.insert(workspace.id, at);
        if again != before {
            running(engine, workspace, backfill, again).await?;
        }
        return Ok(Ok(()));
    }
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
