//! Secrets: sealed, or by reference to the environment or a file.

use jiff::Timestamp;
use secrecy::SecretString;

use super::{
    Store, Tx,
    error::{Result, StoreError},
    row::{Cells, statements},
};
use crate::domain::{
    ids::{ConnectionId, UserId, WorkspaceId},
    time::to_ms,
};

statements! {
    const GET = "SELECT owner || '/' || name AS id, source, sealed, reference FROM secrets WHERE owner = ?1 AND name = ?2";
    const LIST = "SELECT owner || '/' || name AS id, name, source, reference, changed_ms FROM secrets
        WHERE owner = ?1 ORDER BY name";
    const PUT = "INSERT INTO secrets (owner, name, source, sealed, reference, changed_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
        ON CONFLICT (owner, name) DO UPDATE SET source = excluded.source, sealed = excluded.sealed,
            reference = excluded.reference, changed_ms = excluded.changed_ms";
    const REMOVE = "DELETE FROM secrets WHERE owner = ?1 AND name = ?2";
    const REMOVE_ALL = "DELETE FROM secrets WHERE owner = ?1";
}

/// Whose secret it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SecretOwner {
    /// A connection's (`client-secret`, `refresh-token`, `certificate`, `webhook`, …).
    Connection(ConnectionId),
    /// A workspace's (`webhook`).
    Workspace(WorkspaceId),
    /// A person's.
    User(UserId),
    /// The installation's (`cookie-key`, …).
    Installation,
}

impl std::fmt::Display for SecretOwner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Connection(id) => write!(f, "connection/{id}"),
            Self::Workspace(id) => write!(f, "workspace/{id}"),
            Self::User(id) => write!(f, "user/{id}"),
            Self::Installation => f.write_str("installation"),
        }
    }
}

/// Where a secret is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretSource {
    /// Here, sealed.
    Sealed,
    /// In this environment variable.
    Env(String),
    /// In this file (a trailing line break is not part of it).
    File(String),
}

impl SecretSource {
    /// A secret that lies outside, read now; `None` of a sealed one, which lies here.
    ///
    /// # Errors
    /// [`StoreError::Secret`] when the variable or file is missing or empty.
    pub fn read(&self) -> Result<Option<SecretString>> {
        match self {
            Self::Sealed => Ok(None),
            Self::Env(variable) => from_env(variable).map(Some),
            Self::File(path) => from_file(path).map(Some),
        }
    }
}

/// A secret without its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretStanding {
    /// Its name.
    pub name: String,
    /// Where it is.
    pub source: SecretSource,
    /// When it was last set.
    pub changed: Timestamp,
}

fn identity(owner: SecretOwner, name: &str) -> String {
    format!("{owner}/{name}")
}

fn source_of(cells: &Cells<'_>) -> Result<SecretSource> {
    let reference = || cells.text("reference").map(str::to_owned);
    match cells.text("source")? {
        "sealed" => Ok(SecretSource::Sealed),
        "env" => reference().map(SecretSource::Env),
        "file" => reference().map(SecretSource::File),
        _ => Err(cells.corrupt("source")),
    }
}

impl Store {
    /// A secret's value; references are followed now. `None` when none was set.
    ///
    /// # Errors
    /// [`StoreError::Secret`] when the variable or file is missing or empty, [`StoreError::Key`] when it was sealed
    /// with another key.
    pub async fn secret(&self, owner: SecretOwner, name: &str) -> Result<Option<SecretString>> {
        let mut reader = self.reader().await?;
        let query = sqlx::query(GET).bind(owner.to_string()).bind(name);
        let Some(row) = query.fetch_optional(&mut *reader).await? else { return Ok(None) };
        drop(reader);
        let cells = Cells::new(&row, "secrets");
        let value = match source_of(&cells)? {
            SecretSource::Sealed => self.inner.key.open(&identity(owner, name), cells.blob("sealed")?)?,
            SecretSource::Env(variable) => from_env(&variable)?,
            SecretSource::File(path) => from_file(&path)?,
        };
        Ok(Some(value))
    }

