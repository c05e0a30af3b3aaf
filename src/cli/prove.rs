//! `halobridge prove`: lives random worlds and checks what must always hold.

use std::{fs, path::PathBuf, process::ExitCode, sync::Arc};

use anyhow::{Context as _, bail};
use clap::Args;

use super::{complain, say};
use crate::{
    clock::{Clock as _, SystemClock},
    domain::policy::Policy,
    prove::{
        bugs::{Bug, Bugs},
        clicks::Clicks,
        copies::Copies,
        mapping,
        nemesis::Nemesis,
        planted,
        run::{self, Plan, Report},
        seldom::Acts,
        world::Broken,
    },
};

/// Shown by `--help`.
pub const LONG: &str = "Live random worlds in this process and check what must always hold.\n\n\
    Each seed is a world of its own: both clouds, people who write and close and move on both sides, and what goes \
    wrong: lost answers, crashes, full disks, old backups, clocks that jump. The real engine, database and adapters run \
    in it under a virtual clock. After quiet time fifteen invariants are checked: nothing lost, doubled, echoed or sent \
    to the wrong client. The same seed always gives the same history. Nothing outside this process is touched.\n\n\
    Example: halobridge prove --seeds 500\n\
    With --config the policies of an applied file are lived with: your own mapping, in a Halo that knows its names.\n\n\
    A failure prints its seed and its story; replay it with: halobridge prove --from SEED --seeds 1";

/// Options of `prove`.
#[derive(Debug, Args)]
pub struct ProveArgs {
    /// How many worlds
    #[arg(long, env = "HALOBRIDGE_PROVE_SEEDS", value_name = "N", default_value_t = 100)]
    pub seeds: u64,

    /// The first seed
    #[arg(long, env = "HALOBRIDGE_PROVE_FROM", value_name = "SEED", default_value_t = 0)]
    pub from: u64,

    /// Live every world twice and compare the histories (otherwise one in twenty)
    #[arg(long, env = "HALOBRIDGE_PROVE_TWICE", value_parser = super::values::switch)]
    pub twice: bool,

    /// Worlds at once (default: one for each processor)
    #[arg(long, env = "HALOBRIDGE_PROVE_JOBS", value_name = "N")]
    pub jobs: Option<usize>,

    /// Go on after the first failure
    #[arg(long, env = "HALOBRIDGE_PROVE_KEEP_GOING", value_parser = super::values::switch)]
    pub keep_going: bool,

    /// Show that the checks see: plant each known bug (or the one named) and count the worlds until it is found
    #[arg(long, env = "HALOBRIDGE_PROVE_PLANTED", value_name = "BUG", num_args = 0..=1, default_missing_value = "all")]
    pub planted: Option<String>,

    /// Live with the policies of this applied file instead of ones that the seed draws
    #[arg(long, env = "HALOBRIDGE_PROVE_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// Print the whole story of a failure, not only what concerns it
    #[arg(long, env = "HALOBRIDGE_PROVE_WHOLE_STORY", value_parser = super::values::switch)]
    pub whole_story: bool,
}

