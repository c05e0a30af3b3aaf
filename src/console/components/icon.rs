//! Icons from the one sprite. They never stand alone: words are always beside them.

use leptos::prelude::*;

use super::written::Written;
use crate::console::context::PageContext;

/// The symbol `name` of `public/icons.svg`, hidden from assistive technology.
pub fn icon(ctx: &PageContext, name: &str) -> AnyView {
    if ctx.assets.sprite.is_none() {
        return ().into_any();
    }
    let mut html = Written::default();
    write(&mut html, ctx, name);
    html.view()
}

/// The same inside of what is written.
pub fn write(html: &mut Written, ctx: &PageContext, name: &str) {
    if let Some(sprite) = ctx.assets.sprite {
        html.markup("<svg aria-hidden=\"true\" focusable=\"false\" class=\"icon\"><use href=\"");
        html.text(sprite).markup("#").text(name).markup("\"></use></svg>");
    }
}
