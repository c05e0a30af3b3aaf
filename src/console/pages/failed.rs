//! Pages that say no, each with a way out, and the question before what can't be undone.

use leptos::prelude::*;

use crate::{
    console::{
        components::{icon::icon, operation},
        context::PageContext,
    },
    domain::view::{
        failed::{DropView, FailedKind, FailedView},
        query::QueryText,
    },
};

/// What happened, as a heading.
pub fn heading(kind: FailedKind) -> &'static str {
    match kind {
        FailedKind::NotFound => "There is nothing here",
        FailedKind::SignedOut => "Your session has ended",
        FailedKind::Forbidden => "You may not do this",
        FailedKind::Invalid => "That request can't be understood",
        FailedKind::Conflict => "Somebody else was quicker",
        FailedKind::TooMany => "Too many tries",
        FailedKind::Busy => "Not just now",
        FailedKind::Slow => "This took too long",
        FailedKind::Internal => "Something broke on our side",
    }
}

fn sentences(kind: FailedKind) -> (&'static str, &'static str) {
    match kind {
        FailedKind::NotFound => (
            "The address leads nowhere, or to something that isn't yours to see.",
            "Check the address, or start again at the linked incidents.",
        ),
        FailedKind::SignedOut => (
            "Nothing was done. What you typed is not lost yet.",
            "Sign in, in a tab of its own. Then reload this page: the browser sends again what you typed.",
        ),
        FailedKind::Forbidden => (
            "Your role doesn't allow it, or the request came from another site.",
            "Go back and try again from a page of this console, or ask an admin: roles are given under “Accounts”.",
        ),
        FailedKind::Invalid => ("Something in the request is missing or has a wrong form.", "Go back and try again."),
        FailedKind::Conflict => ("It has changed since you opened the page.", "Go back, reload and look again."),
        FailedKind::TooMany => ("There were too many tries in a short time.", "Wait a minute, then try again."),
        FailedKind::Busy => (
            "The server can't write just now. Nothing was lost, and nothing was changed.",
            "Try again in a moment. If it stays so, check the disk that holds the data directory.",
        ),
        FailedKind::Slow => (
            "There was no answer in time.",
            "Wait a minute, then open the page again and look what came of it before you press a button once more. If it stays slow, \
             see whether Microsoft or Halo tells of a fault, and look at “Connections”.",
        ),
        FailedKind::Internal => (
            "Nothing was changed by this request.",
            "Try again. If it happens again, look the reference up in the server's log.",
        ),
    }
}

/// The page.
pub fn body(ctx: &PageContext, view: &FailedView) -> AnyView {
    let (what, remedy) = sentences(view.kind);
    let what = match (&view.what, &ctx.person, view.kind) {
        (Some(what), ..) => what.clone(),
        (None, Some(person), FailedKind::Forbidden) => {
            let role = person.role.as_str();
            format!("{}, as {role}, may not do this, or the request came from another site.", person.name)
        }
        _ => what.to_owned(),
    };
    let reference =
        view.reference.clone().map(|reference| view! { <p class="quiet">"Reference "<code>{reference}</code></p> });
    let way_out = if view.kind == FailedKind::SignedOut {
        let next = QueryText::new().with("next", view.next.as_deref().unwrap_or_default());
        view! {
            <a class="button main" href=next.after("/sign-in") target="_blank">
                "Sign in"<span class="unseen">" (opens in a new tab)"</span>
            </a>
        }
        .into_any()
    } else if let (FailedKind::Slow, Some(next)) = (view.kind, &view.next) {
        view! { <a class="button main" href=next.clone()>"Open the page again"</a> }.into_any()
    } else if ctx.person.is_some() {
        view! { <a class="button main" href="/">"To the linked incidents"</a> }.into_any()
    } else {
        view! { <a class="button main" href="/sign-in">"To sign-in"</a> }.into_any()
    };
    view! {
        <div class=if view.kind == FailedKind::NotFound { "says-no calm" } else { "says-no" }>
            {icon(ctx, "stop")}
            <div>
                <p class="why">{what}</p>
                <p class="remedy"><b>"What to do: "</b>{remedy}</p>
                {reference}
                <p>{way_out}</p>
            </div>
        </div>
    }
    .into_any()
}

/// "Drop this operation?"
pub fn drop(ctx: &PageContext, view: &DropView) -> AnyView {
    let pair = format!("/pairs/{}", view.operation.pair);
    let unsettled = view.operation.unsettled().then(|| {
        view! {
            <p class="warn">
                {icon(ctx, "needs-you")}
                " It is not known whether it was carried out. Search for its reference on the other side first: what is there stays there, and is not known to belong to this pair."
            </p>
        }
    });
    view! {
        <p class="truth">"This operation will not be sent, and not be planned again in this form."</p>
        <section class="tile narrow" aria-label="The operation">
            <p><b>{view.operation.words.clone()}</b>" in "{view.operation.side.words()}", for "{view.incident.clone()}</p>
            <p class="quiet">"Why it was planned: "{view.operation.reason.words()}</p>
            {operation::tries(&view.operation)}
            {unsettled}
            <p>
                "It stays on the pair's page under “Dropped”, with your name. It is planned again when what it was planned from changes, or when somebody presses “Plan it again” there."
            </p>
            <div class="acts">
                <form method="post" action=format!("/operations/{}/drop", view.operation.id) class="act">
                    <input type="hidden" name="next" value=pair.clone() />
                    <button type="submit" class="button danger">{icon(ctx, "stop")} <span>"Drop it"</span></button>
                </form>
                <a class="button" href=pair>"Keep it"</a>
            </div>
        </section>
    }
    .into_any()
}