/// Runs it.
///
/// # Errors
/// One clear sentence with the remedy.
pub fn run(args: &ProveArgs) -> anyhow::Result<ExitCode> {
    let processors = || std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let plan = Plan {
        from: args.from,
        seeds: args.seeds,
        jobs: args.jobs.unwrap_or_else(processors),
        twice: args.twice,
        keep_going: args.keep_going,
        bugs: Bugs::default(),
        policies: policies(args.config.as_ref())?,
    };
    if let Some(name) = &args.planted {
        return plant(&plan, name);
    }
    let began = SystemClock.now();
    let mut told = 0;
    let tell = |report: &Report| {
        if report.failures.len() > told {
            told = report.failures.len();
            let seeds: Vec<String> = report.failures.keys().map(u64::to_string).collect();
            complain(format!("{told} of {} worlds failed so far: seeds {}", report.lived, seeds.join(", ")));
        }
    };
    let report = match run::many(&plan, tell) {
        Ok(report) => report,
        Err(Broken::Own(text) | Broken::Program(text)) => bail!("The simulation cannot begin: {text}"),
    };
    let took = SystemClock.now().duration_since(began).as_secs_f64();
    print(&report, took, args.whole_story);
    Ok(if report.good() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The policies of the file, if one is named.
fn policies(file: Option<&PathBuf>) -> anyhow::Result<Arc<[Policy]>> {
    let Some(file) = file else { return Ok(Arc::default()) };
    let text = fs::read_to_string(file).with_context(|| format!("{} cannot be read", file.display()))?;
    let found = mapping::policies(&text);
    Ok(found.map_err(|faults| anyhow::anyhow!("{} cannot be used:\n{faults}", file.display()))?.into())
}

/// Plants bugs one by one and prints the table of the worlds that each needed.
fn plant(plan: &Plan, name: &str) -> anyhow::Result<ExitCode> {
    let wanted: Vec<Bug> =
        Bug::ALL.iter().copied().filter(|bug| name == "all" || bug.name().eq_ignore_ascii_case(name)).collect();
    if wanted.is_empty() {
        let names: Vec<&str> = Bug::ALL.iter().map(|bug| bug.name()).collect();
        bail!("There is no planted bug {name:?}. Name one of: {}.", names.join(", "));
    }
    let mut all = true;
    for bug in wanted {
        let search = match planted::search(bug, plan) {
            Ok(search) => search,
            Err(Broken::Own(text) | Broken::Program(text)) => bail!("The simulation cannot begin: {text}"),
        };
        let (count, by) = match &search.found {
            Some(found) => (format!("{}", search.lived), format!("seed {}: {}", found.seed, found.wrong)),
            None => (format!("> {}", search.lived), "not found".to_owned()),
        };
        all &= search.found.is_some();
        say(format!("{count:>6}  {:<20} {}  ({by})", bug.name(), bug.words()));
    }
    Ok(if all { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn print(report: &Report, took: f64, whole: bool) {
    for failure in report.failures.values() {
        complain(format!("\nseed {} failed:", failure.seed));
        for wrong in &failure.wrong {
            complain(format!("  {wrong}"));
        }
        complain("its story:");
        complain(if whole { &failure.whole } else { &failure.story });
        complain(format!("replay it with: halobridge prove --from {} --seeds 1", failure.seed));
    }
    let size = report.size;
    let worlds = report.lived + report.twice;
    say(format!(
        "{} worlds ({} of them twice) in {took:.1} s: {:.1} a second; {} pairs, {} acts, {} calls, {} writes, {} units of work at {} moments, {} waits for the database, {:.1} simulated days; {} copies wrote and made {} doubles",
        report.lived,
        report.twice,
        worlds as f64 / took.max(0.001),
        size.pairs,
        size.acts,
        size.calls,
        size.writes,
        size.units,
        size.moments,
        size.waits,
        size.secs as f64 / 86_400.0,
        report.copies.ran(),
        report.copies.doubles(),
    ));
    for nemesis in Nemesis::ALL {
        say(format!("  {:>8}  {}", report.coverage.count(*nemesis), nemesis.words()));
    }
    for what in Clicks::ALL {
        say(format!("  {:>8}  {what}", report.clicks.count(what)));
    }
    for what in Copies::ALL {
        say(format!("  {:>8}  {what}", report.copies.count(what)));
    }
    for what in Acts::ALL {
        say(format!("  {:>8}  {what}", report.seldom.count(what)));
    }
    let absent = report.not_covered();
    if !absent.is_empty() {
        complain(format!("These never struck, so nothing is proven about them: {}.", absent.join(", ")));
    }
    let failed = report.failures.len();
    say(if failed == 0 { "No world failed.".to_owned() } else { format!("{failed} worlds failed.") });
}
