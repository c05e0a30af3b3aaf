//! The dashboard: linked incidents, filtered, sorted and paged as the address says.

use std::collections::{HashMap, HashSet};

use super::{App, caller::Caller, error::ServiceError, fault, names, pairs, pauses::Paused};
use crate::{
    domain::{
        account::Scope,
        catalogue::Named,
        connection::MicrosoftConnection,
        ids::{ConnectionId, WorkspaceId},
        pair::{Health, SyncState},
        reason::Reason,
        view::{
            dashboard::{DashboardView, PairCounts, PairFilter, PairRow, PairSort},
            form::FormView,
            list::{self, Listed},
            pair_errands::ErrandEntry,
        },
    },
    store::{self, HeldCount, Installation, PageKey, PairCount, SortBy},
};

/// The page's view.
///
/// # Errors
/// The installation cannot be read; a list that cannot be read is told in the view.
pub async fn view(app: &App, caller: &Caller, filter: PairFilter) -> Result<DashboardView, ServiceError> {
    let installation = app.installation().await?;
    let kept = counted(app, &installation, &caller.scope).await?;
    let held = app.store.held_counters(&caller.scope).await.map_err(|e| fault("count incidents", &e))?;
    let (mut by_client, mut by_workspace) = (HashMap::new(), HashMap::new());
    for row in &kept {
        *by_client.entry(row.client).or_insert(0) += names::count(row.pairs);
        *by_workspace.entry(row.workspace).or_insert(0) += names::count(row.pairs);
    }
    let paused = Paused::now(app).await?;
    let rows = page(app, caller, (&installation, &paused), &filter, sort(&filter), names::PAGE_ROWS).await;
    let rows = rows.map(|listed| Listed { total: total(&kept, &filter), ..listed });
    let now = app.clock.now();
    let ending = |row: &MicrosoftConnection| Some(format!("{}: {}", row.name, row.secret_warning(now)?));
    let all = caller.scope == Scope::All;
    Ok(DashboardView {
        clients: names::clients(&installation, &caller.scope, &by_client),
        workspaces: names::workspaces(&installation, &caller.scope, &by_workspace),
        counts: counts(&kept, &held),
        pauses: paused.wide(caller, &installation, false),
        secrets: installation.microsoft.iter().filter(|_| all).filter_map(ending).collect(),
        filter,
        rows: rows.map_err(|error| names::trouble(&error)),
        entered: ErrandEntry::default(),
        refused: FormView::default(),
    })
}

/// How many pairs stand how. Those of a workspace that nobody reads are not said to be in step.
pub(super) async fn counted(
    app: &App,
    installation: &Installation,
    scope: &Scope,
) -> Result<Vec<PairCount>, ServiceError> {
    let mut kept = app.store.counters(scope).await.map_err(|e| fault("count pairs", &e))?;
    let read = names::all_read(installation);
    for row in kept.iter_mut().filter(|row| unread(&read, row)) {
        row.sync = SyncState::Unknown;
    }
    Ok(kept)
}

fn unread(read: &HashSet<WorkspaceId>, row: &PairCount) -> bool {
    row.sync == SyncState::InStep && !read.contains(&row.workspace)
}

/// Workspaces that nobody reads, with pairs that were in step when somebody did.
async fn silent(app: &App, installation: &Installation, scope: &Scope) -> Result<Vec<WorkspaceId>, ServiceError> {
    let kept = app.store.counters(scope).await.map_err(|e| fault("count pairs", &e))?;
    let read = names::all_read(installation);
    Ok(kept.iter().filter(|row| unread(&read, row)).map(|row| row.workspace).collect())
}

fn counts(kept: &[PairCount], held: &[HeldCount]) -> PairCounts {
    let mut counts = PairCounts::default();
    for row in kept {
        let pairs = names::count(row.pairs);
        match row.sync {
            SyncState::InStep => counts.in_step += pairs,
            SyncState::Behind => counts.behind += pairs,
            SyncState::Unknown => counts.unknown += pairs,
        }
        match row.health {
            Health::Healthy => counts.healthy += pairs,
            Health::Waiting => counts.waiting += pairs,
            Health::NeedsYou => counts.needs_you += pairs,
        }
    }
    counts.not_linked = held.iter().map(|row| names::count(row.subjects)).sum();
    let storm = Reason::StormHeld { cap: 0 }.code();
    counts.storm_held = held.iter().filter(|row| row.code == storm).map(|row| names::count(row.subjects)).sum();
    counts
}

/// How many pairs match, where the kept counters know it: nothing is counted by walking over rows.
fn total(kept: &[PairCount], filter: &PairFilter) -> Option<u64> {
    let known = filter.text.is_empty() && filter.severity.is_none() && filter.status.is_none();
    let asked = |row: &&PairCount| {
        filter.sync.is_none_or(|sync| sync == row.sync)
            && filter.health.is_none_or(|health| health == row.health)
            && filter.client.is_none_or(|client| client == row.client)
            && filter.workspace.is_none_or(|workspace| workspace == row.workspace)
    };
    (known && filter.reason.is_empty()).then(|| kept.iter().filter(asked).map(|row| names::count(row.pairs)).sum())
}

