//! The customer's own mapping: worlds lived with a policy of an applied file instead of one that the seed draws.
//!
//! The twin's Halo is taught every name that the policy uses, and the policy's table of owners the twin's people, so
//! that what is proven is the mapping and not that the twin is set up otherwise.

use std::path::PathBuf;

use crate::{
    config::{self, Known, fault::Severity, secret::Secrets},
    domain::{
        catalogue::Ref,
        policy::{FieldTarget, NoteFlag, NotesRule, Policy},
    },
    twin::{
        Twin,
        halo::{Halo, Lesson, SECURITY_TYPE},
    },
};

use super::shape::PEOPLE;

/// The policies of an applied file.
///
/// # Errors
/// Every fault of the file, a line each, or that it has no policy.
pub fn policies(text: &str) -> Result<Vec<Policy>, String> {
    // Nothing of it is used but the policies: its secrets are not looked up.
    let secrets = Secrets { folder: PathBuf::new(), places: None };
    let reading = config::read(text, &Known::default(), &secrets);
    match reading.applied {
        Some(applied) if applied.policies.is_empty() => Err("The file has no [[policy]].".to_owned()),
        Some(applied) => Ok(applied.policies.into_iter().map(|entry| with_people(entry.policy)).collect()),
        None => {
            let faults = reading.faults.iter().filter(|fault| fault.severity == Severity::Error);
            Err(faults.map(ToString::to_string).collect::<Vec<_>>().join("\n"))
        }
    }
}

/// Owners who live in the twin are mapped too, to its agents.
fn with_people(mut policy: Policy) -> Policy {
    for (analyst, agent) in PEOPLE {
        policy.agents.entry(analyst.to_owned()).or_insert_with(|| Ref::Name(agent.to_owned()));
    }
    // Which tickets are pushed is decided in Halo and makes incidents of its own: no part of the mapping.
    policy.push = Default::default();
    policy
}

/// The policy as lines of an applied file.
pub fn lines(policy: &Policy) -> String {
    let lines = config::policy::lines(policy);
    lines.0.iter().map(|(key, value)| format!("{key} = {value}\n")).collect()
}

/// Whether a note written like this crosses.
pub fn crosses(policy: &Policy, private: bool, flagged: bool, outcome: &str) -> bool {
    match policy.notes {
        NotesRule::All => true,
        NotesRule::Public => !private,
        // Nobody in these worlds marks a note as important.
        NotesRule::Flagged => flagged && policy.note_flag == NoteFlag::SyncToSentinel,
        NotesRule::Outcomes => {
            policy.note_outcomes.iter().any(|one| matches!(one, Ref::Name(name) if name.eq_ignore_ascii_case(outcome)))
        }
        NotesRule::None => false,
    }
}

/// Ticket statuses that agents choose among, by name.
pub fn open_statuses(policy: &Policy) -> Vec<String> {
    let named = |reference: &Ref| match reference {
        Ref::Name(name) => Some(name.clone()),
        Ref::Id(_) => None,
    };
    let forth = policy.statuses.iter().filter(|(status, _)| *status != "Closed").map(|(_, to)| to);
    let back = policy.statuses_back.iter().filter(|(_, status)| status != "Closed").map(|(from, _)| from);
    let mut names: Vec<String> = forth.chain(back).filter_map(named).collect();
    names.sort();
    names.dedup();
    names
}

/// What agents can choose in the field for classifications: its name and how many values it has.
pub fn verdict_field(policy: &Policy) -> Option<(String, i64)> {
    let name = match policy.classification_field.as_ref()? {
        Ref::Name(name) => name.clone(),
        Ref::Id(id) => id.to_string(),
    };
    let count = if policy.classifications.is_empty() { 5 } else { policy.classifications.len() };
    Some((name, i64::try_from(count).unwrap_or(1)))
}

/// Teaches the twin's Halo every name of the policy.
pub fn teach(twin: &Twin, policy: &Policy) {
    twin.with(|world, _| {
        if let Some(one) = world.halos.first_mut() {
            teach_halo(&mut one.halo, policy);
        }
    });
}

fn teach_halo(halo: &mut Halo, policy: &Policy) {
    let one = |halo: &mut Halo, lesson: Lesson<'_>, reference: &Ref| match reference {
        Ref::Id(id) => halo.learn(lesson, Some(*id), &format!("Number {id}")),
        Ref::Name(name) => halo.learn(lesson, None, name),
    };
    let security = halo.learn(Lesson::TicketType, None, SECURITY_TYPE);
    let kind = match &policy.ticket_type {
        Ref::Id(0) => security,
        other => one(halo, Lesson::TicketType, other),
    };
    for priority in policy.priorities.values().chain(policy.priorities_back.iter().map(|(priority, _)| priority)) {
        one(halo, Lesson::Priority(kind), priority);
    }
    for (status, to) in &policy.statuses {
        one(halo, if status == "Closed" { Lesson::ClosedStatus } else { Lesson::OpenStatus }, to);
    }
    for closed in &policy.closed_statuses {
        one(halo, Lesson::ClosedStatus, closed);
    }
    for (from, status) in &policy.statuses_back {
        one(halo, if status == "Closed" { Lesson::ClosedStatus } else { Lesson::OpenStatus }, from);
    }
    if let Some(team) = &policy.team {
        one(halo, Lesson::Team, team);
    }
    if let Some(category) = &policy.category {
        one(halo, Lesson::Category, category);
    }
    for agent in policy.agent.iter().chain(policy.agents.values()) {
        one(halo, Lesson::Agent, agent);
    }
    for outcome in policy.note_outcomes.iter().chain([&policy.outcome]) {
        one(halo, Lesson::Outcome, outcome);
    }
    if let Some(field) = &policy.classification_field {
        let names: Vec<String> = policy.classifications.keys().cloned().collect();
        let stock = ["True Positive", "Benign Positive", "False Positive", "False Positive", "Undetermined"];
        let names = if names.is_empty() { stock.map(str::to_owned).to_vec() } else { names };
        one(halo, Lesson::Choice(&names), field);
    }
    let mapped = policy.fields.iter().filter_map(|mapping| match &mapping.field {
        FieldTarget::Custom(field) => Some(field),
        FieldTarget::Member(_) => None,
    });
    let labels = policy.labels.as_ref().map(|labels| &labels.field);
    for field in mapped.chain(labels).chain(&policy.incident_id_field) {
        one(halo, Lesson::TextField, field);
    }
}
