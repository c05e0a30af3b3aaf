//! The policy: how incidents become tickets and what crosses between them.

mod parts;
mod rules;

use leptos::prelude::*;

use super::lines;
use crate::{
    console::{components::fields, context::PageContext, words},
    domain::{
        closing::ALLOWED,
        policy::PolicyKey as Key,
        view::{
            form::FormView,
            mapping::{MappingStep, Pick},
            set_up::Step,
            what_if::WhatIfOf,
        },
    },
};
use parts::{Part, part};

const DIRECTIONS: [(&str, &str); 4] =
    [("to-halo", "To Halo only"), ("both", "Both ways"), ("to-sentinel", "To Sentinel only"), ("none", "Not at all")];

fn id_of(name: &str) -> String {
    name.to_owned()
}

/// A select with its label; `none` is the word for no choice.
fn select(form: &FormView, name: String, label: String, none: Option<&'static str>, picks: &[Pick]) -> AnyView {
    let id = id_of(&name);
    let problem = form.problem(&name).map(str::to_owned);
    let fault = problem.as_ref().map(|_| format!("{id}-problem"));
    let chosen = form.value(&name).to_owned();
    let options = picks
        .iter()
        .map(|pick| view! { <option value=pick.value.clone() selected=pick.value == chosen>{pick.label.clone()}</option> })
        .collect_view();
    // what was stored and is not offered (any more) must not turn into the first choice
    let kept = (!chosen.is_empty() && !picks.iter().any(|pick| pick.value == chosen)).then(|| {
        let label = format!("{} (Halo does not offer it)", chosen.trim_start_matches('?'));
        view! { <option value=chosen.clone() selected>{label}</option> }
    });
    view! {
        <div class="field" class:wrong=problem.is_some()>
            <label for=id.clone()>{label}</label>
            {problem.clone().map(|message| view! { <p class="problem" id=fault.clone()><span class="unseen">"Error: "</span>{message}</p> })}
            <select id=id name=name aria-describedby=fault.clone() aria-invalid=problem.is_some().then_some("true")>
                {none.map(|none| view! { <option value="">{none}</option> })}
                {kept}
                {options}
            </select>
        </div>
    }
    .into_any()
}

fn text(form: &FormView, name: String, label: String) -> AnyView {
    let id = id_of(&name);
    let problem = form.problem(&name).map(str::to_owned);
    let fault = problem.as_ref().map(|_| format!("{id}-problem"));
    let value = form.value(&name).to_owned();
    view! {
        <div class="field" class:wrong=problem.is_some()>
            <label for=id.clone()>{label}</label>
            {problem.clone().map(|message| view! { <p class="problem" id=fault.clone()><span class="unseen">"Error: "</span>{message}</p> })}
            <input id=id name=name type="text" value=value autocomplete="off" aria-describedby=fault.clone() aria-invalid=problem.is_some().then_some("true") />
        </div>
    }
    .into_any()
}

fn picks(rows: &[(&str, &str)]) -> Vec<Pick> {
    rows.iter().map(|(value, label)| Pick::new(*value, *label)).collect()
}

/// The five pairs that Microsoft allows.
fn verdicts() -> Vec<Pick> {
    ALLOWED
        .iter()
        .map(|(classification, reason)| match reason {
            Some(reason) => Pick::new(
                format!("{}/{reason}", classification.as_str()),
                format!("{}: {reason}", classification.words()),
            ),
            None => Pick::new(classification.as_str(), classification.words()),
        })
        .collect()
}

