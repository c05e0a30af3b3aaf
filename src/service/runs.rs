//! Runs: what was read when, and what is due.

use jiff::Timestamp;

use super::{App, caller::Caller, engine_handle::ScopeStatus, error::ServiceError, fault, names, pulse::overdue};
use crate::{
    domain::{
        failure::Failure,
        run::{Run, RunScope},
        view::{
            list::{self, Listed, Rows},
            runs::{RunFilter, RunRow, RunsView, SourceRow},
        },
        workspace::Mode,
    },
    ledger::{entry::Seq, fact::Fact},
    store::{Installation, LedgerFilter},
};

/// Entries read in search of those the filter asks for, at most.
const LOOKED_AT: usize = 2000;

/// The page's view.
///
/// # Errors
/// The installation cannot be read; a list that cannot be read is told in the view.
pub async fn view(app: &App, caller: &Caller, filter: RunFilter) -> Result<RunsView, ServiceError> {
    let installation = app.installation().await?;
    let last = app.store.last_runs(&caller.scope, false).await.map_err(|e| fault("read the last runs", &e))?;
    let (status, now) = (app.engine.status(), app.clock.now());
    let mut sources = Vec::new();
    for workspace in installation.workspaces.iter().filter(|row| caller.scope.allows(Some(row.client))) {
        let scope = RunScope::Workspace { id: workspace.id };
        let client = Some(names::client(&installation, workspace.client));
        let on = workspace.mode != Mode::Off;
        let row = source(
            &workspace.name,
            scope,
            status.scope(scope),
            &last,
            (on && overdue(&status, scope, workspace.poll_secs, now), now),
        );
        sources.push(SourceRow {
            client,
            mode: Some(workspace.mode),
            next_due: row.next_due.filter(|_| on),
            waits: row.waits.clone().filter(|_| on),
            ..row
        });
    }
    for halo in &installation.halo {
        let scope = RunScope::Halo { id: halo.id };
        if names::run_visible(&installation, scope, &caller.scope) {
            let late = overdue(&status, scope, halo.poll_secs, now);
            sources.push(source(&halo.name, scope, status.scope(scope), &last, (late, now)));
        }
    }
    if sources.len() > list::ROWS {
        // What does not go well stands on the first page.
        let well = |row: &SourceRow| !row.overdue && row.last.as_ref().is_none_or(|run| run.failure.is_none());
        sources.sort_by_key(well);
    }
    let shown: Vec<RunScope> = Listed::window(&sources, &filter.sources, |row: &SourceRow| id_of(row.scope))
        .rows
        .iter()
        .map(|row| row.scope)
        .collect();
    for row in sources.iter_mut().filter(|row| shown.contains(&row.scope)) {
        row.read_up_to = read_up_to(app, row.scope).await?;
    }
    let runs = rows(app, caller, &installation, &filter).await;
    Ok(RunsView { filter, sources, runs })
}

fn id_of(scope: RunScope) -> String {
    match scope {
        RunScope::Workspace { id } => id.to_string(),
        RunScope::Halo { id } => id.to_string(),
    }
}

/// The newest change that was read of a source.
pub(super) async fn read_up_to(app: &App, scope: RunScope) -> Result<Option<Timestamp>, ServiceError> {
    let read = match scope {
        RunScope::Workspace { id } => app.store.cursor(id).await.map(|cursor| cursor.map(|cursor| cursor.modified)),
        RunScope::Halo { id } => app.store.halo_cursor(id).await,
    };
    read.map_err(|e| fault("read how far a source was read", &e))
}

fn source(
    name: &str,
    scope: RunScope,
    status: Option<&ScopeStatus>,
    last: &[crate::store::LastRun],
    (overdue, now): (bool, Timestamp),
) -> SourceRow {
    let waits = |(_, failure): &(Timestamp, Failure)| {
        let until = failure.waits_until().filter(|until| *until > now)?;
        Some((until, failure.message.clone()))
    };
    let recorded = last.iter().find(|row| row.run.scope == scope);
    SourceRow {
        scope,
        name: name.to_owned(),
        client: None,
        mode: None,
        last: recorded.map(|row| RunRow::of(&row.run, name)),
        last_success: status.and_then(|row| row.last_success).or_else(|| recorded.and_then(|row| row.well)),
        read_up_to: None,
        next_due: status.and_then(|row| row.next_due),
        overdue,
        note: status.and_then(|row| row.note.clone()),
        waits: status.and_then(|row| row.last_failure.as_ref()).and_then(waits),
    }
}

/// A workspace may have been given to another client since.
fn in_sight(installation: &Installation, caller: &Caller, scope: RunScope) -> bool {
    match scope {
        RunScope::Workspace { id } => names::see_workspace(installation, caller, id).is_ok(),
        RunScope::Halo { .. } => true,
    }
}

async fn rows(app: &App, caller: &Caller, installation: &Installation, filter: &RunFilter) -> Rows<RunRow> {
    let read = async {
        let asked =
            LedgerFilter { fact: Some("run-ended".to_owned()), scope: caller.scope.clone(), ..LedgerFilter::default() };
        let wanted = |run: &Run| {
            let failed = run.failure.as_ref().is_some_and(|failure| failure.waits_until().is_none());
            (filter.source.is_empty() || filter.source == id_of(run.scope)) && (!filter.failed || failed)
        };
        let mut after = list::key(&filter.from).parse().ok().map(Seq);
        let (mut rows, mut looked_at, mut older) = (Vec::new(), 0_usize, None);
        loop {
            let page = app.store.ledger_page(&asked, after, names::PAGE_ROWS).await;
            let page = page.map_err(|e| fault("list runs", &e))?;
            let whole = page.len() >= names::PAGE_ROWS as usize;
            looked_at += page.len();
            for item in page {
                after = Some(item.entry.seq);
                if let Some(Fact::RunEnded { run }) = item.fact
                    && wanted(&run)
                    && in_sight(installation, caller, run.scope)
                {
                    rows.push(RunRow::of(&run, &names::run_scope(installation, run.scope)));
                }
                if rows.len() >= names::PAGE_ROWS as usize {
                    break;
                }
            }
            if rows.len() >= names::PAGE_ROWS as usize || (whole && looked_at >= LOOKED_AT) {
                older = after.map(|seq| seq.0.to_string());
                break;
            }
            if !whole {
                break;
            }
        }
        Ok::<_, ServiceError>(Listed::at(&filter.from, rows, None, older))
    };
    read.await.map_err(|error| names::trouble(&error))
}
