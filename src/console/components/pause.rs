//! What is paused and why, with its button; and the form that pauses.

use leptos::prelude::*;

use super::{
    act::{self, Weight},
    icon::icon,
    time::when,
};
use crate::{
    console::context::PageContext,
    domain::{pause::PauseScope, view::pause::PauseView},
};

/// One notice for each pause; nothing when nothing is paused.
pub fn notices(ctx: &PageContext, pauses: &[PauseView]) -> AnyView {
    if pauses.is_empty() {
        return ().into_any();
    }
    let items = pauses.iter().map(|pause| notice(ctx, pause)).collect_view();
    view! { <ul class="pauses" aria-label="Paused">{items}</ul> }.into_any()
}

fn notice(ctx: &PageContext, pause: &PauseView) -> AnyView {
    let by = match (&pause.who, &pause.why) {
        (Some(who), Some(why)) => format!(" is paused by {who}: {why}"),
        (Some(who), None) => format!(" is paused by {who}."),
        (None, Some(why)) => format!(" is paused, since trying again can't help: {why}"),
        (None, None) => " is paused.".to_owned(),
    };
    // what failed goes on failing until it is mended: that is the way out then
    let mend = pause.mend.clone().map(|(label, to)| {
        view! { <a class="button main" href=to>{label}<span class="unseen">": "{pause.what.clone()}</span></a> }
    });
    let weight = if mend.is_some() { Weight::Plain } else { Weight::Main };
    let resume = (pause.may_resume && ctx.may_operate()).then(|| {
        let to = format!("{}/resume", pause.scope.address());
        act::named(ctx, to, "sync", "Resume", weight, Some(pause.what.clone()))
    });
    view! {
        <li>
            {icon(ctx, "stop")}
            <div>
                <p class="why"><b>{pause.what.clone()}</b>{by}</p>
                <p class="quiet">"Since "{when(ctx, pause.since)}". Reading and planning go on. "{pause.ends.clone()}</p>
            </div>
            {mend}
            {resume}
        </li>
    }
    .into_any()
}

/// A folded form that pauses, with an optional reason. `name` tells those who can't see where it stands what it is of.
pub fn form(ctx: &PageContext, scope: PauseScope, label: &'static str, name: &str) -> AnyView {
    let to = format!("{}/pause", scope.address());
    let name = format!(": {name}");
    view! {
        <details class="pausing">
            <summary>{label}<span class="unseen">{name.clone()}</span></summary>
            <form method="post" action=to class="act">
                <input type="hidden" name="next" value=ctx.address.clone() />
                <label>
                    "Reason (optional)"
                    <input name="why" type="text" maxlength="300" autocomplete="off" />
                </label>
                <button type="submit" class="button">
                    {icon(ctx, "stop")}
                    <span>"Pause"<span class="unseen">{name}</span></span>
                </button>
                <p class="quiet">"Nothing is written from then on; what is planned waits and is carried out in its order."</p>
            </form>
        </details>
    }
    .into_any()
}