/// What stands on the page.
pub fn body(ctx: &PageContext, view: &MappingStep) -> AnyView {
    if let Some(trouble) = &view.trouble {
        return view! {
            <p class="lead">{trouble.clone()}</p>
            <p><a class="button" href=Step::Halo.path()>"Go to the step “Halo”"</a></p>
        }
        .into_any();
    }
    let form = &view.form;
    let name = match (&view.chosen, &view.on) {
        (Some(name), _) => {
            view! { <p class="several">"You are changing the policy “"{name.clone()}"”."</p> }.into_any()
        }
        (None, Some(_)) => ().into_any(),
        (None, None) => text(form, "name".into(), "Name of this policy".into()),
    };
    let others = view
        .others
        .iter()
        .map(|name| {
            let query = url_value(name);
            view! { " "<a href=format!("/set-up/mapping?policy={query}")>"Change “"{name.clone()}"”"</a> }
        })
        .collect_view();
    let lead = match &view.on {
        Some(on) => parts::on(view, on),
        None => view! {
            <p class="lead">
                "A policy says how an incident becomes a ticket and what crosses between them. What is chosen here is a good \
                 beginning for this Halo; open a part to change it."
            </p>
        }
        .into_any(),
    };
    view! {
        {lead}
        {(!view.others.is_empty()).then(|| view! { <p class="several">{others}</p> })}
        {parts::above(ctx, &view.above)}
        <form method="post" action=Step::Mapping.path() class="form" novalidate>
            // the Enter key presses a form's first button: it saves, as everywhere
            <button type="submit" class="unseen" tabindex="-1" aria-hidden="true">{parts::save(view.holds)}</button>
            {fields::carried(form, &["policy", "client", "seen", "look", "rules"])}
            {ticket_type(view)}
            {name}
            {parts::of_type(view)}
            <div class="parts">
                {part(view, INCIDENTS, false, rules::incidents(view))}
                {part(view, PRIORITIES, false, priorities(view))}
                {part(view, STATUSES, false, statuses(view))}
                {part(view, CLOSING, false, closing(view))}
                {part(view, PEOPLE, false, people(view))}
                {part(view, NOTES, false, notes(view))}
                {part(view, FIELDS, view.incident.is_some(), mapped(view))}
                {part(view, RARE, false, rules::rare(view))}
            </div>
            <h2 id="findings">"What comes back"</h2>
            <p class="hint">"Every value of the tables above, as shown here, is sent to the other side and back."</p>
            {lines::findings(ctx, &view.findings)}
            {parts::anyway(view)}
            {parts::acts(view)}
            {what_if(ctx, view)}
            {tree(view)}
        </form>
    }
    .into_any()
}

const INCIDENTS: Part = Part {
    id: "part-incidents",
    title: "Incidents",
    keys: &[Key::Include, Key::Exclude, Key::TicketsPerHour, Key::Group],
    fields: &["include.", "exclude.", "tickets_per_hour", "group."],
};
const PRIORITIES: Part = Part {
    id: "part-priorities",
    title: "Priorities",
    keys: &[Key::Priorities, Key::Severity, Key::PrioritiesBack],
    fields: &["priority.", "severity", "pback."],
};
const STATUSES: Part = Part {
    id: "part-statuses",
    title: "Statuses",
    keys: &[Key::Statuses, Key::Status, Key::StatusesBack, Key::ClosedStatuses],
    fields: &["status", "back.", "closed."],
};
const CLOSING: Part = Part {
    id: "part-closing",
    title: "Closing and opening again",
    keys: &[
        Key::MissingVerdict,
        Key::ClassificationField,
        Key::Classifications,
        Key::Reopened,
        Key::AfterClosing,
        Key::FlipsPerHour,
    ],
    fields: &["verdict", "class", "reopened.", "after.", "flips_per_hour"],
};
const PEOPLE: Part = Part {
    id: "part-people",
    title: "People and team",
    keys: &[Key::Team, Key::Category, Key::Agent, Key::Agents, Key::Owner, Key::Requester],
    fields: &["team", "category", "agent", "owner", "requester"],
};
const NOTES: Part = Part {
    id: "part-notes",
    title: "Notes and alerts",
    keys: &[
        Key::Notes,
        Key::NoteFlag,
        Key::NoteOutcomes,
        Key::Outcome,
        Key::NotesPrivate,
        Key::LinkComment,
        Key::Evidence,
        Key::LateAlerts,
        Key::DigestFrom,
    ],
    fields: &["note", "outcome", "link_comment", "evidence", "late_alerts", "digest_from"],
};
const FIELDS: Part = Part {
    id: "part-fields",
    title: "Mapped fields, title and labels",
    keys: &[Key::Fields, Key::Title, Key::Labels, Key::IncidentIdField],
    fields: &["field", "source", "title", "labels", "incident_id_field"],
};
const RARE: Part = Part {
    id: "part-rare",
    title: "Safety and rare cases",
    keys: &[Key::Approve, Key::Drift, Key::Push, Key::Adopt],
    fields: &["approve.", "drift.", "push.", "adopt"],
};

fn url_value(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => char::from(byte).to_string(),
            other => format!("%{other:02X}"),
        })
        .collect()
}

/// The ticket type decides which priorities there are: a button of its own takes it, and what was typed comes along.
fn ticket_type(view: &MappingStep) -> AnyView {
    let form = &view.form;
    // Without a type the first one must not be taken by itself.
    let none = form.value("ticket_type").is_empty().then_some("None");
    view! {
        {select(form, "ticket_type".into(), "Ticket type".into(), none, &view.choices.ticket_types)}
        <p class="hint">
            "The type kept for incidents. Its SLA decides which priorities there are below: “Use this type” offers those, and \
             keeps everything else as it stands here."
        </p>
        <div class="acts"><button type="submit" class="button" name="do" value="type">"Use this type"</button></div>
    }
    .into_any()
}

