//! Rate limits: how real they are, a rolling window and a token bucket.
//!
//! Both count in whole microseconds of the twin's clock, so the same calls give the same answers.

use std::{collections::VecDeque, fmt, str::FromStr};

use jiff::{SignedDuration, Timestamp};

/// How strictly the outside systems' limits are kept.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Limits {
    /// No limit at all (load tests).
    Off,
    /// As documented.
    Real,
    /// As documented, but time passes this many times faster for the limits (`scaled:60`: a
    /// five-minute window lasts five seconds).
    Scaled(f64),
}

impl Limits {
    /// By how much windows shrink and refills grow; `None` when there is no limit.
    pub fn factor(self) -> Option<f64> {
        match self {
            Self::Off => None,
            Self::Real => Some(1.0),
            Self::Scaled(factor) => Some(factor),
        }
    }

    /// A documented span as these limits see it.
    pub fn span(self, documented: SignedDuration) -> SignedDuration {
        let seconds = documented.as_secs_f64() / self.factor().unwrap_or(1.0);
        SignedDuration::try_from_secs_f64(seconds).unwrap_or(documented)
    }
}

impl FromStr for Limits {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "off" => Ok(Self::Off),
            "real" => Ok(Self::Real),
            other => other
                .strip_prefix("scaled:")
                .and_then(|factor| factor.parse::<f64>().ok())
                .filter(|factor| factor.is_finite() && *factor > 0.0)
                .map(Self::Scaled)
                .ok_or_else(|| format!("limits are real, off or scaled:N (N above 0), not {other:?}")),
        }
    }
}

impl fmt::Display for Limits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Off => f.write_str("off"),
            Self::Real => f.write_str("real"),
            Self::Scaled(factor) => write!(f, "scaled:{factor}"),
        }
    }
}

/// So many calls in any window of a length (Halo; Sentinel's promised floor).
#[derive(Debug, Clone)]
pub struct RollingWindow {
    calls_max: usize,
    window: SignedDuration,
    taken: VecDeque<Timestamp>,
}

impl RollingWindow {
    /// At most `calls_max` calls in any `window`.
    pub fn new(calls_max: usize, window: SignedDuration) -> Self {
        Self { calls_max, window, taken: VecDeque::new() }
    }

    /// Takes one call at `now`: `Ok(left)`, or `Err(wait)` until the oldest call leaves the window.
    pub fn take(&mut self, now: Timestamp) -> Result<usize, SignedDuration> {
        self.forget(now);
        if self.taken.len() < self.calls_max {
            self.taken.push_back(now);
            return Ok(self.calls_max - self.taken.len());
        }
        let oldest = self.taken.front().copied().unwrap_or(now);
        Err(self.window - now.duration_since(oldest))
    }

    /// Calls left at `now`.
    pub fn left(&mut self, now: Timestamp) -> usize {
        self.forget(now);
        self.calls_max.saturating_sub(self.taken.len())
    }

    fn forget(&mut self, now: Timestamp) {
        while self.taken.front().is_some_and(|at| now.duration_since(*at) >= self.window) {
            self.taken.pop_front();
        }
    }
}

/// A bucket of tokens that refills steadily (Azure Resource Manager).
#[derive(Debug, Clone)]
pub struct TokenBucket {
    size: f64,
    per_second: f64,
    tokens: f64,
    at: Option<Timestamp>,
}

impl TokenBucket {
    /// A full bucket of `size` tokens that refills by `per_second`.
    pub fn new(size: f64, per_second: f64) -> Self {
        Self { size, per_second, tokens: size, at: None }
    }

    /// Takes one token at `now`: `Ok(left)`, or `Err(wait)` until there is one again.
    pub fn take(&mut self, now: Timestamp) -> Result<u64, SignedDuration> {
        let passed = self.at.map_or(0.0, |at| now.duration_since(at).as_secs_f64().max(0.0));
        self.at = Some(now);
        self.tokens = (self.tokens + passed * self.per_second).min(self.size);
        if self.tokens >= 1.0 {
            self.tokens -= 1.0;
            // Never negative and never above the size: the cast cannot go wrong.
            return Ok(self.tokens as u64);
        }
        let wait = (1.0 - self.tokens) / self.per_second;
        Err(SignedDuration::try_from_secs_f64(wait).unwrap_or(SignedDuration::from_secs(1)))
    }
}
