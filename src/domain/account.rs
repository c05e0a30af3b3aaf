//! People with an account on this console.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::ids::{ClientId, UserId};

/// What an account may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Looks.
    Viewer,
    /// Also acts on pairs, dead letters and runs.
    Operator,
    /// Also changes the installation and accounts.
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

/// Whose data an account sees.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(tag = "sees", content = "clients", rename_all = "kebab-case")]
pub enum Scope {
    /// Everybody's.
    #[default]
    All,
    /// Only these clients', and nothing of the installation.
    Clients(Vec<ClientId>),
}

impl Scope {
    /// Whether this client's data may be seen; `None` is the installation's own.
    pub fn allows(&self, client: Option<ClientId>) -> bool {
        match self {
            Self::All => true,
            Self::Clients(clients) => client.is_some_and(|client| clients.contains(&client)),
        }
    }
}

/// A token with which a program acts as an operator. Its hash stays in `store`, itself nowhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiToken {
    /// Ours; what it does stands in the ledger under it, as a person's acts under theirs.
    pub id: UserId,
    /// Which program has it, unique without regard to case.
    pub name: String,
    /// Whose records it reaches.
    pub scope: Scope,
    /// Who made it.
    pub made_by: UserId,
    /// When.
    pub created: Timestamp,
    /// Last use, to the minute.
    pub used: Option<Timestamp>,
    /// When it was revoked.
    pub revoked: Option<Timestamp>,
}

/// An account. The password's hash stays in `store`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// Ours.
    pub id: UserId,
    /// Name to sign in with, unique without regard to case.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// Whose data it sees.
    pub scope: Scope,
    /// IANA zone in which it reads times.
    pub time_zone: Option<String>,
    /// Whether it is kept out.
    pub disabled: bool,
    /// When it was made.
    pub created: Timestamp,
    /// Last sign-in.
    pub seen: Option<Timestamp>,
}

impl User {
    /// Whether it is an admin of all clients who can sign in: without one nobody can set anything up.
    pub fn manages(&self) -> bool {
        self.role == Role::Admin && self.scope == Scope::All && !self.disabled
    }
}
