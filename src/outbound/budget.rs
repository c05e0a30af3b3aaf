//! How many calls may be made: one budget per Halo instance and one per Azure subscription.
//!
//! A budget counts in rolling windows (Halo: 300 requests in any five minutes, token calls
//! included; Microsoft: the promised floor per kind of call) and in steadily refilled buckets
//! (Azure Resource Manager's reads). Work that can wait is paced evenly over a window, so that a place
//! frees every second and not all of them after five minutes. It never sleeps: it answers "now" or
//! "not before". The server's word (429, `Retry-After`, remaining) wins over our own count.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, PoisonError},
};

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

mod expected;
mod pace;
mod pages;

use self::{
    expected::Expected,
    pace::{even, kept, mine, sustained},
};
use super::bucket::Bucket;
pub use super::subscriptions::Subscriptions;
use crate::clock;

/// The length of both sides' windows.
pub const WINDOW: SignedDuration = SignedDuration::from_mins(5);

/// What a call is for. Earlier ones may use more of the window: the rest is kept for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    /// A person waits for it.
    Interactive,
    /// A webhook announced it.
    WebhookBorn,
    /// Asking for what has changed, and reading that: few calls, and everything else begins with them.
    Poll,
    /// A new incident becomes a ticket.
    New,
    /// A closure.
    Closure,
    /// A comment or note.
    Comment,
    /// Slow full readings.
    Reconcile,
    /// Old incidents taken in.
    Backfill,
}

impl Class {
    /// Percent of a window this class may fill; what lies above is kept for more urgent classes.
    fn share(self) -> u64 {
        match self {
            Self::Interactive => 100,
            Self::Poll => 99,
            Self::WebhookBorn => 99,
            Self::New | Self::Closure | Self::Comment => PACED,
            Self::Reconcile => 85,
            Self::Backfill => 60,
        }
    }

    /// Whether its calls are spread over the window.
    pub fn paced(self) -> bool {
        self >= Self::New
    }
}

/// Percent of a window that paced work comes to at most: together, and as its pace.
const PACED: u64 = 98;
/// What is fresh needs a number of calls, not a part: so many are left to it where that is less than a tenth.
const FRESH: u64 = 4;
/// A window of which no more than this part is used is not paced: after a quiet time a few go at once.
const BURST: u64 = 5;
/// The part of a window that gathers while nothing is sent, and the fewest calls that this is.
const GATHERED: u64 = 30;
const GATHERED_MIN: u64 = 3;

/// Which limit a call counts against.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Any call to a Halo instance, token calls too.
    Halo,
    /// Azure reads without a promise of their own: lists and single incidents, discovery.
    Read,
    /// `GET …/comments`.
    CommentsRead,
    /// `POST …/alerts`.
    AlertsRead,
    /// `POST …/entities`.
    EntitiesRead,
    /// `PUT` of an incident.
    IncidentWrite,
    /// `PUT` of a comment.
    CommentWrite,
    /// Azure's other writes, which only set-up makes: rules, Logic Apps, roles.
    SetUp,
}

impl Kind {
    /// In words, for the page.
    pub fn words(self) -> &'static str {
        match self {
            Self::Halo => "requests",
            Self::Read => "reads",
            Self::CommentsRead => "comment reads",
            Self::AlertsRead => "alert reads",
            Self::EntitiesRead => "entity reads",
            Self::IncidentWrite => "incident writes",
            Self::CommentWrite => "comment writes",
            Self::SetUp => "set-up writes",
        }
    }
}

/// How full one limit is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LimitState {
    /// Which.
    pub kind: Kind,
    /// Calls allowed per five minutes (window) or at once (bucket).
    pub allowed: u64,
    /// Calls that still count now.
    pub used: u64,
    /// When the next call that a person waits for may go; now or earlier = at once.
    pub free_at: Timestamp,
}

/// How full a budget is, for the page. `allowed`, `used` and `free_at` are its fullest limit's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BudgetState {
    /// Calls allowed.
    pub allowed: u64,
    /// Calls that still count now.
    pub used: u64,
    /// When the next call that a person waits for may go.
    pub free_at: Timestamp,
    /// Until when the server told us to wait, if it did.
    pub told_until: Option<Timestamp>,
    /// Every limit.
    pub limits: Vec<LimitState>,
}

