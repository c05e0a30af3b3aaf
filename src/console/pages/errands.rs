//! Errands at pairs: what a list offers for many rows at once, the plan, and how far it is.

use leptos::prelude::*;

use crate::{
    console::{
        components::{act::Weight, icon::icon, list, time::when, written::Written},
        context::PageContext,
        words,
    },
    domain::{
        errand::{ErrandPair, PairAct, PairErrand},
        ids::PairId,
        view::{
            dashboard::DashboardView,
            pair_errands::{ErrandCounts, PairErrandView, PairErrandsView, moved},
        },
    },
};

/// The form that the boxes of the list belong to.
const FORM: &str = "errand";
/// Prefix of the ids of its fields.
pub const IDS: &str = "errand-";

/// A box that ticks a row of the list: `x` does.
pub fn write_tick(html: &mut Written, pair: PairId, name: &str) {
    html.markup("<label class=\"tick\"><input type=\"checkbox\" name=\"pair\" value=\"").text(&pair.to_string());
    html.markup("\" form=\"errand\"><span class=\"unseen\">Tick ").text(name).markup("</span></label>");
}

/// What can be done with many rows of the list at once; its plan is shown first.
pub fn ask(ctx: &PageContext, view: &DashboardView, total: Option<u64>) -> AnyView {
    if !ctx.may_operate() {
        return ().into_any();
    }
    let (filter, entered, form) = (&view.filter, &view.entered, &view.refused);
    // With its page: what is refused is said there.
    let query = filter.query();
    let all = match (filter.narrows(), total) {
        (true, Some(total)) => format!("all {} that match", words::number(total)),
        (true, None) => "all that match".to_owned(),
        (false, Some(total)) => format!("all {}", words::number(total)),
        (false, None) => "all of them".to_owned(),
    };
    let choice = |act: PairAct| {
        let chosen = entered.act == Some(act);
        view! { <option value=act.as_str() selected=chosen>{act.name()}</option> }
    };
    let acts = PairAct::ALL.into_iter().map(choice).collect_view();
    let all_chosen = entered.all;
    let why = (!entered.why.is_empty()).then(|| entered.why.clone());
    // Each field is told of what is wrong with it, which stands in front of all of them.
    let id = |field: &str| format!("{IDS}{field}");
    let fault = |field: &str| form.problem(field).map(|_| format!("{IDS}{field}-problem"));
    let invalid = |field: &str| form.problem(field).map(|_| "true");
    let said = ["act", "which", "why"].map(|field| {
        let words = form.problem(field).map(str::to_owned);
        words.map(|words| view! { <p class="problem" id=fault(field)><span class="unseen">"Error: "</span>{words}</p> })
    });
    view! {
        <form method="post" action="/errands" id=FORM class="errand" aria-label="Several at once">
            <input type="hidden" name="query" value=query.as_str().to_owned() />
            {said.into_iter().collect_view()}
            <label class="pick">
                <span>"Do"</span>
                <select id=id("act") name="act" aria-invalid=invalid("act") aria-describedby=fault("act")>{acts}</select>
            </label>
            <label class="pick">
                <span>"With"</span>
                <select id=id("which") name="which" aria-invalid=invalid("which") aria-describedby=fault("which")>
                    <option value="ticked">"those ticked"</option>
                    <option value="all" selected=all_chosen>{all}</option>
                </select>
            </label>
            <label class="pick">
                <span>"Why, of a pause"</span>
                <input
                    id=id("why")
                    type="text"
                    name="why"
                    maxlength="300"
                    autocomplete="off"
                    value=why
                    aria-invalid=invalid("why")
                    aria-describedby=fault("why")
                />
            </label>
            <button type="submit" class="button">"Show the plan"</button>
            <a class="soft" href="/errands">"Your errands"</a>
        </form>
    }
    .into_any()
}

fn incidents(count: u64) -> String {
    words::counted(count, "linked incident", "linked incidents")
}

/// What stands in `<main>`.
pub fn one(ctx: &PageContext, view: &PairErrandView) -> AnyView {
    live(ctx, view)
}

/// The parts that change while the page is open.
pub fn live(ctx: &PageContext, view: &PairErrandView) -> AnyView {
    let inside = if view.errand.begun.is_none() { plan(ctx, view) } else { progress(ctx, view) };
    view! { <div id="pair-errand" data-live data-hold>{inside}</div> }.into_any()
}

fn pairs(name: &'static str, pairs: &[ErrandPair]) -> AnyView {
    if pairs.is_empty() {
        return ().into_any();
    }
    let line = |one: &ErrandPair| {
        let name = if one.name.trim().is_empty() { "(no title)".to_owned() } else { one.name.clone() };
        let says = (!one.says.is_empty()).then(|| view! { " "<span class="row-why">{one.says.clone()}</span> });
        view! { <li><a href=format!("/pairs/{}", one.pair)>{name}</a>{says}</li> }
    };
    view! {
        <section class="group" aria-label=name>
            <h2>{name}</h2>
            <ul class="marked">{pairs.iter().map(line).collect_view()}</ul>
        </section>
    }
    .into_any()
}

fn passed(counts: &ErrandCounts) -> AnyView {
    let line = |(says, count): &(String, u64)| view! { <p>{incidents(*count)}" passed over: "{says.clone()}</p> };
    counts.passed.iter().map(line).collect_view().into_any()
}

fn why(errand: &PairErrand) -> AnyView {
    (!errand.why.is_empty()).then(|| view! { <p>"Reason given: “"{errand.why.clone()}"”"</p> }).into_any()
}

