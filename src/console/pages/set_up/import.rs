//! How incidents and changes of tickets are heard of.

use leptos::prelude::*;

use super::{errand, lines, next};
use crate::{
    console::{
        components::{
            act::{self, Weight},
            fields, list,
            time::when,
        },
        context::PageContext,
        words,
    },
    domain::view::{
        import::{DeployPlan, HaloHookRow, ImportRow, PortalLink, TestEvent},
        list::Listed,
        probe::{Level, Line},
        query::QueryText,
        set_up::{ImportStep, PAGE, Step},
    },
};

/// Workspaces that are shown whole; of more than these each folds into one line.
const UNFOLDED: usize = 5;

/// What stands on the page.
pub fn body(ctx: &PageContext, view: &ImportStep) -> AnyView {
    let rows = view.rows.iter().map(|row| workspace(ctx, view, row)).collect_view();
    let halo = view.halo.iter().map(|row| instance(ctx, row)).collect_view();
    view! {
        <p class="lead">
            "Every workspace and every Halo instance is polled, come what may. Webhooks make it faster: an incident is then heard \
             of within seconds. Both can be made from here, and removed again."
        </p>
        {view.plan.as_ref().map(|plan| self::plan(ctx, plan))}
        {errand::part(ctx, view)}
        <h2 id="workspaces">"Workspaces"</h2>
        {search(view)}
        {match view.rows.len() {
            0 if view.all.is_empty() => view! { <p>"No workspace is set up yet."</p> }.into_any(),
            0 => view! { <p>"No workspace has that in its name or its client's."</p> }.into_any(),
            _ if view.all.len() <= UNFOLDED => rows.into_any(),
            _ => view! { <div class="parts">{rows}</div> }.into_any(),
        }}
        {pages(ctx, view)}
        <h2>"Halo"</h2>
        {if view.halo.is_empty() { view! { <p>"No Halo instance is set up yet."</p> }.into_any() } else { halo.into_any() }}
        {next(Step::Import)}
    }
    .into_any()
}

/// Finds a workspace among many.
fn search(view: &ImportStep) -> AnyView {
    if view.all.len() <= UNFOLDED {
        return ().into_any();
    }
    let q = view.q.clone();
    view! {
        <form method="get" action=Step::Import.path() class="form">
            <div class="field">
                <label for="find">"Find by name or client"</label>
                <input id="find" name="q" type="search" value=q />
            </div>
            <button type="submit" class="button">"Find"</button>
        </form>
    }
    .into_any()
}

fn pages(ctx: &PageContext, view: &ImportStep) -> AnyView {
    let listed = Listed::counted(view.from, view.rows.len(), view.of, PAGE);
    let at = |from: &str| {
        let query = QueryText::new().with("q", &view.q).with("from", from);
        format!("{}#workspaces", query.after(&Step::Import.path()))
    };
    list::pages_of_one(ctx, "Pages of the workspaces", &listed, at)
}

fn post(value: String, label: &'static str, weight: Weight, what: &str) -> AnyView {
    let class = weight.class();
    let what = what.to_owned();
    view! {
        <form method="post" action=Step::Import.path() class="act">
            <button type="submit" class=class name="do" value=value>{label}<span class="unseen">": "{what}</span></button>
        </form>
    }
    .into_any()
}

fn event(ctx: &PageContext, test: TestEvent) -> AnyView {
    match test {
        TestEvent::None => ().into_any(),
        TestEvent::Waiting { sent } => view! {
            <p>"The test event was sent "{when(ctx, sent)}" and has not arrived yet. "<a href=Step::Import.path()>"Look again"</a></p>
        }
        .into_any(),
        TestEvent::Arrived { sent, at } => {
            let took = at.duration_since(sent).as_secs().max(0);
            view! { <p>"The test event arrived after "{took}" s, "{when(ctx, at)}"."</p> }.into_any()
        }
        TestEvent::Never { sent } => {
            view! { <p>"The test event that was sent "{when(ctx, sent)}" never arrived."</p> }.into_any()
        }
    }
}

/// What the last act said; that a test event was sent is old news once it is here.
fn said(row: &ImportRow) -> Vec<Line> {
    let arrived = matches!(row.test, TestEvent::Arrived { .. });
    let old = |line: &&Line| arrived && line.field == "test" && line.level == Level::Note;
    row.lines.iter().filter(|line| !old(line)).cloned().collect()
}

