//! Drift that was found: by class, with what was done about it.

use leptos::prelude::*;

use crate::{
    console::{
        components::{list, saved, time::when},
        context::PageContext,
        words,
    },
    domain::{
        drift::{DriftClass, DriftRule},
        view::{
            drift::{DriftFilter, DriftRow, DriftView},
            list::Listed,
        },
    },
};

/// What stands in `<main>`.
pub fn body(ctx: &PageContext, view: &DriftView) -> AnyView {
    view! { {truth(view)} {saved::bar(ctx)} {filter(view)} {rows(ctx, view)} }.into_any()
}

/// The parts that change while the page is open.
pub fn live(ctx: &PageContext, view: &DriftView) -> AnyView {
    view! { {truth(view)} {rows(ctx, view)} }.into_any()
}

fn done(rule: DriftRule) -> &'static str {
    match rule {
        DriftRule::Heal => "put right",
        DriftRule::Ask => "asked about",
        DriftRule::Ignore => "left as it is",
    }
}

fn truth(view: &DriftView) -> AnyView {
    let total: u64 = view.counts.iter().map(|(.., count)| count).sum();
    let sum =
        |rule: DriftRule| -> u64 { view.counts.iter().filter(|(_, of, _)| *of == rule).map(|(.., count)| count).sum() };
    let sentence = match total {
        0 => "No drift was found: whatever full readings saw had been told of before.".to_owned(),
        n => format!(
            "{}: {} put right, {} asked about, {} left.",
            words::counted(n, "difference was found by full readings", "differences were found by full readings"),
            words::number(sum(DriftRule::Heal)),
            words::number(sum(DriftRule::Ask)),
            words::number(sum(DriftRule::Ignore)),
        ),
    };
    let counters = DriftClass::ALL
        .into_iter()
        .map(|class| {
            let filter = DriftFilter { class: Some(class), workspace: view.filter.workspace, from: String::new() };
            let here = view.filter.class == Some(class);
            view! {
                <li>
                    <a href=filter.address() aria-current=here.then_some("true")>
                        <span>{class.words()}</span>
                        <b>{words::number(view.of(class))}</b>
                    </a>
                </li>
            }
        })
        .collect_view();
    view! {
        <div id="truth" data-live>
            <p class="truth">{sentence}</p>
            {(total > 0).then(|| view! { <ul class="counters" aria-label="Counts by class">{counters}</ul> })}
        </div>
    }
    .into_any()
}

fn filter(view: &DriftView) -> AnyView {
    let workspace = view.filter.workspace.map_or_else(String::new, |id| id.to_string());
    let classes: Vec<_> = DriftClass::ALL.iter().map(|class| list::choice(class.as_str(), class.words())).collect();
    let chosen = view.filter.class.map_or("", DriftClass::as_str);
    view! {
        <form method="get" action="/drift" class="filter" role="search" aria-label="Drift">
            {list::select("class", "Class", "Any", chosen, &classes)}
            {list::select("workspace", "Workspace", "All workspaces", &workspace, &view.workspaces)}
            {list::filter_end(view.filter.narrows().then_some("/drift"))}
        </form>
    }
    .into_any()
}

fn rows(ctx: &PageContext, view: &DriftView) -> AnyView {
    let inside = match &view.rows {
        Err(trouble) => list::trouble(ctx, trouble),
        Ok(listed) if listed.rows.is_empty() => {
            let text = view! { <p>"What is done about each class is the policy's choice: "<code>"drift"</code>"."</p> };
            list::empty(ctx, "in-step", "No drift to show", text.into_any())
        }
        Ok(listed) => table(ctx, view, listed),
    };
    view! { <div id="rows" data-live data-hold>{inside}</div> }.into_any()
}

fn table(ctx: &PageContext, view: &DriftView, listed: &Listed<DriftRow>) -> AnyView {
    let page = |token: &str| DriftFilter { from: token.to_owned(), ..view.filter.clone() }.address();
    view! {
        {list::table(
            ("Drift", "Differences that full readings found; the newest stands first"),
            "cards held",
            list::heads(&[
                ("Incident", "c-wide"), ("Client and workspace", ""), ("Class", ""),
                ("What", "c-why"), ("Done", ""), ("Found", ""),
            ]),
            listed.rows.iter().map(|row| line(ctx, row)).collect_view().into_any(),
        )}
        {list::pages(ctx, listed, page, ("Newer", "Older"), None)}
    }
    .into_any()
}

fn line(ctx: &PageContext, row: &DriftRow) -> AnyView {
    let name = match &row.incident {
        Some(name) => view! { <a href=format!("/pairs/{}", row.pair) data-row>{name.clone()}</a> }.into_any(),
        None => view! { <span>"(taken apart)"</span> }.into_any(),
    };
    view! {
        <tr>
            <th scope="row" class="c-wide">{name}</th>
            <td data-label="Client">{row.client.clone()}<div class="quiet">{row.workspace.clone()}</div></td>
            <td data-label="Class">{row.drift.class.words()}</td>
            <td class="c-why tall" data-label="What">{row.drift.what.clone()}</td>
            <td data-label="Done">{done(row.drift.rule)}</td>
            <td data-label="Found">{when(ctx, row.found)}</td>
        </tr>
    }
    .into_any()
}
