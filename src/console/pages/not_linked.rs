//! Incidents that were seen and have no ticket: each with the answer to "why not?".

use leptos::prelude::*;

use crate::{
    console::{
        components::{
            act,
            fields::{self, Field},
            list, saved, state,
            time::when,
        },
        context::PageContext,
        words,
    },
    domain::{
        reason::Reason,
        view::{
            list::{Choice, Listed},
            not_linked::{NotLinkedFilter, NotLinkedRow, NotLinkedView, PushRow},
            query::QueryText,
        },
    },
};

/// What stands in `<main>`.
pub fn body(ctx: &PageContext, view: &NotLinkedView) -> AnyView {
    view! {
        {fields::summary(&view.push.form, PUSH)}
        {truth(ctx, view)}
        {saved::bar(ctx)}
        {filter(ctx, view)}
        {rows(ctx, view)}
        {push(ctx, view)}
    }
    .into_any()
}

/// The parts that change while the page is open.
pub fn live(ctx: &PageContext, view: &NotLinkedView) -> AnyView {
    view! { {truth(ctx, view)} {rows(ctx, view)} {pushes(ctx, view)} }.into_any()
}

fn truth(ctx: &PageContext, view: &NotLinkedView) -> AnyView {
    let sources = ctx.pulse.iter().flat_map(|pulse| pulse.late.iter().chain(&pulse.broken));
    let unread = sources.filter(|source| source.read.is_none()).count() as u64;
    let words = match view.total {
        // What nobody has read cannot be told of: the notice above says why.
        0 if unread > 0 => {
            format!(
                "No incident that was seen lacks a ticket, but {} not been read yet.",
                words::counted(unread, "source has", "sources have")
            )
        }
        0 => "Every incident that was seen is linked.".to_owned(),
        n => {
            format!("{} and not linked; each says why.", words::counted(n, "incident was seen", "incidents were seen"))
        }
    };
    let counters = view
        .reasons
        .iter()
        .map(|reason| {
            let filter = NotLinkedFilter { reason: reason.value.clone(), ..NotLinkedFilter::default() };
            let here = view.filter.reason == reason.value;
            view! {
                <li>
                    <a href=filter.address() aria-current=here.then_some("true")>
                        <span>{words::reason_title(&reason.value)}</span>
                        {reason.count.map(|count| view! { <b>{words::number(count)}</b> })}
                    </a>
                </li>
            }
        })
        .collect_view();
    view! {
        <div id="truth" data-live>
            <p class="truth">{words}</p>
            {view.since.map(|since| view! {
                <p class="quiet">
                    "Of incidents that last changed before their workspace's start"
                    {if view.workspaces.len() > 1 { " (the earliest: " } else { " (" }}{when(ctx, since)}
                    ") only open ones are listed, and it may take six hours until they are. "
                    <a href="/backfill">"Backfill"</a>" lists the older ones and takes them in."
                </p>
            })}
            {(!view.reasons.is_empty()).then(|| view! { <ul class="counters" aria-label="Counts by reason">{counters}</ul> })}
        </div>
    }
    .into_any()
}

fn filter(ctx: &PageContext, view: &NotLinkedView) -> AnyView {
    let workspace = view.filter.workspace.map_or_else(String::new, |id| id.to_string());
    // Counts stand above, where they are kept new.
    let named = |one: &Choice| Choice { label: words::reason_title(&one.value).into(), count: None, ..one.clone() };
    let reasons: Vec<Choice> = view.reasons.iter().map(named).collect();
    view! {
        <form method="get" action="/incidents" class="filter" role="search" aria-label="Incidents not linked">
            {list::search(ctx, "Search", "Number, title, GUID, host, user", &view.filter.text)}
            {list::select("reason", "Reason", "Any reason", &view.filter.reason, &reasons)}
            {list::select("workspace", "Workspace", "All workspaces", &workspace, &view.workspaces)}
            {list::filter_end(view.filter.narrows().then_some("/incidents"))}
        </form>
    }
    .into_any()
}

fn rows(ctx: &PageContext, view: &NotLinkedView) -> AnyView {
    let inside = match &view.rows {
        Err(trouble) => list::trouble(ctx, trouble),
        Ok(listed) if listed.rows.is_empty() => none(ctx, view),
        Ok(listed) => table(ctx, view, listed),
    };
    view! { <div id="rows" data-live data-hold>{inside}</div> }.into_any()
}

