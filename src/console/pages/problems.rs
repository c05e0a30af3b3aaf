//! What asks for a person, by reason, each with its remedy.

use leptos::prelude::*;

use crate::{
    console::{
        components::{
            act::{self, Weight},
            icon::icon,
            list, operation, pause, state,
            time::{in_zone, when_link},
        },
        context::PageContext,
        words,
    },
    domain::{
        pair::Health,
        view::{
            dashboard::PairFilter,
            problems::{ProblemGroup, ProblemItem, ProblemsView, StormView},
        },
    },
};

/// What stands in `<main>`.
pub fn body(ctx: &PageContext, view: &ProblemsView) -> AnyView {
    live(ctx, view)
}

/// The parts that change while the page is open.
pub fn live(ctx: &PageContext, view: &ProblemsView) -> AnyView {
    let writes = ctx.pulse.as_ref().is_none_or(|pulse| pulse.alive && !pulse.only_reads);
    let (sentence, groups) = match &view.groups {
        Err(trouble) => ("The problems can't be read just now.".into_any(), list::trouble(ctx, trouble)),
        Ok(groups) => (
            truth(view.pairs, view.connections.len() as u64, !view.storms.is_empty()),
            view! { {groups.iter().map(|one| group(ctx, one)).collect_view()} }.into_any(),
        ),
    };
    let calm = matches!(&view.groups, Ok(groups) if groups.is_empty())
        && view.connections.is_empty()
        && view.storms.is_empty()
        && view.pauses.is_empty();
    // What stands above is then no small thing.
    let (sentence, calm) = match (calm, writes) {
        (true, false) => {
            ("No pair needs you, but nothing is written until what stands above is settled.".into_any(), false)
        }
        _ => (sentence, calm),
    };
    let connections = view
        .connections
        .iter()
        .map(|sentence| view! { <li>{icon(ctx, "needs-you")} <span>{in_zone(ctx, sentence)}</span></li> })
        .collect_view();
    view! {
        <div id="truth" data-live>
            <p class="truth">{sentence}</p>
            {(view.grouped < view.pairs).then(|| cut(view))}
        </div>
        <div id="rows" data-live data-hold>
            {(!view.connections.is_empty())
                .then(|| {
                    view! {
                        <section class="group" aria-labelledby="connections">
                            <h2 id="connections">"Connections"</h2>
                            <ul class="marked">{connections}</ul>
                            <p><a class="button" href="/connections">"See the connections"</a></p>
                        </section>
                    }
                })}
            {pause::notices(ctx, &view.pauses)}
            {view.storms.iter().map(|one| storm(ctx, one)).collect_view()}
            {groups}
            {calm
                .then(|| {
                    let text = view! { <p>"What a person must decide or mend would stand here, with a button."</p> };
                    list::empty(ctx, "in-step", "All quiet", text.into_any())
                })}
        </div>
    }
    .into_any()
}

/// That the groups do not hold all.
fn cut(view: &ProblemsView) -> AnyView {
    let all = PairFilter { health: Some(Health::NeedsYou), ..PairFilter::default() }.address();
    view! {
        <p class="quiet">
            "The groups below hold the newest "{words::number(view.grouped)}"; "<a href=all>"the list has all of them"</a>"."
        </p>
    }
    .into_any()
}

fn truth(pairs: u64, sources: u64, storm: bool) -> AnyView {
    match (pairs, sources, storm) {
        (0, 0, true) => "No pair needs you, but the storm brake holds new incidents.".into_any(),
        (_, _, true) => view! { {pairs_and_sources(pairs, sources)}" The storm brake holds new incidents." }.into_any(),
        _ => pairs_and_sources(pairs, sources),
    }
}

fn pairs_and_sources(pairs: u64, sources: u64) -> AnyView {
    let all = PairFilter { health: Some(Health::NeedsYou), ..PairFilter::default() }.address();
    let pairs_need = if pairs == 1 { " needs you" } else { " need you" };
    let sources_need = if sources == 1 { " source needs you" } else { " sources need you" };
    match (pairs, sources) {
        (0, 0) => "Nothing needs you.".into_any(),
        (0, _) => {
            view! { "No pair needs you, but "<a href="#connections">{words::number(sources)}</a>{sources_need}"." }
                .into_any()
        }
        (_, 0) => {
            view! { <a href=all>{words::counted(pairs, "pair", "pairs")}</a>{pairs_need}", each with what to do." }
                .into_any()
        }
        _ => view! {
            <a href=all>{words::counted(pairs, "pair", "pairs")}</a>{pairs_need}" and "
            <a href="#connections">{words::number(sources)}</a>{sources_need}", each with what to do."
        }
        .into_any(),
    }
}

