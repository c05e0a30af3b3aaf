//! Who signs in for which connection.

use leptos::prelude::*;

use crate::{
    console::{
        components::{
            act::{self, Weight},
            fields,
            icon::icon,
            permissions,
            time::{when, when_or},
        },
        context::PageContext,
    },
    domain::view::set_up::{SignInRow, SignInStep, Step, StepState, StepsView},
};

/// What stands on the page.
pub fn body(ctx: &PageContext, view: &SignInStep, steps: &StepsView) -> AnyView {
    let codes = view
        .codes
        .iter()
        .map(|(code, says)| view! { <div><dt><code>{code.clone()}</code></dt><dd>{says.clone()}</dd></div> })
        .collect_view();
    // once there is a Halo, whoever signs in for one more tenant goes on to its workspaces
    let halo = steps.rows.iter().any(|row| row.step == Step::Halo && row.state == StepState::Done);
    let next = if halo { Step::Clients } else { Step::Halo };
    let ready = view.rows.iter().any(|row| !row.identity.delegated() || row.signed_in.is_some());
    view! {
        <p class="lead">
            "Sign in with an account that has the role Microsoft Sentinel Contributor, or Responder if it shall only sync; the step \
             “Clients and workspaces” names each action that is missing. One connection for each customer's tenant, or a guest account that reaches several."
        </p>
        <div class="tiles">{view.rows.iter().map(|row| tile(ctx, row, view.rows.len() == 1)).collect_view()}</div>
        <details>
            <summary>"Microsoft shows an error"</summary>
            {fields::copyable("redirect-uri", "Redirect URI", &view.redirect_uri)}
            <dl class="codes">{codes}</dl>
        </details>
        <p>
            <a href=format!("{}?connection=new", Step::Microsoft.path())>"Add a connection to another tenant"</a>
        </p>
        {ready.then(|| view! { <p><a class="button main" href=next.path()>"Next"</a></p> })}
    }
    .into_any()
}

fn tile(ctx: &PageContext, row: &SignInRow, only: bool) -> AnyView {
    let delegated = row.identity.delegated();
    let who = match (&row.signed_in, delegated) {
        (Some(name), _) => view! {
            <p>"Signed in: "<b>{name.clone()}</b>{row.signed_in_at.map(|at| view! { ", "{when(ctx, at)} })}</p>
        }
        .into_any(),
        (None, true) => view! { <p>"Nobody has signed in yet."</p> }.into_any(),
        (None, false) => {
            view! { <p>"The app signs in by itself; its proof was tried when it was saved."</p> }.into_any()
        }
    };
    let button = (delegated && ctx.may_set_up()).then(|| {
        let again = row.signed_in.is_some();
        let label = if again { "Sign in with Microsoft again" } else { "Sign in with Microsoft" };
        // one that is refused waits for nothing else
        let weight = if again && row.failure.is_none() { Weight::Plain } else { Weight::Main };
        let what = (!only).then(|| row.name.clone());
        view! { <div class="acts">{act::named(ctx, format!("/connections/{}/sign-in", row.id), "key", label, weight, what)}</div> }
    });
    let consent = row.consent_url.clone().map(|url| {
        let id = format!("consent-{}", row.id);
        view! {
            <details>
                <summary>"Another administrator must consent"</summary>
                <p>"Send this address to an administrator of the tenant. Whoever opens it needs no account here."</p>
                <div class="field">
                    <label for=id.clone()>"Consent link"</label>
                    <div class="copying">
                        <input id=id.clone() class="copyable" type="text" readonly value=url />
                        {fields::copy_button(id, "Consent link")}
                    </div>
                </div>
            </details>
        }
    });
    let failure = row.failure.clone().map(|text| view! { <p class="failure">{icon(ctx, "needs-you")} " " {text}</p> });
    view! {
        <article class="tile">
            <header><h2>{row.name.clone()}</h2></header>
            {failure}
            {who}
            <dl class="facts stacked">
                <div><dt>"Tenant"</dt><dd><code>{row.tenant.clone()}</code></dd></div>
                {(!row.permissions.is_empty()).then(|| {
                    view! { <div><dt>"Permissions"</dt><dd>{permissions::list(ctx, &row.permissions)}</dd></div> }
                })}
                {(row.health.used.is_some() || row.health.next.is_some())
                    .then(|| {
                        view! {
                            <div><dt>"Last used"</dt><dd>{when_or(ctx, row.health.used, "never")}</dd></div>
                            <div><dt>"Refreshed at the latest"</dt><dd>{when_or(ctx, row.health.next, "with the next reading")}</dd></div>
                        }
                    })}
            </dl>
            {button}
            {consent}
        </article>
    }
    .into_any()
}
