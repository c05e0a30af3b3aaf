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

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn caller(role: Role, scope: Scope) -> Caller {
        Caller { user: UserId(Uuid::nil()), name: "ada".into(), role, scope }
    }

    #[test]
    fn each_role_may_do_what_the_one_below_may() {
        let roles = [Role::Viewer, Role::Operator, Role::Admin];
        for (have_at, have) in roles.into_iter().enumerate() {
            for (need_at, need) in roles.into_iter().enumerate() {
                let allowed = caller(have, Scope::All).need(need).is_ok();
                assert_eq!(allowed, have_at >= need_at, "{have:?} for {need:?}");
            }
        }
    }

    #[test]
    fn a_foreign_client_does_not_exist() {
        let (mine, other) = (ClientId(Uuid::from_u128(1)), ClientId(Uuid::from_u128(2)));
        let limited = caller(Role::Admin, Scope::Clients(vec![mine]));
        assert_eq!(limited.see(mine), Ok(()));
        assert_eq!(limited.see(other), Err(ServiceError::NotFound));
        assert_eq!(limited.need_everything(), Err(ServiceError::Forbidden));
        assert_eq!(caller(Role::Viewer, Scope::All).see(other), Ok(()));
    }
}
