//! `[[policy]]`: what may cross between Sentinel and Halo, and how.
//!
//! The entry holds the domain's own [`Policy`]; its id is nil, since the file knows names only.

use std::collections::BTreeMap;

use toml::de::DeValue;
use uuid::Uuid;

use super::{
    fault::nearest,
    reader::{At, Place, Table},
};
use crate::domain::{
    approval::WriteKind,
    catalogue::Ref,
    closing::{ALLOWED, Classification, Verdict},
    ids::PolicyId,
    policy::{
        DIGEST_FROM, FLIPS_PER_HOUR, MissingVerdict, NoteFlag, NotesRule, OUTCOME, Policy, PushRule, TICKETS_PER_HOUR,
    },
};

pub mod base;
mod closing;
mod drift;
mod fields;
pub mod filters;
mod group;
mod written;

pub use base::PolicyEntry;
pub use written::lines;

/// Microsoft's severities.
pub const SEVERITIES: [&str; 4] = ["High", "Medium", "Low", "Informational"];
/// Microsoft's incident statuses.
pub const STATUSES: [&str; 3] = ["New", "Active", "Closed"];

/// Reads one entry; what is wrong goes to the table's sink.
pub fn read(table: Table<'_, '_>) -> (PolicyEntry, Place) {
    let name = table.required("name", "Give the policy a name of your choice, e.g. name = \"standard\".").value;
    if !table.has("ticket_type") && !table.has("base") {
        let remedy = "Write ticket_type = \"<name of the dedicated ticket type in Halo>\".";
        table.absent_here("ticket_type", "is missing", remedy);
    }
    let ticket_type = table.reference("ticket_type").map_or(Ref::Id(0), |r| r.value);
    let notes = notes(&table);
    let stock = Policy::new(PolicyId(Uuid::nil()), name.clone(), ticket_type.clone(), notes);
    let (reopened_in_sentinel, reopened_in_halo) = closing::reopened(&table);
    let (after_closing_comments, after_closing_fields) = closing::after(&table, &stock);
    let policy = Policy {
        id: stock.id,
        name,
        base: None,
        ticket_type,
        include: filters::read(&table, "include"),
        exclude: filters::read(&table, "exclude"),
        tickets_per_hour: table.count("tickets_per_hour", 0, 100_000, TICKETS_PER_HOUR),
        group: group::read(&table),
        priorities: priorities(&table),
        priorities_back: fields::priorities_back(&table),
        severity: fields::rule(&table, "severity", stock.severity),
        status: fields::rule(&table, "status", stock.status),
        owner: fields::rule(&table, "owner", stock.owner),
        title: fields::rule(&table, "title", stock.title),
        labels: fields::labels(&table),
        statuses: statuses(&table),
        statuses_back: statuses_back(&table),
        closed_statuses: table.references("closed_statuses"),
        team: table.reference("team").map(|r| r.value),
        category: table.reference("category").map(|r| r.value),
        agent: table.reference("agent").map(|r| r.value),
        agents: agents(&table),
        requester: fields::requester(&table),
        fields: fields::mapped(&table),
        incident_id_field: table.reference("incident_id_field").map(|r| r.value),
        classification_field: table.reference("classification_field").map(|r| r.value),
        classifications: classifications(&table),
        missing_verdict: missing_verdict(&table),
        reopened_in_sentinel,
        reopened_in_halo,
        after_closing_comments,
        after_closing_fields,
        flips_per_hour: table.count("flips_per_hour", 0, 1_000, FLIPS_PER_HOUR),
        notes,
        note_flag: note_flag(&table),
        note_outcomes: table.references("note_outcomes"),
        outcome: table.reference("outcome").map_or_else(|| Ref::Name(OUTCOME.to_owned()), |r| r.value),
        link_comment: table.flag("link_comment", true),
        adopt: table.flag("adopt", false),
        push: push(&table),
        digest_from: table.count("digest_from", 0, 95, DIGEST_FROM),
        notes_private: table.flag("notes_private", true),
        approve: approve(&table),
        drift: drift::read(&table),
        evidence: table.flag("evidence", true),
        late_alerts: group::late_alerts(&table, &stock),
    };
    let entry = base::read(&table, policy);
    (entry, table.done())
}

