//! What goes wrong in the simulated worlds, and how often it did.

use super::dice::Dice;

macro_rules! nemeses {
    ($($(#[$doc:meta])* $name:ident = $words:literal;)+) => {
        /// One kind of misfortune.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Nemesis { $($(#[$doc])* $name,)+ }

        impl Nemesis {
            /// All of them, in the order of the table that is printed.
            pub const ALL: &[Self] = &[$(Self::$name),+];

            /// In words.
            pub fn words(self) -> &'static str {
                match self { $(Self::$name => $words,)+ }
            }
        }
    };
}

nemeses! {
    /// A write is carried out and its answer never arrives.
    LostAnswer = "lost answer after a write";
    /// A call never arrives, and its sender cannot know.
    Cut = "connection cut before the call";
    /// Half an answer, then the connection is cut.
    HalfBody = "half body";
    /// A whole answer whose JSON ends in the middle.
    BrokenJson = "broken JSON";
    /// An answer that drips for many seconds, or longer than anybody waits.
    SlowDrip = "slow drip";
    /// A call answered with a server's own fault before it was carried out.
    ServerError = "5xx";
    /// A write that was carried out and then answered with 5xx.
    ServerErrorAfter = "5xx after a write";
    /// A web page instead of JSON.
    WebPage = "web page instead of JSON";
    /// 429 with a time.
    Throttled = "429 with Retry-After";
    /// 429 without one.
    ThrottledSilent = "429 without Retry-After";
    /// One side does not answer for minutes to hours.
    Outage = "outage of a side";
    /// A read that does not see the newest writes.
    StaleRead = "stale read";
    /// The server hands out smaller pages than asked for.
    PageCap = "server caps page size";
    /// A member is null where text is expected.
    OddBody = "null where text is expected";
    /// A proxy sends a `PUT` twice.
    DuplicateRequest = "write sent twice by a proxy";
    /// A later call is carried out before an earlier one of the same process.
    Reordered = "calls overtake one another";
    /// Somebody writes to an incident between our read and our write.
    EtagConflict = "etag conflict";
    /// A webhook arrives twice.
    WebhookTwice = "webhook twice";
    /// A webhook arrives after one that was sent later.
    WebhookLate = "webhooks out of order";
    /// A webhook never arrives.
    WebhookLost = "webhook lost";
    /// An incident shows minutes to hours after it was made.
    Late = "incident shows late (up to 6 h)";
    /// Tokens stop working before their time.
    TokenDeath = "token death";
    /// The application's secret is replaced; an admin follows later.
    SecretChange = "secret change";
    /// Our clock jumps an hour forward.
    ClockForward = "clock jumps an hour forward";
    /// Our clock jumps an hour back.
    ClockBack = "clock jumps an hour back";
    /// A client's zone changes between summer and winter time.
    SummerTime = "summer time begins or ends";
    /// Defender merges two incidents.
    Merge = "incidents merged";
    /// An agent merges two tickets.
    TicketMerge = "tickets merged";
    /// An incident is deleted.
    IncidentDeleted = "incident deleted";
    /// A ticket is deleted.
    TicketDeleted = "ticket deleted";
    /// A ticket is moved to another client.
    ClientMoved = "ticket moved to another client";
    /// The process dies anywhere in its work and starts again.
    Crash = "crash at any step";
    /// The disk is lost; an old backup takes its place.
    Restore = "old backup restored";
    /// A copy of the data directory runs beside the original.
    TwoInstances = "two instances";
    /// The database cannot grow.
    FullDisk = "full disk";
}

/// How often each nemesis struck.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Coverage(Vec<u64>);

impl Default for Coverage {
    fn default() -> Self {
        Self(vec![0; Nemesis::ALL.len()])
    }
}

impl Coverage {
    /// It struck.
    pub fn struck(&mut self, nemesis: Nemesis) {
        if let Some(count) = self.0.get_mut(nemesis as usize) {
            *count += 1;
        }
    }

    /// How often.
    pub fn count(&self, nemesis: Nemesis) -> u64 {
        self.0.get(nemesis as usize).copied().unwrap_or(0)
    }

    /// Adds another world's.
    pub fn add(&mut self, other: &Self) {
        for (count, more) in self.0.iter_mut().zip(&other.0) {
            *count += more;
        }
    }

    /// Those that never struck.
    pub fn absent(&self) -> Vec<Nemesis> {
        Nemesis::ALL.iter().copied().filter(|nemesis| self.count(*nemesis) == 0).collect()
    }
}

/// Which nemeses a world has, and how hard each strikes (0 = not at all).
#[derive(Debug, Clone)]
pub struct Fate(Vec<f64>);

impl Fate {
    /// Nothing goes wrong.
    pub fn calm() -> Self {
        Self(vec![0.0; Nemesis::ALL.len()])
    }

    /// Some of them, each gently or hard: worlds in which everything goes wrong at once hide what one alone shows.
    pub fn draw(dice: &mut Dice) -> Self {
        let share = dice.spread(0.1, 0.7);
        let strength = |dice: &mut Dice| if dice.chance(share) { dice.spread(0.2, 1.5) } else { 0.0 };
        Self(Nemesis::ALL.iter().map(|_| strength(dice)).collect())
    }

    /// How hard it strikes.
    pub fn of(&self, nemesis: Nemesis) -> f64 {
        self.0.get(nemesis as usize).copied().unwrap_or(0.0)
    }

    /// Whether the world has it at all.
    pub fn has(&self, nemesis: Nemesis) -> bool {
        self.of(nemesis) > 0.0
    }

    /// Those it has, in words.
    pub fn words(&self) -> Vec<&'static str> {
        Nemesis::ALL.iter().filter(|nemesis| self.has(**nemesis)).map(|nemesis| nemesis.words()).collect()
    }
}
