//! placeholder
use leptos::prelude::*;

use crate::{
    console::context::PageContext,
    domain::view::entrance::{SetUpView, SignInView},
};

/// Set-up.
pub fn set_up(_ctx: &PageContext, _view: &SetUpView) -> AnyView {
    ().into_any()
}

/// Sign-in.
pub fn sign_in(_ctx: &PageContext, _view: &SignInView) -> AnyView {
    ().into_any()
}
