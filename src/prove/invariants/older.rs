//! Incidents that are older than their workspace's start: they get a ticket when a backfill takes them in, and not otherwise.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::{
    super::{nemesis::Nemesis, scene::Scene, watch::IncidentKey, world::World},
    Violation,
    ending::{Ended, Ending},
    tickets::workspace_of,
};
use crate::{
    domain::{
        backfill::{Backfill, BackfillState, HowEnded, Progress},
        ids::reference,
    },
    planner::backfill::allowed,
};

/// One that is raised so shortly after the start may have been made just before it.
const SLACK: SignedDuration = SignedDuration::from_secs(2);

fn raised(world: &Scene<'_>, key: &IncidentKey) -> Option<Timestamp> {
    Some(world.watch.incidents.get(key)?.first()?.at)
}

/// Whether an incident may be older than its workspace's start.
pub(super) fn is(world: &Scene<'_>, key: &IncidentKey) -> bool {
    world.people.decided.start.zip(raised(world, key)).is_some_and(|(start, raised)| raised < start + SLACK)
}

/// When the first ticket of an incident was made.
fn made(scene: &Scene<'_>, ending: &Ending, ended: &Ended) -> Option<Timestamp> {
    let workspace = workspace_of(scene, ending, ended)?;
    let own = reference(&["ticket", &workspace.arm_id, &ended.key.1]);
    let makes = |body: &Value| {
        let details = body.pointer("/0/details_html").and_then(Value::as_str).unwrap_or_default();
        body.pointer("/0/id").is_none() && details.contains(&own)
    };
    let mut writes = scene.watch.writes.iter().filter(|write| write.kind == "halo.tickets.post" && write.made);
    writes.find(|write| makes(&write.body)).map(|write| write.at)
}

/// 1, 9 and 10 of backfills: each comes to an end, keeps its cap and its pace, and one that has looked at everything has left out
/// nothing; without one no older incident gets a ticket.
pub(super) fn backfilled(world: &World, scene: &Scene<'_>, ending: &Ending) -> Vec<Violation> {
    let Some(start) = scene.people.decided.start else { return Vec::new() };
    let store = world.host(0).map(|host| host.store.clone());
    let read = store
        .and_then(|store| world.with_store(&store, |store| async move { store.backfills().await.ok() }).ok().flatten());
    let backfills = read.unwrap_or_default();
    let mut found = Vec::new();
    for (number, place) in scene.shape.places.iter().enumerate() {
        let older: Vec<&Ended> = ending
            .incidents
            .iter()
            .filter(|ended| ended.key.0 == number && raised(scene, &ended.key).is_some_and(|at| at + SLACK < start))
            .collect();
        let mut made: Vec<Timestamp> = older.iter().filter_map(|ended| made(scene, ending, ended)).collect();
        made.sort_unstable();
        let id = older.first().and_then(|ended| workspace_of(scene, ending, ended)).map(|workspace| workspace.id);
        let backfill = backfills.iter().find(|backfill| Some(backfill.workspace) == id);
        let wrong =
            |number: u8, text: String| Violation::new(number, format!("{}: {text}", place.workspace), Vec::new());
        // A restored database may have forgotten one that was asked for and began.
        if !scene.strikes.restored.is_empty() {
            continue;
        }
        let Some(backfill) = backfill else {
            if let Some(first) = made.first() {
                found.push(wrong(1, format!("an incident from before the start got its ticket at {first}, unasked")));
            }
            continue;
        };
        found.extend(too_many(world, backfill, &made).map(|text| wrong(10, text)));
        let makes_tickets = matches!(place.mode, "two-way" | "sentinel-to-halo");
        match &backfill.state {
            BackfillState::Ended { at, how: HowEnded::Done, .. } => {
                for ended in older.iter().filter(|ended| left_out(scene, ended, backfill, *at)) {
                    let text = format!("{} was left out by a backfill that looked at everything", ended.named());
                    found.push(Violation::new(1, text, ended.about()));
                }
            }
            BackfillState::Ended { .. } => {}
            BackfillState::Counting | BackfillState::Forecast { .. } | BackfillState::Running { .. }
                if makes_tickets =>
            {
                found.push(wrong(9, format!("its backfill never came to its end ({})", backfill.state.name())));
            }
            BackfillState::Counting | BackfillState::Forecast { .. } | BackfillState::Running { .. } => {}
        }
    }
    found
}

/// What is wrong with how many tickets there were by when. Where our clock was wrong the pace was kept by that.
fn too_many(world: &World, backfill: &Backfill, made: &[Timestamp]) -> Option<String> {
    let Some(progress) = backfill.progress() else {
        return made
            .first()
            .map(|first| format!("an older incident got its ticket at {first}, before the backfill began"));
    };
    let cap = usize::try_from(backfill.cap).unwrap_or(usize::MAX);
    if made.len() > cap {
        return Some(format!("a backfill of {cap} tickets at most came to {}", made.len()));
    }
    let fate = &world.shape.fate;
    if fate.has(Nemesis::ClockForward) || fate.has(Nemesis::ClockBack) {
        return None;
    }
    let at_first = Progress { tickets: 0, still: None, stood_secs: 0, ..progress };
    let mut counted = (1_u32..).zip(made);
    let early = counted.find(|(count, at)| *count > allowed(backfill, &at_first, **at));
    early.map(|(count, at)| format!("{count} tickets of a backfill of {} an hour were made by {at}", backfill.per_hour))
}

/// Whether a backfill that has looked at everything should have taken an incident in and has not.
fn left_out(scene: &Scene<'_>, ended: &Ended, backfill: &Backfill, over: Timestamp) -> bool {
    let versions = scene.watch.incidents.get(&ended.key).map_or(&[][..], Vec::as_slice);
    let closed = versions.iter().any(|version| version.value.status == "Closed");
    let within = raised(scene, &ended.key).is_some_and(|at| at > backfill.from + SLACK);
    let shown = scene.watch.shown.get(&ended.key).is_some_and(|shown| *shown <= over);
    let waits = ended.merged_away || ended.incident.is_none() || scene.people.decided.apart.contains_key(&ended.key);
    ended.row.is_none() && within && shown && !waits && (backfill.closed || !closed)
}
