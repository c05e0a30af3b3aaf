//! Carries errands out beside the engine: one act at the webhooks of many workspaces.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::service::{
    App,
    import_mode::{Turn, Worker},
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
        let wait = match turn {
            Ok(Turn::Again) => continue,
            Ok(Turn::Nothing) => IDLE,
            Ok(Turn::NotBefore(at)) => {
                let ahead = Duration::try_from(at.duration_since(app.clock.now())).unwrap_or_default();
                ahead.clamp(Duration::from_millis(1), IDLE)
            }
            Err(error) => {
                tracing::warn!(%error, "an errand at several workspaces cannot go on now; it is tried again");
                PAUSE
            }
        };
        tokio::select! {
            () = stop.cancelled() => return,
            () = worker.woken() => {}
            () = tokio::time::sleep(wait) => {}
        }
    }
}
