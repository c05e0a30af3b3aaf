//! A whole database as bytes in memory: what the simulation restores, copies and begins each world with.

use std::sync::Arc;

use super::{Store, connections::Connections, error::Result, seal::SealKey};

/// A consistent copy of a database. Cloning shares it.
#[derive(Debug, Clone)]
pub struct Snapshot(Arc<[u8]>);

impl Snapshot {
    /// Its size in bytes.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// All of it.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// Whether it holds nothing.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Store {
    /// The database as it stands, committed transactions only.
    ///
    /// # Errors
    /// What the database says.
    pub async fn snapshot(&self) -> Result<Snapshot> {
        let mut reader = self.reader().await?;
        let bytes = reader.serialize(None).await?;
        Ok(Snapshot(Arc::from(&bytes[..])))
    }

    /// A database in memory that begins as a snapshot of another. Secrets open with that one's key.
    ///
    /// # Errors
    /// Only if memory is short.
    pub async fn from_snapshot(snapshot: &Snapshot, key: SealKey) -> Result<Self> {
        Self::over(Connections::copied(&snapshot.0).await?, key, None).await
    }

    /// Whether a statement or transaction is under way on a database in memory: whoever waits then waits for
    /// the database alone.
    pub fn in_use(&self) -> bool {
        self.inner.connections.writing()
    }
}
