//! Pushing a ticket to Sentinel: asked for here, carried out by the engine, its outcome shown beside the form.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{App, acts, caller::Caller, error::ServiceError, fault, links, names, request_shown};
use crate::{
    domain::{
        account::Role,
        ids::{ClientId, ConnectionId, IncidentId, PairId, TicketId, WorkspaceId},
        operation::OperationKind,
        pair::Pair,
        view::not_linked::{PushRow, PushView},
        workspace::{Mode, Workspace},
    },
    engine::push::{OPENED, PUSH, joined},
    planner::push,
    store::{Installation, SituationRow},
};

/// What became of a push.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pushed {
    /// The ticket has this pair.
    Paired {
        /// The pair.
        pair: PairId,
        /// Its incident.
        incident: IncidentId,
        /// Whether this very request made it.
        made: bool,
    },
    /// It can't be: one sentence with the remedy.
    Refused(String),
    /// The engine is at it, or waits for something.
    Waiting {
        /// The request's number.
        request: i64,
        /// Whether it was asked for now, and not by an earlier one that is not answered yet.
        fresh: bool,
    },
}

/// As [`ask`], for programs: the workspace by id or name; what is pushed already, or asked for, is not asked for again.
///
/// # Errors
/// As [`ask`]; `Conflict` when the ticket is linked to another incident, `Invalid` for a name that several workspaces have.
pub async fn ask_once(
    app: &App,
    caller: &Caller,
    workspace: &str,
    ticket: &str,
    anyway: bool,
) -> Result<Pushed, ServiceError> {
    caller.need(Role::Operator)?;
    let installation = app.installation().await?;
    let workspace = named(&installation, caller, workspace.trim())?;
    let number = links::ticket_number(ticket, "pushed")?;
    let client = installation.clients.iter().find(|client| client.id == workspace.client);
    let binding = client.and_then(|client| client.halo.as_ref());
    let mut place = binding.and_then(|binding| {
        let halo = names::halo(&installation, binding.connection)?;
        Some((binding.connection, IncidentId::pushed(&halo.tenant, number)))
    });
    if let Some((_, incident)) = &place
        && unmade(app, workspace.id, incident).await?
    {
        // Its pair is opened and its incident is not there: the engine says how that stands, or asks for it again.
        place = None;
    }
    if let Some(place) = &place {
        let pairs = app.store.pairs_of_ticket(place.0, number).await;
        let pairs = pairs.map_err(|e| fault("look for a ticket's pairs", &e))?;
        if let Some(found) = known(caller, workspace.id, place, &pairs)? {
            return Ok(found);
        }
    }
    submit(app, caller, workspace, number, anyway, place).await
}

/// The workspace with this id, else the only one with this name among those that the caller sees: names may repeat across
/// subscriptions.
fn named<'a>(installation: &'a Installation, caller: &Caller, given: &str) -> Result<&'a Workspace, ServiceError> {
    let seen = installation.workspaces.iter().filter(|one| caller.scope.allows(Some(one.client)));
    let seen: Vec<&Workspace> = seen.collect();
    if let Some(one) = seen.iter().find(|one| one.id.to_string() == given) {
        return Ok(one);
    }
    let mut named = seen.into_iter().filter(|one| one.name.eq_ignore_ascii_case(given));
    let one = named.next().ok_or(ServiceError::NotFound)?;
    if named.next().is_some() {
        let problem = "Two workspaces have this name: send the id of the one that is meant. Nothing was pushed.";
        return Err(ServiceError::invalid("workspace", problem));
    }
    Ok(one)
}

/// The place of a ticket that is pushed: its Halo instance, and the incident that it becomes.
type Place = (ConnectionId, IncidentId);

/// Whether an incident is known only as it was drafted from its ticket.
async fn unmade(app: &App, workspace: WorkspaceId, incident: &IncidentId) -> Result<bool, ServiceError> {
    let subject = app.store.subject(workspace, incident).await.map_err(|e| fault("read an incident", &e))?;
    Ok(subject.is_some_and(|subject| subject.pair.is_some() && subject.incident.drafted()))
}

