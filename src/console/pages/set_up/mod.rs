//! Set-up: the list of steps, and the page of each.

mod check;
mod clients;
pub mod errand;
mod halo;
mod import;
pub mod lines;
mod live;
mod mapping;
mod microsoft;
pub mod scripts;
mod sign_in;

use leptos::prelude::*;

use crate::{
    console::{
        components::{fields, icon::icon},
        context::PageContext,
        pages::help,
    },
    domain::view::{
        dashboard::PairFilter,
        set_up::{Other, Step, StepContent, StepRow, StepState, StepView, StepsView},
    },
};

/// The list of steps.
pub fn list(ctx: &PageContext, view: &StepsView) -> AnyView {
    let (done, all) = (view.done(), view.rows.len());
    let next = view.next().map(|step| {
        let label = if done == 0 { "Begin" } else { "Go on" };
        view! { <p><a class="button main" href=step.path()>{label}": "{step.name()}</a></p> }
    });
    let truth = if done == all {
        "Every step is done. You can change each of them here at any time.".to_owned()
    } else {
        format!("{done} of {all} steps are done. Each is kept when you leave it; go on at any time, from any browser.")
    };
    // the set-up ends where the work begins
    let linked = (done == all).then(|| {
        let pairs = PairFilter::default().address();
        view! {
            <p class="acts">
                <a class="button main" href=pairs>"See what is linked"</a>
                <a class="button" href=Step::Clients.path()>"Link more workspaces"</a>
            </p>
        }
    });
    view! {
        <p class="truth">{truth}</p>
        {next}
        {linked}
        <ol class="steps">{view.rows.iter().map(|row| line(ctx, row, None)).collect_view()}</ol>
    }
    .into_any()
}

fn line(ctx: &PageContext, row: &StepRow, here: Option<Step>) -> AnyView {
    let (class, symbol) = match row.state {
        StepState::Done => ("health-healthy", "healthy"),
        StepState::Failing => ("health-needs-you", "needs-you"),
        StepState::Open => ("health-waiting", "waiting"),
        StepState::Later => ("sync-unknown", "unknown"),
    };
    let current = (here == Some(row.step)).then_some("step");
    let name = if row.state == StepState::Later {
        view! { <span>{row.step.name()}</span> }.into_any()
    } else {
        view! { <a href=row.step.path() aria-current=current>{row.step.name()}</a> }.into_any()
    };
    view! {
        <li>
            <div class="step-name">{name} <span class="quiet">{row.says.clone()}</span></div>
            <span class=format!("chip {class}")>{icon(ctx, symbol)} <span>{row.state.words()}</span></span>
        </li>
    }
    .into_any()
}

/// A step's page.
pub fn step(ctx: &PageContext, view: &StepView) -> AnyView {
    let content = match &view.content {
        StepContent::Microsoft(content) => microsoft::body(ctx, content),
        StepContent::SignIn(content) => sign_in::body(ctx, content, &view.steps),
        StepContent::Halo(content) => halo::body(ctx, content),
        StepContent::Clients(content) => clients::body(ctx, content),
        StepContent::Check(content) => check::body(ctx, content),
        StepContent::Mapping(content) => mapping::body(ctx, content),
        StepContent::Import(content) => import::body(ctx, content),
        StepContent::Live(content) => live::body(ctx, content),
    };
    let summary = view.content.form().map(|form| fields::summary(form, ""));
    let back = view.step.before().map(|before| view! { <a href=before.path()>"Back: "{before.name()}</a>" · " });
    view! {
        {summary}
        <div class="step-page">
            <div class="step-body">
                {content}
                <p class="step-back">
                    {back}<a href="/set-up">"All steps"</a>" · "
                    <a href=help::about(&view.step.path())>"What is asked here, field by field"</a>
                </p>
            </div>
            <aside class="tile" aria-labelledby="all-steps">
                <h2 id="all-steps">"Steps"</h2>
                <ol class="steps">{view.steps.rows.iter().map(|row| line(ctx, row, Some(view.step))).collect_view()}</ol>
            </aside>
        </div>
    }
    .into_any()
}

/// Which of several connections is changed here, and the way to the others.
fn several(step: Step, chosen: Option<&Other>, others: &[Other], another: &'static str) -> AnyView {
    if chosen.is_none() && others.is_empty() {
        return ().into_any();
    }
    let path = step.path();
    let this = match chosen {
        Some(one) => format!("You are changing “{}”.", one.name),
        None => "You are adding another one.".to_owned(),
    };
    let links = others
        .iter()
        .map(|other| {
            let href = format!("{path}?connection={}", other.id);
            view! { " "<a href=href>"Change “"{other.name.clone()}"”"</a> }
        })
        .collect_view();
    let add = chosen.map(|_| view! { " "<a href=format!("{path}?connection=new")>{another}</a> });
    view! { <p class="several">{this}{links}{add}</p> }.into_any()
}

/// The button that saves and goes on.
fn onward(label: &'static str) -> AnyView {
    view! { <button type="submit" class="button main">{label}</button> }.into_any()
}

/// The way on from a page without a form.
fn next(step: Step) -> AnyView {
    let href = step.next().map_or_else(|| "/set-up".to_owned(), Step::path);
    view! { <p><a class="button main" href=href>"Next"</a></p> }.into_any()
}
