//! Linked incidents: one sentence of truth, counts that are links, a filter in the address, the rows.

use leptos::prelude::*;

use crate::{
    console::{
        components::{
            act, fields,
            icon::icon,
            list::{self, choice},
            pause, saved, state,
            time::{self, when},
            written::Written,
        },
        context::PageContext,
        pages::errands,
        words,
    },
    domain::{
        incident::{IncidentStatus, Severity},
        pair::{Health, SyncState},
        view::{
            dashboard::{DashboardView, PairCounts, PairFilter, PairRow, PairSort},
            list::Listed,
            query::QueryText,
        },
    },
};

/// What stands in `<main>`.
pub fn body(ctx: &PageContext, view: &DashboardView) -> AnyView {
    view! { {refused(ctx, view)} {truth(ctx, view)} {saved::bar(ctx)} {filter(ctx, view)} {rows(ctx, view)} }.into_any()
}

/// What was refused, on top: beneath fifty rows nobody sees it.
fn refused(ctx: &PageContext, view: &DashboardView) -> AnyView {
    let total = view.rows.as_ref().ok().and_then(|listed| listed.total);
    let form = view.entered.any().then(|| errands::ask(ctx, view, total));
    view! { {fields::summary(&view.refused, errands::IDS)} {form} }.into_any()
}

/// The parts that change while the page is open.
pub fn live(ctx: &PageContext, view: &DashboardView) -> AnyView {
    view! { {truth(ctx, view)} {rows(ctx, view)} }.into_any()
}

fn truth(ctx: &PageContext, view: &DashboardView) -> AnyView {
    let PairCounts { in_step, behind, unknown, waiting, needs_you, not_linked, .. } = view.counts;
    let with = |sync, health| PairFilter { sync, health, ..PairFilter::default() };
    let counter = |symbol: &'static str, label: &'static str, count: u64, filter: PairFilter, class: &'static str| {
        let here = filter.narrows() && filter.sync == view.filter.sync && filter.health == view.filter.health;
        view! {
            <li>
                <a class=class href=filter.address() aria-current=here.then_some("true")>
                    {icon(ctx, symbol)} <span>{label}</span> <b>{words::number(count)}</b>
                </a>
            </li>
        }
    };
    let you = if needs_you == 1 { " needs you; " } else { " need you; " };
    view! {
        <div id="truth" data-live>
            <p class="truth">
                <a href=with(Some(SyncState::InStep), None).address()>{words::counted(in_step, "incident", "incidents")}</a>
                " in step; "
                <a href=with(None, Some(Health::NeedsYou)).address()>{words::number(needs_you)}</a>
                {you}
                {last_look(ctx)}
                "."
            </p>
            <ul class="counters" aria-label="Counts">
                {counter("in-step", "In step", in_step, with(Some(SyncState::InStep), None), "sync-in-step")}
                {counter("behind", "Behind", behind, with(Some(SyncState::Behind), None), "sync-behind")}
                {counter("unknown", "Unknown", unknown, with(Some(SyncState::Unknown), None), "sync-unknown")}
                {counter("waiting", "Waiting", waiting, with(None, Some(Health::Waiting)), "health-waiting")}
                {counter("needs-you", "Needs you", needs_you, with(None, Some(Health::NeedsYou)), "health-needs-you")}
                <li>
                    <a class="apart" href="/incidents">
                        {icon(ctx, "not-linked")} <span>"Not linked"</span> <b>{words::number(not_linked)}</b>
                    </a>
                </li>
            </ul>
            {storm(ctx, view.counts.storm_held)}
            {pause::notices(ctx, &view.pauses)}
            {view
                .secrets
                .iter()
                .map(|text| view! { <p class="warn">{icon(ctx, "waiting")} " " {text.clone()} " " <a href="/connections">"Connections"</a></p> })
                .collect_view()}
        </div>
    }
    .into_any()
}

/// One loud notice while the storm brake holds incidents: they get no ticket by themselves.
fn storm(ctx: &PageContext, held: u64) -> AnyView {
    if held == 0 {
        return ().into_any();
    }
    let words = words::counted(held, "new incident is", "new incidents are");
    view! {
        <ul class="pauses storm" aria-label="Storm brake">
            <li>
                {icon(ctx, "needs-you")}
                <div>
                    <p class="why"><b>{words}" held by the storm brake"</b>" and get no ticket until a person releases them."</p>
                    <p class="quiet">
                        {if ctx.may_operate() {
                            view! { <a href="/problems">"See which, and release them"</a> }.into_any()
                        } else {
                            view! { <a href="/problems">"See which"</a>"; "{words::OPERATORS}" releases them." }.into_any()
                        }}
                    </p>
                </div>
            </li>
        </ul>
    }
    .into_any()
}

