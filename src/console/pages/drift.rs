//! Drift that was found: by class, with what was done about it.

use leptos::prelude::*;

use crate::{
    console::{
        components::{
            act::{self, Weight},
            list, log_check, saved,
            time::when,
        },
        context::PageContext,
        words,
    },
    domain::{
        drift::{DriftClass, DriftRule},
        log_check::LogRow,
        view::{
            drift::{DriftFilter, DriftRow, DriftView},
            list::Listed,
        },
    },
};

/// What stands in `<main>`.
pub fn body(ctx: &PageContext, view: &DriftView) -> AnyView {
    view! { {truth(view)} {saved::bar(ctx)} {filter(view)} {rows(ctx, view)} {logs(ctx, view)} }.into_any()
}

/// The parts that change while the page is open.
pub fn live(ctx: &PageContext, view: &DriftView) -> AnyView {
    view! { {truth(view)} {rows(ctx, view)} {logs(ctx, view)} }.into_any()
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
            <p class="truth">{sentence}{unseen(view)}</p>
            {(total > 0).then(|| view! { <ul class="counters" aria-label="Counts by class">{counters}</ul> })}
        </div>
    }
    .into_any()
}

/// What stands further down, where there is something to be told of.
fn unseen(view: &DriftView) -> Option<String> {
    let checks = view.logs.iter().filter_map(|row| row.check.as_ref());
    let count: u64 = checks.map(|check| check.unseen.len() as u64 + check.more).sum();
    let named = words::counted(count, "incident", "incidents");
    (count > 0).then(|| format!(" Logs name {named} that no list has shown."))
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

/// Workspaces that are shown with what their logs tell; the others are a filter away.
const LOGS: usize = 50;

/// What no list has shown and a workspace's own log names: a class of drift without a pair.
fn logs(ctx: &PageContext, view: &DriftView) -> AnyView {
    if view.logs.is_empty() {
        return ().into_any();
    }
    let further = view.logs.len().saturating_sub(LOGS) as u64;
    view! {
        <section id="logs" data-live data-hold aria-labelledby="in-logs">
            <h2 id="in-logs">"Only in the log"</h2>
            <p class="quiet">
                "Each live workspace is held once a day against its own log, which names incidents whatever the lists show. The last \
                 quarter of an hour is left out: the log comes late."
            </p>
            {list::table(
                ("Logs", "Workspaces and what their logs name; those with something open stand first"),
                "cards",
                list::heads_and_acts(ctx, &[("Client and workspace", "c-wide"), ("Log", "c-why")]),
                view.logs.iter().take(LOGS).map(|row| log(ctx, row)).collect_view().into_any(),
            )}
            {(further > 0)
                .then(|| {
                    let more = words::counted(further, "further workspace is", "further workspaces are");
                    view! { <p>{more}" not shown: choose it above."</p> }
                })}
        </section>
    }
    .into_any()
}

fn log(ctx: &PageContext, row: &LogRow) -> AnyView {
    let told = match &row.check {
        Some(check) => view! { {log_check::line(ctx, check)} {log_check::unseen(ctx, check)} }.into_any(),
        None => view! { <p class="quiet">"Not compared yet."</p> }.into_any(),
    };
    let waits = row.asked.then(|| view! { <p class="quiet">"It is being compared now."</p> });
    let compare = act::named(
        ctx,
        format!("/workspaces/{}/log", row.workspace),
        "look",
        "Compare with the log",
        Weight::Plain,
        Some(row.name.clone()),
    );
    view! {
        <tr>
            <th scope="row" class="c-wide">{row.client.clone()}<div class="quiet">{row.name.clone()}</div></th>
            <td class="c-why tall" data-label="Log">{waits}{told}</td>
            {list::acts(ctx, compare)}
        </tr>
    }
    .into_any()
}
