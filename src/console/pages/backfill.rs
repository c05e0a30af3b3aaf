//! Backfill: old incidents get their tickets after all. First a forecast, then a person starts it.

use leptos::prelude::*;

use crate::{
    console::{
        components::{
            act::{self, Weight},
            fields::{self, Field},
            list,
            time::{absolute, when},
        },
        context::PageContext,
        words,
    },
    domain::{
        backfill::{BackfillState, CAP_MAX, Forecast, HowEnded, PER_HOUR_MAX, Progress},
        view::{
            backfill::{BackfillRow, BackfillsView},
            form::FormView,
        },
    },
};

/// What stands in `<main>`.
pub fn body(ctx: &PageContext, view: &BackfillsView) -> AnyView {
    view! { {fields::summary(&view.form, "")} {truth(view)} {rows(ctx, view)} {form(ctx, view)} }.into_any()
}

/// The parts that change while the page is open.
pub fn live(ctx: &PageContext, view: &BackfillsView) -> AnyView {
    view! { {truth(view)} {rows(ctx, view)} }.into_any()
}

fn truth(view: &BackfillsView) -> AnyView {
    let running = view.rows.iter().filter(|row| matches!(row.backfill.state, BackfillState::Running { .. })).count();
    let sentence = match running {
        0 => "No backfill is under way. Incidents older than a workspace's start stay unlinked.".to_owned(),
        n => format!("{}.", words::counted(n as u64, "backfill is under way", "backfills are under way")),
    };
    view! { <div id="truth" data-live><p class="truth">{sentence}</p></div> }.into_any()
}

fn rows(ctx: &PageContext, view: &BackfillsView) -> AnyView {
    let inside = if view.rows.is_empty() {
        let text = view! { <p>"Ask for a forecast below: how many incidents, tickets and calls it would come to, and how long it would take."</p> };
        list::empty(ctx, "not-linked", "No backfill was asked for yet", text.into_any())
    } else {
        view! {
            {list::table(
                ("Backfills", "The last backfill of each workspace"),
                "cards held",
                list::heads_and_acts(ctx, &[
                    ("Client and workspace", "c-wide"), ("Created", ""), ("Limits", ""),
                    ("Forecast", ""), ("State", "c-why"),
                ]),
                view.rows.iter().map(|row| line(ctx, row)).collect_view().into_any(),
            )}
        }
        .into_any()
    };
    view! { <div id="rows" data-live data-hold>{inside}</div> }.into_any()
}

fn line(ctx: &PageContext, row: &BackfillRow) -> AnyView {
    let backfill = &row.backfill;
    let forecast = match &backfill.state {
        BackfillState::Forecast { forecast } | BackfillState::Running { forecast, .. } => Some(forecast),
        BackfillState::Counting | BackfillState::Ended { .. } => None,
    };
    view! {
        <tr>
            <th scope="row" class="c-wide">{row.client.clone()}<div class="quiet">{row.workspace.clone()}</div></th>
            <td data-label="Created">{absolute(ctx, backfill.from)}<div class="quiet">"to "{absolute(ctx, backfill.to)}</div></td>
            <td data-label="Limits">
                {words::counted(backfill.cap.into(), "ticket", "tickets")}
                <div class="quiet">
                    {words::number(backfill.per_hour.into())}" an hour"{backfill.closed.then_some(", closed ones too")}
                </div>
            </td>
            <td data-label="Forecast">{forecast.map_or_else(|| "–".into_any(), said)}</td>
            <td class="c-why tall" data-label="State">{state(ctx, row)}</td>
            {list::acts(ctx, acts(ctx, row))}
        </tr>
    }
    .into_any()
}

fn said(forecast: &Forecast) -> AnyView {
    let left = forecast.linked + forecast.closed + forecast.held;
    view! {
        <b>{words::counted(forecast.tickets.into(), "ticket", "tickets")}</b>
        " from "{words::counted(forecast.incidents.into(), "incident", "incidents")}
        <div class="quiet">
            {words::number(forecast.calls)}" calls, about "{words::span(forecast.secs)}
            {(left > 0).then(|| format!(
                "; {} linked already, {} closed, {} held back",
                words::number(forecast.linked.into()),
                words::number(forecast.closed.into()),
                words::number(forecast.held.into()),
            ))}
        </div>
    }
    .into_any()
}

