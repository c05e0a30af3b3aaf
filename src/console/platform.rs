//! The one place of the console where server and browser differ.

#[cfg(feature = "ssr")]
mod server {
    use std::sync::Arc;

    use hydration_context::SsrSharedContext;
    use leptos::prelude::*;

    use crate::console::{context::PageContext, page::Page, shell};

    /// Draws inside a reactive owner of its own: no part of one page lives on in the next.
    fn html(draw: impl FnOnce() -> AnyView) -> String {
        let owner = Owner::new_root(Some(Arc::new(SsrSharedContext::new_islands())));
        let html = owner.with(|| draw().to_html());
        owner.unset_with_forced_cleanup();
        html
    }

    /// Without Leptos' marks for hydration: outside islands nothing is hydrated. In text and
    /// attributes every `<` is escaped, so what is taken out can only be marks.
    fn plain(html: &str) -> String {
        html.replace("<!>", "").replace("<!--<() />-->", "")
    }

    /// A whole HTML document. The status is the caller's: usually [`Page::status`].
    pub fn render(ctx: &PageContext, page: &Page) -> String {
        const END: &str = "</body></html>";
        let document = plain(&html(|| shell::document(ctx, page)));
        // The browser counts the marks inside islands. `<!>` makes an empty comment, but is a fault
        // in HTML; written as one it makes the same node.
        let islands = if ctx.person.is_some() {
            html(|| shell::islands(ctx, page)).replace("<!>", "<!---->")
        } else {
            String::new()
        };
        let open = document.strip_suffix(END).unwrap_or(&document);
        format!("<!DOCTYPE html>{open}{islands}{END}")
    }

    /// The parts of a page that change while it is open, each an element with `data-live` and an id.
    /// No islands, no document; empty for a page without such parts.
    pub fn render_fragment(ctx: &PageContext, page: &Page) -> String {
        plain(&html(|| shell::fragment(ctx, page)))
    }
}

#[cfg(feature = "ssr")]
pub use server::{render, render_fragment};

#[cfg(feature = "hydrate")]
mod copy;
#[cfg(feature = "hydrate")]
mod keys;
#[cfg(feature = "hydrate")]
mod live;
#[cfg(feature = "hydrate")]
mod palette;

#[cfg(feature = "hydrate")]
pub use {keys::wake as wake_keys, live::wake as wake_live};

/// Only the browser has anything to keep new.
#[cfg(not(feature = "hydrate"))]
pub fn wake_live(_now: i64, _cursor: i64, _fragment: String, _only: String) {}

/// Only the browser has keys.
#[cfg(not(feature = "hydrate"))]
pub fn wake_keys(_on: bool) {}
