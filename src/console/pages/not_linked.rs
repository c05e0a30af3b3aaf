//! placeholder

use leptos::prelude::*;

use crate::{console::context::PageContext, domain::view::not_linked::NotLinkedView};

/// What stands in `<main>`.
pub fn body(ctx: &PageContext, view: &NotLinkedView) -> AnyView {
    live(ctx, view)
}

/// The parts that change while the page is open.
pub fn live(_ctx: &PageContext, _view: &NotLinkedView) -> AnyView {
    view! { <div id="rows" data-live></div> }.into_any()
}
