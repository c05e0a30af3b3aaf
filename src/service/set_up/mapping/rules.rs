//! The rarer rules of a policy as values of the form, and back: filters, storm brake, groups, how fields cross, reopening,
//! approvals, drift, pushing.
//!
//! A form that shows them says so by [`SHOWN`]; one that does not leaves them as they are.

use super::overlay::{ref_of, value_of};
use crate::{
    config::policy::{SEVERITIES, filters::misfit},
    domain::{
        approval::WriteKind,
        catalogue::{Catalogue, Named, Priority, Ref},
        drift::{DriftRule, DriftRules},
        policy::{
            AfterClosing, Direction, FieldRule, FieldTarget, Filter, GROUP_HOURS, GROUP_MOST, GroupBy, GroupRule,
            LabelMapping, LateAlerts, NoteFlag, Policy, PushRule, ReopenRule, RequesterRule, When, Wins,
        },
        view::form::FormView,
    },
    service::{error::FieldProblem, set_up::Typed},
};

/// Carried by a form that shows these rules.
pub const SHOWN: &str = "rules";

/// Numbers: their names, their labels, and the bounds of the applied file.
const NUMBERS: [(&str, &str, u32, u32); 6] = [
    ("tickets_per_hour", "New tickets within an hour", 0, 100_000),
    ("group.hours", "Hours between incidents of a group", 1, 672),
    ("group.most", "Incidents of a group at most", 2, 100),
    ("flips_per_hour", "Changes of status within an hour", 0, 1_000),
    ("digest_from", "Comments from which notes are gathered", 0, 95),
    ("requester_id", "Id of the Halo user", 1, u32::MAX),
];

