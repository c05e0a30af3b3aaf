//! Copies of the data directory: one that knows itself writes nothing; one that writes makes doubles until it is noticed, and
//! those alone.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::{
    super::{
        copies::{Ran, Still, reference_in},
        scene::Scene,
        watch::{Said, Write},
    },
    Violation,
    ending::{Ended, Ending},
};
use crate::domain::{ids::reference, operation::OperationKind};

/// What is under way when a process notices the other one is brought to its end: some calls, each as slow as may be.
const FINISHES: SignedDuration = SignedDuration::from_mins(10);
/// In so much time what the other one wrote is read.
const READS: SignedDuration = SignedDuration::from_hours(1);
/// So many notes may escape somebody who reads all of them.
const ESCAPE: usize = 2;

/// 14. Two instances by mistake make no duplicates: the copy of a data directory writes nothing.
///
/// One that writes all the same (of a whole machine, or confirmed) is noticed by somebody, who from then on writes nothing. And
/// nothing of what went wrong is taken for a second process's writes.
pub fn two_instances(world: &Scene<'_>, ending: &Ending) -> Vec<Violation> {
    let of_copies = world.watch.writes.iter().filter(|write| write.host > 0 && write.status < 300);
    let written: Vec<&Write> = of_copies.filter(|write| !world.both_wrote(write.order)).collect();
    if let Some(first) = written.first() {
        let text = format!(
            "the copy of the data directory wrote {} times, first {} at {}",
            written.len(),
            first.kind,
            first.at
        );
        return vec![Violation::new(14, text, about(first))];
    }
    let mut found = Vec::new();
    if let Some(taken) = &ending.second_writer {
        let text = format!("a second writer was noticed where there was none: {taken}");
        found.push(Violation::new(14, text, Vec::new()));
    }
    let Some(ran) = world.strikes.copy else { return found };
    for (n, still) in ran.stills.iter().enumerate() {
        found.extend(wrote_on(world, still));
        let named = named(still.host);
        let mut before = world.written_by_both().filter(|write| write.order < still.order);
        if before.all(|write| write.host == still.host) {
            let text = format!("{named} noticed a second writer at {}, before another one wrote", still.at);
            found.push(Violation::new(14, text, Vec::new()));
        }
        if ran.stills.iter().take(n).any(|earlier| earlier.host == still.host) {
            let text =
                format!("{named} noticed a second writer again at {}, after a person had confirmed it", still.at);
            found.push(Violation::new(14, text, Vec::new()));
        }
    }
    found.extend(unnoticed(world, ending, ran));
    found
}

fn about(write: &Write) -> Vec<String> {
    let mut about: Vec<String> = write.incident.iter().map(|(_, name)| name.clone()).collect();
    about.extend(write.ticket.map(|ticket| format!("#{ticket}")));
    about
}

fn named(host: usize) -> &'static str {
    if host == 0 { "the original" } else { "the copy" }
}

/// What a process set out to write after it had noticed the other one, and before a person confirmed it.
fn wrote_on(world: &Scene<'_>, still: &Still) -> Option<Violation> {
    let after = |write: &&Write| {
        let sent = write.sent > still.order && still.until.is_none_or(|until| write.sent < until);
        write.host == still.host && sent && write.at.duration_since(still.at) > FINISHES
    };
    let write = world.watch.writes.iter().find(after)?;
    let text = format!(
        "{} had noticed a second writer by {} and wrote at {} ({})",
        named(still.host),
        still.at,
        write.at,
        write.kind
    );
    Some(Violation::new(14, text, about(write)))
}

/// Notes that the copy alone wrote, in time for the original to read them, and nobody has noticed anything.
fn unnoticed(world: &Scene<'_>, ending: &Ending, ran: &Ran) -> Option<Violation> {
    let ended = ran.ended.filter(|_| ran.stills.is_empty())?;
    let sound = ending.incidents.iter().filter(|one| undisturbed(world, ending, one));
    let (notes, mut tickets): (usize, Vec<String>) = sound
        .map(|one| (alone(world, ending, one, ended - READS), one.about()))
        .filter(|(notes, _)| *notes > 0)
        .fold((0, Vec::new()), |(all, mut about), (notes, more)| {
            about.extend(more);
            (all + notes, about)
        });
    tickets.dedup();
    (notes > ESCAPE).then(|| {
        let text = format!("a copy wrote {notes} notes that the original had not sent, and neither noticed the other");
        Violation::new(14, text, tickets)
    })
}

