//! In the browser: a form of the set-up says that it was sent, until its answer is there. Microsoft and Halo may take their
//! time, and a page on which nothing moves is pressed again.

use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use web_sys::{Document, Event, HtmlFormElement};

/// What is said.
const SENT: &str = "Sent. This page waits for the answer: Microsoft or Halo may take a while.";

/// Listens for forms that are sent.
pub fn wake() {
    let Some(window) = web_sys::window() else { return };
    let Some(document) = window.document() else { return };
    let page = document.clone();
    let sent = Closure::<dyn FnMut(Event)>::new(move |event: Event| {
        let _ = say(&page, &event);
    });
    let _ = document.add_event_listener_with_callback("submit", sent.as_ref().unchecked_ref());
    sent.forget();
    // who comes back to the page waits no longer
    let shown = Closure::<dyn FnMut(Event)>::new(move |_: Event| {
        if let Ok(Some(said)) = document.query_selector("[data-sent]") {
            said.remove();
        }
    });
    let _ = window.add_event_listener_with_callback("pageshow", shown.as_ref().unchecked_ref());
    shown.forget();
}

fn say(page: &Document, event: &Event) -> Result<(), JsValue> {
    let form = event.target().and_then(|target| target.dyn_into::<HtmlFormElement>().ok());
    let Some(form) = form.filter(|_| !event.default_prevented()) else { return Ok(()) };
    if !form.matches("form[method=post]:is(.form, .linking)")? || page.query_selector("[data-sent]")?.is_some() {
        return Ok(());
    }
    let line = page.create_element("p")?;
    line.set_attribute("role", "status")?;
    line.set_attribute("data-sent", "")?;
    line.set_text_content(Some(SENT));
    form.append_child(&line)?;
    Ok(())
}
