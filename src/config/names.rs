//! Names in policies and clients against what a Halo instance offers.
//!
//! Used for files that carry a catalogue, and by `doctor` with Halo's answer of the moment.

use super::{
    client::Binding,
    fault::{listed, nearest},
};
use crate::domain::{
    catalogue::{Catalogue, Ref},
    policy::{FieldTarget, Policy},
};

/// A name that Halo does not have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unresolved {
    /// The field, e.g. `ticket_type` or `priorities`.
    pub field: &'static str,
    /// What is wrong.
    pub problem: String,
    /// What to do.
    pub remedy: String,
}

/// Every name of a policy that this instance lacks.
pub fn of_policy(policy: &Policy, catalogue: &Catalogue) -> Vec<Unresolved> {
    let mut found = Vec::new();
    let types: Vec<(i64, &str)> = catalogue.ticket_types.iter().map(|t| (t.id, t.name.as_str())).collect();
    let statuses = rows(&catalogue.statuses);
    let priorities: Vec<(i64, &str)> = catalogue.priorities.iter().map(|p| (p.id, p.name.as_str())).collect();
    let outcomes = rows(&catalogue.outcomes);
    look(&mut found, "ticket_type", "ticket type", Some(&policy.ticket_type), &types);
    for reference in policy.priorities.values() {
        look(&mut found, "priorities", "priority", Some(reference), &priorities);
    }
    for reference in policy.statuses.values() {
        look(&mut found, "statuses", "status", Some(reference), &statuses);
    }
    for (reference, _) in &policy.statuses_back {
        look(&mut found, "statuses_back", "status", Some(reference), &statuses);
    }
    for reference in &policy.closed_statuses {
        look(&mut found, "closed_statuses", "status", Some(reference), &statuses);
    }
    look(&mut found, "team", "team", policy.team.as_ref(), &rows(&catalogue.teams));
    look(&mut found, "category", "category", policy.category.as_ref(), &rows(&catalogue.categories));
    agent(&mut found, "agent", policy.agent.as_ref(), catalogue);
    for reference in policy.agents.values() {
        agent(&mut found, "agents", Some(reference), catalogue);
    }
    look(&mut found, "outcome", "outcome", Some(&policy.outcome), &outcomes);
    for reference in &policy.note_outcomes {
        look(&mut found, "note_outcomes", "outcome", Some(reference), &outcomes);
    }
    for (reference, _) in &policy.priorities_back {
        look(&mut found, "priorities_back", "priority", Some(reference), &priorities);
    }
    for mapping in &policy.fields {
        if let FieldTarget::Custom(wanted) = &mapping.field {
            field(&mut found, "fields", Some(wanted), catalogue);
        }
    }
    field(&mut found, "labels", policy.labels.as_ref().map(|labels| &labels.field), catalogue);
    field(&mut found, "incident_id_field", policy.incident_id_field.as_ref(), catalogue);
    field(&mut found, "classification_field", policy.classification_field.as_ref(), catalogue);
    found.dedup();
    found
}

/// What of a client's place in Halo this instance lacks.
pub fn of_binding(binding: &Binding, catalogue: &Catalogue) -> Vec<Unresolved> {
    let mut found = Vec::new();
    let client = Ref::Id(binding.halo_client_id);
    look(&mut found, "halo_client_id", "active client", Some(&client), &rows(&catalogue.clients));
    let team = binding.team.clone().map(Ref::Name);
    look(&mut found, "team", "team", team.as_ref(), &rows(&catalogue.teams));
    found
}

fn rows(named: &[crate::domain::catalogue::Named]) -> Vec<(i64, &str)> {
    named.iter().map(|row| (row.id, row.name.as_str())).collect()
}

/// An agent may be named by name or mail address.
fn agent(found: &mut Vec<Unresolved>, field: &'static str, wanted: Option<&Ref>, catalogue: &Catalogue) {
    let mails = catalogue.agents.iter().filter_map(|a| Some((a.id, a.email.as_deref()?)));
    let agents: Vec<(i64, &str)> = catalogue.agents.iter().map(|a| (a.id, a.name.as_str())).chain(mails).collect();
    look(found, field, "agent", wanted, &agents);
}

fn field(found: &mut Vec<Unresolved>, field: &'static str, wanted: Option<&Ref>, catalogue: &Catalogue) {
    let Some(wanted) = wanted else { return };
    let text = match wanted {
        Ref::Id(id) => id.to_string(),
        Ref::Name(name) => name.clone(),
    };
    if !catalogue.fields.is_empty() && catalogue.field(&text).is_none() {
        let names: Vec<(i64, &str)> = catalogue.fields.iter().map(|f| (f.id, f.name.as_str())).collect();
        missing(found, field, "custom field", wanted, &names);
    }
}

/// An empty look-up says nothing: it may not have been read.
fn look(found: &mut Vec<Unresolved>, field: &'static str, kind: &str, wanted: Option<&Ref>, rows: &[(i64, &str)]) {
    let Some(wanted) = wanted else { return };
    if !rows.is_empty() && wanted.find(rows, |row| row.0, |row| row.1).is_none() {
        missing(found, field, kind, wanted, rows);
    }
}

fn missing(found: &mut Vec<Unresolved>, field: &'static str, kind: &str, wanted: &Ref, rows: &[(i64, &str)]) {
    let near = match wanted {
        Ref::Name(name) => nearest(name, rows.iter().map(|row| row.1)),
        Ref::Id(_) => None,
    };
    let remedy = match near {
        Some(near) => format!("Did you mean \"{near}\"?"),
        None => format!(
            "Use {}{}.",
            listed(rows.iter().take(12).map(|row| row.1)),
            if rows.len() > 12 { ", …" } else { "" }
        ),
    };
    let problem = format!("names {wanted}, but Halo has no such {kind}");
    found.push(Unresolved { field, problem, remedy });
}
