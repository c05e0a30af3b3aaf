//! What holds besides where something happens that seldom does: parts of the same fifteen, asked of such worlds alone.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::{
    super::{
        scene::Scene,
        seldom::{self, Rare},
        watch::{IncidentKey, incident_of},
        world::World,
    },
    Violation,
    ending::{Ended, Ending},
    excused::SHOWN_LATE,
    left, older,
};
use crate::domain::{
    drift::DriftRule,
    pair::{Health, SyncState},
    policy::{Direction, Policy},
    reason::Reason,
};

/// Asks all of it.
pub fn ask(world: &World, scene: &Scene<'_>, ending: &Ending) -> Vec<Violation> {
    if !seldom::happens(world.shape.seed) {
        return Vec::new();
    }
    let mut found = left::told_once(ending);
    found.extend(shown_though_refused(scene, ending));
    found.extend(written_apart(scene));
    found.extend(made_though_dropped(scene));
    found.extend(older::backfilled(world, scene, ending));
    for ended in &ending.incidents {
        let held = ended.subject.as_ref().and_then(|subject| subject.held.as_ref());
        if ended.row.is_none() && matches!(held, Some(Reason::LinkAsked { .. })) {
            let text = format!("{} was to be linked by hand and still waits for it", ended.named());
            found.push(Violation::new(9, text, ended.about()));
        }
    }
    for ended in &ending.incidents {
        if let Some(reason) = unanswered_merge(world, scene, ended) {
            let text =
                format!("{}: nobody answered ({reason:?}), though an admin answered all that waited", ended.named());
            found.push(Violation::new(8, text, ended.about()));
        }
        if let Some(text) = fields_apart(world, scene, ending, ended) {
            found.push(Violation::new(8, format!("{}: {text}", ended.named()), ended.about()));
        }
    }
    found
}

/// 3, of words that an admin never let be shown to the end user: they are not. A restored database has forgotten the answer, as
/// has a pair that was rebuilt.
fn shown_though_refused(scene: &Scene<'_>, ending: &Ending) -> Vec<Violation> {
    let mut found = Vec::new();
    for ((key, mark), said) in &scene.people.decided.shown {
        let forgotten = !scene.strikes.restored.is_empty() || scene.people.rebuilt.contains_key(key);
        if forgotten || said.iter().any(|(_, lets)| *lets) {
            continue;
        }
        let Some(ended) = ending.of(key) else { continue };
        if ended.notes.iter().any(|note| note.ours && !note.private && note.text.contains(mark)) {
            let text = format!("the words {mark} of {} are shown to the end user, which was refused", ended.named());
            found.push(Violation::new(3, text, ended.about()));
        }
    }
    found
}

/// 9, of two records that an admin took apart: nothing sets out to either until they are to be linked again. A restored database
/// has forgotten it.
fn written_apart(scene: &Scene<'_>) -> Vec<Violation> {
    let mut found = Vec::new();
    for (key, all) in &scene.people.decided.apart {
        // One that another incident was merged into may go on with the ticket of that.
        let mut others = scene.watch.incidents.iter().filter(|(other, _)| other.0 == key.0);
        let goes_on = others.any(|(_, versions)| versions.iter().any(|version| version.value.redirected));
        for apart in all {
            let restored = scene.strikes.restored_orders.iter().find(|order| **order > apart.from);
            let until = [apart.until, restored.copied()].into_iter().flatten().min();
            let wrong = scene.watch.writes.iter().find(|write| {
                let to_incident = write.incident.as_ref() == Some(key) && !goes_on;
                let to_them = to_incident || write.ticket == Some(apart.ticket);
                to_them && write.sent > apart.from && until.is_none_or(|until| write.sent < until)
            });
            if let Some(write) = wrong {
                let text = format!(
                    "incident {} and ticket #{} had been unlinked, and one of them was written to ({} at {})",
                    key.1, apart.ticket, write.kind, write.at
                );
                found.push(Violation::new(9, text, vec![key.1.clone(), format!("#{}", apart.ticket)]));
            }
        }
    }
    found
}

