//! Tokens of programs: who has one, how to make one, how to use it.

use leptos::prelude::*;

use crate::{
    console::{
        components::{
            act::{self, Weight},
            fields::{self, Field},
            icon::icon,
            list,
            time::when,
        },
        context::PageContext,
        words,
    },
    domain::view::tokens::{TokenRow, TokensView},
};

/// What stands in `<main>`.
pub fn body(ctx: &PageContext, view: &TokensView) -> AnyView {
    let holding = view.rows.iter().filter(|row| row.revoked.is_none()).count() as u64;
    let rows = if view.rows.is_empty() {
        let text = view! { <p>"A program that pushes tickets or asks for a resync needs one."</p> };
        list::empty(ctx, "file", "No token was made yet", text.into_any())
    } else {
        list::table(
            ("Tokens", "Tokens of programs"),
            "cards",
            list::heads(&[("Name", "c-wide"), ("Reaches", ""), ("Made", ""), ("Last used", ""), ("Do", "c-acts")]),
            view.rows.iter().map(|row| line(ctx, row)).collect_view().into_any(),
        )
    };
    view! {
        {fields::summary(&view.form, "")}
        <p class="truth">{words::counted(holding, "token holds", "tokens hold")}"; each acts as an operator for its clients."</p>
        {view.fresh.as_ref().map(|token| fresh(ctx, view, token))}
        {form(view)}
        {rows}
    }
    .into_any()
}

/// The one that was made just now.
fn fresh(ctx: &PageContext, view: &TokensView, token: &str) -> AnyView {
    let example = format!(
        "curl -X POST {}/api/push \\\n  -H \"Authorization: Bearer $HALOBRIDGE_TOKEN\" \\\n  -d '{{\"workspace\": \"NAME\", \"ticket\": 2215}}'",
        view.address
    );
    view! {
        <section class="tile" aria-labelledby="fresh">
            <h2 id="fresh">"The new token"</h2>
            <div class="notice">{icon(ctx, "needs-you")} <p>"Copy it now: only a hash of it is kept, and it is not shown again."</p></div>
            {fields::copyable("token", "Token", token)}
            <pre class="script" tabindex="0" role="group" aria-label="An example">{example}</pre>
        </section>
    }
    .into_any()
}

fn form(view: &TokensView) -> AnyView {
    view! {
        <section class="tile" aria-labelledby="make">
            <h2 id="make">"Make a token"</h2>
            <form method="post" action="/tokens" class="form" novalidate>
                {fields::field(&view.form, "", Field {
                    name: "name",
                    label: "Name",
                    hint: "Which program will use it; the ledger shows this name beside what it does.",
                    kind: "text",
                    autocomplete: "off",
                })}
                {fields::reach(&view.form, "What it reaches", &view.clients, &view.ticked)}
                <button type="submit" class="button main">"Make the token"</button>
            </form>
        </section>
    }
    .into_any()
}

fn line(ctx: &PageContext, row: &TokenRow) -> AnyView {
    let reaches = if row.clients.is_empty() { "every client".to_owned() } else { row.clients.join(", ") };
    let act = match row.revoked {
        Some(at) => view! { <span class="quiet">"revoked "{when(ctx, at)}</span> }.into_any(),
        None => {
            let to = format!("/tokens/{}/revoke", row.id);
            act::named(ctx, to, "stop", "Revoke", Weight::Danger, Some(row.name.clone()))
        }
    };
    view! {
        <tr>
            <th scope="row" class="c-wide">{row.name.clone()}</th>
            <td data-label="Reaches">{reaches}</td>
            <td data-label="Made">{when(ctx, row.created)}" by "{row.by.clone()}</td>
            <td data-label="Last used">
                {match row.used {
                    Some(at) => when(ctx, at),
                    None => view! { <span class="quiet">"never"</span> }.into_any(),
                }}
            </td>
            <td class="c-acts">{act}</td>
        </tr>
    }
    .into_any()
}
