//! Writes that wait for a person's approval: what changes, what is sent, and two buttons each.

use leptos::prelude::*;

use crate::{
    console::{
        components::{act, list, state},
        context::PageContext,
        words,
    },
    domain::{
        approval::Difference,
        decision::Decision,
        view::{
            approvals::{ApprovalRow, ApprovalsView},
            query::QueryText,
        },
    },
};

/// What stands in `<main>`.
pub fn body(ctx: &PageContext, view: &ApprovalsView) -> AnyView {
    live(ctx, view)
}

/// The parts that change while the page is open.
pub fn live(ctx: &PageContext, view: &ApprovalsView) -> AnyView {
    let count = view.rows.len() as u64;
    let whole = view.pages.newer.is_none() && view.pages.older.is_none();
    let sentence = match (count, view.policies.is_empty()) {
        _ if !whole => format!(
            "{} for approval; nothing of it is sent before. Here {}.",
            words::counted(
                view.pages.total.unwrap_or_default(),
                "incident has writes that wait",
                "incidents have writes that wait"
            ),
            words::counted(count, "write stands", "writes stand"),
        ),
        (0, true) => "No policy asks for approval.".to_owned(),
        (0, false) => format!("Nothing waits for approval. Asked for by: {}.", view.policies.join(", ")),
        (n, _) => {
            format!("{} for approval; nothing of it is sent before.", words::counted(n, "write waits", "writes wait"))
        }
    };
    let inside = match (view.rows.is_empty(), whole) {
        (true, true) => none(ctx, view),
        (true, false) => list::empty(ctx, "in-step", "Nothing on this page waits any more", ().into_any()),
        (false, _) => rows(ctx, view),
    };
    let address = |token: &str| QueryText::new().with("from", token).after("/approvals");
    view! {
        <div id="truth" data-live><p class="truth">{sentence}</p></div>
        <div id="rows" data-live data-hold>
            {inside}
            {list::pages_of_one(ctx, "Pages of what waits", &view.pages, address)}
        </div>
    }
    .into_any()
}

fn none(ctx: &PageContext, view: &ApprovalsView) -> AnyView {
    let text = if view.policies.is_empty() {
        view! {
            <p>"With "<code>"approve = [\"close\"]"</code>" in a policy, closing waits here for a person; so can opening again, a lower severity and notes that the end user may see."</p>
        }
        .into_any()
    } else {
        view! { <p><a class="button" href="/">"See the linked ones"</a></p> }.into_any()
    };
    list::empty(ctx, "in-step", "Nothing waits for approval", text)
}

fn rows(ctx: &PageContext, view: &ApprovalsView) -> AnyView {
    view! { <ol class="operations">{view.rows.iter().map(|row| item(ctx, row)).collect_view()}</ol> }.into_any()
}

fn item(ctx: &PageContext, row: &ApprovalRow) -> AnyView {
    let kinds: Vec<&str> = row.kinds.iter().map(|kind| kind.words()).collect();
    let answers = ctx.may_operate().then(|| {
        let action = format!("/pairs/{}/decide", row.pair);
        let one = |label: &str, decision: &Decision| {
            let value = serde_json::to_string(decision).unwrap_or_default();
            act::answer(ctx, action.clone(), "decision", value, format!("{label}: {}", row.planned.words))
        };
        view! { <div class="acts">{one("Approve", &row.approve)}{one("Reject", &row.reject)}</div> }
    });
    view! {
        <li class="operation">
            <div class="operation-head">
                <b>{row.planned.words.clone()}</b>
                <span class="quiet">"in "{row.planned.side.words()}</span>
                <a href=format!("/pairs/{}", row.pair)>{row.incident.clone()}</a>
                <span class="quiet">{row.client.clone()}</span>
            </div>
            <p class="quiet">{kinds.join(", ")}". Why: "{row.planned.reason.words()}</p>
            <ul class="marked">{row.differences.iter().map(difference).collect_view()}</ul>
            {row.planned.body.clone().map(|body| {
                view! {
                    <details>
                        <summary>"What is written"</summary>
                        <pre role="group" aria-label="What is written" tabindex="0">{body}</pre>
                    </details>
                }
            })}
            {match answers {
                Some(answers) => answers.into_any(),
                None => state::by_others(),
            }}
        </li>
    }
    .into_any()
}

fn difference(one: &Difference) -> AnyView {
    let from = (!one.from.is_empty()).then(|| view! { <del>{one.from.clone()}</del>" → " });
    view! { <li><span>{one.what.clone()}": "{from}<ins>{one.to.clone()}</ins></span></li> }.into_any()
}
