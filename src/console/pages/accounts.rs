//! Accounts of people: who has one, what each may do and see; one is made or changed.

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
    domain::view::accounts::{AccountsView, PersonRow},
};

/// What stands in `<main>`.
pub fn body(ctx: &PageContext, view: &AccountsView) -> AnyView {
    if view.changing.is_some() {
        return view! { {fields::summary(&view.form, "")} {changing(view)} }.into_any();
    }
    let on = view.rows.iter().filter(|row| !row.disabled).count() as u64;
    let rows = list::table(
        ("Accounts", "Accounts of people"),
        "cards",
        list::heads(&[
            ("Name", "c-wide"),
            ("May", ""),
            ("Sees", ""),
            ("Made", ""),
            ("Last sign-in", ""),
            ("Do", "c-acts"),
        ]),
        view.rows.iter().map(|row| line(ctx, row)).collect_view().into_any(),
    );
    view! {
        {fields::summary(&view.form, "")}
        <p class="truth">{words::counted(on, "account can sign in", "accounts can sign in")}"."</p>
        {view.fresh.as_ref().map(|fresh| fresh_password(ctx, fresh))}
        {making(view)}
        {rows}
    }
    .into_any()
}

/// One that was set just now.
fn fresh_password(ctx: &PageContext, (name, password): &(String, String)) -> AnyView {
    view! {
        <section class="tile" aria-labelledby="fresh">
            <h2 id="fresh">"The password of "{name.clone()}</h2>
            <div class="notice">
                {icon(ctx, "needs-you")}
                <p>"Copy it now: only a hash of it is kept, and it is not shown again. "
                    {name.clone()}" can choose another one under “Account and preferences”."</p>
            </div>
            {fields::copyable("password", "Password", password)}
        </section>
    }
    .into_any()
}

fn roles_and_reach(view: &AccountsView) -> AnyView {
    let form = match view.form.value("role") {
        "" => view.form.clone().with_value("role", "viewer"),
        _ => view.form.clone(),
    };
    view! {
        {fields::radios(&form, "", "role", "What it may do", &[
            ("viewer", "Viewer", "Reads: incidents, tickets, evidence, the ledger."),
            ("operator", "Operator", "Also looks again, syncs, answers questions, approves, retries, drops and pauses."),
            ("admin", "Admin", "Also sets up; with every client in sight, accounts and connections too."),
        ])}
        {fields::reach(&form, "Whose records it sees", &view.clients, &view.ticked)}
    }
    .into_any()
}

fn making(view: &AccountsView) -> AnyView {
    view! {
        <section class="tile" aria-labelledby="make">
            <h2 id="make">"Make an account"</h2>
            <form method="post" action="/accounts" class="form" novalidate>
                {fields::field(&view.form, "", Field {
                    name: "name",
                    label: "Name",
                    hint: "To sign in with; the ledger shows it beside what the person does. A password is made and shown once.",
                    kind: "text",
                    autocomplete: "off",
                })}
                {roles_and_reach(view)}
                <button type="submit" class="button main">"Make the account"</button>
            </form>
        </section>
    }
    .into_any()
}

fn changing(view: &AccountsView) -> AnyView {
    let Some(id) = view.changing else { return ().into_any() };
    view! {
        <section class="tile" aria-labelledby="change">
            <h2 id="change">"What it may do and see"</h2>
            <p class="hint">"It holds from that account's next click on; nobody has to sign in again."</p>
            <form method="post" action=format!("/accounts/{id}") class="form" novalidate>
                {roles_and_reach(view)}
                <button type="submit" class="button main">"Save"</button>
            </form>
        </section>
    }
    .into_any()
}

fn line(ctx: &PageContext, row: &PersonRow) -> AnyView {
    let sees = match &row.clients {
        None => "every client".to_owned(),
        Some(clients) if clients.is_empty() => "no client".to_owned(),
        Some(clients) => clients.join(", "),
    };
    let to = |what: &str| format!("/accounts/{}/{what}", row.id);
    let acts = if row.own {
        view! { <a href="/account">"Your own account"</a> }.into_any()
    } else if row.disabled {
        view! {
            <span class="quiet">"switched off"</span>
            {act::named(ctx, to("on"), "ok", "Switch on", Weight::Plain, Some(row.name.clone()))}
        }
        .into_any()
    } else {
        view! {
            <a class="button" href=format!("/accounts/{}", row.id)>"Change"<span class="unseen">": "{row.name.clone()}</span></a>
            {act::named(ctx, to("password"), "key", "New password", Weight::Plain, Some(row.name.clone()))}
            {act::named(ctx, to("off"), "stop", "Switch off", Weight::Danger, Some(row.name.clone()))}
        }
        .into_any()
    };
    view! {
        <tr>
            <th scope="row" class="c-wide">{row.name.clone()}</th>
            <td data-label="May">{row.role.as_str()}</td>
            <td data-label="Sees">{sees}</td>
            <td data-label="Made">{when(ctx, row.created)}</td>
            <td data-label="Last sign-in">
                {match row.seen {
                    Some(at) => when(ctx, at),
                    None => view! { <span class="quiet">"never"</span> }.into_any(),
                }}
            </td>
            <td class="c-acts">{acts}</td>
        </tr>
    }
    .into_any()
}
