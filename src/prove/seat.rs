//! A processor for each world: its thread and its database's take turns, and the other's turn begins sooner on the
//! processor that is awake than on one that has to be woken. Only for speed: nothing depends on where a world runs.

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// Keeps the calling thread, and those it starts, on the `n`-th of the processors that it may use (counted round).
/// Where the system does not let it, it stays as it is.
pub fn take(n: usize) {
    let Ok(may) = sched_getaffinity(None) else { return };
    let processors: Vec<usize> = (0..CpuSet::MAX_CPU).filter(|processor| may.is_set(*processor)).collect();
    let Some(own) = n.checked_rem(processors.len()).and_then(|n| processors.get(n)) else { return };
    let mut seat = CpuSet::new();
    seat.set(*own);
    // Where it is refused, the world is lived all the same.
    let _ = sched_setaffinity(None, &seat);
}
