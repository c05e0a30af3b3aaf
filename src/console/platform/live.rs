//! In the browser: relative times, live events, and swapping the parts of a page that changed.

use std::{cell::RefCell, rc::Rc};

use wasm_bindgen::{JsCast, closure::Closure};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Document, Element, EventSource, HtmlElement, HtmlTemplateElement, MessageEvent, Response, Window};

use crate::console::words;

/// Hints that come close together are one fetch.
const GATHER_MS: i32 = 250;
/// Wait before a closed stream is opened again.
const REOPEN_MS: i32 = 5_000;
/// Between two spoken announcements.
const QUIET_MS: f64 = 10_000.0;
const TIMES_MS: i32 = 5_000;
/// Without a hint the page is fetched this often all the same: an engine that stands still gives none.
const BEAT_MS: f64 = 60_000.0;
/// A row that a pointer has just moved over is not pulled away from under it.
const POINTING_MS: f64 = 1_500.0;

struct State {
    /// Server's clock minus this machine's, milliseconds.
    offset: f64,
    last: String,
    fragment: String,
    only: String,
    /// A fetch is planned or under way.
    busy: bool,
    /// A hint came while that was so.
    again: bool,
    /// Hints not yet shown because the reader is busy there.
    held: u32,
    said: f64,
    /// What was said last, or stood there from the start.
    spoken: String,
    /// When the page was last fetched, this machine's clock.
    fetched: f64,
    /// When the pointer last moved, this machine's clock.
    moved: f64,
    /// What a click on the button shows.
    pending: Option<HtmlTemplateElement>,
    /// The stream of hints, while the page is seen.
    source: Option<EventSource>,
    /// The session is over: nothing more is asked for.
    ended: bool,
}

type Shared = Rc<RefCell<State>>;

fn window() -> Option<Window> {
    web_sys::window()
}

fn document() -> Option<Document> {
    window()?.document()
}

pub(super) fn later(ms: i32, act: impl FnOnce() + 'static) {
    if let Some(window) = window() {
        let act = Closure::once_into_js(act);
        let _ = window.set_timeout_with_callback_and_timeout_and_arguments_0(act.unchecked_ref(), ms);
    }
}

/// See `islands::Live`.
pub fn wake(now: i64, cursor: i64, fragment: String, only: String) {
    let state = Rc::new(RefCell::new(State {
        offset: now as f64 - js_sys::Date::now(),
        last: cursor.to_string(),
        fragment,
        only,
        busy: false,
        again: false,
        held: 0,
        said: 0.0,
        spoken: document().and_then(|d| sentence(&d)).map(|(key, _)| key).unwrap_or_default(),
        fetched: js_sys::Date::now(),
        moved: 0.0,
        pending: None,
        source: None,
        ended: false,
    }));
    // the server has just written the times
    later(TIMES_MS, {
        let state = state.clone();
        move || tick(state)
    });
    if state.borrow().fragment.is_empty() {
        return;
    }
    on_click(&state);
    on_move(&state);
    open(state.clone());
    beat(state.clone());
    on_return(state);
}

/// Fetches now and then although nothing was told.
fn beat(state: Shared) {
    later(TIMES_MS, move || {
        if state.borrow().ended {
            return;
        }
        if js_sys::Date::now() - state.borrow().fetched >= BEAT_MS {
            hint(&state, false);
        }
        beat(state);
    });
}

fn on_move(state: &Shared) {
    let state = state.clone();
    let moved = Closure::<dyn FnMut()>::new(move || state.borrow_mut().moved = js_sys::Date::now());
    if let Some(document) = document() {
        let _ = document.add_event_listener_with_callback("pointermove", moved.as_ref().unchecked_ref());
    }
    moved.forget();
}

/// Whether somebody is about to click on what would be swapped.
fn pointing(state: &Shared) -> bool {
    let lately = js_sys::Date::now() - state.borrow().moved < POINTING_MS;
    lately && document().is_some_and(|d| d.query_selector("[data-hold]:hover").ok().flatten().is_some())
}

