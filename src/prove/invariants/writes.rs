//! Writes: each has a cause, each cause an end, and none passes a limit.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    super::{
        scene::Scene,
        watch::{TicketValues, Version},
    },
    Violation,
    ending::{Ended, Ending},
};
use crate::domain::{
    operation::{Operation, OperationKind, OperationState},
    reason::Reason,
};

/// Longest comment and note text that either side takes.
const COMMENT_MAX: usize = 30_000;
const COMMENTS_MAX: usize = 100;

/// 9. Every write has a cause; every cause has an end.
pub fn cause_and_end(world: &Scene<'_>, ending: &Ending) -> Vec<Violation> {
    let mut found = Vec::new();
    for unit in world.unfinished() {
        found.push(Violation::new(9, format!("{unit} never came to its end"), Vec::new()));
    }
    for ended in &ending.incidents {
        for operation in &ended.operations {
            if let Some(text) = without_end(world, ended, operation) {
                let text = format!("{}: {} {text}", ended.named(), operation.kind.name());
                found.push(Violation::new(9, text, ended.about()));
            }
        }
        found.extend(without_cause(world, ending, ended).map(|text| Violation::new(9, text, ended.about())));
    }
    found
}

/// An operation that neither came to its end nor waits for a good reason.
fn without_end(world: &Scene<'_>, ended: &Ended, operation: &Operation) -> Option<String> {
    match &operation.state {
        OperationState::Done { .. } | OperationState::Void { .. } => None,
        OperationState::Planned { .. } | OperationState::Sending { .. } | OperationState::OutcomeUnknown { .. } => {
            // Behind a dead letter nothing of a pair without a ticket is sent, nor where it was dropped.
            let given_up =
                |o: &Operation| matches!(o.state, OperationState::Dead { .. } | OperationState::Dropped { .. });
            let blocked = ended.ticket.is_none() && ended.operations.iter().any(given_up);
            (!blocked)
                .then(|| format!("still stands in its queue: {:?} ({:?})", operation.state, operation.last_failure))
        }
        OperationState::Dropped { .. } if !world.people.decided.dropped.contains(&operation.id) => {
            Some("was dropped by nobody".to_owned())
        }
        // Nor does a person drop what was given up for nothing.
        OperationState::Dead { reason, .. } | OperationState::Dropped { reason, .. } => {
            // What was given up for a ticket that is gone stays so when another one takes its place.
            let tickets = ended.tickets();
            let known = tickets.iter().filter_map(|ticket| world.watch.tickets.get(ticket));
            let versions: Vec<&Version<TicketValues>> = known.flatten().collect();
            let ever = |what: fn(&TicketValues) -> bool| versions.iter().any(|version| what(&version.value));
            let home = world.halo_client_id(ended.client);
            let moved = versions.iter().any(|version| version.value.client_id != home);
            let good = match reason {
                Reason::RecordGone { .. } => {
                    ended.incident.is_none() || ever(|v| v.deleted) || ever(|v| v.merged_into != 0)
                }
                Reason::WrongClient => moved,
                Reason::OutcomeUnknown => true,
                // Refused for that very owner, in Azure's words.
                Reason::OwnerUnknown { why, .. } => why.contains("was not found in the directory"),
                Reason::Refused { .. } => {
                    let status = operation.last_failure.as_ref().and_then(|failure| failure.status);
                    // Gone in between, or a limit of the other side's: it named itself.
                    status
                        .is_some_and(|status| (400..500).contains(&status) && !matches!(status, 401 | 408 | 409 | 429))
                        && !refused_for_nothing(operation)
                }
                _ => false,
            };
            (!good)
                .then(|| format!("was given up though nothing refused it: {reason:?} ({:?})", operation.last_failure))
        }
    }
}

/// Refusals that nothing in these worlds can bring about: what was sent was wrong.
fn refused_for_nothing(operation: &Operation) -> bool {
    let status = operation.last_failure.as_ref().and_then(|failure| failure.status);
    // An agent whom the policy maps to nobody in Entra: a person has to enter somebody.
    let owner = matches!(&operation.kind, OperationKind::UpdateIncident { change } if change.owner.is_some());
    let says = |words: &str| operation.last_failure.as_ref().is_some_and(|failure| failure.message.contains(words));
    // On the way the words may have been lost.
    let nobody = says("was not found in the directory") || owner && says("instead of JSON");
    status == Some(400) && !nobody && !matches!(operation.kind, OperationKind::UpdateTicket { .. })
}

