//! One ticket, looked up by its number: what it is, why no incident is linked to it, and what can be done.

use leptos::prelude::*;

use crate::{
    console::{
        components::{
            act, fields, gates,
            icon::icon,
            look_up::{self, LookUp},
        },
        context::PageContext,
    },
    domain::view::tickets::{FoundTicket, LinkableRow, TicketsView},
};

/// What stands in `<main>`.
pub fn body(ctx: &PageContext, view: &TicketsView) -> AnyView {
    let sentence = match &view.found {
        None => "Any ticket can be looked up, whether an incident is linked to it or not.".into_any(),
        Some(found) if found.pairs.is_empty() && found.unlinked.is_some() => {
            view! { "Ticket "<b>{found.number}</b>" is not linked any more: a person took it and its incident apart." }.into_any()
        }
        Some(found) if found.pairs.is_empty() && found.made => {
            view! { "Ticket "<b>{found.number}</b>" was made here for an incident, and is not linked to it." }.into_any()
        }
        Some(found) if found.pairs.is_empty() => view! {
            "Ticket "<b>{found.number}</b>" is not linked: nobody pushed it or linked it, and it was not made for an incident here."
        }
        .into_any(),
        Some(found) => view! { "Ticket "<b>{found.number}</b>" is linked." }.into_any(),
    };
    let asked = LookUp {
        title: "Look a ticket up",
        address: "/tickets",
        place: ("halo", "Halo instance"),
        places: &view.halos,
        record: ("ticket", "Ticket number in Halo", "It is read in Halo at this moment; nothing is written."),
    };
    view! {
        {fields::summary(&view.form, "")}
        <p class="truth">{sentence}</p>
        {look_up::form(ctx, &view.form, asked)}
        {view.found.as_ref().map(|found| shown(ctx, found))}
    }
    .into_any()
}

fn shown(ctx: &PageContext, found: &FoundTicket) -> AnyView {
    let or_none = |text: &str| if text.is_empty() { "nobody".to_owned() } else { text.to_owned() };
    let pairs = found.pairs.iter().map(|(pair, name)| {
        view! { <li><a href=format!("/pairs/{pair}")>{name.clone()}</a></li> }
    });
    let pairs = (!found.pairs.is_empty()).then(|| {
        view! {
            <section aria-labelledby="pairs">
                <h2 id="pairs">"Linked to"</h2>
                <ul class="marked">{pairs.collect_view()}</ul>
            </section>
        }
    });
    view! {
        <section aria-labelledby="found">
            <h2 id="found">{found.summary.clone()}</h2>
            <dl class="facts">
                <div><dt>"Ticket"</dt><dd>{act::record(ctx, &found.ticket)}</dd></div>
                <div><dt>"Client"</dt><dd>{found.client.clone()}</dd></div>
                <div><dt>"Status"</dt><dd>{found.status.clone()}</dd></div>
                <div><dt>"Agent"</dt><dd>{or_none(&found.agent)}</dd></div>
            </dl>
        </section>
        {pairs}
        {(!found.gates.is_empty()).then(|| view! {
            <section aria-labelledby="why-not">
                <h2 id="why-not">"Why it is not linked"</h2>
                {gates::list(ctx, &found.gates)}
                {found.unlinked.map(|pair| view! {
                    <p><a class="soft" href=format!("/pairs/{pair}")>"See the pair that was taken apart"</a></p>
                })}
            </section>
        })}
        {push(ctx, found)}
        {link(ctx, found)}
    }
    .into_any()
}

fn push(ctx: &PageContext, found: &FoundTicket) -> AnyView {
    if found.push_to.is_empty() {
        return ().into_any();
    }
    let options = found
        .push_to
        .iter()
        .map(|choice| view! { <option value=choice.value.clone()>{choice.label.clone()}</option> })
        .collect_view();
    view! {
        <section class="tile narrow" aria-labelledby="push">
            <h2 id="push">"Push it to Sentinel"</h2>
            <form method="post" action="/push" class="form">
                <input type="hidden" name="next" value="/incidents#push" />
                <input type="hidden" name="ticket" value=found.number.to_string() />
                <div class="field"><label for="workspace">"Workspace"</label><select id="workspace" name="workspace">{options}</select></div>
                <label class="check">
                    <input type="checkbox" name="anyway" value="yes" />
                    " Push it all the same, where the workspace is joined to Defender and its portal won't show the incident"
                </label>
                <button type="submit" class="button main">{icon(ctx, "write")} <span>"Push to Sentinel"</span></button>
            </form>
        </section>
    }
    .into_any()
}

fn link(ctx: &PageContext, found: &FoundTicket) -> AnyView {
    if !found.may_link {
        return ().into_any();
    }
    let row = |one: &LinkableRow| {
        let to = format!("/incidents/{}/{}/link", one.workspace, one.incident);
        view! {
            <li>
                <form method="post" action=to class="act">
                    <input type="hidden" name="next" value="/incidents" />
                    <input type="hidden" name="ticket" value=found.number.to_string() />
                    <button type="submit" class="button">
                        {icon(ctx, "connection")} <span>"Link to "{one.name.clone()}</span>
                    </button>
                </form>
            </li>
        }
    };
    let rows = if found.incidents.is_empty() {
        view! { <p class="quiet">"No incident of this client waits without a ticket."</p> }.into_any()
    } else {
        view! { <ul class="plain">{found.incidents.iter().map(row).collect_view()}</ul> }.into_any()
    };
    view! {
        <section class="tile narrow" aria-labelledby="link">
            <h2 id="link">"Link it to an incident"</h2>
            {rows}
            <p><a class="soft" href="/incidents">"See all that are not linked"</a></p>
        </section>
    }
    .into_any()
}
