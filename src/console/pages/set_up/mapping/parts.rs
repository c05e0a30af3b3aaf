//! The page's parts, each folded under what it is set to, and where each key comes from.

use leptos::prelude::*;

use super::url_value;
use crate::{
    console::{components::fields, context::PageContext, words},
    domain::{
        policy::PolicyKey,
        view::{
            mapping::{Above, Holds, MappingStep, OnBase, Said},
            probe::Level,
            set_up::Step,
        },
    },
};

/// Characters of what a part is set to that are shown while it is folded.
const SAYS_MAX: usize = 220;

/// One part of the page.
#[derive(Debug, Clone, Copy)]
pub struct Part {
    /// Its place on the page.
    pub id: &'static str,
    /// As shown.
    pub title: &'static str,
    /// The keys that are set in it.
    pub keys: &'static [PolicyKey],
    /// How the fields of the form in it begin.
    pub fields: &'static [&'static str],
}

/// A part: folded, and open while something in it is wrong or `open` asks for it.
pub fn part(view: &MappingStep, part: Part, open: bool, inside: AnyView) -> AnyView {
    let wrong = |field: &str| part.fields.iter().any(|prefix| field.starts_with(prefix));
    let open = open || view.form.problems.iter().any(|problem| wrong(&problem.field));
    let rows: Vec<&Said> = view.said.iter().filter(|said| part.keys.contains(&said.key)).collect();
    let own: Vec<&str> = rows.iter().filter(|said| said.own).map(|said| said.key.label()).collect();
    let own = (!own.is_empty()).then(|| format!("Own: {}.", own.join(", ")));
    let set: Vec<String> =
        rows.iter().filter(|said| said.set).map(|said| format!("{}: {}", said.key.label(), said.says)).collect();
    let says = if set.is_empty() { "Nothing is set here: the defaults hold.".to_owned() } else { set.join("; ") };
    let says: String = match says.char_indices().nth(SAYS_MAX) {
        Some((end, _)) => format!("{}…", says.get(..end).unwrap_or_default()),
        None => says,
    };
    let origins = rows.iter().map(|said| origin(view, said)).collect_view();
    view! {
        <details class="part" id=part.id open=open>
            <summary>
                <h2>{part.title}</h2>
                " "
                {own.map(|text| view! { <span class="own">{text}</span> " " })}
                <span class="quiet">{says}</span>
            </summary>
            <div class="form">
                {(view.on.is_some()).then(|| view! { <div class="origins">{origins}</div> })}
                {inside}
            </div>
        </details>
    }
    .into_any()
}

/// Where one key comes from, and the way back to the base.
pub fn origin(view: &MappingStep, said: &Said) -> AnyView {
    let Some(on) = &view.on else { return ().into_any() };
    let (label, base) = (said.key.label(), on.base.clone());
    if !said.own {
        return view! { <p class="origin quiet"><b>{label}</b>": from “"{base}"”."</p> }.into_any();
    }
    let name = format!("inherit.{}", said.key.as_str());
    let back = !view.form.value(&name).is_empty();
    view! {
        <div class="origin">
            <p><b>{label}</b>": own. “"{base.clone()}"” says: "{said.base.clone()}"."</p>
            <div class="option">
                <input type="checkbox" id=name.clone() name=name.clone() value="on" checked=back />
                <label for=name>"Take it from “"{base}"” again"<span class="unseen">{format!(": {label}")}</span></label>
            </div>
        </div>
    }
    .into_any()
}

/// What the button that saves says. A policy waits for no “Apply”: where somebody follows it, it holds at once.
pub fn save(holds: Holds) -> String {
    match holds.workspaces {
        0 => "Save and go on".to_owned(),
        n => format!("Save for {} at once", words::counted(n as u64, "workspace", "workspaces")),
    }
}

