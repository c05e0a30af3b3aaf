//! Drives the engine with the wall clock: starts what is due, waits for the next moment or a poke.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};
use std::time::{Duration, Instant};

use futures::FutureExt as _;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::{engine::Engine, telemetry};

/// Units that run at once.
pub const SIDE_BY_SIDE: usize = 48;
/// The same while many webhooks wait to be stored: their senders wait, and what they tell of is read a moment later.
const BESIDE_A_CROWD: usize = 8;
/// How often it is looked whether they still do.
const LOOK_FOR_ITS_END: Duration = Duration::from_millis(20);
/// How long units and requests may take to end after a stop was asked for.
pub const DRAIN: Duration = Duration::from_secs(5);

/// While the database cannot be written it is tried this often, so that the end of it is noticed.
const PROBE_EVERY: Duration = Duration::from_secs(5);

/// Runs the engine until `stop`; what writes then is waited for, up to five seconds, what only reads is given up.
#[expect(clippy::disallowed_methods, reason = "the one place where the engine meets real time")]
pub async fn drive(engine: Arc<Engine>, alive: Arc<AtomicBool>, stop: CancellationToken) {
    let mut running = JoinSet::new();
    alive.store(true, Ordering::Relaxed);
    let mut probed = Instant::now();
    while !stop.is_cancelled() {
        if engine.store.trouble().is_some() && probed.elapsed() >= PROBE_EVERY {
            probed = Instant::now();
            // What came of it the store knows.
            tokio::select! {
                () = stop.cancelled() => break,
                _ = engine.store.probe() => {}
            }
        }
        let crowd = engine.store.crowded();
        let most = if crowd { BESIDE_A_CROWD } else { SIDE_BY_SIDE };
        let free = most.saturating_sub(running.len());
        // A crowd does not say when it is over.
        let longest = if crowd { LOOK_FOR_ITS_END } else { Duration::from_secs(1) };
        let mut wait = Duration::from_millis(200).min(longest);
        if free > 0 {
            match engine.due(free).await {
                Ok(units) => {
                    for unit in units {
                        let (engine, stop) = (Arc::clone(&engine), stop.clone());
                        running.spawn(async move {
                            let run = engine.run_until(unit, stop.cancelled());
                            let ran = std::panic::AssertUnwindSafe(run).catch_unwind().await;
                            if ran.is_err() {
                                tracing::error!(unit = ?unit, "a unit of work panicked; the others go on and it is tried again");
                                engine.abandon(unit);
                            }
                        });
                    }
                    let ahead = engine.next_due().duration_since(engine.now());
                    wait = Duration::try_from(ahead).unwrap_or(wait).clamp(Duration::from_millis(1), longest);
                }
                Err(error) => {
                    engine.store.met(&error);
                    if !error.lasts() {
                        tracing::error!(
                            error = telemetry::chain(&error),
                            "the database cannot say what is due; it is asked again"
                        );
                    }
                    wait = Duration::from_secs(1);
                }
            }
        }
        tokio::select! {
            () = stop.cancelled() => break,
            () = engine.woken() => {}
            Some(_) = running.join_next(), if !running.is_empty() => {}
            () = tokio::time::sleep(wait) => {}
        }
    }
    alive.store(false, Ordering::Relaxed);
    let drained = tokio::time::timeout(DRAIN, async { while running.join_next().await.is_some() {} }).await;
    if drained.is_err() {
        tracing::warn!("some writes did not end in time; what they wrote is looked for at the next start");
    }
}
