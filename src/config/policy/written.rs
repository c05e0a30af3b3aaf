//! A policy as lines of the file.

use toml::Value;

use crate::{
    config::write::{Lines, ref_value},
    domain::{
        catalogue::Ref,
        closing::Verdict,
        policy::{
            FieldMapping, FieldRule, FieldSource, FieldTarget, Filter, MissingVerdict, NoteFlag, NotesRule, Policy,
            RequesterRule,
        },
    },
};

/// A whole policy as lines of the file, in the schema's order.
pub fn lines(policy: &Policy) -> Lines {
    lines_of(policy, false)
}

/// The same; with `flag` the flag of notes stands there although no rule asks for it.
pub(super) fn lines_of(policy: &Policy, flag: bool) -> Lines {
    let mut lines = Lines::default();
    lines.text("name", &policy.name);
    lines.put("ticket_type", ref_value(&policy.ticket_type));
    lines.text("notes", policy.notes.as_str());
    if flag || policy.notes == NotesRule::Flagged {
        let important = policy.note_flag == NoteFlag::Important;
        lines.text("note_flag", if important { "important" } else { "sync-to-sentinel" });
    }
    filter(&mut lines, "include", &policy.include);
    filter(&mut lines, "exclude", &policy.exclude);
    lines.number("tickets_per_hour", i64::from(policy.tickets_per_hour));
    list(&mut lines, "note_outcomes", &policy.note_outcomes);
    map(&mut lines, "priorities", policy.priorities.iter().map(|(k, v)| (k.clone(), ref_value(v))));
    let back = policy.priorities_back.iter().map(|(priority, to)| (ref_key(priority), Value::String(to.clone())));
    map(&mut lines, "priorities_back", back);
    for (key, rule) in
        [("severity", policy.severity), ("status", policy.status), ("owner", policy.owner), ("title", policy.title)]
    {
        lines.put(key, Value::Table(rule_table(rule)));
    }
    if let Some(labels) = &policy.labels {
        let mut table = rule_table(labels.rule);
        table.remove("wins");
        table.insert("field".to_owned(), ref_value(&labels.field));
        lines.put("labels", Value::Table(table));
    }
    map(&mut lines, "statuses", policy.statuses.iter().map(|(k, v)| (k.clone(), ref_value(v))));
    let back = policy.statuses_back.iter().map(|(status, to)| (ref_key(status), Value::String(to.clone())));
    map(&mut lines, "statuses_back", back);
    list(&mut lines, "closed_statuses", &policy.closed_statuses);
    lines.reference("team", policy.team.as_ref());
    lines.reference("category", policy.category.as_ref());
    lines.reference("agent", policy.agent.as_ref());
    map(&mut lines, "agents", policy.agents.iter().map(|(k, v)| (k.clone(), ref_value(v))));
    match policy.requester {
        RequesterRule::GeneralUser => lines.text("requester", "general-user"),
        RequesterRule::AffectedUser => lines.text("requester", "affected-user"),
        RequesterRule::User { id } => lines.number("requester", id),
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
    let words = |one: &str, first: &str, two: &str, second: &str| {
        let pairs = [(one, first), (two, second)];
        Value::Table(pairs.into_iter().map(|(key, word)| (key.to_owned(), Value::String(word.to_owned()))).collect())
    };
    let (sentinel, halo) = (policy.reopened_in_sentinel.as_str(), policy.reopened_in_halo.as_str());
    lines.put("reopened", words("in_sentinel", sentinel, "in_halo", halo));
    let (comments, fields) = (policy.after_closing_comments.as_str(), policy.after_closing_fields.as_str());
    lines.put("after_closing", words("comments", comments, "fields", fields));
    lines.number("flips_per_hour", i64::from(policy.flips_per_hour));
    lines.put("outcome", ref_value(&policy.outcome));
    lines.number("digest_from", i64::from(policy.digest_from));
    for (key, flag) in [
        ("link_comment", policy.link_comment),
        ("notes_private", policy.notes_private),
        ("evidence", policy.evidence),
        ("adopt", policy.adopt),
    ] {
        lines.put(key, Value::Boolean(flag));
    }
    super::group::write(&mut lines, policy);
    super::drift::write(&mut lines, &policy.drift);
    if !policy.approve.is_empty() {
        let words = policy.approve.iter().map(|kind| Value::String(kind.as_str().to_owned())).collect();
        lines.put("approve", Value::Array(words));
    }
    if policy.push.any() {
        let all = |refs: &[Ref]| Value::Array(refs.iter().map(ref_value).collect());
        let rows = [("ticket_types", &policy.push.ticket_types), ("outcomes", &policy.push.outcomes)];
        let rows = rows.into_iter().filter(|(_, refs)| !refs.is_empty()).map(|(key, refs)| (key.to_owned(), all(refs)));
        let joined = ("although_joined".to_owned(), Value::Boolean(policy.push.although_joined));
        map(&mut lines, "push", rows.chain([joined]));
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

fn filter(lines: &mut Lines, key: &'static str, filter: &Filter) {
    let rows = Filter::KINDS.into_iter().filter(|kind| !filter.kind(kind).is_empty()).map(|kind| {
        let patterns = filter.kind(kind).iter().map(|pattern| Value::String(pattern.clone())).collect();
        (kind.to_owned(), Value::Array(patterns))
    });
    map(lines, key, rows);
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

fn rule_table(rule: FieldRule) -> toml::Table {
    let words = [("direction", rule.direction.as_str()), ("when", rule.when.as_str()), ("wins", rule.wins.as_str())];
    words.into_iter().map(|(key, word)| (key.to_owned(), Value::String(word.to_owned()))).collect()
}

fn field(mapping: &FieldMapping) -> Value {
    let mut table = rule_table(mapping.rule);
    match &mapping.field {
        FieldTarget::Custom(field) => table.insert("field".to_owned(), ref_value(field)),
        FieldTarget::Member(name) => table.insert("member".to_owned(), Value::String(name.clone())),
    };
    let (key, source) = match &mapping.source {
        FieldSource::Path(path) => ("path", path),
        FieldSource::Template(template) => ("template", template),
        FieldSource::Text(text) => ("text", text),
    };
    table.insert(key.to_owned(), Value::String(source.clone()));
    Value::Table(table)
}
