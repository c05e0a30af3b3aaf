//! The ledger: its chains and whether they hold, and the entries of one of them.

use leptos::prelude::*;

use crate::{
    console::{
        components::{
            entry,
            icon::icon,
            list::{self, choice},
            saved,
            time::when,
        },
        context::PageContext,
        words,
    },
    domain::view::ledger::{ChainRow, ChainState, LedgerFilter, LedgerView},
};

/// What stands in `<main>`.
pub fn body(ctx: &PageContext, view: &LedgerView) -> AnyView {
    view! {
        <p class="truth">{truth(view)}</p>
        {saved::bar(ctx)}
        {chains(ctx, view)}
        {entries(ctx, view)}
    }
    .into_any()
}

fn truth(view: &LedgerView) -> String {
    let broken = view.chains.iter().filter(|chain| matches!(chain.state, ChainState::Broken { .. })).count() as u64;
    let whole = view.chains.iter().filter(|chain| matches!(chain.state, ChainState::Whole { .. })).count();
    let entries: u64 = view.chains.iter().map(|chain| chain.entries).sum();
    let all = format!(
        "{} in {}",
        words::counted(entries, "entry", "entries"),
        words::counted(view.chains.len() as u64, "chain", "chains")
    );
    match (broken, whole) {
        (0, 0) => format!("{all}."),
        (0, n) if n == view.chains.len() => format!("{all}; every hash fits."),
        (0, _) => format!("{all}; every hash of the one shown below fits."),
        (n, _) => format!("{all}; {} broken.", words::counted(n, "chain is", "chains are")),
    }
}

fn chains(ctx: &PageContext, view: &LedgerView) -> AnyView {
    let rows = view.chains.iter().map(|chain| line(ctx, view, chain)).collect_view();
    view! {
        <section aria-labelledby="chains">
            <h2 id="chains">"Chains"</h2>
            {list::table(
                ("Chains", "Hash chains of the ledger"),
                "cards chains",
                list::heads(&[
                    ("Chain", "c-wide"), ("Entries", "c-number"), ("Holds", ""),
                    ("Hash of the last entry", "c-why"),
                ]),
                rows.into_any(),
            )}
        </section>
    }
    .into_any()
}

fn line(ctx: &PageContext, view: &LedgerView, chain: &ChainRow) -> AnyView {
    let here = view.filter.client == chain.client;
    let state = match chain.state {
        ChainState::Whole { at } => view! {
            <span class="chip health-healthy">{icon(ctx, "healthy")} <span>"Whole"</span></span>
            <span class="quiet">" checked "{when(ctx, at)}</span>
        }
        .into_any(),
        ChainState::Broken { seq } => view! {
            <span class="chip health-needs-you">{icon(ctx, "needs-you")} <span>"Broken"</span></span>
            <span class="failure">" entry "{seq.to_string()}" does not fit its hash; restore a backup made before it"</span>
        }
        .into_any(),
        ChainState::Unchecked if here => {
            view! { <span class="quiet">"too long to be checked on a page; "<code>"halobridge doctor"</code>" checks it"</span> }.into_any()
        }
        ChainState::Unchecked => {
            view! { <span class="quiet">"checked when it is opened"</span> }.into_any()
        }
    };
    let href = LedgerFilter { client: chain.client, ..LedgerFilter::default() }.address();
    view! {
        <tr class:chosen=here>
            <th scope="row" class="c-wide"><a href=href.clone() data-row aria-current=here.then_some("true")>{chain.name.clone()}</a></th>
            <td class="c-number" data-label="Entries"><a class="soft" href=format!("{href}#entries")>{words::number(chain.entries)}</a></td>
            <td data-label="Holds" class="tall">{state}</td>
            <td class="c-why" data-label="Last hash"><code>{chain.head.clone()}</code></td>
        </tr>
    }
    .into_any()
}

fn entries(ctx: &PageContext, view: &LedgerView) -> AnyView {
    let filter = &view.filter;
    let name = view.chains.iter().find(|chain| chain.client == filter.client).map(|chain| chain.name.clone());
    let facts: Vec<_> = view.facts.iter().map(|fact| choice(fact, words::fact(fact))).collect();
    let inside = match &view.entries {
        Err(trouble) => list::trouble(ctx, trouble),
        Ok(listed) if listed.rows.is_empty() => {
            let text = if filter.fact.is_empty() {
                view! { <p>"What is read, decided, written and done by people is written down here."</p> }.into_any()
            } else {
                let all = LedgerFilter { fact: String::new(), from: String::new(), ..filter.clone() }.address();
                view! { <p><a class="button" href=all>"See all entries of this chain"</a></p> }.into_any()
            };
            list::empty(ctx, "read", "No entries", text)
        }
        Ok(listed) => {
            let page = |token: &str| LedgerFilter { from: token.to_owned(), ..filter.clone() }.address();
            view! {
                {entry::timeline(ctx, &listed.rows, None)}
                {list::pages(ctx, listed, page, ("Newer", "Older"), None)}
            }
            .into_any()
        }
    };
    let has_rows = view.entries.as_ref().is_ok_and(|listed| !listed.rows.is_empty());
    let client = filter.client.map(|id| view! { <input type="hidden" name="client" value=id.to_string() /> });
    view! {
        <section aria-labelledby="entries">
            <h2 id="entries">"Entries"{name.map(|name| view! { <span class="quiet">" of "{name}</span> })}</h2>
            <form method="get" action="/ledger" class="filter">
                {client}
                {list::select("fact", "Kind", "All kinds", &filter.fact, &facts)}
                {list::filter_end((!filter.fact.is_empty()).then_some("/ledger"))}
            </form>
            {has_rows.then(|| view! {
                <p><a class="file" href=filter.download() download="">
                    {icon(ctx, "file")} <span>"Download these entries"</span>
                </a></p>
            })}
            {inside}
        </section>
    }
    .into_any()
}