/// Relative times move on.
fn tick(state: Shared) {
    let now = (js_sys::Date::now() + state.borrow().offset) as i64;
    if let Some(times) = document().and_then(|d| d.query_selector_all("time[data-at]").ok()) {
        for place in 0..times.length() {
            let Some(time) = times.item(place).and_then(|node| node.dyn_into::<Element>().ok()) else { continue };
            let at = time.get_attribute("data-at").and_then(|text| text.parse::<i64>().ok());
            let shown = time.query_selector(".rel").ok().flatten();
            if let (Some(at), Some(shown)) = (at, shown) {
                let words = words::relative(now, at);
                if shown.text_content().as_deref() != Some(&words) {
                    shown.set_text_content(Some(&words));
                }
            }
        }
    }
    later(TIMES_MS, move || tick(state));
}

fn show_live(alive: bool) {
    let Some(mark) = document().and_then(|d| d.get_element_by_id("live-state")) else { return };
    let _ = mark.remove_attribute("hidden");
    mark.set_class_name(if alive { "live on" } else { "live off" });
    mark.set_text_content(Some(if alive { "Live" } else { "Not connected: this page stands still" }));
}

/// The reader was signed out elsewhere, or for too long away: says so with the way back, and asks for nothing more.
fn end(state: &Shared) {
    let mut here = state.borrow_mut();
    here.ended = true;
    if let Some(source) = here.source.take() {
        source.set_onerror(None);
        source.close();
    }
    drop(here);
    let Some(document) = document() else { return };
    let words = "Your session has ended: this page stands still.";
    if let Some(said) = document.get_element_by_id("said") {
        said.set_text_content(Some(words));
    }
    let Some(mark) = document.get_element_by_id("live-state") else { return };
    let _ = mark.remove_attribute("hidden");
    mark.set_class_name("live off");
    mark.set_text_content(Some(&format!("{words} ")));
    if let (Ok(link), Some(address)) = (document.create_element("a"), mark.get_attribute("data-sign-in")) {
        let _ = link.set_attribute("href", &address);
        link.set_text_content(Some("Sign in again"));
        let _ = mark.append_child(&link);
    }
}

fn open(state: Shared) {
    if hidden() || state.borrow().ended {
        // A hidden page's is opened when it is seen again.
        return;
    }
    let address = format!("/events?after={}", state.borrow().last);
    let Ok(source) = EventSource::new(&address) else { return };
    state.borrow_mut().source = Some(source.clone());
    let heard = state.clone();
    let message = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
        let mut here = heard.borrow_mut();
        let id = event.last_event_id();
        if !id.is_empty() {
            here.last = id;
        }
        let mine = here.only.is_empty() || event.data().as_string().is_some_and(|data| data.contains(&here.only));
        drop(here);
        if mine {
            hint(&heard, true);
        }
    });
    source.set_onmessage(Some(message.as_ref().unchecked_ref()));
    message.forget();
    let opened = Closure::<dyn FnMut()>::new(|| show_live(true));
    source.set_onopen(Some(opened.as_ref().unchecked_ref()));
    opened.forget();
    let stream = source.clone();
    let failed = Closure::<dyn FnMut()>::new(move || {
        show_live(false);
        // the browser opens a broken stream again by itself, but not one that was answered with an error
        if stream.ready_state() == EventSource::CLOSED {
            stream.set_onerror(None);
            let state = state.clone();
            state.borrow_mut().source = None;
            // The stream does not tell with what it was answered.
            wasm_bindgen_futures::spawn_local(async move {
                let address = state.borrow().fragment.clone();
                match fetch(&address).await {
                    Fetched::SignedOut => end(&state),
                    Fetched::Page(_) | Fetched::Nothing => later(REOPEN_MS, move || open(state)),
                }
            });
        }
    });
    source.set_onerror(Some(failed.as_ref().unchecked_ref()));
    failed.forget();
}

/// A page that is hidden lets go of its stream: a browser keeps no more than a few connections to one host, and many tabs
/// would leave none for what is clicked. When it is seen again it listens from where it was, and fetches.
fn on_return(state: Shared) {
    let seen = Closure::<dyn FnMut()>::new(move || {
        let there = state.borrow_mut().source.take();
        match there {
            Some(source) if hidden() => {
                source.set_onerror(None);
                source.close();
            }
            None if !hidden() => open(state.clone()),
            there => state.borrow_mut().source = there,
        }
        if !hidden() && state.borrow().again {
            state.borrow_mut().again = false;
            hint(&state, true);
        }
    });
    if let Some(document) = document() {
        let _ = document.add_event_listener_with_callback("visibilitychange", seen.as_ref().unchecked_ref());
    }
    seen.forget();
}