/// The box that saves what is to be put right; nothing where nothing is.
pub fn anyway(view: &MappingStep) -> AnyView {
    let lacks = view.findings.iter().any(|trip| trip.level() == Level::Fault);
    if !lacks && view.form.value("anyway").is_empty() {
        return ().into_any();
    }
    view! {
        {fields::check(&view.form, "", "anyway", "Save it although something above is “To do”")}
        <p class="hint">
            "The whole policy is then saved as it stands here. What is marked “To do” above stays as it says: a value \
             without a counterpart does not cross (a new ticket gets what Halo chooses), and one that never rests, or closes \
             the other side, does just that."
        </p>
    }
    .into_any()
}

/// The page's buttons; where saving changes what workspaces do by now, that is said above them.
pub fn acts(view: &MappingStep) -> AnyView {
    let at_once = view.holds.words().map(|words| {
        view! {
            <p>
                "Once saved, it holds for "<b>{words}</b>": nothing waits for “Check your answers”. “What would it do?” counts \
                 it first, and writes nothing."
            </p>
        }
    });
    view! {
        {at_once}
        <div class="acts">
            <button type="submit" class="button main">{save(view.holds)}</button>
            <button type="submit" class="button" name="do" value="what-if">"What would it do?"</button>
            <button type="submit" class="button" name="do" value="walk">"Check again"</button>
            <button type="submit" class="button" name="do" value="look">"Show a real incident"</button>
        </div>
    }
    .into_any()
}

/// Where the ticket type comes from: its own form has no place for it.
pub fn of_type(view: &MappingStep) -> AnyView {
    let found = view.said.iter().find(|said| said.key == PolicyKey::TicketType);
    found.map_or_else(|| ().into_any(), |said| origin(view, said))
}

/// Whose rules these are, and what they build on.
pub fn on(view: &MappingStep, on: &OnBase) -> AnyView {
    let own = view.said.iter().filter(|said| said.own).count();
    let truth = match own {
        0 => "Nothing differs from it.".to_owned(),
        1 => "One rule differs from it.".to_owned(),
        n => format!("{n} rules differ from it."),
    };
    let base = format!("/set-up/mapping?policy={}", url_value(&on.base));
    let others = (!on.others.is_empty()).then(|| {
        let names: Vec<String> = on.others.iter().map(|name| format!("“{name}”")).collect();
        view! { <p>"Workspaces of this client follow "{names.join(", ")}" now; saving puts all of them on the rules below."</p> }
    });
    let whose = match &on.client {
        Some(client) => format!("Rules of “{}”, on top of ", client.name),
        None => "This policy builds on ".to_owned(),
    };
    let back = on
        .client
        .as_ref()
        .map(|_| view! { <p class="several"><a href=format!("{}#rules", Step::Clients.path())>"All clients"</a></p> });
    view! {
        <div class="notice">
            <p>
                {whose}<a href=base>"“"{on.base.clone()}"”"</a>". "{truth}" What you change here becomes its own; everything else \
                comes from there, also when it changes later."
            </p>
            {others}
        </div>
        {back}
    }
    .into_any()
}

/// Which clients say what otherwise.
pub fn above(_ctx: &PageContext, rows: &[Above]) -> AnyView {
    if rows.is_empty() {
        return ().into_any();
    }
    let items = rows
        .iter()
        .map(|row| {
            let clients = row
                .clients
                .iter()
                .map(|client| {
                    let href = format!("/set-up/mapping?client={}", client.id);
                    view! { " "<a href=href>{client.name.clone()}</a> }
                })
                .collect_view();
            let nobody = row.clients.is_empty().then_some(" no client");
            let keys: Vec<&str> = row.own.iter().map(|key| key.label()).collect();
            let keys = if keys.is_empty() { "nothing".to_owned() } else { keys.join(", ") };
            let href = format!("/set-up/mapping?policy={}", url_value(&row.policy));
            view! {
                <li>
                    <div class="step-name">
                        <span><a href=href>"“"{row.policy.clone()}"”"</a>", for"{clients}{nobody}</span>
                        <span class="quiet">"Own: "{keys}"."</span>
                    </div>
                </li>
            }
        })
        .collect_view();
    view! {
        <section aria-labelledby="above">
            <h2 id="above">"Built on this policy"</h2>
            <p class="hint">"What is changed below changes there too, except what stands here as own."</p>
            <ul class="steps">{items}</ul>
        </section>
    }
    .into_any()
}
