//! A policy as lines of the file.

use toml::Value;

use crate::{
    config::write::{Lines, ref_value},
    domain::{
        catalogue::Ref,
        closing::Verdict,
        policy::{FieldMapping, FieldSource, MissingVerdict, NoteFlag, NotesRule, Policy},
    },
};

/// The entry as lines of the file, in the schema's order.
pub fn lines(policy: &Policy) -> Lines {
    let mut lines = Lines::default();
    lines.text("name", &policy.name);
    lines.put("ticket_type", ref_value(&policy.ticket_type));
    lines.text("notes", policy.notes.as_str());
    if policy.notes == NotesRule::Flagged {
        let important = policy.note_flag == NoteFlag::Important;
        lines.text("note_flag", if important { "important" } else { "sync-to-sentinel" });
    }
    list(&mut lines, "note_outcomes", &policy.note_outcomes);
    map(&mut lines, "priorities", policy.priorities.iter().map(|(k, v)| (k.clone(), ref_value(v))));
    map(&mut lines, "statuses", policy.statuses.iter().map(|(k, v)| (k.clone(), ref_value(v))));
    let back = policy.statuses_back.iter().map(|(status, to)| (ref_key(status), Value::String(to.clone())));
    map(&mut lines, "statuses_back", back);
    list(&mut lines, "closed_statuses", &policy.closed_statuses);
    lines.reference("team", policy.team.as_ref());
    lines.reference("category", policy.category.as_ref());
    lines.reference("agent", policy.agent.as_ref());
    map(&mut lines, "agents", policy.agents.iter().map(|(k, v)| (k.clone(), ref_value(v))));
    if let Some(requester) = policy.requester_user_id {
        lines.number("requester", requester);
    }
    if !policy.fields.is_empty() {
        lines.put("fields", Value::Array(policy.fields.iter().map(field).collect()));
    }
    lines.reference("incident_id_field", policy.incident_id_field.as_ref());
    lines.reference("classification_field", policy.classification_field.as_ref());
    map(&mut lines, "classifications", policy.classifications.iter().map(|(k, v)| (k.clone(), verdict(v))));
    match &policy.missing_verdict {
        MissingVerdict::Ask => lines.text("missing_verdict", "ask"),
        MissingVerdict::Default { verdict: given } => lines.put("missing_verdict", verdict(given)),
    }
    lines.put("outcome", ref_value(&policy.outcome));
    for (key, flag) in [
        ("notes_private", policy.notes_private),
        ("evidence", policy.evidence),
        ("carry_owner", policy.carry_owner),
        ("carry_severity", policy.carry_severity),
    ] {
        lines.put(key, Value::Boolean(flag));
    }
    lines
}

fn list(lines: &mut Lines, key: &'static str, references: &[Ref]) {
    if !references.is_empty() {
        lines.put(key, Value::Array(references.iter().map(ref_value).collect()));
    }
}

fn map(lines: &mut Lines, key: &'static str, rows: impl Iterator<Item = (String, Value)>) {
    let table: toml::Table = rows.collect();
    if !table.is_empty() {
        lines.put(key, Value::Table(table));
    }
}

fn ref_key(reference: &Ref) -> String {
    match reference {
        Ref::Id(id) => id.to_string(),
        Ref::Name(name) => name.clone(),
    }
}

fn verdict(verdict: &Verdict) -> Value {
    let text = |t: &str| Value::String(t.to_owned());
    let mut table = toml::Table::new();
    table.insert("classification".to_owned(), text(verdict.classification.as_str()));
    if let Some(reason) = &verdict.reason {
        table.insert("reason".to_owned(), text(reason));
    }
    if let Some(comment) = &verdict.comment {
        table.insert("comment".to_owned(), text(comment));
    }
    Value::Table(table)
}

fn field(mapping: &FieldMapping) -> Value {
    let mut table = toml::Table::new();
    table.insert("field".to_owned(), ref_value(&mapping.field));
    let (key, source) = match &mapping.source {
        FieldSource::Path(path) => ("path", path),
        FieldSource::Template(template) => ("template", template),
        FieldSource::Text(text) => ("text", text),
    };
    table.insert(key.to_owned(), Value::String(source.clone()));
    if mapping.always {
        table.insert("always".to_owned(), Value::Boolean(true));
    }
    Value::Table(table)
}
