//! What a stop waits for: writes on their way, and records being made. A unit that only reads is given up at once, for
//! what it would have read is read at the next start.

use std::future::Future;

use tokio::sync::watch;

use super::{Engine, Unit};

tokio::task_local! {
    /// How much of the present unit must not be broken off.
    static UNBROKEN: watch::Sender<u32>;
}

/// While it lives a stop does not break the present unit off.
pub(super) struct Unbroken(Option<watch::Sender<u32>>);

/// From here on the present unit must not be broken off: its write would be of unknown outcome, or what it records for
/// others too would be left without an answer.
pub(super) fn unbroken() -> Unbroken {
    // Driven without a stop in sight (a test, `sync --once`) there is nothing to tell.
    let tell = UNBROKEN.try_with(watch::Sender::clone).ok();
    if let Some(tell) = &tell {
        tell.send_modify(|count| *count += 1);
    }
    Unbroken(tell)
}

impl Drop for Unbroken {
    fn drop(&mut self) {
        if let Some(tell) = &self.0 {
            tell.send_modify(|count| *count = count.saturating_sub(1));
        }
    }
}

impl Engine {
    /// Runs one unit of work to its end or until `stop`; then on only as long as it writes or records. `false`: it was
    /// given up, and this engine is not to be driven any more.
    pub async fn run_until(&self, unit: Unit, stop: impl Future<Output = ()>) -> bool {
        let (tell, mut unbroken) = watch::channel(0_u32);
        let given_up = async {
            stop.await;
            // It cannot fail: the other branch holds the sender.
            let _ = unbroken.wait_for(|count| *count == 0).await;
        };
        tokio::select! {
            // What can go on goes on as far as it can before it is asked whether it may be given up.
            biased;
            () = UNBROKEN.scope(tell, self.run(unit)) => true,
            () = given_up => false,
        }
    }
}