fn priorities(view: &MappingStep) -> AnyView {
    let form = &view.form;
    let rows = ["High", "Medium", "Low", "Informational"].map(|severity| {
        let label = format!("Severity {severity}");
        select(form, format!("priority.{severity}"), label, Some("No priority"), &view.choices.priorities)
    });
    view! {
        {rows.into_iter().collect_view()}
        {select(form, "severity".into(), "Severity and priority cross".into(), None, &picks(&DIRECTIONS))}
        {rules::crossing(form, "severity", "Severity")}
        {rules::priorities_back(view)}
    }
    .into_any()
}

fn statuses(view: &MappingStep) -> AnyView {
    let form = &view.form;
    let rows = ["New", "Active", "Closed"].map(|status| {
        let label = format!("Incident status {status}");
        select(form, format!("status.{status}"), label, Some("No status"), &view.choices.statuses)
    });
    let meanings = picks(&[("New", "New"), ("Active", "Active"), ("Closed", "Closed")]);
    let back = view
        .choices
        .statuses
        .iter()
        .map(|pick| {
            let label = format!("“{}” means on the incident", pick.label);
            select(form, format!("back.{}", pick.value), label, Some("What is chosen above, or nothing"), &meanings)
        })
        .collect_view();
    view! {
        {rows.into_iter().collect_view()}
        {select(form, "status".into(), "Status crosses".into(), None, &picks(&DIRECTIONS))}
        {rules::crossing(form, "status", "Status")}
        <details>
            <summary>"The way back: each ticket status"</summary>
            <div class="form">{back}</div>
        </details>
        {rules::closed(view)}
    }
    .into_any()
}

fn closing(view: &MappingStep) -> AnyView {
    let form = &view.form;
    let mut defaults = vec![Pick::new("ask", "Wait, and ask on the ticket")];
    defaults.extend(verdicts());
    let classes = view
        .choices
        .classes
        .iter()
        .map(|pick| {
            let label = format!("“{}” means", pick.label);
            select(form, format!("class.{}", pick.value), label, Some("What its words say, or nothing"), &verdicts())
        })
        .collect_view();
    let field = &view.choices.classification_fields;
    view! {
        {select(form, "verdict".into(), "When an agent closes a ticket without a classification".into(), None, &defaults)}
        {select(form, "classification_field".into(), "Field in which agents choose the classification".into(), Some("None"), field)}
        <details>
            <summary>"What each choice of that field means"</summary>
            <div class="form">{classes}</div>
        </details>
        {rules::reopening(view)}
    }
    .into_any()
}

fn people(view: &MappingStep) -> AnyView {
    let (form, choices) = (&view.form, &view.choices);
    let rows = (0..view.owner_rows)
        .map(|row| {
            view! {
                {text(form, format!("owner.{row}"), format!("Owner {} in Sentinel (mail address or object id)", row + 1))}
                {select(form, format!("agent.{row}"), format!("Agent {} in Halo", row + 1), Some("None"), &choices.agents)}
            }
        })
        .collect_view();
    view! {
        {select(form, "team".into(), "Team of new tickets".into(), Some("The ticket type's own"), &choices.teams)}
        {select(form, "category".into(), "Category of new tickets".into(), Some("None"), &choices.categories)}
        {select(form, "agent".into(), "Agent when the owner is nobody in Halo".into(), Some("Nobody"), &choices.agents)}
        {select(form, "owner".into(), "Owner and agent cross".into(), None, &picks(&DIRECTIONS))}
        {rules::crossing(form, "owner", "Owner")}
        {rules::requester(view)}
        <details>
            <summary>"Owners whose mail address is not their agent's"</summary>
            <div class="form">{rows}</div>
        </details>
    }
    .into_any()
}

fn notes(view: &MappingStep) -> AnyView {
    let (form, choices) = (&view.form, &view.choices);
    view! {
        {fields::radios(form, "", "notes", "Notes of agents that cross to Sentinel", &[
            ("public", "Those the end user may see", ""),
            ("all", "All, internal ones too", ""),
            ("flagged", "Those that are flagged", "Which flag is chosen below."),
            ("outcomes", "Those with certain outcomes", "Which outcomes is chosen below."),
            ("none", "None", ""),
        ])}
        {select(form, "outcome".into(), "Outcome of the notes we write".into(), None, &choices.outcomes)}
        {rules::notes(view)}
    }
    .into_any()
}

