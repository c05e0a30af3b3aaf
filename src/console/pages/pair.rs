//! placeholder

use leptos::prelude::*;

use crate::{console::context::PageContext, domain::view::pair::PairView};

/// What stands in `<main>`.
pub fn body(ctx: &PageContext, view: &PairView) -> AnyView {
    live(ctx, view)
}

/// The parts that change while the page is open.
pub fn live(_ctx: &PageContext, _view: &PairView) -> AnyView {
    view! { <div id="rows" data-live></div> }.into_any()
}

/// Number and title.
pub fn name(view: &PairView) -> String {
    match view.number {
        Some(number) => format!("#{number} {}", view.title),
        None => view.title.clone(),
    }
}
