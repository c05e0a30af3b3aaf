//! A policy as the values of its form, and the policy that is suggested where there is none.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::{choices::target_value, overlay, rules};
use crate::domain::{
    catalogue::{Catalogue, Ref, TicketType},
    ids::PolicyId,
    policy::{MissingVerdict, NotesRule, Policy},
    view::form::FormView,
};

/// Words by which a priority tells which severity it is for, best first.
const WORDS: [(&str, &[&str]); 4] = [
    ("High", &["high", "hoch", "p2", "2"]),
    ("Medium", &["medium", "mittel", "normal", "p3", "3"]),
    ("Low", &["low", "niedrig", "p4", "4"]),
    ("Informational", &["info", "p5", "5"]),
];

/// The policy that is suggested for an instance: the ticket type for security, priorities and statuses by their names.
pub(super) fn suggested(catalogue: &Catalogue) -> Policy {
    let mut policy = Policy::new(PolicyId(Uuid::nil()), "standard", Ref::Id(0), NotesRule::Public);
    let of_security = |row: &&TicketType| row.name.to_lowercase().contains("security");
    let kind = catalogue.ticket_types.iter().find(of_security).or_else(|| catalogue.ticket_types.first());
    if let Some(kind) = kind {
        with_type(&mut policy, kind, catalogue);
    }
    let open = |row: &&crate::domain::catalogue::Named| !catalogue.closed_statuses.contains(&row.id);
    let named = |wanted: &[&str], open_only: bool| {
        let fits = |row: &&crate::domain::catalogue::Named| {
            wanted.iter().any(|name| row.name.eq_ignore_ascii_case(name)) && (!open_only || open(row))
        };
        catalogue.statuses.iter().find(fits)
    };
    let new = named(&["New", "Open", "Neu", "Offen"], true).or_else(|| catalogue.statuses.iter().find(open));
    let active = named(&["In Progress", "Active", "In Bearbeitung"], true).or(new);
    let closed = named(&["Closed", "Geschlossen"], false).or_else(|| {
        let closes = |row: &&crate::domain::catalogue::Named| catalogue.closed_statuses.contains(&row.id);
        catalogue.statuses.iter().find(closes)
    });
    policy.statuses = [("New", new), ("Active", active), ("Closed", closed)]
        .into_iter()
        .filter_map(|(status, row)| Some((status.to_owned(), Ref::Id(row?.id))))
        .collect();
    // Every other open status means that somebody works on it.
    policy.statuses_back = catalogue
        .statuses
        .iter()
        .filter(open)
        .filter(|row| Some(row.id) != new.map(|row| row.id) && Some(row.id) != active.map(|row| row.id))
        .map(|row| (Ref::Id(row.id), "Active".to_owned()))
        .collect();
    let classification = catalogue.fields.iter().find(|row| {
        row.options.len() > 1 && row.label.as_deref().unwrap_or(&row.name).to_lowercase().contains("classification")
    });
    policy.classification_field = classification.map(|row| Ref::Id(row.id));
    if let Some(row) = classification {
        for option in &row.options {
            if let Some(verdict) = crate::planner::closing::named(&policy, &option.name).and_then(|v| v.checked().ok())
            {
                policy.classifications.insert(option.name.trim().to_lowercase(), verdict);
            }
        }
    }
    if !catalogue.outcomes.is_empty()
        && policy.outcome.find(&catalogue.outcomes, |row| row.id, |row| &row.name).is_none()
        && let Some(note) = catalogue.outcomes.iter().find(|row| row.name.to_lowercase().contains("note"))
    {
        policy.outcome = Ref::Id(note.id);
    }
    policy
}

/// Takes up a ticket type, with a priority of its SLA for each severity.
pub(super) fn with_type(policy: &mut Policy, kind: &TicketType, catalogue: &Catalogue) {
    policy.ticket_type = Ref::Id(kind.id);
    let rows = catalogue.priorities_in(kind.default_sla);
    let mut priorities: BTreeMap<String, Ref> = BTreeMap::new();
    for (severity, words) in WORDS {
        let known = policy.priorities.get(severity).and_then(|known| known.find(&rows, |row| row.id, |row| &row.name));
        let fits = |word: &&str| rows.iter().find(|row| row.name.to_lowercase().contains(*word));
        let last = || if severity == "Informational" { rows.last() } else { None };
        if let Some(row) = known.or_else(|| words.iter().find_map(fits)).or_else(last) {
            priorities.insert(severity.to_owned(), Ref::Id(row.id));
        }
    }
    policy.priorities = priorities;
}

