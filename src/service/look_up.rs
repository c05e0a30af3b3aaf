//! One incident by its number, id or address, read at this moment where no poll has met it: what it is, and why no ticket is
//! linked to it.

use uuid::Uuid;

use super::{App, caller::Caller, error::ServiceError, explain, fault, incidents, names, outside};
use crate::{
    domain::{
        account::Role,
        failure::{Failure, FailureKind, Side},
        ids::IncidentId,
        incident::Incident,
        view::{
            form::FormView,
            look_up::{FoundIncident, LookUpView},
        },
        workspace::Workspace,
    },
    outbound::budget::Class,
    planner::push,
    sentinel::{Incidents as _, ListWanted, Place, Sentinel},
    store::{Installation, SubjectRow},
};

/// Characters of a GUID with its hyphens.
const GUID: usize = 36;

/// What a person named an incident by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Named {
    /// Its number in the workspace.
    Number(i64),
    /// Its number in Defender: digits.
    Defender(String),
    /// Its id.
    Id(IncidentId),
}

/// The portal that numbers incidents for itself.
const DEFENDER: &str = "security.microsoft.com";
/// Longest number of an incident that is believed.
const DIGITS: usize = 18;

/// Reads what was typed: a number, an id, or an address that ends in one (the resource id, the Azure portal's, or the
/// Defender portal's).
///
/// # Errors
/// One sentence with the remedy.
pub fn named(text: &str) -> Result<Named, &'static str> {
    let text = text.trim();
    let number = text.strip_prefix('#').unwrap_or(text);
    if let Ok(number) = number.parse::<i64>() {
        return match number {
            1.. => Ok(Named::Number(number)),
            _ => Err("“Incident”: enter its number as Sentinel shows it, 4711 for example."),
        };
    }
    if text.to_ascii_lowercase().contains(DEFENDER) {
        return of_portal(text).map(Named::Defender).ok_or(
            "“Incident”: of the Defender portal, enter the address of the incident's own page, \
             https://security.microsoft.com/incidents/94101 for example.",
        );
    }
    // The subscription and the tenant come before it.
    let starts = text.char_indices().map(|(at, _)| at).rev();
    let guid = starts
        .filter_map(|at| text.get(at..at + GUID))
        .find(|part| part.contains('-') && Uuid::try_parse(part).is_ok());
    match guid {
        Some(id) => Ok(Named::Id(IncidentId::new(id))),
        None => {
            Err("“Incident”: enter its number, its id (a GUID), or its address in the Azure or the Defender portal.")
        }
    }
}

/// The number in an address of the Defender portal: `/incidents/94101`, `/incident2/94101/overview`.
fn of_portal(text: &str) -> Option<String> {
    let text = text.to_ascii_lowercase();
    let (_, path) = text.split_once(DEFENDER)?;
    let mut parts = path.split(['/', '?', '#']).skip(1);
    parts.next().filter(|kind| ["incidents", "incident2"].contains(kind))?;
    let number = parts.next()?;
    let digits = !number.is_empty() && number.len() <= DIGITS && number.chars().all(|c| c.is_ascii_digit());
    digits.then(|| number.to_owned())
}

/// The page: the form, and what was found of the incident that was named, if any was. Who only reads is shown what polls
/// have met: nothing is asked outside for them.
///
/// # Errors
/// The store cannot be read.
pub async fn view(
    app: &App,
    caller: &Caller,
    workspace: &str,
    incident: Option<&str>,
) -> Result<LookUpView, ServiceError> {
    let installation = app.installation().await?;
    let mut workspaces = names::workspaces(&installation, &caller.scope, &std::collections::HashMap::new());
    workspaces.iter_mut().for_each(|choice| choice.count = None);
    let workspace = match workspaces.as_slice() {
        [only] if workspace.is_empty() => only.value.clone(),
        _ => workspace.to_owned(),
    };
    let mut view = LookUpView {
        form: FormView::default()
            .with_value("workspace", &workspace)
            .with_value("incident", incident.unwrap_or_default()),
        workspaces,
        found: None,
    };
    let Some(incident) = incident else { return Ok(view) };
    // What is wrong is told in the order of the form's fields.
    let chosen = view.workspaces.iter().any(|choice| choice.value == workspace);
    let chosen = installation.workspaces.iter().find(|one| chosen && one.id.to_string() == workspace);
    if chosen.is_none() {
        view.form = view.form.with_problem("workspace", "“Workspace”: choose the one that the incident is in.");
    }
    let named = named(incident);
    if let Err(why) = &named {
        view.form = view.form.with_problem("incident", *why);
    }
    let (Some(chosen), Ok(named)) = (chosen, named) else { return Ok(view) };
    match found(app, caller, &installation, chosen, &named).await? {
        Ok(found) => view.found = Some(found),
        Err(why) => view.form = view.form.with_problem("incident", why),
    }
    Ok(view)
}

