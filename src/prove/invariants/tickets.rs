//! Incidents and their tickets: one each, of the right client, never closed by a merge.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::{
    super::{
        scene::Scene,
        watch::{By, IncidentValues, TicketValues, Version, Write},
    },
    Violation, copies,
    ending::{Ended, Ending},
    left, older,
};
use crate::domain::{
    ids::reference,
    operation::{Operation, OperationState},
    reason::Reason,
    workspace::Workspace,
};

pub(super) fn workspace_of<'a>(world: &Scene<'_>, ending: &'a Ending, ended: &Ended) -> Option<&'a Workspace> {
    let place = world.shape.places.get(ended.key.0)?;
    ending.installation.workspaces.iter().find(|w| w.name.eq_ignore_ascii_case(&place.workspace))
}

/// The references that an incident's ticket may carry: its own, that of one in the place of each that is gone, and where the
/// policy may let a matter go on in a new ticket, that of one that follows another.
fn references_of(world: &Scene<'_>, ending: &Ending, ended: &Ended, gone: &[String]) -> Vec<String> {
    let Some(workspace) = workspace_of(world, ending, ended) else { return Vec::new() };
    let own = reference(&["ticket", &workspace.arm_id, &ended.key.1]);
    let in_place_of = |gone: &String| reference(&["ticket", &workspace.arm_id, &ended.key.1, "in-place-of", gone]);
    let may_follow = ending.policy(ended.key.0, world).is_some_and(left::may_follow);
    let before = world.watch.tickets.keys().filter(|_| may_follow);
    let follows = before.map(|closed| left::follows(&workspace.arm_id, &ended.key.1, *closed));
    [own].into_iter().chain(gone.iter().map(in_place_of)).chain(follows).collect()
}

/// Numbers of the tickets that people deleted, or merged into others.
fn gone(world: &Scene<'_>) -> Vec<String> {
    let went = |value: &TicketValues| value.deleted || value.merged_into != 0;
    let tickets = world.watch.tickets.iter();
    let gone = tickets.filter(|(_, versions)| versions.iter().any(|version| went(&version.value)));
    gone.map(|(ticket, _)| ticket.to_string()).collect()
}

/// Tickets that we made, by the incident they were made for; those for none last.
fn made<'a>(world: &'a Scene<'_>, ending: &'a Ending) -> (BTreeMap<usize, Vec<&'a Write>>, Vec<&'a Write>) {
    let gone = gone(world);
    let references: Vec<Vec<String>> =
        ending.incidents.iter().map(|ended| references_of(world, ending, ended, &gone)).collect();
    let mut found: BTreeMap<usize, Vec<&Write>> = BTreeMap::new();
    let mut strays = Vec::new();
    let creates = world.watch.writes.iter().filter(|w| w.kind == "halo.tickets.post" && w.made && w.ticket.is_some());
    for write in creates.filter(|w| w.body.pointer("/0/id").is_none()) {
        let details = write.body.pointer("/0/details_html").and_then(|v| v.as_str()).unwrap_or_default();
        let fits = |found: &Vec<String>| found.iter().any(|reference| details.contains(reference));
        match references.iter().position(fits) {
            Some(n) => found.entry(n).or_default().push(write),
            None => strays.push(write),
        }
    }
    (found, strays)
}

/// 1. Every incident that passes the filter has exactly one ticket, or an open item that names the reason.
pub fn one_each(world: &Scene<'_>, ending: &Ending) -> Vec<Violation> {
    let mut found = Vec::new();
    let (made, strays) = made(world, ending);
    for write in strays {
        let ticket = write.ticket.unwrap_or_default();
        found.push(Violation::new(1, format!("ticket #{ticket} was made for no incident"), vec![format!("#{ticket}")]));
    }
    found.extend(seen_in_time(world, ending));
    for (n, ended) in ending.incidents.iter().enumerate() {
        let writes = made.get(&n).map_or(&[][..], Vec::as_slice);
        let doubles = copies::tickets(world, writes);
        let single = writes.iter().copied().filter(|write| write.ticket.is_some_and(|id| !doubles.contains(&id)));
        let single: Vec<&Write> = single.collect();
        let tickets: Vec<i64> = single.iter().filter_map(|write| write.ticket).collect();
        let [_, _, ..] = tickets.as_slice() else {
            found.extend(accounted_for(world, ended).map(|text| Violation::new(1, text, ended.about())));
            continue;
        };
        if one_after_another(world, ending, ended, &single) {
            continue;
        }
        let again = writes.get(1);
        let restored = again.is_some_and(|write| world.strikes.restored.iter().any(|at| *at <= write.at));
        let copied = writes.iter().any(|write| write.host > 0);
        let number = if copied {
            14
        } else if restored {
            12
        } else {
            1
        };
        let mut about = ended.about();
        about.extend(tickets.iter().map(|ticket| format!("#{ticket}")));
        found.push(Violation::new(
            number,
            format!("{} has {} tickets: {tickets:?}", ended.named(), tickets.len()),
            about,
        ));
    }
    found
}