/// A write that the workspace's mode does not allow, or that was carried out more often than it was sent.
fn without_cause(world: &Scene<'_>, ending: &Ending, ended: &Ended) -> Option<String> {
    let writes: Vec<_> = world
        .watch
        .writes
        .iter()
        .filter(|write| write.status < 300)
        .filter(|write| {
            write.incident.as_ref() == Some(&ended.key) || (write.ticket.is_some() && write.ticket == ended.ticket)
        })
        .collect();
    let to_sentinel = |kind: &str| kind.starts_with("sentinel.");
    if ended.mode == "observe" && !writes.is_empty() {
        return Some(format!("{} is only observed and was written to ({})", ended.named(), writes.len()));
    }
    if ended.mode == "sentinel-to-halo" && writes.iter().any(|write| to_sentinel(&write.kind)) {
        return Some(format!("{} goes one way and its incident was written to", ended.named()));
    }
    if !world.strikes.restored.is_empty() {
        // What was done after the backup is not known any more.
        return None;
    }
    let mut carried: BTreeMap<&'static str, u32> = BTreeMap::new();
    // What a copy sent stands in its own ledger.
    for write in writes.iter().filter(|write| write.host == 0) {
        let kind = match write.kind.as_str() {
            "halo.actions.post" => "add-note",
            "halo.tickets.post" if write.body.pointer("/0/id").is_none() => "create-ticket",
            "halo.tickets.post" => "update-ticket",
            _ => continue,
        };
        *carried.entry(kind).or_default() += 1;
    }
    for (kind, count) in carried {
        // Of incidents that were merged several pairs write to one ticket.
        let others = ending.incidents.iter().filter(|other| other.ticket.is_some() && other.ticket == ended.ticket);
        // What a pair had sent that was taken apart stands in its own queue.
        let before = others.clone().filter_map(|other| world.people.decided.sent.get(&(other.key.clone(), kind)));
        let before: u32 = before.sum();
        let all = others.flat_map(|other| &other.operations).filter(|o| o.kind.name() == kind);
        let attempts = before + all.map(|o| o.attempts + world.people.decided.sent_before(o)).sum::<u32>();
        if count > attempts {
            return Some(format!(
                "{}: {kind} was carried out {count} times and sent {attempts} times by what the ledger says",
                ended.named()
            ));
        }
    }
    None
}

/// 10. Limits are never passed: rate, length, count.
pub fn limits(world: &Scene<'_>, ending: &Ending) -> Vec<Violation> {
    let mut found: Vec<Violation> = world
        .watch
        .limits
        .iter()
        .take(3)
        .map(|wrong| Violation::new(10, format!("at {}: {}", wrong.at, wrong.text), Vec::new()))
        .collect();
    for write in &world.watch.writes {
        let message = write.body.pointer("/properties/message").and_then(|value| value.as_str()).unwrap_or_default();
        if message.chars().count() > COMMENT_MAX {
            let about = write.incident.iter().map(|(_, name)| name.clone()).collect();
            let text = format!("a comment of {} characters was sent", message.chars().count());
            found.push(Violation::new(10, text, about));
        }
    }
    for ended in &ending.incidents {
        let names: BTreeSet<&str> = ended.comments.iter().map(|text| text.name.as_str()).collect();
        if names.len() > COMMENTS_MAX {
            let text = format!("{} has {} comments", ended.named(), names.len());
            found.push(Violation::new(10, text, ended.about()));
        }
    }
    found.extend(tokens(world));
    found
}

/// One token for its life: asking for more is what every limit dies of.
fn tokens(world: &Scene<'_>) -> Vec<Violation> {
    let fair = world.tokens_max;
    world
        .watch
        .tokens
        .iter()
        .filter(|(_, count)| **count > fair)
        .map(|(kind, count)| {
            Violation::new(10, format!("{count} tokens were taken ({kind}) where {fair} are plenty"), Vec::new())
        })
        .collect()
}
