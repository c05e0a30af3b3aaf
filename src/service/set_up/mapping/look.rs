//! A real incident: every value of it with its path, and what the mapped fields would hold for it.

use serde_json::Value;

use super::overlay;
use crate::{
    domain::{
        failure::Failure,
        ids::ClientId,
        incident::{Evidence, Incident},
        view::mapping::{Leaf, MappingStep},
    },
    outbound::budget::Class,
    planner::template::{Roots, fill},
    sentinel::{Incidents as _, ListWanted, Place, Sentinel},
    service::{App, error::ServiceError, outside},
};

/// Values shown at most.
const LEAVES_MAX: usize = 300;
/// Characters of a value that are shown.
const VALUE_MAX: usize = 80;
/// Workspaces in which an incident is looked for.
const PLACES_MAX: usize = 5;

/// Reads an incident and shows its values; what hinders that is said in their place.
pub(super) async fn into(app: &App, of: Option<ClientId>, page: &mut MappingStep) -> Result<(), ServiceError> {
    let found = match newest(app, of).await? {
        Ok(found) => found,
        Err(failure) => {
            page.incident = Some(failure.message);
            return Ok(());
        }
    };
    let Some((incident, evidence)) = found else {
        page.incident = Some("No incident was found to take values from.".to_owned());
        return Ok(());
    };
    page.incident = Some(format!("Incident {}: {}", incident.number.unwrap_or_default(), incident.title));
    leaves("$", &incident.raw, &mut page.leaves);
    let alerts: Vec<Value> = evidence.as_ref().map(|evidence| evidence.alerts.clone()).unwrap_or_default();
    if let Some(alert) = alerts.first() {
        leaves("$alerts[0]", alert, &mut page.leaves);
    }
    for entity in evidence.iter().flat_map(|evidence| &evidence.entities) {
        if let Some(kind) = entity.get("kind").and_then(Value::as_str) {
            leaves(&format!("$entities[{kind}]"), entity, &mut page.leaves);
        }
    }
    let roots = Roots { incident: &incident.raw, evidence: evidence.as_ref() };
    page.previews = (0..page.field_rows)
        .map(|row| {
            let text = page.form.value(&format!("source.{row}"));
            if text.is_empty() {
                return String::new();
            }
            match fill(roots, &overlay::source(text)) {
                Ok(value) if value.is_empty() => "(nothing in this incident)".to_owned(),
                Ok(value) => value.chars().take(VALUE_MAX * 2).collect(),
                Err(error) => error.to_string(),
            }
        })
        .collect();
    Ok(())
}

/// An incident with its alerts and entities, from a workspace that is set up (the client's, for one), else from one that the first sign-in
/// reaches.
async fn newest(
    app: &App,
    of: Option<ClientId>,
) -> Result<Result<Option<(Incident, Option<Evidence>)>, Failure>, ServiceError> {
    let installation = app.installation().await?;
    let own = installation.workspaces.iter().filter(|workspace| of.is_none_or(|id| workspace.client == id));
    for workspace in own.take(PLACES_MAX) {
        let connection = installation.microsoft.iter().find(|row| row.id == workspace.connection);
        let (Some(connection), Some(place)) = (connection, outside::place(workspace)) else { continue };
        let read = match outside::sentinel(app, connection).await {
            Ok(sentinel) => of_place(&sentinel, &place).await,
            Err(failure) => Err(failure),
        };
        match read {
            Ok(None) => {}
            other => return Ok(other),
        }
    }
    if !installation.workspaces.is_empty() {
        return Ok(Ok(None));
    }
    let Some(connection) = installation.microsoft.first() else { return Ok(Ok(None)) };
    let found = match outside::sentinel(app, connection).await {
        Ok(sentinel) => anywhere(&sentinel, &connection.tenant_id).await,
        Err(failure) => Err(failure),
    };
    Ok(found)
}

async fn of_place(sentinel: &Sentinel, place: &Place) -> Result<Option<(Incident, Option<Evidence>)>, Failure> {
    let page = sentinel.list(place, &ListWanted::default(), None, Class::Interactive).await?;
    // The newest of the page has most of what newer incidents have.
    let Some(incident) = page.incidents.into_iter().max_by_key(|incident| incident.created) else { return Ok(None) };
    let evidence = sentinel.evidence(place, &incident.id, Class::Interactive).await.ok();
    Ok(Some((incident, evidence)))
}

async fn anywhere(sentinel: &Sentinel, tenant: &str) -> Result<Option<(Incident, Option<Evidence>)>, Failure> {
    let mut asked = 0;
    for subscription in sentinel.subscriptions(tenant).await? {
        for workspace in sentinel.workspaces(tenant, &subscription.id).await? {
            if asked == PLACES_MAX {
                return Ok(None);
            }
            asked += 1;
            let tenant = subscription.tenant_id.clone().unwrap_or_else(|| tenant.to_owned());
            // One without Sentinel, or without rights, is passed over.
            if let Ok(Some(found)) = of_place(sentinel, &Place { tenant, workspace: workspace.address }).await {
                return Ok(Some(found));
            }
        }
    }
    Ok(None)
}

fn step(name: &str) -> String {
    let plain = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if plain { format!(".{name}") } else { format!("['{name}']") }
}

/// Every value below, each with the path that leads to it; of a list of texts the whole list.
pub fn leaves(path: &str, value: &Value, into: &mut Vec<Leaf>) {
    if into.len() >= LEAVES_MAX {
        return;
    }
    match value {
        Value::Object(members) => {
            for (name, value) in members.iter().filter(|(name, _)| !name.contains(['\'', ']'])) {
                leaves(&format!("{path}{}", step(name)), value, into);
            }
        }
        Value::Array(items) if items.iter().all(|item| !item.is_object() && !item.is_array()) => {
            let shown: Vec<String> = items.iter().map(plain).filter(|text| !text.is_empty()).collect();
            push(format!("{path}[*]"), shown.join(", "), into);
        }
        Value::Array(items) => {
            if let Some(first) = items.first() {
                leaves(&format!("{path}[*]"), first, into);
            }
        }
        other => push(path.to_owned(), plain(other), into),
    }
}

fn push(path: String, value: String, into: &mut Vec<Leaf>) {
    if !value.is_empty() && !into.iter().any(|known| known.path == path) {
        into.push(Leaf { path, value: value.chars().take(VALUE_MAX).collect() });
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}
