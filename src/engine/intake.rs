//! Webhooks and requests that lie in the store: turned into "look now", never believed.

use serde_json::Value;

use crate::{
    domain::{
        delivery::{Delivery, DeliverySource},
        run::RunCause,
    },
    halo_itsm::webhook,
    ledger::fact::Fact,
    sentinel::webhook::incident_id,
    store::{Entered, StoreError},
};

use super::Engine;

const BATCH: u32 = 500;

pub(super) async fn run(engine: &Engine) -> Result<(), StoreError> {
    let deliveries = engine.store.deliveries_waiting(BATCH).await?;
    if !deliveries.is_empty() {
        for delivery in &deliveries {
            announce(engine, delivery);
        }
        // What was announced need not wait until its taking up is written down: after a crash everything is read.
        engine.wake();
        handled(engine, &deliveries).await?;
    }
    if deliveries.len() >= usize::try_from(BATCH).unwrap_or(usize::MAX) {
        engine.schedule().intake_waits = true;
    }
    let revived = std::mem::take(&mut engine.schedule().revived);
    for operation in revived {
        super::revive::run(engine, operation).await?;
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
    engine.store.append(deliveries.iter().map(entered).collect()).await
}

/// Kind of the request that `halobridge sync --once` makes of a running server.
pub const SYNC: &str = "sync";

/// Requests of other processes. A cycle is answered when everything was read since it was asked for and
/// nothing is ready to be carried out.
async fn requests(engine: &Engine) -> Result<(), StoreError> {
    for request in engine.store.asked().await? {
        let now = engine.now();
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
            }
            continue;
        };
        let counts = engine.store.queue_counts().await?;
        let standings = engine.standings();
        let read = |s: &super::status::ScopeStanding| {
            let ended = s.standing.last_success.max(s.standing.last_failure.as_ref().map(|(at, _)| *at));
            ended.is_some_and(|at| at >= taken) && !s.running
        };
        let ready = engine.store.ready_pairs(now, 1).await?;
        if !standings.iter().all(read) || !ready.is_empty() {
            continue;
        }
        let failures: Vec<Value> = standings
            .iter()
            .filter_map(|s| {
                let (_, failure) = s.standing.last_failure.as_ref()?;
                Some(serde_json::json!({ "scope": s.scope, "failure": failure }))
            })
            .collect();
        let result = serde_json::json!({
            "scopes": standings.len(), "failures": failures, "waiting": counts.open, "dead": counts.dead,
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
    let body: Option<Value> = serde_json::from_slice(&delivery.body).ok();
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
