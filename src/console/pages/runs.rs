//! Who is read, when it was read last, when it is due again, and what came of each run.

use jiff::Timestamp;
use leptos::prelude::*;

use crate::{
    console::{
        components::{
            act::{self, Weight},
            icon::icon,
            list, saved,
            time::{absolute, when, when_or},
        },
        context::PageContext,
        words,
    },
    domain::{
        run::RunScope,
        time::iso,
        view::{
            list::Listed,
            runs::{RunFilter, RunRow, RunsView, SourceRow},
        },
        workspace::Mode,
    },
};

/// What stands in `<main>`.
pub fn body(ctx: &PageContext, view: &RunsView) -> AnyView {
    view! { {told(view)} {saved::bar(ctx)} {rows(ctx, view)} }.into_any()
}

/// The parts that change while the page is open.
pub fn live(ctx: &PageContext, view: &RunsView) -> AnyView {
    view! { {told(view)} {rows(ctx, view)} }.into_any()
}

fn told(view: &RunsView) -> AnyView {
    view! { <div id="truth" data-live><p class="truth">{truth(view)}</p></div> }.into_any()
}

fn rows(ctx: &PageContext, view: &RunsView) -> AnyView {
    view! { <div id="rows" data-live data-hold>{sources(ctx, view)} {runs(ctx, view)}</div> }.into_any()
}

fn truth(view: &RunsView) -> AnyView {
    let read = view.sources.iter().filter(|source| source.mode != Some(Mode::Off)).count() as u64;
    let overdue = view.sources.iter().filter(|source| source.overdue).count() as u64;
    let failing = view.sources.iter().filter(|source| failing(source)).count() as u64;
    let waiting = view.sources.iter().filter(|source| source.waits.is_some()).count() as u64;
    if read == 0 {
        return "Nothing is read: no workspace or Halo instance is switched on.".into_any();
    }
    let sources = words::counted(read, "source", "sources");
    let verb = if read == 1 { " is read" } else { " are read" };
    let failed = RunFilter { failed: true, ..RunFilter::default() }.address();
    view! {
        <a href="#sources">{sources}</a>{verb}
        {match (overdue, failing, waiting) {
            (0, 0, 0) => " on time".into_any(),
            _ => ().into_any(),
        }}
        {(overdue > 0).then(|| view! { "; "<a href="#sources">{words::number(overdue)}</a>" late" })}
        {(failing > 0).then(|| view! { "; "<a href=failed>{words::number(failing)}</a>" failed at the last try" })}
        {(waiting > 0).then(|| view! { "; "{words::number(waiting)}" waiting" })}
        "."
    }
    .into_any()
}

/// A moment within a sentence.
fn moment(ctx: &PageContext, at: Timestamp) -> AnyView {
    view! { <time datetime=iso(at)>{absolute(ctx, at)}</time> }.into_any()
}

fn failing(source: &SourceRow) -> bool {
    source.waits.is_none() && source.last.as_ref().is_some_and(|run| run.failure.is_some())
}

fn id_of(scope: RunScope) -> String {
    match scope {
        RunScope::Workspace { id } => id.to_string(),
        RunScope::Halo { id } => id.to_string(),
    }
}

fn sources(ctx: &PageContext, view: &RunsView) -> AnyView {
    if view.sources.is_empty() {
        let text = view! { <p><a class="button main" href="/connections">"See the connections"</a></p> };
        return list::empty(ctx, "engine", "Nothing is set up to be read", text.into_any());
    }
    let listed = Listed::window(&view.sources, &view.filter.sources, |one| id_of(one.scope));
    let page = |token: &str| RunFilter { sources: token.to_owned(), ..view.filter.clone() }.address();
    view! {
        <section aria-labelledby="sources">
            <h2 id="sources">"Sources"</h2>
            {list::table(
                ("Sources", "Workspaces and Halo instances that are read"),
                "cards sources",
                list::heads_and_acts(ctx, &[
                    ("Source", "c-wide"), ("State", ""), ("Last success", ""), ("Next due", ""),
                    ("Last run", "c-why"),
                ]),
                listed.rows.iter().map(|one| source(ctx, one)).collect_view().into_any(),
            )}
            {list::pages_of_one(ctx, "Pages of the sources", &listed, page)}
        </section>
    }
    .into_any()
}

