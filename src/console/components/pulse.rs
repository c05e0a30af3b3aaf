//! What every page says when the engine does not do as it should: old numbers are said aloud.

use leptos::prelude::*;

use super::{
    icon::icon,
    time::{when, when_or},
};
use crate::{
    console::{context::PageContext, words},
    domain::view::pulse::Pulse,
};

/// The notices, one part of the page that is kept new; empty when all is well.
pub fn notices(ctx: &PageContext) -> AnyView {
    let inside = ctx.pulse.as_ref().map(|pulse| {
        view! {
            {(!pulse.alive).then(|| stopped(ctx, pulse))}
            {pulse.only_reads.then(|| only_reads(ctx))}
            {(pulse.alive && pulse.overdue > 0).then(|| late(ctx, pulse))}
            {(pulse.broken > 0 && ctx.path() != "/problems").then(|| broken(ctx, pulse))}
        }
    });
    view! { <div id="pulse" data-live>{inside}</div> }.into_any()
}

fn notice(ctx: &PageContext, class: &'static str, text: AnyView) -> AnyView {
    view! { <p class=class role="status">{icon(ctx, "needs-you")} <span>{text}</span></p> }.into_any()
}

fn stopped(ctx: &PageContext, pulse: &Pulse) -> AnyView {
    let text = view! {
        <b>"The engine is not running: nothing is read and nothing is written."</b>
        " What stands here is as old as its last look, "{when_or(ctx, pulse.last_look, "of which nothing is known")}
        ". Restart the server; the end of its log says why it stopped."
    };
    notice(ctx, "notice bad", text.into_any())
}

fn only_reads(ctx: &PageContext) -> AnyView {
    let text = view! {
        <b>"This installation was copied or restored: it reads and writes nothing."</b>
        " Compare the pairs with both sides, then start the server once with "<code>"--confirm-instance"</code>"."
    };
    notice(ctx, "notice", text.into_any())
}

fn late(ctx: &PageContext, pulse: &Pulse) -> AnyView {
    let count = words::counted(u64::from(pulse.overdue), "source is", "sources are");
    let oldest = pulse.oldest.as_ref().map(|oldest| {
        let (first, name) =
            if pulse.overdue > 1 { ("The oldest, ", oldest.name.clone()) } else { ("", oldest.name.clone()) };
        match oldest.read {
            Some(read) => view! {
                {first}{name}", was last read "{when(ctx, read)}" and is due every "{words::every(oldest.poll_secs)}": "
            }
            .into_any(),
            None => view! { {first}{name}", has not been read yet: " }.into_any(),
        }
    });
    let text = view! {
        <b>{count}" late."</b>
        " "{oldest}"what stands here of it may be old. "
        <a href="/runs">"See the runs"</a>
    };
    notice(ctx, "notice", text.into_any())
}

fn broken(ctx: &PageContext, pulse: &Pulse) -> AnyView {
    let text = view! {
        <b>{words::counted(u64::from(pulse.broken), "source can't be read", "sources can't be read")}" until a person mends it."</b>
        " "<a href="/problems">"See what to do"</a>
    };
    notice(ctx, "notice bad", text.into_any())
}
