//! Rebuilding a pair from both sides: a person asks, both records are read whole, and the pair is planned as if they had
//! just been linked ([`crate::planner::rebuild`]). What was asked lies in the store until it is done.

use serde_json::{Value, json};

use crate::{
    domain::{failure::Failure, ids::PairId, workspace::Mode},
    planner::{self, observed::Reading},
    store::{Request, SituationRow, StoreError},
};

use super::Engine;

/// Kind of the request that asks for it; its detail names the pair.
pub const REBUILD: &str = "rebuild";

/// Takes a request up: the pair is looked at next.
pub(super) async fn take_up(engine: &Engine, request: &Request) -> Result<(), StoreError> {
    let named = request.detail.get("pair").and_then(Value::as_str);
    let Some(pair) = named.and_then(|pair| pair.parse::<PairId>().ok()) else {
        return answered(engine, request.id, &json!({ "error": "It names no pair." })).await;
    };
    let mut schedule = engine.schedule();
    if schedule.rebuilds.entry(pair).or_default().insert(request.id) {
        schedule.looks.insert(pair);
    }
    Ok(())
}

/// What a look at a pair comes to for those who asked for it to be rebuilt.
pub(super) enum Comes {
    /// Nobody asked.
    Unasked,
    /// It is rebuilt from what was read.
    Done,
    /// Not now: it is looked at again.
    Later,
    /// It is not, and why.
    Refused(String),
}

/// Says so.
pub(super) fn comes(
    engine: &Engine,
    row: &SituationRow,
    reading: &Reading,
    failure: Option<&Failure>,
    gone: bool,
) -> Comes {
    if !engine.schedule().rebuilds.contains_key(&row.pair.id) {
        return Comes::Unasked;
    }
    let shares = row.mates.iter().any(|mate| mate.ticket == row.pair.ticket);
    if let Some(why) = planner::rebuild::refused(&row.pair, shares) {
        return Comes::Refused(why.to_owned());
    }
    if row.subject.incident.drafted() && reading.incident.is_none() {
        return Comes::Refused("Its incident is not made yet: there is nothing to rebuild.".to_owned());
    }
    match failure {
        Some(failure) if failure.retryable() => return Comes::Later,
        Some(failure) => return Comes::Refused(failure.message.clone()),
        None => {}
    }
    if gone {
        return Comes::Refused("One of its records was not found: the pair says what can be done.".to_owned());
    }
    let view = engine.registry.view();
    let followed = view.of_workspace(row.pair.workspace).is_some_and(|(workspace, ..)| workspace.mode != Mode::Off);
    let known = followed && view.halo.contains_key(&row.pair.halo);
    let sentinel = reading.incident.is_some() && reading.comments.is_some();
    let halo = reading.ticket.is_some() && reading.actions.is_some();
    let whole = sentinel && halo && known && engine.registry.catalogue(row.pair.halo).is_some();
    if whole { Comes::Done } else { Comes::Later }
}

/// Tells those who asked, once what was read is recorded.
pub(super) async fn ended(engine: &Engine, pair: PairId, comes: Comes) -> Result<(), StoreError> {
    let said = match comes {
        Comes::Unasked | Comes::Later => return Ok(()),
        Comes::Done => json!({ "done": true }),
        Comes::Refused(why) => {
            tracing::warn!(pair.id = %pair, "a pair was not rebuilt: {why}");
            json!({ "error": why })
        }
    };
    let asked = engine.schedule().rebuilds.get(&pair).cloned().unwrap_or_default();
    for request in &asked {
        answered(engine, *request, &said).await?;
    }
    // Who asked meanwhile waits for the look that this brought about.
    let mut schedule = engine.schedule();
    if let Some(left) = schedule.rebuilds.get_mut(&pair) {
        left.retain(|request| !asked.contains(request));
        if left.is_empty() {
            schedule.rebuilds.remove(&pair);
        }
    }
    Ok(())
}

/// Answers; one that was answered before stays so.
async fn answered(engine: &Engine, request: i64, said: &Value) -> Result<(), StoreError> {
    match engine.store.answered(engine.now(), request, said).await {
        Err(StoreError::Missing { .. }) => Ok(()),
        result => result,
    }
}