fn hidden() -> bool {
    document().is_some_and(|d| d.visibility_state() == web_sys::VisibilityState::Hidden)
}

/// Something changed (`told`), or may have: the page is fetched soon.
fn hint(state: &Shared, told: bool) {
    {
        let mut here = state.borrow_mut();
        if here.ended {
            return;
        }
        here.held = here.held.saturating_add(u32::from(told));
        if here.busy || hidden() {
            here.again |= told;
            return;
        }
        here.busy = true;
    }
    gather(state.clone(), GATHER_MS);
}

fn gather(state: Shared, wait_ms: i32) {
    later(wait_ms, move || {
        if pointing(&state) {
            gather(state, GATHER_MS);
            return;
        }
        wasm_bindgen_futures::spawn_local(async move {
            let address = state.borrow().fragment.clone();
            state.borrow_mut().fetched = js_sys::Date::now();
            match fetch(&address).await {
                Fetched::Page(html) => take(&state, &html),
                Fetched::SignedOut => end(&state),
                Fetched::Nothing => show_live(false),
            }
            let mut here = state.borrow_mut();
            here.busy = false;
            if here.again && !hidden() {
                here.again = false;
                drop(here);
                hint(&state, true);
            }
        });
    });
}

/// What came of asking for the page's parts.
pub(super) enum Fetched {
    Page(String),
    /// Whoever asks is not signed in (any more).
    SignedOut,
    /// No answer, or one that is none.
    Nothing,
}

const UNAUTHORIZED: u16 = 401;

pub(super) async fn fetch(address: &str) -> Fetched {
    fetched(address).await.unwrap_or(Fetched::Nothing)
}

async fn fetched(address: &str) -> Option<Fetched> {
    let answer = JsFuture::from(window()?.fetch_with_str(address)).await.ok()?;
    let answer: Response = answer.dyn_into().ok()?;
    if answer.status() == UNAUTHORIZED {
        return Some(Fetched::SignedOut);
    }
    if !answer.ok() || answer.redirected() {
        return None;
    }
    JsFuture::from(answer.text().ok()?).await.ok()?.as_string().map(Fetched::Page)
}

/// Swaps every part that differs and is not in use; keeps the rest for the button.
fn take(state: &Shared, html: &str) {
    let Some(document) = document() else { return };
    let Some(template) =
        document.create_element("template").ok().and_then(|e| e.dyn_into::<HtmlTemplateElement>().ok())
    else {
        return;
    };
    template.set_inner_html(html);
    let before = rows(&document);
    let kept = swap(&document, &template, false);
    mark_new(&document, &before);
    if let Some(title) = document.get_element_by_id("as-of").and_then(|e| e.get_attribute("data-title")) {
        document.set_title(&title);
    }
    let mut here = state.borrow_mut();
    here.pending = kept.then_some(template);
    if !kept {
        here.held = 0;
    }
    show_news(&document, here.held, kept);
    say(&document, &mut here);
    // A fetch may have failed before, while the stream stood.
    if here.source.as_ref().is_some_and(|source| source.ready_state() == EventSource::OPEN) {
        show_live(true);
    }
}

/// A row of the page: its address, what it says, itself.
struct Row {
    address: String,
    says: Option<String>,
    element: Element,
}

fn rows(document: &Document) -> Vec<Row> {
    let Ok(links) = document.query_selector_all("a[data-row]") else { return Vec::new() };
    let row = |place| {
        let link: Element = links.item(place)?.dyn_into().ok()?;
        let element = link.closest("tr").ok().flatten()?;
        Some(Row { address: link.get_attribute("href")?, says: settled(&element), element })
    };
    (0..links.length()).filter_map(row).collect()
}

/// Rows that were not there before, or said something else, stand out until the next change.
fn mark_new(document: &Document, before: &[Row]) {
    for row in rows(document) {
        if before.iter().all(|known| known.address != row.address || known.says != row.says) {
            let _ = row.element.set_attribute("data-new", "");
        }
    }
}

/// Whether anything that differs was left as it is.
fn swap(document: &Document, template: &HtmlTemplateElement, all: bool) -> bool {
    let mut kept = false;
    let mut place = 0;
    let children = template.content().children();
    // a part that is moved out of the template is gone from its children
    while let Some(new) = children.item(place) {
        let old = document.get_element_by_id(&new.id());
        match old {
            Some(old) if same(&old, &new) => place += 1,
            Some(old) if all || !in_use(document, &old) => {
                let _ = old.replace_with_with_node_1(&new);
            }
            Some(_) => {
                kept = true;
                place += 1;
            }
            None => place += 1,
        }
    }
    kept
}

