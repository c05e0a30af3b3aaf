//! In front of the console: the first admin's set-up, and sign-in.

use leptos::prelude::*;

use crate::{
    console::{
        components::fields::{self, Field},
        context::PageContext,
    },
    domain::view::entrance::{ConsentView, SetUpView, SignInView},
};

/// The first admin is made with the one-time code that the server printed at its start.
pub fn set_up(_ctx: &PageContext, view: &SetUpView) -> AnyView {
    let form = &view.form;
    view! {
        {fields::summary(form, "")}
        <p class="lead">"This console has no account yet. The code below proves that you can read this server's output."</p>
        <form method="post" action="/set-up" class="form" novalidate>
            {fields::field(form, "", Field {
                name: "code",
                label: "Set-up code",
                hint: "The server printed it when it started. It works once.",
                kind: "text",
                autocomplete: "one-time-code",
            })}
            {fields::field(form, "", Field {
                name: "name",
                label: "Your sign-in name",
                hint: "A short name or your mail address.",
                kind: "text",
                autocomplete: "username",
            })}
            {fields::field(form, "", Field {
                name: "password",
                label: "Password",
                hint: "At least 8 characters; 15 or more are better. A few words will do.",
                kind: "password",
                autocomplete: "new-password",
            })}
            <button type="submit" class="button main wide">"Make the first admin"</button>
        </form>
    }
    .into_any()
}

/// Sign-in.
pub fn sign_in(_ctx: &PageContext, view: &SignInView) -> AnyView {
    let form = &view.form;
    let next = view.next.clone().map(|next| view! { <input type="hidden" name="next" value=next /> });
    view! {
        {fields::summary(form, "")}
        <p class="lead">"Incidents in Microsoft Sentinel and tickets in Halo, kept in step."</p>
        <form method="post" action="/sign-in" class="form" novalidate>
            {next}
            {fields::field(form, "", Field {
                name: "name",
                label: "Name",
                hint: "",
                kind: "text",
                autocomplete: "username",
            })}
            {fields::field(form, "", Field {
                name: "password",
                label: "Password",
                hint: "",
                kind: "password",
                autocomplete: "current-password",
            })}
            <button type="submit" class="button main wide">"Sign in"</button>
        </form>
        <details class="help">
            <summary>"I can't sign in"</summary>
            <p>"An admin of this console can give you a new password on the server:"</p>
            <pre class="command">"halobridge user reset NAME"</pre>
        </details>
    }
    .into_any()
}

/// What an administrator is told who came from the consent link, perhaps without an account here.
pub fn consent(_ctx: &PageContext, view: ConsentView) -> AnyView {
    if view.given {
        view! {
            <p class="lead">
                "Your tenant knows the app now. You can close this page: whoever sent you the link can sign in."
            </p>
        }
        .into_any()
    } else {
        view! {
            <p class="lead">
                "Microsoft was not given consent, or your account may not give it. Open the link again as a Global \
                 Administrator or Cloud Application Administrator of the tenant."
            </p>
        }
        .into_any()
    }
}
