//! Status, severity and owner: newer ones win, and both sides agree or the pair says why not.

use super::{
    super::{
        scene::Scene,
        shape::PEOPLE,
        watch::{By, IncidentValues, TicketValues, Version, Write},
    },
    Violation,
    ending::{Ended, Ending},
    excused::shown_late,
    left,
};
use crate::{
    domain::{
        failure::Side,
        incident::{IncidentStatus, Severity},
        pair::{Health, Pair, SyncState},
        policy::{Direction, Wins},
        reason::Reason,
        ticket::Ticket,
    },
    planner::{
        closing,
        fields::{owner, severity, status},
        mapping,
    },
};

/// One value of one side over time: place in the order of things, who set it, what.
type Line = Vec<(u64, By, String)>;

fn line<T>(versions: &[Version<T>], value: impl Fn(&T) -> String) -> Line {
    let mut line: Line = Vec::new();
    for version in versions {
        let now = value(&version.value);
        if line.last().is_none_or(|(_, _, before)| *before != now) {
            line.push((version.order, version.by, now));
        }
    }
    line
}

fn at(line: &Line, order: u64) -> Option<&(u64, By, String)> {
    line.iter().rev().find(|(set, ..)| *set <= order)
}

fn closed_incident(value: &IncidentValues) -> String {
    if value.redirected { "merged".into() } else { (value.status == "Closed").to_string() }
}

fn closed_ticket(value: &TicketValues) -> String {
    value.closed.to_string()
}

/// 6. No human value is overwritten by an older one.
///
/// What somebody changed after both sides had agreed is not set back to what the other side has had since before.
pub fn not_overwritten(world: &Scene<'_>, ending: &Ending) -> Vec<Violation> {
    let mut found = Vec::new();
    for ended in &ending.incidents {
        let (Some(incident), Some(ticket)) =
            (world.watch.incidents.get(&ended.key), ended.ticket.and_then(|ticket| world.watch.tickets.get(&ticket)))
        else {
            continue;
        };
        if let Some(text) = lost(world, ending, ended) {
            found.push(Violation::new(
                6,
                format!("a write of ours to {} lost what stood there: {text}", ended.named()),
                ended.about(),
            ));
        }
        let closures = (line(incident, closed_incident), line(ticket, closed_ticket));
        let agents = agents(ending);
        let owner = |value: &IncidentValues| agent_of(&agents, value.owner.as_deref());
        let owners = (line(incident, owner), line(ticket, |value| value.agent_id.to_string()));
        let statuses =
            (line(incident, |value| value.status.clone()), line(ticket, |value| value.status_id.to_string()));
        let wins = ending.policy(ended.key.0, world).map(|policy| policy.status.wins);
        let after = ended.ticket.map(|ticket| left::after(world.watch, ticket)).unwrap_or_default();
        // What somebody did to a ticket that a restored database has forgotten crossed all the same.
        let moved_after = |side, from, to| {
            let versions = after.iter().filter_map(|ticket| world.watch.tickets.get(ticket)).flatten();
            let by_others = |version: &Version<TicketValues>| !matches!(version.by, By::Us(_));
            side == "incident"
                && versions.into_iter().any(|version| by_others(version) && (from..to).contains(&version.order))
        };
        for (what, (here, there)) in [("closure", &closures), ("owner", &owners)] {
            for (mine, other, side) in [(here, there, "incident"), (there, here, "ticket")] {
                // Where the policy says that the other side's status wins, or the newest does, a move between its open states
                // does too: at any time since both agreed, or after the person's.
                let (winner, later) = match (what, wins, side) {
                    ("closure", Some(Wins::Sentinel), "ticket") => (statuses.0.as_slice(), false),
                    ("closure", Some(Wins::Halo), "incident") => (statuses.1.as_slice(), false),
                    ("closure", Some(Wins::Newest), "ticket") => (statuses.0.as_slice(), true),
                    ("closure", Some(Wins::Newest), "incident") => (statuses.1.as_slice(), true),
                    _ => (&[][..], true),
                };
                // A ticket is made from what its incident said when it was drafted, which may be long before.
                let made = mine.first().filter(|_| side == "ticket").map_or(0, |(order, ..)| *order);
                let since = |agreed| if agreed <= made { 0 } else { agreed };
                let seen = |agreed, set, by_us| {
                    known(world, ended, side, agreed, set)
                        // Field changes bear no reference: neither of two processes knows what the other one set.
                        && !world.both_wrote(by_us)
                        && !on_its_way(world, ended, side, set, by_us)
                        && !moved(winner, if later { set } else { since(agreed) }, by_us)
                        && !taken(world, ended, what, side, by_us)
                        && !moved_after(side, agreed, by_us)
                };
                if let Some((old, set, by_us)) = set_back(mine, other, world, rebuilt(world, ended), seen) {
                    let text = format!(
                        "the {what} of {} was set to {old} on the {side} by a person (event {set}) and set back by us (event {by_us}) though the other side had not moved since both agreed",
                        ended.named()
                    );
                    found.push(Violation::new(6, text, ended.about()));
                }
            }
        }
    }
    found
}