fn none(ctx: &PageContext, view: &NotLinkedView) -> AnyView {
    if view.filter.narrows() || !view.filter.from.is_empty() {
        let alone = NotLinkedFilter { text: view.filter.text.clone(), ..NotLinkedFilter::default() };
        let others = !view.filter.reason.is_empty() || view.filter.workspace.is_some();
        let everywhere = (alone.narrows() && others).then(|| list::search_alone(alone.address()));
        let unmet = (alone.narrows() && ctx.may_operate()).then(|| super::look_up::way(&view.filter.text));
        let text = view! { {unmet}{everywhere}<p><a class="button" href="/incidents">"Clear the filter"</a></p> };
        return list::empty(ctx, "search", "No incident matches the filter", text.into_any());
    }
    if view.workspaces.is_empty() {
        let text = view! {
            <p>"No workspace is set up, so no incident has been seen."</p>
            <p><a class="button main" href="/connections">"See the connections"</a></p>
        };
        return list::empty(ctx, "not-linked", "No incident was seen yet", text.into_any());
    }
    let text = view! {
        <p>"Incidents that a mode, a start date or a missing mapping keeps back would stand here."</p>
        <p><a class="button" href="/">"See the linked ones"</a></p>
    };
    list::empty(ctx, "in-step", "Nothing is left out", text.into_any())
}

fn table(ctx: &PageContext, view: &NotLinkedView, listed: &Listed<NotLinkedRow>) -> AnyView {
    let page = |token: &str| NotLinkedFilter { from: token.to_owned(), ..view.filter.clone() }.address();
    // what is to be done about all of them is said once
    let alike = alike(&listed.rows);
    view! {
        {alike.map(|reason| state::remedy(ctx, reason))}
        {list::table(
            ("Incidents", "Incidents without a ticket, and why; what was read with a change last stands first"),
            "cards held",
            list::heads(&[
                ("Incident", "c-wide"), ("Severity", ""), ("Status", ""),
                ("Client and workspace", ""), ("Created", ""), ("Changed", ""),
                ("Why not, and what to do", "c-why"),
            ]),
            listed.rows.iter().map(|row| line(ctx, row, alike.is_some())).collect_view().into_any(),
        )}
        {list::pages(ctx, listed, page, ("Newer", "Older"), None)}
    }
    .into_any()
}

/// The incident's number and title.
pub fn name(row: &NotLinkedRow) -> String {
    let title = if row.title.is_empty() { "(no title)" } else { row.title.as_str() };
    row.number.map_or_else(|| title.to_owned(), |number| format!("#{number} {title}"))
}

/// Why it is not linked, with the remedy.
pub fn why(ctx: &PageContext, row: &NotLinkedRow) -> AnyView {
    match &row.reason {
        Some(reason) => state::why(ctx, reason),
        None => view! { <p class="why">"It was seen just now and is planned next."</p> }.into_any(),
    }
}

/// The reason of several rows that all want the same done.
fn alike(rows: &[NotLinkedRow]) -> Option<&Reason> {
    let (first, others) = rows.split_first()?;
    let reason = first.reason.as_ref()?;
    let same = |row: &NotLinkedRow| {
        row.reason.as_ref().is_some_and(|one| one.code() == reason.code() && one.remedy() == reason.remedy())
    };
    (!others.is_empty() && others.iter().all(same)).then_some(reason)
}

fn line(ctx: &PageContext, row: &NotLinkedRow, alike: bool) -> AnyView {
    let name = name(row);
    let why = match &row.reason {
        Some(reason) if alike => view! { <p class="why">{reason.words()}</p> }.into_any(),
        _ => why(ctx, row),
    };
    let label = if ctx.may_operate() { "Link by hand" } else { "See every gate" };
    let href = format!("/incidents/{}/{}/link?{}", row.workspace, row.incident, back(ctx));
    let linking =
        view! { <p><a class="button" href=href>{label}<span class="unseen">{format!(": {name}")}</span></a></p> };
    // where its mode, start and policy stand
    let workspace = format!("/connections?from={0}#workspace-{0}", row.workspace);
    view! {
        <tr>
            <th scope="row" class="c-wide">
                {match &row.url {
                    Some(url) => act::outside(ctx, url, &name),
                    None => view! { <span>{name.clone()}</span> }.into_any(),
                }}
            </th>
            <td data-label="Severity">{state::severity(ctx, &row.severity)}</td>
            <td data-label="Status">{row.status.to_string()}</td>
            <td data-label="Client">
                {row.client.clone()}
                <div><a class="soft quiet" href=workspace>{row.workspace_name.clone()}</a></div>
            </td>
            <td data-label="Created">{when(ctx, row.created.unwrap_or(row.changed))}</td>
            <td data-label="Changed">{when(ctx, row.changed)}</td>
            <td class="c-why tall" data-label="Why not">{why}{linking}</td>
        </tr>
    }
    .into_any()
}

