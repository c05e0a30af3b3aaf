//! Dead letters before they are tried again, each with its plan.

use leptos::prelude::*;

use crate::{
    console::{
        components::{icon::icon, list, operation},
        context::PageContext,
        words,
    },
    domain::view::replay::{PlannedView, ReplayItem, ReplayView},
};

/// What stands in `<main>`.
pub fn body(ctx: &PageContext, view: &ReplayView) -> AnyView {
    if view.unticked {
        let text = view! {
            <p>"Nothing was ticked, so there is no plan to show."</p>
            <p><a class="button" href=view.back.clone()>"Back"</a></p>
        };
        return list::empty(ctx, "needs-you", "Tick at least one", text.into_any());
    }
    if view.items.is_empty() {
        let text = view! { <p><a class="button" href=view.back.clone()>"Back"</a></p> };
        return list::empty(ctx, "in-step", "There is nothing to be tried again any more", text.into_any());
    }
    let count = view.items.len() as u64;
    let more = (view.total > count)
        .then(|| format!(" These are the newest {} of {}.", words::number(count), words::number(view.total)));
    let ids = view
        .items
        .iter()
        .map(|item| view! { <input type="hidden" name="operation" value=item.operation.id.to_string() /> })
        .collect_view();
    let label = match count {
        1 => "Try it again".to_owned(),
        n => format!("Try all {} again", words::number(n)),
    };
    view! {
        <p class="truth">
            "This is what would be written, from what both sides say now. It is planned once more from fresh readings before it is sent."
            {more}
        </p>
        <ol class="operations">{view.items.iter().map(item).collect_view()}</ol>
        <div class="acts">
            <form method="post" action="/problems/replay" class="act">
                <input type="hidden" name="next" value=view.back.clone() />
                {ids}
                <button type="submit" class="button main">{icon(ctx, "sync")} <span>{label}</span></button>
            </form>
            <a class="button" href=view.back.clone()>"Leave it"</a>
        </div>
    }
    .into_any()
}

fn item(item: &ReplayItem) -> AnyView {
    let planned = item.planned.iter().map(planned).collect_view();
    let pair = format!("/pairs/{}", item.operation.pair);
    view! {
        <li class="operation">
            <div class="operation-head">
                <b>{item.operation.words.clone()}</b>
                <span class="quiet">"in "{item.operation.side.words()}</span>
                <a href=pair>{item.incident.clone()}</a>
            </div>
            {operation::tries(&item.operation)}
            <p><b>"What would be written now"</b></p>
            {item.remark.clone().map(|remark| view! { <p>{remark}</p> })}
            <ul class="marked">{planned}</ul>
        </li>
    }
    .into_any()
}

/// One write that would follow.
pub(super) fn planned(one: &PlannedView) -> AnyView {
    let words = format!("{} in {}. {}", one.words, one.side.words(), one.reason.words());
    let body = one.body.clone().map(|body| {
        view! {
            <details>
                <summary>"What is written"</summary>
                <pre role="group" aria-label="What is written" tabindex="0">{body}</pre>
            </details>
        }
    });
    view! { <li><div><p>{words}</p>{body}</div></li> }.into_any()
}
