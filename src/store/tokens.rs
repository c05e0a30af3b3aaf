//! Tokens of programs. Here a token is its hash; the token itself is shown once, and kept nowhere.

use jiff::Timestamp;
use sqlx::sqlite::SqliteRow;

use super::{
    Store, Tx,
    error::Result,
    row::{Cells, one, statements, to_json},
};
use crate::domain::{
    account::{ApiToken, Scope},
    ids::UserId,
    time::to_ms,
};

statements! {
    const ALL_TOKENS = "SELECT id, name, scope, made_by, created_ms, used_ms, revoked_ms FROM api_tokens ORDER BY name";
    const BY_HASH = "SELECT id, name, scope, made_by, created_ms, used_ms, revoked_ms FROM api_tokens WHERE hash = ?1";
    const INSERT = "INSERT INTO api_tokens (id, name, hash, scope, made_by, created_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    const USED = "UPDATE api_tokens SET used_ms = ?2 WHERE id = ?1";
    const REVOKED = "UPDATE api_tokens SET revoked_ms = ?2 WHERE id = ?1 AND revoked_ms IS NULL";
}

fn token_of(row: &SqliteRow) -> Result<ApiToken> {
    let cells = Cells::new(row, "api_tokens");
    Ok(ApiToken {
        id: cells.id("id")?,
        name: cells.text("name")?.to_owned(),
        scope: cells.json::<Scope>("scope")?,
        made_by: cells.id("made_by")?,
        created: cells.time("created_ms")?,
        used: cells.opt_time("used_ms")?,
        revoked: cells.opt_time("revoked_ms")?,
    })
}

impl Store {
    /// All tokens, revoked ones too, by name.
    ///
    /// # Errors
    /// What the database says.
    pub async fn api_tokens(&self) -> Result<Vec<ApiToken>> {
        let mut reader = self.reader().await?;
        sqlx::query(ALL_TOKENS).fetch_all(&mut *reader).await?.iter().map(token_of).collect()
    }

    /// The token with this hash, revoked or not.
    ///
    /// # Errors
    /// What the database says.
    pub async fn api_token(&self, hash: &[u8; 32]) -> Result<Option<ApiToken>> {
        let mut reader = self.reader().await?;
        let row = sqlx::query(BY_HASH).bind(hash.as_slice()).fetch_optional(&mut *reader).await?;
        row.as_ref().map(token_of).transpose()
    }
}

impl Tx {
    /// Keeps a new token.
    ///
    /// # Errors
    /// [`super::StoreError::Taken`] when the name is.
    pub async fn create_api_token(&mut self, token: &ApiToken, hash: &[u8; 32]) -> Result<()> {
        let query = sqlx::query(INSERT)
            .bind(token.id.to_string())
            .bind(token.name.trim())
            .bind(hash.as_slice())
            .bind(to_json(&token.scope)?)
            .bind(token.made_by.to_string())
            .bind(to_ms(token.created));
        one(query.execute(&mut *self.connection).await?.rows_affected(), "api_tokens", token.id)
    }

    /// Notes a use.
    ///
    /// # Errors
    /// [`super::StoreError::Missing`].
    pub async fn api_token_used(&mut self, token: UserId, at: Timestamp) -> Result<()> {
        let query = sqlx::query(USED).bind(token.to_string()).bind(to_ms(at));
        one(query.execute(&mut *self.connection).await?.rows_affected(), "api_tokens", token)
    }

    /// Ends a token for good; its row stays, since the ledger names it.
    ///
    /// # Errors
    /// [`super::StoreError::Missing`] when there is none, or it was revoked before.
    pub async fn revoke_api_token(&mut self, token: UserId, at: Timestamp) -> Result<()> {
        let query = sqlx::query(REVOKED).bind(token.to_string()).bind(to_ms(at));
        one(query.execute(&mut *self.connection).await?.rows_affected(), "api_tokens", token)
    }
}
