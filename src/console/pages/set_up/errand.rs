//! Several workspaces at once: which an errand is for, what its plan says of all together, and how far it is at each.

use leptos::prelude::*;

use super::lines;
use crate::{
    console::{
        components::{act::Weight, fields, list, time::when},
        context::PageContext,
        words,
    },
    domain::{
        ids::WorkspaceId,
        view::{
            errand::{ERRAND_ROWS, ErrandAct, ErrandRow, ErrandView, Made, Obstacle, Progress},
            list::Listed,
            query::QueryText,
            set_up::{ImportStep, Step},
        },
    },
};

/// So many failed workspaces stand open; of more each folds into one line.
const UNFOLDED: usize = 5;

fn many(count: usize) -> String {
    words::counted(count as u64, "workspace", "workspaces")
}

/// The part of the page; nothing where there is one workspace alone.
pub fn part(ctx: &PageContext, view: &ImportStep) -> AnyView {
    if view.all.len() < 2 && view.errand.is_none() {
        return ().into_any();
    }
    let under_way = view.errand.as_ref().is_some_and(|errand| errand.ended.is_none());
    view! {
        <h2 id="errand">"Several workspaces at once"</h2>
        {confirm(view)}
        {view.errand.as_ref().map(|errand| live(ctx, errand))}
        {(!under_way).then(|| choose(view))}
    }
    .into_any()
}

fn hidden(ids: &[(WorkspaceId, String)]) -> AnyView {
    let input = |(id, _): &(WorkspaceId, String)| view! { <input type="hidden" name="at" value=id.to_string() /> };
    ids.iter().map(input).collect_view().into_any()
}

fn names(names: &[String]) -> AnyView {
    let item = |name: &String| view! { <li>{name.clone()}</li> };
    view! { <ul>{names.iter().map(item).collect_view()}</ul> }.into_any()
}

/// Asks before webhooks are removed.
fn confirm(view: &ImportStep) -> AnyView {
    if view.to_remove.is_empty() {
        return ().into_any();
    }
    let named: Vec<String> = view.to_remove.iter().map(|(_, name)| name.clone()).collect();
    let count = many(view.to_remove.len());
    view! {
        <section class="tile" aria-labelledby="remove">
            <h3 id="remove">"Remove the webhooks of "{count.clone()}"?"</h3>
            <p>
                "Nothing was removed yet. Rules, Logic Apps and connections are taken away in Azure, and the addresses here are shut. \
                 The workspaces are polled as before."
            </p>
            <details><summary>"Which "{count.clone()}</summary>{names(&named)}</details>
            <form method="post" action=Step::Import.path() class="act">
                {hidden(&view.to_remove)}
                <input type="hidden" name="which" value="ticked" />
                <input type="hidden" name="sure" value="on" />
                <button type="submit" class="button danger" name="do" value="errand-remove">"Remove the webhooks of "{count}</button>
            </form>
            <p><a href=Step::Import.path()>"Leave them as they are"</a></p>
        </section>
    }
    .into_any()
}

/// The form of a new errand.
fn choose(view: &ImportStep) -> AnyView {
    let some =
        |group: &str| view.groups.iter().any(|one| one.value == group && one.count.is_some_and(|count| count > 0));
    let form = match view.form.value("which") {
        "" if view.chosen.is_empty() && some("polled") => view.form.clone().with_value("which", "polled"),
        _ => view.form.clone(),
    };
    let remove = some("open").then(|| {
        view! { <button type="submit" class="button danger" name="do" value="errand-remove">"Remove their webhooks"</button> }
    });
    let boxes = view
        .all
        .iter()
        .map(|(id, name)| {
            let own = format!("at-{id}");
            let on = view.chosen.contains(id);
            view! {
                <div class="option">
                    <input type="checkbox" id=own.clone() name="at" value=id.to_string() checked=on />
                    <label for=own>{name.clone()}</label>
                </div>
            }
        })
        .collect_view();
    let unfolded = !view.chosen.is_empty();
    view! {
        <form method="post" action=Step::Import.path() class="form" novalidate>
            <p>
                "First the plan for all of them is shown; nothing is written by that. What is begun goes on in the background, also \
                 after a restart of the server."
            </p>
            {fields::choose(&form, "", ("which", "Which workspaces"), "Choose", &view.groups)}
            <details open=unfolded>
                <summary>"Tick single workspaces"</summary>
                <fieldset class="options">
                    <legend>"Workspaces"</legend>
                    {boxes}
                </fieldset>
            </details>
            <div class="acts">
                <button type="submit" class="button main" name="do" value="errand-plan">"Show the plan for all of them"</button>
                <button type="submit" class="button" name="do" value="errand-test">"Send each a test event"</button>
                {remove}
            </div>
        </form>
    }
    .into_any()
}

fn button(value: String, label: String, weight: Weight) -> AnyView {
    let class = weight.class();
    view! {
        <form method="post" action=Step::Import.path() class="act">
            <button type="submit" class=class name="do" value=value>{label}</button>
        </form>
    }
    .into_any()
}

fn address(only: Option<Progress>, from: usize) -> String {
    let query = match only {
        Some(only) => QueryText::new().with("show", only.as_str()),
        None => QueryText::new(),
    };
    let query = if from > 0 { query.with("errand_from", &from.to_string()) } else { query };
    format!("{}#errand", query.after(&Step::Import.path()))
}

