//! Webhooks and requests that lie in the store: turned into "look now", never believed.

use serde_json::Value;

use crate::{
    domain::{
        delivery::{Delivery, DeliverySource},
        ids::{IncidentId, WorkspaceId},
        run::RunCause,
    },
    halo_itsm::webhook,
    ledger::fact::Fact,
    store::StoreError,
};

use super::Engine;

const BATCH: u32 = 500;

pub(super) async fn run(engine: &Engine) -> Result<(), StoreError> {
    let revived = std::mem::take(&mut engine.schedule().revived);
    for operation in revived {
        super::execute::revive(engine, operation).await?;
    }
    requests(engine).await?;
    let deliveries = engine.store.deliveries_waiting(BATCH).await?;
    let more = deliveries.len() >= usize::try_from(BATCH).unwrap_or(usize::MAX);
    if !deliveries.is_empty() {
        let now = engine.now();
        for delivery in &deliveries {
            announce(engine, delivery).await?;
        }
        let mut tx = engine.store.begin().await?;
        for delivery in &deliveries {
            let client = match delivery.source {
                DeliverySource::Sentinel { client, .. } => Some(client),
                DeliverySource::Halo { .. } => None,
            };
            tx.record(now, client, Fact::DeliveryHandled { delivery: delivery.id }).await?;
        }
        tx.commit().await?;
    }
    if more {
        engine.schedule().intake_waits = true;
    }
    Ok(())
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

async fn announce(engine: &Engine, delivery: &Delivery) -> Result<(), StoreError> {
    let body: Option<Value> = serde_json::from_slice(&delivery.body).ok();
    let now = engine.now();
    match delivery.source {
        DeliverySource::Sentinel { workspace, .. } => {
            if let Some(incident) = body.as_ref().and_then(incident_id) {
                let known = engine.store.versions(workspace, std::slice::from_ref(&incident)).await?;
                if known.is_empty() {
                    announce_incident(engine, workspace, incident);
                }
            }
            engine.schedule().hasten_poll(workspace, RunCause::Webhook, now);
        }
        DeliverySource::Halo { connection } => {
            let tickets = body.as_ref().map(webhook::ticket_ids).unwrap_or_default();
            engine.schedule().hasten_halo(connection, &tickets, now);
        }
    }
    Ok(())
}

/// An incident nobody has seen yet: polled for until it shows.
fn announce_incident(engine: &Engine, workspace: WorkspaceId, incident: IncidentId) {
    let now = engine.now();
    engine.schedule().announced.entry((workspace, incident)).or_insert((now, 0));
}

/// The incident's GUID in a Logic App body, in either spelling (sentinel-api sheet 6.2).
fn incident_id(body: &Value) -> Option<IncidentId> {
    let object = body.get("object").or_else(|| body.get("Object")).unwrap_or(body);
    let name = object.get("name").or_else(|| object.get("Name")).and_then(Value::as_str);
    let from_id = || object.get("id").or_else(|| object.get("Id")).and_then(Value::as_str)?.rsplit('/').next();
    let text = name.or_else(from_id)?;
    uuid::Uuid::parse_str(text).ok().map(|_| IncidentId::new(text))
}
