//! placeholder

use leptos::prelude::*;

use crate::{console::context::PageContext, domain::view::account::AccountView};

/// What stands in `<main>`.
pub fn body(_ctx: &PageContext, _view: &AccountView) -> AnyView {
    ().into_any()
}