/// The last errand: it changes while the page is open.
pub fn live(ctx: &PageContext, errand: &ErrandView) -> AnyView {
    let counts = errand
        .counts
        .iter()
        .map(|(progress, count)| {
            let chosen = (errand.only == Some(*progress)).then_some("true");
            let told = progress.words(errand.act);
            view! { <li><a href=address(Some(*progress), 0) aria-current=chosen>{told}": "{words::number(*count as u64)}</a></li> }
        })
        .collect_view();
    let all =
        errand.only.map(|_| view! { <li><a href=address(None, 0)>"All: "{words::number(errand.all as u64)}</a></li> });
    view! {
        <div id="errand-progress" data-live data-hold>
            <section class="tile" aria-labelledby="errand-act">
                <h3 id="errand-act">{errand.act.words()}</h3>
                {stands(ctx, errand)}
                <ul class="counters">{counts}{all}</ul>
                {plan(errand)}
                {obstacles(errand)}
                {buttons(errand)}
                {rows(ctx, errand)}
            </section>
        </div>
    }
    .into_any()
}

fn stands(ctx: &PageContext, errand: &ErrandView) -> AnyView {
    let done = format!("{} of {} are done.", words::number(errand.settled() as u64), many(errand.all));
    let state = match errand.ended {
        _ if errand.held => {
            view! { "This installation only reads, so it waits until a person confirms it." }.into_any()
        }
        Some(at) if errand.stopped => {
            view! { "It was stopped "{when(ctx, at)}"; the others are as they were." }.into_any()
        }
        Some(at) => view! { "It ended "{when(ctx, at)}"." }.into_any(),
        None if errand.stopped => view! { "It stops as soon as what is under way is done." }.into_any(),
        None => view! { "It goes on in the background; you can leave this page." }.into_any(),
    };
    let awaited = errand.count(Progress::Awaited) > 0;
    let look = (errand.ended.is_none() || awaited)
        .then(|| view! { " "<a href=address(errand.only, errand.from)>"Look how far it is"</a> });
    view! {
        <p class="truth" role="status">{done}" "{state}{look}</p>
        <p class="quiet">"Asked for by "{errand.by.clone()}", "{when(ctx, errand.began)}"."</p>
    }
    .into_any()
}

/// What is made at all that may, together.
fn plan(errand: &ErrandView) -> AnyView {
    if errand.act != ErrandAct::Plan || errand.made.is_empty() {
        return ().into_any();
    }
    let line = |made: &Made| {
        let there = (made.there > 0).then(|| format!("; {} there already, made to say the same", made.there));
        view! { <li>{made.kind.words()}": "{made.new}" new"{there}</li> }
    };
    let may = many(errand.count(Progress::Done));
    view! {
        <p>"Nothing was written yet. At the "{may}" that may, this would be made, each in its own resource group and workspace:"</p>
        <ul>{errand.made.iter().map(line).collect_view()}</ul>
    }
    .into_any()
}

fn obstacles(errand: &ErrandView) -> AnyView {
    let one = |obstacle: &Obstacle| {
        view! {
            <details>
                <summary>{obstacle.says.clone()}": "{many(obstacle.workspaces.len())}</summary>
                {names(&obstacle.workspaces)}
            </details>
        }
    };
    errand.obstacles.iter().map(one).collect_view().into_any()
}

fn buttons(errand: &ErrandView) -> AnyView {
    let id = &errand.id;
    if errand.ended.is_none() {
        let stop = || button(format!("errand-stop {id}"), "Stop it".to_owned(), Weight::Danger);
        return (!errand.stopped).then(stop).into_any();
    }
    let may = errand.count(Progress::Done);
    let deploy = (errand.act == ErrandAct::Plan && may > 0)
        .then(|| button(format!("errand-deploy {id}"), format!("Deploy at the {} that may", many(may)), Weight::Main));
    let (failed, left) = (errand.count(Progress::Failed), errand.count(Progress::Waiting));
    let label = if left > 0 {
        format!("Go on with the {} left over", many(failed + left))
    } else {
        "Try again those that failed".to_owned()
    };
    let again = (failed + left > 0).then(|| button(format!("errand-again {id}"), label, Weight::Plain));
    view! { <div class="acts">{deploy}{again}</div> }.into_any()
}

fn rows(ctx: &PageContext, errand: &ErrandView) -> AnyView {
    let drawn = errand.rows.iter().map(|row| workspace(ctx, errand, row)).collect_view();
    let listed = Listed::counted(errand.from, errand.rows.len(), errand.of, ERRAND_ROWS);
    let at = |from: &str| address(errand.only, from.parse().unwrap_or_default());
    view! {
        <div class="parts">{drawn}</div>
        {list::pages_of_one(ctx, "Pages of the workspaces of this errand", &listed, at)}
    }
    .into_any()
}

fn workspace(ctx: &PageContext, errand: &ErrandView, row: &ErrandRow) -> AnyView {
    let open = row.progress == Progress::Failed && errand.count(Progress::Failed) <= UNFOLDED;
    let again = row
        .again_at
        .map(|at| view! { <p>"Azure asked to wait, or did not answer. It is tried again "{when(ctx, at)}"."</p> });
    let nothing = (row.steps.is_empty() && row.lines.is_empty()).then(|| view! { <p>"Nothing to tell yet."</p> });
    view! {
        <details class="part" open=open data-open=open.then_some("")>
            <summary>
                <h3>{row.client.clone()}": "{row.name.clone()}</h3>
                <span class="quiet">{row.progress.words(errand.act)}</span>
            </summary>
            {again}
            {lines::plan_steps(&row.steps, errand.act == ErrandAct::Plan)}
            {lines::lines(ctx, &row.lines)}
            {nothing}
        </details>
    }
    .into_any()
}