/// `approve = ["close", "reopen"]`
fn approve(table: &Table<'_, '_>) -> Vec<WriteKind> {
    let mut kinds = Vec::new();
    for word in table.texts("approve") {
        match WriteKind::parse(&word.value) {
            Some(kind) if kinds.contains(&kind) => {}
            Some(kind) => kinds.push(kind),
            None => {
                let problem = format!("holds \"{}\", which is no kind of write", word.value);
                let remedy = format!("Use {}.", WriteKind::WORDS.map(|word| format!("\"{word}\"")).join(", "));
                table.sink.wrong(word.at, table.field("approve"), problem, remedy);
            }
        }
    }
    kinds
}

fn notes(table: &Table<'_, '_>) -> NotesRule {
    if !table.has("notes") && !table.has("base") {
        let remedy = "Choose notes = \"all\", \"public\", \"flagged\", \"outcomes\" or \"none\": internal notes must \
                      never cross by accident.";
        table.absent_here("notes", "is missing", remedy);
    }
    let found = table.choice("notes", &["all", "public", "flagged", "outcomes", "none"]);
    found.and_then(|f| NotesRule::parse(f.value)).unwrap_or(NotesRule::None)
}

fn note_flag(table: &Table<'_, '_>) -> NoteFlag {
    let found = table.choice("note_flag", &["sync-to-sentinel", "important"]);
    if found.is_some_and(|f| f.value == "important") { NoteFlag::Important } else { NoteFlag::SyncToSentinel }
}

/// `push = { ticket_types = […], outcomes = […] }`.
fn push(table: &Table<'_, '_>) -> PushRule {
    let Some(inner) = table.table("push") else { return PushRule::default() };
    let rule = PushRule {
        ticket_types: inner.references("ticket_types"),
        outcomes: inner.references("outcomes"),
        although_joined: inner.flag("although_joined", false),
    };
    if !rule.any() {
        let remedy =
            "Write push = { ticket_types = [\"<ticket type>\"] } or { outcomes = [\"<outcome>\"] }, or leave push out.";
        table.warn_at("push", "pushes nothing", remedy);
    }
    drop(inner.done());
    rule
}

fn priorities(table: &Table<'_, '_>) -> BTreeMap<String, Ref> {
    let map = table.table("priorities").map(|inner| named(&inner, &SEVERITIES)).unwrap_or_default();
    let holes: Vec<&str> = SEVERITIES.into_iter().filter(|s| !map.contains_key(*s)).collect();
    if !holes.is_empty() && (table.has("priorities") || !table.has("base")) {
        let problem = format!("has no priority for {}", holes.join(", "));
        let remedy = "Their tickets get Halo's default priority, and somebody has to look at each, until it is mapped.";
        table.warn_at("priorities", &problem, remedy);
    }
    map
}

fn statuses(table: &Table<'_, '_>) -> BTreeMap<String, Ref> {
    let stock = [("New", "New"), ("Active", "In Progress"), ("Closed", "Closed")];
    let mut map: BTreeMap<String, Ref> =
        stock.into_iter().map(|(k, v)| (k.to_owned(), Ref::Name(v.to_owned()))).collect();
    if let Some(inner) = table.table("statuses") {
        map.extend(named(&inner, &STATUSES));
    }
    map
}

