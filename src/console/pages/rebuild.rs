//! Before a pair is rebuilt from both sides: what that means for it.

use leptos::prelude::*;

use crate::{
    console::{
        components::{
            act::{self, Weight},
            list, state,
            time::when_or,
        },
        context::PageContext,
        pages::replay,
        words,
    },
    domain::view::rebuild::RebuildView,
};

/// What stands in `<main>`.
pub fn body(ctx: &PageContext, view: &RebuildView) -> AnyView {
    let back = format!("/pairs/{}", view.pair);
    if let Some(why) = view.refused.clone() {
        let text = view! { <p>{why}</p> <p><a class="button" href=back>"Back to the pair"</a></p> };
        return list::empty(ctx, "stop", "This pair can't be rebuilt", text.into_any());
    }
    let copies = words::counted(view.copies, "comment or note is", "comments and notes are");
    let planned = if view.planned.is_empty() {
        view! { <p>"Nothing is written."</p> }.into_any()
    } else {
        view! { <ul class="marked">{view.planned.iter().map(replay::planned).collect_view()}</ul> }.into_any()
    };
    let asked = (!view.asked.is_empty()).then(|| {
        view! {
            <section aria-labelledby="asked">
                <h2 id="asked">"What you would be asked"</h2>
                {view.asked.iter().map(|reason| state::why(ctx, reason)).collect_view()}
            </section>
        }
    });
    view! {
        <p class="truth">
            "What both sides last agreed on is forgotten. Both are read whole, and the pair is planned from them as if "
            "they had just been linked: values that differ go by the policy, or wait for your choice."
        </p>
        <p>
            "Nothing is made twice: the ticket stays the same, and "{copies}" known to stand on both sides already."
        </p>
        <section aria-labelledby="written">
            <h2 id="written">"What would be written"</h2>
            {planned}
        </section>
        {asked}
        <p class="quiet">
            "From what was read last: incident "{when_or(ctx, view.incident_read, "never")}", ticket "
            {when_or(ctx, view.ticket_read, "never")}". What has changed since then is read first and counts."
        </p>
        <div class="acts">
            {act::leading_to(ctx, format!("{back}/rebuild"), ("sync", "Rebuild from both sides"), Weight::Main, &back)}
            <a class="button" href=back.clone()>"Leave it"</a>
        </div>
    }
    .into_any()
}