fn last_look(ctx: &PageContext) -> AnyView {
    match ctx.pulse.as_ref().and_then(|pulse| pulse.last_look) {
        Some(moment) => view! { "last look " {when(ctx, moment)} }.into_any(),
        None => "nothing was read yet".into_any(),
    }
}

fn filter(ctx: &PageContext, view: &DashboardView) -> AnyView {
    let filter = &view.filter;
    // Counts stand above, where they are kept new.
    let sync: Vec<_> = [SyncState::InStep, SyncState::Behind, SyncState::Unknown]
        .map(|state| choice(state.as_str(), words::sync(state)))
        .into();
    let health: Vec<_> = [Health::Healthy, Health::Waiting, Health::NeedsYou]
        .map(|health| choice(health.as_str(), words::health(health)))
        .into();
    let severities: Vec<_> = [Severity::High, Severity::Medium, Severity::Low, Severity::Informational]
        .map(|severity| choice(severity.as_str(), severity.as_str()))
        .into();
    let statuses: Vec<_> = [IncidentStatus::New, IncidentStatus::Active, IncidentStatus::Closed]
        .map(|status| choice(status.as_str(), status.as_str()))
        .into();
    let hidden = |name: &'static str, value: String| {
        (!value.is_empty()).then(|| view! { <input type="hidden" name=name value=value /> })
    };
    let sort = if filter.sort == PairSort::default() { String::new() } else { filter.sort.as_str().to_owned() };
    let id = |id: Option<String>| id.unwrap_or_default();
    view! {
        <form method="get" action="/" class="filter" role="search" aria-label="Linked incidents">
            {list::search(ctx, "Search", "Number, title, ticket, GUID, host, user", &filter.text)}
            {list::select("sync", "Sync", "Any", filter.sync.map_or("", SyncState::as_str), &sync)}
            {list::select("health", "Health", "Any", filter.health.map_or("", Health::as_str), &health)}
            {list::select("client", "Client", "All clients", &id(filter.client.map(|c| c.to_string())), &view.clients)}
            {list::select(
                "workspace",
                "Workspace",
                "All workspaces",
                &id(filter.workspace.map(|w| w.to_string())),
                &view.workspaces,
            )}
            {list::select("severity", "Severity", "Any", filter.severity.as_ref().map_or("", Severity::as_str), &severities)}
            {list::select("status", "Status", "Any", filter.status.as_ref().map_or("", IncidentStatus::as_str), &statuses)}
            {hidden("reason", filter.reason.clone())}
            {hidden("sort", sort)}
            {hidden("dir", if filter.reversed { "up".into() } else { String::new() })}
            {list::filter_end(filter.narrows().then_some("/"))}
            {(!filter.reason.is_empty())
                .then(|| view! { <p class="also">"Only: "<b>{words::reason_title(&filter.reason)}</b></p> })}
        </form>
    }
    .into_any()
}

fn rows(ctx: &PageContext, view: &DashboardView) -> AnyView {
    let inside = match &view.rows {
        Err(trouble) => list::trouble(ctx, trouble),
        Ok(listed) if listed.rows.is_empty() => none(ctx, view),
        Ok(listed) => table(ctx, view, listed),
    };
    view! { <div id="rows" data-live data-hold>{clients_named(view)}{inside}</div> }.into_any()
}

/// Clients offered for a search that names them.
const CLIENTS_MAX: usize = 5;

/// Clients whose name holds the text that is searched for: the search itself looks at incidents.
fn clients_named(view: &DashboardView) -> AnyView {
    let text = view.filter.text.trim().to_lowercase();
    if text.chars().count() < 3 {
        return ().into_any();
    }
    let named = view.clients.iter().filter(|client| client.label.to_lowercase().contains(&text));
    let links: Vec<_> = named
        .take(CLIENTS_MAX)
        .filter_map(|client| {
            let to = PairFilter { client: Some(client.value.parse().ok()?), ..PairFilter::default() }.address();
            Some(view! { <li><a href=to>{client.label.clone()}</a></li> })
        })
        .collect();
    if links.is_empty() {
        return ().into_any();
    }
    view! {
        <section class="also" aria-label="Clients with this name">
            <p>"Clients with this name:"</p>
            <ul>{links.into_iter().collect_view()}</ul>
        </section>
    }
    .into_any()
}

