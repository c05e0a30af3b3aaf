//! Accounts of people.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{form::FormView, list::Choice};
use crate::domain::{account::Role, ids::UserId};

/// The page. Fields of its form: `name`, `role` (`viewer`, `operator`, `admin`), `sees` (`all`, `some`), `client`
/// (several).
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountsView {
    /// By name, those that are switched off last.
    pub rows: Vec<PersonRow>,
    /// Clients to choose from.
    pub clients: Vec<Choice>,
    /// Clients that are ticked.
    pub ticked: Vec<String>,
    /// The form that makes one, or changes the one below.
    pub form: FormView,
    /// The account that the form changes; none where it makes one.
    pub changing: Option<UserId>,
    /// Whose password was set just now, and what it is: shown this once.
    pub fresh: Option<(String, String)>,
}

impl std::fmt::Debug for AccountsView {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The password is a secret.
        f.debug_struct("AccountsView").field("rows", &self.rows).finish_non_exhaustive()
    }
}

/// One account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonRow {
    /// Ours.
    pub id: UserId,
    /// Name to sign in with.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// Names of the clients whose records it sees; none for all.
    pub clients: Option<Vec<String>>,
    /// When it was made.
    pub created: Timestamp,
    /// Last sign-in.
    pub seen: Option<Timestamp>,
    /// Whether it is kept out.
    pub disabled: bool,
    /// Whether it is the reader's own.
    pub own: bool,
}
