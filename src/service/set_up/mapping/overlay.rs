//! What was typed, laid over the policy as it was: what the form does not show stays.

use std::collections::BTreeMap;

use uuid::Uuid;

use crate::{
    domain::{
        catalogue::{Catalogue, FieldDefinition, Ref},
        closing::{Classification, Verdict},
        ids::PolicyId,
        policy::{
            Direction, FieldMapping, FieldRule, FieldSource, FieldTarget, MissingVerdict, NotesRule, Policy, When, Wins,
        },
    },
    planner::template,
    service::{error::FieldProblem, set_up::Typed},
};

use super::rules;

/// Rows of a table that are read at most.
pub(super) const ROWS_MAX: usize = 100;

/// A reference as a value of the form: the row's id, or, where Halo has no such row, what [`ref_of`] gives back.
pub(super) fn value_of(wanted: &Ref, found: Option<i64>) -> String {
    match (found, wanted) {
        (Some(id), _) => id.to_string(),
        (None, Ref::Id(id)) => id.to_string(),
        (None, Ref::Name(name)) => format!("?{name}"),
    }
}

/// A row by its id, named where the name is the only one of its kind. What Halo does not have stays as it was.
pub(super) fn ref_of<T>(rows: &[T], id: impl Fn(&T) -> i64, name: impl Fn(&T) -> &str, wanted: &str) -> Option<Ref> {
    if let Some(unknown) = wanted.strip_prefix('?').filter(|unknown| !unknown.is_empty()) {
        return Some(Ref::Name(unknown.to_owned()));
    }
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
pub fn source(text: &str) -> FieldSource {
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

/// The field that a value of the form names.
pub(super) fn target(text: &str, catalogue: &Catalogue) -> Option<FieldTarget> {
    if let Some(unknown) = text.strip_prefix('?').filter(|unknown| !unknown.is_empty()) {
        return Some(FieldTarget::Custom(Ref::Name(unknown.to_owned())));
    }
    if let Some(member) = text.strip_prefix("m:") {
        return Some(FieldTarget::Member(member.to_owned()));
    }
    let id: i64 = text.strip_prefix("c:").unwrap_or(text).parse().ok()?;
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
    if let Some(found) = ref_of(types, |row| row.id, |row| &row.name, typed.text("ticket_type")) {
        policy.ticket_type = found;
    }
    let sla = catalogue.ticket_type(&policy.ticket_type).and_then(|row| row.default_sla);
    let priorities: Vec<_> = catalogue.priorities_in(sla).into_iter().cloned().collect();
    policy.priorities.clear();
    for severity in crate::config::policy::SEVERITIES {
        let wanted = typed.text(&format!("priority.{severity}")).to_owned();
        if let Some(found) = ref_of(&priorities, |row| row.id, |row| &row.name, &wanted) {
            policy.priorities.insert(severity.to_owned(), found);
        }
    }
    policy.severity = direction(typed, "severity", policy.severity);
    policy.status = direction(typed, "status", policy.status);
    policy.owner = direction(typed, "owner", policy.owner);
    policy.statuses.clear();
    for status in crate::config::policy::STATUSES {
        let wanted = typed.text(&format!("status.{status}")).to_owned();
        if let Some(found) = ref_of(&catalogue.statuses, |row| row.id, |row| &row.name, &wanted) {
            policy.statuses.insert(status.to_owned(), found);
        }
    }
    // a status that Halo does not have stays
    let known = |wanted: &Ref| wanted.find(&catalogue.statuses, |row| row.id, |row| &row.name).is_some();
    policy.statuses_back.retain(|(wanted, _)| !known(wanted));
    for row in &catalogue.statuses {
        let meaning = typed.text(&format!("back.{}", row.id)).to_owned();
        if crate::config::policy::STATUSES.contains(&meaning.as_str()) {
            let found = ref_of(&catalogue.statuses, |row| row.id, |row| &row.name, &row.id.to_string());
            policy.statuses_back.extend(found.map(|found| (found, meaning)));
        }
    }
    policy.team = ref_of(&catalogue.teams, |row| row.id, |row| &row.name, typed.text("team"));
    policy.category = ref_of(&catalogue.categories, |row| row.id, |row| &row.name, typed.text("category"));
    policy.agent = ref_of(&catalogue.agents, |row| row.id, |row| &row.name, typed.text("agent"));
    if let Some(found) = ref_of(&catalogue.outcomes, |row| row.id, |row| &row.name, typed.text("outcome")) {
        policy.outcome = found;
    }
    if let Some(notes) = NotesRule::parse(typed.text("notes")) {
        policy.notes = notes;
    }
    let commented = match &policy.missing_verdict {
        MissingVerdict::Default { verdict } => Some(verdict.clone()),
        MissingVerdict::Ask => None,
    };
    policy.missing_verdict = match verdict(typed.text("verdict")) {
        Some(verdict) => MissingVerdict::Default { verdict: with_comment(verdict, commented.as_ref()) },
        None => MissingVerdict::Ask,
    };
    classes(typed, &mut policy, catalogue);
    policy.agents = owners(typed, catalogue);
    fields(typed, &mut policy, catalogue);
    rules::lay(typed, &mut policy, catalogue);
    policy
}

/// The form has no place for a verdict's own comment: it stays while classification and reason stay.
fn with_comment(verdict: Verdict, before: Option<&Verdict>) -> Verdict {
    let same = before.filter(|known| known.classification == verdict.classification && known.reason == verdict.reason);
    Verdict { comment: same.and_then(|known| known.comment.clone()), ..verdict }
}

fn classes(typed: &Typed, policy: &mut Policy, catalogue: &Catalogue) {
    let text = typed.text("classification_field");
    let chosen: Option<i64> = text.parse().ok();
    let Some(found) = catalogue.fields.iter().find(|row| Some(row.id) == chosen) else {
        // one that Halo does not have (any more) stays with its table, until another is chosen
        if text.is_empty() {
            policy.classification_field = None;
            policy.classifications.clear();
        }
        return;
    };
    let same = definition(catalogue, policy.classification_field.as_ref()).is_some_and(|row| row.id == found.id);
    policy.classification_field = Some(match found.name.as_str() {
        "" => Ref::Id(found.id),
        name => Ref::Name(name.to_owned()),
    });
    let before = std::mem::take(&mut policy.classifications);
    let before = if same { before } else { BTreeMap::new() };
    let key = |name: &str| name.trim().to_lowercase();
    let offered = |text: &String| found.options.iter().any(|option| key(&option.name) == *text);
    // words that are no choice of the field now, and ids, have no row on the page
    policy.classifications =
        before.iter().filter(|(text, _)| !offered(text)).map(|(text, known)| (text.clone(), known.clone())).collect();
    for option in &found.options {
        if let Some(verdict) = verdict(typed.text(&format!("class.{}", option.id))) {
            let verdict = with_comment(verdict, before.get(&key(&option.name)));
            policy.classifications.insert(key(&option.name), verdict);
        }
    }
}

fn owners(typed: &Typed, catalogue: &Catalogue) -> BTreeMap<String, Ref> {
    (0..ROWS_MAX)
        .filter_map(|row| {
            let key = typed.text(&format!("owner.{row}")).to_lowercase();
            let agent = typed.text(&format!("agent.{row}")).to_owned();
            let found = ref_of(&catalogue.agents, |row| row.id, |row| &row.name, &agent)?;
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
        let own = |key: &str| typed.text(&format!("{key}.{row}"));
        let rule = FieldRule {
            direction: Direction::parse(own("fielddirection")).unwrap_or(rule.direction),
            when: When::parse(own("fieldwhen")).unwrap_or(rule.when),
            wins: Wins::parse(own("fieldwins")).unwrap_or(rule.wins),
        };
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
    rules::problems(typed, &mut problems);
    problems
}
