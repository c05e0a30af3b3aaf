//! Workspaces: whose each is, what the engine may do there, and where its webhook comes in.

use leptos::prelude::*;

use super::{lag, next, webhook};
use crate::{
    console::{
        components::{
            act::{self, Weight},
            list, log_check, pause, state,
            time::{when, when_or},
        },
        context::PageContext,
        words,
    },
    domain::{
        pause::PauseScope,
        view::{
            connections::{ConnectionsView, WorkspaceRow},
            dashboard::PairFilter,
            list::Listed,
            query::QueryText,
            shadow::ShadowFilter,
        },
        workspace::Mode,
    },
};

/// The table.
pub fn section(ctx: &PageContext, view: &ConnectionsView) -> AnyView {
    let inside = if view.workspaces.is_empty() {
        let text = if ctx.may_set_up() {
            view! {
                <p>"Link one to a client with the button above."</p>
            }
            .into_any()
        } else {
            view! { <p>"An admin links them to clients in the set-up."</p> }.into_any()
        };
        list::empty(ctx, "connection", "No workspace is watched", text)
    } else {
        let listed = Listed::window(&view.workspaces, &view.from, |row| row.id.to_string());
        let page = |token: &str| format!("{}#workspaces", QueryText::new().with("from", token).after("/connections"));
        view! {
            {list::table(
                ("Workspaces", "Sentinel workspaces"),
                "cards workspaces",
                list::heads_and_acts(ctx, &[
                    ("Client and workspace", "c-wide"), ("State", ""), ("Mode", ""), ("Policy", ""),
                    ("Since", ""), ("Webhook", ""),
                ]),
                listed.rows.iter().map(|row| line(ctx, row)).collect_view().into_any(),
            )}
            {list::pages_of_one(ctx, "Pages of the workspaces", &listed, page)}
        }
        .into_any()
    };
    view! {
        <section aria-labelledby="workspaces">
            <h2 id="workspaces">"Workspaces"</h2>
            {ctx.may_set_up().then(|| view! { <p class="acts"><a class="button" href="/set-up/clients">"Link workspaces"</a></p> })}
            {pause::notices(ctx, &view.pauses)}
            {inside}
        </section>
    }
    .into_any()
}

/// How often it is read.
fn polled(row: &WorkspaceRow) -> String {
    let longest = words::every(row.poll_secs);
    if row.poll_fast_secs < row.poll_secs {
        format!("polled every {longest}, after a change every {}", words::every(row.poll_fast_secs))
    } else {
        format!("polled every {longest}")
    }
}

fn line(ctx: &PageContext, row: &WorkspaceRow) -> AnyView {
    let pairs = PairFilter { workspace: Some(row.id), ..PairFilter::default() }.address();
    let unbound = (!row.client_bound)
        .then(|| view! { <p class="warn">"The client has no Halo client yet: its incidents wait."</p> });
    let failure = row.health.failure.as_ref().map(|failure| view! { <p class="failure">{failure.message.clone()}</p> });
    let sync = (ctx.may_operate() && row.mode != Mode::Off).then(|| {
        act::named(
            ctx,
            format!("/workspaces/{}/sync", row.id),
            "sync",
            "Sync now",
            Weight::Plain,
            Some(row.name.clone()),
        )
    });
    let by_a_person = row.pauses.iter().any(|pause| pause.who.is_some());
    let of_client = PauseScope::Client { id: row.client_id };
    let pausing = (ctx.may_operate() && !by_a_person)
        .then(|| pause::form(ctx, of_client, "Pause this client", &format!("{} ({})", row.client, row.name)));
    view! {
        <tr id=format!("workspace-{}", row.id)>
            <th scope="row" class="c-wide">
                <a href=pairs data-row>{row.client.clone()}</a>
                <div class="quiet">{row.name.clone()}" · by "{row.connection.clone()}</div>
                {unbound}
                {failure}
                {pause::notices(ctx, &row.pauses)}
            </th>
            <td>
                {state::connection(ctx, &row.health)}
                <div class="quiet">
                    "read "{when_or(ctx, row.health.last_success, "never")}
                    {row.read_up_to.map(|at| view! { ", up to the change of "{when(ctx, at)} })}
                    {next(ctx, &row.health)}
                </div>
                {(row.mode != Mode::Off).then(|| lag(ctx, &row.health, row.read_up_to))}
                {row.log.as_ref().map(|check| log_check::line(ctx, check))}
            </td>
            <td data-label="Mode">
                {words::mode(row.mode)}
                <div class="quiet">{words::mode_meaning(row.mode)}</div>
                {row.shadow.then(|| {
                    let only = ShadowFilter { workspace: Some(row.id), ..ShadowFilter::default() }.address();
                    view! { <div><a class="soft" href=only>"Shadow of Halo's own integration"</a></div> }
                })}
            </td>
            <td data-label="Policy">{row.policy.clone()}<div class="quiet">{polled(row)}</div></td>
            <td data-label="Since">{when(ctx, row.since)}</td>
            <td class="tall c-hook" data-label="Webhook">{webhook(ctx, row.webhook.as_ref(), row.webhook_refused.as_ref())}</td>
            {list::acts(ctx, view! { {sync}{pausing} }.into_any())}
        </tr>
    }
    .into_any()
}