/// Times count on by themselves, so a part whose words differ only in them is the same.
fn same(old: &Element, new: &Element) -> bool {
    settled(old) == settled(new)
}

/// What a part says, whatever the time.
fn settled(part: &Element) -> Option<String> {
    let copy: Element = part.clone_node_with_deep(true).ok()?.dyn_into().ok()?;
    let marked = copy.query_selector_all(".rel").ok()?;
    for place in 0..marked.length() {
        if let Some(node) = marked.item(place) {
            node.set_text_content(None);
        }
    }
    let news = copy.query_selector_all("[data-new]").ok()?;
    for place in 0..news.length() {
        if let Some(row) = news.item(place).and_then(|node| node.dyn_into::<Element>().ok()) {
            let _ = row.remove_attribute("data-new");
        }
    }
    Some(copy.inner_html())
}

fn in_use(document: &Document, part: &Element) -> bool {
    let focused = document.active_element().is_some_and(|focus| part.contains(Some(&focus)));
    // what the server itself opened is in nobody's use
    let opened = part.query_selector("details[open]:not([data-open])").ok().flatten().is_some();
    let ticked = part.query_selector("input[type=checkbox]:checked").ok().flatten().is_some();
    let selected = window()
        .and_then(|w| w.get_selection().ok().flatten())
        .filter(|selection| !selection.is_collapsed())
        .and_then(|selection| selection.anchor_node())
        .is_some_and(|node| part.contains(Some(&node)));
    let read = part.has_attribute("data-hold") && part.get_bounding_client_rect().top() < 0.0;
    focused || opened || ticked || selected || read
}

fn show_news(document: &Document, count: u32, kept: bool) {
    let Some(button) = document.get_element_by_id("news") else { return };
    if kept {
        let what = words::counted(u64::from(count.max(1)), "change", "changes");
        button.set_text_content(Some(&format!("{what} — show")));
        let _ = button.remove_attribute("hidden");
    } else {
        let _ = button.set_attribute("hidden", "");
    }
}

fn on_click(state: &Shared) {
    let Some(document) = document() else { return };
    let Some(button) = document.get_element_by_id("news") else { return };
    let state = state.clone();
    let click = Closure::<dyn FnMut()>::new(move || {
        let Some(document) = web_sys::window().and_then(|w| w.document()) else { return };
        let mut here = state.borrow_mut();
        here.held = 0;
        if let Some(template) = here.pending.take() {
            let before = rows(&document);
            swap(&document, &template, true);
            mark_new(&document, &before);
        }
        show_news(&document, 0, false);
        // the button is gone: the focus goes to where the news is
        if let Some(main) = document.get_element_by_id("main").and_then(|e| e.dyn_into::<HtmlElement>().ok()) {
            let _ = main.focus();
        }
    });
    let _ = button.add_event_listener_with_callback("click", click.as_ref().unchecked_ref());
    click.forget();
}

/// Says the page's first sentence when it changed, politely and not often; what is wrong with the engine first.
fn say(document: &Document, state: &mut State) {
    let now = js_sys::Date::now();
    let Some((key, sentence)) = sentence(document) else { return };
    if key == state.spoken || now - state.said < QUIET_MS {
        return;
    }
    if let Some(said) = document.get_element_by_id("said") {
        said.set_text_content(Some(&sentence));
        state.said = now;
        state.spoken = key;
    }
}

/// The sentence without its moments, by which one is known from another, and as it is said.
fn sentence(document: &Document) -> Option<(String, String)> {
    let find = |css| document.query_selector(css).ok().flatten();
    let part = find("#pulse b").or_else(|| find("#truth .truth, #truth .why"))?;
    let without = |css: &str| -> Option<String> {
        let copy: Element = part.clone_node_with_deep(true).ok()?.dyn_into().ok()?;
        while let Ok(Some(gone)) = copy.query_selector(css) {
            gone.remove();
        }
        copy.text_content()
    };
    // the exact moment beside the relative one need not be read out
    Some((without("time")?, without(".abs")?))
}
