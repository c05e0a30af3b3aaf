//! The reader's own account.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::form::FormView;
use crate::domain::account::Role;

/// The page. Fields of its form: `current`, `password`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountView {
    /// Sign-in name.
    pub name: String,
    /// What the person may do.
    pub role: Role,
    /// Chosen IANA zone; `None` means UTC.
    pub zone: Option<String>,
    /// Names of all IANA zones to choose from.
    pub zones: Vec<String>,
    /// Where the person is signed in, this one first.
    pub sessions: Vec<SessionRow>,
    /// What came back from the form of the password.
    pub password_form: FormView,
}

/// One signed-in browser.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionRow {
    /// Since when.
    pub since: Timestamp,
    /// Last used.
    pub last_seen: Timestamp,
    /// Whether it is the one this page was asked with.
    pub this: bool,
}