/// One shared budget.
#[derive(Debug)]
pub struct Budget {
    inner: Mutex<Inner>,
    /// Who may do what only one may do at a time there.
    alone: tokio::sync::Mutex<()>,
}

#[derive(Debug)]
struct Inner {
    limits: BTreeMap<Kind, Limit>,
    told_until: Option<Timestamp>,
    /// 429s without a time since the last good answer.
    strikes: u32,
    /// When it was last asked or told something.
    last: Option<Timestamp>,
}

impl Inner {
    /// When the clock was set back, what was taken and told moves with it: else it would count for all that time.
    fn mind_clock(&mut self, now: Timestamp) {
        let before = self.last.replace(now);
        let Some(by) = before.and_then(|before| clock::set_back(before, now)) else { return };
        let back = |at: &mut Timestamp| *at = at.checked_sub(by).unwrap_or(*at);
        self.told_until.iter_mut().for_each(back);
        for limit in self.limits.values_mut() {
            // A bucket goes by what passes from now on.
            if let Limit::Window { taken, expected, .. } = limit {
                taken.iter_mut().for_each(back);
                expected.set_back(back);
            }
        }
    }
}

#[derive(Debug)]
enum Limit {
    /// At most `allowed` calls in any [`WINDOW`]; paced ones take from a bucket besides, which fills as fast as the
    /// window can bear.
    Window { allowed: u64, taken: VecDeque<Timestamp>, pace: Bucket, expected: Expected },
    /// A bucket alone.
    Bucket(Bucket),
}

impl Limit {
    fn window(allowed: u64) -> Self {
        let allowed = allowed.max(1);
        let gathered = (allowed / GATHERED).max(GATHERED_MIN).min(allowed);
        let pace = Bucket::full(gathered as f64, even(allowed));
        Self::Window { allowed, taken: VecDeque::new(), pace, expected: Expected::default() }
    }

    /// Lets old calls leave and tokens come back.
    fn pass(&mut self, now: Timestamp) {
        match self {
            Self::Window { allowed, taken, pace, expected } => {
                expected.pass(now);
                while taken.front().is_some_and(|at| now.duration_since(*at) >= WINDOW) {
                    taken.pop_front();
                }
                // At the rate that was told, so that a moment that was promised holds.
                pace.pass(now);
                let bursting = taken.len() as u64 <= *allowed / BURST;
                pace.per_second = if bursting {
                    even(*allowed)
                } else {
                    sustained(*allowed, taken, expected.near(now, *allowed), now)
                };
            }
            Self::Bucket(bucket) => bucket.pass(now),
        }
    }

    /// `None` when so many calls of this class may go now, else the moment they may.
    fn free_at(&self, now: Timestamp, class: Class, calls: u64) -> Option<Timestamp> {
        let room = self.room_at(now, class, calls);
        match self {
            Self::Window { allowed, taken, pace, .. } => {
                let calls = calls.clamp(1, mine(*allowed, class));
                let paced = class.paced() && taken.len() as u64 + calls > allowed / BURST;
                room.max(if paced { pace.free_at(now, 0.0, calls) } else { None })
            }
            Self::Bucket(_) => room,
        }
    }

    fn take(&mut self, now: Timestamp, class: Class) {
        match self {
            Self::Window { taken, pace, expected, .. } => {
                taken.push_back(now);
                expected.made(now, class);
                if class.paced() {
                    pace.tokens = (pace.tokens - 1.0).max(0.0);
                }
            }
            Self::Bucket(bucket) => bucket.tokens -= 1.0,
        }
    }

    /// Takes the size of a new one; what was taken counts on.
    fn resize(&mut self, new: Self) {
        match (self, new) {
            (Self::Window { allowed, pace, .. }, Self::Window { allowed: wanted, pace: fresh, .. })
                if *allowed != wanted =>
            {
                (*allowed, *pace) = (wanted, fresh);
            }
            // A size that the service itself told stays.
            (Self::Bucket(old), Self::Bucket(fresh)) if (old.per_second - fresh.per_second).abs() > f64::EPSILON => {
                (old.size, old.per_second) = (fresh.size, fresh.per_second);
                old.tokens = old.tokens.min(old.size);
            }
            _ => {}
        }
    }