/// 9, of tickets that an admin dropped: none is made until it is asked for again. A restored database has forgotten it, and a pair
/// that is rebuilt is planned anew.
fn made_though_dropped(scene: &Scene<'_>) -> Vec<Violation> {
    let mut found = Vec::new();
    for (key, unmade) in &scene.people.decided.unmade {
        let forgotten = scene.strikes.restored_orders.iter().chain(scene.people.rebuilt.get(key));
        let until = forgotten.filter(|order| **order > unmade.from).chain(&unmade.until).min();
        let wrong = scene.watch.writes.iter().find(|write| {
            let after = write.sent > unmade.from && until.is_none_or(|until| write.sent < *until);
            write.kind == "halo.tickets.post"
                && write.made
                && after
                && write.body.to_string().contains(&unmade.reference)
        });
        if let Some(write) = wrong {
            let text = format!("the ticket of incident {} was dropped, and made at {}", key.1, write.at);
            found.push(Violation::new(9, text, vec![key.1.clone()]));
        }
    }
    found
}

/// 8, of merged incidents: a question about one that still waits, where an admin answered all that did.
fn unanswered_merge<'a>(world: &World, scene: &Scene<'_>, ended: &'a Ended) -> Option<&'a Reason> {
    let late = |shown: &Timestamp| *shown > scene.silent_from - SHOWN_LATE;
    // The one that it was merged into may have shown late as well.
    let shown = scene.watch.shown.iter().filter(|(key, _)| key.0 == ended.key.0).map(|(_, shown)| shown);
    let answers = world.people.seldom.has(Rare::Merges) && scene.people.decided.answered;
    if !answers || shown.max().is_some_and(late) {
        return None;
    }
    let pair = &ended.row.as_ref()?.pair;
    let asks = |reason: &&Reason| matches!(reason, Reason::TicketsMeet { .. } | Reason::SurvivorUnknown { .. });
    pair.reason.iter().chain(&pair.further).find(asks)
}

/// 8, of labels and titles: both sides agree on what crosses both ways, or the pair shows why not.
fn fields_apart(world: &World, scene: &Scene<'_>, ending: &Ending, ended: &Ended) -> Option<String> {
    let (row, values, incident) = (ended.row.as_ref()?, ended.values.as_ref()?, ended.incident.as_ref()?);
    let policy = ending.policy(ended.key.0, scene)?;
    let (pair, ticket) = (&row.pair, ended.ticket?);
    let says_so = pair.reason.is_some() || pair.health != Health::Healthy || pair.sync != SyncState::InStep;
    let open = incident.status != "Closed" && !values.closed && !incident.redirected;
    let alone = ending.of_ticket(ticket).count() == 1;
    // Nobody knows what was agreed on before a restore, before a rebuilding, or of two records that people linked.
    let agreed =
        scene.strikes.restored.is_empty() && !scene.people.rebuilt.contains_key(&ended.key) && !pair.base.linked;
    let reachable = ended.ticket_reachable(scene.halo_client_id(ended.client));
    if says_so || !open || !alone || !agreed || !reachable {
        return None;
    }
    let (labels, subject) = world.labels_and_subject(ticket)?;
    labels_apart(scene, policy, ended, (incident.labels.as_slice(), labels.as_slice()))
        .or_else(|| titles_apart(world, policy, &ended.key, ended.mode, &subject))
}

fn labels_apart(
    scene: &Scene<'_>,
    policy: &Policy,
    ended: &Ended,
    (here, there): (&[String], &[String]),
) -> Option<String> {
    let rule = policy.labels.as_ref()?.rule;
    let missing = here.iter().find(|label| !there.contains(label));
    if let Some(label) = missing.filter(|_| rule.to_halo()) {
        return Some(format!(
            "the label {label} is missing on the ticket ({there:?}), and the pair says that all is well"
        ));
    }
    // What was taken off in Sentinel stays on a ticket that is only read.
    let versions = scene.watch.incidents.get(&ended.key)?;
    let ever: BTreeSet<&String> = versions.iter().flat_map(|version| &version.value.labels).collect();
    let strange = there.iter().find(|label| !ever.contains(label));
    let strange = strange.filter(|_| rule.to_sentinel() && ended.mode == "two-way");
    strange
        .map(|label| format!("the label {label} has not crossed to the incident, and the pair says that all is well"))
}

fn titles_apart(world: &World, policy: &Policy, key: &IncidentKey, mode: &str, subject: &str) -> Option<String> {
    // What showed late is left as it is, where the policy says so.
    let crosses = policy.title.to_halo() && policy.title.direction == Direction::Both && mode == "two-way";
    if !crosses || policy.drift.value != DriftRule::Heal {
        return None;
    }
    let title = world.twin.with(|world, _| incident_of(world, key).map(|incident| incident.title.clone()))?;
    (!subject.contains(&title))
        .then(|| format!("title {title:?} and subject {subject:?} differ, and the pair says that all is well"))
}
