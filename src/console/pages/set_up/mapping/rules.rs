//! The rarer rules of a policy, folded: filters, groups, how fields cross, reopening, approvals, drift, pushing.

use leptos::prelude::*;

use super::{DIRECTIONS, picks, select, text};
use crate::{
    console::components::fields,
    domain::{
        approval::WriteKind,
        drift::DriftClass,
        policy::Filter,
        view::{
            form::FormView,
            mapping::{MappingStep, Pick},
        },
    },
};

const WHEN: [(&str, &str); 2] = [("always", "With each change"), ("on-create", "Into the new ticket only")];
const WINS: [(&str, &str); 4] =
    [("newest", "The newer value"), ("sentinel", "Sentinel"), ("halo", "Halo"), ("ask", "A person is asked")];

/// A folded part; open while something in it is wrong.
fn folded(form: &FormView, prefixes: &[&str], summary: &'static str, hint: &'static str, inside: AnyView) -> AnyView {
    let wrong = form.problems.iter().any(|problem| prefixes.iter().any(|prefix| problem.field.starts_with(prefix)));
    view! {
        <details open=wrong>
            <summary>{summary}</summary>
            <div class="form">
                {(!hint.is_empty()).then(|| view! { <p class="hint">{hint}</p> })}
                {inside}
            </div>
        </details>
    }
    .into_any()
}

/// A box to tick, by a name made up here.
fn tick(form: &FormView, name: String, label: String, value: &str) -> AnyView {
    let on = !form.value(&name).is_empty();
    let value = value.to_owned();
    view! {
        <div class="option">
            <input type="checkbox" id=name.clone() name=name.clone() value=value checked=on />
            <label for=name>{label}</label>
        </div>
    }
    .into_any()
}

/// Boxes for a list of references; one that Halo does not offer has a box of its own, so that it is not lost.
fn ticks(form: &FormView, prefix: &str, legend: &'static str, rows: &[Pick]) -> AnyView {
    let boxes =
        rows.iter().map(|pick| tick(form, format!("{prefix}.{}", pick.value), pick.label.clone(), "on")).collect_view();
    let own = format!("{prefix}.kept");
    let others = form
        .values
        .iter()
        .filter(|(name, value)| name.starts_with(&own) && !value.is_empty())
        .map(|(name, value)| tick(form, name.clone(), format!("{value} (Halo does not offer it)"), value))
        .collect_view();
    view! {
        <fieldset class="options">
            <legend>{legend}</legend>
            {boxes}
            {others}
        </fieldset>
    }
    .into_any()
}

/// Several lines of text.
fn area(form: &FormView, name: String, label: String) -> AnyView {
    let problem = form.problem(&name).map(str::to_owned);
    let fault = problem.as_ref().map(|_| format!("{name}-problem"));
    let value = form.value(&name).to_owned();
    view! {
        <div class="field" class:wrong=problem.is_some()>
            <label for=name.clone()>{label}</label>
            {problem.clone().map(|message| view! { <p class="problem" id=fault.clone()><span class="unseen">"Error: "</span>{message}</p> })}
            <textarea id=name.clone() name=name rows="2" spellcheck="false" autocomplete="off" aria-describedby=fault.clone()
                aria-invalid=problem.is_some().then_some("true")>{value}</textarea>
        </div>
    }
    .into_any()
}

fn custom(view: &MappingStep) -> Vec<Pick> {
    view.choices.fields.iter().filter(|pick| pick.value.starts_with("c:")).cloned().collect()
}