fn workspace(ctx: &PageContext, view: &ImportStep, row: &ImportRow) -> AnyView {
    let (id, name) = (row.id.to_string(), row.name.clone());
    let prefix = format!("{id}-");
    let wrong = view.form.value("workspace") == id;
    let number = |field: &'static str, label: &'static str, stored: u32| {
        let value = if wrong { view.form.value(field).to_owned() } else { stored.to_string() };
        let problem = view.form.problem(field).filter(|_| wrong).map(str::to_owned);
        let own = if wrong { field.to_owned() } else { format!("{prefix}{field}") };
        let fault = problem.as_ref().map(|_| format!("{own}-problem"));
        view! {
            <div class="field" class:wrong=problem.is_some()>
                <label for=own.clone()>{label}</label>
                {problem.clone().map(|message| view! { <p class="problem" id=fault.clone()><span class="unseen">"Error: "</span>{message}</p> })}
                <input id=own name=field type="text" inputmode="numeric" value=value aria-describedby=fault.clone() />
            </div>
        }
    };
    let webhook = match &row.webhook {
        Some(address) => view! {
            <p>"Sentinel's webhook is open at "<code>{address.clone()}</code>"."</p>
            <div class="acts">
                {post(format!("test {id}"), "Send a test event", Weight::Plain, &name)}
                {post(format!("deploy {id}"), "Deploy again", Weight::Plain, &name)}
                {post(format!("remove {id}"), "Remove the webhook", Weight::Danger, &name)}
            </div>
        }
        .into_any(),
        None => view! {
            <p>
                "It is polled only. "
                <a class="button" href=format!("{}?plan={id}#plan", Step::Import.path())>"Show the plan for a webhook"<span class="unseen">": "{name.clone()}</span></a>
            </p>
        }
        .into_any(),
    };
    let heading = format!("{prefix}heading");
    let title = view! { <h3 id=heading.clone()>{row.client.clone()}": "{row.name.clone()}</h3> };
    let inside = view! {
        <form method="post" action=Step::Import.path() class="form">
            <input type="hidden" name="workspace" value=id.clone() />
            {number("poll_secs", "Seconds between polls while it is quiet", row.poll_secs)}
            {number("poll_fast_secs", "Seconds until the next poll after a change", row.poll_fast_secs)}
            <p class="hint">{soon(row)}</p>
            <button type="submit" class="button" name="do" value="polling">"Save polling"<span class="unseen">": "{row.name.clone()}</span></button>
        </form>
        {quicker(row)}
        {webhook}
        {event(ctx, row.test)}
        {lines::lines(ctx, &said(row))}
    };
    if view.all.len() <= UNFOLDED {
        return view! { <section class="tile" aria-labelledby=heading>{title}{inside}</section> }.into_any();
    }
    // What was just done or refused is not folded away, unless it was done at many.
    let told = |row: &ImportRow| row.test != TestEvent::None || !row.lines.is_empty();
    let open = wrong || (told(row) && view.rows.iter().filter(|&row| told(row)).count() <= UNFOLDED);
    let lacks = row.lines.iter().any(|line| line.level == Level::Fault).then_some(". Something is to do");
    let stands = if row.webhook.is_some() { "Webhook open" } else { "Polled only" };
    view! {
        <details class="part" open=open>
            <summary>
                {title}
                <span class="quiet">{stands}", and polled every "{words::every(row.poll_secs)}{lacks}</span>
            </summary>
            {inside}
        </details>
    }
    .into_any()
}

/// Polls of a day that come this many seconds apart.
fn a_day(seconds: u32) -> u64 {
    u64::from(86_400 / seconds.max(1))
}

/// How soon a new incident shows.
fn soon(row: &ImportRow) -> String {
    let longest = words::every(row.poll_secs);
    let adapts = if row.poll_fast_secs < row.poll_secs {
        let shortest = words::every(row.poll_fast_secs);
        format!(
            " After a poll that found a change the next one comes after {shortest}, and each quiet one doubles the wait, up to \
             {longest}."
        )
    } else {
        String::new()
    };
    let webhook = if row.webhook.is_some() {
        "Its webhook tells of a new incident within seconds. Without it one"
    } else {
        "A new incident"
    };
    format!("{webhook} shows within {longest} of its creation while it is quiet here.{adapts}")
}

/// Seconds between polls of the quicker choice.
const QUICK_SECS: u32 = 60;

/// The quicker choice with what it costs; nothing where it is as quick, or a webhook is quicker.
fn quicker(row: &ImportRow) -> Option<AnyView> {
    (row.webhook.is_none() && row.poll_secs > QUICK_SECS).then(|| {
        let (now, then) = (words::number(a_day(row.poll_secs)), words::number(a_day(QUICK_SECS)));
        let fast = row.poll_fast_secs.min(QUICK_SECS);
        view! {
            <form method="post" action=Step::Import.path() class="form">
                <input type="hidden" name="workspace" value=row.id.to_string() />
                <input type="hidden" name="poll_secs" value=QUICK_SECS.to_string() />
                <input type="hidden" name="poll_fast_secs" value=fast.to_string() />
                <button type="submit" class="button" name="do" value="polling">"Poll every minute"<span class="unseen">": "{row.name.clone()}</span></button>
                <p class="hint">
                    "Each poll asks Azure at least once: where nothing changes "{then}" a day instead of "{now}". All workspaces of a \
                     subscription share its budget; where that has no room to spare, polls come when it has."
                </p>
            </form>
        }
        .into_any()
    })
}

