//! What asks for a person, by reason, each with its remedy.

use leptos::prelude::*;

use crate::{
    console::{
        components::{
            act::{self, Weight},
            icon::icon,
            list, operation,
            time::when_link,
        },
        context::PageContext,
        words,
    },
    domain::{
        pair::Health,
        view::{
            dashboard::PairFilter,
            problems::{ProblemGroup, ProblemItem, ProblemsView},
        },
    },
};

/// What stands in `<main>`.
pub fn body(ctx: &PageContext, view: &ProblemsView) -> AnyView {
    live(ctx, view)
}

/// The parts that change while the page is open.
pub fn live(ctx: &PageContext, view: &ProblemsView) -> AnyView {
    let (sentence, groups) = match &view.groups {
        Err(trouble) => ("The problems can't be read just now.".into_any(), list::trouble(ctx, trouble)),
        Ok(groups) => {
            let total: u64 = groups.iter().map(|group| group.total).sum();
            (
                truth(total, view.connections.len() as u64),
                view! { {groups.iter().map(|one| group(ctx, one)).collect_view()} }.into_any(),
            )
        }
    };
    let calm = matches!(&view.groups, Ok(groups) if groups.is_empty()) && view.connections.is_empty();
    let connections = view
        .connections
        .iter()
        .map(|sentence| view! { <li>{icon(ctx, "needs-you")} <span>{sentence.clone()}</span></li> })
        .collect_view();
    view! {
        <div id="truth" data-live><p class="truth">{sentence}</p></div>
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

fn truth(pairs: u64, sources: u64) -> AnyView {
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

fn group(ctx: &PageContext, group: &ProblemGroup) -> AnyView {
    let code = group.reason.code();
    let id = format!("reason-{code}");
    let labelled = id.clone();
    let title = words::reason_title(code);
    let all = PairFilter { health: Some(Health::NeedsYou), reason: code.to_owned(), ..PairFilter::default() }.address();
    let more = group.total > group.items.len() as u64;
    view! {
        <section class="group" aria-labelledby=labelled>
            <h2 id=id>{title}" "<a class="count" href=all.clone()>{words::number(group.total)}</a></h2>
            {group.reason.remedy().map(|remedy| view! { <p class="remedy"><b>"What to do: "</b>{remedy}</p> })}
            <div class="scroll" role="group" aria-label=title tabindex="0">
                <table class="cards problems">
                    <caption class="unseen">{title}</caption>
                    <thead>
                        <tr>
                            <th scope="col" class="c-wide">"Incident"</th>
                            <th scope="col">"Client"</th>
                            <th scope="col">"Ticket"</th>
                            <th scope="col">"Since"</th>
                            <th scope="col" class="c-why">"What happened"</th>
                            <th scope="col">"Do"</th>
                        </tr>
                    </thead>
                    <tbody>{group.items.iter().map(|one| line(ctx, one)).collect_view()}</tbody>
                </table>
            </div>
            {more.then(|| view! { <p><a href=all>"See all "{words::number(group.total)}</a></p> })}
        </section>
    }
    .into_any()
}

fn line(ctx: &PageContext, item: &ProblemItem) -> AnyView {
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
            <td data-label="Since">{when_link(ctx, item.since, format!("{here}#history"))}</td>
            <td class="c-why tall" data-label="What happened">
                {match &item.operation {
                    Some(one) if one.failure.is_some() => view! { <b>{one.words.clone()}</b> {operation::tries(one)} }.into_any(),
                    Some(one) => view! { <b>{one.words.clone()}</b> <p>{item.reason.words()}</p> }.into_any(),
                    None => item.reason.words().into_any(),
                }}
            </td>
            <td class="c-acts">{acts}</td>
        </tr>
    }
    .into_any()
}
