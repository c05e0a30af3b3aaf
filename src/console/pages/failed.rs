//! placeholder
use leptos::prelude::*;

use crate::{
    console::context::PageContext,
    domain::view::failed::{DropView, FailedKind, FailedView},
};

/// Heading.
pub fn heading(kind: FailedKind) -> &'static str {
    match kind {
        FailedKind::NotFound => "There is nothing here",
        FailedKind::Forbidden => "This isn't yours to see",
        FailedKind::Invalid => "That request can't be understood",
        FailedKind::Conflict => "Somebody else was quicker",
        FailedKind::TooMany => "Too many tries",
        FailedKind::Busy => "Not just now",
        FailedKind::Internal => "Something broke on our side",
    }
}

/// The page.
pub fn body(_ctx: &PageContext, _view: &FailedView) -> AnyView {
    ().into_any()
}

/// The question.
pub fn drop(_ctx: &PageContext, _view: &DropView) -> AnyView {
    ().into_any()
}
