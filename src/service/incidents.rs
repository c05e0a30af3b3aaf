//! Incidents that are not linked, each with why.

use std::collections::{BTreeMap, HashMap};

use super::{App, caller::Caller, error::ServiceError, fault, names};
use crate::{
    domain::{
        incident::Incident,
        view::{
            list::{Choice, Listed, Rows},
            not_linked::{NotLinkedFilter, NotLinkedRow, NotLinkedView},
        },
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
    Ok(NotLinkedView {
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
        let from: Option<PageKey> = filter.from.parse().ok();
        let page = app.store.subjects_page(&asked, from, names::PAGE_ROWS).await;
        let page = page.map_err(|e| fault("list incidents", &e))?;
        let mut rows = Vec::with_capacity(page.rows.len());
        for row in page.rows {
            rows.push(drawn(app, installation, row).await?);
        }
        let key = |key: Option<PageKey>| key.map(|key| key.to_string());
        Ok::<_, ServiceError>(Listed { rows, total: None, newer: key(page.previous), older: key(page.next) })
    };
    read.await.map_err(|error| names::trouble(&error))
}

async fn drawn(app: &App, installation: &Installation, row: SubjectRow) -> Result<NotLinkedRow, ServiceError> {
    let subject = app.store.subject(row.workspace, &row.incident).await.map_err(|e| fault("read an incident", &e))?;
    let incident: Option<Incident> = subject.map(|subject| subject.incident);
    let workspace = names::workspace(installation, row.workspace);
    let url = workspace.zip(incident.as_ref()).map(|(workspace, incident)| portal_link(workspace, incident));
    Ok(NotLinkedRow {
        number: row.number,
        title: row.title,
        url,
        client: names::client(installation, row.client),
        workspace: row.workspace,
        workspace_name: names::workspace_name(installation, row.workspace),
        severity: row.severity,
        status: row.status,
        reason: row.held,
        created: incident.as_ref().and_then(|incident| incident.created),
        changed: row.changed,
        incident: row.incident,
    })
}
