//! Webhooks and requests that lie in the store: turned into "look now", never believed.

use serde_json::Value;

use crate::{
    domain::{
        delivery::{Delivery, DeliverySource},
        failure::{Failure, FailureKind},
        ids::DeliveryId,
        run::{RunCause, RunScope},
    },
    halo_itsm::webhook,
    ledger::fact::Fact,
    outbound::read,
    sentinel::webhook::incident_id,
    store::{Entered, StoreError},
};

use super::Engine;

const BATCH: u32 = 500;
/// So many are noted as taken up with one commit: those that come meanwhile are stored in between.
const NOTED: usize = 64;

pub(super) async fn run(engine: &Engine) -> Result<(), StoreError> {
    // By their ids the oldest come first here too: more than that are not read now.
    let told: Vec<DeliveryId> = { engine.schedule().told.iter().take(2 * BATCH as usize).copied().collect() };
    let deliveries = engine.store.deliveries_waiting_beside(BATCH, &told).await?;
    if !deliveries.is_empty() {
        for delivery in &deliveries {
            announce(engine, delivery);
        }
        // What was announced need not wait until its taking up is written down: after a crash everything is read, and what
        // nothing else tells of is kept.
        engine.wake();
        super::push::kept::keep(engine, &deliveries).await?;
        handled(engine, &deliveries).await?;
    }
    if deliveries.len() >= usize::try_from(BATCH).unwrap_or(usize::MAX) {
        engine.schedule().intake_waits = true;
    }
    loop {
        let Some(operation) = engine.schedule().revived.pop_first() else { break };
        let revived = super::revive::run(engine, operation).await;
        if revived.is_err() {
            // The store refused: a person asked for it, and was told so.
            engine.schedule().revived.insert(operation);
        }
        revived?;
    }
    requests(engine).await
}

async fn handled(engine: &Engine, deliveries: &[Delivery]) -> Result<(), StoreError> {
    let at = engine.now();
    let entered = |delivery: &Delivery| {
        let client = match delivery.source {
            DeliverySource::Sentinel { client, .. } => Some(client),
            DeliverySource::Halo { .. } => None,
        };
        Entered { client, at, fact: Fact::DeliveryHandled { delivery: delivery.id } }
    };
    for some in deliveries.chunks(NOTED) {
        engine.store.append(some.iter().map(entered).collect()).await?;
    }
    Ok(())
}

/// Kind of the request that `halobridge sync --once` makes of a running server.
pub const SYNC: &str = "sync";

/// Requests of other processes. A cycle is answered when everything was read since it was asked for and
/// nothing is ready to be carried out.
async fn requests(engine: &Engine) -> Result<(), StoreError> {
    // Before the question: those that wait take no place among what is read.
    let waiting = super::push::waiting(engine);
    let asked = engine.store.asked_beside(&waiting).await?;
    let full = asked.len() >= crate::store::ASKED_AT_ONCE as usize;
    for request in asked {
        let now = engine.now();
        if request.kind == super::push::PUSH {
            // It is answered or waits now: those behind it are read next.
            engine.schedule().intake_waits |= full;
            Box::pin(super::push::run(engine, &request)).await?;
            continue;
        }
        if request.kind == super::rebuild::REBUILD {
            super::rebuild::take_up(engine, &request).await?;
            continue;
        }
        if request.kind != SYNC {
            let text = format!("This version does not know the request “{}”.", request.kind);
            engine.store.answered(now, request.id, &serde_json::json!({ "error": text })).await?;
            continue;
        }
        let taken = engine.schedule().cycles.get(&request.id).copied();
        let Some(taken) = taken else {
            let mut schedule = engine.schedule();
            schedule.cycles.insert(request.id, now);
            let workspaces: Vec<_> = schedule.workspaces.keys().copied().collect();
            let instances: Vec<_> = schedule.instances.keys().copied().collect();
            for workspace in workspaces {
                schedule.hasten_poll(workspace, RunCause::Person, now);
            }
            for instance in instances {
                schedule.hasten_halo(instance, &[], now);
                schedule.hasten_look_ups(instance, now);
            }
            continue;
        };
        let counts = engine.store.queue_counts().await?;
        let standings = engine.standings();
        let unread = engine.without_look_ups();
        let view = engine.registry.view();
        // What waits by the other side's own word is not asked before that, and what needs look-ups that cannot be
        // read is not asked either: both are answered with the reason, not waited for.
        let told = |failure: &Failure| matches!(failure.kind, FailureKind::WaitUntil { at } if at > now);
        let blocked = |scope: &RunScope| {
            let RunScope::Workspace { id } = scope else { return false };
            let binding = view.of_workspace(*id).and_then(|(_, client, _)| client.halo.as_ref());
            binding.is_some_and(|binding| {
                let of =
                    |(id, at, failure): &(_, _, Failure)| *id == binding.connection && (*at >= taken || told(failure));
                unread.iter().any(of)
            })
        };
        let read = |s: &super::status::ScopeStanding| {
            let failure = s.standing.last_failure.as_ref();
            let ended = s.standing.last_success.max(failure.map(|(at, _)| *at));
            let waits = failure.is_some_and(|(_, failure)| told(failure)) || blocked(&s.scope);
            !s.running && (waits || ended.is_some_and(|at| at >= taken))
        };
        for (id, _, _) in unread.iter().filter(|(_, at, failure)| *at < taken && !told(failure)) {
            // A reading that had begun before says nothing of now.
            engine.schedule().hasten_look_ups(*id, now);
        }
        let ready = engine.store.ready_pairs(now, 1).await?;
        if !standings.iter().all(read) || !ready.is_empty() {
            continue;
        }
        let mut seen = std::collections::HashSet::new();
        let failures: Vec<Value> = standings
            .iter()
            .filter_map(|s| {
                let (_, failure) = s.standing.last_failure.as_ref()?;
                Some((s.scope, failure.clone()))
            })
            .chain(unread.into_iter().map(|(id, _, failure)| (RunScope::Halo { id }, failure)))
            // An instance that neither tickets nor look-ups can be read of says so once.
            .filter(|(scope, _)| seen.insert(*scope))
            .map(|(scope, failure)| serde_json::json!({ "scope": scope, "failure": failure }))
            .collect();
        let whole = standings.iter().filter(|s| s.standing.read_since(taken)).count();
        let result = serde_json::json!({
            "scopes": standings.len(), "read": whole, "failures": failures, "waiting": counts.open, "dead": counts.dead,
        });
        engine.store.answered(now, request.id, &result).await?;
        engine.schedule().cycles.remove(&request.id);
    }
    Ok(())
}

fn announce(engine: &Engine, delivery: &Delivery) {
    if engine.schedule().told.remove(&delivery.id) {
        return;
    }
    let body: Option<Value> = read::json(&delivery.body);
    let now = engine.now();
    match delivery.source {
        DeliverySource::Sentinel { workspace, .. } => match body.as_ref().and_then(incident_id) {
            Some(incident) => engine.schedule().name(workspace, incident, now),
            None => engine.schedule().hasten_poll(workspace, RunCause::Webhook, now),
        },
        DeliverySource::Halo { connection } => {
            let tickets = body.as_ref().map(webhook::ticket_ids).unwrap_or_default();
            engine.schedule().hasten_halo(connection, &tickets, now);
        }
    }
}
