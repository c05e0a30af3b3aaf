//! What every page says when the engine does not do as it should: old numbers are said aloud.

use leptos::prelude::*;

use super::{
    icon::icon,
    time::{when, when_or},
};
use crate::{
    console::{context::PageContext, words},
    domain::view::pulse::{OldSource, Pulse, Refused, Second},
};

/// Where it says what is to be done after a restore, and about a second process.
pub const CONFIRM: &str = "/help/operations#backup-and-restore";

/// The notices, one part of the page that is kept new; empty when all is well.
pub fn notices(ctx: &PageContext) -> AnyView {
    let inside = ctx.pulse.as_ref().map(|pulse| {
        view! {
            {(!pulse.alive).then(|| stopped(ctx, pulse))}
            {pulse.only_reads.then(|| only_reads(ctx, pulse.second_writer.as_ref()))}
            {pulse.refused.as_ref().map(|one| refused(ctx, one))}
            {(pulse.alive && ctx.path() != "/problems").then(|| broken(ctx, &pulse.broken))}
            {pulse.alive.then(|| late(ctx, &pulse.late))}
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

fn only_reads(ctx: &PageContext, second: Option<&Second>) -> AnyView {
    if let Some(second) = second {
        return two_writers(ctx, second);
    }
    let text = view! {
        <b>"This installation was copied or restored: it only reads, and writes nothing to Sentinel or Halo."</b>
        " Compare the pairs with both sides, then start the server once with "<code class="whole">"--confirm-instance"</code>". "
        <a href=CONFIRM>"See what to do"</a>
    };
    notice(ctx, "notice", text.into_any())
}

fn two_writers(ctx: &PageContext, second: &Second) -> AnyView {
    let wrote = match &second.wrote {
        Some((words, at)) => {
            view! { " "{words.clone()}", "{when(ctx, *at)}", was written in our name and not from here." }.into_any()
        }
        None => ().into_any(),
    };
    let text = view! {
        <b>"A second process writes to the same pairs: this one only reads, and has written nothing since "{when(ctx, second.noticed)}"."</b>
        {wrote}
        " It may be a copy of this machine or of its data directory; or an older database was put back here by hand. End the \
         other one, compare the pairs with both sides, then start this server once with "
        <code class="whole">"--confirm-instance"</code>". "
        <a href=CONFIRM>"See what to do"</a>
    };
    notice(ctx, "notice bad", text.into_any())
}

fn refused(ctx: &PageContext, refused: &Refused) -> AnyView {
    let count = words::counted(refused.count, "step fails", "steps fail");
    let of = refused.of.as_ref().map(|name| format!(" of {name}"));
    let pair = refused.pair.map(|pair| view! { " "<a href=format!("/pairs/{pair}")>"See the pair"</a> });
    let text = view! {
        <b>{count}" again and again."</b>
        " "{refused.does.clone()}{of}" has failed since "{when(ctx, refused.since)}": "{refused.why.trim_end().to_owned()}
        " It is tried again "{when(ctx, refused.next)}"; until then nothing of it is stored. Run "
        <code class="whole">"halobridge doctor"</code>"; where it finds nothing, report this with the end of the server's log."
        {pair}
    };
    notice(ctx, "notice bad", text.into_any())
}

fn late(ctx: &PageContext, sources: &[OldSource]) -> AnyView {
    let Some(oldest) = sources.first() else { return ().into_any() };
    let count = words::counted(sources.len() as u64, "source is", "sources are");
    let text = view! {
        <b>{count}" late."</b>
        " "{last_read(ctx, oldest, sources.len())}
        " and is due every "{words::every(oldest.poll_secs)}": what stands here of it may be old. "
        {why(oldest)}
        <a href="/runs">"See the runs"</a>
    };
    notice(ctx, "notice", text.into_any())
}

fn broken(ctx: &PageContext, sources: &[OldSource]) -> AnyView {
    let Some(oldest) = sources.first() else { return ().into_any() };
    let count = words::counted(sources.len() as u64, "source can't be read whole", "sources can't be read whole");
    let text = view! {
        <b>{count}" until a person mends it."</b>
        " "{last_read(ctx, oldest, sources.len())}". "
        {why(oldest)}
        <a href="/problems">"See what to do"</a>
    };
    notice(ctx, "notice bad", text.into_any())
}

/// What failed, so that nobody takes a part for the whole.
fn why(source: &OldSource) -> Option<String> {
    source.why.as_ref().map(|why| format!("{} ", why.trim_end()))
}

/// "law-contoso was last read 2 h ago", said of the one read the longest ago.
fn last_read(ctx: &PageContext, oldest: &OldSource, of: usize) -> AnyView {
    let name = if of > 1 { format!("The oldest, {},", oldest.name) } else { oldest.name.clone() };
    match oldest.read {
        Some(read) => view! { {name}" was last read "{when(ctx, read)} }.into_any(),
        None => view! { {name}" has not been read yet" }.into_any(),
    }
}
