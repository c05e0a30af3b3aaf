//! How the engine does, for every page: whether it runs, how old the numbers are.

use jiff::{SignedDuration, Timestamp};

use super::{App, caller::Caller, engine_handle::EngineStatus, error::ServiceError, names};
use crate::{
    domain::{
        run::RunScope,
        view::pulse::{OldSource, Pulse},
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
    let mut late: Vec<OldSource> = sources(&installation)
        .filter(|(scope, ..)| seen(*scope))
        .filter(|(scope, _, poll_secs)| overdue(&status, *scope, *poll_secs, now))
        .map(|(scope, name, poll_secs)| OldSource {
            name: name.to_owned(),
            read: status.scope(scope).and_then(|row| row.last_success),
            poll_secs,
        })
        .collect();
    late.sort_by(|a, b| a.read.cmp(&b.read).then_with(|| a.name.cmp(&b.name)));
    let broken =
        rows().filter(|row| row.last_failure.as_ref().is_some_and(|(_, failure)| !failure.retryable())).count();
    Ok(Pulse {
        alive: status.alive,
        only_reads: status.only_reads,
        last_look: rows().filter_map(|row| row.last_success).max(),
        overdue: u32::try_from(late.len()).unwrap_or(u32::MAX),
        oldest: late.into_iter().next(),
        broken: u32::try_from(broken).unwrap_or(u32::MAX),
    })
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

/// Whether a source was read before, but not for two cycles (and at least a minute).
pub fn overdue(status: &EngineStatus, scope: RunScope, poll_secs: u32, now: Timestamp) -> bool {
    let Some(row) = status.scope(scope) else { return false };
    let patience = SignedDuration::from_secs(i64::from(poll_secs).saturating_mul(2).max(60));
    match (row.last_success, &row.last_failure) {
        (Some(at), _) => now.duration_since(at) > patience,
        (None, Some(_)) => true,
        (None, None) => false,
    }
}
