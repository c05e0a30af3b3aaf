//! placeholder

use leptos::prelude::*;

use crate::{console::context::PageContext, domain::view::ledger::LedgerView};

/// What stands in `<main>`.
pub fn body(_ctx: &PageContext, _view: &LedgerView) -> AnyView {
    ().into_any()
}
