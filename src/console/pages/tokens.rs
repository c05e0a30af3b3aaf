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
    let sees = match view.form.value("sees") {
        "" => view.form.clone().with_value("sees", "some"),
        _ => view.form.clone(),
    };
    let problem = view.form.problem("client").map(str::to_owned);
    let fault = problem.as_ref().map(|_| "client-problem");
    let clients = view
        .clients
        .iter()
        .enumerate()
        .map(|(at, client)| {
            let id = if at == 0 { "client".to_owned() } else { format!("client-{at}") };
            let ticked = view.ticked.contains(&client.value);
            view! {
                <div class="option">
                    <input type="checkbox" id=id.clone() name="client" value=client.value.clone() checked=ticked />
                    <label for=id>{client.label.clone()}</label>
                </div>
            }
        })
        .collect_view();
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
                {fields::radios(&sees, "", "sees", "What it reaches", &[
                    ("some", "The clients ticked below", ""),
                    ("all", "Every client", "Also clients that are set up later."),
                ])}
                <fieldset class="options" class:wrong=problem.is_some() aria-describedby=fault>
                    <legend>"Clients"</legend>
                    {problem.clone().map(|text| view! { <p class="problem" id=fault><span class="unseen">"Error: "</span>{text}</p> })}
                    {clients}
                </fieldset>
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
