//! Moments: relative at a glance, absolute with its zone on hover and on focus, always both in the markup.

use jiff::Timestamp;
use leptos::prelude::*;

use super::written::Written;
use crate::{
    console::{context::PageContext, words},
    domain::{
        time::{iso, to_ms},
        view::set_up::DraftSaved,
    },
};

/// `2026-11-21 13:05:09 CET`, in the reader's zone.
pub fn absolute(ctx: &PageContext, moment: Timestamp) -> String {
    moment.to_zoned(ctx.zone.clone()).strftime("%Y-%m-%d %H:%M:%S %Z").to_string()
}

/// A text with the moments in it (`2026-11-21T12:05:09Z`) as the reader reads times.
pub fn in_zone(ctx: &PageContext, text: &str) -> String {
    let word = |word: &str| match word.parse::<Timestamp>() {
        Ok(moment) => absolute(ctx, moment),
        Err(_) => word.to_owned(),
    };
    text.split(' ').map(word).collect::<Vec<_>>().join(" ")
}

/// A moment: `rest` is the rest of its tag.
fn write(html: &mut Written, ctx: &PageContext, moment: Timestamp, rest: &'static str) {
    html.markup("<time datetime=\"").text(&iso(moment));
    html.markup("\" data-at=\"").text(&to_ms(moment).to_string()).markup("\"").markup(rest);
    html.markup("><span class=\"rel\">").text(&words::relative(to_ms(ctx.now), to_ms(moment)));
    html.markup("</span><span class=\"abs\"> ").text(&absolute(ctx, moment)).markup("</span></time>");
}

/// Who saved a draft, and when.
pub fn drafted(ctx: &PageContext, draft: Option<&DraftSaved>) -> AnyView {
    let Some(draft) = draft else { return ().into_any() };
    view! {
        <p class="quiet">
            "Draft saved by "<b>{draft.by.clone()}</b>" at "<time datetime=iso(draft.at)>{absolute(ctx, draft.at)}</time>
        </p>
    }
    .into_any()
}

/// A moment that can be focused to read it exactly.
pub fn when(ctx: &PageContext, moment: Timestamp) -> AnyView {
    let mut html = Written::default();
    write(&mut html, ctx, moment, " tabindex=\"0\" class=\"when\"");
    html.view()
}

/// A moment that leads to what happened then.
pub fn when_link(ctx: &PageContext, moment: Timestamp, href: &str) -> AnyView {
    let mut html = Written::default();
    write_link(&mut html, ctx, moment, href);
    html.view()
}

/// The same inside of what is written.
pub fn write_link(html: &mut Written, ctx: &PageContext, moment: Timestamp, href: &str) {
    html.markup("<a href=\"").text(href).markup("\" class=\"when\">");
    write(html, ctx, moment, "");
    html.markup("</a>");
}

/// A moment, or words for there being none.
pub fn when_or(ctx: &PageContext, moment: Option<Timestamp>, none: &'static str) -> AnyView {
    match moment {
        Some(moment) => when(ctx, moment),
        None => view! { <span class="quiet">{none}</span> }.into_any(),
    }
}
