//! What was compared in shadow mode: one row for each incident.

use jiff::Timestamp;
use sqlx::{QueryBuilder, Sqlite, sqlite::SqliteRow};

use super::{
    Store,
    error::Result,
    pages::{PageKey, turn},
    row::{Cells, statements},
    search::{push_scope, push_scope_at},
};
use crate::domain::{
    account::Scope,
    ids::{ClientId, IncidentId, WorkspaceId},
    shadow::{Compared, LapseKind},
};

statements! {
    const COMPARED = "SELECT compared, incident AS id FROM shadows
        WHERE workspace = ?1 AND incident = ?2 AND client = ?3";
}

/// What a page of compared incidents asks for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ShadowFilter {
    /// Only with a lapse of this kind.
    pub kind: Option<LapseKind>,
    /// Only this workspace's.
    pub workspace: Option<WorkspaceId>,
    /// What the reader may see.
    pub scope: Scope,
}

/// One row of that page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShadowRow {
    /// Whose.
    pub client: ClientId,
    /// Where.
    pub workspace: WorkspaceId,
    /// Which.
    pub incident: IncidentId,
    /// Number in its workspace.
    pub number: Option<i64>,
    /// Title.
    pub title: String,
    /// Made in Sentinel.
    pub opened: Timestamp,
    /// What was found.
    pub compared: Compared,
    /// When that last changed.
    pub changed: Timestamp,
}

/// A page of them, newest change first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShadowPage {
    /// The rows.
    pub rows: Vec<ShadowRow>,
    /// Key of the page after, if there is one.
    pub next: Option<PageKey>,
    /// Key of the page before, if there is one.
    pub previous: Option<PageKey>,
}

/// What was found in a workspace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShadowCount {
    /// Whose.
    pub client: ClientId,
    /// Where.
    pub workspace: WorkspaceId,
    /// Incidents compared.
    pub incidents: i64,
    /// Those with a ticket.
    pub ticketed: i64,
    /// Seconds that their tickets came after them, in all.
    pub late_secs: i64,
    /// Things missed.
    pub missed: i64,
    /// Things doubled.
    pub doubled: i64,
    /// Things carried over late.
    pub delayed: i64,
}

impl Store {
    /// What was last found of an incident, as this client's.
    ///
    /// # Errors
    /// What the database says.
    pub async fn compared(
        &self,
        client: ClientId,
        workspace: WorkspaceId,
        incident: &IncidentId,
    ) -> Result<Option<Compared>> {
        let mut reader = self.reader().await?;
        let query = sqlx::query(COMPARED).bind(workspace.to_string()).bind(incident.as_str()).bind(client.to_string());
        let row = query.fetch_optional(&mut *reader).await?;
        row.map(|row| Cells::new(&row, "shadows").json("compared")).transpose()
    }

    /// What was found, by client and workspace.
    ///
    /// # Errors
    /// What the database says.
    pub async fn shadow_counters(&self, scope: &Scope) -> Result<Vec<ShadowCount>> {
        let mut sql = QueryBuilder::<Sqlite>::new(
            "SELECT client AS id, client, workspace, incidents, ticketed, late_secs, missed, doubled, delayed
             FROM shadow_counts WHERE incidents > 0",
        );
        push_scope_at(&mut sql, "client", "workspace", scope)?;
        let mut reader = self.reader().await?;
        let rows = sql.build().fetch_all(&mut *reader).await?;
        rows.iter()
            .map(|row| {
                let cells = Cells::new(row, "shadow_counts");
                Ok(ShadowCount {
                    client: cells.id("client")?,
                    workspace: cells.id("workspace")?,
                    incidents: cells.int("incidents")?,
                    ticketed: cells.int("ticketed")?,
                    late_secs: cells.int("late_secs")?,
                    missed: cells.int("missed")?,
                    doubled: cells.int("doubled")?,
                    delayed: cells.int("delayed")?,
                })
            })
            .collect()
    }

    /// A page of compared incidents, newest change first.
    ///
    /// # Errors
    /// What the database says.
    pub async fn shadows_page(&self, filter: &ShadowFilter, after: Option<PageKey>, limit: u32) -> Result<ShadowPage> {
        let mut sql = QueryBuilder::<Sqlite>::new(
            "SELECT d.subject AS id, d.client, d.workspace, d.incident, s.number, s.title, s.opened_ms, d.compared,
               d.changed_ms FROM shadows d JOIN subjects s ON s.id = d.subject WHERE 1 = 1",
        );
        // Written out, so that the partial indexes are found.
        match filter.kind {
            None => {}
            Some(LapseKind::Missed) => {
                sql.push(" AND d.missed > 0");
            }
            Some(LapseKind::Doubled) => {
                sql.push(" AND d.doubled > 0");
            }
            Some(LapseKind::Delayed) => {
                sql.push(" AND d.delayed > 0");
            }
        }
        if let Some(workspace) = filter.workspace {
            sql.push(" AND d.workspace = ").push_bind(workspace.to_string());
        }
        // What was compared for a client before is not for those who read the incident now, nor the incident for those who
        // read what was compared.
        push_scope_at(&mut sql, "d.client", "d.workspace", &filter.scope)?;
        push_scope(&mut sql, "s.client", &filter.scope)?;
        let backward = after.is_some_and(|key| key.backward);
        if let Some(key) = after {
            sql.push(" AND (d.changed_ms, d.subject) ").push(if backward { "> (" } else { "< (" });
            sql.push_bind(key.value).push(", ").push_bind(key.row).push(")");
        }
        let direction = if backward { "ASC" } else { "DESC" };
        sql.push(format_args!(" ORDER BY d.changed_ms {direction}, d.subject {direction} LIMIT "));
        sql.push_bind(i64::from(limit) + 1);
        let mut reader = self.reader().await?;
        let rows = sql.build().fetch_all(&mut *reader).await?;
        let mut found = rows.iter().map(keyed).collect::<Result<Vec<_>>>()?;
        let (next, previous) = turn(&mut found, after, limit);
        Ok(ShadowPage { rows: found.into_iter().map(|(row, ..)| row).collect(), next, previous })
    }
}

fn keyed(row: &SqliteRow) -> Result<(ShadowRow, i64, i64)> {
    let cells = Cells::new(row, "shadows");
    let row = ShadowRow {
        client: cells.id("client")?,
        workspace: cells.id("workspace")?,
        incident: IncidentId::new(cells.text("incident")?),
        number: cells.opt_int("number")?,
        title: cells.text("title")?.to_owned(),
        opened: cells.time("opened_ms")?,
        compared: cells.json("compared")?,
        changed: cells.time("changed_ms")?,
    };
    Ok((row, cells.int("changed_ms")?, cells.int("id")?))
}