/// The incident; inside, why it is not shown, in one sentence with the remedy.
async fn found(
    app: &App,
    caller: &Caller,
    installation: &Installation,
    workspace: &Workspace,
    named: &Named,
) -> Result<Result<FoundIncident, String>, ServiceError> {
    let mut ways = vec![named.clone()];
    if let Named::Number(number) = named {
        // Who works in Defender sees the number that it has there.
        ways.push(Named::Defender(number.to_string()));
    }
    let asks = caller.need(Role::Operator).is_ok();
    let mut unasked = None;
    for (place, named) in ways.iter().enumerate() {
        if let Some(id) = stored(app, workspace, named).await?
            && let Some(known) = known(app, caller, workspace, &id).await?
        {
            return Ok(Ok(known));
        }
        if !asks || unasked.is_some() {
            continue;
        }
        match read(app, installation, workspace, named).await {
            Ok(Some(incident)) => return shown(app, caller, installation, workspace, incident).await.map(Ok),
            Ok(None) => {}
            Err(failure) if place == 0 => {
                // What polls have met is known all the same.
                unasked = Some(format!("Sentinel could not be asked: {}", failure.message));
            }
            // That it is Defender's number was a guess.
            Err(failure) => tracing::debug!(error = %failure, "no incident could be asked for by Defender's number"),
        }
    }
    if let Some(why) = unasked {
        return Ok(Err(why));
    }
    let what = match named {
        Named::Number(number) => format!("number {number}"),
        Named::Defender(number) => format!("number {number} in Defender"),
        Named::Id(id) => format!("id {id}"),
    };
    if !asks {
        let place = &workspace.name;
        return Ok(Err(format!(
            "No poll has met an incident of {what} in {place}. An operator or an admin can have it asked for in Sentinel."
        )));
    }
    Ok(Err(format!("{} has no incident of {what} (any more). Check it, and the workspace.", workspace.name)))
}

/// The id under which it is known here, if a poll has read it.
async fn stored(app: &App, workspace: &Workspace, named: &Named) -> Result<Option<IncidentId>, ServiceError> {
    let found = match named {
        Named::Id(id) => return Ok(Some(id.clone())),
        Named::Number(number) => app.store.incident_of_number(workspace.id, *number).await,
        Named::Defender(number) => app.store.incident_of_defender(workspace.id, number).await,
    };
    found.map_err(|e| fault("look for an incident", &e))
}

/// One that was read at this moment.
async fn shown(
    app: &App,
    caller: &Caller,
    installation: &Installation,
    workspace: &Workspace,
    incident: Incident,
) -> Result<FoundIncident, ServiceError> {
    if let Some(known) = known(app, caller, workspace, &incident.id).await? {
        return Ok(known);
    }
    let gates = explain::gates(app, installation, workspace.id, &incident, None).await?;
    let now = app.clock.now();
    let row = SubjectRow {
        workspace: workspace.id,
        client: workspace.client,
        incident: incident.id.clone(),
        number: incident.number,
        title: incident.title.clone(),
        severity: incident.severity.clone(),
        status: incident.status.clone(),
        held: None,
        opened: incident.created.unwrap_or(now),
        changed: incident.modified.unwrap_or(now),
    };
    let row = incidents::drawn(installation, row, Some(&incident));
    Ok(FoundIncident { row, gates, pair: None, met: false })
}

/// What is known of it here, where a poll has read it.
async fn known(
    app: &App,
    caller: &Caller,
    workspace: &Workspace,
    id: &IncidentId,
) -> Result<Option<FoundIncident>, ServiceError> {
    match incidents::one(app, caller, workspace.id, id).await {
        Ok((row, gates, pair)) => {
            let gates = if pair.is_some() { Vec::new() } else { gates };
            Ok(Some(FoundIncident { row, gates, pair, met: true }))
        }
        Err(ServiceError::NotFound) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Reads it in Sentinel; `None` when there is none.
async fn read(
    app: &App,
    installation: &Installation,
    workspace: &Workspace,
    named: &Named,
) -> Result<Option<Incident>, Failure> {
    let rejected = |text: &str| Failure::new(Side::Sentinel, FailureKind::Rejected, text);
    let connection = installation.microsoft.iter().find(|one| one.id == workspace.connection);
    let connection = connection.ok_or_else(|| rejected("The workspace has no connection any more."))?;
    let text = "The workspace's ARM id cannot be read. Link it anew in the set-up under “Clients and workspaces”.";
    let place = outside::place(workspace).ok_or_else(|| rejected(text))?;
    let sentinel = outside::sentinel(app, connection).await?;
    match named {
        Named::Id(id) => match sentinel.incident(&place, id, Class::Interactive).await {
            Ok(incident) => Ok(Some(incident)),
            Err(failure) if failure.kind == FailureKind::Gone => Ok(None),
            Err(failure) => Err(failure),
        },
        Named::Number(number) => {
            let wanted = ListWanted { number: Some(*number), ..ListWanted::default() };
            listed(&sentinel, &place, wanted, |incident| incident.number == Some(*number)).await
        }
        Named::Defender(number) => {
            let wanted = ListWanted { provider_number: Some(number.clone()), ..ListWanted::default() };
            let is = |incident: &Incident| {
                incident.provider_name.as_deref() == Some(push::DEFENDER)
                    && incident.provider_incident_id.as_deref() == Some(number.as_str())
            };
            listed(&sentinel, &place, wanted, is).await
        }
    }
}

async fn listed(
    sentinel: &Sentinel,
    place: &Place,
    wanted: ListWanted,
    is: impl Fn(&Incident) -> bool,
) -> Result<Option<Incident>, Failure> {
    let page = sentinel.list(place, &wanted, None, Class::Interactive).await?;
    // A service may not know this filter: what it gives is looked at.
    Ok(page.incidents.into_iter().find(is))
}