/// A pair of which nothing keeps what stands in its ticket from being read.
fn undisturbed(world: &Scene<'_>, ending: &Ending, one: &Ended) -> bool {
    let Some(versions) = one.ticket.and_then(|ticket| world.watch.tickets.get(&ticket)) else { return false };
    let home = world.halo_client_id(one.client);
    let stayed = versions.iter().all(|version| {
        let value = &version.value;
        value.client_id == home && !value.deleted && value.merged_into == 0
    });
    let open = one.incident.as_ref().is_some_and(|incident| incident.status != "Closed");
    let single = one.ticket.is_some_and(|ticket| ending.of_ticket(ticket).count() == 1);
    stayed && open && single && !one.merged_away && !world.people.rebuilt.contains_key(&one.key)
}

/// How many notes of a pair the copy wrote by a moment, which the original never set out to write before it found them.
fn alone(world: &Scene<'_>, ending: &Ending, one: &Ended, by: Timestamp) -> usize {
    let Some(name) = world.shape.places.get(one.key.0).map(|place| place.workspace.as_str()) else { return 0 };
    let workspace = ending.installation.workspaces.iter().find(|w| w.name.eq_ignore_ascii_case(name));
    let (Some(workspace), Some(row)) = (workspace, &one.row) else { return 0 };
    let carries = |write: &&Write, found: &str| {
        let html = write.body.pointer("/0/note_html").and_then(Value::as_str).unwrap_or_default();
        write.kind == "halo.actions.post" && write.ticket == one.ticket && reference_in(html) == Some(found)
    };
    let comments: BTreeSet<&str> =
        one.comments.iter().filter(|text| text.by_person).map(|text| text.name.as_str()).collect();
    let told = comments.into_iter().filter(|comment| {
        let own = reference(&["comment", &workspace.arm_id, &one.key.1, comment]);
        let mut writes = world.watch.writes.iter().filter(|write| carries(write, &own));
        let tried = one.operations.iter().any(|operation| {
            let carries =
                matches!(&operation.kind, OperationKind::AddNote { comment: Some(id), .. } if id.as_str() == *comment);
            carries && (operation.attempts > 1 || operation.last_failure.is_some())
        });
        let mut any = false;
        let all = writes.all(|write| {
            any = true;
            write.host > 0 && write.made && write.at > row.pair.created && write.at < by
        });
        any && all && !tried
    });
    told.count()
}

/// Tickets that a copy made for an incident beside one of the original's, while both wrote.
pub fn tickets(world: &Scene<'_>, made: &[&Write]) -> Vec<i64> {
    let both: Vec<&&Write> = made.iter().filter(|write| world.both_wrote(write.order)).collect();
    let originals = both.iter().filter(|write| write.host == 0).count();
    both.iter().filter(|write| write.host > 0).take(originals).filter_map(|write| write.ticket).collect()
}

/// Whether what stands more often on the other side than somebody said it was told by the original and by a copy, once by
/// each, while both wrote. `kind`: what a write is that tells it there.
pub fn twice(world: &Scene<'_>, kind: &str, mark: &str, said: usize, there: usize) -> bool {
    let by = |copy: bool| {
        let told = world.written_by_both().filter(|write| write.kind == kind && (write.host > 0) == copy);
        told.filter(|write| write.body.to_string().contains(mark)).count()
    };
    let more = there.saturating_sub(said);
    more <= said && more <= by(false) && more <= by(true)
}

/// Whether one of them told the one, and the other the other, while both wrote: each keeps an order of its own.
pub fn by_two(world: &Scene<'_>, kind: &str, words: &Said, later: &Said) -> bool {
    let who = |said: &Said| {
        let mark = said.versions.first()?.mark.as_str();
        let mut told = world.written_by_both().filter(|write| write.kind == kind);
        told.find(|write| write.body.to_string().contains(mark)).map(|write| write.host)
    };
    matches!((who(words), who(later)), (Some(one), Some(other)) if one != other)
}