/// The pair that the ticket has.
fn known(
    caller: &Caller,
    workspace: WorkspaceId,
    (_, incident): &Place,
    pairs: &[Pair],
) -> Result<Option<Pushed>, ServiceError> {
    if let Some(own) = pairs.iter().find(|pair| pair.workspace == workspace && pair.incident == *incident) {
        return Ok(Some(Pushed::Paired { pair: own.id, incident: incident.clone(), made: false }));
    }
    // Of another client's ticket nothing is told to who may not see it: the engine finds none of this client's.
    match pairs.iter().any(|pair| caller.scope.allows(Some(pair.client))) {
        true => Err(ServiceError::Conflict),
        false => Ok(None),
    }
}

/// Asks, unless the same is asked for and not answered yet; with `place`, unless it was done meanwhile.
async fn submit(
    app: &App,
    caller: &Caller,
    workspace: &Workspace,
    ticket: TicketId,
    anyway: bool,
    place: Option<Place>,
) -> Result<Pushed, ServiceError> {
    push::allowed(workspace.mode).map_err(|why| ServiceError::invalid("workspace", why))?;
    let joined = joined(&app.store, workspace).await.map_err(|e| fault("read incidents", &e))?;
    if !anyway && joined {
        let problem = "This workspace is joined to Defender, whose portal does not show incidents made through the API. Tick “Push it all the same” to push it for the Azure portal and the API alone. Nothing was pushed.";
        return Err(ServiceError::invalid("anyway", problem));
    }
    let installation = app.installation().await?;
    let client = installation.clients.iter().find(|client| client.id == workspace.client);
    let halo = client.and_then(|client| client.halo.as_ref()).map(|binding| binding.connection);
    // One transaction, in which nobody else writes: of many who ask at once one asks the engine.
    let mut tx = app.store.begin().await.map_err(|e| fault("ask for a push", &e))?;
    let open = tx.open_request(PUSH, workspace.id, ticket).await.map_err(|e| fault("ask for a push", &e))?;
    if let Some(request) = open {
        return Ok(Pushed::Waiting { request, fresh: false });
    }
    if let Some(place) = &place {
        let pairs = tx.pairs_of_ticket(place.0, ticket).await.map_err(|e| fault("ask for a push", &e))?;
        if let Some(found) = known(caller, workspace.id, place, &pairs)? {
            return Ok(found);
        }
    }
    let now = app.clock.now();
    let detail = json!({ "workspace": workspace.id, "ticket": ticket, "client": workspace.client, "halo": halo });
    let act = acts::act(caller, "push", None, detail.clone());
    let asked = async {
        tx.record(now, Some(workspace.client), act).await?;
        let request = tx.ask(now, PUSH, &detail).await?;
        tx.commit().await.map(|()| request)
    };
    let request = asked.await.map_err(|e| fault("ask for a push", &e))?;
    app.engine.asked();
    Ok(Pushed::Waiting { request, fresh: true })
}

/// What became of a request; `fresh` says whether it was asked for by whoever wants to know.
///
/// # Errors
/// The store cannot be read.
pub async fn answered(app: &App, request: i64, fresh: bool) -> Result<Pushed, ServiceError> {
    let found = app.store.request(request).await.map_err(|e| fault("read what was asked", &e))?;
    let Some(result) = found.and_then(|found| found.result) else {
        return Ok(Pushed::Waiting { request, fresh });
    };
    if let Some(why) = result.get("error").and_then(Value::as_str) {
        return Ok(Pushed::Refused(why.to_owned()));
    }
    let made = fresh && result.get("made").and_then(Value::as_bool).unwrap_or(true);
    let pair: Option<PairId> = result.get("pair").and_then(|pair| serde_json::from_value(pair.clone()).ok());
    let pair = pair.ok_or(ServiceError::Internal)?;
    let pair = app.store.pair(pair).await.map_err(|e| fault("read a pair", &e))?.ok_or(ServiceError::NotFound)?;
    Ok(Pushed::Paired { pair: pair.id, incident: pair.incident, made })
}

