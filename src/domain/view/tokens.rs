//! Tokens of programs.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{form::FormView, list::Choice};
use crate::domain::ids::UserId;

/// The page. Fields of its form: `name`, `sees` (`all`, `some`), `client` (several).
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokensView {
    /// Those that hold first, each part by name.
    pub rows: Vec<TokenRow>,
    /// Clients to choose from.
    pub clients: Vec<Choice>,
    /// Clients that were ticked.
    pub ticked: Vec<String>,
    /// The form that makes one.
    pub form: FormView,
    /// One that was made just now: shown this once.
    pub fresh: Option<String>,
    /// Where this console is reached, for the example.
    pub address: String,
}

impl std::fmt::Debug for TokensView {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The token is a secret.
        f.debug_struct("TokensView").field("rows", &self.rows).finish_non_exhaustive()
    }
}

/// One token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenRow {
    /// Ours.
    pub id: UserId,
    /// Its name.
    pub name: String,
    /// Names of the clients whose records it reaches; empty for all.
    pub clients: Vec<String>,
    /// Who made it.
    pub by: String,
    /// When.
    pub created: Timestamp,
    /// Last use, to the minute.
    pub used: Option<Timestamp>,
    /// When it was revoked.
    pub revoked: Option<Timestamp>,
}