/// Whether all but the last of an incident's tickets were deleted or merged away before the next was made (then it has
/// one, whoever does not remember the others), or closed and left for the next, where it was opened again.
fn one_after_another(world: &Scene<'_>, ending: &Ending, ended: &Ended, made: &[&Write]) -> bool {
    let may_follow = ending.policy(ended.key.0, world).is_some_and(left::may_follow);
    let arm_id = workspace_of(world, ending, ended).map(|workspace| workspace.arm_id.as_str()).unwrap_or_default();
    made.windows(2).all(|pair| {
        let [old, new] = pair else { return false };
        let goes_on = may_follow && left::goes_on(world, (arm_id, ended.key.1.as_str()), (*old, *new));
        goes_on || replaced(world, old, new)
    })
}

fn replaced(world: &Scene<'_>, old: &Write, new: &Write) -> bool {
    let versions = |write: &Write| world.watch.tickets.get(&write.ticket?);
    let made = versions(new).and_then(|versions| versions.first()).map(|version| version.order);
    let (Some(versions), Some(made)) = (versions(old), made) else { return false };
    let before = versions.iter().take_while(|version| version.order < made).last();
    before.is_some_and(|version| version.value.deleted || version.value.merged_into != 0)
}

/// So many whole lists of what changed may leave out an incident that could stand in them.
const LISTS_MAX: usize = 3;
/// Lists that begin so soon after it need not show it yet: answers may be stale.
const SHOWS_AFTER: SignedDuration = SignedDuration::from_mins(10);

/// 1, in time: what the next list could have shown is not left to the full list of some later hour.
fn seen_in_time(world: &Scene<'_>, ending: &Ending) -> Vec<Violation> {
    // Defender shows some of its incidents hours late, with their old times: only a later list has them.
    if world.shape.defender {
        return Vec::new();
    }
    let looked = ending.incidents.iter().filter(|ended| !older::is(world, &ended.key)).filter_map(|ended| {
        let raised = world.watch.incidents.get(&ended.key)?.first()?.at;
        let lists = world.watch.polls.get(&ended.key.0)?;
        // Older ones are for a backfill.
        lists.first().filter(|first| **first < raised)?;
        let gone = world.watch.deleted.contains(&ended.key);
        let shown = world.watch.shown.get(&ended.key).copied().or((!gone).then(|| world.now()))?;
        let without = lists.iter().filter(|at| **at > raised + SHOWS_AFTER && **at < shown).count();
        (without > LISTS_MAX).then_some((ended, without))
    });
    let wrong = |(ended, without): (&Ended, usize)| {
        let text = format!("{} was left out of {without} whole lists of what changed", ended.named());
        Violation::new(1, text, ended.about())
    };
    looked.map(wrong).chain(taken_up_in_time(world, ending)).collect()
}

/// The same of what somebody changes about one that is known.
fn taken_up_in_time(world: &Scene<'_>, ending: &Ending) -> Vec<Violation> {
    let late = ending.incidents.iter().filter(|ended| !world.watch.deleted.contains(&ended.key)).filter_map(|ended| {
        let lists = world.watch.polls.get(&ended.key.0)?;
        let seen = world.watch.seen.get(&ended.key)?;
        let versions = world.watch.incidents.get(&ended.key)?;
        // What changes before the workspace's start is not asked for.
        let counts = |version: &&Version<IncidentValues>| {
            !matches!(version.by, By::Us(_)) && world.people.decided.start.is_none_or(|start| version.at > start)
        };
        versions.iter().skip(1).filter(counts).find_map(|version| {
            let seen = seen.iter().copied().find(|at| *at >= version.at).unwrap_or_else(|| world.now());
            let without = lists.iter().filter(|at| **at > version.at + SHOWS_AFTER && **at < seen).count();
            (without > LISTS_MAX).then_some((ended, version.at, without))
        })
    });
    let wrong = |(ended, at, without): (&Ended, Timestamp, usize)| {
        let text = format!(
            "what changed about {} at {at} was left out of {without} whole lists of what changed",
            ended.named()
        );
        Violation::new(1, text, ended.about())
    };
    late.map(wrong).collect()
}

