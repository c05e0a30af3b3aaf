//! The reader's own account.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::form::FormView;

/// What a person may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Reads.
    Viewer,
    /// Reads, looks again, syncs, retries, drops.
    Operator,
    /// Everything, connections and people too.
    Admin,
}

impl Role {
    /// As stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Admin => "admin",
        }
    }

    /// The inverse of [`Role::as_str`].
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Viewer, Self::Operator, Self::Admin].into_iter().find(|role| role.as_str() == text)
    }

    /// Whether this role may look again, sync, retry and drop.
    pub fn may_operate(self) -> bool {
        self >= Self::Operator
    }
}

/// The page. Forms: `name`; `current` and `password`; preferences; sessions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountView {
    /// Shown to others.
    pub name: String,
    /// Signs in with it.
    pub email: String,
    /// What the person may do.
    pub role: Role,
    /// Chosen IANA zone; `None` means UTC.
    pub zone: Option<String>,
    /// Names of all IANA zones to choose from.
    pub zones: Vec<String>,
    /// Where the person is signed in, this one first.
    pub sessions: Vec<SessionRow>,
    /// What came back from the form of the name.
    pub name_form: FormView,
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