    /// Which secrets an owner has, without their values.
    ///
    /// # Errors
    /// What the database says.
    pub async fn secret_sources(&self, owner: SecretOwner) -> Result<Vec<SecretStanding>> {
        let mut reader = self.reader().await?;
        let rows = sqlx::query(LIST).bind(owner.to_string()).fetch_all(&mut *reader).await?;
        rows.iter()
            .map(|row| {
                let cells = Cells::new(row, "secrets");
                Ok(SecretStanding {
                    name: cells.text("name")?.to_owned(),
                    source: source_of(&cells)?,
                    changed: cells.time("changed_ms")?,
                })
            })
            .collect()
    }
}

impl Store {
    /// Seals a secret as text for a file (`config export`); `identity` says what it is for.
    ///
    /// # Errors
    /// [`StoreError::Key`].
    pub fn seal_text(&self, identity: &str, secret: &SecretString) -> Result<String> {
        Ok(hex::encode(self.inner.key.seal(identity, secret)?))
    }

    /// Opens what [`Store::seal_text`] made for the same identity.
    ///
    /// # Errors
    /// [`StoreError::Key`] when it is another key's, another identity's, or no sealed text.
    pub fn open_text(&self, identity: &str, text: &str) -> Result<SecretString> {
        let sealed = hex::decode(text.trim())
            .map_err(|_| StoreError::Key(format!("The sealed secret {identity} is not sealed text.")))?;
        self.inner.key.open(identity, &sealed)
    }
}

fn from_env(variable: &str) -> Result<SecretString> {
    match std::env::var(variable) {
        Ok(value) if !value.is_empty() => Ok(SecretString::from(value)),
        _ => Err(StoreError::Secret(format!(
            "The environment variable {variable} that holds a secret is not set. Set it and start again."
        ))),
    }
}

fn from_file(path: &str) -> Result<SecretString> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| StoreError::Secret(format!("The file {path} that holds a secret cannot be read: {error}.")))?;
    let value = text.strip_suffix('\n').map_or(text.as_str(), |line| line.strip_suffix('\r').unwrap_or(line));
    if value.is_empty() {
        return Err(StoreError::Secret(format!("The file {path} that should hold a secret is empty.")));
    }
    Ok(SecretString::from(value.to_owned()))
}

impl Tx {
    /// Sets a secret. With [`SecretSource::Sealed`] `value` is sealed and kept; with a reference `value` is ignored
    /// and never stored.
    ///
    /// # Errors
    /// What the database says.
    pub async fn put_secret(
        &mut self,
        now: Timestamp,
        owner: SecretOwner,
        name: &str,
        value: &SecretString,
        source: &SecretSource,
    ) -> Result<()> {
        let (kind, sealed, reference) = match source {
            SecretSource::Sealed => ("sealed", Some(self.store.inner.key.seal(&identity(owner, name), value)?), None),
            SecretSource::Env(variable) => ("env", None, Some(variable.as_str())),
            SecretSource::File(path) => ("file", None, Some(path.as_str())),
        };
        let query = sqlx::query(PUT)
            .bind(owner.to_string())
            .bind(name)
            .bind(kind)
            .bind(sealed)
            .bind(reference)
            .bind(to_ms(now));
        query.execute(&mut *self.connection).await?;
        self.configuration_changed = true;
        Ok(())
    }

    /// Replaces a sealed secret that renews itself (a refresh token): no change of the configuration, so nothing
    /// built from it is built anew.
    ///
    /// # Errors
    /// What the database says.
    pub async fn rotate_secret(
        &mut self,
        now: Timestamp,
        owner: SecretOwner,
        name: &str,
        value: &SecretString,
    ) -> Result<()> {
        let before = self.configuration_changed;
        self.put_secret(now, owner, name, value, &SecretSource::Sealed).await?;
        self.configuration_changed = before;
        Ok(())
    }

    /// Removes a secret; whether there was one.
    ///
    /// # Errors
    /// What the database says.
    pub async fn remove_secret(&mut self, owner: SecretOwner, name: &str) -> Result<bool> {
        let query = sqlx::query(REMOVE).bind(owner.to_string()).bind(name);
        let removed = query.execute(&mut *self.connection).await?.rows_affected() > 0;
        self.configuration_changed |= removed;
        Ok(removed)
    }

    pub(super) async fn remove_secrets(&mut self, owner: SecretOwner) -> Result<()> {
        sqlx::query(REMOVE_ALL).bind(owner.to_string()).execute(&mut *self.connection).await?;
        Ok(())
    }
}
