//! Linking one incident by hand: to a ticket that exists, or to one that is made for it.

use leptos::prelude::*;

use super::not_linked;
use crate::{
    console::{
        components::{
            act::{self, Weight},
            fields::{self, Field},
            gates,
            icon::icon,
        },
        context::PageContext,
    },
    domain::view::not_linked::LinkingView,
};

/// What stands in `<main>`.
pub fn body(ctx: &PageContext, view: &LinkingView) -> AnyView {
    let row = &view.row;
    let name = not_linked::name(row);
    let record = match &row.url {
        Some(url) => act::outside(ctx, url, &name),
        None => view! { <b>{name.clone()}</b> }.into_any(),
    };
    view! {
        {fields::summary(&view.form, "")}
        <p class="truth">{record}" in "{row.workspace_name.clone()}", of "{row.client.clone()}</p>
        {not_linked::why(ctx, row)}
        {(!view.gates.is_empty()).then(|| view! {
            <details class="folded" open=!ctx.may_operate()>
                <summary>"Every gate, in the order in which they are asked"</summary>
                {gates::list(ctx, &view.gates)}
            </details>
        })}
        {if ctx.may_operate() { acts(ctx, view) } else { leave(view) }}
    }
    .into_any()
}

/// What an operator can do.
fn acts(ctx: &PageContext, view: &LinkingView) -> AnyView {
    let base = format!("/incidents/{}/{}", view.row.workspace, view.row.incident);
    let ticket = Field {
        name: "ticket",
        label: "Ticket number in Halo",
        hint: "What both say differently is shown on the pair's page and asked about first.",
        kind: "text",
        autocomplete: "off",
    };
    view! {
        <section class="tile narrow" aria-labelledby="to-existing">
            <h2 id="to-existing">"To a ticket that exists"</h2>
            <form method="post" action=format!("{base}/link")>
                <input type="hidden" name="next" value=view.next.clone() />
                {fields::field(&view.form, "", ticket)}
                <div class="acts">
                    <button type="submit" class="button main">{icon(ctx, "connection")} <span>"Link to this ticket"</span></button>
                    <a class="button" href=view.next.clone()>"Leave it"</a>
                </div>
            </form>
        </section>
        <section class="tile narrow" aria-labelledby="to-new">
            <h2 id="to-new">"To a ticket of its own"</h2>
            <p>"It is made whatever filters, the start date and the storm brake say."</p>
            {act::leading_to(ctx, format!("{base}/ticket"), ("write", "Make its ticket"), Weight::Plain, &view.next)}
        </section>
    }
    .into_any()
}

/// Who only reads goes back.
fn leave(view: &LinkingView) -> AnyView {
    view! { <p><a class="button" href=view.next.clone()>"Back to the list"</a></p> }.into_any()
}
