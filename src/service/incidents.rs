//! Incidents that are not linked, each with why.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, HashMap},
};

use super::{App, caller::Caller, error::ServiceError, fault, names};
use crate::{
    domain::{
        ids::{IncidentId, PairId, WorkspaceId},
        incident::Incident,
        view::{
            list::{self, Choice, Listed, Rows},
            not_linked::{GateRow, NotLinkedFilter, NotLinkedRow, NotLinkedView},
        },
        workspace::{Mode, Workspace},
    },
    planner::draft::portal_link,
    store::{Installation, PageKey, SubjectFilter, SubjectRow},
};

/// The page's view.
///
/// # Errors
/// The installation cannot be read; a list that cannot be read is told in the view.
pub async fn view(app: &App, caller: &Caller, filter: NotLinkedFilter) -> Result<NotLinkedView, ServiceError> {
    let installation = app.installation().await?;
    let held = app.store.held_counters(&caller.scope).await.map_err(|e| fault("count incidents", &e))?;
    let (mut by_code, mut by_workspace) = (BTreeMap::new(), HashMap::new());
    for row in &held {
        *by_code.entry(row.code.clone()).or_insert(0) += names::count(row.subjects);
        *by_workspace.entry(row.workspace).or_insert(0) += names::count(row.subjects);
    }
    let reasons = by_code
        .iter()
        .filter(|(_, count)| **count > 0)
        .map(|(code, count)| Choice { value: code.clone(), label: in_words(code), count: Some(*count) })
        .collect();
    let rows = rows(app, caller, &installation, &filter).await;
    let read = |row: &&Workspace| caller.scope.allows(Some(row.client)) && row.mode != Mode::Off;
    Ok(NotLinkedView {
        since: installation.workspaces.iter().filter(read).map(|row| row.since).min(),
        filter,
        total: by_code.values().sum(),
        reasons,
        workspaces: names::workspaces(&installation, &caller.scope, &by_workspace),
        push: super::pushes::view(app, caller, &installation).await?,
        rows,
    })
}

/// A reason's code for people, where its whole sentence would need its details.
fn in_words(code: &str) -> String {
    let words = code.replace('-', " ");
    let mut letters = words.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

async fn rows(app: &App, caller: &Caller, installation: &Installation, filter: &NotLinkedFilter) -> Rows<NotLinkedRow> {
    let read = async {
        let asked = SubjectFilter {
            text: (!filter.text.is_empty()).then(|| filter.text.clone()),
            reason: (!filter.reason.is_empty()).then(|| filter.reason.clone()),
            client: None,
            workspace: filter.workspace,
            scope: caller.scope.clone(),
        };
        let from: Option<PageKey> = list::key(&filter.from).parse().ok();
        let page = app.store.subjects_page(&asked, from, names::PAGE_ROWS).await;
        let page = page.map_err(|e| fault("list incidents", &e))?;
        let which: Vec<_> = page.rows.iter().map(|row| (row.workspace, row.incident.clone())).collect();
        let incidents = app.store.incidents(&which).await.map_err(|e| fault("read an incident", &e))?;
        let row = |(row, key): (SubjectRow, (WorkspaceId, IncidentId))| drawn(installation, row, incidents.get(&key));
        let mut rows: Vec<NotLinkedRow> = page.rows.into_iter().zip(which).map(row).collect();
        // many are read at once: among those of a page the newest change stands first
        rows.sort_by_key(|row| Reverse(row.changed));
        let key = |key: Option<PageKey>| key.map(|key| key.to_string());
        Ok::<_, ServiceError>(Listed::at(&filter.from, rows, key(page.previous), key(page.next)))
    };
    read.await.map_err(|error| names::trouble(&error))
}

/// What is known of one incident that is not linked, its gates, and the pair it is linked in by now.
///
/// # Errors
/// `NotFound` when there is none in the caller's scope.
pub async fn one(
    app: &App,
    caller: &Caller,
    workspace: WorkspaceId,
    incident: &IncidentId,
) -> Result<(NotLinkedRow, Vec<GateRow>, Option<PairId>), ServiceError> {
    let subject = app.store.subject(workspace, incident).await.map_err(|e| fault("read an incident", &e))?;
    let subject = subject.ok_or(ServiceError::NotFound)?;
    caller.see(subject.client)?;
    let installation = app.installation().await?;
    names::see_workspace(&installation, caller, workspace)?;
    let incident = &subject.incident;
    let row = SubjectRow {
        workspace,
        client: subject.client,
        incident: incident.id.clone(),
        number: incident.number,
        title: incident.title.clone(),
        severity: incident.severity.clone(),
        status: incident.status.clone(),
        held: subject.held.clone(),
        opened: incident.created.unwrap_or(subject.first_seen),
        changed: subject.last_changed,
    };
    let gates = super::explain::gates(app, &installation, workspace, incident, subject.held.as_ref()).await?;
    Ok((drawn(&installation, row, Some(incident)), gates, subject.pair))
}

/// An incident as a row.
pub(super) fn drawn(installation: &Installation, row: SubjectRow, incident: Option<&Incident>) -> NotLinkedRow {
    let workspace = names::workspace(installation, row.workspace);
    // One that was never made is nowhere.
    let made = incident.filter(|incident| !incident.drafted());
    let url = workspace.zip(made).map(|(workspace, incident)| portal_link(workspace, incident));
    NotLinkedRow {
        number: row.number,
        title: row.title,
        url,
        client: names::client(installation, row.client),
        workspace: row.workspace,
        workspace_name: names::workspace_name(installation, row.workspace),
        severity: row.severity,
        status: row.status,
        reason: row.held,
        created: incident.and_then(|incident| incident.created),
        // the incident's own change: the row's moment is that of our reading
        changed: incident.and_then(|incident| incident.modified).unwrap_or(row.changed),
        incident: row.incident,
    }
}
