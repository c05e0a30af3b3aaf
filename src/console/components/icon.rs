//! Icons from the one sprite. They never stand alone: words are always beside them.

use leptos::prelude::*;

use crate::console::context::PageContext;

/// The symbol `name` of `public/icons.svg`, hidden from assistive technology.
pub fn icon(ctx: &PageContext, name: &str) -> AnyView {
    ctx.assets
        .sprite
        .map(|sprite| {
            let href = format!("{sprite}#{name}");
            view! {
                <svg class="icon" aria-hidden="true" focusable="false">
                    <use_ href=href></use_>
                </svg>
            }
        })
        .into_any()
}
