//! Drift that was found: by class, with what was done about it.

use std::collections::{BTreeMap, HashMap};

use super::{App, caller::Caller, error::ServiceError, fault, log_checks, names};
use crate::{
    domain::view::{
        drift::{DriftFilter, DriftRow, DriftView},
        list::{self, Listed},
    },
    store::{self, Installation, PageKey},
};

/// The page's view.
///
/// # Errors
/// The installation cannot be read; a list that cannot be read is told in the view.
pub async fn view(app: &App, caller: &Caller, filter: DriftFilter) -> Result<DriftView, ServiceError> {
    let installation = app.installation().await?;
    let counted = app.store.drift_counters(&caller.scope).await.map_err(|e| fault("count drift", &e))?;
    let (mut by_workspace, mut by_class) = (HashMap::new(), BTreeMap::new());
    for row in &counted {
        let count = names::count(row.drifts);
        *by_workspace.entry(row.workspace).or_insert(0) += count;
        if filter.workspace.is_none_or(|id| id == row.workspace) {
            by_class.entry((row.class, row.rule.as_str())).or_insert((row.rule, 0)).1 += count;
        }
    }
    let rows = rows(app, caller, &installation, &filter).await;
    let mut logs = log_checks::rows(app, &installation, &caller.scope).await?;
    logs.retain(|row| filter.workspace.is_none_or(|id| id == row.workspace));
    Ok(DriftView {
        filter,
        counts: by_class.into_iter().map(|((class, _), (rule, count))| (class, rule, count)).collect(),
        workspaces: names::workspaces(&installation, &caller.scope, &by_workspace),
        rows: rows.map_err(|error| names::trouble(&error)),
        logs,
    })
}

async fn rows(
    app: &App,
    caller: &Caller,
    installation: &Installation,
    filter: &DriftFilter,
) -> Result<Listed<DriftRow>, ServiceError> {
    let asked = store::DriftFilter { class: filter.class, workspace: filter.workspace, scope: caller.scope.clone() };
    let from: Option<PageKey> = list::key(&filter.from).parse().ok();
    let page = app.store.drifts_page(&asked, from, names::PAGE_ROWS).await.map_err(|e| fault("list drift", &e))?;
    let mut rows = Vec::with_capacity(page.rows.len());
    for row in page.rows {
        rows.push(DriftRow {
            pair: row.pair,
            incident: row.incident.map(|(number, title)| names::incident(number, &title)),
            client: names::client(installation, row.client),
            workspace: names::workspace_name(installation, row.workspace),
            drift: row.drift,
            found: row.found,
        });
    }
    let key = |key: Option<PageKey>| key.map(|key| key.to_string());
    Ok(Listed::at(&filter.from, rows, key(page.previous), key(page.next)))
}
