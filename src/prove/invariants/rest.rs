//! Rest: with nobody doing anything nothing is written, and a new start changes nothing.

use jiff::SignedDuration;

use super::{
    super::{
        scene::Scene,
        story::Who,
        watch::Write,
        world::{Broken, World},
    },
    Violation,
    ending::{Ended, Ending},
    excused::has_few_places,
};

/// In so much time what is new to us is taken up, in the hourly steps of a quiet world: the creation is looked for twice
/// after a restore, then come the link and the reading of what was written.
const TAKEN_UP: SignedDuration = SignedDuration::from_hours(4);
/// How long a new start is watched.
const WATCHED: SignedDuration = SignedDuration::from_hours(2);
/// One world in so many is started anew even when nothing crashed in it.
const ANEW_EVERY: u64 = 5;

/// 5. With no human input the system falls silent.
///
/// An incident may show six hours late, behind every poll, and be found by the next whole list six hours after that: its
/// ticket comes then. Notes that are gathered near an incident's limit of comments come when their wait is over.
pub fn falls_silent(world: &Scene<'_>, ending: &Ending) -> Vec<Violation> {
    let from = world.silent_from;
    let of = |write: &Write| {
        let of_it = |ended: &&Ended| {
            ended.ticket.is_some() && ended.ticket == write.ticket || write.incident.as_ref() == Some(&ended.key)
        };
        ending.incidents.iter().find(of_it)
    };
    let newly_shown = |write: &Write| {
        let shown = of(write).and_then(|ended| world.watch.shown.get(&ended.key));
        shown.is_some_and(|shown| write.at.duration_since(*shown) < TAKEN_UP)
    };
    let gathered = |write: &Write| write.kind == "sentinel.comment.put" && of(write).is_some_and(has_few_places);
    let due = |write: &&Write| newly_shown(write) || gathered(write);
    let late: Vec<_> = world.watch.writes.iter().filter(|write| write.at >= from && !due(write)).collect();
    let Some(first) = late.first() else { return Vec::new() };
    let mut about: Vec<String> = first.incident.iter().map(|(_, name)| name.clone()).collect();
    about.extend(first.ticket.map(|ticket| format!("#{ticket}")));
    let text = format!("{} writes in the last hours of quiet, first {} at {}", late.len(), first.kind, first.at);
    vec![Violation::new(5, text, about)]
}

/// 11, first half: the ledger is whole, whatever crashed.
pub fn ledger_whole(_: &Scene<'_>, ending: &Ending) -> Vec<Violation> {
    ending.damage.iter().map(|text| Violation::new(11, text.clone(), Vec::new())).collect()
}

/// 11, second half: a new start over the same database changes nothing.
///
/// # Errors
/// The simulation could not.
pub fn restart_changes_nothing(world: &mut World) -> Result<Vec<Violation>, Broken> {
    if world.strikes.crashes == 0 && !world.shape.seed.is_multiple_of(ANEW_EVERY) {
        return Ok(Vec::new());
    }
    let written = world.watch.writes.len();
    world.kill(0);
    world.forget_tasks();
    world.lose_receipts(0);
    world.tell(Who::Admin, "stops the process and starts it again");
    world.restart_host(0, false);
    let until = world.now() + WATCHED;
    world.live_until(until)?;
    let later = world.watch.writes.get(written..).unwrap_or_default();
    let Some(first) = later.first() else { return Ok(Vec::new()) };
    let mut about: Vec<String> = first.incident.iter().map(|(_, name)| name.clone()).collect();
    about.extend(first.ticket.map(|ticket| format!("#{ticket}")));
    let text = format!("a new start made {} writes, first {} at {}", later.len(), first.kind, first.at);
    Ok(vec![Violation::new(11, text, about)])
}
