//! Shadow mode: what Halo's own Sentinel integration missed, doubled and carried over late.

use leptos::prelude::*;

use crate::{
    console::{
        components::{act, list, saved, time::when},
        context::PageContext,
        words,
    },
    domain::{
        shadow::{Crossed, Lapse, LapseKind},
        view::{
            list::Listed,
            shadow::{ShadowFilter, ShadowRow, ShadowView},
        },
    },
};

/// What stands in `<main>`.
pub fn body(ctx: &PageContext, view: &ShadowView) -> AnyView {
    view! { {truth(view)} {saved::bar(ctx)} {filter(view)} {rows(ctx, view)} }.into_any()
}

/// The parts that change while the page is open.
pub fn live(ctx: &PageContext, view: &ShadowView) -> AnyView {
    view! { {truth(view)} {rows(ctx, view)} }.into_any()
}

fn truth(view: &ShadowView) -> AnyView {
    let counts = view.counts;
    let sentence = match (view.on.is_empty(), counts.incidents) {
        (true, 0) => "No workspace is in shadow mode.".to_owned(),
        (false, 0) => format!("Nothing was compared yet in {}.", view.on.join(", ")),
        (_, n) => format!(
            "{}: {} got a ticket from Halo's own integration, {} late on average. Nothing was written by this program.",
            words::counted(n, "incident was compared", "incidents were compared"),
            words::number(counts.ticketed),
            words::span(counts.late_secs),
        ),
    };
    let counters = LapseKind::ALL
        .into_iter()
        .map(|kind| {
            let filter = ShadowFilter { kind: Some(kind), workspace: view.filter.workspace, from: String::new() };
            let here = view.filter.kind == Some(kind);
            view! {
                <li>
                    <a href=filter.address() aria-current=here.then_some("true")>
                        <span>{words::lapse(kind)}</span>
                        <b>{words::number(counts.of(kind))}</b>
                    </a>
                </li>
            }
        })
        .collect_view();
    view! {
        <div id="truth" data-live>
            <p class="truth">{sentence}</p>
            {(counts.incidents > 0)
                .then(|| view! { <ul class="counters" aria-label="Counts by kind">{counters}</ul> })}
        </div>
    }
    .into_any()
}

fn filter(view: &ShadowView) -> AnyView {
    let workspace = view.filter.workspace.map_or_else(String::new, |id| id.to_string());
    let kinds: Vec<_> = LapseKind::ALL.iter().map(|kind| list::choice(kind.as_str(), words::lapse(*kind))).collect();
    let chosen = view.filter.kind.map_or("", LapseKind::as_str);
    view! {
        <form method="get" action="/shadow" class="filter" role="search" aria-label="Compared incidents">
            {list::select("kind", "Kind", "Any", chosen, &kinds)}
            {list::select("workspace", "Workspace", "All workspaces", &workspace, &view.workspaces)}
            {list::filter_end(view.filter.narrows().then_some("/shadow"))}
        </form>
    }
    .into_any()
}

fn rows(ctx: &PageContext, view: &ShadowView) -> AnyView {
    let inside = match &view.rows {
        Err(trouble) => list::trouble(ctx, trouble),
        Ok(listed) if listed.rows.is_empty() => none(ctx, view),
        Ok(listed) => table(ctx, view, listed),
    };
    view! { <div id="rows" data-live data-hold>{inside}</div> }.into_any()
}

fn none(ctx: &PageContext, view: &ShadowView) -> AnyView {
    if view.filter.narrows() || !view.filter.from.is_empty() {
        let text = view! { <p><a class="button" href="/shadow">"Clear the filter"</a></p> };
        return list::empty(ctx, "search", "No incident matches the filter", text.into_any());
    }
    let text = view! {
        <p>
            "With "<code>"shadow = true"</code>" and "<code>"mode = \"observe\""</code>
            " a workspace is read beside Halo's own Sentinel integration, and what that missed, doubled or carried over late is listed here."
        </p>
        <p><a class="button" href="/connections#workspaces">"See the workspaces"</a></p>
    };
    list::empty(ctx, "not-linked", "Nothing was compared yet", text.into_any())
}

fn table(ctx: &PageContext, view: &ShadowView, listed: &Listed<ShadowRow>) -> AnyView {
    let page = |token: &str| ShadowFilter { from: token.to_owned(), ..view.filter.clone() }.address();
    view! {
        {list::table(
            ("Compared incidents", "Incidents and what became of them in Halo; what changed last stands first"),
            "cards held",
            list::heads(&[
                ("Incident", "c-wide"), ("Client and workspace", ""), ("Ticket", ""),
                ("Ticket came", ""), ("Comments", ""), ("Notes", ""), ("Changed", ""),
                ("Missed, doubled, late", "c-why"),
            ]),
            listed.rows.iter().map(|row| line(ctx, row)).collect_view().into_any(),
        )}
        {list::pages(ctx, listed, page, ("Newer", "Older"), Some((view.filter.file(), view.filter.narrows())))}
    }
    .into_any()
}

fn line(ctx: &PageContext, row: &ShadowRow) -> AnyView {
    let title = if row.title.is_empty() { "(no title)" } else { row.title.as_str() };
    let name = match row.number {
        Some(number) => format!("#{number} {title}"),
        None => title.to_owned(),
    };
    let tickets = row
        .tickets
        .iter()
        .map(|ticket| match &ticket.url {
            Some(url) => view! { <div>{act::outside(ctx, url, &ticket.label)}</div> }.into_any(),
            None => view! { <div>{ticket.label.clone()}</div> }.into_any(),
        })
        .collect_view();
    let came = match row.compared.late_secs {
        Some(secs) => format!("after {}", words::span(u64::try_from(secs).unwrap_or(0))),
        None => "not".to_owned(),
    };
    let crossed = |crossed: Crossed| match crossed.of {
        0 => "none".to_owned(),
        of => format!("{} of {of}", crossed.crossed),
    };
    let lapses = row.compared.lapses.iter().map(|one| lapse(ctx, one)).collect_view();
    view! {
        <tr>
            <th scope="row" class="c-wide">{name}<div class="quiet">{when(ctx, row.opened)}</div></th>
            <td data-label="Client">{row.client.clone()}<div class="quiet">{row.workspace.clone()}</div></td>
            <td data-label="Ticket">{if row.tickets.is_empty() { "none".into_any() } else { tickets.into_any() }}</td>
            <td data-label="Ticket came">{came}</td>
            <td data-label="Comments">{crossed(row.compared.comments)}</td>
            <td data-label="Notes">{crossed(row.compared.notes)}</td>
            <td data-label="Changed">{when(ctx, row.changed)}</td>
            <td class="c-why tall" data-label="Lapses">
                {if row.compared.lapses.is_empty() {
                    view! { <p class="quiet">"Nothing"</p> }.into_any()
                } else {
                    view! { <ul class="marked">{lapses}</ul> }.into_any()
                }}
            </td>
        </tr>
    }
    .into_any()
}

fn lapse(ctx: &PageContext, one: &Lapse) -> AnyView {
    let late = one.late_secs.map(|secs| format!(" by {}", words::span(u64::try_from(secs).unwrap_or(0))));
    view! {
        <li>
            <span>
                {words::lapse(one.kind)}{late}": "{words::carriage(one.what, one.from)}" “"{one.words.clone()}"” "
                {one.at.map(|at| when(ctx, at))}
            </span>
        </li>
    }
    .into_any()
}
