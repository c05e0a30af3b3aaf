//! placeholder

use leptos::prelude::*;

use crate::{console::context::PageContext, domain::view::problems::ProblemsView};

/// What stands in `<main>`.
pub fn body(ctx: &PageContext, view: &ProblemsView) -> AnyView {
    live(ctx, view)
}

/// The parts that change while the page is open.
pub fn live(_ctx: &PageContext, _view: &ProblemsView) -> AnyView {
    view! { <div id="rows" data-live></div> }.into_any()
}
