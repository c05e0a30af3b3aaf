//! Browser sessions for tower-sessions. Kept under the hash of their id: who reads the database cannot take one over.

use async_trait::async_trait;
use jiff::Timestamp;
use sha2::{Digest, Sha256};
use tower_sessions::{
    SessionStore,
    session::{Id, Record},
    session_store,
};

use super::{
    Store,
    error::{Result, StoreError},
    row::statements,
};
use crate::domain::{ids::UserId, time::to_ms};

statements! {
    const CREATE = "INSERT INTO sessions (id, data, expires_ms) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING";
    const SAVE = "INSERT INTO sessions (id, data, expires_ms) VALUES (?1, ?2, ?3)
        ON CONFLICT (id) DO UPDATE SET data = excluded.data, expires_ms = excluded.expires_ms";
    const LOAD = "SELECT data, expires_ms FROM sessions WHERE id = ?1";
    const DELETE = "DELETE FROM sessions WHERE id = ?1";
    const EXPIRE = "DELETE FROM sessions WHERE expires_ms <= ?1";
    const ALL_OUT = "DELETE FROM sessions";
    const OF_USER = "SELECT data FROM sessions WHERE json_extract(data, '$.\"signed-in\".user') = ?1";
    const USER_OUT = "DELETE FROM sessions WHERE json_extract(data, '$.\"signed-in\".user') = ?1
        AND json_extract(data, '$.\"signed-in\".name') IS NOT ?2";
    const USED = "UPDATE sessions SET data = json_set(data, '$.\"signed-in\".seen_ms', ?3)
        WHERE json_extract(data, '$.\"signed-in\".user') = ?1 AND json_extract(data, '$.\"signed-in\".name') = ?2";
}

/// The session store over the database.
#[derive(Clone)]
pub struct Sessions(Store);

impl std::fmt::Debug for Sessions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sessions")
    }
}

fn key(id: &Id) -> String {
    hex::encode(Sha256::digest(id.0.to_be_bytes()))
}

fn backend(error: impl ToString) -> session_store::Error {
    session_store::Error::Backend(error.to_string())
}

fn expiry_ms(record: &Record) -> i64 {
    i64::try_from(record.expiry_date.unix_timestamp_nanos() / 1_000_000).unwrap_or(i64::MAX)
}

impl Store {
    /// Sessions for the web layer.
    pub fn sessions(&self) -> Sessions {
        Sessions(self.clone())
    }

    /// Removes sessions that have ended.
    ///
    /// # Errors
    /// What the database says.
    pub async fn expire_sessions(&self, now: Timestamp) -> Result<u64> {
        let mut tx = self.begin().await?;
        let gone = sqlx::query(EXPIRE).bind(to_ms(now)).execute(&mut *tx.connection).await?.rows_affected();
        tx.commit().await?;
        Ok(gone)
    }

    /// Ends all sessions (after a restore, or a password reset by the command line).
    ///
    /// # Errors
    /// What the database says.
    pub async fn end_all_sessions(&self) -> Result<u64> {
        let mut tx = self.begin().await?;
        let gone = sqlx::query(ALL_OUT).execute(&mut *tx.connection).await?.rows_affected();
        tx.commit().await?;
        Ok(gone)
    }

    /// What the sessions of an account hold under `signed-in`.
    ///
    /// # Errors
    /// What the database says.
    pub async fn sessions_of(&self, user: UserId) -> Result<Vec<serde_json::Value>> {
        let mut reader = self.reader().await?;
        let rows: Vec<String> = sqlx::query_scalar(OF_USER).bind(user.to_string()).fetch_all(&mut *reader).await?;
        let held = |data: &String| serde_json::from_str::<serde_json::Value>(data).ok()?.get("signed-in").cloned();
        Ok(rows.iter().filter_map(held).collect())
    }

    /// Notes that the session of this name was used.
    ///
    /// # Errors
    /// What the database says.
    pub async fn session_used(&self, user: UserId, name: &str, at: Timestamp) -> Result<()> {
        let mut tx = self.begin().await?;
        let query = sqlx::query(USED).bind(user.to_string()).bind(name).bind(to_ms(at));
        query.execute(&mut *tx.connection).await?;
        tx.commit().await
    }

    /// Ends the sessions of an account, but for the one that holds this name.
    ///
    /// # Errors
    /// What the database says.
    pub async fn end_sessions_of(&self, user: UserId, except: Option<&str>) -> Result<u64> {
        let mut tx = self.begin().await?;
        let query = sqlx::query(USER_OUT).bind(user.to_string()).bind(except.unwrap_or_default());
        let gone = query.execute(&mut *tx.connection).await?.rows_affected();
        tx.commit().await?;
        Ok(gone)
    }

    async fn put_session(&self, statement: &'static str, record: &Record) -> Result<bool> {
        let data = serde_json::to_string(&record.data).map_err(|error| StoreError::Database(error.to_string()))?;
        let mut tx = self.begin().await?;
        let query = sqlx::query(statement).bind(key(&record.id)).bind(data).bind(expiry_ms(record));
        let done = query.execute(&mut *tx.connection).await?.rows_affected() == 1;
        tx.commit().await?;
        Ok(done)
    }
}

#[async_trait]
impl SessionStore for Sessions {
    async fn create(&self, record: &mut Record) -> session_store::Result<()> {
        while !self.0.put_session(CREATE, record).await.map_err(backend)? {
            record.id = Id::default();
        }
        Ok(())
    }

    async fn save(&self, record: &Record) -> session_store::Result<()> {
        self.0.put_session(SAVE, record).await.map_err(backend).map(|_| ())
    }

    /// Whether a session has ended is for the web layer to say: it has the clock.
    async fn load(&self, id: &Id) -> session_store::Result<Option<Record>> {
        let mut reader = self.0.reader().await.map_err(backend)?;
        let row: Option<(String, i64)> =
            sqlx::query_as(LOAD).bind(key(id)).fetch_optional(&mut *reader).await.map_err(backend)?;
        let Some((data, expires)) = row else { return Ok(None) };
        let data = serde_json::from_str(&data).map_err(|error| session_store::Error::Decode(error.to_string()))?;
        let expiry_date = time::OffsetDateTime::from_unix_timestamp_nanos(i128::from(expires) * 1_000_000)
            .map_err(|error| session_store::Error::Decode(error.to_string()))?;
        Ok(Some(Record { id: *id, data, expiry_date }))
    }

    async fn delete(&self, id: &Id) -> session_store::Result<()> {
        let deleted = async {
            let mut tx = self.0.begin().await?;
            sqlx::query(DELETE).bind(key(id)).execute(&mut *tx.connection).await?;
            tx.commit().await
        };
        deleted.await.map_err(backend)
    }
}
