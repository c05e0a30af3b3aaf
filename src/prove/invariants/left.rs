//! Matters that were opened again and go on in a new ticket: the closed ones that they have left.

use jiff::SignedDuration;
use serde_json::Value;

use super::{
    super::{
        scene::Scene,
        watch::{Said, TicketValues, Version, Watch, Write},
    },
    Violation,
    ending::{Ended, Ending},
};
use crate::domain::{
    ids::reference,
    policy::{Policy, ReopenRule},
};

/// What was written so long before the next ticket was made was read before that.
const READ: SignedDuration = SignedDuration::from_hours(1);

/// How the details of a ticket begin in which a matter goes on, and of one in the place of a ticket that is gone.
const FOLLOWS: &str = "<p>The incident was opened again. Its first ticket, ";
const IN_PLACE_OF: &str = "<p>This ticket takes the place of ticket ";

/// Whether a policy lets a matter go on in a new ticket, by itself or where a person says so.
pub(super) fn may_follow(policy: &Policy) -> bool {
    matches!(policy.reopened_in_sentinel, ReopenRule::NewTicket | ReopenRule::Ask)
}

/// The reference of the ticket of an incident that follows another one.
pub(super) fn follows(arm_id: &str, incident: &str, closed: i64) -> String {
    reference(&["ticket", arm_id, incident, "follows", &closed.to_string()])
}

fn details(write: &Write) -> &str {
    write.body.pointer("/0/details_html").and_then(Value::as_str).unwrap_or_default()
}

/// The closed tickets that a ticket's matter has left for it, oldest first.
pub(in crate::prove) fn of(watch: &Watch, ticket: i64) -> Vec<i64> {
    let mut left = Vec::new();
    let mut now = ticket;
    loop {
        let makes = |write: &&Write| write.kind == "halo.tickets.post" && write.made && write.ticket == Some(now);
        let Some(write) = watch.writes.iter().find(makes) else { break };
        let follows = details(write).strip_prefix(FOLLOWS);
        let Some(rest) = follows.or_else(|| details(write).strip_prefix(IN_PLACE_OF)) else { break };
        let number = rest.split(',').next().and_then(|text| text.parse::<i64>().ok());
        // One after another: no ticket follows a younger one.
        let Some(before) = number.filter(|before| *before < now) else { break };
        if follows.is_some() {
            left.insert(0, before);
        }
        now = before;
    }
    left
}

/// Tickets that followed a ticket or took its place, one after another. A restored database may have forgotten them.
pub(super) fn after(watch: &Watch, ticket: i64) -> Vec<i64> {
    let mut found = vec![ticket];
    let creates = watch.writes.iter().filter(|write| write.kind == "halo.tickets.post" && write.made);
    for write in creates {
        let rest = details(write).strip_prefix(FOLLOWS).or_else(|| details(write).strip_prefix(IN_PLACE_OF));
        let before = rest.and_then(|rest| rest.split(',').next()?.parse::<i64>().ok());
        if before.is_some_and(|before| found.contains(&before)) {
            found.extend(write.ticket);
        }
    }
    found.split_off(1)
}

/// The last change of a ticket that closed it, before a place in the order of things.
fn closed_before(versions: &[Version<TicketValues>], order: u64) -> Option<&Version<TicketValues>> {
    let mut pairs = versions.windows(2).rev().filter_map(|pair| match pair {
        [old, new] => Some((old, new)),
        _ => None,
    });
    pairs.find(|(old, new)| !old.value.closed && new.value.closed && new.order < order).map(|(_, new)| new)
}

/// Whether words were written on a ticket before it was closed, and well before its matter left it.
pub(super) fn in_time(world: &Scene<'_>, ended: &Ended, ticket: i64, said: &Said) -> bool {
    let after = ended.left.iter().copied().chain(ended.tickets()).filter(|other| *other > ticket).min();
    let next = after.and_then(|next| world.watch.tickets.get(&next)).and_then(|versions| versions.first());
    let (Some(next), Some(versions)) = (next, world.watch.tickets.get(&ticket)) else { return false };
    let Some(closed) = closed_before(versions, next.order) else { return false };
    said.versions.first().is_some_and(|wording| wording.order < closed.order && wording.at + READ < next.at)
}

/// Whether a ticket says that the one before it was left for it, and that one had been closed before.
pub(super) fn goes_on(world: &Scene<'_>, (arm_id, incident): (&str, &str), (before, next): (&Write, &Write)) -> bool {
    let Some(number) = before.ticket else { return false };
    let said = details(next).contains(&follows(arm_id, incident, number));
    let versions = world.watch.tickets.get(&number).map_or(&[][..], Vec::as_slice);
    said && versions.iter().any(|version| version.value.closed && version.order < next.order)
}

/// 3, of what a closed ticket is told: in which one its matter goes on, once.
pub(super) fn told_once(ending: &Ending) -> Vec<Violation> {
    let twice = ending.incidents.iter().filter(|ended| !ended.left.is_empty()).filter_map(|ended| {
        let told = ended.notes.iter().filter(|note| note.ours && note.text.contains("It goes on in ticket"));
        let told = told.count();
        (told > ended.left.len()).then(|| {
            let text = format!("{} left {} tickets, which were told so {told} times", ended.named(), ended.left.len());
            Violation::new(3, text, ended.about())
        })
    });
    twice.collect()
}
