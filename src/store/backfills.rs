//! Backfills: the last one of each workspace.

use super::{
    Store,
    error::Result,
    row::{Cells, statements},
};
use crate::domain::{backfill::Backfill, ids::WorkspaceId};

statements! {
    const BACKFILL = "SELECT workspace AS id, value FROM backfills WHERE workspace = ?1";
    const ALL_BACKFILLS = "SELECT workspace AS id, value FROM backfills";
}

impl Store {
    /// The last backfill of a workspace.
    ///
    /// # Errors
    /// What the database says.
    pub async fn backfill(&self, workspace: WorkspaceId) -> Result<Option<Backfill>> {
        let mut reader = self.reader().await?;
        let row = sqlx::query(BACKFILL).bind(workspace.to_string()).fetch_optional(&mut *reader).await?;
        row.map(|row| Cells::new(&row, "backfills").json("value")).transpose()
    }

    /// The last backfill of every workspace that ever had one.
    ///
    /// # Errors
    /// What the database says.
    pub async fn backfills(&self) -> Result<Vec<Backfill>> {
        let mut reader = self.reader().await?;
        let rows = sqlx::query(ALL_BACKFILLS).fetch_all(&mut *reader).await?;
        rows.iter().map(|row| Cells::new(row, "backfills").json("value")).collect()
    }
}
