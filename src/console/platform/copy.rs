//! In the browser: buttons that copy a text of the page. Without a script the text itself can be selected.

use js_sys::{Function, Promise, Reflect};
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use web_sys::{HtmlElement, HtmlInputElement};

/// Shows every button that copies, and makes it work.
pub fn wake() {
    let Some(document) = web_sys::window().and_then(|window| window.document()) else { return };
    let Ok(buttons) = document.query_selector_all("button[data-copy]") else { return };
    for at in 0..buttons.length() {
        let Some(button) = buttons.item(at).and_then(|node| node.dyn_into::<HtmlElement>().ok()) else { continue };
        let Some(from) = button.get_attribute("data-copy") else { continue };
        let _ = button.remove_attribute("hidden");
        let pressed = button.clone();
        let click = Closure::<dyn FnMut()>::new(move || copy(&pressed, &from));
        let _ = button.add_event_listener_with_callback("click", click.as_ref().unchecked_ref());
        click.forget();
    }
}

fn copy(button: &HtmlElement, from: &str) {
    let Some(document) = web_sys::window().and_then(|window| window.document()) else { return };
    let Some(source) = document.get_element_by_id(from) else { return };
    let input = source.dyn_ref::<HtmlInputElement>();
    let text = input.map_or_else(|| source.text_content().unwrap_or_default(), HtmlInputElement::value);
    if write(&text).is_some() {
        button.set_text_content(Some("Copied"));
    } else if let Some(input) = input {
        // no clipboard for pages like this one: what is selected can be copied by hand
        input.select();
        button.set_text_content(Some("Press Ctrl+C"));
    }
}

/// `navigator.clipboard.writeText`, where the browser has it (https and this machine only).
fn write(text: &str) -> Option<Promise> {
    let window: JsValue = web_sys::window()?.into();
    let navigator = Reflect::get(&window, &"navigator".into()).ok()?;
    let clipboard = Reflect::get(&navigator, &"clipboard".into()).ok().filter(|found| !found.is_undefined())?;
    let write: Function = Reflect::get(&clipboard, &"writeText".into()).ok()?.dyn_into().ok()?;
    write.call1(&clipboard, &text.into()).ok()?.dyn_into().ok()
}