fn storm(ctx: &PageContext, storm: &StormView) -> AnyView {
    let id = format!("storm-{}", storm.workspace);
    let labelled = id.clone();
    let held = words::counted(storm.held, "new incident is held", "new incidents are held");
    let cap = match storm.cap {
        Some(cap) => format!(" The policy allows {} new tickets an hour.", words::number(u64::from(cap))),
        None => String::new(),
    };
    let list = format!("/incidents?reason=storm-held&workspace={}", storm.workspace);
    let release = ctx.may_operate().then(|| {
        let to = format!("/workspaces/{}/release", storm.workspace);
        act::named(ctx, to, "sync", "Release", Weight::Main, Some(storm.name.clone()))
    });
    view! {
        <section class="group" aria-labelledby=labelled>
            <h2 id=id>"Storm brake: "{storm.name.clone()}" "<a class="count" href=list>{words::number(storm.held)}</a></h2>
            <p>{icon(ctx, "needs-you")} <span>{storm.client.clone()}": "{held}" and get no ticket until a person releases them."{cap}</span></p>
            {if ctx.may_operate() {
                state::to_do(
                    "If one rule floods, correct it in Sentinel and close its incidents there. Release makes a ticket for each that is held, oldest first.".into(),
                )
            } else {
                state::by_others()
            }}
            {release}
        </section>
    }
    .into_any()
}

fn group(ctx: &PageContext, group: &ProblemGroup) -> AnyView {
    let code = group.reason.code();
    let id = format!("reason-{code}");
    let labelled = id.clone();
    let title = words::reason_title(code);
    let all = PairFilter { health: Some(Health::NeedsYou), reason: code.to_owned(), ..PairFilter::default() }.address();
    let more = group.total > group.items.len() as u64;
    let letters = group.items.iter().filter(|item| item.operation.is_some()).count();
    // What is of one kind may still want different things done: then each says its own.
    let alike = group.items.iter().all(|item| item.reason.remedy() == group.reason.remedy());
    let several = letters > 1 && ctx.may_operate();
    let picked = several.then(|| format!("picked-{code}"));
    let replay = picked.clone().map(|picked| {
        let plan = format!("/problems/replay?reason={code}");
        view! {
            <div class="acts">
                <form method="get" action="/problems/replay" id=picked>
                    <button type="submit" class="button">
                        "See the plan for those ticked"<span class="unseen">": "{title}</span>
                    </button>
                </form>
                <a class="button" href=plan>"See the plan for all"<span class="unseen">": "{title}</span></a>
            </div>
        }
    });
    view! {
        <section class="group" aria-labelledby=labelled>
            <h2 id=id>{title}" "<a class="count" href=all.clone()>{words::number(group.total)}</a></h2>
            {alike.then(|| state::remedy(ctx, &group.reason))}
            {list::table(
                (title, title),
                "cards problems",
                list::heads_and_acts(ctx, &[
                    ("Incident", "c-wide"), ("Client", ""), ("Ticket", ""), ("Since", ""),
                    ("What happened", "c-why"),
                ]),
                group.items.iter().map(|one| line(ctx, one, !alike, picked.as_deref())).collect_view().into_any(),
            )}
            {more.then(|| view! { <p><a href=all>"See all "{words::number(group.total)}</a></p> })}
            {replay}
        </section>
    }
    .into_any()
}

/// A box that adds a row's dead letter to those whose plan is asked for by the form of this id: `x` ticks it.
fn tick(item: &ProblemItem, picked: Option<&str>) -> AnyView {
    let (Some(operation), Some(picked)) = (item.operation.as_ref().filter(|one| one.dead()), picked) else {
        return ().into_any();
    };
    view! {
        <label class="tick">
            <input type="checkbox" name="operation" value=operation.id.to_string() form=picked.to_owned() />
            <span>"For the plan of those ticked"<span class="unseen">": "{item.incident.clone()}</span></span>
        </label>
    }
    .into_any()
}

fn line(ctx: &PageContext, item: &ProblemItem, apart: bool, picked: Option<&str>) -> AnyView {
    let here = format!("/pairs/{}", item.pair);
    let acts = match &item.operation {
        Some(one) => operation::remedies(ctx, one),
        None => ctx
            .may_operate()
            .then(|| {
                act::named(
                    ctx,
                    format!("{here}/look"),
                    "look",
                    "Look again",
                    Weight::Plain,
                    Some(item.incident.clone()),
                )
            })
            .into_any(),
    };
    view! {
        <tr>
            <th scope="row" class="c-wide"><a class="row-link" data-row href=here.clone()>{item.incident.clone()}</a></th>
            <td data-label="Client">{item.client.clone()}</td>
            <td data-label="Ticket">
                {match &item.ticket {
                    Some(ticket) => act::record(ctx, ticket),
                    None => view! { <span class="quiet">"none yet"</span> }.into_any(),
                }}
            </td>
            <td data-label="Since">{when_link(ctx, item.since, &format!("{here}#history"))}</td>
            <td class="c-why tall" data-label="What happened">
                {match &item.operation {
                    Some(one) if one.failure.is_some() => view! { <b>{one.words.clone()}</b> {operation::tries(one)} }.into_any(),
                    Some(one) => view! { <b>{one.words.clone()}</b> <p>{item.reason.words()}</p> }.into_any(),
                    None => item.reason.words().into_any(),
                }}
                {apart.then(|| state::remedy(ctx, &item.reason))}
            </td>
            {list::acts(ctx, view! { {tick(item, picked)} {acts} }.into_any())}
        </tr>
    }
    .into_any()
}
