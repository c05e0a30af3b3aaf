//! Pushing a ticket to Sentinel: asked for here, carried out by the engine, its outcome shown beside the form.

use serde_json::{Value, json};

use super::{App, acts, caller::Caller, error::ServiceError, fault, links, names};
use crate::{
    domain::{
        account::Role,
        ids::{ClientId, WorkspaceId},
        view::not_linked::{PushRow, PushView},
        workspace::{Mode, Workspace},
    },
    engine::push::{PUSH, joined},
    planner::push,
    store::Installation,
};

/// Asks for a ticket to be pushed to a workspace as an incident.
///
/// # Errors
/// `Invalid` for what is no ticket number, for a workspace that is not in two-way mode, and for one that is joined to
/// Defender unless `anyway`; `Forbidden`, `NotFound`.
pub async fn ask(
    app: &App,
    caller: &Caller,
    workspace: WorkspaceId,
    ticket: &str,
    anyway: bool,
) -> Result<(), ServiceError> {
    caller.need(Role::Operator)?;
    let installation = app.installation().await?;
    let workspace = names::workspace(&installation, workspace).ok_or(ServiceError::NotFound)?;
    caller.see(workspace.client)?;
    let ticket = links::ticket_number(ticket, "pushed")?;
    push::allowed(workspace.mode).map_err(|why| ServiceError::invalid("workspace", why))?;
    let joined = joined(&app.store, workspace).await.map_err(|e| fault("read incidents", &e))?;
    if !anyway && joined {
        let problem = "This workspace is joined to Defender, whose portal does not show incidents made through the API. Tick “Push it all the same” to push it for the Azure portal and the API alone. Nothing was pushed.";
        return Err(ServiceError::invalid("anyway", problem));
    }
    let detail = json!({ "workspace": workspace.id, "ticket": ticket, "client": workspace.client });
    acts::record(app, Some(workspace.client), vec![acts::act(caller, "push", None, detail.clone())]).await?;
    app.store.ask(app.clock.now(), PUSH, &detail).await.map_err(|e| fault("ask for a push", &e))?;
    app.engine.asked();
    Ok(())
}

/// The form, and what became of the pushes of the last day.
///
/// # Errors
/// The store cannot be read.
pub async fn view(app: &App, caller: &Caller, installation: &Installation) -> Result<PushView, ServiceError> {
    let mut view = PushView::default();
    let seen = |workspace: &&Workspace| workspace.mode == Mode::TwoWay && caller.scope.allows(Some(workspace.client));
    for workspace in installation.workspaces.iter().filter(seen) {
        let label = format!("{} · {}", names::client(installation, workspace.client), workspace.name);
        view.workspaces.push(crate::domain::view::list::Choice { value: workspace.id.to_string(), label, count: None });
    }
    view.workspaces.sort_by_key(|choice| choice.label.to_lowercase());
    let asked = app.store.requests_seen(PUSH, &caller.scope, 20).await.map_err(|e| fault("read what was asked", &e))?;
    for request in asked {
        let told = |name: &str| request.detail.get(name).cloned().unwrap_or(Value::Null);
        let client: Option<ClientId> = serde_json::from_value(told("client")).ok();
        let workspace: Option<WorkspaceId> = serde_json::from_value(told("workspace")).ok();
        if !client.is_some_and(|client| caller.scope.allows(Some(client))) {
            continue;
        }
        let result = request.result.unwrap_or(Value::Null);
        view.recent.push(PushRow {
            ticket: told("ticket").as_i64().unwrap_or_default(),
            workspace: workspace.map(|id| names::workspace_name(installation, id)).unwrap_or_default(),
            asked: request.asked,
            pair: result.get("pair").and_then(|pair| serde_json::from_value(pair.clone()).ok()),
            refused: result.get("error").and_then(Value::as_str).map(str::to_owned),
        });
    }
    Ok(view)
}