    fn figures(&self) -> (u64, u64) {
        match self {
            Self::Window { allowed, taken, .. } => (*allowed, taken.len() as u64),
            Self::Bucket(Bucket { size, tokens, .. }) => (*size as u64, (size - tokens).max(0.0).ceil() as u64),
        }
    }
}

fn of_halo(requests_per_5min: u32) -> BTreeMap<Kind, Limit> {
    BTreeMap::from([(Kind::Halo, Limit::window(u64::from(requests_per_5min)))])
}

fn of_azure(writes_per_5min: u32) -> BTreeMap<Kind, Limit> {
    let writes = u64::from(writes_per_5min);
    let details = writes * 4 / 3;
    let scale = (f64::from(writes_per_5min) / 75.0).max(1.0);
    let size = 250.0 * scale;
    BTreeMap::from([
        (Kind::IncidentWrite, Limit::window(writes)),
        (Kind::CommentWrite, Limit::window(writes)),
        (Kind::CommentsRead, Limit::window(details)),
        (Kind::AlertsRead, Limit::window(details)),
        (Kind::EntitiesRead, Limit::window(details)),
        (Kind::Read, Limit::Bucket(Bucket::full(size, 25.0 * scale))),
        (Kind::SetUp, Limit::Bucket(Bucket::full(200.0 * scale, 10.0 * scale))),
    ])
}

pub(super) fn after(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.checked_add(by).unwrap_or(at)
}

/// Seconds as a duration, never below a millisecond (clocks here have that precision).
pub(super) fn seconds(count: f64) -> SignedDuration {
    let millis = (count * 1000.0).ceil().clamp(1.0, 86_400_000.0);
    SignedDuration::from_millis(millis as i64)
}

impl Budget {
    fn of(limits: BTreeMap<Kind, Limit>) -> Arc<Self> {
        let inner = Mutex::new(Inner { limits, told_until: None, strikes: 0, last: None });
        Arc::new(Self { inner, alone: tokio::sync::Mutex::default() })
    }

    /// Waits until nobody else who shares this budget holds it: what a service bears only one at a time.
    pub async fn alone(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.alone.lock().await
    }

    /// A Halo instance's: `requests_per_5min` in any five minutes, whatever they are (halo-api sheet 7.1).
    pub fn halo(requests_per_5min: u32) -> Arc<Self> {
        Self::of(of_halo(requests_per_5min))
    }

    /// An Azure subscription's (sentinel-api sheet 7): `writes_per_5min` of each kind of write (75 is
    /// promised), a third more of each kind of detail read, and Resource Manager's bucket of reads.
    pub fn azure(writes_per_5min: u32) -> Arc<Self> {
        Self::of(of_azure(writes_per_5min))
    }

    /// So many requests are allowed from now on: what was spent is spent, and a time that was named holds.
    pub fn allow_halo(&self, requests_per_5min: u32) {
        self.resize(of_halo(requests_per_5min));
    }

    /// The same for an Azure subscription's writes, and what goes by them.
    pub fn allow_azure(&self, writes_per_5min: u32) {
        self.resize(of_azure(writes_per_5min));
    }

    fn resize(&self, limits: BTreeMap<Kind, Limit>) {
        self.with(|inner| {
            for (kind, new) in limits {
                if let Some(limit) = inner.limits.get_mut(&kind) {
                    limit.resize(new);
                }
            }
        });
    }

