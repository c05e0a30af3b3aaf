//! The permissions of a sign-in: which were consented to, which are missing, and what to do.

use leptos::prelude::*;

use super::{icon::icon, time::when};
use crate::{
    console::context::PageContext,
    domain::view::permission::{Consent, PermissionRow},
};

/// A list of them.
pub fn list(ctx: &PageContext, rows: &[PermissionRow]) -> AnyView {
    let items = rows.iter().map(|row| item(ctx, row)).collect_view();
    view! { <ul class="plain">{items}</ul> }.into_any()
}

fn item(ctx: &PageContext, row: &PermissionRow) -> AnyView {
    let (class, symbol) = match row.consent {
        Consent::Given => ("health-healthy", "healthy"),
        Consent::Missing => ("health-needs-you", "needs-you"),
        Consent::Unknown => ("sync-unknown", "unknown"),
    };
    let more = match row.consent {
        Consent::Given => ().into_any(),
        Consent::Missing => view! {
            <p>{row.says.clone()}" "{row.permission.without()}</p>
            <p class="quiet">
                "Add it to the app registration if it is not there, and have an administrator of the tenant open the consent link \
                 of the step “Sign in with Microsoft”. Then sign in again, or press Test under Connections."
            </p>
        }
        .into_any(),
        Consent::Unknown => view! {
            <p>{row.says.clone()}" "{row.permission.without()}</p>
            <p class="quiet">"Sign in again, or press Test under Connections: Microsoft is then asked."</p>
        }
        .into_any(),
    };
    view! {
        <li>
            <span class=format!("chip {class}")>{icon(ctx, symbol)} <span>{row.consent.words()}</span></span>
            " "{row.permission.name()}
            {row.seen.map(|at| view! { <span class="quiet">" · "{when(ctx, at)}</span> })}
            {more}
        </li>
    }
    .into_any()
}
