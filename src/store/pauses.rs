//! What is paused.

use super::{
    Store,
    error::Result,
    row::{Cells, statements},
};
use crate::domain::pause::{Pause, PauseScope};

statements! {
    const ALL_PAUSES = "SELECT id, value FROM pauses";
    const OF_SCOPE = "SELECT id, value FROM pauses WHERE scope = ?1 AND id = ?2";
}

impl Store {
    /// Everything that is paused: rarely more than a few.
    ///
    /// # Errors
    /// What the database says.
    pub async fn pauses(&self) -> Result<Vec<Pause>> {
        let mut reader = self.reader().await?;
        let rows = sqlx::query(ALL_PAUSES).fetch_all(&mut *reader).await?;
        rows.iter().map(|row| Cells::new(row, "pauses").json("value")).collect()
    }

    /// The pauses of one scope: by a person, by a failure.
    ///
    /// # Errors
    /// What the database says.
    pub async fn pauses_of(&self, scope: PauseScope) -> Result<Vec<Pause>> {
        let mut reader = self.reader().await?;
        let query = sqlx::query(OF_SCOPE).bind(scope.name()).bind(scope.id());
        let rows = query.fetch_all(&mut *reader).await?;
        rows.iter().map(|row| Cells::new(row, "pauses").json("value")).collect()
    }
}
