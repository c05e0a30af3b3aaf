//! Single values: the instance mark, the hash of the set-up code, and the like.

use super::{Store, Tx, error::Result, row::statements};

statements! {
    const GET = "SELECT value FROM settings WHERE name = ?1";
    const UNDER = "SELECT name, value FROM settings WHERE name >= ?1 AND name < ?2 ORDER BY name";
    const PUT = "INSERT INTO settings (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = excluded.value";
    const REMOVE = "DELETE FROM settings WHERE name = ?1";
}

/// Name of the setting that holds the hash of the one-time set-up code.
const SETUP_CODE: &str = "setup-code-hash";

impl Store {
    /// A single value by name.
    ///
    /// # Errors
    /// What the database says.
    pub async fn setting(&self, name: &str) -> Result<Option<String>> {
        let mut reader = self.reader().await?;
        Ok(sqlx::query_scalar(GET).bind(name).fetch_optional(&mut *reader).await?)
    }

    /// Every value whose name begins so, by name.
    ///
    /// # Errors
    /// What the database says.
    pub async fn settings_under(&self, prefix: &str) -> Result<Vec<(String, String)>> {
        let mut reader = self.reader().await?;
        let after = format!("{prefix}{}", char::MAX);
        Ok(sqlx::query_as(UNDER).bind(prefix).bind(after).fetch_all(&mut *reader).await?)
    }

    /// The hash of the one-time set-up code, while the first admin does not exist.
    ///
    /// # Errors
    /// What the database says.
    pub async fn setup_code_hash(&self) -> Result<Option<String>> {
        self.setting(SETUP_CODE).await
    }
}

impl Tx {
    /// Sets (or, with `None`, removes) a single value.
    ///
    /// # Errors
    /// What the database says.
    pub async fn put_setting(&mut self, name: &str, value: Option<&str>) -> Result<()> {
        match value {
            Some(value) => sqlx::query(PUT).bind(name).bind(value).execute(&mut *self.connection).await?,
            None => sqlx::query(REMOVE).bind(name).execute(&mut *self.connection).await?,
        };
        Ok(())
    }

    /// Sets or removes the hash of the one-time set-up code.
    ///
    /// # Errors
    /// What the database says.
    pub async fn put_setup_code_hash(&mut self, hash: Option<&str>) -> Result<()> {
        self.put_setting(SETUP_CODE, hash).await
    }
}
