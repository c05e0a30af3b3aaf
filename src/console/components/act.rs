//! Buttons that do something: each is a form of its own, so it works without a script.

use leptos::prelude::*;

use super::{
    icon::{self, icon},
    written::Written,
};
use crate::{console::context::PageContext, domain::view::list::OutsideLink};

/// How much weight a button has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weight {
    /// The one thing to do here.
    Main,
    /// Beside it.
    Plain,
    /// Can't be undone.
    Danger,
}

impl Weight {
    /// The button's class.
    pub fn class(self) -> &'static str {
        match self {
            Self::Main => "button main",
            Self::Plain => "button",
            Self::Danger => "button danger",
        }
    }
}

/// A button that posts to `action` and comes back to this page.
pub fn button(ctx: &PageContext, action: String, symbol: &str, label: &'static str, weight: Weight) -> AnyView {
    named(ctx, action, symbol, label, weight, None)
}

/// The same, with more words for those who can't see what it stands beside: `Try again: Create the ticket`.
pub fn named(
    ctx: &PageContext,
    action: String,
    symbol: &str,
    label: &'static str,
    weight: Weight,
    what: Option<String>,
) -> AnyView {
    form(ctx, action, (symbol, label), weight, what, None)
}

/// The same for one of several records that may stand in this place: posts, besides, which one was shown.
pub fn of_shown(
    ctx: &PageContext,
    action: String,
    words: (&str, &'static str),
    weight: Weight,
    what: String,
    (name, value): (&'static str, String),
) -> AnyView {
    let shown = view! { <input type="hidden" name=name value=value /> };
    form(ctx, action, words, weight, Some(what), Some(shown.into_any()))
}

fn form(
    ctx: &PageContext,
    action: String,
    (symbol, label): (&str, &'static str),
    weight: Weight,
    what: Option<String>,
    more: Option<AnyView>,
) -> AnyView {
    let class = weight.class();
    view! {
        <form method="post" action=action class="act">
            <input type="hidden" name="next" value=ctx.address.clone() />
            {more}
            <button type="submit" class=class>
                {icon(ctx, symbol)}
                <span>{label}{what.map(|what| view! { <span class="unseen">": "{what}</span> })}</span>
            </button>
        </form>
    }
    .into_any()
}

/// A button of a page that asks: posts to `action` and goes on to the page `next`.
pub fn leading_to(
    ctx: &PageContext,
    action: String,
    (symbol, label): (&str, &'static str),
    weight: Weight,
    next: &str,
) -> AnyView {
    let there = PageContext { address: next.to_owned(), ..ctx.clone() };
    button(&there, action, symbol, label, weight)
}

/// A button that answers a question: posts one value.
pub fn answer(ctx: &PageContext, action: String, name: &'static str, value: String, label: String) -> AnyView {
    view! {
        <form method="post" action=action class="act">
            <input type="hidden" name="next" value=ctx.address.clone() />
            <input type="hidden" name=name value=value />
            <button type="submit" class="button">
                <span>{label}</span>
            </button>
        </form>
    }
    .into_any()
}

/// A link that leaves the console.
pub fn outside(ctx: &PageContext, href: &str, label: &str) -> AnyView {
    let mut html = Written::default();
    write_outside(&mut html, ctx, href, label);
    html.view()
}

fn write_outside(html: &mut Written, ctx: &PageContext, href: &str, label: &str) {
    html.markup("<a href=\"").text(href).markup("\" rel=\"noreferrer\" target=\"_blank\" class=\"outside\">");
    html.text(label);
    icon::write(html, ctx, "out");
    html.markup("<span class=\"unseen\"> (opens in a new tab)</span></a>");
}

/// A record elsewhere: a link when its address is known, else its name.
pub fn record(ctx: &PageContext, link: &OutsideLink) -> AnyView {
    let mut html = Written::default();
    write_record(&mut html, ctx, link);
    html.view()
}

/// The same inside of what is written.
pub fn write_record(html: &mut Written, ctx: &PageContext, link: &OutsideLink) {
    match &link.url {
        Some(url) => write_outside(html, ctx, url, &link.label),
        None => {
            html.markup("<span>").text(&link.label).markup("</span>");
        }
    }
}
