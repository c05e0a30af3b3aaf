//! One incident, looked up by its number, id or address: what it is, and why no ticket is linked to it.

use leptos::prelude::*;

use super::not_linked;
use crate::{
    console::{
        components::{
            act::{self, Weight},
            fields, gates,
            look_up::{self, LookUp},
            state,
        },
        context::PageContext,
    },
    domain::view::look_up::{FoundIncident, LookUpView},
};

/// What stands in `<main>`.
pub fn body(ctx: &PageContext, view: &LookUpView) -> AnyView {
    let sentence = match &view.found {
        None if ctx.may_operate() => "Any incident can be looked up, whether a poll has met it or not.",
        None => {
            "Any incident that a poll has met can be looked up. Other incidents, and tickets, are asked for outside: an \
             operator or an admin can look them up."
        }
        Some(found) if found.pair.is_some() => "A ticket is linked to this incident.",
        Some(found) if found.met => "No ticket is linked to this incident.",
        Some(_) => "No poll has met this incident: it was read for this page alone, and nothing is kept of it.",
    };
    let hint = if ctx.may_operate() {
        "Its number in Sentinel or in Defender, its id, or its address in either portal. It is read at this moment; nothing is written."
    } else {
        "Its number in Sentinel or in Defender, its id, or its address in either portal. Nothing is asked outside."
    };
    let asked = LookUp {
        title: "Look an incident up",
        address: "/look-up",
        place: ("workspace", "Workspace"),
        places: &view.workspaces,
        record: ("incident", "Incident", hint),
    };
    view! {
        {fields::summary(&view.form, "")}
        <p class="truth">{sentence}</p>
        {look_up::form(ctx, &view.form, asked)}
        {view.found.as_ref().map(|found| shown(ctx, found))}
    }
    .into_any()
}

fn shown(ctx: &PageContext, found: &FoundIncident) -> AnyView {
    let row = &found.row;
    let name = not_linked::name(row);
    let record = match &row.url {
        Some(url) => act::outside(ctx, url, &name),
        None => view! { <span>{name.clone()}</span> }.into_any(),
    };
    let stands = found.gates.iter().any(|gate| !gate.passes);
    let next = match found.pair {
        Some(pair) => {
            view! { <p><a class="button main" href=format!("/pairs/{pair}")>"See its pair"</a></p> }.into_any()
        }
        // They are shown the gates below, and by whom it is settled.
        None if !ctx.may_operate() => ().into_any(),
        None if found.met => {
            let href = format!("/incidents/{}/{}/link", row.workspace, row.incident);
            view! { <p><a class="button" href=href>"Link by hand"</a></p> }.into_any()
        }
        None => {
            let words = if stands {
                "A poll leaves it out for what is said below."
            } else {
                "Nothing stands in its way: the next poll that lists it takes it up. One that changed last before its \
                 workspace's start, and is closed, is taken in by a backfill."
            };
            let sync = format!("/workspaces/{}/sync", row.workspace);
            view! {
                <p>{words}</p>
                <div class="acts">
                    {act::named(ctx, sync, "sync", "Sync now", Weight::Plain, Some(row.workspace_name.clone()))}
                    <a class="button" href="/backfill">"Backfill"</a>
                </div>
            }
            .into_any()
        }
    };
    view! {
        <section aria-labelledby="found">
            <h2 id="found">{record}</h2>
            <dl class="facts">
                <div><dt>"Workspace"</dt><dd>{row.workspace_name.clone()}</dd></div>
                <div><dt>"Client"</dt><dd>{row.client.clone()}</dd></div>
                <div><dt>"Severity"</dt><dd>{state::severity(ctx, &row.severity)}</dd></div>
                <div><dt>"Status"</dt><dd>{row.status.to_string()}</dd></div>
            </dl>
            {row.reason.as_ref().filter(|_| found.pair.is_none()).map(|reason| state::why(ctx, reason))}
            {next}
        </section>
        {(!found.gates.is_empty()).then(|| view! {
            <section aria-labelledby="why-not">
                <h2 id="why-not">"Every gate, in the order in which they are asked"</h2>
                {gates::list(ctx, &found.gates)}
            </section>
        })}
    }
    .into_any()
}

/// The way to it, from where an incident was not found.
pub fn way(text: &str) -> AnyView {
    let text = text.trim();
    let href = crate::domain::view::query::QueryText::new().with("incident", text).after("/look-up");
    view! {
        <p>
            "An incident that no poll has met does not stand here: "<a class="soft" href=href>"look it up in Sentinel"</a>
            " to see why."
        </p>
    }
    .into_any()
}
