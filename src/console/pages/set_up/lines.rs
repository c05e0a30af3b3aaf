//! Lines of a test, steps of a plan, counted reasons, and what a policy would do: drawn alike on every step.

use leptos::prelude::*;

use crate::{
    console::{
        components::{icon::icon, list, time::absolute},
        context::PageContext,
        words,
    },
    domain::{
        round_trip::RoundTrip,
        view::{
            import::PlanStep,
            probe::{Level, Line},
            what_if::{Counted, WhatIf},
        },
    },
};

fn chip(ctx: &PageContext, level: Level) -> AnyView {
    let (class, symbol, word) = match level {
        Level::Ok => ("health-healthy", "healthy", "Fine"),
        Level::Note => ("health-waiting", "waiting", "Note"),
        Level::Fault => ("health-needs-you", "needs-you", "To do"),
    };
    view! { <span class=format!("chip {class}")>{icon(ctx, symbol)} <span>{word}</span></span> }.into_any()
}

fn item(ctx: &PageContext, level: Level, says: String, fix: String) -> AnyView {
    let fix = (!fix.is_empty()).then(|| view! { <p class="quiet">{fix}</p> });
    view! { <li><div class="step-name"><p>{says}</p>{fix}</div> {chip(ctx, level)}</li> }.into_any()
}

/// The lines of a test; nothing where there are none.
pub fn lines(ctx: &PageContext, rows: &[Line]) -> AnyView {
    if rows.is_empty() {
        return ().into_any();
    }
    let items = rows.iter().map(|line| item(ctx, line.level, line.says.clone(), line.fix.clone())).collect_view();
    view! { <ul class="steps">{items}</ul> }.into_any()
}

/// What deploying makes at a workspace, or `would` make, in the order of doing; nothing where there are no steps.
pub fn plan_steps(steps: &[PlanStep], would: bool) -> AnyView {
    if steps.is_empty() {
        return ().into_any();
    }
    let item = |step: &PlanStep| {
        let there = match (step.there, would) {
            (true, true) => "is there; it would be made to say the same",
            (true, false) => "is there; it is made to say the same",
            (false, true) => "would be made",
            (false, false) => "is made",
        };
        view! { <li>{step.what.clone()}", in "{step.place.clone()}": "{there}"."</li> }
    };
    view! { <ol>{steps.iter().map(item).collect_view()}</ol> }.into_any()
}

/// What the loop finder says.
pub fn findings(ctx: &PageContext, rows: &[RoundTrip]) -> AnyView {
    if rows.is_empty() {
        return view! { <p>"Every value makes the round: what crosses comes back as it went."</p> }.into_any();
    }
    let mut sorted: Vec<&RoundTrip> = rows.iter().collect();
    sorted.sort_by_key(|trip| std::cmp::Reverse(trip.level()));
    let items = sorted.iter().map(|trip| item(ctx, trip.level(), trip.says(), trip.fix())).collect_view();
    view! { <ul class="steps">{items}</ul> }.into_any()
}

fn counted(title: &'static str, rows: &[Counted]) -> AnyView {
    if rows.is_empty() {
        return ().into_any();
    }
    let items = rows.iter().map(|row| view! { <li>{row.count}" × "{row.says.clone()}</li> }).collect_view();
    view! { <h3>{title}</h3> <ul>{items}</ul> }.into_any()
}

/// What would come of those with a ticket, new or not, beyond it: only what there is.
fn beyond(what: &WhatIf) -> String {
    let some = |count: u32, text: String| if count == 0 { String::new() } else { text };
    let closed = some(what.closed, format!(", {} of them closed at once", what.closed));
    let linked = some(what.linked, format!("; {} have one", what.linked));
    let changed = some(what.changed, format!(", in {} of these something would be written", what.changed));
    let closing = some(what.closing, format!(", {} would be closed", what.closing));
    format!("{closed}{linked}{changed}{closing}")
}

/// The same in a line.
pub fn outcome(what: &WhatIf) -> String {
    let incidents = words::counted(u64::from(what.incidents), "incident", "incidents");
    let more = if what.more { " There are more incidents than these." } else { "" };
    format!("{incidents}; {} would get a ticket{}.{more}", what.tickets, beyond(what))
}

/// What a policy would do with the incidents of a range.
pub fn what_if(ctx: &PageContext, what: &WhatIf) -> AnyView {
    let more = what
        .more
        .then(|| view! { <p>"There are more incidents than were looked at; these are the first of them."</p> });
    let samples = (!what.samples.is_empty()).then(|| {
        let rows = what
            .samples
            .iter()
            .map(|row| {
                let or =
                    |text: &str, none: &'static str| if text.is_empty() { none.to_owned() } else { text.to_owned() };
                view! {
                    <tr>
                        <th scope="row" class="c-wide tall">{row.summary.clone()}</th>
                        <td data-label="Client">{row.client.clone()}</td>
                        <td data-label="Severity">{row.severity.clone()}</td>
                        <td data-label="Priority">{or(&row.priority, "none")}</td>
                        <td data-label="Status">{or(&row.status, "Halo's own")}{row.closed.then_some(", then closed")}</td>
                        <td data-label="Agent">{or(&row.agent, "nobody")}</td>
                    </tr>
                }
            })
            .collect_view();
        list::table(
            ("Samples", "The newest tickets that would be made"),
            "cards",
            list::heads(&[
                ("Ticket", "c-wide"), ("Client", ""), ("Severity", ""), ("Priority", ""), ("Status", ""), ("Agent", ""),
            ]),
            rows.into_any(),
        )
    });
    view! {
        <p>
            {what.incidents}" incidents were created from "{absolute(ctx, what.from)}" to "{absolute(ctx, what.to)}": "
            <strong>{what.tickets}" would get a ticket"</strong>{format!("{}. Nothing was written now.", beyond(what))}
        </p>
        {more}
        {counted("No ticket, because", &what.skipped)}
        {counted("Tickets would lack", &what.lacking)}
        {samples}
    }
    .into_any()
}
