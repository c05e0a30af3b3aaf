//! Shadow mode: what Halo's own Sentinel integration missed, doubled and carried over late.

use std::collections::HashMap;

use super::{App, caller::Caller, error::ServiceError, fault, names};
use crate::{
    domain::view::{
        list::{self, Listed, OutsideLink},
        shadow::{ShadowCounts, ShadowFilter, ShadowRow, ShadowView},
    },
    store::{self, Installation, PageKey},
};

/// Rows of one part of a file.
const PART_ROWS: u32 = 500;

/// The page's view.
///
/// # Errors
/// The installation cannot be read; a list that cannot be read is told in the view.
pub async fn view(app: &App, caller: &Caller, filter: ShadowFilter) -> Result<ShadowView, ServiceError> {
    let installation = app.installation().await?;
    let counted = app.store.shadow_counters(&caller.scope).await.map_err(|e| fault("count lapses", &e))?;
    let by_workspace: HashMap<_, _> = counted.iter().map(|row| (row.workspace, names::count(row.incidents))).collect();
    let mut counts = ShadowCounts::default();
    let asked = counted.iter().filter(|row| filter.workspace.is_none_or(|id| id == row.workspace));
    for row in asked {
        counts.incidents += names::count(row.incidents);
        counts.ticketed += names::count(row.ticketed);
        counts.late_secs += names::count(row.late_secs);
        counts.missed += names::count(row.missed);
        counts.doubled += names::count(row.doubled);
        counts.delayed += names::count(row.delayed);
    }
    counts.late_secs = counts.late_secs.checked_div(counts.ticketed).unwrap_or(0);
    let seen = installation.workspaces.iter().filter(|workspace| caller.scope.allows(Some(workspace.client)));
    let on = seen.filter(|workspace| workspace.shadows()).map(|workspace| workspace.name.clone()).collect();
    let rows = rows(app, caller, &installation, &filter, names::PAGE_ROWS).await;
    Ok(ShadowView {
        filter,
        on,
        counts,
        workspaces: names::workspaces(&installation, &caller.scope, &by_workspace),
        rows: rows.map_err(|error| names::trouble(&error)),
    })
}

/// A part of everything the filter matches, for a file.
///
/// # Errors
/// It cannot be read.
pub async fn part(app: &App, caller: &Caller, filter: &ShadowFilter) -> Result<Listed<ShadowRow>, ServiceError> {
    let installation = app.installation().await?;
    rows(app, caller, &installation, filter, PART_ROWS).await
}

async fn rows(
    app: &App,
    caller: &Caller,
    installation: &Installation,
    filter: &ShadowFilter,
    limit: u32,
) -> Result<Listed<ShadowRow>, ServiceError> {
    let asked = store::ShadowFilter { kind: filter.kind, workspace: filter.workspace, scope: caller.scope.clone() };
    let from: Option<PageKey> = list::key(&filter.from).parse().ok();
    let page = app.store.shadows_page(&asked, from, limit).await.map_err(|e| fault("list lapses", &e))?;
    let key = |key: Option<PageKey>| key.map(|key| key.to_string());
    let rows = page.rows.into_iter().map(|row| drawn(installation, row)).collect();
    Ok(Listed::at(&filter.from, rows, key(page.previous), key(page.next)))
}

fn drawn(installation: &Installation, row: store::ShadowRow) -> ShadowRow {
    let client = installation.clients.iter().find(|client| client.id == row.client);
    let halo = client.and_then(|client| client.halo.as_ref()).map(|binding| binding.connection);
    let link = |ticket: &crate::domain::ids::TicketId| match halo {
        Some(halo) => names::ticket(installation, halo, *ticket),
        None => OutsideLink { label: ticket.to_string(), url: None },
    };
    ShadowRow {
        incident: row.incident,
        number: row.number,
        title: row.title,
        client: names::client(installation, row.client),
        workspace: names::workspace_name(installation, row.workspace),
        opened: row.opened,
        tickets: row.compared.tickets.iter().map(link).collect(),
        compared: row.compared,
        changed: row.changed,
    }
}