    fn with<T>(&self, f: impl FnOnce(&mut Inner) -> T) -> T {
        f(&mut self.inner.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn at<T>(&self, now: Timestamp, f: impl FnOnce(&mut Inner) -> T) -> T {
        self.with(|inner| {
            inner.mind_clock(now);
            f(inner)
        })
    }

    /// Counts one call.
    ///
    /// # Errors
    /// The earliest moment at which a call of this kind and class may be sent. Nothing was counted.
    pub fn take(&self, now: Timestamp, kind: Kind, class: Class) -> Result<(), Timestamp> {
        self.take_once(now, kind, class, |limit| limit.free_at(now, class, 1))
    }

    /// When so many calls of this kind and class may be sent one after the other: `now`, or later. Nothing is counted.
    pub fn free_at(&self, now: Timestamp, kind: Kind, class: Class, calls: u64) -> Timestamp {
        self.at(now, |inner| {
            let free = inner.limits.get_mut(&kind).and_then(|limit| {
                limit.pass(now);
                limit.free_at(now, class, calls)
            });
            free.max(inner.told_until).map_or(now, |at| at.max(now))
        })
    }

    /// How many calls of this kind and class the window still has, whatever their pace; 0 while the server told us to
    /// wait. Nothing is counted.
    pub fn left(&self, now: Timestamp, kind: Kind, class: Class) -> u64 {
        self.at(now, |inner| {
            if inner.told_until.is_some_and(|until| until > now) {
                return 0;
            }
            let Some(limit) = inner.limits.get_mut(&kind) else { return u64::MAX };
            limit.pass(now);
            match limit {
                Limit::Window { allowed, .. } => mine(*allowed, class).saturating_sub(limit.used(now, class)),
                Limit::Bucket(bucket) => (bucket.tokens - kept(bucket, class)).max(0.0) as u64,
            }
        })
    }

    /// The server named a time (`Retry-After`): nothing goes before it, and it goes then.
    pub fn told_to_wait(&self, now: Timestamp, until: Timestamp) {
        self.at(now, |inner| {
            inner.told_until = Some(inner.told_until.map_or(until, |old| old.max(until)));
            inner.strikes = 0;
        });
    }

    /// Until when the server told us to wait, if it did and that is not over.
    pub fn told_until(&self, now: Timestamp) -> Option<Timestamp> {
        self.at(now, |inner| inner.told_until.filter(|until| *until > now))
    }

    /// The server said 429 without a time: wait 15 s, then 30, then 60 for as long as it goes on
    /// (halo-api sheet 7.1). Gives the moment.
    pub fn told_to_wait_some_time(&self, now: Timestamp) -> Timestamp {
        self.at(now, |inner| {
            // Several calls in flight that are refused together are one refusal.
            if let Some(until) = inner.told_until.filter(|until| *until > now) {
                return until;
            }
            let wait = match inner.strikes {
                0 => 15,
                1 => 30,
                _ => 60,
            };
            inner.strikes = inner.strikes.saturating_add(1);
            let until = after(now, SignedDuration::from_secs(wait));
            inner.told_until = Some(until);
            until
        })
    }

    /// A call was answered with anything but 429.
    pub fn answered(&self) {
        self.with(|inner| inner.strikes = 0);
    }

    /// The server told how many calls of this kind remain (`x-ms-ratelimit-remaining-…`).
    pub fn learn(&self, now: Timestamp, kind: Kind, remaining: u64) {
        self.at(now, |inner| {
            let Some(limit) = inner.limits.get_mut(&kind) else { return };
            limit.pass(now);
            match limit {
                Limit::Bucket(Bucket { size, tokens, .. }) => {
                    *tokens = remaining as f64;
                    *size = size.max(*tokens);
                }
                Limit::Window { .. } if remaining == 0 => {
                    let until = after(now, SignedDuration::from_secs(1));
                    inner.told_until = Some(inner.told_until.map_or(until, |old| old.max(until)));
                }
                Limit::Window { .. } => {}
            }
        });
    }

    /// How full it is.
    pub fn state(&self, now: Timestamp) -> BudgetState {
        self.at(now, |inner| {
            let told_until = inner.told_until.filter(|until| *until > now);
            let mut limits = Vec::with_capacity(inner.limits.len());
            for (kind, limit) in &mut inner.limits {
                limit.pass(now);
                let (allowed, used) = limit.figures();
                let free_at = limit.free_at(now, Class::Interactive, 1).unwrap_or(now);
                limits.push(LimitState { kind: *kind, allowed, used, free_at });
            }
            let fullest = limits.iter().max_by_key(|l| (l.used * 1000).checked_div(l.allowed).unwrap_or(0)).cloned();
            let (allowed, used, free) = fullest.map_or((0, 0, now), |l| (l.allowed, l.used, l.free_at));
            BudgetState { allowed, used, free_at: told_until.map_or(free, |t| t.max(free)), told_until, limits }
        })
    }
}
