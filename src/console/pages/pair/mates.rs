//! The other incidents that share a pair's ticket by the policy's rule, and why.

use leptos::prelude::*;

use crate::{
    console::{components::state, context::PageContext, words},
    domain::view::pair::{GroupView, MateRow},
};

/// The list.
pub fn section(ctx: &PageContext, group: &GroupView) -> AnyView {
    let why = match (group.why.as_str(), group.mates.is_empty()) {
        ("", _) => "It was the first of them; the others joined it by the policy’s rule.".to_owned(),
        (why, true) => format!("It has a ticket of its own: {why}."),
        (why, false) => format!("It joined by the policy’s rule: {why}."),
    };
    let count = words::number(group.mates.len() as u64);
    view! {
        <section aria-labelledby="mates">
            <h2 id="mates">"Also on this ticket "<span class="count">{count}</span></h2>
            <p class="quiet">{why}</p>
            {(!group.mates.is_empty()).then(|| view! {
                <p class="quiet">"The ticket is closed when all of them are, and its priority is that of the most severe open one."</p>
                <ul>{group.mates.iter().map(|row| item(ctx, row)).collect_view()}</ul>
            })}
        </section>
    }
    .into_any()
}

fn item(ctx: &PageContext, row: &MateRow) -> AnyView {
    view! {
        <li>
            <a href=format!("/pairs/{}", row.pair)>{row.name.clone()}</a>
            " "{state::severity(ctx, &row.severity)}" "<span class="quiet">{row.status.to_string()}</span>
        </li>
    }
    .into_any()
}
