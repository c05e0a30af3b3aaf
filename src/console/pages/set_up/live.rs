//! Going live: what each workspace does, what its first cycle would do, and the click.

use leptos::prelude::*;

use super::lines;
use crate::{
    console::{
        components::{fields, time::when},
        context::PageContext,
        words,
    },
    domain::{
        view::{
            dashboard::PairFilter,
            go_live::LiveRow,
            set_up::{LiveStep, Step},
        },
        workspace::Mode,
    },
};

fn does(mode: Mode) -> &'static str {
    match mode {
        Mode::Off => "off: nothing is read",
        Mode::Observe => "observes: reads and plans, writes nothing",
        Mode::CommentOnly => "imports comments only",
        Mode::SentinelToHalo => "live, to Halo only",
        Mode::TwoWay => "live, both ways",
    }
}

/// What stands on the page.
pub fn body(ctx: &PageContext, view: &LiveStep) -> AnyView {
    let form = &view.form;
    if view.rows.is_empty() {
        return view! { <p class="lead">"No workspace is set up yet. Link one to a client first."</p> }.into_any();
    }
    let rows = view.rows.iter().map(|row| line(ctx, view, row)).collect_view();
    let cycle = view.cycle.as_ref().map(|cycle| {
        view! {
            <section class="tile" aria-labelledby="cycle">
                <h2 id="cycle">"The first cycle of “"{cycle.name.clone()}"”"</h2>
                {lines::what_if(ctx, &cycle.what)}
                {cycle
                    .newest
                    .as_ref()
                    .map(|newest| {
                        view! {
                            <h3>"The newest incidents, as if they came now"</h3>
                            {lines::what_if(ctx, newest)}
                            <p class="quiet">"Those from before the workspace's start stay as they are, unless a backfill takes them in."</p>
                        }
                    })}
            </section>
        }
    });
    let trouble = view.trouble.clone().map(|text| view! { <p role="status">{text}</p> });
    let problem = form.problem("workspace").map(str::to_owned);
    // Boxes are ticked and cleared without the button's knowing, so it is told beside it what was drawn.
    let ticked = words::counted(view.chosen.len() as u64, "workspace is ticked", "workspaces are ticked");
    view! {
        <p class="lead">
            "A workspace begins by observing: it is read and planned, and nothing is written. Look at the plan of its first cycle, \
             then let it go live."
        </p>
        {cycle}
        {trouble}
        <form method="post" action=Step::Live.path() class="form" novalidate>
            {fields::carried(form, &["seen"])}
            <fieldset class="options" id="workspace" tabindex="-1" class:wrong=problem.is_some()
                aria-describedby=problem.as_ref().map(|_| "workspace-problem")>
                <legend>"Workspaces"</legend>
                {problem.clone().map(|message| view! { <p class="problem" id="workspace-problem"><span class="unseen">"Error: "</span>{message}</p> })}
                {rows}
            </fieldset>
            {fields::radios(form, "", "mode", "From now on", &[
                ("two-way", "Both ways", "Tickets are made and kept in step; what agents do comes back to the incident."),
                ("sentinel-to-halo", "To Halo only", "Tickets are made and kept in step; nothing is ever written to Sentinel."),
                ("comment-only", "Only import comments", "No ticket is made; comments cross to tickets that are linked already."),
                ("observe", "Observe", "Read and plan; write nothing."),
                ("off", "Off", "Read nothing."),
            ])}
            {fields::radios(form, "", "start", "Incidents that observing has kept back", &[
                ("observed", "Get their tickets too", "Everything since the workspace's start."),
                ("now", "Stay as they are", "Only incidents that are created from now on get tickets. A backfill can take the others in later."),
            ])}
            <p class="hint">{ticked}" at first; the button takes those that are ticked when it is pressed."</p>
            <button type="submit" class="button main">"Go with those ticked"</button>
        </form>
        <p><a href="/backfill">"Backfill: take in older incidents, with a forecast first"</a></p>
    }
    .into_any()
}

fn line(ctx: &PageContext, view: &LiveStep, row: &LiveRow) -> AnyView {
    let id = row.id.to_string();
    let own = format!("w-{id}");
    let told = format!("{own}-told");
    let on = view.chosen.contains(&row.id);
    // what is live has its first cycle behind it
    let more = if row.mode.live() {
        let pairs = PairFilter { workspace: Some(row.id), ..PairFilter::default() }.address();
        view! { <a href=pairs>"Its linked incidents"<span class="unseen">": "{row.name.clone()}</span></a> }.into_any()
    } else {
        let plan = format!("{}?plan={id}#cycle", Step::Live.path());
        view! { <a href=plan>"Plan of its first cycle"<span class="unseen">": "{row.name.clone()}</span></a> }
            .into_any()
    };
    let waiting =
        (row.waiting > 0 && row.mode == Mode::Observe).then(|| view! { " "{row.waiting}" incidents wait here." });
    // The workspace's start is no moment of going live: it says which incidents count.
    let start = (row.mode != Mode::Off)
        .then(|| view! { " Incidents created before "{when(ctx, row.since)}" stay as they are." });
    let obstacle = (!row.obstacle.is_empty()).then(|| view! { " "<strong>{row.obstacle.clone()}</strong> });
    view! {
        <div class="option">
            <input type="checkbox" id=own.clone() name="workspace" value=id checked=on aria-describedby=told.clone() />
            <label for=own>{row.client.clone()}": "{row.name.clone()}</label>
            <p class="hint" id=told>
                {does(row.mode)}"."{start}{waiting}{obstacle}
                " "{more}
            </p>
        </div>
    }
    .into_any()
}
