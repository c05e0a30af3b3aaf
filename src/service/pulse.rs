//! How the engine does, for every page: whether it runs, how old the numbers are.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};

use super::{
    App,
    caller::Caller,
    engine_handle::{EngineStatus, ScopeStatus, StepOf},
    error::ServiceError,
    names,
};
use crate::{
    domain::{
        account::Scope,
        ids::PairId,
        run::RunScope,
        view::pulse::{OldSource, Pulse, Refused, Second},
        workspace::Mode,
    },
    store::Installation,
};

/// What the top of a page says.
///
/// # Errors
/// The installation cannot be read.
pub async fn pulse(app: &App, caller: &Caller) -> Result<Pulse, ServiceError> {
    let installation = app.installation().await?;
    let status = app.engine.status();
    let now = app.clock.now();
    let seen = |scope: RunScope| names::run_visible(&installation, scope, &caller.scope);
    let rows = || status.scopes.iter().filter(|row| seen(row.scope));
    // Every page asks this of hundreds of sources: none is looked for among all the others.
    let by_scope: HashMap<RunScope, &ScopeStatus> = status.scopes.iter().map(|row| (row.scope, row)).collect();
    let (mut late, mut broken) = (Vec::new(), Vec::new());
    for (scope, name, poll_secs) in sources(&installation).filter(|(scope, ..)| seen(*scope)) {
        let row = by_scope.get(&scope).copied();
        let read = row.and_then(|row| row.last_success);
        let failure = row.and_then(|row| row.last_failure.as_ref()).map(|(_, failure)| failure);
        let why = failure.map(|failure| failure.message.clone());
        let source = OldSource { name: name.to_owned(), read, why, poll_secs };
        if failure.is_some_and(|failure| !failure.retryable()) {
            broken.push(source);
        } else if row.is_some_and(|row| is_late(row, poll_secs, now)) {
            late.push(source);
        }
    }
    for sources in [&mut late, &mut broken] {
        sources.sort_by(|a, b| a.read.cmp(&b.read).then_with(|| a.name.cmp(&b.name)));
    }
    let second_writer = status.second_writer.as_ref().map(|found| Second {
        noticed: found.noticed,
        wrote: caller.scope.allows(Some(found.client)).then(|| (found.words(), found.at)),
    });
    Ok(Pulse {
        alive: status.alive,
        only_reads: status.only_reads,
        second_writer,
        last_look: rows().filter_map(|row| row.last_success).max(),
        late,
        broken,
        refused: refused(app, caller, &installation, &status).await,
    })
}

/// What the database refuses again and again, named to those who may see it.
async fn refused(app: &App, caller: &Caller, installation: &Installation, status: &EngineStatus) -> Option<Refused> {
    let first = status.refused.first()?;
    let (of, pair) = match first.of {
        StepOf::All => (None, None),
        StepOf::Source(scope) => {
            let seen = names::run_visible(installation, scope, &caller.scope);
            (seen.then(|| names::run_scope(installation, scope)), None)
        }
        StepOf::Pair(id) => (None, sees(app, caller, id).await.then_some(id)),
    };
    Some(Refused {
        count: status.refused.len() as u64,
        does: first.does.to_owned(),
        of,
        pair,
        since: first.since,
        next: first.next,
        why: first.why.clone(),
    })
}

async fn sees(app: &App, caller: &Caller, pair: PairId) -> bool {
    if caller.scope == Scope::All {
        return true;
    }
    let found = app.store.pair(pair).await.ok().flatten();
    found.is_some_and(|pair| caller.scope.allows(Some(pair.client)))
}

/// Everything that is read again and again: name and seconds between polls.
fn sources(installation: &Installation) -> impl Iterator<Item = (RunScope, &str, u32)> {
    let workspaces = installation
        .workspaces
        .iter()
        .filter(|workspace| workspace.mode != Mode::Off)
        .map(|row| (RunScope::Workspace { id: row.id }, row.name.as_str(), row.poll_secs));
    let halo = installation.halo.iter().map(|row| (RunScope::Halo { id: row.id }, row.name.as_str(), row.poll_secs));
    workspaces.chain(halo)
}

/// Whether a source was read before, but not for two cycles (and at least a minute). A reading that lies as far ahead was
/// told by a clock that was ahead: of how old it is nothing is known.
pub fn overdue(status: &EngineStatus, scope: RunScope, poll_secs: u32, now: Timestamp) -> bool {
    status.scope(scope).is_some_and(|row| is_late(row, poll_secs, now))
}

fn is_late(row: &ScopeStatus, poll_secs: u32, now: Timestamp) -> bool {
    let patience = SignedDuration::from_secs(i64::from(poll_secs).saturating_mul(2).max(60));
    match (row.last_success, &row.last_failure) {
        (Some(at), _) => now.duration_since(at).abs() > patience,
        (None, Some(_)) => true,
        (None, None) => false,
    }
}
