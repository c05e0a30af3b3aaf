//! A bucket of calls: some at once, refilled steadily.

use jiff::Timestamp;

use super::budget::{after, seconds};

/// `size` at once, refilled by `per_second`.
#[derive(Debug)]
pub(super) struct Bucket {
    pub(super) size: f64,
    pub(super) per_second: f64,
    pub(super) tokens: f64,
    at: Option<Timestamp>,
}

impl Bucket {
    pub(super) fn full(size: f64, per_second: f64) -> Self {
        Self { size, per_second, tokens: size, at: None }
    }

    pub(super) fn pass(&mut self, now: Timestamp) {
        let passed = self.at.map_or(0.0, |at| now.duration_since(at).as_secs_f64().max(0.0));
        self.at = Some(now);
        self.tokens = (self.tokens + passed * self.per_second).min(self.size);
    }

    /// `None` when so many `calls` can be taken and `kept` are left, else the moment they can.
    pub(super) fn free_at(&self, now: Timestamp, kept: f64, calls: u64) -> Option<Timestamp> {
        let lacking = (calls as f64 + kept).min(self.size) - self.tokens;
        // What rounding leaves is no lack.
        (lacking > 1e-6).then(|| after(now, seconds(lacking / self.per_second)))
    }
}
