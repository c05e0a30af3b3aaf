//! Drift that was found.

use jiff::Timestamp;
use sqlx::{QueryBuilder, Sqlite, sqlite::SqliteRow};

use super::{
    Store,
    error::Result,
    pages::{PageKey, turn},
    row::Cells,
    search::push_scope_at,
};
use crate::domain::{
    account::Scope,
    drift::{Drift, DriftClass, DriftRule},
    ids::{ClientId, PairId, WorkspaceId},
};

/// What a page of drift asks for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DriftFilter {
    /// Only of this class.
    pub class: Option<DriftClass>,
    /// Only this workspace's.
    pub workspace: Option<WorkspaceId>,
    /// What the reader may see.
    pub scope: Scope,
}

/// One drift.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DriftRow {
    /// The pair; it may have been taken apart since.
    pub pair: PairId,
    /// Number and title of its incident, while there is a pair.
    pub incident: Option<(Option<i64>, String)>,
    /// Whose.
    pub client: ClientId,
    /// Where.
    pub workspace: WorkspaceId,
    /// What was found, and done about it.
    pub drift: Drift,
    /// When.
    pub found: Timestamp,
}

/// A page of them, newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DriftPage {
    /// The rows.
    pub rows: Vec<DriftRow>,
    /// Key of the page after, if there is one.
    pub next: Option<PageKey>,
    /// Key of the page before, if there is one.
    pub previous: Option<PageKey>,
}

/// How much drift of a class was dealt with in one way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DriftCount {
    /// Where.
    pub workspace: WorkspaceId,
    /// Of which class.
    pub class: DriftClass,
    /// What was done.
    pub rule: DriftRule,
    /// How many.
    pub drifts: i64,
}

impl Store {
    /// Drift by workspace, class and what was done.
    ///
    /// # Errors
    /// What the database says.
    pub async fn drift_counters(&self, scope: &Scope) -> Result<Vec<DriftCount>> {
        let mut sql = QueryBuilder::<Sqlite>::new(
            "SELECT client AS id, workspace, class, rule, drifts FROM drift_counts WHERE drifts > 0",
        );
        push_scope_at(&mut sql, "client", "workspace", scope)?;
        let mut reader = self.reader().await?;
        let rows = sql.build().fetch_all(&mut *reader).await?;
        rows.iter()
            .map(|row| {
                let cells = Cells::new(row, "drift_counts");
                Ok(DriftCount {
                    workspace: cells.id("workspace")?,
                    class: cells.parsed("class", DriftClass::parse)?,
                    rule: cells.parsed("rule", DriftRule::parse)?,
                    drifts: cells.int("drifts")?,
                })
            })
            .collect()
    }

    /// A page of drift, newest first.
    ///
    /// # Errors
    /// What the database says.
    pub async fn drifts_page(&self, filter: &DriftFilter, after: Option<PageKey>, limit: u32) -> Result<DriftPage> {
        let mut sql = QueryBuilder::<Sqlite>::new(
            "SELECT d.id, d.pair, d.client, d.workspace, d.class, d.rule, d.what, d.found_ms,
               (SELECT json_array(s.number, s.title) FROM pairs p JOIN subjects s ON s.id = p.subject
                 WHERE p.id = d.pair) AS incident
             FROM drifts d WHERE 1 = 1",
        );
        if let Some(class) = filter.class {
            sql.push(" AND d.class = ").push_bind(class.as_str());
        }
        if let Some(workspace) = filter.workspace {
            sql.push(" AND d.workspace = ").push_bind(workspace.to_string());
        }
        push_scope_at(&mut sql, "d.client", "d.workspace", &filter.scope)?;
        let backward = after.is_some_and(|key| key.backward);
        if let Some(key) = after {
            sql.push(" AND (d.found_ms, d.id) ").push(if backward { "> (" } else { "< (" });
            sql.push_bind(key.value).push(", ").push_bind(key.row).push(")");
        }
        let direction = if backward { "ASC" } else { "DESC" };
        sql.push(format_args!(" ORDER BY d.found_ms {direction}, d.id {direction} LIMIT "));
        sql.push_bind(i64::from(limit) + 1);
        let mut reader = self.reader().await?;
        let rows = sql.build().fetch_all(&mut *reader).await?;
        let mut found = rows.iter().map(keyed).collect::<Result<Vec<_>>>()?;
        let (next, previous) = turn(&mut found, after, limit);
        Ok(DriftPage { rows: found.into_iter().map(|(row, ..)| row).collect(), next, previous })
    }
}

fn keyed(row: &SqliteRow) -> Result<(DriftRow, i64, i64)> {
    let cells = Cells::new(row, "drifts");
    let drift = Drift {
        class: cells.parsed("class", DriftClass::parse)?,
        what: cells.text("what")?.to_owned(),
        rule: cells.parsed("rule", DriftRule::parse)?,
    };
    let row = DriftRow {
        pair: cells.id("pair")?,
        incident: cells.opt_json("incident")?,
        client: cells.id("client")?,
        workspace: cells.id("workspace")?,
        drift,
        found: cells.time("found_ms")?,
    };
    Ok((row, cells.int("found_ms")?, cells.int("id")?))
}