/// The rules of the fields that always cross.
fn crossing(policy: &Policy) -> [(&'static str, FieldRule); 4] {
    [("severity", policy.severity), ("status", policy.status), ("owner", policy.owner), ("title", policy.title)]
}

/// References of a list that Halo does not know.
fn kept<'a>(refs: &'a [Ref], rows: &'a [Named]) -> impl Iterator<Item = &'a Ref> {
    refs.iter().filter(|wanted| wanted.find(rows, |row| row.id, |row| &row.name).is_none())
}

/// Ticks for each reference of a list; one that Halo does not know is a box of its own whose value is the reference.
fn put_list(form: &mut FormView, prefix: &str, refs: &[Ref], rows: &[Named]) {
    for wanted in refs {
        if let Some(row) = wanted.find(rows, |row| row.id, |row| &row.name) {
            form.values.insert(format!("{prefix}.{}", row.id), "on".to_owned());
        }
    }
    for (n, wanted) in kept(refs, rows).enumerate() {
        let text = match wanted {
            Ref::Id(id) => id.to_string(),
            Ref::Name(name) => name.clone(),
        };
        form.values.insert(format!("{prefix}.kept{n}"), text);
    }
}

/// The inverse of [`put_list`].
fn list(typed: &Typed, prefix: &str, rows: &[Named]) -> Vec<Ref> {
    let ticked = rows.iter().filter(|row| typed.ticked(&format!("{prefix}.{}", row.id)));
    let known = ticked.filter_map(|row| ref_of(rows, |row| row.id, |row| &row.name, &row.id.to_string()));
    let own = format!("{prefix}.kept");
    let others = typed.entries().filter(|(name, value)| name.starts_with(&own) && !value.is_empty());
    known.chain(others.map(|(_, value)| value.parse().map_or_else(|_| Ref::Name(value.to_owned()), Ref::Id))).collect()
}

/// Ticket types by id and name alone.
pub fn types(catalogue: &Catalogue) -> Vec<Named> {
    catalogue.ticket_types.iter().map(|row| Named { id: row.id, name: row.name.clone() }).collect()
}

/// Custom fields by id and name, as a reference means them.
fn field_value(catalogue: &Catalogue, wanted: Option<&Ref>) -> String {
    let Some(wanted) = wanted else { return String::new() };
    let found = super::overlay::definition(catalogue, Some(wanted)).map(|row| row.id);
    match found {
        Some(id) => format!("c:{id}"),
        None => value_of(wanted, None),
    }
}

fn field_ref(catalogue: &Catalogue, value: &str) -> Option<Ref> {
    match super::overlay::target(value, catalogue)? {
        FieldTarget::Custom(field) => Some(field),
        FieldTarget::Member(_) => None,
    }
}

/// Puts them into the form.
pub fn put(policy: &Policy, catalogue: &Catalogue, form: &mut FormView) {
    let tick = |form: &mut FormView, name: &str, on: bool| {
        if on {
            form.values.insert(name.to_owned(), "on".to_owned());
        }
    };
    for (side, filter) in [("include", &policy.include), ("exclude", &policy.exclude)] {
        for kind in Filter::KINDS {
            form.values.insert(format!("{side}.{kind}"), filter.kind(kind).join("\n"));
        }
    }
    let group = policy.group.as_ref();
    for by in GroupBy::ALL {
        let on = group.is_some_and(|group| group.by.contains(by));
        tick(form, &format!("group.by.{}", by.as_str()), on);
    }
    let rows = priorities(policy, catalogue);
    for (priority, severity) in &policy.priorities_back {
        let id = priority.find(&rows, |row| row.id, |row| &row.name).map(|row| row.id);
        if let Some(id) = id {
            form.values.insert(format!("pback.{id}"), severity.clone());
        }
    }
    for (name, rule) in crossing(policy) {
        for (key, word) in [("when", rule.when.as_str()), ("wins", rule.wins.as_str())] {
            form.values.insert(format!("{name}.{key}"), word.to_owned());
        }
    }
    put_list(form, "closed", &policy.closed_statuses, &catalogue.statuses);
    put_list(form, "note_outcome", &policy.note_outcomes, &catalogue.outcomes);
    put_list(form, "push.type", &policy.push.ticket_types, &types(catalogue));
    put_list(form, "push.outcome", &policy.push.outcomes, &catalogue.outcomes);
    for kind in &policy.approve {
        tick(form, &format!("approve.{}", kind.as_str()), true);
    }
    for (name, on) in [
        ("push.although_joined", policy.push.although_joined),
        ("notes_private", policy.notes_private),
        ("link_comment", policy.link_comment),
        ("evidence", policy.evidence),
        ("adopt", policy.adopt),
    ] {
        tick(form, name, on);
    }
    let (requester, id) = match policy.requester {
        RequesterRule::GeneralUser => ("general-user", String::new()),
        RequesterRule::AffectedUser => ("affected-user", String::new()),
        RequesterRule::User { id } => ("user", id.to_string()),
    };
    let labels = policy.labels.as_ref();
    let labelled = labels.map_or(FieldRule::new(Direction::ToHalo, When::Always), |labels| labels.rule);
    let drift = policy.drift;
    let flag = if policy.note_flag == NoteFlag::Important { "important" } else { "sync-to-sentinel" };
    for (name, value) in [
        (SHOWN, "on".to_owned()),
        ("tickets_per_hour", policy.tickets_per_hour.to_string()),
        ("group.hours", group.map_or(GROUP_HOURS, |group| group.hours).to_string()),
        ("group.most", group.map_or(GROUP_MOST, |group| group.most).to_string()),
        ("flips_per_hour", policy.flips_per_hour.to_string()),
        ("digest_from", policy.digest_from.to_string()),
        ("requester", requester.to_owned()),
        ("requester_id", id),
        ("title", policy.title.direction.as_str().to_owned()),
        ("labels", field_value(catalogue, labels.map(|labels| &labels.field))),
        ("labels.direction", labelled.direction.as_str().to_owned()),
        ("labels.when", labelled.when.as_str().to_owned()),
        ("incident_id_field", field_value(catalogue, policy.incident_id_field.as_ref())),
        ("note_flag", flag.to_owned()),
        ("late_alerts", policy.late_alerts.as_str().to_owned()),
        ("reopened.in_sentinel", policy.reopened_in_sentinel.as_str().to_owned()),
        ("reopened.in_halo", policy.reopened_in_halo.as_str().to_owned()),
        ("after.comments", policy.after_closing_comments.as_str().to_owned()),
        ("after.fields", policy.after_closing_fields.as_str().to_owned()),
        ("drift.only_in_sentinel", drift.only_in_sentinel.as_str().to_owned()),
        ("drift.only_in_halo", drift.only_in_halo.as_str().to_owned()),
        ("drift.value", drift.value.as_str().to_owned()),
        ("drift.lost_comment", drift.lost_comment.as_str().to_owned()),
        ("drift.wrong_client", drift.wrong_client.as_str().to_owned()),
    ] {
        form.values.insert(name.to_owned(), value);
    }
}

/// Lays what was typed over the policy.
pub fn lay(typed: &Typed, policy: &mut Policy, catalogue: &Catalogue) {
    if !typed.ticked(SHOWN) {
        return;
    }
    let number = |name: &str, before: u32| typed.text(name).parse().unwrap_or(before);
    for (side, filter) in [("include", &mut policy.include), ("exclude", &mut policy.exclude)] {
        for kind in Filter::KINDS {
            filter.set(kind, patterns(typed.text(&format!("{side}.{kind}"))));
        }
    }
    policy.tickets_per_hour = number("tickets_per_hour", policy.tickets_per_hour);
    policy.flips_per_hour = number("flips_per_hour", policy.flips_per_hour);
    policy.digest_from = number("digest_from", policy.digest_from);
    let by: Vec<GroupBy> =
        GroupBy::ALL.iter().copied().filter(|by| typed.ticked(&format!("group.by.{}", by.as_str()))).collect();
    policy.group = (!by.is_empty()).then(|| GroupRule {
        by,
        hours: number("group.hours", GROUP_HOURS),
        most: number("group.most", GROUP_MOST),
    });
    back(typed, policy, catalogue);
    if let Some(direction) = Direction::parse(typed.text("title")) {
        policy.title.direction = direction;
    }
    for (name, rule) in [
        ("severity", &mut policy.severity),
        ("status", &mut policy.status),
        ("owner", &mut policy.owner),
        ("title", &mut policy.title),
    ] {
        rule.when = When::parse(typed.text(&format!("{name}.when"))).unwrap_or(rule.when);
        rule.wins = Wins::parse(typed.text(&format!("{name}.wins"))).unwrap_or(rule.wins);
    }
    let before = policy.labels.take().map(|labels| labels.rule);
    let before = before.unwrap_or_else(|| FieldRule::new(Direction::ToHalo, When::Always));
    policy.labels = field_ref(catalogue, typed.text("labels")).map(|field| LabelMapping {
        field,
        rule: FieldRule {
            direction: Direction::parse(typed.text("labels.direction")).unwrap_or(before.direction),
            when: When::parse(typed.text("labels.when")).unwrap_or(before.when),
            ..before
        },
    });
    policy.incident_id_field = field_ref(catalogue, typed.text("incident_id_field"));
    policy.closed_statuses = list(typed, "closed", &catalogue.statuses);
    policy.note_outcomes = list(typed, "note_outcome", &catalogue.outcomes);
    policy.push = PushRule {
        ticket_types: list(typed, "push.type", &types(catalogue)),
        outcomes: list(typed, "push.outcome", &catalogue.outcomes),
        although_joined: typed.ticked("push.although_joined"),
    };
    policy.approve = WriteKind::WORDS
        .into_iter()
        .filter(|word| typed.ticked(&format!("approve.{word}")))
        .filter_map(WriteKind::parse)
        .collect();
    policy.requester = match typed.text("requester") {
        "affected-user" => RequesterRule::AffectedUser,
        "user" => typed.text("requester_id").parse().map_or(policy.requester, |id| RequesterRule::User { id }),
        _ => RequesterRule::GeneralUser,
    };
    policy.note_flag =
        if typed.text("note_flag") == "important" { NoteFlag::Important } else { NoteFlag::SyncToSentinel };
    policy.notes_private = typed.ticked("notes_private");
    policy.link_comment = typed.ticked("link_comment");
    policy.evidence = typed.ticked("evidence");
    policy.adopt = typed.ticked("adopt");
    policy.late_alerts = LateAlerts::parse(typed.text("late_alerts")).unwrap_or(policy.late_alerts);
    let reopen = |name: &str, before| ReopenRule::parse(typed.text(name)).unwrap_or(before);
    policy.reopened_in_sentinel = reopen("reopened.in_sentinel", policy.reopened_in_sentinel);
    policy.reopened_in_halo = reopen("reopened.in_halo", policy.reopened_in_halo);
    let after = |name: &str, before| AfterClosing::parse(typed.text(name)).unwrap_or(before);
    policy.after_closing_comments = after("after.comments", policy.after_closing_comments);
    policy.after_closing_fields = after("after.fields", policy.after_closing_fields);
    let rule = |name: &str, before| DriftRule::parse(typed.text(&format!("drift.{name}"))).unwrap_or(before);
    policy.drift = DriftRules {
        only_in_sentinel: rule("only_in_sentinel", policy.drift.only_in_sentinel),
        only_in_halo: rule("only_in_halo", policy.drift.only_in_halo),
        value: rule("value", policy.drift.value),
        lost_comment: rule("lost_comment", policy.drift.lost_comment),
        wrong_client: rule("wrong_client", policy.drift.wrong_client),
    };
}

/// The priorities that the ticket type's SLA has.
fn priorities<'a>(policy: &Policy, catalogue: &'a Catalogue) -> Vec<&'a Priority> {
    catalogue.priorities_in(catalogue.ticket_type(&policy.ticket_type).and_then(|row| row.default_sla))
}

