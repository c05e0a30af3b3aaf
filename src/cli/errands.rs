//! Carries errands out beside the engine: one act at the webhooks of many workspaces, or at many pairs.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::service::{
    App,
    error::ServiceError,
    import_mode::{Turn, Worker},
    pair_errands,
};

/// Without news it looks this often whether something can go on.
const IDLE: Duration = Duration::from_secs(60);
/// After a failure of the store.
const PAUSE: Duration = Duration::from_secs(5);

/// Runs until `stop`. What is under way then is done anew at the next start.
#[expect(clippy::disallowed_methods, reason = "a loop of the process waits in real time")]
pub async fn drive(app: App, stop: CancellationToken) {
    let worker = Worker::new(&app);
    loop {
        let turn = tokio::select! {
            () = stop.cancelled() => return,
            turn = worker.turn() => turn,
        };
        let Some(wait) = rest(&app, turn, "an errand at several workspaces") else { continue };
        tokio::select! {
            () = stop.cancelled() => return,
            () = worker.woken() => {}
            () = tokio::time::sleep(wait) => {}
        }
    }
}

/// The same for errands at pairs.
#[expect(clippy::disallowed_methods, reason = "a loop of the process waits in real time")]
pub async fn drive_at_pairs(app: App, stop: CancellationToken) {
    let worker = pair_errands::Worker::new(&app);
    loop {
        let turn = tokio::select! {
            () = stop.cancelled() => return,
            turn = worker.turn() => turn,
        };
        let Some(wait) = rest(&app, turn, "an errand at several pairs") else { continue };
        tokio::select! {
            () = stop.cancelled() => return,
            () = worker.woken() => {}
            () = tokio::time::sleep(wait) => {}
        }
    }
}

/// How long nothing is to be done after a turn, unless there is news; `None`: the next one comes at once.
pub(super) fn rest(app: &App, turn: Result<Turn, ServiceError>, what: &str) -> Option<Duration> {
    match turn {
        Ok(Turn::Again) => None,
        Ok(Turn::Nothing) => Some(IDLE),
        Ok(Turn::NotBefore(at)) => {
            let ahead = Duration::try_from(at.duration_since(app.clock.now())).unwrap_or_default();
            Some(ahead.clamp(Duration::from_millis(1), IDLE))
        }
        Err(error) => {
            tracing::warn!(%error, what, "it cannot go on now; it is tried again");
            Some(PAUSE)
        }
    }
}