/// A button of the errand's own.
fn button(ctx: &PageContext, errand: &PairErrand, verb: &str, label: String, weight: Weight) -> AnyView {
    let symbol = if verb == "stop" { "stop" } else { "sync" };
    view! {
        <form method="post" action=format!("/errands/{}/{verb}", errand.id) class="act">
            <button type="submit" class=weight.class()>{icon(ctx, symbol)} <span>{label}</span></button>
        </form>
    }
    .into_any()
}

fn plan(ctx: &PageContext, view: &PairErrandView) -> AnyView {
    let (errand, counts) = (&view.errand, &view.counts);
    let act = errand.act.name();
    if counts.waiting == 0 {
        let text = view! { {passed(counts)} <p><a class="button" href=view.back.clone()>"Back to the list"</a></p> };
        return list::empty(ctx, "in-step", "There is nothing to do", text.into_any());
    }
    let more = counts.waiting.saturating_sub(view.samples.len() as u64);
    view! {
        <p class="truth">{act}": "{incidents(counts.waiting)}". Nothing was done yet."</p>
        <p>{errand.act.words()}" Which ones is fixed by this plan of "{when(ctx, errand.planned)}": what changes meanwhile is neither left out nor added."</p>
        {why(errand)}
        {passed(counts)}
        {pairs("The first of them", &view.samples)}
        {(more > 0).then(|| view! { <p class="quiet">"And "{words::number(more)}" more."</p> })}
        <div class="acts">
            {button(ctx, errand, "begin", format!("{act}: {}", incidents(counts.waiting)), Weight::Main)}
            <a class="button" href=view.back.clone()>"Leave them as they are"</a>
        </div>
    }
    .into_any()
}

fn progress(ctx: &PageContext, view: &PairErrandView) -> AnyView {
    let (errand, counts) = (&view.errand, &view.counts);
    let state = match errand.ended {
        None if view.held => "This installation only reads, so it waits until a person confirms it.".into_any(),
        None => view! {
            "It goes on in the background, also after a restart of the server; you can leave this page. "
            <a href=format!("/errands/{}", errand.id)>"Look how far it is"</a>
        }
        .into_any(),
        Some(at) if errand.stopped => {
            view! { "It was stopped "{when(ctx, at)}"; the others are as they were." }.into_any()
        }
        Some(at) => view! { "It ended "{when(ctx, at)}". "{errand.says.clone()} }.into_any(),
    };
    let buttons = match errand.ended {
        None => button(ctx, errand, "stop", "Stop it".to_owned(), Weight::Danger),
        Some(_) if counts.waiting > 0 => {
            let label = format!("Go on with the {} left over", words::number(counts.waiting));
            button(ctx, errand, "begin", label, Weight::Plain)
        }
        Some(_) => ().into_any(),
    };
    let more = counts.failed.saturating_sub(view.failed.len() as u64);
    let (settled, meant) = (counts.settled().to_string(), counts.meant().to_string());
    view! {
        <p class="truth" role="status">{said(errand, counts)}" "{state}</p>
        <progress max=meant value=settled aria-label="How far it is"></progress>
        {why(errand)}
        {passed(counts)}
        <div class="acts">{buttons} <a class="button" href=view.back.clone()>"Back to the list"</a></div>
        {pairs("Not done", &view.failed)}
        {(more > 0).then(|| view! { <p class="quiet">"And "{words::number(more)}" more."</p> })}
    }
    .into_any()
}

/// `Look again: 300 of 1,000 linked incidents done, 2 failed.`
fn said(errand: &PairErrand, counts: &ErrandCounts) -> String {
    let failed = match counts.failed {
        0 => String::new(),
        failed => format!(", {} failed", words::number(failed)),
    };
    format!("{}: {} of {} done{failed}.", errand.act.name(), words::number(counts.done), incidents(counts.meant()))
}

/// The reader's last errands.
pub fn all(ctx: &PageContext, view: &PairErrandsView) -> AnyView {
    all_live(ctx, view)
}

/// The parts of it that change while the page is open.
pub fn all_live(ctx: &PageContext, view: &PairErrandsView) -> AnyView {
    let inside = if view.rows.is_empty() {
        let text = view! {
            <p>"Tick rows of the list, or filter it, then choose beneath it what to do with them."</p>
            <p><a class="button" href="/">"Linked incidents"</a></p>
        };
        list::empty(ctx, "in-step", "No errand yet", text.into_any())
    } else {
        list::table(
            ("Errands", "Your errands at linked incidents"),
            "cards",
            list::heads(&[("What", "c-wide"), ("State", ""), ("When", "")]),
            view.rows.iter().map(|(errand, counts)| line(ctx, errand, counts)).collect_view().into_any(),
        )
    };
    view! { <div id="pair-errands" data-live data-hold>{inside}</div> }.into_any()
}

fn line(ctx: &PageContext, errand: &PairErrand, counts: &ErrandCounts) -> AnyView {
    let state = match (errand.begun, errand.ended) {
        (None, _) => "planned, not begun",
        (Some(_), None) => "under way",
        (Some(_), Some(_)) if counts.waiting > 0 => "ended early",
        (Some(_), Some(_)) => "ended",
    };
    view! {
        <tr>
            <th scope="row" class="c-wide"><a data-row href=format!("/errands/{}", errand.id)>{said(errand, counts)}</a></th>
            <td data-label="State">{state}</td>
            <td data-label="When">{when(ctx, moved(errand))}</td>
        </tr>
    }
    .into_any()
}
