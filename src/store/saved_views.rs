//! Saved views: the filter and order of a list under a name.

use sqlx::sqlite::SqliteRow;

use super::{
    Store, Tx,
    error::Result,
    row::{Cells, one, statements},
};
use crate::domain::{
    account::Scope,
    ids::{UserId, ViewId},
    saved::{SavedList, SavedView},
    time::to_ms,
};

statements! {
    const SHOWN = "SELECT v.id, v.owner, v.list, v.name, v.query, v.shared, v.saved_ms, u.name AS owner_name, u.scope
        FROM saved_views v JOIN users u ON u.id = v.owner WHERE v.owner = ?1 OR v.shared = 1";
    const COUNT_OF = "SELECT count(*) FROM saved_views WHERE owner = ?1";
    const INSERT = "INSERT INTO saved_views (id, owner, list, name, query, shared, saved_ms)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    const CHANGE = "UPDATE saved_views SET name = ?2, shared = ?3 WHERE id = ?1";
    const REMOVE = "DELETE FROM saved_views WHERE id = ?1";
}

/// A saved view with what is known of the account that keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptView {
    /// The view.
    pub view: SavedView,
    /// Its owner's name.
    pub by: String,
    /// Whose records its owner sees.
    pub scope: Scope,
}

fn kept_of(row: &SqliteRow) -> Result<KeptView> {
    let cells = Cells::new(row, "saved_views");
    Ok(KeptView {
        view: SavedView {
            id: cells.id("id")?,
            owner: cells.id("owner")?,
            list: cells.parsed("list", SavedList::parse)?,
            name: cells.text("name")?.to_owned(),
            query: cells.text("query")?.to_owned(),
            shared: cells.flag("shared")?,
            saved: cells.time("saved_ms")?,
        },
        by: cells.text("owner_name")?.to_owned(),
        scope: cells.json::<Scope>("scope")?,
    })
}

impl Store {
    /// The saved views of an account and all that are shared, in no order.
    ///
    /// # Errors
    /// What the database says.
    pub async fn saved_views(&self, reader_of: UserId) -> Result<Vec<KeptView>> {
        let mut reader = self.reader().await?;
        let rows = sqlx::query(SHOWN).bind(reader_of.to_string()).fetch_all(&mut *reader).await?;
        rows.iter().map(kept_of).collect()
    }
}

impl Tx {
    /// How many views an account keeps.
    ///
    /// # Errors
    /// What the database says.
    pub async fn saved_views_of(&mut self, owner: UserId) -> Result<i64> {
        Ok(sqlx::query_scalar(COUNT_OF).bind(owner.to_string()).fetch_one(&mut *self.connection).await?)
    }

    /// Keeps a new view.
    ///
    /// # Errors
    /// [`super::StoreError::Taken`] when its owner has one of this name.
    pub async fn create_saved_view(&mut self, view: &SavedView) -> Result<()> {
        let query = sqlx::query(INSERT)
            .bind(view.id.to_string())
            .bind(view.owner.to_string())
            .bind(view.list.as_str())
            .bind(view.name.as_str())
            .bind(view.query.as_str())
            .bind(view.shared)
            .bind(to_ms(view.saved));
        one(query.execute(&mut *self.connection).await?.rows_affected(), "saved_views", view.id)
    }

    /// Gives a view another name, and shares it or no longer.
    ///
    /// # Errors
    /// [`super::StoreError::Taken`] when its owner has another one of this name, [`super::StoreError::Missing`].
    pub async fn change_saved_view(&mut self, id: ViewId, name: &str, shared: bool) -> Result<()> {
        let query = sqlx::query(CHANGE).bind(id.to_string()).bind(name).bind(shared);
        one(query.execute(&mut *self.connection).await?.rows_affected(), "saved_views", id)
    }

    /// Removes a view.
    ///
    /// # Errors
    /// [`super::StoreError::Missing`].
    pub async fn remove_saved_view(&mut self, id: ViewId) -> Result<()> {
        let done = sqlx::query(REMOVE).bind(id.to_string()).execute(&mut *self.connection).await?;
        one(done.rows_affected(), "saved_views", id)
    }
}