/// What is wrong with how an incident is accounted for.
fn accounted_for(world: &Scene<'_>, ended: &Ended) -> Option<String> {
    let redirected = world
        .watch
        .incidents
        .get(&ended.key)
        .is_some_and(|versions| versions.iter().any(|version| version.value.redirected));
    let carries = matches!(ended.mode, "two-way" | "sentinel-to-halo");
    let Some(row) = &ended.row else {
        return match ended.subject.as_ref().map(|subject| subject.held.as_ref()) {
            // Gone before anybody could see it.
            None if ended.incident.is_none() => None,
            // Whether a backfill should have taken it in is asked elsewhere.
            None | Some(Some(Reason::OlderThanStart)) if older::is(world, &ended.key) => None,
            None => Some(format!("{} was never seen", ended.named())),
            Some(None) => Some(format!("{} has neither ticket nor reason", ended.named())),
            Some(Some(Reason::Redirected)) if !redirected => {
                Some(format!("{} is held back as merged and was not", ended.named()))
            }
            Some(Some(Reason::Redirected)) => None,
            Some(Some(Reason::ModeObserve | Reason::ModeOff | Reason::ModeOneWay)) if carries => {
                Some(format!("{} is held back by a mode that lets it pass", ended.named()))
            }
            Some(Some(Reason::OlderThanStart | Reason::ClientNotBound)) => {
                Some(format!("{} is held back although it passes", ended.named()))
            }
            Some(Some(_)) => None,
        };
    };
    if row.pair.ticket.is_some() {
        return None;
    }
    let dead = ended
        .operations
        .iter()
        .any(|operation| operation.kind.makes_ticket() && matches!(operation.state, OperationState::Dead { .. }));
    if dead && row.pair.reason.is_some() {
        // Whether it was rightly given up is the ninth's question.
        return None;
    }
    let dropped = |operation: &Operation| {
        let by_admin = world.people.decided.dropped.contains(&operation.id);
        by_admin && operation.kind.makes_ticket() && matches!(operation.state, OperationState::Dropped { .. })
    };
    if ended.operations.iter().any(dropped) {
        let mut said = row.pair.reason.iter().chain(&row.pair.further);
        let open = ended.incident.as_ref().is_some_and(|incident| incident.status != "Closed");
        let says_so = said.any(|reason| matches!(reason, Reason::Dropped { .. }));
        let silent = || format!("{}: its ticket was dropped, and the pair says {:?}", ended.named(), row.pair.reason);
        return (open && !says_so).then(silent);
    }
    Some(format!("{} has no ticket; the pair says {:?}", ended.named(), row.pair.reason))
}

/// 2. Every ticket link points at an incident of the same client.
pub fn same_client(world: &Scene<'_>, ending: &Ending) -> Vec<Violation> {
    let mut found = Vec::new();
    let mut owners: BTreeMap<i64, &Ended> = BTreeMap::new();
    for ended in &ending.incidents {
        let Some(ticket) = ended.ticket else { continue };
        let wanted = world.halo_client_id(ended.client);
        let first = world.watch.tickets.get(&ticket).and_then(|versions| versions.first());
        match first {
            None => found.push(Violation::new(
                2,
                format!("{} is linked to a ticket that never was", ended.named()),
                ended.about(),
            )),
            Some(first) if first.value.client_id != wanted => {
                let text =
                    format!("{} got a ticket of client {}, its own is {wanted}", ended.named(), first.value.client_id);
                found.push(Violation::new(2, text, ended.about()));
            }
            Some(first) if first.by == By::Person => {
                found.push(Violation::new(
                    2,
                    format!("{} is linked to a ticket that a person opened", ended.named()),
                    ended.about(),
                ));
            }
            Some(_) => {}
        }
        // The ticket of a merged incident goes on with the one that is left.
        let other = (!ended.merged_away).then(|| owners.insert(ticket, ended)).flatten();
        // Those that share a ticket by rule say so.
        if let Some(other) = other.filter(|other| ended.group().is_none() || other.group() != ended.group()) {
            let mut about = ended.about();
            about.push(other.key.1.clone());
            found.push(Violation::new(2, format!("ticket #{ticket} is linked to two incidents"), about));
        }
    }
    found
}

/// 7. A merge alone closes nothing.
pub fn merge_closes_nothing(world: &Scene<'_>, ending: &Ending) -> Vec<Violation> {
    let mut found = Vec::new();
    for ended in &ending.incidents {
        let (Some(ticket), Some(versions)) = (ended.ticket, world.watch.incidents.get(&ended.key)) else { continue };
        let Some(merged) = versions.iter().position(|version| version.value.redirected) else { continue };
        let before = merged.checked_sub(1).and_then(|n| versions.get(n));
        // Closed by somebody before it was merged: that closure may cross.
        if before.is_some_and(|version| version.value.status == "Closed") {
            continue;
        }
        let at = versions.get(merged).map_or(0, |version| version.order);
        let ever_closed = versions.iter().take(merged).any(|version| version.value.status == "Closed");
        // The ticket may go on with the incident that is left: whoever closes that one closes it.
        let survivors: Vec<_> = ending.of_ticket(ticket).filter(|other| other.key != ended.key).collect();
        let closed_elsewhere = survivors.iter().any(|other| {
            let versions = world.watch.incidents.get(&other.key).into_iter().flatten();
            versions.into_iter().any(|version| version.value.status == "Closed" && !version.value.redirected)
        });
        let tickets = world.watch.tickets.get(&ticket).map_or(&[][..], Vec::as_slice);
        for pair in tickets.windows(2) {
            let [old, new] = pair else { continue };
            let closes = !old.value.closed && new.value.closed && matches!(new.by, By::Us(_));
            if closes && new.order > at && !ever_closed && !closed_elsewhere {
                let text = format!("{} was closed in Halo by us, though its incident was only merged", ended.named());
                found.push(Violation::new(7, text, ended.about()));
            }
        }
    }
    found
}
