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

    /// Adds it without Leptos' marks for hydration: outside islands nothing is hydrated. In text and
    /// attributes every `<` is escaped, so what is taken out can only be marks. In one pass: a list is 100 KB and more.
    fn plain(html: &str, out: &mut String) {
        let mut parts = html.split("<!");
        out.push_str(parts.next().unwrap_or_default());
        for part in parts {
            match part.strip_prefix('>').or_else(|| part.strip_prefix("--<() />-->")) {
                Some(rest) => out.push_str(rest),
                None => {
                    out.push_str("<!");
                    out.push_str(part);
                }
            }
        }
    }

    /// A whole HTML document. The status is the caller's: usually [`Page::status`].
    pub fn render(ctx: &PageContext, page: &Page) -> String {
        const BEGIN: &str = "<!DOCTYPE html>";
        const END: &str = "</body></html>";
        let document = html(|| shell::document(ctx, page));
        // The browser counts the marks inside islands. `<!>` makes an empty comment, but is a fault
        // in HTML; written as one it makes the same node.
        let islands = if ctx.person.is_some() {
            html(|| shell::islands(ctx, page)).replace("<!>", "<!---->")
        } else {
            String::new()
        };
        let mut out = String::with_capacity(BEGIN.len() + document.len() + islands.len());
        out.push_str(BEGIN);
        plain(&document, &mut out);
        if out.ends_with(END) {
            out.truncate(out.len() - END.len());
        }
        out.push_str(&islands);
        out.push_str(END);
        out
    }

    /// The parts of a page that change while it is open, each an element with `data-live` and an id.
    /// No islands, no document; empty for a page without such parts.
    pub fn render_fragment(ctx: &PageContext, page: &Page) -> String {
        let fragment = html(|| shell::fragment(ctx, page));
        let mut out = String::with_capacity(fragment.len());
        plain(&fragment, &mut out);
        out
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
mod waiting;

#[cfg(feature = "hydrate")]
pub use {keys::wake as wake_keys, live::wake as wake_live};

/// Only the browser has anything to keep new.
#[cfg(not(feature = "hydrate"))]
pub fn wake_live(_now: i64, _cursor: i64, _fragment: String, _only: String) {}

/// Only the browser has keys.
#[cfg(not(feature = "hydrate"))]
pub fn wake_keys(_on: bool) {}
