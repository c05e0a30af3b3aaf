//! People with an account on this console, what they may do and whose records they may see.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::ids::{ClientId, UserId};

/// What a person may do; each role may do what the one before it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Read.
    Viewer,
    /// Look again, sync now, retry, drop.
    Operator,
    /// Connections and accounts too.
    Admin,
}

impl Role {
    /// As stored and shown.
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
}

/// Whose records a person may see and act on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "scope", content = "clients", rename_all = "kebab-case")]
pub enum Scope {
    /// Every client, and what belongs to the installation as a whole.
    All,
    /// These clients only.
    Clients(BTreeSet<ClientId>),
}

impl Scope {
    /// Whether records of `client` are within it.
    pub fn covers(&self, client: ClientId) -> bool {
        match self {
            Self::All => true,
            Self::Clients(clients) => clients.contains(&client),
        }
    }

    /// Whether it covers the whole installation.
    pub fn is_all(&self) -> bool {
        matches!(self, Self::All)
    }
}

/// An account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// Ours.
    pub id: UserId,
    /// Sign-in name, unique without regard to case.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// Whose records.
    pub scope: Scope,
    /// Made at.
    pub created: Timestamp,
    /// Switched off: can't sign in, and open sessions have ended.
    pub disabled: bool,
}
