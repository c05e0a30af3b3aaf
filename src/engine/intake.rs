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
