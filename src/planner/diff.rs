//! What a write changes, member by member, for people.

use serde_json::Value;

use crate::domain::{
    approval::Difference,
    catalogue::FieldDefinition,
    incident::Owner,
    operation::{IncidentChange, OperationKind},
    ticket::{Ticket, TicketChange},
};

use super::{fields::mapped, mapping, situation::Situation};

/// What a write changes.
pub fn differences(s: &Situation<'_>, kind: &OperationKind) -> Vec<Difference> {
    match (kind, s.ticket) {
        (OperationKind::UpdateTicket { change }, Some(ticket)) => of_ticket(s, ticket, change),
        (OperationKind::UpdateIncident { change }, _) => of_incident(s, change),
        (OperationKind::AddNote { note, .. }, _) => {
            let what = if note.private { "private note" } else { "note for the end user" };
            vec![one(what, String::new(), note.text.clone())]
        }
        (OperationKind::AddComment { message, .. }, _) => vec![one("comment", String::new(), message.clone())],
        (OperationKind::CreateTicket { draft, .. }, _) => vec![one("ticket", String::new(), draft.summary.clone())],
        (OperationKind::CreateIncident { incident }, _) => {
            let said = [
                ("incident", incident.title.clone()),
                ("severity", incident.severity.to_string()),
                ("status", incident.status.to_string()),
                ("description", incident.description.clone().unwrap_or_default()),
            ];
            said.map(|(what, to)| one(what, String::new(), to)).into()
        }
        (OperationKind::UpdateTicket { .. }, None) => Vec::new(),
    }
}

/// The same in one line.
pub fn in_words(differences: &[Difference]) -> String {
    let one = |difference: &Difference| match difference.from.as_str() {
        "" => format!("{}: {}", difference.what, difference.to),
        from => format!("{}: {from} → {}", difference.what, difference.to),
    };
    differences.iter().map(one).collect::<Vec<_>>().join("; ")
}

fn one(what: &str, from: String, to: String) -> Difference {
    Difference { what: what.to_owned(), from, to }
}

fn of_ticket(s: &Situation<'_>, ticket: &Ticket, change: &TicketChange) -> Vec<Difference> {
    let mut found = Vec::new();
    let named = |name: fn(&crate::domain::catalogue::Catalogue, i64) -> String, id: Option<i64>| {
        id.map(|id| name(s.catalogue, id)).unwrap_or_default()
    };
    if change.status_id.is_some() {
        let name = mapping::status_name;
        found.push(one("status", named(name, ticket.status_id), named(name, change.status_id)));
    }
    if change.priority_id.is_some() {
        let name =
            |id: Option<i64>| id.map(|id| mapping::priority_of_type(s.policy, s.catalogue, id)).unwrap_or_default();
        found.push(one("priority", name(ticket.priority_id), name(change.priority_id)));
    }
    if change.agent_id.is_some() {
        let name = mapping::agent_name;
        found.push(one("agent", named(name, ticket.agent_id), named(name, change.agent_id)));
    }
    if let Some(summary) = &change.summary {
        found.push(one("subject", ticket.summary.clone(), summary.clone()));
    }
    if let Some(note) = &change.closure_note {
        found.push(one("closing note", ticket.closure_note.clone().unwrap_or_default(), note.clone()));
    }
    for (id, value) in &change.custom_fields {
        let definition = s.catalogue.fields.iter().find(|field| field.id == *id);
        let name = definition.map_or_else(|| format!("field {id}"), |field| field.name.clone());
        let before = ticket.custom_field(*id).map(|field| match &field.display {
            Some(display) if !display.trim().is_empty() => display.clone(),
            _ => shown(definition, &field.value),
        });
        found.push(one(&name, before.unwrap_or_default(), shown(definition, value)));
    }
    for (name, value) in &change.members {
        let before = mapped::Placed::Member(name.clone(), value.clone()).there(ticket).unwrap_or_default();
        found.push(one(name, before, mapped::plain(value)));
    }
    found
}

/// A custom field's value as agents see it: a choice by its name, not by its id.
fn shown(definition: Option<&FieldDefinition>, value: &Value) -> String {
    let text = mapped::plain(value);
    let choice = definition.and_then(|field| field.options.iter().find(|option| option.id.to_string() == text));
    choice.map(|option| option.name.clone()).unwrap_or(text)
}

fn of_incident(s: &Situation<'_>, change: &IncidentChange) -> Vec<Difference> {
    let incident = s.incident;
    let mut found = Vec::new();
    if let Some(status) = &change.status {
        found.push(one("status", incident.status.to_string(), status.to_string()));
    }
    if let Some(verdict) = &change.verdict {
        let reason = verdict.reason.as_ref().map(|reason| format!(" ({reason})")).unwrap_or_default();
        found.push(one("classification", String::new(), format!("{}{reason}", verdict.classification.words())));
        if let Some(comment) = &verdict.comment {
            found.push(one("classification comment", String::new(), comment.clone()));
        }
    }
    if let Some(severity) = &change.severity {
        found.push(one("severity", incident.severity.to_string(), severity.to_string()));
    }
    if let Some(owner) = &change.owner {
        let name = |owner: &Owner| owner.key().unwrap_or_else(|| "nobody".to_owned());
        found.push(one("owner", name(&incident.owner), name(owner)));
    }
    if let Some(title) = &change.title {
        found.push(one("title", incident.title.clone(), title.clone()));
    }
    if !change.labels_added.is_empty() {
        found.push(one("labels added", String::new(), change.labels_added.join(", ")));
    }
    if !change.labels_removed.is_empty() {
        found.push(one("labels taken off", String::new(), change.labels_removed.join(", ")));
    }
    found
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::catalogue::Named;

    #[test]
    fn a_choice_is_told_by_its_name() {
        let options = vec![Named { id: 4, name: "False Positive - Inaccurate Data".into() }];
        let field = FieldDefinition { id: 112, name: "CFClass".into(), label: None, kind: 2, options };
        for id in [json!(4), json!("4")] {
            assert_eq!(shown(Some(&field), &id), "False Positive - Inaccurate Data");
        }
        for (definition, value, said) in
            [(Some(&field), json!(5), "5"), (None, json!(4), "4"), (Some(&field), json!("words"), "words")]
        {
            assert_eq!(shown(definition, &value), said);
        }
    }
}
