use leptos::prelude::*;

use crate::console::platform;

/// Keeps the page new: relative times move on, and hints from `/events` make it fetch its live parts.
///
/// A part that is being read or used (focus, selection, opened details, scrolled into) is not
/// swapped under the reader: a button says that there is news.
#[island]
pub fn Live(
    /// The server's clock when it made the page, milliseconds since 1970.
    now: i64,
    /// Number of the newest ledger entry on the page.
    cursor: i64,
    /// Address of the live parts; empty when the page has none.
    fragment: String,
    /// A pair's id: only hints about it count. Empty: all do.
    only: String,
) -> impl IntoView {
    platform::wake_live(now, cursor, fragment, only);
    view! {
        <div class="news">
            <button type="button" id="news" class="button main" hidden></button>
            <p id="said" class="unseen" role="status"></p>
        </div>
    }
}
