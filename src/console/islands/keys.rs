use leptos::prelude::*;

use crate::console::platform;

const KEYS: [(&str, &str); 15] = [
    ("Ctrl K", "Go to a page, an incident or an act"),
    ("⌘ K", "The same on a Mac"),
    ("/", "Search"),
    ("?", "This help"),
    ("j", "Next row"),
    ("k", "Row before"),
    ("Enter", "Open the row"),
    ("x", "Tick the row, where it has a box"),
    ("r", "Look again at the row’s pair, or the page’s"),
    ("g d", "Linked incidents"),
    ("g n", "Incidents not linked"),
    ("g p", "Problems"),
    ("g r", "Runs"),
    ("g c", "Connections"),
    ("g l", "Ledger"),
];

/// Keyboard shortcuts and their help. Single keys can be switched off (WCAG 2.1.4); the choice is kept.
#[island]
pub fn Keys(
    /// Whether single keys do anything.
    on: bool,
    /// Where the switch comes back to.
    next: String,
) -> impl IntoView {
    platform::wake_keys(on);
    let rows = KEYS
        .iter()
        .map(|&(key, what)| {
            view! { <div><dt>{key.split(' ').map(|key| view! { <kbd>{key}</kbd> }).collect_view()}</dt><dd>{what}</dd></div> }
        })
        .collect_view();
    let (value, label, state) = if on {
        ("off", "Switch single keys off", "Single keys are on.")
    } else {
        ("on", "Switch single keys on", "Single keys are off.")
    };
    view! {
        <div class="keys">
            <button type="button" id="keys-open" class="button quiet">"Keyboard shortcuts"</button>
            <dialog id="keys" aria-labelledby="keys-title">
                <h2 id="keys-title">"Keyboard shortcuts"</h2>
                <dl>{rows}</dl>
                <form method="post" action="/preferences">
                    <input type="hidden" name="next" value=next />
                    <p>{state}</p>
                    <button type="submit" class="button" name="keys" value=value>{label}</button>
                </form>
                <form method="dialog"><button type="submit" class="button main" autofocus=true>"Close"</button></form>
            </dialog>
        </div>
    }
}
