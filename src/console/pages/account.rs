//! The reader's own account: how the console looks to them, their password, where they are signed in.

use leptos::prelude::*;

use crate::{
    console::{
        components::{
            act::{self, Weight},
            fields::{self, Field},
            list::choice,
            time::when,
        },
        context::{Density, PageContext, Theme},
    },
    domain::{
        account::Role,
        view::account::{AccountView, SessionRow},
    },
};

/// What stands in `<main>`.
pub fn body(ctx: &PageContext, view: &AccountView) -> AnyView {
    let may = match view.role {
        Role::Viewer => "reads",
        Role::Operator => "reads, looks again, syncs, retries and drops",
        Role::Admin => "does everything, connections and accounts too",
    };
    view! {
        {fields::summary(&view.password_form, "")}
        <p class="truth">"Signed in as "<b>{view.name.clone()}</b>", "{view.role.as_str()}": "{may}"."</p>
        <div class="tiles">
            {looks(ctx, view)}
            {password(view)}
            {sessions(ctx, view)}
        </div>
    }
    .into_any()
}

fn radios(name: &'static str, legend: &'static str, chosen: &str, options: &[(&'static str, &'static str)]) -> AnyView {
    let chosen = chosen.to_owned();
    let items = options
        .iter()
        .map(|&(value, label)| {
            view! {
                <label class="radio">
                    <input type="radio" name=name value=value checked=value == chosen />
                    <span>{label}</span>
                </label>
            }
        })
        .collect_view();
    view! {
        <fieldset>
            <legend>{legend}</legend>
            {items}
        </fieldset>
    }
    .into_any()
}

fn looks(ctx: &PageContext, view: &AccountView) -> AnyView {
    let zone = view.zone.clone().unwrap_or_default();
    let zones = view
        .zones
        .iter()
        .map(|name| choice(name, name))
        .map(|one| view! { <option value=one.value.clone() selected=one.value == zone>{one.label}</option> })
        .collect_view();
    view! {
        <section class="tile" aria-labelledby="looks">
            <h2 id="looks">"How it looks to you"</h2>
            <form method="post" action="/preferences" class="form">
                <input type="hidden" name="next" value="/account" />
                {radios("theme", "Theme", ctx.theme.as_str(), &[
                    (Theme::System.as_str(), "As the system"),
                    (Theme::Light.as_str(), "Light"),
                    (Theme::Dark.as_str(), "Dark"),
                ])}
                {radios("density", "Rows", ctx.density.as_str(), &[
                    (Density::Compact.as_str(), "Compact"),
                    (Density::Roomy.as_str(), "Roomy"),
                ])}
                {radios("keys", "Single-key shortcuts", if ctx.keys { "on" } else { "off" }, &[("on", "On"), ("off", "Off")])}
                <div class="field">
                    <label for="zone">"Time zone"</label>
                    <select id="zone" name="zone">
                        <option value="">"UTC"</option>
                        {zones}
                    </select>
                </div>
                <button type="submit" class="button main">"Save"</button>
            </form>
        </section>
    }
    .into_any()
}

fn password(view: &AccountView) -> AnyView {
    let form = &view.password_form;
    view! {
        <section class="tile" aria-labelledby="password-title">
            <h2 id="password-title">"Password"</h2>
            <form method="post" action="/account/password" class="form" novalidate>
                <input type="text" name="name" value=view.name.clone() autocomplete="username" hidden />
                {fields::field(form, "", Field {
                    name: "current",
                    label: "Current password",
                    hint: "",
                    kind: "password",
                    autocomplete: "current-password",
                })}
                {fields::field(form, "", Field {
                    name: "password",
                    label: "New password",
                    hint: "At least 8 characters; 15 or more are better. A few words will do.",
                    kind: "password",
                    autocomplete: "new-password",
                })}
                <button type="submit" class="button main">"Change the password"</button>
            </form>
        </section>
    }
    .into_any()
}

fn sessions(ctx: &PageContext, view: &AccountView) -> AnyView {
    let others = view.sessions.iter().any(|session| !session.this);
    let items = view.sessions.iter().map(|one| session(ctx, one)).collect_view();
    view! {
        <section class="tile" aria-labelledby="sessions">
            <h2 id="sessions">"Where you are signed in"</h2>
            <ul class="plain">{items}</ul>
            <div class="acts">
                {others
                    .then(|| {
                        act::button(ctx, "/account/sessions".into(), "out", "Sign out everywhere else", Weight::Plain)
                    })}
                <form method="post" action="/sign-out" class="act">
                    <button type="submit" class="button">"Sign out"</button>
                </form>
            </div>
        </section>
    }
    .into_any()
}

fn session(ctx: &PageContext, session: &SessionRow) -> AnyView {
    let name = if session.this { "This browser" } else { "Another browser" };
    view! {
        <li>
            <b>{name}</b>
            <span class="quiet">" since "{when(ctx, session.since)}", last used "{when(ctx, session.last_seen)}</span>
        </li>
    }
    .into_any()
}