/// Asks for a ticket to be pushed to a workspace as an incident; a second press while the first is under way asks for
/// nothing more.
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
) -> Result<Pushed, ServiceError> {
    caller.need(Role::Operator)?;
    let installation = app.installation().await?;
    let workspace = names::workspace(&installation, workspace).ok_or(ServiceError::NotFound)?;
    caller.see(workspace.client)?;
    let ticket = links::ticket_number(ticket, "pushed")?;
    submit(app, caller, workspace, ticket, anyway, None).await
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
    let mut newer = BTreeSet::new();
    for request in asked {
        let told = |name: &str| request.detail.get(name).cloned().unwrap_or(Value::Null);
        let client: Option<ClientId> = serde_json::from_value(told("client")).ok();
        let workspace: Option<WorkspaceId> = serde_json::from_value(told("workspace")).ok();
        // One whose client is not known is the installation's own matter.
        if !caller.scope.allows(client) {
            continue;
        }
        let result = request.result.unwrap_or(Value::Null);
        let again = result.get("again").and_then(Value::as_bool).unwrap_or(false);
        let number = told("ticket").as_i64().unwrap_or_default();
        // One that was pushed again is told of by what came of that.
        if !newer.insert((workspace, number)) && again {
            continue;
        }
        // Of a workspace that is another client's by now only that it was refused: its incident is that one's.
        let theirs = workspace.is_some_and(|id| names::see_workspace(installation, caller, id).is_err());
        if theirs && result.get("error").is_none() {
            continue;
        }
        let workspace = workspace.filter(|_| !theirs);
        let place = workspace.and_then(|id| names::workspace(installation, id));
        let made: Option<PairId> = result.get("pair").and_then(|pair| serde_json::from_value(pair.clone()).ok());
        let opened: Option<PairId> = serde_json::from_value(told(OPENED)).ok().filter(|_| !theirs);
        let row = match opened.filter(|_| made.is_none()) {
            Some(pair) => app.store.situation(pair).await.map_err(|e| fault("read a pair", &e))?,
            None => None,
        };
        // Asked for again on its pair's page, it may have been made since.
        let there = row.as_ref().filter(|row| !row.subject.incident.drafted()).map(|row| row.pair.id);
        let pair = made.or(there);
        let written = row.as_ref().filter(|_| pair.is_none()).and_then(drafted);
        let shown = |written: &OperationKind| request_shown::of_push(installation, place?, written);
        let becomes = |written: &OperationKind| match written {
            OperationKind::CreateIncident { incident } => Some(format!(
                "A new incident “{}”: severity {}, status {}, no owner.",
                incident.title,
                incident.severity.as_str(),
                incident.status.as_str()
            )),
            _ => None,
        };
        view.recent.push(PushRow {
            ticket: number,
            workspace: workspace.map(|id| names::workspace_name(installation, id)).unwrap_or_default(),
            workspace_id: workspace,
            asked: request.asked,
            becomes: written.and_then(becomes),
            request: written.and_then(shown),
            again: again && pair.is_none(),
            pair,
            opened: row.as_ref().map(|row| row.pair.id).filter(|_| pair.is_none()),
            refused: result.get("error").and_then(Value::as_str).filter(|_| pair.is_none()).map(str::to_owned),
            waits: app.engine.push_waits(request.id).map(|(_, why)| why),
        });
    }
    Ok(view)
}

/// The write that makes the incident of a pair, as long as it is not carried out.
fn drafted(row: &SituationRow) -> Option<&OperationKind> {
    row.operations.iter().map(|operation| &operation.kind).find(|kind| kind.makes_incident())
}