/// A table from a closed list of keys to ids or names.
fn named(inner: &Table<'_, '_>, keys: &[&'static str]) -> BTreeMap<String, Ref> {
    let mut map = BTreeMap::new();
    for (key, value) in inner.entries() {
        match keys.iter().find(|k| k.eq_ignore_ascii_case(key.value)) {
            Some(exact) => {
                if let Some(reference) = inner.as_reference(exact, &value) {
                    map.insert((*exact).to_owned(), reference);
                }
            }
            None => unknown_key(inner, &key, keys),
        }
    }
    map
}

fn unknown_key(inner: &Table<'_, '_>, key: &At<&str>, keys: &[&'static str]) {
    let remedy = match nearest(key.value, keys.iter().copied()) {
        Some(near) => format!("Did you mean {near}?"),
        None => format!("Use {}.", keys.join(", ")),
    };
    inner.sink.wrong(key.at, inner.field(key.value), "is not known", remedy);
}

/// `{ "On Hold" = "Active" }`; a key of digits is a status id.
fn statuses_back(table: &Table<'_, '_>) -> Vec<(Ref, String)> {
    let Some(inner) = table.table("statuses_back") else { return Vec::new() };
    let mut rows = Vec::new();
    for (key, value) in inner.entries() {
        let status = value.value.as_str().and_then(|t| STATUSES.into_iter().find(|s| s.eq_ignore_ascii_case(t.trim())));
        match status {
            Some(status) => rows.push((key_ref(key.value), status.to_owned())),
            None => {
                let remedy = "Use \"New\", \"Active\" or \"Closed\": the incident's status on the way back.";
                inner.sink.wrong(value.at, inner.field(key.value), "is not an incident status", remedy);
            }
        }
    }
    rows.sort();
    rows
}

fn key_ref(text: &str) -> Ref {
    text.trim().parse().map_or_else(|_| Ref::Name(text.trim().to_owned()), Ref::Id)
}

fn agents(table: &Table<'_, '_>) -> BTreeMap<String, Ref> {
    let Some(inner) = table.table("agents") else { return BTreeMap::new() };
    inner
        .entries()
        .iter()
        .filter_map(|(key, value)| Some((key.value.trim().to_lowercase(), inner.as_reference(key.value, value)?)))
        .collect()
}

fn classifications(table: &Table<'_, '_>) -> BTreeMap<String, Verdict> {
    let Some(inner) = table.table("classifications") else { return BTreeMap::new() };
    let mut map = BTreeMap::new();
    for (key, value) in inner.entries() {
        match value.value {
            DeValue::Table(members) => {
                let row = Table::new(inner.sink, inner.field(key.value), value.at, members);
                if let Some(verdict) = verdict(row) {
                    map.insert(key.value.trim().to_lowercase(), verdict);
                }
            }
            other => {
                inner.wrong_type(key.value, value.at, other, "a table, like { classification = \"…\", reason = \"…\" }")
            }
        }
    }
    map
}

fn missing_verdict(table: &Table<'_, '_>) -> MissingVerdict {
    let Some(found) = table.value("missing_verdict") else { return MissingVerdict::Ask };
    match found.value {
        DeValue::String(text) if text.trim() == "ask" => MissingVerdict::Ask,
        DeValue::Table(_) => match table.table("missing_verdict").and_then(verdict) {
            Some(verdict) => MissingVerdict::Default { verdict },
            None => MissingVerdict::Ask,
        },
        other => {
            table.wrong_type(
                "missing_verdict",
                found.at,
                other,
                "\"ask\" or { classification = \"…\", reason = \"…\" }",
            );
            MissingVerdict::Ask
        }
    }
}

/// A classification and reason in one of Microsoft's allowed pairs.
fn verdict(table: Table<'_, '_>) -> Option<Verdict> {
    let allowed: Vec<&'static str> = vec!["TruePositive", "BenignPositive", "FalsePositive", "Undetermined"];
    if !table.has("classification") {
        let remedy =
            "Write classification = \"TruePositive\", \"BenignPositive\", \"FalsePositive\" or \"Undetermined\".";
        table.absent_here("classification", "is missing", remedy);
    }
    let classification = table.choice("classification", &allowed);
    let reason = table.text("reason");
    let comment = table.text("comment").map(|t| t.value);
    let mut found = None;
    if let Some(classification) = classification {
        let verdict = Verdict {
            classification: Classification::from(classification.value.to_owned()),
            reason: reason.as_ref().map(|r| r.value.clone()),
            comment,
        };
        match verdict.checked() {
            Ok(verdict) => found = Some(verdict),
            Err(refused) => {
                let at = reason.as_ref().map_or(classification.at, |r| r.at);
                let key = if reason.is_some() { "reason" } else { "classification" };
                let pairs: Vec<String> =
                    ALLOWED.iter().map(|(c, r)| format!("{} + {}", c.as_str(), r.unwrap_or("no reason"))).collect();
                let remedy = format!("Microsoft allows {}.", pairs.join(", "));
                table.sink.wrong(at, table.field(key), format!("is refused: {refused}"), remedy);
            }
        }
    }
    drop(table.done());
    found
}
