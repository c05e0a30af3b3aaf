//! Compares workspaces with their logs beside the engine: by itself once a day, and when somebody asks.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::service::{App, import_mode::Turn, log_checks::Worker};

/// Without news it looks this often whether a workspace's turn has come.
const IDLE: Duration = Duration::from_secs(60);
/// After a failure of the store.
const PAUSE: Duration = Duration::from_secs(5);

/// Runs until `stop`. What is under way then is done anew later: it only reads.
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
                tracing::warn!(%error, "workspaces cannot be compared with their logs now; it is tried again");
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
