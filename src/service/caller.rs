//! Who calls a use case, and what they may do.

use crate::domain::{
    account::{Role, Scope, User},
    ids::{ClientId, UserId},
};

use super::error::ServiceError;

/// A person who is signed in, as read from the store for this very request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// Who.
    pub user: UserId,
    /// Their sign-in name.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// Whose records.
    pub scope: Scope,
}

impl From<&User> for Caller {
    fn from(user: &User) -> Self {
        Self { user: user.id, name: user.name.clone(), role: user.role, scope: user.scope.clone() }
    }
}

impl Caller {
    /// # Errors
    /// `Forbidden` when the role is below `role`.
    pub fn need(&self, role: Role) -> Result<(), ServiceError> {
        if self.role >= role { Ok(()) } else { Err(ServiceError::Forbidden) }
    }

    /// # Errors
    /// `NotFound` when the client is outside the scope: a foreign record does not exist for this caller.
    pub fn see(&self, client: ClientId) -> Result<(), ServiceError> {
        if self.scope.allows(Some(client)) { Ok(()) } else { Err(ServiceError::NotFound) }
    }

    /// For what belongs to the installation as a whole: connections, accounts, the ledger's own chain.
    ///
    /// # Errors
    /// `Forbidden` when the scope is limited to some clients.
    pub fn need_everything(&self) -> Result<(), ServiceError> {
        if self.scope == Scope::All { Ok(()) } else { Err(ServiceError::Forbidden) }
    }
}
