//! What a person can make the engine do. Each is written down first, then the engine is woken: an act that
//! is not in the ledger does not happen.

use std::collections::HashSet;

use serde_json::{Value, json};

use super::{App, caller::Caller, error::ServiceError, fault, names, pairs};
use crate::{
    domain::{
        account::{Role, Scope},
        ids::{ClientId, ConnectionId, IncidentId, OperationId, PairId, WorkspaceId},
        operation::{Operation, OperationState},
        pair::{Base, Pair},
        reason::Reason,
        run::RunCause,
        view::failed::DropView,
    },
    ledger::fact::Fact,
    store::SituationRow,
};

/// A person's act, for the ledger.
pub(super) fn act(caller: &Caller, name: &str, pair: Option<PairId>, detail: Value) -> Fact {
    Fact::HumanAct { user: Some(caller.user), act: name.to_owned(), pair, detail }
}

/// Writes facts down in one transaction.
pub(super) async fn record(app: &App, client: Option<ClientId>, facts: Vec<Fact>) -> Result<(), ServiceError> {
    let now = app.clock.now();
    let mut tx = app.store.begin().await.map_err(|e| fault("write down an act", &e))?;
    for fact in facts {
        tx.record(now, client, fact).await.map_err(|e| fault("write down an act", &e))?;
    }
    tx.commit().await.map_err(|e| fault("write down an act", &e))
}

/// Reads both sides of a pair afresh and plans again.
///
/// # Errors
/// `Forbidden` for viewers, `NotFound` for foreign pairs.
pub async fn look_again(app: &App, caller: &Caller, pair: PairId) -> Result<(), ServiceError> {
    caller.need(Role::Operator)?;
    let Pair { client, .. } = pairs::seen(app, caller, pair).await?;
    record(app, Some(client), vec![act(caller, "look-again", Some(pair), json!({}))]).await?;
    app.engine.look_again(pair);
    Ok(())
}

/// Carries out now what of the pair only waits for its time.
///
/// # Errors
/// `Forbidden` for viewers, `NotFound` for foreign pairs.
pub async fn sync_now(app: &App, caller: &Caller, pair: PairId) -> Result<(), ServiceError> {
    caller.need(Role::Operator)?;
    let Pair { client, .. } = pairs::seen(app, caller, pair).await?;
    record(app, Some(client), vec![act(caller, "sync-now", Some(pair), json!({}))]).await?;
    app.engine.sync_now(pair);
    Ok(())
}

/// Polls a workspace now.
///
/// # Errors
/// `Forbidden` for viewers, `NotFound` for foreign workspaces.
pub async fn sync_workspace(app: &App, caller: &Caller, workspace: WorkspaceId) -> Result<(), ServiceError> {
    caller.need(Role::Operator)?;
    let installation = app.installation().await?;
    let client = names::workspace(&installation, workspace).ok_or(ServiceError::NotFound)?.client;
    caller.see(client)?;
    let detail = json!({ "workspace": workspace.to_string() });
    record(app, Some(client), vec![act(caller, "sync-workspace", None, detail)]).await?;
    app.engine.poke_workspace(workspace, RunCause::Person);
    Ok(())
}

/// Incidents released in one transaction.
const RELEASED: usize = 1_000;
/// Incidents released at once; what is above stays held and can be released again.
const RELEASED_MAX: u32 = 20_000;

/// Releases what the storm brake holds in a workspace: each gets its ticket, once, oldest first. Gives their number.
///
/// # Errors
/// `Forbidden` for viewers, `NotFound` for foreign workspaces.
pub async fn release_storm(app: &App, caller: &Caller, workspace: WorkspaceId) -> Result<usize, ServiceError> {
    may_release(app, caller, workspace).await?;
    let listed = storm_held(app, workspace).await?;
    release_listed(app, caller, workspace, &listed).await
}

/// Releases those of these incidents that the storm brake still holds, in their order: what somebody asked for meanwhile
/// stays asked for. Gives their number.
///
/// # Errors
/// As [`release_storm`].
pub async fn release_listed(
    app: &App,
    caller: &Caller,
    workspace: WorkspaceId,
    listed: &[IncidentId],
) -> Result<usize, ServiceError> {
    let client = may_release(app, caller, workspace).await?;
    let detail = json!({ "workspace": workspace.to_string(), "incidents": listed.len() });
    record(app, Some(client), vec![act(caller, "release-storm", None, detail)]).await?;
    let released = |incident: &IncidentId| Fact::IncidentHeld {
        workspace,
        incident: incident.clone(),
        reason: Some(Reason::StormReleased),
    };
    let mut done = 0;
    for some in listed.chunks(RELEASED) {
        let _alone = app.kept.asking.lock().await;
        let held: HashSet<IncidentId> = storm_held(app, workspace).await?.into_iter().collect();
        let facts: Vec<Fact> = some.iter().filter(|incident| held.contains(*incident)).map(released).collect();
        done += facts.len();
        record(app, Some(client), facts).await?;
    }
    app.engine.poke_workspace(workspace, RunCause::Person);
    Ok(done)
}

/// The workspace's client, if the caller may release there.
async fn may_release(app: &App, caller: &Caller, workspace: WorkspaceId) -> Result<ClientId, ServiceError> {
    caller.need(Role::Operator)?;
    let installation = app.installation().await?;
    let client = names::workspace(&installation, workspace).ok_or(ServiceError::NotFound)?.client;
    caller.see(client)?;
    Ok(client)
}

