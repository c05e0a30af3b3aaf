//! Trying dead letters again, one or many, with the plan shown first.

use super::{App, acts, caller::Caller, error::ServiceError, fault, pairs, request_shown};
use crate::{
    domain::{
        account::{Role, Scope},
        ids::OperationId,
        operation::{Operation, OperationState},
        reason::Reason,
        view::replay::{PlannedView, ReplayItem, ReplayView},
    },
    planner::{Planned, dropped::said_once, plan, situation::Situation},
    store::SituationRow,
};

/// Dead letters shown and tried again at once.
pub const SHOWN: usize = 50;
/// Dead letters looked at, at most.
const LOOKED_AT: u32 = 1000;

/// What would follow if this dead letter were tried again.
///
/// # Errors
/// `Conflict` when it is none (any more), `Forbidden`, `NotFound`.
pub async fn one(app: &App, caller: &Caller, operation: OperationId) -> Result<ReplayView, ServiceError> {
    caller.need(Role::Operator)?;
    let found = acts::seen(app, caller, operation).await?;
    if !matches!(found.state, OperationState::Dead { .. }) {
        return Err(ServiceError::Conflict);
    }
    let back = format!("/pairs/{}", found.pair);
    let item = item(app, found).await?.ok_or(ServiceError::Conflict)?;
    Ok(ReplayView { items: vec![item], total: 1, back, unticked: false })
}

/// The same for those that were given up for a reason with this code, newest first.
///
/// # Errors
/// `Forbidden` for viewers.
pub async fn many(app: &App, caller: &Caller, reason: &str) -> Result<ReplayView, ServiceError> {
    caller.need(Role::Operator)?;
    let dead = app.store.dead_page(&caller.scope, None, LOOKED_AT).await.map_err(|e| fault("list dead letters", &e))?;
    let of_reason = |operation: &Operation| matches!(&operation.state, OperationState::Dead { reason: why, .. } if why.code() == reason);
    let mut found: Vec<Operation> = dead.rows.into_iter().map(|letter| letter.operation).filter(of_reason).collect();
    if caller.scope != Scope::All {
        let mut seen = Vec::new();
        for operation in found {
            seen.extend(still_seen(app, caller, operation.id).await?.filter(of_reason));
        }
        found = seen;
    }
    let total = u64::try_from(found.len()).unwrap_or(u64::MAX);
    let mut items = Vec::new();
    for operation in found.into_iter().take(SHOWN) {
        items.extend(item(app, operation).await?);
    }
    Ok(ReplayView { items, total, back: "/problems".to_owned(), unticked: false })
}

/// The page for those ticked where none is.
///
/// # Errors
/// `Forbidden` for viewers.
pub fn none(caller: &Caller) -> Result<ReplayView, ServiceError> {
    caller.need(Role::Operator)?;
    Ok(ReplayView { items: Vec::new(), total: 0, back: "/problems".to_owned(), unticked: true })
}

/// The same for those that were chosen; what has moved on meanwhile, or is a foreign client's by now, is left out.
///
/// # Errors
/// `Forbidden` for viewers.
pub async fn chosen(app: &App, caller: &Caller, operations: &[OperationId]) -> Result<ReplayView, ServiceError> {
    caller.need(Role::Operator)?;
    let mut items = Vec::new();
    for operation in operations.iter().take(SHOWN) {
        let found = still_seen(app, caller, *operation).await?;
        if let Some(found) = found.filter(|found| matches!(found.state, OperationState::Dead { .. })) {
            items.extend(item(app, found).await?);
        }
    }
    let total = u64::try_from(items.len()).unwrap_or(u64::MAX);
    Ok(ReplayView { items, total, back: "/problems".to_owned(), unticked: false })
}

/// Tries these again, and gives the number of those that still could be: what [`chosen`] leaves out keeps none of the others.
///
/// # Errors
/// `Forbidden` for viewers.
pub async fn replay(app: &App, caller: &Caller, operations: &[OperationId]) -> Result<usize, ServiceError> {
    caller.need(Role::Operator)?;
    let mut done = 0;
    for operation in operations.iter().take(SHOWN) {
        match acts::retry(app, caller, *operation).await {
            Ok(()) => done += 1,
            // It has moved on meanwhile, or is a foreign client's by now.
            Err(ServiceError::Conflict | ServiceError::NotFound) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(done)
}

/// The write, unless it has moved on meanwhile or is a foreign client's by now.
async fn still_seen(app: &App, caller: &Caller, operation: OperationId) -> Result<Option<Operation>, ServiceError> {
    match acts::seen(app, caller, operation).await {
        Ok(found) => Ok(Some(found)),
        Err(ServiceError::Conflict | ServiceError::NotFound) => Ok(None),
        Err(error) => Err(error),
    }
}

async fn item(app: &App, operation: Operation) -> Result<Option<ReplayItem>, ServiceError> {
    let row = app.store.situation(operation.pair).await.map_err(|e| fault("read a pair", &e))?;
    let Some(mut row) = row else { return Ok(None) };
    let incident = row.subject.incident.name();
    row.operations.retain(|other| other.id != operation.id);
    let (planned, remark) = match &operation.state {
        OperationState::Dead { reason: Reason::OutcomeUnknown, .. } => {
            (Vec::new(), Some("It is looked for on the other side first; only if it is not there is it sent again."))
        }
        _ if said_once(&operation) => {
            (Vec::new(), Some("It is sent again as it was: no later plan would bring it back."))
        }
        _ => {
            let planned = plan_of(app, &row).await?;
            let none =
                planned.is_empty().then_some("Nothing: both sides agree by now, or something else stands in the way.");
            (planned, none)
        }
    };
    let operation = pairs::operation(&operation);
    Ok(Some(ReplayItem { operation, incident, planned, remark: remark.map(str::to_owned) }))
}

/// What would be planned for a pair as it stands.
async fn plan_of(app: &App, row: &SituationRow) -> Result<Vec<PlannedView>, ServiceError> {
    let installation = app.installation().await?;
    let catalogue = app.store.catalogue(row.pair.halo).await.map_err(|e| fault("read Halo's look-ups", &e))?;
    let catalogue = catalogue.map(|(catalogue, _)| catalogue).unwrap_or_default();
    let merged = pairs::merged(app, &row.pair, None).await?;
    let views = |s: &Situation<'_>| -> Vec<PlannedView> {
        let view = |planned: Planned| PlannedView {
            words: planned.kind.words(),
            side: planned.kind.side(),
            body: request_shown::of(&installation, s, &planned.kind).or_else(|| pairs::body(&planned.kind)),
            reason: planned.reason,
        };
        plan(s).operations.into_iter().map(view).collect()
    };
    Ok(pairs::with_situation(app, &installation, &catalogue, (row, &merged), views).unwrap_or_default())
}
