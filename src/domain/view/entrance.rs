//! Pages in front of the console: first admin, sign-in.

use serde::{Deserialize, Serialize};

use super::form::FormView;

/// The first admin's set-up. Fields: `code`, `name`, `password`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetUpView {
    /// What came back.
    pub form: FormView,
}

/// Sign-in. Fields: `name`, `password`, `next`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignInView {
    /// What came back.
    pub form: FormView,
    /// Where to go afterwards: a path on this console, checked by `web`.
    pub next: Option<String>,
}

/// What an administrator is told who came from the consent link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsentView {
    /// Whether consent was given.
    pub given: bool,
}
