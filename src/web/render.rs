//! A page from its view: whole, at once, as valid HTML without any script in it.
//!
//! Leptos' own renderers stream, and put inline scripts into each page for resources that arrive
//! later. Our pages are given their data beforehand, so they need neither; without inline scripts
//! the content security policy can forbid them all.

use std::sync::Arc;

use hydration_context::SsrSharedContext;
use leptos::prelude::*;

/// The marker by which Leptos keeps two texts apart, or the place of something absent. HTML reads it
/// as an empty comment, and as a fault.
const MARKER: &str = "<!>";
/// The same node, written as the standard wants it.
const COMMENT: &str = "<!---->";
const ISLAND_OPENS: &str = "<leptos-island";
const ISLAND_CLOSES: &str = "</leptos-island>";

/// Renders a page. `view` must need nothing that arrives later (no resource, no suspense): it would
/// be shown in its waiting state.
pub fn page<V: IntoView>(view: impl FnOnce() -> V) -> String {
    let before = Owner::current();
    let owner = Owner::new_root(Some(Arc::new(SsrSharedContext::new_islands())));
    let html = owner.with(|| view().into_view().to_html());
    owner.unset_with_forced_cleanup();
    if let Some(before) = before {
        before.set();
    }
    tidy(&html)
}

/// Takes the markers out, except inside islands, where the browser counts them; there they become
/// proper comments. Text and attributes never contain one: Leptos escapes `<` in both.
fn tidy(html: &str) -> String {
    let mut out = String::with_capacity(html.len());
    let mut depth = 0_usize;
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        let (before, tag) = rest.split_at(at);
        out.push_str(before);
        let (replacement, skip) = if let Some(tail) = tag.strip_prefix(MARKER) {
            (if depth > 0 { COMMENT } else { "" }, tag.len() - tail.len())
        } else {
            if tag.starts_with(ISLAND_OPENS) {
                depth += 1;
            } else if tag.starts_with(ISLAND_CLOSES) {
                depth = depth.saturating_sub(1);
            }
            ("<", 1)
        };
        out.push_str(replacement);
        rest = tag.get(skip..).unwrap_or_default();
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use leptos::prelude::*;

    use super::{page, tidy};

    #[test]
    fn a_page_has_no_markers_and_no_script() {
        let html = page(|| {
            let none = None::<&str>;
            view! {
                <!DOCTYPE html>
                <html lang="en">
                    <body>
                        <p title="<!>\"'">"one " {2} " three <!>"</p>
                        {none}
                        {vec!["a", "b"]}
                    </body>
                </html>
            }
        });
        assert_eq!(
            html,
            "<!DOCTYPE html><html lang=\"en\"><body><p title=\"&lt;!&gt;&quot;'\">one 2 three &lt;!&gt;</p>ab</body></html>"
        );
    }

    #[test]
    fn islands_keep_their_marks_as_comments() {
        let html = "<p>a<!>b</p><leptos-island data-component=\"X\"><b>n=<!>5<!></b><leptos-island>c<!></leptos-island>\
                    <!></leptos-island><!>d";
        assert_eq!(
            tidy(html),
            "<p>ab</p><leptos-island data-component=\"X\"><b>n=<!---->5<!----></b><leptos-island>c<!----></leptos-island>\
             <!----></leptos-island>d"
        );
    }

    #[test]
    fn a_page_inside_a_page_leaves_the_outer_one_whole() {
        let outer = Owner::new();
        outer.with(|| {
            provide_context(7_u32);
            let inner = page(|| use_context::<u32>().map_or("none", |_| "some"));
            assert_eq!(inner, "none", "a page sees nothing from outside");
            assert_eq!(use_context::<u32>(), Some(7));
        });
    }
}