async fn storm_held(app: &App, workspace: WorkspaceId) -> Result<Vec<IncidentId>, ServiceError> {
    let code = Reason::StormHeld { cap: 0 }.code();
    app.store.held_for(workspace, code, RELEASED_MAX).await.map_err(|e| fault("list held incidents", &e))
}

/// Polls a Halo instance now. It serves all clients, so the whole scope is needed.
///
/// # Errors
/// `Forbidden`, `NotFound`.
pub async fn look_at_halo(app: &App, caller: &Caller, connection: ConnectionId) -> Result<(), ServiceError> {
    caller.need(Role::Operator)?;
    caller.need_everything()?;
    let installation = app.installation().await?;
    names::halo(&installation, connection).ok_or(ServiceError::NotFound)?;
    let detail = json!({ "connection": connection.to_string() });
    record(app, None, vec![act(caller, "look-at-halo", None, detail)]).await?;
    app.engine.poke_halo(connection, None);
    Ok(())
}

/// A write of a client's that the caller may see. One that is not there any more went with its pair when that was
/// unlinked: it has moved on.
pub(super) async fn seen(app: &App, caller: &Caller, operation: OperationId) -> Result<Operation, ServiceError> {
    let found = app.store.operation(operation).await.map_err(|e| fault("read an operation", &e))?;
    let found = found.ok_or(ServiceError::Conflict)?;
    caller.see(found.client)?;
    if caller.scope != Scope::All {
        // Its workspace may have been given to another client since.
        pairs::seen(app, caller, found.pair).await?;
    }
    Ok(found)
}

/// Tries a dead letter again: it is planned anew from what both sides say.
///
/// # Errors
/// `Conflict` when it is none (any more): somebody may have dropped it meanwhile; `Forbidden`, `NotFound`.
pub async fn retry(app: &App, caller: &Caller, operation: OperationId) -> Result<(), ServiceError> {
    revive(app, caller, operation, "retry", |state| matches!(state, OperationState::Dead { .. })).await
}

/// Plans a dropped write again, from what both sides say.
///
/// # Errors
/// `Conflict` when it is not dropped (any more), `Forbidden`, `NotFound`.
pub async fn plan_again(app: &App, caller: &Caller, operation: OperationId) -> Result<(), ServiceError> {
    revive(app, caller, operation, "plan-again", |state| matches!(state, OperationState::Dropped { .. })).await
}

async fn revive(
    app: &App,
    caller: &Caller,
    operation: OperationId,
    name: &str,
    stands: impl FnOnce(&OperationState) -> bool,
) -> Result<(), ServiceError> {
    caller.need(Role::Operator)?;
    let found = seen(app, caller, operation).await?;
    if !stands(&found.state) {
        return Err(ServiceError::Conflict);
    }
    let detail = json!({ "operation": operation.to_string() });
    record(app, Some(found.client), vec![act(caller, name, Some(found.pair), detail)]).await?;
    app.engine.retry(operation);
    Ok(())
}

/// What is asked before a dead letter is dropped.
///
/// # Errors
/// As [`drop_operation`].
pub async fn ask_to_drop(app: &App, caller: &Caller, operation: OperationId) -> Result<DropView, ServiceError> {
    let (found, _, row) = dead(app, caller, operation).await?;
    Ok(DropView { operation: pairs::operation(&found), incident: row.subject.incident.name() })
}

async fn dead(
    app: &App,
    caller: &Caller,
    operation: OperationId,
) -> Result<(Operation, Reason, SituationRow), ServiceError> {
    caller.need(Role::Operator)?;
    let found = seen(app, caller, operation).await?;
    let OperationState::Dead { reason, .. } = &found.state else { return Err(ServiceError::Conflict) };
    let reason = reason.clone();
    let row = app.store.situation(found.pair).await.map_err(|e| fault("read a pair", &e))?;
    Ok((found, reason, row.ok_or(ServiceError::Conflict)?))
}

/// Drops a dead letter: it is not written again in this form, until what it was planned from changes or somebody
/// asks for it ([`plan_again`]). The pair is then looked at again.
///
/// # Errors
/// `Conflict` when it is no dead letter (any more), `Forbidden`, `NotFound`.
pub async fn drop_operation(app: &App, caller: &Caller, operation: OperationId) -> Result<(), ServiceError> {
    let (found, reason, row) = dead(app, caller, operation).await?;
    let at = app.clock.now();
    let seen = Base::seen(&row.subject.incident, row.ticket.as_ref());
    let dropped = Fact::OperationMoved {
        operation,
        pair: found.pair,
        state: OperationState::Dropped { at, who: Some(caller.user), reason, seen },
        attempts: found.attempts,
        failure: found.last_failure,
    };
    let detail = json!({ "operation": operation.to_string() });
    record(app, Some(found.client), vec![act(caller, "drop", Some(found.pair), detail), dropped]).await?;
    app.engine.retry_no_more(operation);
    app.engine.look_again(found.pair);
    if found.kind.makes_ticket() {
        // They waited for this one's ticket.
        for mate in row.mates.iter().filter(|mate| mate.ticket == row.pair.ticket) {
            app.engine.look_again(mate.pair);
        }
    }
    Ok(())
}
