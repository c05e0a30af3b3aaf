//! Whose sign-in is refused: the connection's, or only that of one workspace. A token may be good for all workspaces but
//! one (its tenant has withdrawn what it gave, or something stands in between there); that must not hold the others up.

use jiff::Timestamp;

use super::{begin, end, reading_of};
use crate::{
    domain::{
        failure::{FailureKind, Side},
        ids::{ClientId, ConnectionId, WorkspaceId},
        pause::{Pause, PauseCause, PauseScope},
        run::{RunCause, RunScope},
    },
    engine::Engine,
    store::StoreError,
};

/// Another workspace of a connection, and when it was last read.
type Beside = (Timestamp, WorkspaceId);

/// The workspace beside this one that was read last, if this one's sign-in is refused alone: none of the others was refused
/// since that reading.
fn read_beside(engine: &Engine, own: WorkspaceId, connection: ConnectionId) -> Option<Beside> {
    let view = engine.registry.view();
    let schedule = engine.schedule();
    let mut read: Option<Beside> = None;
    let mut refused: Option<Timestamp> = None;
    for (id, standing) in &schedule.workspaces {
        let same = view.workspaces.get(id).is_some_and(|workspace| workspace.connection == connection);
        if *id == own || !same {
            continue;
        }
        if let Some((at, failure)) = &standing.last_failure
            && (failure.side, failure.kind) == (Side::Sentinel, FailureKind::SignInAgain)
        {
            refused = refused.max(Some(*at));
        }
        read = read.max(standing.last_success.map(|at| (at, *id)));
    }
    read.filter(|(at, _)| refused.is_none_or(|refused| refused <= *at))
}

/// A workspace's reading was refused the sign-in: its client is paused, and another workspace of the connection is read at
/// once. When that one is refused as well, the connection is.
pub(super) async fn refused(
    engine: &Engine,
    (reading, connection, client): (RunScope, ConnectionId, ClientId),
    scope: PauseScope,
    cause: PauseCause,
) -> Result<(), StoreError> {
    let beside = match reading {
        RunScope::Workspace { id } => read_beside(engine, id, connection),
        RunScope::Halo { .. } => None,
    };
    let Some((_, other)) = beside else {
        begin(engine, scope, cause).await?;
        // What was taken for theirs alone is the connection's.
        let theirs =
            |known: &Pause| matches!(known.scope, PauseScope::Client { .. }) && of_sign_in(engine, known, connection);
        return end(engine, theirs).await;
    };
    // A write that was refused paused the connection until a reading tells.
    let by_write = |known: &Pause| known.scope == scope && refuses(known) && reading_of(&known.cause).is_none();
    end(engine, by_write).await?;
    if begin(engine, PauseScope::Client { id: client }, cause).await? {
        let now = engine.now();
        engine.schedule().hasten_poll(other, RunCause::Schedule, now);
        engine.wake();
    }
    Ok(())
}

/// Whether a pause is over because a workspace was read: the sign-in for which the connection was paused serves.
pub(super) fn serves(known: &Pause, reading: RunScope, connection: ConnectionId) -> bool {
    let workspace = |scope: Option<RunScope>| matches!(scope, Some(RunScope::Workspace { .. }));
    known.scope == (PauseScope::Connection { id: connection })
        && refuses(known)
        && workspace(Some(reading))
        && workspace(reading_of(&known.cause))
}

fn refuses(known: &Pause) -> bool {
    matches!(&known.cause, PauseCause::Failure { failure, .. } if failure.kind == FailureKind::SignInAgain)
}

/// Whether a refused sign-in of a workspace of this connection brought a pause about.
fn of_sign_in(engine: &Engine, known: &Pause, connection: ConnectionId) -> bool {
    let view = engine.registry.view();
    let same = |id: &WorkspaceId| view.workspaces.get(id).is_some_and(|workspace| workspace.connection == connection);
    refuses(known) && matches!(reading_of(&known.cause), Some(RunScope::Workspace { id }) if same(&id))
}
