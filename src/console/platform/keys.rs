//! In the browser: keyboard shortcuts.

use std::{cell::Cell, rc::Rc};

use wasm_bindgen::{JsCast, closure::Closure};
use web_sys::{
    Document, Element, Event, HtmlDialogElement, HtmlElement, HtmlFormElement, HtmlInputElement, KeyboardEvent, Node,
};

use crate::console::words::PLACES;

/// `g` waits this long for its letter, milliseconds.
const JUMP_MS: f64 = 1_500.0;

pub(super) fn document() -> Option<Document> {
    web_sys::window()?.document()
}

pub(super) fn by_id<T: JsCast>(id: &str) -> Option<T> {
    document()?.get_element_by_id(id)?.dyn_into().ok()
}

fn help() {
    if let Some(dialog) = by_id::<HtmlDialogElement>("keys").filter(|dialog| !dialog.open()) {
        let _ = dialog.show_modal();
    }
}

/// See `islands::Keys`.
pub fn wake(on: bool) {
    if let Some(button) = by_id::<HtmlElement>("keys-open") {
        let click = Closure::<dyn FnMut()>::new(help);
        let _ = button.add_event_listener_with_callback("click", click.as_ref().unchecked_ref());
        click.forget();
    }
    menus();
    super::copy::wake();
    super::waiting::wake();
    super::palette::wake();
    if !on {
        return;
    }
    let jump = Rc::new(Cell::new(f64::MIN));
    let press = Closure::<dyn FnMut(KeyboardEvent)>::new(move |event: KeyboardEvent| {
        if typing(&event) || event.ctrl_key() || event.meta_key() || event.alt_key() {
            return;
        }
        let now = js_sys::Date::now();
        let jumping = now - jump.replace(f64::MIN) < JUMP_MS;
        let done = match event.key().as_str() {
            key if jumping => leap(key),
            "g" => {
                jump.set(now);
                true
            }
            "/" => focus(by_id("q")),
            "?" => {
                help();
                true
            }
            "j" => step(1),
            "k" => step(-1),
            "x" => tick(),
            "r" => look_again(),
            _ => false,
        };
        if done {
            event.prevent_default();
        }
    });
    if let Some(document) = document() {
        let _ = document.add_event_listener_with_callback("keydown", press.as_ref().unchecked_ref());
    }
    press.forget();
}

/// An open menu closes on Escape, and when something outside it is pressed or gets the focus.
fn menus() {
    let Some(document) = document() else { return };
    let press = Closure::<dyn FnMut(KeyboardEvent)>::new(|event: KeyboardEvent| {
        if event.key() == "Escape" {
            for menu in open_menus() {
                let _ = menu.remove_attribute("open");
                focus(menu.query_selector("summary").ok().flatten().and_then(|summary| summary.dyn_into().ok()));
            }
        }
    });
    let away = Closure::<dyn FnMut(Event)>::new(|event: Event| {
        let target = event.target().and_then(|target| target.dyn_into::<Node>().ok());
        for menu in open_menus() {
            if !menu.contains(target.as_ref()) {
                let _ = menu.remove_attribute("open");
            }
        }
    });
    let _ = document.add_event_listener_with_callback("keydown", press.as_ref().unchecked_ref());
    let _ = document.add_event_listener_with_callback("pointerdown", away.as_ref().unchecked_ref());
    let _ = document.add_event_listener_with_callback("focusin", away.as_ref().unchecked_ref());
    press.forget();
    away.forget();
}

fn open_menus() -> Vec<Element> {
    let found = document().and_then(|document| document.query_selector_all("details.menu[open]").ok());
    let Some(found) = found else { return Vec::new() };
    (0..found.length()).filter_map(|place| found.item(place)?.dyn_into().ok()).collect()
}

/// Whether a dialog is open.
pub(super) fn in_dialog() -> bool {
    document().is_some_and(|document| matches!(document.query_selector("dialog[open]"), Ok(Some(_))))
}

fn typing(event: &KeyboardEvent) -> bool {
    let Some(target) = event.target().and_then(|target| target.dyn_into::<Element>().ok()) else { return false };
    let field = matches!(target.local_name().as_str(), "input" | "select" | "textarea");
    field || in_dialog() || target.has_attribute("contenteditable")
}

fn leap(key: &str) -> bool {
    let place = PLACES.iter().find(|(_, _, letter)| key.len() == 1 && key.starts_with(*letter));
    let Some((_, href, _)) = place else { return false };
    web_sys::window().is_some_and(|window| window.location().assign(href).is_ok())
}

pub(super) fn focus(element: Option<HtmlElement>) -> bool {
    element.is_some_and(|element| element.focus().is_ok())
}

/// Moves the focus to the row after or before the focused one; to the first when there is none.
fn step(by: i32) -> bool {
    let Some(document) = document() else { return false };
    let Ok(rows) = document.query_selector_all("[data-row]") else { return false };
    let row = |place: u32| rows.item(place).and_then(|node| node.dyn_into::<HtmlElement>().ok());
    let focused = document.active_element();
    let here = (0..rows.length()).find(|&place| {
        row(place).is_some_and(|row| focused.as_ref().is_some_and(|focus| row.is_same_node(Some(focus))))
    });
    let next = match here {
        Some(place) => place.checked_add_signed(by),
        None => Some(0),
    };
    focus(next.and_then(row))
}

/// Ticks the box of the focused row, where its list has them.
fn tick() -> bool {
    let focused = document().and_then(|document| document.active_element());
    let row = focused.and_then(|focus| focus.closest("tr, li").ok().flatten());
    let tick = row.and_then(|row| row.query_selector("input[type=checkbox]:not(:disabled)").ok().flatten());
    match tick.and_then(|tick| tick.dyn_into::<HtmlElement>().ok()) {
        Some(tick) => {
            tick.click();
            true
        }
        None => false,
    }
}

/// Has both sides of a pair read afresh: the focused row's, or the one whose page this is. For who has the button.
fn look_again() -> bool {
    asked_to_look().is_some()
}

fn asked_to_look() -> Option<()> {
    let document = document()?;
    document.query_selector("body[data-operate]").ok().flatten()?;
    let location = web_sys::window()?.location();
    let here = location.pathname().ok()?;
    let row = document.active_element().filter(|focus| focus.has_attribute("data-row"));
    let address = row.and_then(|row| row.get_attribute("href")).unwrap_or_else(|| here.clone());
    let pair = address.strip_prefix("/pairs/")?.split(['?', '#', '/']).next().filter(|pair| !pair.is_empty())?;
    let form: HtmlFormElement = document.create_element("form").ok()?.dyn_into().ok()?;
    form.set_method("post");
    form.set_action(&format!("/pairs/{pair}/look"));
    let next: HtmlInputElement = document.create_element("input").ok()?.dyn_into().ok()?;
    next.set_type("hidden");
    next.set_name("next");
    next.set_value(&format!("{here}{}", location.search().ok()?));
    form.append_child(&next).ok()?;
    document.body()?.append_child(&form).ok()?;
    form.submit().ok()
}