/// How the template gets into Azure: by a link, where there is one, or as a file.
fn template(ctx: &PageContext, plan: &DeployPlan) -> AnyView {
    let file = format!("/set-up/import/template?workspace={}", plan.workspace);
    let file = view! { <a href=file download="halobridge-logic-app.json">"Download the template"</a> };
    let by_hand =
        "in Azure open “Deploy a custom template”, then “Build your own template in the editor”, and load the file.";
    match &plan.portal {
        PortalLink::To(href) => view! {
            <li>
                {act::outside(ctx, href, "Deploy to Azure")}
                <p class="hint">
                    "It opens Azure's portal, which fetches the template from this console: your browser must reach both. Without \
                     the link: "{file}"; "{by_hand}
                </p>
            </li>
        }
        .into_any(),
        PortalLink::None(why) => view! {
            <li>{file}"; "{by_hand}<p class="hint">{why.clone()}</p></li>
        }
        .into_any(),
    }
}

fn plan(ctx: &PageContext, plan: &DeployPlan) -> AnyView {
    let id = plan.workspace.to_string();
    let by_link = template(ctx, plan);
    // a right to give roles is noted only: without it somebody else has to go on
    let lacking = plan
        .lines
        .iter()
        .any(|line| line.level == Level::Fault || (line.level == Level::Note && line.field == "roles"));
    let weight = if lacking { Weight::Plain } else { Weight::Main };
    let lack = lacking.then(|| {
        view! {
            <p>
                "Not all of this can be done from here as things stand. Put right what is named first, or let somebody deploy it who \
                 may. Deployed all the same, what may be made is made, and what is still missing is named again; until then the \
                 workspace is polled as before."
            </p>
        }
    });
    view! {
        <section class="tile" aria-labelledby="plan">
            <h2 id="plan">"The plan for “"{plan.name.clone()}"”"</h2>
            <p>"Nothing was written yet. In Azure this would be done:"</p>
            {lines::plan_steps(&plan.steps, true)}
            <p>"The Logic App then posts each event to "<code>{plan.address.clone()}</code>", with a secret that is kept sealed on both sides."</p>
            {lines::lines(ctx, &plan.lines)}
            {lack}
            {post(format!("deploy {id}"), "Deploy it", weight, &plan.name)}
            <details open=lacking>
                <summary>"Somebody else has to deploy it"</summary>
                <ol>
                    <li>"Enter a secret of your own here; the address is then opened."
                        <form method="post" action=Step::Import.path() class="form">
                            <input type="hidden" name="workspace" value=id.clone() />
                            {fields::field(&crate::domain::view::form::FormView::default(), "own-", fields::Field {
                                name: "secret",
                                label: "Secret",
                                hint: "At least 20 characters.",
                                kind: "password",
                                autocomplete: "off",
                            })}
                            <button type="submit" class="button" name="do" value="secret">"Open the address"</button>
                        </form>
                    </li>
                    {by_link}
                    <li>
                        "Choose the workspace's resource group, leave playbookName as it is, enter this address as webhookUrl, and the \
                         secret of step 1 as webhookSecret. The template holds neither."
                        {fields::copyable("webhook-url", "webhookUrl", &plan.address)}
                    </li>
                    <li>"In Sentinel open Settings, then Playbook permissions, and add that resource group."</li>
                    <li>"In Sentinel open Automation and make two rules: “When incident is created” and “When incident is updated”, each with the action Run playbook and the playbook "{plan.logic_app.clone()}"."</li>
                    <li>"Come back here and send a test event."</li>
                </ol>
            </details>
        </section>
    }
    .into_any()
}

fn instance(ctx: &PageContext, row: &HaloHookRow) -> AnyView {
    let (id, name) = (row.id.to_string(), row.name.clone());
    let heading = format!("{id}-heading");
    let webhook = match &row.webhook {
        Some(address) => view! {
            <p>"Halo's webhook is open at "<code>{address.clone()}</code>"."</p>
            <div class="acts">
                {post(format!("test-hook {id}"), "Test it with a test ticket", Weight::Main, &name)}
                {post(format!("hook {id}"), "Make it again", Weight::Plain, &name)}
                {post(format!("remove-hook {id}"), "Remove the webhook", Weight::Danger, &name)}
            </div>
        }
        .into_any(),
        None => view! {
            <p>"It is polled only. A webhook is made through Halo's API, and signed."</p>
            {post(format!("hook {id}"), "Make the webhook", Weight::Plain, &name)}
        }
        .into_any(),
    };
    view! {
        <section class="tile" aria-labelledby=heading.clone()>
            <h3 id=heading.clone()>{row.name.clone()}</h3>
            {webhook}
            {event(ctx, row.test)}
            {lines::lines(ctx, &row.lines)}
        </section>
    }
    .into_any()
}
