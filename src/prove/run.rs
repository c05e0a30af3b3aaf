//! One seed, or many side by side.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
        mpsc,
    },
};

use jiff::SignedDuration;

use super::{
    bugs::Bugs,
    clicks::Clicks,
    copies::Copies,
    invariants::{self, Violation},
    nemesis::Coverage,
    seat,
    seldom::Acts,
    shape::Shape,
    story::Story,
    world::{Broken, World, migrated},
};
use crate::{domain::policy::Policy, store::Snapshot};

/// Seeds of which one is lived twice and compared.
const TWICE_EVERY: u64 = 20;

/// What became of a world.
pub struct Lived {
    /// Its seed.
    pub seed: u64,
    /// Its story.
    pub story: Story,
    /// What went wrong in it.
    pub coverage: Coverage,
    /// What an admin pressed in it.
    pub clicks: Clicks,
    /// What came of a copy that wrote in it.
    pub copies: Copies,
    /// What happened in it that seldom does.
    pub seldom: Acts,
    /// Why it could not be judged.
    pub broken: Option<Broken>,
    /// Invariants that do not hold.
    pub violations: Vec<Violation>,
    /// What it took.
    pub size: Size,
}

/// What a world held, or many together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Size {
    /// Pairs.
    pub pairs: u64,
    /// Things done by people.
    pub acts: u64,
    /// Calls to the outside.
    pub calls: u64,
    /// Writes among them.
    pub writes: u64,
    /// Moments to which the clock jumped.
    pub moments: u64,
    /// Units of work that the engine ran.
    pub units: u64,
    /// How often a database was waited for.
    pub waits: u64,
    /// Simulated seconds.
    pub secs: u64,
}

impl Size {
    fn add(&mut self, other: Self) {
        self.pairs += other.pairs;
        self.acts += other.acts;
        self.calls += other.calls;
        self.writes += other.writes;
        self.moments += other.moments;
        self.units += other.units;
        self.waits += other.waits;
        self.secs += other.secs;
    }
}

/// Lives one world. `anew`: the engine keeps nothing in memory from one step to the next.
pub fn live(shape: Shape, bugs: &Bugs, anew: bool, migrated: &Snapshot) -> Lived {
    let seed = shape.seed;
    let mut lived = Lived {
        seed,
        story: Story::default(),
        coverage: Coverage::default(),
        clicks: Clicks::default(),
        copies: Copies::default(),
        seldom: Acts::default(),
        broken: None,
        violations: Vec::new(),
        size: Size::default(),
    };
    let mut world = match World::new(shape, bugs.clone(), anew, migrated) {
        Ok(world) => world,
        Err(broken) => {
            lived.broken = Some(broken);
            return lived;
        }
    };
    match world.live().and_then(|()| invariants::judge(&mut world)) {
        Ok((violations, pairs)) => {
            lived.violations = violations;
            lived.size.pairs = pairs;
        }
        Err(broken) => lived.broken = Some(broken),
    }
    world.note_databases();
    lived.size.acts = world.acts as u64;
    lived.size.calls = world.calls;
    (lived.size.moments, lived.size.units, lived.size.waits) = (world.moments, world.units, world.database_waits());
    lived.size.writes = world.watch.writes.len() as u64;
    let past: SignedDuration = world.now().duration_since(world.shape.begins);
    lived.size.secs = past.as_secs().unsigned_abs();
    lived.seldom = world.count_seldom();
    lived.copies = world.strikes.beside.counted;
    (lived.story, lived.coverage, lived.clicks) = (world.story, world.coverage, world.people.hand.clicks);
    lived
}

/// How seeds are run.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The first.
    pub from: u64,
    /// How many.
    pub seeds: u64,
    /// How many at once.
    pub jobs: usize,
    /// Live every one twice, not one in twenty.
    pub twice: bool,
    /// Go on after a failure.
    pub keep_going: bool,
    /// Bugs planted in them.
    pub bugs: Bugs,
    /// The customer's own policies; none: each seed draws one.
    pub policies: Arc<[Policy]>,
}

impl Plan {
    /// The world of a seed.
    pub(super) fn shape(&self, seed: u64) -> Shape {
        Shape::with(seed, &self.policies)
    }
}

/// A seed that failed.
pub struct Failure {
    /// Which.
    pub seed: u64,
    /// What is wrong, one sentence each.
    pub wrong: Vec<String>,
    /// The story around it.
    pub story: String,
    /// All of it.
    pub whole: String,
}

