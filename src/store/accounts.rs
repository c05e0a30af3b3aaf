//! Accounts. The password's hash is made and checked by `service`; here it is only kept.

use jiff::Timestamp;
use sqlx::sqlite::SqliteRow;

use super::{
    Store, Tx,
    error::Result,
    row::{Cells, one, statements, to_json},
    secrets::SecretOwner,
};
use crate::domain::{
    account::{Role, Scope, User},
    ids::UserId,
    time::to_ms,
};

statements! {
    const ALL_USERS = "SELECT id, name, role, scope, time_zone, password, disabled, created_ms, seen_ms FROM users ORDER BY name";
    const BY_ID = "SELECT id, name, role, scope, time_zone, password, disabled, created_ms, seen_ms FROM users WHERE id = ?1";
    const BY_NAME = "SELECT id, name, role, scope, time_zone, password, disabled, created_ms, seen_ms FROM users WHERE name = ?1";
    const ADMINS = "SELECT count(*) FROM users WHERE role = 'admin' AND disabled = 0";
    const INSERT = "INSERT INTO users (id, name, role, scope, time_zone, password, disabled, created_ms)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
    const UPDATE = "UPDATE users SET name = ?2, role = ?3, scope = ?4, time_zone = ?5, disabled = ?6 WHERE id = ?1";
    const PASSWORD = "UPDATE users SET password = ?2 WHERE id = ?1";
    const SEEN = "UPDATE users SET seen_ms = ?2 WHERE id = ?1";
    const DELETE = "DELETE FROM users WHERE id = ?1";
}

/// An account with its password's hash, for signing in.
#[derive(Clone, PartialEq, Eq)]
pub struct Account {
    /// The account.
    pub user: User,
    /// PHC string of argon2; `None` when it signs in otherwise.
    pub password_hash: Option<String>,
}

impl std::fmt::Debug for Account {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Account").field("user", &self.user).finish_non_exhaustive()
    }
}

/// An account to be made.
pub type NewAccount = Account;

fn account_of(row: &SqliteRow) -> Result<Account> {
    let cells = Cells::new(row, "users");
    let user = User {
        id: cells.id("id")?,
        name: cells.text("name")?.to_owned(),
        role: cells.parsed("role", Role::parse)?,
        scope: cells.json::<Scope>("scope")?,
        time_zone: cells.opt_text("time_zone")?.map(str::to_owned),
        disabled: cells.flag("disabled")?,
        created: cells.time("created_ms")?,
        seen: cells.opt_time("seen_ms")?,
    };
    Ok(Account { user, password_hash: cells.opt_text("password")?.map(str::to_owned) })
}

impl Store {
    /// All accounts, by name.
    ///
    /// # Errors
    /// What the database says.
    pub async fn users(&self) -> Result<Vec<User>> {
        let mut reader = self.reader().await?;
        let rows = sqlx::query(ALL_USERS).fetch_all(&mut *reader).await?;
        rows.iter().map(|row| account_of(row).map(|account| account.user)).collect()
    }

    /// An account by id.
    ///
    /// # Errors
    /// What the database says.
    pub async fn user(&self, id: UserId) -> Result<Option<Account>> {
        let mut reader = self.reader().await?;
        let row = sqlx::query(BY_ID).bind(id.to_string()).fetch_optional(&mut *reader).await?;
        row.as_ref().map(account_of).transpose()
    }

    /// An account by name, without regard to case.
    ///
    /// # Errors
    /// What the database says.
    pub async fn user_by_name(&self, name: &str) -> Result<Option<Account>> {
        let mut reader = self.reader().await?;
        let row = sqlx::query(BY_NAME).bind(name.trim()).fetch_optional(&mut *reader).await?;
        row.as_ref().map(account_of).transpose()
    }

    /// Whether an admin exists who is not kept out: before that the server listens on loopback only.
    ///
    /// # Errors
    /// What the database says.
    pub async fn has_admin(&self) -> Result<bool> {
        let mut reader = self.reader().await?;
        let admins: i64 = sqlx::query_scalar(ADMINS).fetch_one(&mut *reader).await?;
        Ok(admins > 0)
    }
}

impl Tx {
    /// All accounts, as seen by this transaction.
    ///
    /// # Errors
    /// What the database says.
    pub async fn users(&mut self) -> Result<Vec<User>> {
        let rows = sqlx::query(ALL_USERS).fetch_all(&mut *self.connection).await?;
        rows.iter().map(|row| account_of(row).map(|account| account.user)).collect()
    }

    /// Whether an admin exists, as seen by this transaction: two first admins at once are impossible.
    ///
    /// # Errors
    /// What the database says.
    pub async fn has_admin(&mut self) -> Result<bool> {
        let admins: i64 = sqlx::query_scalar(ADMINS).fetch_one(&mut *self.connection).await?;
        Ok(admins > 0)
    }

    /// Makes an account.
    ///
    /// # Errors
    /// [`super::StoreError::Taken`] when the name is.
    pub async fn create_user(&mut self, account: &NewAccount) -> Result<()> {
        let user = &account.user;
        let query = sqlx::query(INSERT)
            .bind(user.id.to_string())
            .bind(user.name.trim())
            .bind(user.role.as_str())
            .bind(to_json(&user.scope)?)
            .bind(user.time_zone.as_deref())
            .bind(account.password_hash.as_deref())
            .bind(user.disabled)
            .bind(to_ms(user.created));
        one(query.execute(&mut *self.connection).await?.rows_affected(), "users", user.id)
    }

    /// Changes name, role, scope, time zone and whether it is kept out.
    ///
    /// # Errors
    /// [`super::StoreError::Taken`] when the name is, [`super::StoreError::Missing`].
    pub async fn update_user(&mut self, user: &User) -> Result<()> {
        let query = sqlx::query(UPDATE)
            .bind(user.id.to_string())
            .bind(user.name.trim())
            .bind(user.role.as_str())
            .bind(to_json(&user.scope)?)
            .bind(user.time_zone.as_deref())
            .bind(user.disabled);
        one(query.execute(&mut *self.connection).await?.rows_affected(), "users", user.id)
    }

    /// Sets (or, with `None`, removes) the password's hash.
    ///
    /// # Errors
    /// [`super::StoreError::Missing`].
    pub async fn put_password_hash(&mut self, user: UserId, hash: Option<&str>) -> Result<()> {
        let query = sqlx::query(PASSWORD).bind(user.to_string()).bind(hash);
        one(query.execute(&mut *self.connection).await?.rows_affected(), "users", user)
    }

    /// Notes a sign-in.
    ///
    /// # Errors
    /// [`super::StoreError::Missing`].
    pub async fn user_seen(&mut self, user: UserId, at: Timestamp) -> Result<()> {
        let query = sqlx::query(SEEN).bind(user.to_string()).bind(to_ms(at));
        one(query.execute(&mut *self.connection).await?.rows_affected(), "users", user)
    }

    /// Removes an account with its secrets. What it did stays in the ledger under its id.
    ///
    /// # Errors
    /// [`super::StoreError::Missing`].
    pub async fn remove_user(&mut self, user: UserId) -> Result<()> {
        let done = sqlx::query(DELETE).bind(user.to_string()).execute(&mut *self.connection).await?;
        one(done.rows_affected(), "users", user)?;
        self.remove_secrets(SecretOwner::User(user)).await
    }
}
