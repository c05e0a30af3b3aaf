//! The twin's latency: real time, kept closely.

use std::time::{Duration, Instant};

/// The runtime's timer counts whole milliseconds and may be this late.
const COARSE: Duration = Duration::from_millis(3);

/// Waits as long as an answer takes on its way. The runtime's own timer is up to two milliseconds late, which whoever
/// measures a bridge against the twin would take for the bridge's: the rest is slept by a thread.
#[expect(clippy::disallowed_methods, reason = "the twin's latency is real time")]
pub(super) async fn pass(delay_ms: u64) {
    if delay_ms == 0 {
        return;
    }
    let end = Instant::now() + Duration::from_millis(delay_ms);
    let delay = Duration::from_millis(delay_ms);
    if delay > COARSE {
        tokio::time::sleep(delay - COARSE).await;
    }
    let rest = move || std::thread::sleep(end.saturating_duration_since(Instant::now()));
    // It ends with an error only when the process does.
    let _ = tokio::task::spawn_blocking(rest).await;
}
