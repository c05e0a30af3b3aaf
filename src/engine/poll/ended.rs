//! What stands once a poll has ended: when the next one is due, and what the ledger keeps of it.

use jiff::{SignedDuration, Timestamp};

use super::Counts;
use crate::{
    domain::{
        failure::Failure,
        ids::{IncidentId, RunId, WorkspaceId},
        run::{Run, RunCause, RunScope},
        workspace::Workspace,
    },
    engine::{
        Engine, answers, pauses,
        registry::{mind_secrets, salt},
        schedule::Schedule,
    },
    ledger::fact::Fact,
    outbound::budget::{Class, Kind},
    planner::pace::{Pace, Shown, next_wait},
    store::StoreError,
};

/// Sets the next poll's time, and records the run if it read a change, failed, or was asked for.
pub(super) async fn ended(
    engine: &Engine,
    workspace: &Workspace,
    cause: RunCause,
    started: Timestamp,
    counts: Counts,
) -> Result<(), StoreError> {
    let now = engine.now();
    let pace = Pace { longest: workspace.poll_secs, shortest: workspace.poll_fast_secs };
    let shown = Shown { change: counts.changed > 0 && cause == RunCause::Schedule, room: room(engine, workspace, now) };
    // Our own budget had no room: that is no failed run, and is told of once it has been read.
    let waits = counts.failure.as_ref().is_some_and(Failure::own_budget);
    let (failed_before, away) = {
        let mut schedule = engine.schedule();
        let Some(standing) = schedule.workspaces.get_mut(&workspace.id) else { return Ok(()) };
        let (failed_before, away) = (standing.failing, answers::was_away(standing));
        if !waits {
            standing.failing = counts.failure.is_some();
        }
        let hastened = std::mem::take(&mut standing.hastened);
        let next_cause = standing.cause;
        match &counts.failure {
            None => {
                let wait = next_wait(pace, standing.wait, shown);
                standing.wait = Some(wait);
                Schedule::went_well(standing, now, wait);
                // A list of all comes with a poll: it waits for none that is a day away.
                if let Some(full) = standing.next_full {
                    standing.next = standing.next.map(|next| next.min(full.max(now)));
                }
                if let Some(at) = standing.awaits {
                    standing.next = standing.next.map(|next| next.min(at.max(now)));
                }
            }
            Some(failure) => {
                Schedule::went_wrong(standing, failure.clone(), now, salt(&workspace.id.0), workspace.poll_secs);
            }
        }
        // A webhook that came while this poll was under way is not covered by it.
        if hastened && counts.failure.is_none() {
            standing.next = Some(now);
            standing.cause = next_cause;
        }
        if standing.last_failure.is_none() {
            let again: Vec<_> = schedule.announced.keys().filter(|(id, _)| *id == workspace.id).cloned().collect();
            for key in again {
                announced_again(&mut schedule, key, now);
            }
        }
        (failed_before, away)
    };
    let scope = RunScope::Workspace { id: workspace.id };
    let failure = counts.failure.as_ref();
    pauses::read(engine, scope, workspace.connection, Some(workspace.client), failure).await?;
    if away && failure.is_none() {
        answers::again(engine, scope).await?;
    }
    if counts.braked > 0 {
        tracing::warn!(workspace.id = %workspace.id, incidents = counts.braked, "the storm brake holds incidents until a person releases them");
    }
    if waits {
        tracing::debug!(workspace.id = %workspace.id, "a poll waits for the subscription's budget");
    } else if let Some(failure) = &counts.failure {
        mind_secrets(engine, failure).await;
        tracing::warn!(workspace.id = %workspace.id, error = %failure, "a poll did not end well");
    }
    let told = !waits && (counts.failure.is_some() != failed_before || cause != RunCause::Schedule);
    if counts.changed > 0 || told {
        let run = Run {
            id: RunId(engine.ids.uuid_v7(now)),
            scope,
            cause,
            started,
            ended: now,
            read: counts.read,
            changed: counts.changed,
            failure: counts.failure.filter(|_| !waits),
        };
        engine.record(now, Some(workspace.client), vec![Fact::RunEnded { run }]).await?;
    }
    engine.store.index_words().await
}

/// Whether the subscription's budget would let a backfill read now: then there is room for polls that come sooner.
fn room(engine: &Engine, workspace: &Workspace, now: Timestamp) -> bool {
    let budget = workspace.address().and_then(|at| engine.registry.subscription_budget(&at.subscription));
    budget.is_none_or(|budget| budget.free_at(now, Kind::Read, Class::Backfill, 1) <= now)
}

/// Seconds after which an announced incident that no poll has shown is polled for again.
const ANNOUNCED_AGAIN: [i64; 5] = [5, 15, 60, 180, 600];

/// When an incident that this poll has not shown either is looked for again.
fn announced_again(schedule: &mut Schedule, key: (WorkspaceId, IncidentId), now: Timestamp) {
    let Some((at, tries)) = schedule.announced.get_mut(&key) else { return };
    if *at > now {
        return;
    }
    match ANNOUNCED_AGAIN.get(usize::try_from(*tries).unwrap_or(usize::MAX)) {
        Some(secs) => {
            *at = now + SignedDuration::from_secs(*secs);
            *tries += 1;
        }
        None => {
            schedule.announced.remove(&key);
        }
    }
}