/// Which incidents become tickets, how many, and which share one.
pub fn incidents(view: &MappingStep) -> AnyView {
    let form = &view.form;
    let label = |side: &str, kind: &str| match kind {
        "analytics_rule" => format!("{side}: analytics rule (GUID)"),
        "owner" => format!("{side}: owner, or unassigned"),
        kind => format!("{side}: {kind}"),
    };
    let both = |kind: &'static str| {
        [("include", "Only"), ("exclude", "Not")]
            .map(|(name, words)| area(form, format!("{name}.{kind}"), label(words, kind)))
    };
    let by = [
        ("analytics-rule", "The analytics rule that made them"),
        ("host", "A host that both name"),
        ("account", "An account that both name"),
        ("main-entity", "The first account or host that each names"),
    ];
    let filters = view! {
        <div class="halves">{Filter::KINDS.into_iter().flat_map(both).collect_view()}</div>
        {text(form, "tickets_per_hour".into(), "New tickets within an hour, above which incidents wait (0: no limit)".into())}
    };
    let groups = view! {
        {ticks(form, "group.by", "What the incidents of a ticket have in common, all of it", &picks(&by))}
        {text(form, "group.hours".into(), "Hours between incidents of a group".into())}
        {text(form, "group.most".into(), "Incidents of a group at most".into())}
    };
    view! {
        <p class="hint">"Every incident becomes a ticket of its own, unless something is chosen here."</p>
        {folded(
            form,
            &["include.", "exclude.", "tickets_per_hour"],
            "Which incidents become tickets",
            "One pattern a line; * stands for any run of characters, ? for one. An incident must fit a pattern of each kind under \
             “Only” that has any, and none under “Not”.",
            filters.into_any(),
        )}
        {folded(
            form,
            &["group."],
            "Which incidents share a ticket",
            "None, unless something is ticked. Hosts and accounts need alerts and entities to be read before each ticket.",
            groups.into_any(),
        )}
    }
    .into_any()
}

/// Severity on the way back.
pub fn priorities_back(view: &MappingStep) -> AnyView {
    let severities = ["High", "Medium", "Low", "Informational"].map(|severity| (severity, severity));
    let rows = view
        .choices
        .priorities
        .iter()
        .map(|pick| {
            let label = format!("“{}” means on the incident", pick.label);
            let none = Some("What is chosen above, or nothing");
            select(&view.form, format!("pback.{}", pick.value), label, none, &picks(&severities))
        })
        .collect_view();
    folded(&view.form, &["pback."], "The way back: each priority", "", rows.into_any())
}

/// Which ticket statuses are closed.
pub fn closed(view: &MappingStep) -> AnyView {
    let inside = ticks(&view.form, "closed", "These count as closed too", &view.choices.statuses);
    let hint = "Beside those that Halo itself counts as closed.";
    folded(&view.form, &["closed."], "Ticket statuses that count as closed", hint, inside)
}

/// When a field crosses, and whose value is taken.
pub fn crossing(form: &FormView, name: &'static str, label: &'static str) -> AnyView {
    let inside = view! {
        {select(form, format!("{name}.when"), format!("{label} crosses"), None, &picks(&WHEN))}
        {select(form, format!("{name}.wins"), format!("{label}: when both changed it, taken is"), None, &picks(&WINS))}
    };
    let (when, wins) = (format!("{name}.when"), format!("{name}.wins"));
    folded(form, &[when.as_str(), wins.as_str()], "When it crosses, and whose value is taken", "", inside.into_any())
}

/// Opening again, and what arrives after closing.
pub fn reopening(view: &MappingStep) -> AnyView {
    let form = &view.form;
    let again = [
        ("reopen", "The other side is opened too"),
        ("note", "The other side stays closed and is told"),
        ("ask", "A person is asked each time"),
    ];
    let incident = [&again[..1], &[("new-ticket", "A new ticket is made")], &again[1..]].concat();
    let after =
        [("cross", "It crosses"), ("note-only", "It is told in words"), ("ignore", "It stays; the pair says so")];
    let inside = view! {
        {select(form, "reopened.in_sentinel".into(), "When a closed incident is opened again".into(), None, &picks(&incident))}
        {select(form, "reopened.in_halo".into(), "When a closed ticket is opened again".into(), None, &picks(&again))}
        {select(form, "after.comments".into(), "Comments and notes that arrive when both are closed".into(), None, &picks(&after))}
        {select(form, "after.fields".into(), "Changes of fields when both are closed".into(), None, &picks(&after))}
        {text(form, "flips_per_hour".into(), "Changes of status within an hour, above which a person is asked (0: never)".into())}
    };
    let parts = ["reopened.", "after.", "flips_per_hour"];
    folded(form, &parts, "Opening again, and what arrives after closing", "", inside.into_any())
}

/// Who new tickets are for.
pub fn requester(view: &MappingStep) -> AnyView {
    let form = &view.form;
    let inside = view! {
        {fields::radios(form, "", "requester", "New tickets are for", &[
            ("general-user", "The client's General User", ""),
            ("affected-user", "The affected user", "The user whom the incident's accounts and mailboxes name, if Halo knows one."),
            ("user", "One user of Halo", "By id, below."),
        ])}
        {text(form, "requester_id".into(), "Id of the Halo user".into())}
    };
    folded(form, &["requester"], "Who new tickets are for", "", inside.into_any())
}