/// Whether an admin took the other side's value before we wrote it to this one.
fn taken(world: &Scene<'_>, ended: &Ended, what: &str, side: &str, by_us: u64) -> bool {
    let field = if what == "closure" { status::NAME } else { owner::NAME };
    let theirs = if side == "ticket" { Side::Sentinel } else { Side::Halo };
    world.people.decided.took(&ended.key, field, theirs, by_us)
}

/// Whether somebody else than we moved a value in this time.
fn moved(line: &[(u64, By, String)], from: u64, to: u64) -> bool {
    line.iter().any(|(order, by, _)| !matches!(by, By::Us(_)) && (from..to).contains(order))
}

/// What one write of ours did to an incident that nobody asked for.
fn lost(world: &Scene<'_>, ending: &Ending, ended: &Ended) -> Option<String> {
    let versions = world.watch.incidents.get(&ended.key)?;
    let policy = ending.policy(ended.key.0, world)?;
    let labels_cross = policy.labels.as_ref().is_some_and(|labels| labels.rule.to_sentinel());
    for pair in versions.windows(2) {
        let [before, after] = pair else { continue };
        if !matches!(after.by, By::Us(_)) {
            continue;
        }
        let (old, new) = (&before.value, &after.value);
        // Nothing goes from an incident but what an agent took off a ticket.
        let off = |label: &String| world.watch.taken_off.iter().any(|(one, at)| one == label && *at < after.order);
        let carried = labels_cross && old.labels.iter().all(|label| new.labels.contains(label) || off(label));
        if old.labels != new.labels && !carried {
            return Some(format!("labels {:?} became {:?}", old.labels, new.labels));
        }
        if old.severity != new.severity && !policy.severity.to_sentinel() {
            return Some(format!("severity {} became {}", old.severity, new.severity));
        }
        let tickets = ended.tickets();
        let known = tickets.iter().filter_map(|ticket| world.watch.tickets.get(ticket)).flatten();
        let newest = known.filter(|version| version.order < after.order).max_by_key(|version| version.order);
        let agent = newest.map(|version| version.value.agent_id);
        let nobody = old.owner.is_some() && new.owner.is_none() && agent.is_none_or(|agent| agent > 1);
        if nobody && !world.both_wrote(after.order) {
            return Some(format!("owner {:?} became nobody, though the ticket has agent {agent:?}", old.owner));
        }
    }
    None
}

/// Whether we heard of a write of ours that it was carried out, or a reading showed it, before a person set something next.
/// If not, a person who takes it back at once leaves the record as it was before: nobody can tell that from a write that was
/// not carried out.
fn known(world: &Scene<'_>, ended: &Ended, side: &str, ours: u64, set: u64) -> bool {
    let ticket = side == "ticket";
    let of_it = |write: &&Write| {
        let same = if ticket { write.ticket == ended.ticket } else { write.incident.as_ref() == Some(&ended.key) };
        same && write.order < ours
    };
    let write = world.watch.writes.iter().rev().find(of_it);
    let record = match ended.ticket {
        Some(number) if ticket => format!("#{number}"),
        _ => ended.key.1.clone(),
    };
    let looks = world.watch.looks.get(&record);
    // What a copy was answered nobody tells the original.
    write.is_none_or(|write| write.answered && write.host == 0)
        || looks.is_some_and(|looks| looks.iter().any(|look| (ours..set).contains(look)))
}