/// Priorities on the way back; those that the page does not show stay.
fn back(typed: &Typed, policy: &mut Policy, catalogue: &Catalogue) {
    let rows = priorities(policy, catalogue);
    policy.priorities_back.retain(|(known, _)| known.find(&rows, |row| row.id, |row| &row.name).is_none());
    for row in &rows {
        let severity = typed.text(&format!("pback.{}", row.id));
        if SEVERITIES.contains(&severity) {
            let found = ref_of(&rows, |row| row.id, |row| &row.name, &row.id.to_string());
            policy.priorities_back.extend(found.map(|found| (found, severity.to_owned())));
        }
    }
    policy.priorities_back.sort();
    policy.priorities_back.dedup();
}

/// One pattern a line.
fn patterns(text: &str) -> Vec<String> {
    text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

/// What is wrong with them, as far as the applied file would not say it.
pub fn problems(typed: &Typed, problems: &mut Vec<FieldProblem>) {
    if !typed.ticked(SHOWN) {
        return;
    }
    for (name, label, from, to) in NUMBERS {
        let text = typed.text(name);
        if name == "requester_id" && typed.text("requester") != "user" {
            continue;
        }
        let bounds = if to == u32::MAX { format!("{from} or more") } else { format!("from {from} to {to}") };
        if !text.parse::<u32>().is_ok_and(|number| (from..=to).contains(&number)) {
            let says = format!("{label} is “{text}”. Enter a whole number {bounds}.");
            problems.push(FieldProblem::new(name, says));
        }
    }
    for side in ["include", "exclude"] {
        for kind in Filter::KINDS {
            let name = format!("{side}.{kind}");
            // a pattern that never fits would hold back every incident, or none
            let wrong =
                patterns(typed.text(&name)).into_iter().find_map(|pattern| Some((misfit(kind, &pattern)?, pattern)));
            let Some((misfit, pattern)) = wrong else { continue };
            let fix = match misfit.near {
                Some(near) => format!("Did you mean “{near}”?"),
                None => misfit.remedy,
            };
            let what = kind.replace('_', " ");
            problems.push(FieldProblem::new(name, format!("The {what} “{pattern}” {}. {fix}", misfit.problem)));
        }
    }
    if typed.text("notes") == "outcomes" && !typed.entries().any(|(name, _)| name.starts_with("note_outcome.")) {
        let says = "No outcome is chosen whose notes cross. Choose at least one below, or another rule for notes.";
        problems.push(FieldProblem::new("notes", says));
    }
}
