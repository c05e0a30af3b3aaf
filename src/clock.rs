//! Time and randomness, handed in.
//!
//! Nothing but this file asks the operating system for the time or for random bytes, so that the
//! engine, the store, the adapters and the twin can be run under a virtual clock and from a seed.

#![expect(clippy::disallowed_methods, reason = "the one file that asks the operating system for the time")]

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicI64, Ordering},
};

use jiff::{SignedDuration, Timestamp};
use rand_chacha::{
    ChaCha20Rng,
    rand_core::{RngCore, SeedableRng},
};
use uuid::Uuid;

/// Tells the time, in UTC.
pub trait Clock: Send + Sync + 'static {
    /// The present moment.
    fn now(&self) -> Timestamp;
}

/// A smaller step back is a clock put right a little, or two that asked for the time at the same moment: nobody minds.
const STEP: SignedDuration = SignedDuration::from_secs(10);

/// By how much the clock was set back between two moments, asked for one after the other. A host may start with a wrong
/// clock and be put right hours later: what was to be done at a later moment must not wait for all that time.
pub fn set_back(before: Timestamp, now: Timestamp) -> Option<SignedDuration> {
    let by = before.duration_since(now);
    (by >= STEP).then_some(by)
}

/// Gives random bytes and ids. Everything that must be unguessable or unique comes from here.
pub trait IdSource: Send + Sync + 'static {
    /// Fills `bytes` with random bytes.
    fn fill(&self, bytes: &mut [u8]);

    /// A UUID version 7 (time-ordered) stamped with `now`.
    fn uuid_v7(&self, now: Timestamp) -> Uuid {
        let mut random = [0_u8; 10];
        self.fill(&mut random);
        let millis = u64::try_from(now.as_millisecond()).unwrap_or(0);
        uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid()
    }

    /// A UUID version 4 (random).
    fn uuid_v4(&self) -> Uuid {
        let mut random = [0_u8; 16];
        self.fill(&mut random);
        uuid::Builder::from_random_bytes(random).into_uuid()
    }

    /// `len` random bytes as lower-case hexadecimal text (`2 × len` characters).
    fn token(&self, len: usize) -> String {
        let mut bytes = vec![0_u8; len];
        self.fill(&mut bytes);
        hex::encode(bytes)
    }
}

/// The wall clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

/// A clock that moves only when told to (tests, simulation, the demo's thirty days).
#[derive(Debug, Clone)]
pub struct ManualClock(Arc<AtomicI64>);

impl ManualClock {
    /// Starts at `at`; millisecond precision.
    pub fn at(at: Timestamp) -> Self {
        Self(Arc::new(AtomicI64::new(at.as_millisecond())))
    }

    /// Moves the clock forward.
    pub fn advance(&self, by: SignedDuration) {
        let millis = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
        self.0.fetch_add(millis, Ordering::SeqCst);
    }

    /// Sets the clock.
    pub fn set(&self, to: Timestamp) {
        self.0.store(to.as_millisecond(), Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millisecond(self.0.load(Ordering::SeqCst)).unwrap_or(Timestamp::UNIX_EPOCH)
    }
}

/// A clock that can be switched from virtual to real time, and run faster than real time.
///
/// The demo plays its thirty days on the manual hand and then lets it run with the wall clock; the
/// twin's admin route sets it and its scale.
pub struct SteerableClock {
    inner: Mutex<Steering>,
    began: Steering,
}

#[derive(Clone, Copy)]
enum Steering {
    Held(Timestamp),
    Running { real: Timestamp, shown: Timestamp, scale: f64 },
}

impl SteerableClock {
    /// A clock held at `at`.
    pub fn held(at: Timestamp) -> Self {
        let began = Steering::Held(at);
        Self { inner: Mutex::new(began), began }
    }

    /// A clock that runs with the wall clock.
    pub fn real() -> Self {
        let now = Timestamp::now();
        let began = Steering::Running { real: now, shown: now, scale: 1.0 };
        Self { inner: Mutex::new(began), began }
    }

    /// Takes back all steering: held where it was held at first, or with the wall clock.
    pub fn restart(&self) {
        // What ran with the wall clock from the beginning shows the wall clock's time now.
        self.with(|s| *s = self.began);
    }

    fn with<T>(&self, f: impl FnOnce(&mut Steering) -> T) -> T {
        let mut guard = self.inner.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        f(&mut guard)
    }

    /// Holds the clock at `at`.
    pub fn hold(&self, at: Timestamp) {
        self.with(|s| *s = Steering::Held(at));
    }

    /// Lets the clock run from what it shows now, `scale` times as fast as the wall clock.
    pub fn run(&self, scale: f64) {
        let shown = self.now();
        self.with(|s| *s = Steering::Running { real: Timestamp::now(), shown, scale });
    }

    /// Sets what the clock shows; a running clock goes on from there.
    pub fn set(&self, to: Timestamp) {
        self.with(|s| match s {
            Steering::Held(at) => *at = to,
            Steering::Running { real, shown, .. } => {
                *real = Timestamp::now();
                *shown = to;
            }
        });
    }

    /// How many times faster than the wall clock it runs; 0 when held.
    pub fn scale(&self) -> f64 {
        self.with(|s| match s {
            Steering::Held(_) => 0.0,
            Steering::Running { scale, .. } => *scale,
        })
    }
}

impl Clock for SteerableClock {
    fn now(&self) -> Timestamp {
        self.with(|s| match *s {
            Steering::Held(at) => at,
            Steering::Running { real, shown, scale } => {
                let passed = Timestamp::now().duration_since(real).as_secs_f64() * scale;
                let passed = SignedDuration::try_from_secs_f64(passed).unwrap_or(SignedDuration::ZERO);
                shown.checked_add(passed).unwrap_or(shown)
            }
        })
    }
}

/// Random bytes of the operating system.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemIds;

impl IdSource for SystemIds {
    #[expect(clippy::panic, reason = "without the system's randomness no secret can be made")]
    fn fill(&self, bytes: &mut [u8]) {
        // Without the system's randomness no secret can be made; going on would be worse than stopping.
        if let Err(error) = getrandom::fill(bytes) {
            panic!("the operating system gives no random bytes: {error}");
        }
    }
}

/// The same bytes for the same seed.
pub struct SeededIds(Mutex<ChaCha20Rng>);

impl SeededIds {
    /// A source that repeats itself for equal seeds.
    pub fn new(seed: u64) -> Self {
        Self(Mutex::new(ChaCha20Rng::seed_from_u64(seed)))
    }
}

impl IdSource for SeededIds {
    fn fill(&self, bytes: &mut [u8]) {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner).fill_bytes(bytes);
    }
}
