//! In the browser: the palette, a dialog that finds pages, linked incidents and what can be done, by name. What it shows
//! is drawn by the server; the page `/palette` shows the same without a script.

use std::{cell::Cell, rc::Rc};

use wasm_bindgen::{JsCast, closure::Closure};
use web_sys::{Event, HtmlDialogElement, HtmlElement, HtmlInputElement, KeyboardEvent};

use super::{
    keys::{by_id, document, focus, in_dialog},
    live::{Fetched, fetch, later},
};
use crate::console::words;

/// Letters that come close together are one question.
const TYPED_MS: i32 = 150;
/// What the arrow keys go through.
const ENTRIES: &str = "#palette-found a, #palette-found button";

/// Questions by their number.
#[derive(Clone, Default)]
struct Asked {
    /// The newest.
    newest: Rc<Cell<u32>>,
    /// The one whose answer is shown.
    shown: Rc<Cell<u32>>,
}

/// Opens by Ctrl K or ⌘ K, and by its link. No single key, so it works where those are switched off and
/// while one types.
pub fn wake() {
    let (Some(document), Some(dialog)) = (document(), by_id::<HtmlDialogElement>("palette")) else { return };
    let asked = Asked::default();
    let press = Closure::<dyn FnMut(KeyboardEvent)>::new({
        let asked = asked.clone();
        move |event: KeyboardEvent| {
            let with = (event.ctrl_key() || event.meta_key()) && !event.alt_key() && !event.shift_key();
            if with && event.key().eq_ignore_ascii_case("k") && !in_dialog() && show(&asked) {
                event.prevent_default();
            }
        }
    });
    let _ = document.add_event_listener_with_callback("keydown", press.as_ref().unchecked_ref());
    press.forget();
    if let Some(link) = by_id::<HtmlElement>("palette-open") {
        let asked = asked.clone();
        let click = Closure::<dyn FnMut(Event)>::new(move |event: Event| {
            if show(&asked) {
                event.prevent_default();
            }
        });
        let _ = link.add_event_listener_with_callback("click", click.as_ref().unchecked_ref());
        click.forget();
    }
    let within = Closure::<dyn FnMut(KeyboardEvent)>::new({
        let asked = asked.clone();
        move |event: KeyboardEvent| {
            let done = match event.key().as_str() {
                "ArrowDown" => step(1),
                "ArrowUp" => step(-1),
                "Enter" => first(&asked),
                _ => false,
            };
            if done {
                event.prevent_default();
            }
        }
    });
    let _ = dialog.add_event_listener_with_callback("keydown", within.as_ref().unchecked_ref());
    within.forget();
    let input = Closure::<dyn FnMut()>::new(move || find(&asked, TYPED_MS));
    let _ = dialog.add_event_listener_with_callback("input", input.as_ref().unchecked_ref());
    input.forget();
}

fn show(asked: &Asked) -> bool {
    let Some(dialog) = by_id::<HtmlDialogElement>("palette") else { return false };
    if dialog.open() || dialog.show_modal().is_err() {
        return false;
    }
    if let Some(input) = by_id::<HtmlInputElement>("palette-q") {
        input.select();
        focus(Some(input.into()));
    }
    find(asked, 0);
    true
}

/// Asks for what is typed, unless more is typed meanwhile.
fn find(asked: &Asked, wait_ms: i32) {
    let mine = asked.newest.get().wrapping_add(1);
    asked.newest.set(mine);
    let asked = asked.clone();
    later(wait_ms, move || {
        if asked.newest.get() != mine {
            return;
        }
        wasm_bindgen_futures::spawn_local(async move {
            let Some(address) = address() else { return };
            let fetched = fetch(&address).await;
            if asked.newest.get() != mine {
                return;
            }
            match fetched {
                Fetched::Page(html) => {
                    asked.shown.set(mine);
                    put(&html);
                }
                Fetched::SignedOut => fail("Your session has ended. Load this page again to sign in."),
                Fetched::Nothing => fail("The server does not answer. Try again in a while."),
            }
        });
    });
}

fn address() -> Option<String> {
    let encoded = |text: &str| String::from(js_sys::encode_uri_component(text));
    let of = by_id::<HtmlElement>("palette")?.get_attribute("data-of").unwrap_or_default();
    let text = by_id::<HtmlInputElement>("palette-q")?.value();
    Some(format!("/palette?fragment=1&of={}&q={}", encoded(&of), encoded(&text)))
}

fn put(html: &str) {
    let Some(found) = by_id::<HtmlElement>("palette-found") else { return };
    found.set_inner_html(html);
    let count = u64::try_from(entries().len()).unwrap_or_default();
    say(&words::counted(count, "entry", "entries"));
}

fn fail(why: &str) {
    if let Some(found) = by_id::<HtmlElement>("palette-found") {
        found.set_text_content(Some(why));
    }
    say(why);
}

fn say(what: &str) {
    if let Some(said) = by_id::<HtmlElement>("palette-said") {
        said.set_text_content(Some(what));
    }
}

fn entries() -> Vec<HtmlElement> {
    let found = document().and_then(|document| document.query_selector_all(ENTRIES).ok());
    let Some(found) = found else { return Vec::new() };
    (0..found.length()).filter_map(|place| found.item(place)?.dyn_into().ok()).collect()
}

fn focused() -> Option<web_sys::Element> {
    document()?.active_element()
}

/// From the field to the entries and back.
fn step(by: isize) -> bool {
    let rows = entries();
    let focused = focused();
    let here = rows.iter().position(|row| focused.as_ref().is_some_and(|focus| row.is_same_node(Some(focus))));
    let next = match here {
        None if by > 0 => rows.first(),
        None => rows.last(),
        Some(at) => at.checked_add_signed(by).and_then(|at| rows.get(at)),
    };
    match next {
        Some(row) => focus(Some(row.clone())),
        None => focus(by_id("palette-q")),
    }
}

/// Enter in the field takes the first entry, once what is shown is what was typed; until then the form is sent, to the
/// page that shows the same.
fn first(asked: &Asked) -> bool {
    let in_field = focused().is_some_and(|focus| focus.id() == "palette-q");
    if !in_field || asked.shown.get() != asked.newest.get() {
        return false;
    }
    match entries().first() {
        Some(entry) => {
            entry.click();
            true
        }
        None => false,
    }
}