/// Whether our write that set a ticket back was on its way already when a person set something, or set out upon a reading of
/// the ticket from before that. Halo knows no versions: it carries a change out whatever has happened since it was sent, and
/// nobody can call it back. An incident's etag does.
fn on_its_way(world: &Scene<'_>, ended: &Ended, side: &str, set: u64, by_us: u64) -> bool {
    let of_it = |write: &&Write| write.ticket == ended.ticket && write.order < by_us;
    let write = world.watch.writes.iter().rev().find(of_it);
    side == "ticket" && write.is_some_and(|write| write.sent < set || upon_older(world, write, set))
}

/// Whether a write to a ticket set out the moment an answer to a reading of it reached us, and no reading showed it to us
/// between a person's change and that moment.
fn upon_older(world: &Scene<'_>, write: &Write, set: u64) -> bool {
    let Some(ticket) = write.ticket else { return false };
    let looks = world.watch.looks.get(&format!("#{ticket}"));
    let shown = looks.is_some_and(|looks| looks.iter().any(|look| (set..write.sent).contains(look)));
    world.watch.upon.get(&write.sent) == Some(&ticket) && !shown
}

/// A value of a person's on `mine` that we set back to what `other` has had since before both agreed: the value, when it
/// was set, and when we set it back.
///
/// `seen` tells, of when both had agreed, when a person set it and when we set it back, whether we knew by the second that
/// our write of the first had been carried out, could know of the second when we sent what set it back, and were not told
/// by the policy to do so.
fn set_back(
    mine: &Line,
    other: &Line,
    world: &Scene<'_>,
    rebuilt: Option<u64>,
    seen: impl Fn(u64, u64, u64) -> bool,
) -> Option<(String, u64, u64)> {
    for pair in mine.windows(2) {
        let [(set, By::Person, value), (overwritten, By::Us(_), now)] = pair else { continue };
        // Who restores an old backup, or has the pair rebuilt from both sides, has forgotten what was agreed since.
        let restored = world.strikes.restored_orders.iter().chain(&rebuilt).any(|order| order <= overwritten);
        let (since, _, theirs) = at(other, *overwritten)?;
        if restored || theirs != now || since >= set {
            continue;
        }
        // Before the person's change both sides said the same, and for long enough that we saw it.
        let before = mine.iter().rev().find(|(order, ..)| order < set)?;
        let agreed = before.2 == *theirs && matches!(before.1, By::Us(_)) && before.0 > *since;
        if agreed && seen(before.0, *set, *overwritten) {
            return Some((value.clone(), *set, *overwritten));
        }
    }
    None
}

/// When an admin had the pair rebuilt from both sides, in the order of things.
fn rebuilt(world: &Scene<'_>, ended: &Ended) -> Option<u64> {
    world.people.rebuilt.get(&ended.key).copied()
}

fn agents(ending: &Ending) -> Vec<(String, i64)> {
    let id = |name: &str| ending.catalogue.agents.iter().find(|agent| agent.name == name).map(|agent| agent.id);
    PEOPLE.iter().filter_map(|(analyst, agent)| Some(((*analyst).to_owned(), id(agent)?))).collect()
}

/// The agent that an owner is mapped to; nobody is agent 1.
fn agent_of(agents: &[(String, i64)], owner: Option<&str>) -> String {
    match owner {
        None => "1".to_owned(),
        Some(owner) => agents
            .iter()
            .find(|(analyst, _)| analyst.eq_ignore_ascii_case(owner))
            .map_or_else(|| owner.to_owned(), |(_, agent)| agent.to_string()),
    }
}

/// 8. Sides agree, or the pair shows why not.
pub fn agree(world: &Scene<'_>, ending: &Ending) -> Vec<Violation> {
    let mut found = Vec::new();
    for ended in &ending.incidents {
        if let Some(text) = disagreement(world, ending, ended) {
            found.push(Violation::new(8, format!("{}: {text}", ended.named()), ended.about()));
        }
    }
    found
}