fn mapped(view: &MappingStep) -> AnyView {
    let form = &view.form;
    let rows = (0..view.field_rows)
        .map(|row| {
            let preview = view.previews.get(row).filter(|text| !text.is_empty()).cloned();
            view! {
                {select(form, format!("field.{row}"), format!("Field {}", row + 1), Some("None"), &view.choices.fields)}
                {text(form, format!("source.{row}"), format!("Value {}", row + 1))}
                {preview.map(|text| view! { <p class="hint">"In that incident: "<code>{text}</code></p> })}
                {rules::of_field(view, row)}
            }
        })
        .collect_view();
    view! {
        <p class="hint">
            "A value is a path such as $.properties.title, a text with paths in braces such as {$.properties.severity}: \
             {$.properties.title}, or a fixed text. “Show a real incident” lists every path there is."
        </p>
        <div class="form">{rows}</div>
        {select(form, "title".into(), "Title and subject cross".into(), None, &picks(&DIRECTIONS))}
        {rules::crossing(form, "title", "Title")}
        {rules::labels(view)}
    }
    .into_any()
}

fn what_if(ctx: &PageContext, view: &MappingStep) -> AnyView {
    let inside = match (&view.what_if, &view.what_if_trouble) {
        (Some(what), _) => view! {
            {lines::what_if(ctx, what)}
            {each(&view.what_if_of)}
            <p class="quiet">"Counted as if they came now. Those from before a workspace's start stay as they are, unless a backfill takes them in."</p>
        }
        .into_any(),
        (None, Some(trouble)) => view! { <p>{trouble.clone()}</p> }.into_any(),
        _ => return ().into_any(),
    };
    let counted = view.what_if_of.iter().filter(|row| row.what.is_some()).count();
    let of = match view.what_if_of.as_slice() {
        [] => ().into_any(),
        [only] => view! { <p class="quiet">"Of the workspace "<b>{only.name.clone()}</b>"."</p> }.into_any(),
        all => {
            let all = words::counted(all.len() as u64, "workspace", "workspaces");
            view! { <p class="quiet">{words::number(counted as u64)}" of "{all}" counted."</p> }.into_any()
        }
    };
    let as_if = view.what_if_as_if.then(|| {
        view! { <p class="quiet">"No workspace follows this policy yet: counted as if these did."</p> }
    });
    view! { <section aria-labelledby="what-if"><h2 id="what-if">"What it would do"</h2>{of}{as_if}{inside}</section> }
        .into_any()
}

/// The same of each workspace, a line each.
fn each(rows: &[WhatIfOf]) -> AnyView {
    if rows.len() < 2 {
        return ().into_any();
    }
    let line = |row: &WhatIfOf| {
        let says = match (&row.what, &row.trouble) {
            (Some(what), _) => lines::outcome(what),
            (None, Some(trouble)) => format!("not counted. {trouble}"),
            (None, None) => return None,
        };
        Some(view! { <li><b>{row.name.clone()}</b>": "{says}</li> })
    };
    let left: Vec<&str> =
        rows.iter().filter(|row| row.what.is_none() && row.trouble.is_none()).map(|row| row.name.as_str()).collect();
    let left = (!left.is_empty()).then(|| {
        let text = format!(
            "{} not looked at, since that would take too long: {}.",
            words::counted(left.len() as u64, "workspace was", "workspaces were"),
            left.join(", ")
        );
        view! { <li>{text}</li> }
    });
    view! {
        <h3>"In each workspace"</h3>
        <ul>{rows.iter().filter_map(line).collect_view()}{left}</ul>
    }
    .into_any()
}

fn tree(view: &MappingStep) -> AnyView {
    let Some(incident) = &view.incident else { return ().into_any() };
    let rows = view
        .leaves
        .iter()
        .map(|leaf| {
            let pick = format!("pick {}", leaf.path);
            let label = format!("Map {}", leaf.path);
            view! {
                <li>
                    <div class="step-name"><code>{leaf.path.clone()}</code> <span class="quiet">{leaf.value.clone()}</span></div>
                    <button type="submit" class="button" name="do" value=pick aria-label=label>"Map"</button>
                </li>
            }
        })
        .collect_view();
    view! {
        <section aria-labelledby="tree">
            <h2 id="tree">"A real incident"</h2>
            <p>{incident.clone()}</p>
            <ul class="steps">{rows}</ul>
        </section>
    }
    .into_any()
}
