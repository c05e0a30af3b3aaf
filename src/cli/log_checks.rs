//! Compares workspaces with their logs beside the engine: by itself once a day, and when somebody asks.

use tokio_util::sync::CancellationToken;

use super::errands::rest;
use crate::service::{App, log_checks::Worker};

/// Runs until `stop`. What is under way then is done anew later: it only reads.
#[expect(clippy::disallowed_methods, reason = "a loop of the process waits in real time")]
pub async fn drive(app: App, stop: CancellationToken) {
    let worker = Worker::new(&app);
    loop {
        let turn = tokio::select! {
            () = stop.cancelled() => return,
            turn = worker.turn() => turn,
        };
        let Some(wait) = rest(&app, turn, "the comparison of workspaces with their logs") else { continue };
        tokio::select! {
            () = stop.cancelled() => return,
            () = worker.woken() => {}
            () = tokio::time::sleep(wait) => {}
        }
    }
}
