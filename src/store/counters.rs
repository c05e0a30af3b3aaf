//! Kept counters: read, never counted.

use super::{Store, error::Result, row::Cells, search::push_scope_at};
use crate::domain::{
    account::Scope,
    ids::{ClientId, WorkspaceId},
    pair::{Health, SyncState},
};

/// How many pairs of a client and workspace stand so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PairCount {
    /// Whose.
    pub client: ClientId,
    /// Where.
    pub workspace: WorkspaceId,
    /// How far apart.
    pub sync: SyncState,
    /// Whether somebody must act.
    pub health: Health,
    /// How many.
    pub pairs: i64,
}

/// How many unlinked incidents are held for a reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldCount {
    /// Whose.
    pub client: ClientId,
    /// Where.
    pub workspace: WorkspaceId,
    /// [`crate::domain::reason::Reason::code`].
    pub code: String,
    /// How many.
    pub subjects: i64,
}

impl Store {
    /// Pairs by client, workspace and the two axes of status.
    ///
    /// # Errors
    /// What the database says.
    pub async fn counters(&self, scope: &Scope) -> Result<Vec<PairCount>> {
        // One row with all of it: with hundreds of clients reading row by row takes longer than the page's own rows.
        let mut sql = sqlx::QueryBuilder::<sqlx::Sqlite>::new(
            "SELECT json_group_array(json_array(client, workspace, sync, health, pairs)) AS counts
               FROM pair_counts WHERE pairs > 0",
        );
        push_scope_at(&mut sql, "client", "workspace", scope)?;
        let mut reader = self.reader().await?;
        let row = sql.build().fetch_one(&mut *reader).await?;
        let counts: Vec<(ClientId, WorkspaceId, SyncState, Health, i64)> =
            Cells::new(&row, "pair_counts").json("counts")?;
        let count = |(client, workspace, sync, health, pairs)| PairCount { client, workspace, sync, health, pairs };
        Ok(counts.into_iter().map(count).collect())
    }

    /// How many pairs wait for a person: every page says it, so it is one number and not a row for each client.
    ///
    /// # Errors
    /// What the database says.
    pub async fn needs_you(&self, scope: &Scope) -> Result<i64> {
        let mut sql = sqlx::QueryBuilder::<sqlx::Sqlite>::new(
            "SELECT ifnull(sum(pairs), 0) FROM pair_counts WHERE health = 'needs-you'",
        );
        push_scope_at(&mut sql, "client", "workspace", scope)?;
        let mut reader = self.reader().await?;
        Ok(sql.build_query_scalar().fetch_one(&mut *reader).await?)
    }

    /// Unlinked incidents by client, workspace and reason.
    ///
    /// # Errors
    /// What the database says.
    pub async fn held_counters(&self, scope: &Scope) -> Result<Vec<HeldCount>> {
        let mut sql = sqlx::QueryBuilder::<sqlx::Sqlite>::new(
            "SELECT json_group_array(json_array(client, workspace, code, subjects)) AS counts
               FROM held_counts WHERE subjects > 0",
        );
        push_scope_at(&mut sql, "client", "workspace", scope)?;
        let mut reader = self.reader().await?;
        let row = sql.build().fetch_one(&mut *reader).await?;
        let counts: Vec<(ClientId, WorkspaceId, String, i64)> = Cells::new(&row, "held_counts").json("counts")?;
        let count = |(client, workspace, code, subjects)| HeldCount { client, workspace, code, subjects };
        Ok(counts.into_iter().map(count).collect())
    }
}