fn disagreement(world: &Scene<'_>, ending: &Ending, ended: &Ended) -> Option<String> {
    let (row, values, incident) = (ended.row.as_ref()?, ended.values.as_ref()?, ended.incident.as_ref()?);
    let policy = ending.policy(ended.key.0, world)?;
    let pair = &row.pair;
    if pair.health == Health::Waiting {
        return Some(format!("it waits for nothing ({:?})", pair.reason));
    }
    if let Some(reason) = unanswered(world, ended, pair) {
        return Some(format!("nobody answered ({reason:?}), though an admin answered all that waited"));
    }
    let reachable = ended.ticket_reachable(world.halo_client_id(ended.client));
    let says_so = pair.reason.is_some() || pair.health != Health::Healthy || pair.sync != SyncState::InStep;
    if !reachable && incident.status == "Closed" && !incident.redirected && closing::both_closed(&pair.base) {
        // Opened again, and gone before anybody looked.
        return None;
    }
    if incident.status == "Closed" && values.closed && !incident.redirected {
        // Closed on both sides and not read any more: what is moved, merged or deleted then is Halo's own affair.
    } else if !reachable || incident.redirected {
        return (!says_so)
            .then(|| "its ticket or incident is out of reach, and the pair says that all is well".to_owned());
    }
    let ticket = shown(row.ticket.as_ref()?, values);
    let status = IncidentStatus::from(incident.status.clone());
    let means = mapping::status_means(policy, &ending.catalogue, &ticket, &status);
    // What showed late and was left as it is, as the policy says: the very field of the very pair.
    let left = |field: &str| ended.late.iter().any(|what| what.contains(field));
    if !means && !says_so && policy.status.direction == Direction::Both && !left(status::NAME) {
        return Some(format!(
            "incident {} and ticket status {} differ, and the pair says that all is well",
            incident.status, values.status_id
        ));
    }
    // Of several incidents of one ticket its priority and agent mean the most severe and the last that was given away.
    let shares = ended.group().is_some() && ending.of_ticket(ended.ticket?).count() > 1;
    // Rebuilt, a difference goes by the policy, which may leave each side its own.
    if says_so || shares || rebuilt(world, ended).is_some() {
        return None;
    }
    // Where nobody in Halo had a hand in it, the value is Sentinel's. What we wrote and an old backup forgot counts as
    // an agent's, and so does what a copy wrote: nobody can tell.
    let versions = world.watch.tickets.get(&ended.ticket?)?;
    let forgotten = world.strikes.restored_orders.iter().max().copied().unwrap_or(0);
    let by_person = |value: fn(&TicketValues) -> i64| {
        versions.windows(2).any(|pair| match pair {
            [old, new] => {
                let agents = !matches!(new.by, By::Us(0)) || new.order < forgotten;
                value(&old.value) != value(&new.value) && agents
            }
            _ => false,
        })
    };
    let severity = Severity::from(incident.severity.clone());
    let severities = mapping::severities_of(policy, &ending.catalogue, values.priority_id);
    // Whose value a person took where the policy does not carry it to the other side, that stays as it is.
    let took = world.people.decided.took(&ended.key, severity::NAME, Side::Halo, u64::MAX);
    let carried = policy.severity.to_halo() && !took && !left(severity::NAME) && !by_person(|value| value.priority_id);
    if carried && !severities.contains(&severity) {
        return Some(format!(
            "severity {} and priority {} differ, and the pair says that all is well",
            incident.severity, values.priority_id
        ));
    }
    let agent = agent_of(&agents(ending), incident.owner.as_deref());
    let owned = incident.owner.is_some() && !left(owner::NAME);
    let carried = policy.owner.to_halo() && owned && !by_person(|value| value.agent_id);
    if carried && agent != values.agent_id.to_string() {
        return Some(format!(
            "owner {:?} and agent {} differ, and the pair says that all is well",
            incident.owner, values.agent_id
        ));
    }
    None
}

/// A question that still waits on a pair, where an admin answered all that did.
fn unanswered<'a>(world: &Scene<'_>, ended: &Ended, pair: &'a Pair) -> Option<&'a Reason> {
    if !world.people.decided.answered || shown_late(world, ended) {
        return None;
    }
    let asks = |reason: &&Reason| {
        matches!(
            reason,
            Reason::AwaitsApproval { .. } | Reason::Conflict { .. } | Reason::Reopened { .. } | Reason::CopyLost { .. }
        )
    };
    pair.reason.iter().chain(&pair.further).find(asks)
}

/// The ticket as we know it, with the values that it really has.
fn shown(known: &Ticket, values: &TicketValues) -> Ticket {
    Ticket { status_id: Some(values.status_id), closed: values.closed, ..known.clone() }
}