fn state(ctx: &PageContext, row: &BackfillRow) -> AnyView {
    let came = |progress: &Progress| {
        format!(
            "{} looked at, {} linked",
            words::counted(progress.looked.into(), "incident", "incidents"),
            words::number(progress.tickets.into())
        )
    };
    let waits = row.waits.as_ref().map(|why| format!(" It waits: {why}"));
    match &row.backfill.state {
        BackfillState::Counting => view! { <p class="why">"The forecast is being made."{waits}</p> }.into_any(),
        BackfillState::Forecast { .. } => {
            view! { <p class="why">"It waits to be started; nothing is taken in before."</p> }.into_any()
        }
        BackfillState::Running { progress, .. } => view! {
            <p class="why">"Under way since "{when(ctx, progress.began)}": "{came(progress)}"."{waits}</p>
        }
        .into_any(),
        BackfillState::Ended { at, how, progress } => {
            let how = match how {
                HowEnded::Done => "Done".to_owned(),
                HowEnded::Cap => "Over: as many tickets were made as it might come to".to_owned(),
                HowEnded::Stopped => "Stopped by a person".to_owned(),
                HowEnded::Failed { why } => format!("Given up: {why}"),
            };
            let progress = progress.as_ref().map(|progress| format!("; {}", came(progress)));
            view! { <p class="why">{how}{progress}" "{when(ctx, *at)}</p> }.into_any()
        }
    }
}

fn acts(ctx: &PageContext, row: &BackfillRow) -> AnyView {
    if !ctx.may_operate() {
        return ().into_any();
    }
    let base = format!("/workspaces/{}/backfill", row.backfill.workspace);
    let named = |what, symbol, label, weight| {
        let shown = ("backfill", row.backfill.id.to_string());
        act::of_shown(ctx, format!("{base}/{what}"), (symbol, label), weight, row.workspace.clone(), shown)
    };
    match &row.backfill.state {
        BackfillState::Forecast { .. } if row.makes_tickets => view! {
            {named("start", "sync", "Start", Weight::Main)}
            {named("stop", "stop", "Discard", Weight::Plain)}
        }
        .into_any(),
        BackfillState::Forecast { .. } => view! {
            <p class="quiet">"The workspace's mode makes no tickets, so it cannot be started."</p>
            {named("stop", "stop", "Discard", Weight::Plain)}
        }
        .into_any(),
        BackfillState::Counting | BackfillState::Running { .. } => named("stop", "stop", "Stop", Weight::Danger),
        BackfillState::Ended { .. } => ().into_any(),
    }
}

fn form(ctx: &PageContext, view: &BackfillsView) -> AnyView {
    if !ctx.may_operate() || view.workspaces.is_empty() {
        return ().into_any();
    }
    let field = |name, label, hint, kind| {
        let field = Field { name, label, hint, kind, autocomplete: "off" };
        fields::field(&typed(&view.form), "", field)
    };
    view! {
        <section aria-labelledby="ask" class="tile narrow">
            <h2 id="ask">"Ask for a forecast"</h2>
            <form method="post" action="/backfill" class="form" novalidate>
                <input type="hidden" name="next" value="/backfill" />
                {fields::choose(&view.form, "", ("workspace", "Workspace"), "Choose one", &view.workspaces)}
                {field("from", "Created from", "", "date")}
                {field("to", "Up to and with", "Empty: the workspace's start.", "date")}
                {field("cap", "Tickets at most", CAP_HINT, "text")}
                {field("per_hour", "Tickets an hour", PER_HOUR_HINT, "text")}
                {fields::check(&view.form, "", "closed", "Closed incidents too: each gets a ticket that is then closed with its verdict")}
                <button type="submit" class="button main"><span>"Make the forecast"</span></button>
                <p class="quiet">"Nothing is taken in before you start it. Filters hold as ever; the storm brake does not count these tickets."</p>
            </form>
        </section>
    }
    .into_any()
}

const CAP_HINT: &str = "A whole number from 1 to 20,000.";
const PER_HOUR_HINT: &str = "A whole number from 1 to 3,600.";

/// What was typed, or what stands there at first.
fn typed(form: &FormView) -> FormView {
    if form.values.is_empty() {
        return form.clone().with_value("cap", "500").with_value("per_hour", "60");
    }
    form.clone()
}

const _: () = assert!(CAP_MAX == 20_000 && PER_HOUR_MAX == 3_600, "the hints above say so");
