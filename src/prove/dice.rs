//! Chance, from a seed: one stream for each purpose, so that a change in one does not move the others.

use rand_chacha::{
    ChaCha8Rng,
    rand_core::{RngCore as _, SeedableRng as _},
};

/// A stream of draws.
pub struct Dice(ChaCha8Rng);

impl Dice {
    /// The stream of a purpose.
    pub fn of(seed: u64, purpose: &str) -> Self {
        // FNV-1a, written out: its value for a name must never change, or old seeds tell other stories.
        let salt = purpose
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
        Self(ChaCha8Rng::seed_from_u64(seed ^ salt))
    }

    /// A number below `n` (0 when `n` is 0).
    pub fn below(&mut self, n: u64) -> u64 {
        self.0.next_u64() % n.max(1)
    }

    /// A place in a list of this length.
    pub fn place(&mut self, len: usize) -> usize {
        usize::try_from(self.below(len as u64)).unwrap_or(0)
    }

    /// A number from `low` to `high`, both included.
    pub fn between(&mut self, low: i64, high: i64) -> i64 {
        let width = high.saturating_sub(low).saturating_add(1).max(1);
        low.saturating_add(i64::try_from(self.below(width.unsigned_abs())).unwrap_or(0))
    }

    /// From 0 (included) to 1 (not included).
    pub fn share(&mut self) -> f64 {
        // 53 bits: every value is exact.
        (self.0.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// True so often: 0 never, 1 always.
    pub fn chance(&mut self, probability: f64) -> bool {
        self.share() < probability
    }

    /// A number from `low` to `high` whose size, not whose value, is evenly spread.
    pub fn spread(&mut self, low: f64, high: f64) -> f64 {
        low * (high / low).powf(self.share())
    }

    /// One of a list; `None` of an empty one.
    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> Option<&'a T> {
        from.get(self.place(from.len()))
    }

    /// One of a list by weight; `None` when all weights are 0.
    pub fn weighted<T: Copy>(&mut self, from: &[(u32, T)]) -> Option<T> {
        let total: u64 = from.iter().map(|(weight, _)| u64::from(*weight)).sum();
        let mut left = self.below(total);
        from.iter()
            .find(|(weight, _)| {
                let here = left < u64::from(*weight);
                left = left.saturating_sub(u64::from(*weight));
                here
            })
            .map(|(_, what)| *what)
    }

    /// A seed for something else.
    pub fn seed(&mut self) -> u64 {
        self.0.next_u64()
    }
}
