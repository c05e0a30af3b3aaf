//! What was typed, laid over the policy as it was: what the form does not show stays.

use std::collections::BTreeMap;

use uuid::Uuid;

use crate::{
    domain::{
        catalogue::{Catalogue, FieldDefinition, Ref},
        closing::{Classification, Verdict},
        ids::PolicyId,
        policy::{
            Direction, FieldMapping, FieldRule, FieldSource, FieldTarget, MissingVerdict, NotesRule, Policy, When,
        },
    },
    planner::template,
    service::{error::FieldProblem, set_up::Typed},
};

/// Rows of a table that are read at most.
pub(super) const ROWS_MAX: usize = 100;

/// A row by its id, named where the name is the only one of its kind.
fn reference<T>(rows: &[T], id: impl Fn(&T) -> i64, name: impl Fn(&T) -> &str, wanted: &str) -> Option<Ref> {
    let wanted: i64 = wanted.parse().ok()?;
    let Some(row) = rows.iter().find(|row| id(row) == wanted) else { return Some(Ref::Id(wanted)) };
    let own = name(row);
    let same = rows.iter().filter(|other| id(other) != wanted && name(other).eq_ignore_ascii_case(own)).count();
    Some(if same == 0 && own.trim() == own && !own.is_empty() { Ref::Name(own.to_owned()) } else { Ref::Id(wanted) })
}

/// The definition that a reference means.
pub(super) fn definition<'a>(catalogue: &'a Catalogue, wanted: Option<&Ref>) -> Option<&'a FieldDefinition> {
    match wanted? {
        Ref::Id(id) => catalogue.fields.iter().find(|row| row.id == *id),
        Ref::Name(name) => catalogue.field(name),
    }
}

/// `TruePositive/SuspiciousActivity` as a verdict.
pub(super) fn verdict(text: &str) -> Option<Verdict> {
    let (classification, reason) = text.split_once('/').unwrap_or((text, ""));
    let verdict = Verdict {
        classification: Classification::from(classification.to_owned()),
        reason: (!reason.is_empty()).then(|| reason.to_owned()),
        comment: None,
    };
    verdict.checked().ok()
}

/// The inverse of [`verdict`].
pub(super) fn verdict_value(verdict: &Verdict) -> String {
    match &verdict.reason {
        Some(reason) => format!("{}/{reason}", verdict.classification.as_str()),
        None => verdict.classification.as_str().to_owned(),
    }
}

/// A source by its form: a path, a template with paths in braces, or a fixed text.
pub(super) fn source(text: &str) -> FieldSource {
    if text.contains("{$") {
        FieldSource::Template(text.to_owned())
    } else if text.starts_with('$') {
        FieldSource::Path(text.to_owned())
    } else {
        FieldSource::Text(text.to_owned())
    }
}

/// The text of a source.
pub(super) fn source_text(source: &FieldSource) -> &str {
    match source {
        FieldSource::Path(text) | FieldSource::Template(text) | FieldSource::Text(text) => text,
    }
}

fn target(text: &str, catalogue: &Catalogue) -> Option<FieldTarget> {
    if let Some(member) = text.strip_prefix("m:") {
        return Some(FieldTarget::Member(member.to_owned()));
    }
    let id: i64 = text.strip_prefix("c:")?.parse().ok()?;
    let name = catalogue.fields.iter().find(|row| row.id == id).map(|row| row.name.clone());
    Some(FieldTarget::Custom(name.filter(|name| !name.is_empty()).map_or(Ref::Id(id), Ref::Name)))
}

fn direction(typed: &Typed, name: &str, before: FieldRule) -> FieldRule {
    match Direction::parse(typed.text(name)) {
        Some(direction) => FieldRule { direction, ..before },
        None => before,
    }
}

/// The policy that the form describes.
pub(super) fn policy(typed: &Typed, before: Option<&Policy>, catalogue: &Catalogue) -> Policy {
    let stock = || Policy::new(PolicyId(Uuid::nil()), "standard", Ref::Id(0), NotesRule::Public);
    let mut policy = before.cloned().unwrap_or_else(stock);
    if before.is_none() && !typed.text("name").is_empty() {
        policy.name = typed.text("name").to_owned();
    }
    let types = &catalogue.ticket_types;
    if let Some(found) = reference(types, |row| row.id, |row| &row.name, typed.text("ticket_type")) {
        policy.ticket_type = found;
    }
    let sla = catalogue.ticket_type(&policy.ticket_type).and_then(|row| row.default_sla);
    let priorities: Vec<_> = catalogue.priorities_in(sla).into_iter().cloned().collect();
    policy.priorities.clear();
    for severity in crate::config::policy::SEVERITIES {
        let wanted = typed.text(&format!("priority.{severity}")).to_owned();
        if let Some(found) = reference(&priorities, |row| row.id, |row| &row.name, &wanted) {
            policy.priorities.insert(severity.to_owned(), found);
        }
    }
    policy.severity = direction(typed, "severity", policy.severity);
    policy.status = direction(typed, "status", policy.status);
    policy.owner = direction(typed, "owner", policy.owner);
    policy.statuses.clear();
    for status in crate::config::policy::STATUSES {
        let wanted = typed.text(&format!("status.{status}")).to_owned();
        if let Some(found) = reference(&catalogue.statuses, |row| row.id, |row| &row.name, &wanted) {
            policy.statuses.insert(status.to_owned(), found);
        }
    }
    policy.statuses_back.clear();
    for row in &catalogue.statuses {
        let meaning = typed.text(&format!("back.{}", row.id)).to_owned();
        if crate::config::policy::STATUSES.contains(&meaning.as_str()) {
            let found = reference(&catalogue.statuses, |row| row.id, |row| &row.name, &row.id.to_string());
            policy.statuses_back.extend(found.map(|found| (found, meaning)));
        }
    }
    policy.team = reference(&catalogue.teams, |row| row.id, |row| &row.name, typed.text("team"));
    policy.category = reference(&catalogue.categories, |row| row.id, |row| &row.name, typed.text("category"));
    policy.agent = reference(&catalogue.agents, |row| row.id, |row| &row.name, typed.text("agent"));
    if let Some(found) = reference(&catalogue.outcomes, |row| row.id, |row| &row.name, typed.text("outcome")) {
        policy.outcome = found;
    }
    if let Some(notes) = NotesRule::parse(typed.text("notes")) {
        policy.notes = notes;
    }
    policy.missing_verdict = match verdict(typed.text("verdict")) {
        Some(verdict) => MissingVerdict::Default { verdict },
        None => MissingVerdict::Ask,
    };
    classes(typed, &mut policy, catalogue);
    policy.agents = owners(typed, catalogue);
    fields(typed, &mut policy, catalogue);
    policy
}

