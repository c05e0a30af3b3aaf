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

/// A name that Halo does not have, or has more than once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unresolved {
    /// The field, e.g. `ticket_type` or `priorities`.
    pub field: &'static str,
    /// What is wrong.
    pub problem: String,
    /// What to do.
    pub remedy: String,
}

/// Every name of a policy that this instance lacks, or that means several things there where one is to be taken.
pub fn of_policy(policy: &Policy, catalogue: &Catalogue) -> Vec<Unresolved> {
    let mut found = Vec::new();
    let types: Vec<(i64, &str)> = catalogue.ticket_types.iter().map(|t| (t.id, t.name.as_str())).collect();
    let statuses = rows(&catalogue.statuses);
    let priorities: Vec<(i64, &str)> = catalogue.priorities.iter().map(|p| (p.id, p.name.as_str())).collect();
    let outcomes = rows(&catalogue.outcomes);
    look(&mut found, catalogue, "ticket_type", "ticket type", Some(&policy.ticket_type), &types);
    several(&mut found, "ticket_type", "ticket type", &policy.ticket_type, &by_name(&policy.ticket_type, &types));
    let sla = catalogue.ticket_type(&policy.ticket_type).and_then(|kind| kind.default_sla);
    let own: Vec<(i64, &str)> = catalogue.priorities_in(sla).into_iter().map(|p| (p.id, p.name.as_str())).collect();
    for reference in policy.priorities.values() {
        match !catalogue.is_partial("priority") && elsewhere(reference, &own, &priorities) {
            // Halo has it, and no ticket of this type can.
            true => found.push(of_another_sla(reference, &own)),
            false => look(&mut found, catalogue, "priorities", "priority", Some(reference), &own),
        }
        several(&mut found, "priorities", "priority", reference, &catalogue.priorities_alike(reference, sla));
    }
    for reference in policy.statuses.values() {
        look(&mut found, catalogue, "statuses", "status", Some(reference), &statuses);
        several(&mut found, "statuses", "status", reference, &by_name(reference, &statuses));
    }
    for (reference, _) in &policy.statuses_back {
        look(&mut found, catalogue, "statuses_back", "status", Some(reference), &statuses);
    }
    for reference in &policy.closed_statuses {
        look(&mut found, catalogue, "closed_statuses", "status", Some(reference), &statuses);
    }
    look(&mut found, catalogue, "team", "team", policy.team.as_ref(), &rows(&catalogue.teams));
    look(&mut found, catalogue, "category", "category", policy.category.as_ref(), &rows(&catalogue.categories));
    agent(&mut found, "agent", policy.agent.as_ref(), catalogue);
    for reference in policy.agents.values() {
        agent(&mut found, "agents", Some(reference), catalogue);
    }
    look(&mut found, catalogue, "outcome", "outcome", Some(&policy.outcome), &outcomes);
    several(&mut found, "outcome", "outcome", &policy.outcome, &by_name(&policy.outcome, &outcomes));
    for reference in &policy.note_outcomes {
        look(&mut found, catalogue, "note_outcomes", "outcome", Some(reference), &outcomes);
    }
    for (reference, _) in &policy.priorities_back {
        look(&mut found, catalogue, "priorities_back", "priority", Some(reference), &priorities);
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
    look(&mut found, catalogue, "halo_client_id", "active client", Some(&client), &rows(&catalogue.clients));
    let team = binding.team.clone().map(Ref::Name);
    look(&mut found, catalogue, "team", "team", team.as_ref(), &rows(&catalogue.teams));
    found
}

fn rows(named: &[crate::domain::catalogue::Named]) -> Vec<(i64, &str)> {
    named.iter().map(|row| (row.id, row.name.as_str())).collect()
}

/// An agent may be named by name or mail address.
fn agent(found: &mut Vec<Unresolved>, field: &'static str, wanted: Option<&Ref>, catalogue: &Catalogue) {
    let mails = catalogue.agents.iter().filter_map(|a| Some((a.id, a.email.as_deref()?)));
    let agents: Vec<(i64, &str)> = catalogue.agents.iter().map(|a| (a.id, a.name.as_str())).chain(mails).collect();
    look(found, catalogue, field, "agent", wanted, &agents);
    if let Some(wanted) = wanted {
        let ids: Vec<i64> = catalogue.agents_meant(wanted).iter().map(|agent| agent.id).collect();
        several(found, field, "agent", wanted, &ids);
    }
}

/// The ids among which a name does not choose.
fn by_name(wanted: &Ref, rows: &[(i64, &str)]) -> Vec<i64> {
    wanted.several(rows, |row| row.0, |row| row.1)
}

/// A name that several have; which one is meant nobody knows.
fn several(found: &mut Vec<Unresolved>, field: &'static str, kind: &str, wanted: &Ref, ids: &[i64]) {
    if ids.len() < 2 {
        return;
    }
    let ids = ids.iter().map(i64::to_string).collect::<Vec<_>>().join(", ");
    let problem = format!("names {wanted}, and Halo has more than one {kind} of that name");
    found.push(Unresolved { field, problem, remedy: format!("Write the id of the one that is meant: {ids}.") });
}

fn field(found: &mut Vec<Unresolved>, field: &'static str, wanted: Option<&Ref>, catalogue: &Catalogue) {
    let Some(wanted) = wanted else { return };
    let text = match wanted {
        Ref::Id(id) => id.to_string(),
        Ref::Name(name) => name.clone(),
    };
    if !catalogue.fields.is_empty() && catalogue.field(&text).is_none() {
        if catalogue.is_partial("custom field") {
            return beyond(found, field, "custom field", wanted);
        }
        let names: Vec<(i64, &str)> = catalogue.fields.iter().map(|f| (f.id, f.name.as_str())).collect();
        missing(found, field, "custom field", wanted, &names);
    }
}

/// An empty look-up says nothing: it may not have been read. Nor does one that Halo handed out in part: what is written is
/// believed then where it is what Halo takes (the names of teams and categories, the ids of all others).
fn look(
    found: &mut Vec<Unresolved>,
    catalogue: &Catalogue,
    field: &'static str,
    kind: &str,
    wanted: Option<&Ref>,
    rows: &[(i64, &str)],
) {
    let Some(wanted) = wanted else { return };
    if rows.is_empty() || wanted.find(rows, |row| row.0, |row| row.1).is_some() {
        return;
    }
    if catalogue.is_partial(kind) {
        beyond(found, field, kind, wanted);
    } else {
        missing(found, field, kind, wanted, rows);
    }
}

/// What is not in the part of a list that Halo handed out.
fn beyond(found: &mut Vec<Unresolved>, field: &'static str, kind: &str, wanted: &Ref) {
    let by_name = matches!(kind, "team" | "category");
    if by_name != matches!(wanted, Ref::Name(_)) {
        let problem = format!("names {wanted}, but Halo handed out only a part of its {kind} list, without it");
        let remedy = format!("Write its {}: that holds without the list.", if by_name { "name" } else { "id" });
        found.push(Unresolved { field, problem, remedy });
    }
}

/// Whether a priority is there, but not in the SLA of the ticket type.
fn elsewhere(wanted: &Ref, own: &[(i64, &str)], all: &[(i64, &str)]) -> bool {
    let there = |rows: &[(i64, &str)]| wanted.find(rows, |row| row.0, |row| row.1).is_some();
    there(all) && !there(own)
}

fn of_another_sla(wanted: &Ref, own: &[(i64, &str)]) -> Unresolved {
    Unresolved {
        field: "priorities",
        problem: format!("names {wanted}, a priority of another SLA than the ticket type's"),
        remedy: format!("Use one of the ticket type's SLA: {}.", listed(own.iter().take(12).map(|row| row.1))),
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
