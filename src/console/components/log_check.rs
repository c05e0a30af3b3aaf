//! What comparing a workspace with its own log told.

use leptos::prelude::*;

use super::{icon::icon, time::when};
use crate::{
    console::{context::PageContext, words},
    domain::log_check::{LogCheck, LogOutcome, UnseenIncident},
};

/// Incidents that are told one by one; the others are counted.
const TOLD: usize = 20;

/// What it told, as a sentence.
pub fn sentence(check: &LogCheck) -> String {
    let why = match &check.outcome {
        LogOutcome::NotChecked { why } => return format!("Not checked against its log. {why}"),
        LogOutcome::Partly { why } => format!(" This is not all of it, so nothing is said of the rest: {why}"),
        LogOutcome::Compared => String::new(),
    };
    let of = if check.since_start() { "since the workspace's start" } else { "of the last two days" };
    let missing = check.unseen.len() as u64 + check.more;
    let gone = check.gone.len() as u64;
    if check.named == 0 && missing == 0 {
        return format!("The log {of} names no incident.{why}");
    }
    let named = words::counted(check.named, "incident", "incidents");
    if missing == 0 && check.come == 0 && gone == 0 {
        let known = if check.named == 1 { "it is known" } else { "all are known" };
        return format!("The log {of} names {named}; {known}.{why}");
    }
    let mut parts = vec![format!("{} known", words::number(check.known))];
    if check.come > 0 {
        parts.push(format!("{} came in since", words::number(check.come)));
    }
    if gone > 0 {
        parts.push(format!("{} deleted in Sentinel", words::number(gone)));
    }
    if missing > 0 {
        parts.push(format!("{} not known here", words::number(missing)));
    }
    format!("The log {of} names {named}: {}.{why}", parts.join(", "))
}

/// The same in one line, with its moment.
pub fn line(ctx: &PageContext, check: &LogCheck) -> AnyView {
    let class = if check.well() { "quiet" } else { "warn" };
    let symbol = (!check.well()).then(|| icon(ctx, "waiting"));
    view! { <p class=class>{symbol}" "{sentence(check)}" "{when(ctx, check.at)}</p> }.into_any()
}

/// The incidents that the log names and no list has shown, and what is done about them.
pub fn unseen(ctx: &PageContext, check: &LogCheck) -> AnyView {
    if check.unseen.is_empty() {
        return ().into_any();
    }
    let further = check.unseen.len().saturating_sub(TOLD) as u64 + check.more;
    view! {
        <p>
            "Each is asked for by its id, as if a webhook had named it, and leaves this list as soon as it is known. If one stays, \
             look whether the connection's identity may read it in Sentinel."
        </p>
        <ul class="marked">{check.unseen.iter().take(TOLD).map(|one| incident(ctx, one)).collect_view()}</ul>
        {(further > 0).then(|| view! { <p>{words::counted(further, "further one", "further ones")}"."</p> })}
    }
    .into_any()
}

fn incident(ctx: &PageContext, one: &UnseenIncident) -> AnyView {
    let number = one.number.map(|number| format!("#{number} ")).unwrap_or_default();
    let title = if one.title.trim().is_empty() { "(no title)".to_owned() } else { one.title.clone() };
    view! {
        <li>
            <b>{number}{title}</b>
            {(!one.severity.is_empty()).then(|| format!(", {}", one.severity))}
            {one.created.map(|at| view! { ", made "{when(ctx, at)} })}
            {one.asked.map(|at| view! { ", asked for "{when(ctx, at)} })}
            {one.trouble.clone().map(|trouble| view! { <p class="failure">{trouble}</p> })}
        </li>
    }
    .into_any()
}
