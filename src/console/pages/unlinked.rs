//! A pair that was taken apart: what both records were, when, by whom and why, and where to go on.

use leptos::prelude::*;

use crate::{
    console::{
        components::{act, entry, time::when},
        context::PageContext,
        pages::pair::moment,
    },
    domain::view::{
        dashboard::PairFilter, ledger::LedgerFilter, not_linked::NotLinkedFilter, query::QueryText,
        unlinked::UnlinkedView,
    },
};

/// What stands in `<main>`.
pub fn body(ctx: &PageContext, view: &UnlinkedView) -> AnyView {
    live(ctx, view)
}

/// Takes the places of a pair's parts: who had its page open when it was taken apart sees this.
pub fn live(ctx: &PageContext, view: &UnlinkedView) -> AnyView {
    view! {
        <div id="truth" data-live class="pair-top">
            {facts(ctx, view)}
            {standing(ctx, view)}
        </div>
        <div id="pair" data-live data-hold>
            {history(ctx, view)}
        </div>
    }
    .into_any()
}

fn facts(ctx: &PageContext, view: &UnlinkedView) -> AnyView {
    let incident = match &view.incident_url {
        Some(url) => act::outside(ctx, url, "Open in the portal"),
        None => view! { <span class="quiet">"no portal address"</span> }.into_any(),
    };
    let ticket = match &view.ticket {
        Some(ticket) => act::record(ctx, ticket),
        None => view! { <span class="quiet">"none was made"</span> }.into_any(),
    };
    let of_client = PairFilter { client: Some(view.client_id), ..PairFilter::default() }.address();
    let of_workspace = PairFilter { workspace: Some(view.workspace_id), ..PairFilter::default() }.address();
    view! {
        <dl class="facts">
            <div><dt>"Ticket"</dt><dd>{ticket}</dd></div>
            {view.summary.clone().map(|summary| view! { <div><dt>"Ticket's summary"</dt><dd>{summary}</dd></div> })}
            <div><dt>"Incident"</dt><dd>{incident}</dd></div>
            <div><dt>"Client"</dt><dd><a class="soft" href=of_client>{view.client.clone()}</a></dd></div>
            <div><dt>"Workspace"</dt><dd><a class="soft" href=of_workspace>{view.workspace.clone()}</a></dd></div>
            <div><dt>"Reference"</dt><dd><code>{view.reference.clone()}</code></dd></div>
            <div><dt>"Linked"</dt><dd>{when(ctx, view.linked)}</dd></div>
            <div><dt>"Unlinked"</dt><dd>{when(ctx, view.unlinked)}</dd></div>
        </dl>
    }
    .into_any()
}

fn standing(ctx: &PageContext, view: &UnlinkedView) -> AnyView {
    let not_linked = NotLinkedFilter { workspace: Some(view.workspace_id), ..NotLinkedFilter::default() }.address();
    let ledger = LedgerFilter { client: Some(view.client_id), ..LedgerFilter::default() }.address();
    let now = match view.newer {
        Some(newer) => view! {
            <p>"The incident is linked again: "<a href=format!("/pairs/{newer}")>"see its newer pair"</a>"."</p>
        }
        .into_any(),
        None => view! {
            <p>"The incident is in no other pair. It stands under "<a href=not_linked>"Not linked"</a>"."</p>
        }
        .into_any(),
    };
    view! {
        <section class="standing-card" aria-label="How it stands">
            <div class="standing-words">
                {view.as_of_problem.clone().map(|problem| view! { <p class="warn" role="alert">{problem}</p> })}
                <p>
                    "This incident and this ticket are a pair no more: they were unlinked "{when(ctx, view.unlinked)}
                    {view.who.clone().map(|who| view! { " by "<b>{who}</b> })}"."
                </p>
                <p class="why">{view.why.clone()}</p>
                {now}
                <p class="quiet">
                    "What happened to the pair stands below, and with all else of its client in "
                    <a href=ledger>"the ledger of "{view.client.clone()}</a>"."
                </p>
            </div>
        </section>
    }
    .into_any()
}

fn history(ctx: &PageContext, view: &UnlinkedView) -> AnyView {
    let list = view.back.split_once('?').map_or("", |(_, query)| query);
    // From the unlinking on it is no pair.
    let then = |seq: i64| {
        let address = || QueryText::new().with("at", &seq.to_string()).with("list", list).after(ctx.path());
        (seq < view.entry).then(address)
    };
    let older = view.older.as_ref().map(|token| {
        let href = QueryText::new().with("from", token).with("list", list).after(ctx.path());
        view! { <p><a class="button" href=format!("{href}#history")>"Older"</a></p> }
    });
    view! {
        <section class="pair-history" aria-labelledby="history">
            <h2 id="history">"What happened"</h2>
            {moment(ctx, list)}
            {entry::timeline(ctx, &view.timeline, Some(&then))}
            {older}
        </section>
    }
    .into_any()
}
