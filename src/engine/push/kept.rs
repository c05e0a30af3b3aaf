//! Tickets that webhooks named and that a policy may push are kept until they were looked at: a webhook is taken up once, and
//! nothing else would tell of them again.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::{
    domain::{
        delivery::{Delivery, DeliverySource},
        ids::{ConnectionId, TicketId},
    },
    engine::Engine,
    halo_itsm::webhook,
    outbound::read,
    store::StoreError,
};

use super::announced::rules;

/// Under this name, the instance's id and the ticket's number each stands for itself.
const NAMED: &str = "named:";

fn name(connection: ConnectionId, ticket: TicketId) -> String {
    format!("{NAMED}{connection}:{ticket}")
}

fn named(name: &str) -> Option<(ConnectionId, TicketId)> {
    let (connection, ticket) = name.strip_prefix(NAMED)?.split_once(':')?;
    Some((connection.parse().ok()?, TicketId(ticket.parse().ok()?)))
}

async fn put(engine: &Engine, names: &[String], value: Option<&str>) -> Result<(), StoreError> {
    if names.is_empty() {
        return Ok(());
    }
    let mut tx = engine.store.begin().await?;
    for name in names {
        tx.put_setting(name, value).await?;
    }
    tx.commit().await
}

/// Keeps what these webhooks name, before they are noted as taken up.
pub(in crate::engine) async fn keep(engine: &Engine, deliveries: &[Delivery]) -> Result<(), StoreError> {
    let view = engine.registry.view();
    let mut tickets: BTreeMap<ConnectionId, BTreeSet<TicketId>> = BTreeMap::new();
    for delivery in deliveries {
        let DeliverySource::Halo { connection } = delivery.source else { continue };
        if !rules(&view, connection).is_empty() {
            let body: Option<Value> = read::json(&delivery.body);
            let ids = body.as_ref().map(webhook::ticket_ids).unwrap_or_default();
            tickets.entry(connection).or_default().extend(ids);
        }
    }
    let mut names = Vec::new();
    for (connection, ids) in tickets {
        let ids: Vec<TicketId> = ids.into_iter().collect();
        let paired = engine.store.pairs_of_tickets(connection, &ids).await?;
        names.extend(ids.into_iter().filter(|id| !paired.contains_key(id)).map(|id| name(connection, id)));
    }
    put(engine, &names, Some("")).await
}

/// What was named was looked at, but for those that have to wait.
pub(super) async fn looked_at(
    engine: &Engine,
    connection: ConnectionId,
    looked_at: &BTreeSet<TicketId>,
    later: BTreeSet<TicketId>,
) -> Result<(), StoreError> {
    engine.schedule().tickets_again.insert(connection, later);
    if looked_at.is_empty() {
        return Ok(());
    }
    let standing = standing(engine, connection).await?;
    over(engine, connection, standing).await
}

/// Under which names tickets of an instance are kept.
///
/// # Errors
/// What the store says.
#[doc(hidden)]
pub async fn standing(engine: &Engine, connection: ConnectionId) -> Result<Vec<String>, StoreError> {
    let kept = engine.store.settings_under(&format!("{NAMED}{connection}:")).await?;
    Ok(kept.into_iter().map(|(name, _)| name).collect())
}

/// Those that stood are kept no longer, unless they wait. A ticket waits before it is kept: so none is dropped that was named
/// since they were read.
///
/// # Errors
/// What the store says.
#[doc(hidden)]
pub async fn over(engine: &Engine, connection: ConnectionId, mut standing: Vec<String>) -> Result<(), StoreError> {
    let waiting: BTreeSet<TicketId> = {
        let schedule = engine.schedule();
        let (fresh, again) = (schedule.tickets.get(&connection), schedule.tickets_again.get(&connection));
        fresh.into_iter().chain(again).flatten().copied().collect()
    };
    standing.retain(|name| named(name).is_none_or(|(_, ticket)| !waiting.contains(&ticket)));
    put(engine, &standing, None).await
}

/// What was named to the process before this one and not looked at.
pub(in crate::engine) async fn left_behind(engine: &Engine) -> Result<(), StoreError> {
    let kept = engine.store.settings_under(NAMED).await?;
    let mut schedule = engine.schedule();
    for (connection, ticket) in kept.iter().filter_map(|(name, _)| named(name)) {
        schedule.tickets_again.entry(connection).or_default().insert(ticket);
    }
    Ok(())
}
