//! The words of [`super::account`] under the name pages use.

pub use super::account::{Role, Scope, User};
