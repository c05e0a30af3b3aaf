//! One planned write: what, why, where it stands and what can be done.

use leptos::prelude::*;

use super::{
    act::{self, Weight},
    icon::icon,
    time::when,
};
use crate::{
    console::{context::PageContext, words},
    domain::{
        operation::OperationState,
        view::{operation::OperationView, pause::PauseView},
    },
};

/// Where an operation stands, in words, with its moment.
/// `held` is the pause that holds it.
pub fn standing(ctx: &PageContext, operation: &OperationView, held: Option<&PauseView>) -> AnyView {
    let (class, symbol, text, at) = match &operation.state {
        OperationState::Planned { .. } if held.is_some() => ("paused", "stop", "Paused; planned", operation.planned),
        OperationState::Planned { ready } if *ready > ctx.now => ("health-waiting", "waiting", "Next try", *ready),
        OperationState::Planned { ready } => ("sync-behind", "behind", "Its turn comes; ready since", *ready),
        OperationState::Sending { since } => ("sync-behind", "write", "Being sent since", *since),
        OperationState::OutcomeUnknown { look, .. } => {
            ("sync-unknown", "unknown", "Outcome not known; next look", *look)
        }
        OperationState::Done { at, .. } => ("health-healthy", "healthy", "Done", *at),
        OperationState::Dead { at, .. } => ("health-needs-you", "needs-you", "Given up", *at),
        OperationState::Dropped { at, .. } => ("sync-unknown", "stop", "Dropped", *at),
        OperationState::Void { at, .. } => ("sync-unknown", "unknown", "No longer wanted", *at),
    };
    view! {
        <span class=format!("standing {class}")>{icon(ctx, symbol)} <span>{text}" "{when(ctx, at)}</span></span>
    }
    .into_any()
}

/// What holds a planned one, and what ends that.
fn holds(operation: &OperationView, held: Option<&PauseView>) -> Option<String> {
    let held = held.filter(|_| matches!(operation.state, OperationState::Planned { .. }))?;
    Some(format!("{} is paused. {}", held.what, held.ends))
}

/// What became of the tries: their number and the last failure.
pub fn tries(operation: &OperationView) -> AnyView {
    let count = words::counted(u64::from(operation.attempts), "try", "tries");
    let failure = operation.failure.as_ref().map(|failure| {
        let code = match (failure.status, &failure.code) {
            (Some(status), Some(code)) => format!(" ({status} {code})"),
            (Some(status), None) => format!(" ({status})"),
            (None, Some(code)) => format!(" ({code})"),
            (None, None) => String::new(),
        };
        let request = failure.request_id.clone();
        view! {
            <p class="failure">
                {failure.message.clone()} <span class="quiet">{code}</span>
                {request.map(|id| view! { <span class="quiet">" · their request id "<code>{id}</code></span> })}
            </p>
        }
    });
    view! {
        {(operation.attempts > 0).then(|| view! { <p class="quiet">{count}</p> })}
        {failure}
    }
    .into_any()
}

/// "Try again" and "Drop", for a dead letter and a person who may.
pub fn remedies(ctx: &PageContext, operation: &OperationView) -> AnyView {
    if !operation.dead() || !ctx.may_operate() {
        return ().into_any();
    }
    view! {
        <div class="acts">
            {act::named(
                ctx,
                format!("/operations/{}/retry", operation.id),
                "sync",
                if operation.unsettled() { "Look for it again" } else { "Try again" },
                Weight::Main,
                Some(operation.words.clone()),
            )}
            <a class="button" href=format!("/operations/{}/retry", operation.id)>
                <span>"See the plan"<span class="unseen">" "{operation.words.clone()}</span></span>
            </a>
            <a class="button" href=format!("/operations/{}/drop", operation.id)>
                <span>"Drop…"<span class="unseen">" "{operation.words.clone()}</span></span>
            </a>
        </div>
    }
    .into_any()
}

/// "Plan it again", for a dropped operation and a person who may.
pub fn again(ctx: &PageContext, operation: &OperationView) -> AnyView {
    if !ctx.may_operate() {
        return ().into_any();
    }
    view! {
        <div class="acts">
            <form method="post" action=format!("/operations/{}/retry", operation.id) class="act">
                <input type="hidden" name="next" value=ctx.address.clone() />
                <input type="hidden" name="dropped" value="on" />
                <button type="submit" class="button">
                    {icon(ctx, "sync")}
                    <span>"Plan it again"<span class="unseen">": "{operation.words.clone()}</span></span>
                </button>
            </form>
        </div>
    }
    .into_any()
}

/// The whole of it, as an item of a list.
pub fn item(ctx: &PageContext, operation: &OperationView, held: Option<&PauseView>) -> AnyView {
    noted(ctx, operation, held, None)
}

/// The same, with who did it.
pub fn noted(ctx: &PageContext, operation: &OperationView, held: Option<&PauseView>, who: Option<&str>) -> AnyView {
    let dropped = matches!(operation.state, OperationState::Dropped { .. });
    view! {
        <li class="operation">
            <div class="operation-head">
                <b>{operation.words.clone()}</b>
                <span class="quiet">"in "{operation.side.words()}</span>
                {standing(ctx, operation, held)}
                {who.map(|who| view! { <span class="quiet">"by "{who.to_owned()}</span> })}
            </div>
            <p class="quiet">"Why: "{operation.reason.words()}</p>
            {holds(operation, held).map(|held| view! { <p>{held}</p> })}
            {tries(operation)}
            {operation
                .body
                .clone()
                .map(|body| {
                    view! {
                        <details>
                            <summary>"What is written"</summary>
                            <pre role="group" aria-label="What is written" tabindex="0">{body}</pre>
                        </details>
                    }
                })}
            {remedies(ctx, operation)}
            {dropped.then(|| again(ctx, operation))}
        </li>
    }
    .into_any()
}