fn source(ctx: &PageContext, source: &SourceRow) -> AnyView {
    let off = source.mode == Some(Mode::Off);
    let (class, symbol, text) = if off {
        ("sync-unknown", "stop", "Off")
    } else if source.overdue {
        ("health-needs-you", "needs-you", "Late")
    } else if source.waits.is_some() {
        ("health-waiting", "waiting", "Waits")
    } else if failing(source) {
        ("health-waiting", "waiting", "Tries again")
    } else if source.last_success.is_none() {
        ("sync-unknown", "unknown", "Not read yet")
    } else {
        ("health-healthy", "healthy", "On time")
    };
    let (action, label, symbol_of_act) = match source.scope {
        RunScope::Workspace { id } => (format!("/workspaces/{id}/sync"), "Sync now", "sync"),
        RunScope::Halo { id } => (format!("/connections/{id}/look"), "Look now", "look"),
    };
    let kind = match source.scope {
        RunScope::Workspace { .. } => "Sentinel workspace",
        RunScope::Halo { .. } => "Halo instance",
    };
    let of_it = RunFilter { source: id_of(source.scope), ..RunFilter::default() }.address();
    let of_last = |run: &RunRow| {
        match &run.failure {
        Some(failure) => view! { <span class="failure">{failure.message.clone()}</span> }.into_any(),
        None => view! {
            {words::counted(u64::from(run.read), "record", "records")}" read, "{words::number(u64::from(run.changed))}" changed"
        }
        .into_any(),
    }
    };
    let last = match &source.waits {
        Some((until, why)) => Some(view! { "Waits until "{moment(ctx, *until)}". "{why.clone()} }.into_any()),
        None => source.last.as_ref().map(of_last),
    };
    let acts = (ctx.may_operate() && !off)
        .then(|| act::named(ctx, action, symbol_of_act, label, Weight::Plain, Some(source.name.clone())));
    view! {
        <tr>
            <th scope="row" class="c-wide">
                <a href=of_it data-row>{source.name.clone()}</a>
                <span class="quiet">
                    " " {kind}
                    {source.client.clone().map(|client| format!(" · {client}"))}
                    {source.mode.map(|mode| format!(" · {}", words::mode(mode)))}
                </span>
            </th>
            <td><span class=format!("chip {class}")>{icon(ctx, symbol)} <span>{text}</span></span></td>
            <td data-label="Last success">
                {when_or(ctx, source.last_success, "never")}
                {source.read_up_to.map(|at| view! { <span class="quiet">" up to the change of "{when(ctx, at)}</span> })}
            </td>
            <td data-label="Next due">{when_or(ctx, source.next_due, if off { "not read" } else { "as soon as possible" })}</td>
            <td class="c-why tall" data-label="Last run">
                {last} {source.note.clone().map(|note| view! { <p class="quiet">{note}</p> })}
            </td>
            {list::acts(ctx, acts.into_any())}
        </tr>
    }
    .into_any()
}

fn runs(ctx: &PageContext, view: &RunsView) -> AnyView {
    let filter = &view.filter;
    let chip = |label: &'static str, filter: RunFilter, here: bool| {
        view! { <li><a href=filter.address() aria-current=here.then_some("true")>{label}</a></li> }
    };
    let name = view.sources.iter().find(|one| id_of(one.scope) == filter.source).map(|one| one.name.clone());
    let page = |token: &str| RunFilter { from: token.to_owned(), ..filter.clone() }.address();
    let inside = match &view.runs {
        Err(trouble) => list::trouble(ctx, trouble),
        Ok(listed) if listed.rows.is_empty() => {
            let narrow = filter.failed || !filter.source.is_empty();
            let (title, text) = if listed.older.is_some() {
                (
                    "None among those looked at so far",
                    view! { <p>"Further ones are looked at on the next page."</p> }.into_any(),
                )
            } else if narrow {
                ("No run matches", view! { <p><a class="button" href="/runs">"See all runs"</a></p> }.into_any())
            } else {
                (
                    "No run is written down yet",
                    view! { <p>"Runs that read a change or fail are kept here."</p> }.into_any(),
                )
            };
            let on = listed.older.is_some().then(|| list::pages(ctx, listed, page, ("Newer", "Older"), None));
            view! { {list::empty(ctx, "engine", title, text)} {on} }.into_any()
        }
        Ok(listed) => view! {
            {list::table(
                ("Past runs", "Past runs, newest first"),
                "cards runs",
                list::heads(&[
                    ("Ended", ""), ("Source", "c-wide"), ("Started by", ""), ("Took", "c-number"),
                    ("Read", "c-number"), ("Changed", "c-number"), ("Result", "c-why"),
                ]),
                listed.rows.iter().map(|one| run(ctx, one)).collect_view().into_any(),
            )}
            {list::pages(ctx, listed, page, ("Newer", "Older"), None)}
        }
        .into_any(),
    };
    view! {
        <section aria-labelledby="past">
            <h2 id="past">"Past runs"{name.map(|name| view! { <span class="quiet">" of "{name}</span> })}</h2>
            <ul class="counters" aria-label="Which runs">
                {chip("All", RunFilter::default(), !filter.failed && filter.source.is_empty())}
                {chip(
                    "Failed only",
                    RunFilter { failed: true, from: String::new(), ..filter.clone() },
                    filter.failed,
                )}
            </ul>
            {inside}
        </section>
    }
    .into_any()
}

fn run(ctx: &PageContext, run: &RunRow) -> AnyView {
    let took = run.ended.as_millisecond().saturating_sub(run.started.as_millisecond()).max(0);
    let result = match &run.failure {
        Some(failure) if failure.waits_until().is_some() => view! {
            <span class="chip health-waiting">{icon(ctx, "waiting")} <span>"Told to wait"</span></span>
            {failure.waits_until().map(|until| view! { " until "{moment(ctx, until)}". " })}
            {failure.message.clone()}
        }
        .into_any(),
        Some(failure) => view! {
            <span class="chip health-waiting">{icon(ctx, "needs-you")} <span>"Failed"</span></span>
            " "
            <span class="failure">{failure.message.clone()}</span>
        }
        .into_any(),
        None => {
            view! { <span class="chip health-healthy">{icon(ctx, "healthy")} <span>"Complete"</span></span> }.into_any()
        }
    };
    let of_it = RunFilter { source: id_of(run.scope), ..RunFilter::default() }.address();
    view! {
        <tr>
            <td data-label="Ended">{when(ctx, run.ended)}</td>
            <th scope="row" class="c-wide"><a class="soft" href=of_it>{run.name.clone()}</a></th>
            <td data-label="Started by">{words::cause(run.cause)}</td>
            <td class="c-number" data-label="Took">{words::took(took)}</td>
            <td class="c-number" data-label="Read">{words::number(u64::from(run.read))}</td>
            <td class="c-number" data-label="Changed">{words::number(u64::from(run.changed))}</td>
            <td class="c-why tall" data-label="Result">{result}</td>
        </tr>
    }
    .into_any()
}