fn classes(typed: &Typed, policy: &mut Policy, catalogue: &Catalogue) {
    let chosen: Option<i64> = typed.text("classification_field").parse().ok();
    let found = catalogue.fields.iter().find(|row| Some(row.id) == chosen);
    policy.classification_field = found.map(|row| match row.name.as_str() {
        "" => Ref::Id(row.id),
        name => Ref::Name(name.to_owned()),
    });
    policy.classifications = found
        .map(|row| row.options.as_slice())
        .unwrap_or_default()
        .iter()
        .filter_map(|option| {
            let verdict = verdict(typed.text(&format!("class.{}", option.id)))?;
            Some((option.name.trim().to_lowercase(), verdict))
        })
        .collect();
}

fn owners(typed: &Typed, catalogue: &Catalogue) -> BTreeMap<String, Ref> {
    (0..ROWS_MAX)
        .filter_map(|row| {
            let key = typed.text(&format!("owner.{row}")).to_lowercase();
            let agent = typed.text(&format!("agent.{row}")).to_owned();
            let found = reference(&catalogue.agents, |row| row.id, |row| &row.name, &agent)?;
            (!key.is_empty()).then_some((key, found))
        })
        .collect()
}

fn fields(typed: &Typed, policy: &mut Policy, catalogue: &Catalogue) {
    let before = std::mem::take(&mut policy.fields);
    for row in 0..ROWS_MAX {
        let text = typed.text(&format!("source.{row}"));
        let Some(field) = target(typed.text(&format!("field.{row}")), catalogue).filter(|_| !text.is_empty()) else {
            continue;
        };
        let rule = before.iter().find(|known| known.field == field).map(|known| known.rule);
        let rule = rule.unwrap_or_else(|| FieldRule::new(Direction::ToHalo, When::Always));
        policy.fields.push(FieldMapping { field, source: source(text), rule });
    }
}

/// What is wrong with rows that a policy cannot hold.
pub(super) fn problems(typed: &Typed, catalogue: &Catalogue) -> Vec<FieldProblem> {
    let mut problems = Vec::new();
    if typed.text("ticket_type").is_empty() {
        let text =
            "Ticket type is missing. Choose the type that is kept for incidents; make one in Halo if there is none.";
        problems.push(FieldProblem::new("ticket_type", text));
    } else if let Some(kind) = catalogue.ticket_types.iter().find(|row| row.id.to_string() == typed.text("ticket_type"))
        && kind.default_sla.is_none()
        // Where the look-up tells no type's SLA, none is known to lack one.
        && catalogue.ticket_types.iter().any(|row| row.default_sla.is_some())
        && catalogue.priorities.iter().any(|row| row.sla_id.is_some())
    {
        let text = format!(
            "Ticket type “{}” has no SLA, so no priority is valid for its tickets. Give it a default SLA in Halo, or choose \
             another.",
            kind.name
        );
        problems.push(FieldProblem::new("ticket_type", text));
    }
    if NotesRule::parse(typed.text("notes")).is_none() {
        let text = "Notes is missing. Choose which notes cross: internal notes must never cross by accident.";
        problems.push(FieldProblem::new("notes", text));
    }
    for row in 0..ROWS_MAX {
        let number = row + 1;
        let (owner, agent) = (typed.text(&format!("owner.{row}")), typed.text(&format!("agent.{row}")));
        if owner.is_empty() != agent.is_empty() {
            let text =
                format!("Owners, row {number}: an owner and an agent belong together. Fill in both, or neither.");
            problems.push(FieldProblem::new(format!("owner.{row}"), text));
        }
        let (field, text) = (typed.text(&format!("field.{row}")), typed.text(&format!("source.{row}")));
        if field.is_empty() != text.is_empty() {
            let says =
                format!("Mapped fields, row {number}: a field and a value belong together. Fill in both, or neither.");
            problems.push(FieldProblem::new(format!("source.{row}"), says));
        } else if let Err(error) = template::check(&source(text)) {
            let says = format!("Mapped fields, row {number}: {error}. Pick the value from a real incident below.");
            problems.push(FieldProblem::new(format!("source.{row}"), says));
        }
    }
    problems
}