/// What many seeds came to.
#[derive(Default)]
pub struct Report {
    /// Worlds lived (each counts once).
    pub lived: u64,
    /// Those lived a second time.
    pub twice: u64,
    /// What they held.
    pub size: Size,
    /// What went wrong in them.
    pub coverage: Coverage,
    /// What admins pressed in them.
    pub clicks: Clicks,
    /// What came of copies that wrote in them.
    pub copies: Copies,
    /// What happened in them that seldom does.
    pub seldom: Acts,
    /// Failures by seed.
    pub failures: BTreeMap<u64, Failure>,
    /// Digest of every story by seed, for comparing whole runs.
    pub digests: BTreeMap<u64, String>,
}

impl Report {
    /// Nemeses that should have struck in so many seeds and did not.
    pub fn not_covered(&self) -> Vec<&'static str> {
        if self.lived < 100 {
            return Vec::new();
        }
        self.coverage.absent().into_iter().map(super::nemesis::Nemesis::words).collect()
    }

    /// Whether everything held.
    pub fn good(&self) -> bool {
        self.failures.is_empty() && self.not_covered().is_empty()
    }

    fn take(&mut self, lived: &Lived, failure: Option<Failure>, twice: bool) {
        self.lived += 1;
        self.twice += u64::from(twice);
        self.size.add(lived.size);
        self.coverage.add(&lived.coverage);
        self.clicks.add(&lived.clicks);
        self.copies.add(&lived.copies);
        self.seldom.add(&lived.seldom);
        self.digests.insert(lived.seed, lived.story.digest());
        if let Some(failure) = failure {
            self.failures.insert(failure.seed, failure);
        }
    }
}

/// What is wrong with a world, if anything.
pub(super) fn failure(lived: &Lived) -> Option<Failure> {
    let mut wrong = Vec::new();
    let mut about = Vec::new();
    match &lived.broken {
        Some(Broken::Own(text)) => wrong.push(format!("the simulation itself failed: {text}")),
        Some(Broken::Program(text)) => wrong.push(text.clone()),
        None => {}
    }
    for violation in &lived.violations {
        wrong.push(format!("invariant {}: {}", violation.number, violation.text));
        about.extend(violation.about.iter().cloned());
    }
    if wrong.is_empty() {
        return None;
    }
    about.sort();
    about.dedup();
    Some(Failure { seed: lived.seed, wrong, story: lived.story.print(&about), whole: lived.story.print_whole() })
}

/// Lives one seed of a plan, twice where that is due; gives what it came to.
pub fn seed(seed: u64, plan: &Plan, migrated: &Snapshot) -> (Lived, Option<Failure>, bool) {
    let lived = live(plan.shape(seed), &plan.bugs, false, migrated);
    let mut failed = failure(&lived);
    let twice = plan.twice || seed.is_multiple_of(TWICE_EVERY);
    if twice {
        let again = live(plan.shape(seed), &plan.bugs, true, migrated);
        if again.story.digest() != lived.story.digest() {
            let text = format!("the same seed gave two histories; they part at {}", lived.story.parting(&again.story));
            let story = || lived.story.print(&[]);
            let failure = failed.get_or_insert_with(|| Failure {
                seed,
                wrong: Vec::new(),
                story: story(),
                whole: lived.story.print_whole(),
            });
            failure.wrong.push(text);
        }
    }
    (lived, failed, twice)
}

/// Lives all seeds of a plan; `told` hears of each as it ends, in no particular order.
///
/// # Errors
/// What the simulation itself could not do before the first world.
pub fn many(plan: &Plan, mut told: impl FnMut(&Report)) -> Result<Report, Broken> {
    let migrated = migrated()?;
    let next = AtomicU64::new(plan.from);
    let end = plan.from.saturating_add(plan.seeds);
    let stop = AtomicBool::new(false);
    let report = Mutex::new(Report::default());
    let (tell, ended) = mpsc::channel();
    std::thread::scope(|scope| {
        for n in 0..plan.jobs.max(1) {
            let (tell, next, stop, report, migrated) = (tell.clone(), &next, &stop, &report, &migrated);
            scope.spawn(move || {
                seat::take(n);
                while !stop.load(Ordering::Relaxed) {
                    let one = next.fetch_add(1, Ordering::Relaxed);
                    if one >= end {
                        break;
                    }
                    let (lived, failed, twice) = seed(one, plan, migrated);
                    if failed.is_some() && !plan.keep_going {
                        stop.store(true, Ordering::Relaxed);
                    }
                    report.lock().unwrap_or_else(PoisonError::into_inner).take(&lived, failed, twice);
                    let _ = tell.send(());
                }
            });
        }
        drop(tell);
        for () in ended {
            told(&report.lock().unwrap_or_else(PoisonError::into_inner));
        }
    });
    Ok(report.into_inner().unwrap_or_else(PoisonError::into_inner))
}