/// Pairs of a CSV file are read so many at a time.
const AT_ONCE: u32 = 500;

/// A part of everything the filter matches, for a file; its `older` is where the next part begins.
///
/// # Errors
/// The store cannot be read.
pub async fn part(app: &App, caller: &Caller, filter: &PairFilter) -> Result<Listed<PairRow>, ServiceError> {
    let installation = app.installation().await?;
    // a pair that changes while the file is written must not move past the reader: the moment an incident was
    // made stands still
    let by = match sort(filter) {
        store::PairSort { by: SortBy::Changed | SortBy::State, descending } => {
            store::PairSort { by: SortBy::Opened, descending }
        }
        steady => steady,
    };
    page(app, caller, (&installation, &Paused::now(app).await?), filter, by, AT_ONCE).await
}

/// The first few of what the filter matches.
///
/// # Errors
/// The store cannot be read.
pub async fn first(
    app: &App,
    caller: &Caller,
    filter: &PairFilter,
    rows: u32,
) -> Result<Listed<PairRow>, ServiceError> {
    let installation = app.installation().await?;
    page(app, caller, (&installation, &Paused::now(app).await?), filter, sort(filter), rows).await
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

async fn page(
    app: &App,
    caller: &Caller,
    (installation, paused): (&Installation, &Paused),
    filter: &PairFilter,
    sort: store::PairSort,
    limit: u32,
) -> Result<Listed<PairRow>, ServiceError> {
    let silent = match filter.sync {
        Some(SyncState::InStep | SyncState::Unknown) => silent(app, installation, &caller.scope).await?,
        Some(SyncState::Behind) | None => Vec::new(),
    };
    let asked = store::PairFilter {
        silent,
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
    let from: Option<PageKey> = list::key(&filter.from).parse().ok();
    let page = app.store.pairs_page(&asked, sort, from, limit).await.map_err(|e| fault("list pairs", &e))?;
    let grouped = |row: &store::PairRow| row.pair.group.as_ref().map(|group| group.first).zip(row.pair.ticket);
    let groups: Vec<_> = page.rows.iter().filter_map(grouped).collect();
    let sizes = app.store.group_sizes(&groups).await.map_err(|e| fault("count pairs", &e))?;
    let mut instances = HashMap::new();
    let mut rows = Vec::with_capacity(page.rows.len());
    for row in page.rows {
        let statuses = statuses(app, &mut instances, row.pair.halo).await?;
        let held = paused.holds(installation, &row.pair);
        let size = grouped(&row).and_then(|group| sizes.get(&group)).copied().unwrap_or(0);
        let shared = names::count(size).saturating_sub(1);
        rows.push(PairRow { shared, ..drawn(installation, statuses, row, held) });
    }
    let key = |key: Option<PageKey>| key.map(|key| key.to_string());
    Ok(Listed::at(&filter.from, rows, key(page.previous), key(page.next)))
}

async fn statuses<'a>(
    app: &App,
    kept: &'a mut HashMap<ConnectionId, Vec<Named>>,
    halo: ConnectionId,
) -> Result<&'a [Named], ServiceError> {
    if let std::collections::hash_map::Entry::Vacant(entry) = kept.entry(halo) {
        let read = app.store.ticket_statuses(halo).await.map_err(|e| fault("read Halo's look-ups", &e))?;
        entry.insert(read);
    }
    Ok(kept.get(&halo).map(Vec::as_slice).unwrap_or_default())
}

fn drawn(installation: &Installation, statuses: &[Named], row: store::PairRow, paused: bool) -> PairRow {
    let pair = pairs::as_followed(installation, row.pair);
    // What is due and fails is told by what it failed of: why it is due helps nobody.
    let failing = row.failing.filter(|failure| pair.health == Health::Waiting && !failure.own_budget());
    let failing = failing.map(|failure| Reason::Refused { why: failure.message });
    PairRow {
        id: pair.id,
        client: names::client(installation, pair.client),
        client_id: pair.client,
        workspace: names::workspace_name(installation, pair.workspace),
        incident: pair.incident,
        number: row.number,
        title: row.title,
        severity: row.severity,
        incident_status: row.status,
        ticket: pair.ticket.map(|ticket| names::ticket(installation, pair.halo, ticket)),
        shared: 0,
        ticket_status: row.ticket_status_id.map(|id| names::status_of(statuses, id)),
        sync: pair.sync,
        health: pair.health,
        paused,
        reason: failing.or(pair.reason),
        further: pair.further,
        opened: row.opened,
        changed: pair.changed,
        reference: pair.reference,
    }
}
