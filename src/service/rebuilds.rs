//! Rebuilding a pair from both sides, with the plan shown first.

use std::collections::BTreeSet;

use serde_json::json;

use super::{App, acts, caller::Caller, error::ServiceError, fault, pairs, request_shown};
use crate::{
    domain::{
        account::Role,
        ids::PairId,
        view::{rebuild::RebuildView, replay::PlannedView},
    },
    engine::rebuild::REBUILD,
    planner::{Planned, plan, rebuild, situation::Situation},
    store::SituationRow,
};

/// What would follow if this pair were rebuilt, from what both sides said when they were last read.
///
/// # Errors
/// `Forbidden` for viewers, `NotFound` for foreign pairs.
pub async fn ask(app: &App, caller: &Caller, pair: PairId) -> Result<RebuildView, ServiceError> {
    caller.need(Role::Operator)?;
    pairs::seen(app, caller, pair).await?;
    let row = app.store.situation(pair).await.map_err(|e| fault("read a pair", &e))?.ok_or(ServiceError::NotFound)?;
    let installation = app.installation().await?;
    let catalogue = app.store.catalogue(row.pair.halo).await.map_err(|e| fault("read Halo's look-ups", &e))?;
    let catalogue = catalogue.map(|(catalogue, _)| catalogue).unwrap_or_default();
    let (incident_read, ticket_read) = pairs::reads(app, &row);
    let mut view = RebuildView {
        pair,
        incident: row.subject.incident.name(),
        refused: refused(&row),
        planned: Vec::new(),
        asked: Vec::new(),
        copies: 0,
        incident_read,
        ticket_read,
    };
    if view.refused.is_some() {
        return Ok(view);
    }
    let merged = pairs::merged(app, &row.pair, None).await?;
    let drawn = pairs::with_situation(app, &installation, &catalogue, (&row, &merged), |s| {
        let begun = rebuild::begun(s);
        let anew: Situation<'_> = begun.situation(s);
        let plan = plan(&anew);
        let shown = |planned: &Planned| PlannedView {
            words: planned.kind.words(),
            side: planned.kind.side(),
            body: request_shown::of(&installation, &anew, &planned.kind).or_else(|| pairs::body(&planned.kind)),
            reason: planned.reason.clone(),
        };
        let copies: BTreeSet<_> =
            begun.links.iter().chain(&plan.links).map(|link| (&link.comment, link.action)).collect();
        let copies = u64::try_from(copies.len()).unwrap_or(u64::MAX);
        let planned: Vec<PlannedView> = plan.operations.iter().map(shown).collect();
        (planned, plan.items().to_vec(), copies)
    });
    match drawn {
        Some((planned, asked, copies)) => (view.planned, view.asked, view.copies) = (planned, asked, copies),
        None => view.refused = Some("Its workspace is not set up any more: nothing is read of it.".to_owned()),
    }
    Ok(view)
}

fn refused(row: &SituationRow) -> Option<String> {
    let shares = row.mates.iter().any(|mate| mate.ticket == row.pair.ticket);
    rebuild::refused(&row.pair, shares).map(str::to_owned)
}

/// Rebuilds it: forgets what both sides agreed on, reads both whole, and plans from them as for two records just linked.
/// What is asked is durable: the engine does it as soon as both sides can be read.
///
/// # Errors
/// `Invalid` where it can't be, with what to do instead; `Forbidden` for viewers, `NotFound` for foreign pairs.
pub async fn rebuild(app: &App, caller: &Caller, pair: PairId) -> Result<(), ServiceError> {
    caller.need(Role::Operator)?;
    let client = pairs::seen(app, caller, pair).await?.client;
    let row = app.store.situation(pair).await.map_err(|e| fault("read a pair", &e))?.ok_or(ServiceError::NotFound)?;
    if let Some(why) = refused(&row) {
        return Err(ServiceError::invalid("pair", why));
    }
    let now = app.clock.now();
    let mut tx = app.store.begin().await.map_err(|e| fault("write down an act", &e))?;
    let act = acts::act(caller, "rebuild", Some(pair), json!({}));
    tx.record(now, Some(client), act).await.map_err(|e| fault("write down an act", &e))?;
    let detail = json!({ "pair": pair, "client": client });
    tx.ask(now, REBUILD, &detail).await.map_err(|e| fault("ask for a pair to be rebuilt", &e))?;
    tx.commit().await.map_err(|e| fault("write down an act", &e))?;
    app.engine.asked();
    Ok(())
}