/// The query that leads from a row's page back to the list as it stands.
fn back(ctx: &PageContext) -> String {
    QueryText::new().with("next", &ctx.address).as_str().to_owned()
}

/// Prefix of the push form's ids.
const PUSH: &str = "push-";

/// Pushing a ticket to Sentinel, and what became of those that were pushed lately.
fn push(ctx: &PageContext, view: &NotLinkedView) -> AnyView {
    let asks = ctx.may_operate() && !view.push.workspaces.is_empty();
    if !asks && view.push.recent.is_empty() {
        return pushes(ctx, view);
    }
    let typed = &view.push.form;
    let number = Field { name: "ticket", label: "Ticket number in Halo", hint: "", kind: "text", autocomplete: "off" };
    let form = asks.then(|| {
        view! {
            <details class="folded" open=!typed.problems.is_empty()>
                <summary>"Push a ticket…"</summary>
                <form method="post" action="/push" class="form" novalidate>
                    <input type="hidden" name="next" value="/incidents#push" />
                    {fields::field(typed, PUSH, number)}
                    {fields::choose(typed, PUSH, ("workspace", "Workspace"), "Choose one", &view.push.workspaces)}
                    {fields::check(
                        typed,
                        PUSH,
                        "anyway",
                        "Push it all the same, where the workspace is joined to Defender and its portal won't show the incident",
                    )}
                    <button type="submit" class="button"><span>"Push to Sentinel"</span></button>
                    <p class="quiet">
                        "The ticket's client and the workspace's must be the same. Pushed twice it is the same incident."
                    </p>
                </form>
            </details>
        }
    });
    view! {
        <section id="push" aria-labelledby="push-title">
            <h2 id="push-title">"Push a ticket to Sentinel"</h2>
            {form}
            {pushes(ctx, view)}
        </section>
    }
    .into_any()
}

/// What became of the pushes; the form beside it is not drawn anew under somebody who types in it.
fn pushes(ctx: &PageContext, view: &NotLinkedView) -> AnyView {
    let recent = view.push.recent.iter().map(|row| pushed(ctx, row)).collect_view();
    let list = (!view.push.recent.is_empty()).then(|| view! { <ul class="marked pushed">{recent}</ul> });
    view! { <div id="pushes" data-live data-hold>{list}</div> }.into_any()
}

fn pushed(ctx: &PageContext, row: &PushRow) -> AnyView {
    let what = match row.workspace.as_str() {
        "" => format!("Ticket {}: ", row.ticket),
        workspace => format!("Ticket {} to {workspace}: ", row.ticket),
    };
    let became = match (&row.pair, &row.refused) {
        (Some(pair), _) => {
            view! { "pushed and linked. "<a href=format!("/pairs/{pair}")>"See the pair of ticket "{row.ticket}</a> }
                .into_any()
        }
        (None, Some(why)) => view! { <span class="failure">{why.clone()}</span> }.into_any(),
        (None, None) => match &row.waits {
            Some(why) => view! { "waits: "{why.clone()} }.into_any(),
            None => "under way.".into_any(),
        },
    };
    let opened =
        row.opened.map(|pair| view! { " "<a href=format!("/pairs/{pair}")>"See the pair of ticket "{row.ticket}</a> });
    let written = row.request.clone().map(|request| {
        let name = format!("What is written for ticket {}", row.ticket);
        view! {
            <details>
                <summary>{name.clone()}</summary>
                {row.becomes.clone().map(|becomes| view! { <p>{becomes}</p> })}
                <pre role="group" aria-label=name tabindex="0">{request}</pre>
            </details>
        }
    });
    let again = row.workspace_id.filter(|_| row.again && ctx.may_operate()).map(|workspace| {
        // That its portal may not show it was said when it was pushed first.
        view! {
            <form method="post" action="/push">
                <input type="hidden" name="next" value="/incidents#push" />
                <input type="hidden" name="ticket" value=row.ticket.to_string() />
                <input type="hidden" name="workspace" value=workspace.to_string() />
                <input type="hidden" name="anyway" value="on" />
                <button type="submit" class="button"><span>"Push ticket "{row.ticket}" again"</span></button>
            </form>
        }
    });
    view! { <li><span>{what}{became}{opened}" "{when(ctx, row.asked)}</span>{written}{again}</li> }.into_any()
}
