//! States: always symbol, shape, colour and word together, never colour alone.

use leptos::prelude::*;

use super::{
    icon::{self, icon},
    written::Written,
};
use crate::{
    console::{context::PageContext, words},
    domain::{
        incident::Severity,
        pair::{Health, SyncState},
        reason::Reason,
        view::connections::ConnectionHealth,
    },
};

/// Both axes of a pair: how far apart the sides are, and whether somebody must act.
pub fn axes(ctx: &PageContext, sync: SyncState, health: Health) -> AnyView {
    let mut html = Written::default();
    write_axes(&mut html, ctx, sync, health);
    html.view()
}

/// The same inside of what is written.
pub fn write_axes(html: &mut Written, ctx: &PageContext, sync: SyncState, health: Health) {
    html.markup("<span class=\"axes\">");
    axis(html, ctx, ("<span class=\"chip sync-", sync.as_str()), words::sync(sync));
    axis(html, ctx, ("<span class=\"chip health-", health.as_str()), words::health(health));
    html.markup("</span>");
}

fn axis(html: &mut Written, ctx: &PageContext, (chip, name): (&'static str, &str), words: &str) {
    html.markup(chip).text(name).markup("\">");
    icon::write(html, ctx, name);
    html.markup("<span>").text(words).markup("</span></span>");
}

/// That nothing of it is carried out for now.
pub fn paused(ctx: &PageContext) -> AnyView {
    let mut html = Written::default();
    write_paused(&mut html, ctx);
    html.view()
}

/// The same inside of what is written.
pub fn write_paused(html: &mut Written, ctx: &PageContext) {
    html.markup("<span class=\"chip paused\">");
    icon::write(html, ctx, "stop");
    html.markup("<span>Paused</span></span>");
}

/// Severity, with bars that grow with it.
pub fn severity(ctx: &PageContext, severity: &Severity) -> AnyView {
    let mut html = Written::default();
    write_severity(&mut html, ctx, severity);
    html.view()
}

/// The same inside of what is written.
pub fn write_severity(html: &mut Written, ctx: &PageContext, severity: &Severity) {
    let (class, name) = match severity {
        Severity::High => ("severity-high", "bars-3"),
        Severity::Medium => ("severity-medium", "bars-2"),
        Severity::Low => ("severity-low", "bars-1"),
        Severity::Informational | Severity::Other(_) => ("severity-informational", "bars-0"),
    };
    html.markup("<span class=\"severity ").text(class).markup("\">");
    icon::write(html, ctx, name);
    html.markup("<span>").text(severity.as_str()).markup("</span></span>");
}

/// The sentence of a reason and its remedy.
pub fn why(ctx: &PageContext, reason: &Reason) -> AnyView {
    view! { <p class="why">{reason.words()}</p> {remedy(ctx, reason)} }.into_any()
}

/// What can be done about a reason; who lacks the button for it is told who has it.
pub fn remedy(ctx: &PageContext, reason: &Reason) -> AnyView {
    match reason.remedy() {
        Some(_) if reason.done_here() && !ctx.may_operate() => by_others(),
        Some(remedy) => to_do(remedy),
        None => ().into_any(),
    }
}

/// What to do, in a sentence.
pub fn to_do(remedy: String) -> AnyView {
    view! { <p class="remedy"><b>"What to do: "</b>{remedy}</p> }.into_any()
}

/// Who can do it, for somebody whose role has no button for it.
pub fn by_others() -> AnyView {
    view! { <p class="remedy"><b>"Who can settle it: "</b>{words::OPERATORS}"."</p> }.into_any()
}

/// How a connection does whose person has signed in: a good sign-in is a use, though nothing was read yet.
pub fn signed_in(ctx: &PageContext, health: &ConnectionHealth) -> AnyView {
    if health.failure.is_some() || health.last_success.is_some() {
        return connection(ctx, health);
    }
    view! { <span class="chip health-healthy">{icon(ctx, "healthy")} <span>"Signed in, nothing read yet"</span></span> }
        .into_any()
}

/// How a connection or workspace does, in one chip.
pub fn connection(ctx: &PageContext, health: &ConnectionHealth) -> AnyView {
    let (class, name, text) = match (&health.failure, health.last_success) {
        (Some(failure), _) if failure.retryable() => ("health-waiting", "waiting", "Waiting"),
        (Some(_), _) => ("health-needs-you", "needs-you", "Needs you"),
        (None, Some(_)) => ("health-healthy", "healthy", "Works"),
        (None, None) => ("sync-unknown", "unknown", "Not used yet"),
    };
    view! { <span class=format!("chip {class}")>{icon(ctx, name)} <span>{text}</span></span> }.into_any()
}