/// What a row was found by where it does not show it.
fn found_by(text: &str, row: &PairRow) -> Option<&'static str> {
    let title = row.title.to_lowercase();
    let shown = |word: &str| {
        let plain = word.trim_start_matches('#');
        title.contains(word)
            || row.number.is_some_and(|number| number.to_string() == plain)
            || row.ticket.as_ref().is_some_and(|ticket| ticket.label.contains(plain))
            || row.incident.as_str().starts_with(word)
            || row.reference.to_lowercase() == word
    };
    let text = text.to_lowercase();
    let mut unshown = text.split_whitespace().filter(|word| word.chars().count() >= 3 && !shown(word)).peekable();
    unshown.peek()?;
    let numbers = unshown.all(|word| word.chars().all(|c| c.is_ascii_digit() || c == '#'));
    Some(if numbers {
        "Found by a host, user, mailbox or address that its alerts name, or by its number in Defender."
    } else {
        "Found by a host, user, mailbox or address that its alerts name."
    })
}

fn none(ctx: &PageContext, view: &DashboardView) -> AnyView {
    if !view.filter.from.is_empty() {
        let first = PairFilter { from: String::new(), ..view.filter.clone() }.address();
        let text = view! { <p>"The list has become shorter. "<a href=first>"Go to its beginning"</a></p> };
        return list::empty(ctx, "search", "This page is empty now", text.into_any());
    }
    if view.filter.narrows() {
        // A number may be that of a ticket which nobody linked: such tickets are not read.
        let number = view.filter.text.trim().trim_start_matches('#').parse::<u64>().is_ok();
        let elsewhere = number.then(|| {
            view! {
                <p>
                    "No linked incident has this number, nor has its ticket. An incident that is not linked stands under "
                    <a class="soft" href=format!("/incidents?q={}", view.filter.text.trim().trim_start_matches('#'))>"Not linked"</a>
                    " with its reason. A ticket that no incident is linked to is not followed: "
                    <a class="soft" href=format!("/tickets?ticket={}", view.filter.text.trim().trim_start_matches('#'))>"look it up in Halo"</a>
                    " to see why, and to push or link it."
                </p>
            }
        });
        let alone = PairFilter { text: view.filter.text.clone(), ..PairFilter::default() };
        let sorted = PairFilter { sort: view.filter.sort, reversed: view.filter.reversed, ..alone.clone() };
        let everywhere = (alone.narrows() && sorted != view.filter).then(|| list::search_alone(alone.address()));
        let text = view! {
            <p>"There are "{words::counted(view.counts.pairs(), "pair", "pairs")}" in all."</p>
            {elsewhere}
            {everywhere}
            <p><a class="button" href="/">"Clear the filter"</a></p>
        };
        return list::empty(ctx, "search", "No pair matches the filter", text.into_any());
    }
    let text = if view.workspaces.is_empty() {
        view! {
            <p>"No workspace is set up. Connect Microsoft and Halo, then name the workspaces to watch."</p>
            {if ctx.may_set_up() {
                view! { <p><a class="button main" href="/set-up">"Set it up"</a></p> }.into_any()
            } else {
                view! { <p><a class="button main" href="/connections">"See the connections"</a></p> }.into_any()
            }}
        }
        .into_any()
    } else if view.counts.not_linked > 0 {
        view! {
            <p>
                {words::counted(view.counts.not_linked, "incident was", "incidents were")}
                " seen, and each has a reason for not being linked."
            </p>
            <p><a class="button main" href="/incidents">"See why"</a></p>
        }
        .into_any()
    } else {
        view! {
            <p>"The workspaces are watched. The first incident that passes every gate appears here with its ticket."</p>
            <p><a class="button" href="/runs">"See what was read"</a></p>
        }
        .into_any()
    };
    list::empty(ctx, "not-linked", "Nothing is linked yet", text)
}

fn head(ctx: &PageContext, filter: &PairFilter, sort: PairSort, label: &'static str, class: &'static str) -> AnyView {
    let here = filter.sort == sort;
    let next = PairFilter { sort, reversed: here && !filter.reversed, from: String::new(), ..filter.clone() };
    // the client's name begins at A, all else begins with the newest, highest or worst
    let falls = (sort == PairSort::Client) == filter.reversed;
    list::sortable(ctx, label, next.address(), here.then_some(falls), class)
}

