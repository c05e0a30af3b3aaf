//! How soon a workspace is polled again: soon after a change that nothing announced, ever later while it is quiet.

/// The limits of a workspace's waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// Seconds between polls while it is quiet.
    pub longest: u32,
    /// Seconds after a change.
    pub shortest: u32,
}

/// What a poll that ended well has shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shown {
    /// It found a change that no webhook had announced.
    pub change: bool,
    /// The budget has room to spare.
    pub room: bool,
}

/// Seconds until the next poll, after one that came `before` seconds after the one before it.
pub fn next_wait(pace: Pace, before: Option<u32>, shown: Shown) -> u32 {
    let shortest = pace.shortest.min(pace.longest);
    if !shown.room {
        return pace.longest;
    }
    if shown.change {
        return shortest;
    }
    before.map_or(pace.longest, |before| before.saturating_mul(2)).clamp(shortest, pace.longest)
}
