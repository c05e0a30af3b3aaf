//! Changes in words, for notes about what is not carried.

use crate::{
    domain::{operation::IncidentChange, ticket::TicketChange},
    planner::{closing, mapping, situation::Situation},
};

use super::verdict;

/// What a change of the ticket would have said.
pub fn of_ticket(s: &Situation<'_>, change: &TicketChange) -> String {
    let incident = s.incident;
    let mut said = Vec::new();
    if change.priority_id.is_some() {
        said.push(format!("severity {}", incident.severity));
    }
    if let Some(agent) = change.agent_id {
        let owner = incident.owner.key().unwrap_or_else(|| mapping::agent_name(s.catalogue, agent));
        said.push(format!("owner {owner}"));
    }
    if change.summary.is_some() {
        said.push(format!("title “{}”", incident.title));
    }
    let of_verdict = closing::field_of_verdict(s.policy, s.catalogue, s.incident);
    let is_verdict = |field: &(i64, serde_json::Value)| of_verdict.as_ref() == Some(field);
    if change.custom_fields.iter().any(is_verdict) {
        said.push(format!("classification {}", verdict::words(s.incident.verdict().as_ref())));
    }
    if !change.custom_fields.iter().all(is_verdict) || !change.members.is_empty() {
        said.push("mapped fields".to_owned());
    }
    said.join(", ")
}

/// What a change of the incident would have said.
pub fn of_incident(change: &IncidentChange) -> String {
    let mut said = Vec::new();
    if let Some(severity) = &change.severity {
        said.push(format!("severity {severity}"));
    }
    if let Some(owner) = &change.owner {
        said.push(format!("owner {}", owner.key().unwrap_or_else(|| "nobody".to_owned())));
    }
    if let Some(title) = &change.title {
        said.push(format!("title “{title}”"));
    }
    if change.verdict.is_some() {
        said.push(format!("classification {}", verdict::words(change.verdict.as_ref())));
    }
    if !change.labels_added.is_empty() {
        said.push(format!("labels {}", change.labels_added.join(", ")));
    }
    if !change.labels_removed.is_empty() {
        said.push(format!("labels taken off: {}", change.labels_removed.join(", ")));
    }
    said.join(", ")
}