fn table(ctx: &PageContext, view: &DashboardView, listed: &Listed<PairRow>) -> AnyView {
    let filter = &view.filter;
    let names =
        if filter.sort == PairSort::Changed && !filter.reversed { ("Newer", "Older") } else { ("Before", "After") };
    let page = |token: &str| PairFilter { from: token.to_owned(), ..filter.clone() }.address();
    view! {
        {list::table(
            ("Pairs", "Linked incidents and their tickets"),
            "cards pairs",
            view! {
                        {head(ctx, filter, PairSort::State, "State", "c-state")}
                        {head(ctx, filter, PairSort::Number, "Incident", "c-wide")}
                        {head(ctx, filter, PairSort::Severity, "Severity", "")}
                        {head(ctx, filter, PairSort::Client, "Client", "")}
                        {head(ctx, filter, PairSort::Ticket, "Ticket", "")}
                        <th scope="col"><span class="unseen">"Status in "</span>"Sentinel / Halo"</th>
                        {head(ctx, filter, PairSort::Changed, "Changed", "")}
            }
            .into_any(),
            listed.rows.iter().map(|row| line(ctx, filter, row)).collect_view().into_any(),
        )}
        {list::pages(ctx, listed, page, names, Some((filter.file(), filter.narrows())))}
        {(!view.entered.any()).then(|| errands::ask(ctx, view, listed.total))}
    }
    .into_any()
}

/// That a pair has further open items; its page and *Problems* list them.
fn more(further: usize) -> Option<String> {
    (further > 0).then(|| format!(" (and {} more)", words::number(further as u64)))
}

/// Written: as views these rows were most of what the page costs.
fn line(ctx: &PageContext, filter: &PairFilter, row: &PairRow) -> AnyView {
    // The pair's page leads back to the list as it stands.
    let here = QueryText::new().with("list", filter.query().as_str()).after(&format!("/pairs/{}", row.id));
    let found = if filter.text.is_empty() { None } else { found_by(&filter.text, row) };
    let title = if row.title.is_empty() { "(no title)" } else { row.title.as_str() };
    let of_client = PairFilter { client: Some(row.client_id), ..PairFilter::default() }.address();
    let why = row.reason.as_ref().filter(|_| row.sync != SyncState::InStep || row.health != Health::Healthy);
    let mut html = Written::default();
    html.markup("<tr><td class=\"c-state\">");
    if ctx.may_operate() {
        let number = row.number.map(|number| format!("#{number}"));
        errands::write_tick(&mut html, row.id, number.as_deref().unwrap_or(title));
    }
    state::write_axes(&mut html, ctx, row.sync, row.health);
    if row.paused {
        state::write_paused(&mut html, ctx);
    }
    html.markup("</td><th scope=\"row\" class=\"c-wide\">");
    html.markup("<a data-row href=\"").text(&here).markup("\" class=\"row-link\">");
    if let Some(number) = row.number {
        html.markup("<span class=\"number\">#").text(&number.to_string()).markup(" </span>");
    }
    html.text(title).markup("</a>");
    if let Some(reason) = why {
        html.markup("<span class=\"row-why\">").text(&reason.words());
        html.text(&more(row.further.len()).unwrap_or_default()).markup("</span>");
    }
    if let Some(found) = found {
        html.markup("<span class=\"row-why\">").text(found).markup("</span>");
    }
    html.markup("</th><td data-label=\"Severity\">");
    state::write_severity(&mut html, ctx, &row.severity);
    html.markup("</td><td data-label=\"Client\"><a href=\"").text(&of_client).markup("\" class=\"soft\">");
    html.text(&row.client).markup("</a></td><td data-label=\"Ticket\">");
    match &row.ticket {
        Some(ticket) => act::write_record(&mut html, ctx, ticket),
        None => {
            html.markup("<span class=\"quiet\">none yet</span>");
        }
    }
    if row.shared > 0 {
        html.markup(" <a href=\"").text(&here).markup("#mates\" class=\"soft\">and ");
        html.text(&words::counted(row.shared, "incident", "incidents")).markup(" more</a>");
    }
    html.markup("</td><td data-label=\"Sentinel / Halo\">").text(row.incident_status.as_str());
    html.markup("<span class=\"quiet\"> / </span>").text(row.ticket_status.as_deref().unwrap_or("–"));
    html.markup("</td><td data-label=\"Changed\">");
    time::write_link(&mut html, ctx, row.changed, &format!("{here}#history"));
    html.markup("</td></tr>");
    html.view()
}
