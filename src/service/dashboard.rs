//! The dashboard: linked incidents, filtered, sorted and paged as the address says.

use std::collections::HashMap;

use jiff::SignedDuration;

use super::{App, caller::Caller, error::ServiceError, fault, names};
use crate::{
    domain::{
        catalogue::Catalogue,
        ids::{ClientId, ConnectionId, WorkspaceId},
        pair::{Health, SyncState},
        run::RunScope,
        view::{
            dashboard::{DashboardView, Freshness, PairCounts, PairFilter, PairRow, PairSort},
            list::{Listed, Rows},
        },
        workspace::Mode,
    },
    store::{self, Installation, PageKey, SortBy},
};

/// The page's view.
///
/// # Errors
/// The installation cannot be read; a list that cannot be read is told in the view.
pub async fn view(app: &App, caller: &Caller, filter: PairFilter) -> Result<DashboardView, ServiceError> {
    let installation = app.installation().await?;
    let (counts, by_client, by_workspace) = counts(app, caller).await?;
    let rows = rows(app, caller, &installation, &filter).await;
    Ok(DashboardView {
        clients: names::clients(&installation, &caller.scope, &by_client),
        workspaces: names::workspaces(&installation, &caller.scope, &by_workspace),
        freshness: freshness(app, caller, &installation),
        filter,
        counts,
        rows,
    })
}

type Counted = (PairCounts, HashMap<ClientId, u64>, HashMap<WorkspaceId, u64>);

async fn counts(app: &App, caller: &Caller) -> Result<Counted, ServiceError> {
    let kept = app.store.counters(&caller.scope).await.map_err(|e| fault("count pairs", &e))?;
    let held = app.store.held_counters(&caller.scope).await.map_err(|e| fault("count incidents", &e))?;
    let mut counts = PairCounts::default();
    let (mut by_client, mut by_workspace) = (HashMap::new(), HashMap::new());
    for row in kept {
        let pairs = names::count(row.pairs);
        *by_client.entry(row.client).or_insert(0) += pairs;
        *by_workspace.entry(row.workspace).or_insert(0) += pairs;
        match row.sync {
            SyncState::InStep => counts.in_step += pairs,
            SyncState::Behind => counts.behind += pairs,
            SyncState::Unknown => counts.unknown += pairs,
        }
        match row.health {
            Health::Healthy => {}
            Health::Waiting => counts.waiting += pairs,
            Health::NeedsYou => counts.needs_you += pairs,
        }
    }
    counts.not_linked = held.iter().map(|row| names::count(row.subjects)).sum();
    Ok((counts, by_client, by_workspace))
}

/// When anything was last read, and how many sources have missed two of their cycles.
pub fn freshness(app: &App, caller: &Caller, installation: &Installation) -> Freshness {
    let status = app.engine.status();
    let seen = |scope: &RunScope| names::run_visible(installation, *scope, &caller.scope);
    let last_look = status.scopes.iter().filter(|row| seen(&row.scope)).filter_map(|row| row.last_success).max();
    let overdue = installation
        .workspaces
        .iter()
        .filter(|workspace| workspace.mode != Mode::Off)
        .map(|workspace| (RunScope::Workspace { id: workspace.id }, workspace.poll_secs))
        .chain(installation.halo.iter().map(|halo| (RunScope::Halo { id: halo.id }, halo.poll_secs)))
        .filter(|(scope, _)| seen(scope))
        .filter(|(scope, poll_secs)| overdue(app, *scope, *poll_secs))
        .count();
    Freshness { last_look, overdue: u32::try_from(overdue).unwrap_or(u32::MAX) }
}

/// Whether a source was read before, but not for two cycles (and at least a minute).
pub fn overdue(app: &App, scope: RunScope, poll_secs: u32) -> bool {
    let status = app.engine.status();
    let Some(row) = status.scope(scope) else { return false };
    let patience = SignedDuration::from_secs(i64::from(poll_secs).saturating_mul(2).max(60));
    match (row.last_success, &row.last_failure) {
        (Some(at), _) => app.clock.now().duration_since(at) > patience,
        (None, Some(_)) => true,
        (None, None) => false,
    }
}

/// As the store sorts: newest, highest and worst first, but clients by the alphabet.
fn sort(filter: &PairFilter) -> store::PairSort {
    let by = match filter.sort {
        PairSort::Changed => SortBy::Changed,
        PairSort::Number => SortBy::Number,
        PairSort::Severity => SortBy::Severity,
        PairSort::Ticket => SortBy::Ticket,
        PairSort::Client => SortBy::Client,
        PairSort::State => SortBy::State,
    };
    store::PairSort { by, descending: (by == SortBy::Client) == filter.reversed }
}

async fn rows(app: &App, caller: &Caller, installation: &Installation, filter: &PairFilter) -> Rows<PairRow> {
    let read = async {
        let asked = store::PairFilter {
            text: (!filter.text.is_empty()).then(|| filter.text.clone()),
            sync: filter.sync,
            health: filter.health,
            client: filter.client,
            workspace: filter.workspace,
            severity: filter.severity.clone(),
            status: filter.status.clone(),
            reason: (!filter.reason.is_empty()).then(|| filter.reason.clone()),
            scope: caller.scope.clone(),
            ..store::PairFilter::default()
        };
        // a key that does not parse is the first page
        let from: Option<PageKey> = filter.from.parse().ok();
        let page = app.store.pairs_page(&asked, sort(filter), from, names::PAGE_ROWS).await;
        let page = page.map_err(|e| fault("list pairs", &e))?;
        let mut catalogues = HashMap::new();
        let mut rows = Vec::with_capacity(page.rows.len());
        for row in page.rows {
            let catalogue = catalogue(app, &mut catalogues, row.pair.halo).await?;
            rows.push(drawn(installation, catalogue, row));
        }
        let key = |key: Option<PageKey>| key.map(|key| key.to_string());
        Ok::<_, ServiceError>(Listed { rows, total: None, newer: key(page.previous), older: key(page.next) })
    };
    read.await.map_err(|error| names::trouble(&error))
}

async fn catalogue<'a>(
    app: &App,
    kept: &'a mut HashMap<ConnectionId, Option<Catalogue>>,
    halo: ConnectionId,
) -> Result<Option<&'a Catalogue>, ServiceError> {
    if let std::collections::hash_map::Entry::Vacant(entry) = kept.entry(halo) {
        let read = app.store.catalogue(halo).await.map_err(|e| fault("read Halo's look-ups", &e))?;
        entry.insert(read.map(|(catalogue, _)| catalogue));
    }
    Ok(kept.get(&halo).and_then(Option::as_ref))
}

fn drawn(installation: &Installation, catalogue: Option<&Catalogue>, row: store::PairRow) -> PairRow {
    let pair = row.pair;
    PairRow {
        id: pair.id,
        client: names::client(installation, pair.client),
        client_id: pair.client,
        workspace: names::workspace_name(installation, pair.workspace),
        number: row.number,
        title: row.title,
        severity: row.severity,
        incident_status: row.status,
        ticket: pair.ticket.map(|ticket| names::ticket(installation, pair.halo, ticket)),
        ticket_status: row.ticket_status_id.map(|id| names::status(catalogue, id)),
        sync: pair.sync,
        health: pair.health,
        reason: pair.reason,
        changed: pair.changed,
    }
}