/// What was typed, with the priorities of the ticket type that was taken. `policy` is what the form describes.
pub(super) fn of_type(form: FormView, mut policy: Policy, catalogue: &Catalogue) -> FormView {
    let Some(kind) = catalogue.ticket_type(&policy.ticket_type) else { return form };
    with_type(&mut policy, kind, catalogue);
    let rows = catalogue.priorities_in(kind.default_sla);
    WORDS.iter().fold(form, |form, (severity, _)| {
        let wanted = policy.priorities.get(*severity);
        let found = wanted.and_then(|wanted| wanted.find(&rows, |row| row.id, |row| &row.name));
        let id = found.map(|row| row.id.to_string()).unwrap_or_default();
        form.with_value(&format!("priority.{severity}"), &id)
    })
}

/// A policy as the values of its form.
pub(super) fn form(policy: &Policy, catalogue: &Catalogue) -> FormView {
    let mut form = FormView::default();
    let mut put = |name: &str, value: String| {
        form.values.insert(name.to_owned(), value);
    };
    // what Halo does not have stays, and says so
    let kept = overlay::value_of;
    put("name", policy.name.clone());
    put("ticket_type", kept(&policy.ticket_type, catalogue.ticket_type(&policy.ticket_type).map(|row| row.id)));
    let sla = catalogue.ticket_type(&policy.ticket_type).and_then(|row| row.default_sla);
    let rows = catalogue.priorities_in(sla);
    for (severity, wanted) in &policy.priorities {
        put(
            &format!("priority.{severity}"),
            kept(wanted, wanted.find(&rows, |row| row.id, |row| &row.name).map(|row| row.id)),
        );
    }
    let status = |wanted: &Ref| wanted.only(&catalogue.statuses, |row| row.id, |row| &row.name).map(|row| row.id);
    for (name, wanted) in &policy.statuses {
        put(&format!("status.{name}"), kept(wanted, status(wanted)));
    }
    for (wanted, meaning) in &policy.statuses_back {
        for row in catalogue.statuses.iter().filter(|row| wanted.means(row.id, &row.name)) {
            put(&format!("back.{}", row.id), meaning.clone());
        }
    }
    for (name, rule) in [("severity", policy.severity), ("status", policy.status), ("owner", policy.owner)] {
        put(name, rule.direction.as_str().to_owned());
    }
    let named = |wanted: Option<&Ref>, rows: &[crate::domain::catalogue::Named]| {
        let value = |wanted: &Ref| kept(wanted, wanted.find(rows, |row| row.id, |row| &row.name).map(|row| row.id));
        wanted.map(value).unwrap_or_default()
    };
    put("team", named(policy.team.as_ref(), &catalogue.teams));
    put("category", named(policy.category.as_ref(), &catalogue.categories));
    put("outcome", named(Some(&policy.outcome), &catalogue.outcomes));
    let agent = |wanted: &Ref| catalogue.agent(wanted).map(|row| row.id);
    put("agent", policy.agent.as_ref().map(|wanted| kept(wanted, agent(wanted))).unwrap_or_default());
    put("notes", policy.notes.as_str().to_owned());
    put(
        "verdict",
        match &policy.missing_verdict {
            MissingVerdict::Ask => "ask".to_owned(),
            MissingVerdict::Default { verdict } => overlay::verdict_value(verdict),
        },
    );
    let field = overlay::definition(catalogue, policy.classification_field.as_ref());
    let named = policy.classification_field.as_ref();
    put("classification_field", named.map(|wanted| kept(wanted, field.map(|row| row.id))).unwrap_or_default());
    for option in field.map(|row| row.options.as_slice()).unwrap_or_default() {
        if let Some(verdict) = policy.classifications.get(&option.name.trim().to_lowercase()) {
            put(&format!("class.{}", option.id), overlay::verdict_value(verdict));
        }
    }
    for (row, (owner, wanted)) in policy.agents.iter().enumerate() {
        put(&format!("owner.{row}"), owner.clone());
        put(&format!("agent.{row}"), kept(wanted, agent(wanted)));
    }
    for (row, mapping) in policy.fields.iter().enumerate() {
        put(&format!("field.{row}"), target_value(&mapping.field, catalogue));
        put(&format!("source.{row}"), overlay::source_text(&mapping.source).to_owned());
        put(&format!("fielddirection.{row}"), mapping.rule.direction.as_str().to_owned());
        put(&format!("fieldwhen.{row}"), mapping.rule.when.as_str().to_owned());
        put(&format!("fieldwins.{row}"), mapping.rule.wins.as_str().to_owned());
    }
    rules::put(policy, catalogue, &mut form);
    form
}

/// Puts a picked path into the first row without a value.
pub(super) fn picked(form: FormView, path: &str) -> FormView {
    let free = (0..overlay::ROWS_MAX).find(|row| form.value(&format!("source.{row}")).is_empty());
    match free {
        Some(row) => form.with_value(&format!("source.{row}"), path).with_value("look", "on"),
        None => form,
    }
}