/// Which notes, and how ours look.
pub fn notes(view: &MappingStep) -> AnyView {
    let form = &view.form;
    let flags = [("sync-to-sentinel", "Halo's “Sync to Sentinel”"), ("important", "Halo's “important”")];
    let late = [("note", "The ticket is told in a private note"), ("ignore", "Nothing")];
    let inside = view! {
        {select(form, "note_flag".into(), "The flag of notes that cross".into(), None, &picks(&flags))}
        {ticks(form, "note_outcome", "The outcomes of notes that cross", &view.choices.outcomes)}
        {tick(form, "notes_private".into(), "Notes that we write are hidden from the end user".into(), "on")}
        {tick(form, "link_comment".into(), "The incident gets one comment with its ticket's number".into(), "on")}
        {tick(form, "evidence".into(), "Alerts and entities are written into new tickets".into(), "on")}
        {select(form, "late_alerts".into(), "Alerts that join an incident later".into(), None, &picks(&late))}
        {text(form, "digest_from".into(), "Comments from which on notes are gathered (an incident holds 100)".into())}
    };
    folded(form, &["note_", "digest_from", "late_"], "Notes and alerts in detail", "", inside.into_any())
}

/// Labels and the incident's id.
pub fn labels(view: &MappingStep) -> AnyView {
    let (form, custom) = (&view.form, custom(view));
    let inside = view! {
        {select(form, "labels".into(), "Field for the incident's labels".into(), Some("None"), &custom)}
        {select(form, "labels.direction".into(), "Labels cross".into(), None, &picks(&DIRECTIONS))}
        {select(form, "labels.when".into(), "Labels cross when".into(), None, &picks(&WHEN))}
        {select(form, "incident_id_field".into(), "Field for the incident's id (GUID)".into(), Some("None"), &custom)}
    };
    folded(form, &["labels", "incident_id_field"], "Labels, and the incident's id", "", inside.into_any())
}

/// How one mapped field crosses.
pub fn of_field(view: &MappingStep, row: usize) -> AnyView {
    let form = &view.form;
    if form.value(&format!("source.{row}")).is_empty() {
        return ().into_any();
    }
    let ways = [("to-halo", "It is written"), ("none", "It is not written for now")];
    let n = row + 1;
    let inside = view! {
        {select(form, format!("fielddirection.{row}"), format!("Field {n}"), None, &picks(&ways))}
        {select(form, format!("fieldwhen.{row}"), format!("Field {n} crosses"), None, &picks(&WHEN))}
        {select(form, format!("fieldwins.{row}"), format!("Field {n}: when both changed it, taken is"), None, &picks(&WINS))}
    };
    view! { <details><summary>{format!("How field {n} crosses")}</summary><div class="form">{inside}</div></details> }
        .into_any()
}

/// Approvals, drift, pushing, adopting.
pub fn rare(view: &MappingStep) -> AnyView {
    let (form, choices) = (&view.form, &view.choices);
    let kinds: Vec<Pick> = WriteKind::WORDS
        .into_iter()
        .map(|word| Pick::new(word, WriteKind::parse(word).map_or(word, WriteKind::words)))
        .collect();
    let rules = [("heal", "It is put right"), ("ask", "A person is asked"), ("ignore", "It is left")];
    let drift = DriftClass::ALL
        .into_iter()
        .map(|class| {
            // nothing is ever written to another client's ticket
            let offered = if class == DriftClass::WrongClient { &rules[1..] } else { &rules[..] };
            let name = format!("drift.{}", class.as_str().replace('-', "_"));
            select(form, name, class.words().to_owned(), None, &picks(offered))
        })
        .collect_view();
    let push = view! {
        {ticks(form, "push.type", "Tickets of these types", &choices.ticket_types)}
        {ticks(form, "push.outcome", "Tickets with an action of these outcomes", &choices.outcomes)}
        {tick(form, "push.although_joined".into(), "Also to workspaces whose portal does not show them (Defender)".into(), "on")}
    };
    view! {
        {folded(form, &["approve."], "What waits for a person's approval", "", ticks(form, "approve", "These writes wait", &kinds))}
        {folded(form, &["drift."], "What is done about drift", "What a full reading finds and nothing had told of.", drift.into_any())}
        {folded(form, &["push."], "Which tickets are pushed to Sentinel by themselves", "When a webhook of Halo's names them.", push.into_any())}
        {tick(form, "adopt".into(), "Take tickets that Halo's own Sentinel integration has made, instead of making new ones".into(), "on")}
    }
    .into_any()
}
