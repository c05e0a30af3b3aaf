//! Incidents seen: one row each, linked or not.

use std::collections::BTreeMap;

use jiff::Timestamp;
use sqlx::sqlite::SqliteRow;

use super::{
    Store,
    error::Result,
    pages::PageKey,
    pairs::Version,
    row::{Cells, statements, to_json},
    search::{push_scope_at, push_search},
};
use crate::domain::{
    account::Scope,
    ids::{ClientId, IncidentId, PairId, WorkspaceId},
    incident::{Incident, IncidentStatus, Severity},
    pair::Subject,
    reason::Reason,
    time::to_ms,
};

statements! {
    const SUBJECT = "SELECT s.id, s.workspace, s.client, s.pair, s.held, s.first_seen_ms, s.changed_ms, b.body AS incident_body
        FROM subjects s JOIN bodies b ON b.hash = s.body WHERE s.workspace = ?1 AND s.incident = ?2";
    const INCIDENTS = "SELECT s.id, s.workspace, s.incident, b.body AS incident_body FROM json_each(?1) j
        CROSS JOIN subjects s ON s.workspace = j.value ->> 0 AND s.incident = j.value ->> 1
        CROSS JOIN bodies b ON b.hash = s.body";
    const VERSIONS = "SELECT s.id, s.incident, s.etag, s.pair, s.comments_count, s.held_code, s.modified_ms
        FROM json_each(?2) j JOIN subjects s ON s.workspace = ?1 AND s.incident = j.value";
    const NUMBERS = "SELECT max(number) FROM subjects WHERE workspace = ?1";
    const NUMBERS_SEEN = "SELECT count(*) FROM subjects WHERE workspace = ?1 AND number > ?2 AND number <= ?3";
    const HELD_FOR = "SELECT s.incident FROM subjects s WHERE s.workspace = ?1 AND s.held_code = ?2 AND s.pair IS NULL
        ORDER BY s.opened_ms, s.id LIMIT 0 + ?3";
    const BY_NUMBER = "SELECT incident FROM subjects WHERE number = ?2 AND workspace = ?1";
    const CHANGED_BETWEEN = "SELECT incident FROM subjects WHERE workspace = ?1 AND status <> 'Closed'
        AND modified_ms BETWEEN ?2 AND ?3 LIMIT 0 + ?4";
    const COMMENTED = "SELECT pair FROM subjects s WHERE workspace = ?1 AND comments_count <> 0
        AND (status <> 'Closed' OR modified_ms >= ?2)
        AND (EXISTS (SELECT 1 FROM note_links l WHERE l.pair = s.pair AND l.written_in = 'sentinel')
          OR comments_count > (SELECT COUNT(DISTINCT l.comment) FROM note_links l
            WHERE l.pair = s.pair AND l.written_in = 'halo'))";
    // The last of the linked ones to change, and the newest of each reason of the others.
    const LINKED_OF_PROVIDER = "SELECT EXISTS (SELECT 1 FROM subjects s CROSS JOIN bodies b ON b.hash = s.body
        WHERE s.id IN (SELECT p.subject FROM pairs p WHERE p.workspace = ?1
          ORDER BY p.changed_ms DESC, p.subject DESC LIMIT 0 + ?3)
        AND b.body ->> '$.provider_name' = ?2)";
    const HELD_OF_PROVIDER = "SELECT EXISTS (SELECT 1 FROM held_counts h CROSS JOIN subjects s
        CROSS JOIN bodies b ON b.hash = s.body
        WHERE h.client = (SELECT client FROM workspaces WHERE id = ?1) AND h.workspace = ?1
        AND s.id IN (SELECT u.id FROM subjects u WHERE u.workspace = ?1 AND u.held_code = h.code AND u.pair IS NULL
          ORDER BY u.opened_ms DESC, u.id DESC LIMIT 0 + ?3)
        AND b.body ->> '$.provider_name' = ?2)";
    const EVIDENCE = "SELECT b.body FROM subjects s JOIN bodies b ON b.hash = s.evidence
        WHERE s.workspace = ?1 AND s.incident = ?2";
}

pub(super) fn subject_of(cells: &Cells<'_>) -> Result<Subject> {
    Ok(Subject {
        workspace: cells.id("workspace")?,
        client: cells.id("client")?,
        incident: cells.json("incident_body")?,
        pair: cells.opt_id("pair")?,
        held: cells.opt_json("held")?,
        first_seen: cells.time("first_seen_ms")?,
        last_changed: cells.time("changed_ms")?,
    })
}

/// Incidents of a workspace that count as recent: the linked ones, and those of each reason why one is not.
const RECENT: i64 = 500;

/// What a page of unlinked incidents asks for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SubjectFilter {
    /// Words, parts of words, an incident number or GUID.
    pub text: Option<String>,
    /// Only held with this code ([`Reason::code`]).
    pub reason: Option<String>,
    /// Only this client's.
    pub client: Option<ClientId>,
    /// Only this workspace's.
    pub workspace: Option<WorkspaceId>,
    /// What the reader may see.
    pub scope: Scope,
}

/// One row of that page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubjectRow {
    /// Where.
    pub workspace: WorkspaceId,
    /// Whose.
    pub client: ClientId,
    /// Which.
    pub incident: IncidentId,
    /// Number in its workspace.
    pub number: Option<i64>,
    /// Title.
    pub title: String,
    /// Severity.
    pub severity: Severity,
    /// Status.
    pub status: IncidentStatus,
    /// Why it is not linked; `None` when not judged yet.
    pub held: Option<Reason>,
    /// Made in Sentinel.
    pub opened: Timestamp,
    /// Last read with a change, or held.
    pub changed: Timestamp,
}

/// A page of unlinked incidents, newest change first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubjectPage {
    /// The rows.
    pub rows: Vec<SubjectRow>,
    /// Key of the page after, if there is one.
    pub next: Option<PageKey>,
    /// Key of the page before, if there is one.
    pub previous: Option<PageKey>,
}

impl Store {
    /// The incident as last read.
    ///
    /// # Errors
    /// What the database says.
    pub async fn subject(&self, workspace: WorkspaceId, incident: &IncidentId) -> Result<Option<Subject>> {
        let mut reader = self.reader().await?;
        let query = sqlx::query(SUBJECT).bind(workspace.to_string()).bind(incident.as_str());
        let row = query.fetch_optional(&mut *reader).await?;
        row.map(|row| subject_of(&Cells::new(&row, "subjects"))).transpose()
    }

    /// These incidents as last read, in one trip. Unknown ones are left out.
    ///
    /// # Errors
    /// What the database says.
    pub async fn incidents(
        &self,
        which: &[(WorkspaceId, IncidentId)],
    ) -> Result<BTreeMap<(WorkspaceId, IncidentId), Incident>> {
        if which.is_empty() {
            return Ok(BTreeMap::new());
        }
        let mut reader = self.reader().await?;
        let rows = sqlx::query(INCIDENTS).bind(to_json(which)?).fetch_all(&mut *reader).await?;
        let mut found = BTreeMap::new();
        for row in &rows {
            let cells = Cells::new(row, "subjects");
            let key = (cells.id("workspace")?, IncidentId::new(cells.text("incident")?));
            found.insert(key, cells.json("incident_body")?);
        }
        Ok(found)
    }

    /// What is known of these incidents, to tell which ones changed. Unknown ones are left out.
    ///
    /// # Errors
    /// What the database says.
    pub async fn versions(&self, workspace: WorkspaceId, ids: &[IncidentId]) -> Result<BTreeMap<IncidentId, Version>> {
        if ids.is_empty() {
            return Ok(BTreeMap::new());
        }
        let mut reader = self.reader().await?;
        let query = sqlx::query(VERSIONS).bind(workspace.to_string()).bind(to_json(ids)?);
        let rows = query.fetch_all(&mut *reader).await?;
        let mut found = BTreeMap::new();
        for row in &rows {
            let cells = Cells::new(row, "subjects");
            let version = Version {
                etag: cells.opt_text("etag")?.map(str::to_owned),
                pair: cells.opt_id("pair")?,
                comments_count: cells.int("comments_count")?,
                modified: cells.opt_time("modified_ms")?,
                held: cells.opt_text("held_code")?.map(str::to_owned),
            };
            found.insert(IncidentId::new(cells.text("incident")?), version);
        }
        Ok(found)
    }

    /// Unlinked incidents of a workspace that are held for a reason of this code, oldest first.
    ///
    /// # Errors
    /// What the database says.
    pub async fn held_for(&self, workspace: WorkspaceId, code: &str, limit: u32) -> Result<Vec<IncidentId>> {
        let mut reader = self.reader().await?;
        let query = sqlx::query_scalar(HELD_FOR).bind(workspace.to_string()).bind(code).bind(i64::from(limit));
        let found: Vec<String> = query.fetch_all(&mut *reader).await?;
        Ok(found.iter().map(|text| IncidentId::new(text)).collect())
    }

    /// The incident of a workspace with this number, if it was seen.
    ///
    /// # Errors
    /// What the database says.
    pub async fn incident_of_number(&self, workspace: WorkspaceId, number: i64) -> Result<Option<IncidentId>> {
        let mut reader = self.reader().await?;
        let query = sqlx::query_scalar(BY_NUMBER).bind(workspace.to_string()).bind(number);
        let found: Option<String> = query.fetch_optional(&mut *reader).await?;
        Ok(found.map(|text| IncidentId::new(&text)))
    }

    /// Open incidents of a workspace that last changed within a span, by the service's clock.
    ///
    /// # Errors
    /// What the database says.
    pub async fn changed_between(
        &self,
        workspace: WorkspaceId,
        (from, to): (Timestamp, Timestamp),
        limit: u32,
    ) -> Result<Vec<IncidentId>> {
        let mut reader = self.reader().await?;
        let query = sqlx::query_scalar(CHANGED_BETWEEN)
            .bind(workspace.to_string())
            .bind(to_ms(from))
            .bind(to_ms(to))
            .bind(i64::from(limit));
        let found: Vec<String> = query.fetch_all(&mut *reader).await?;
        Ok(found.iter().map(|text| IncidentId::new(text)).collect())
    }

    /// Pairs of a workspace with a comment of a person's that crossed, if their incident is open or changed since a moment
    /// by the service's clock.
    ///
    /// # Errors
    /// What the database says.
    pub async fn pairs_commented(&self, workspace: WorkspaceId, since: Timestamp) -> Result<Vec<PairId>> {
        let mut reader = self.reader().await?;
        let query = sqlx::query_scalar(COMMENTED).bind(workspace.to_string()).bind(to_ms(since));
        let found: Vec<String> = query.fetch_all(&mut *reader).await?;
        Ok(found.iter().filter_map(|text| text.parse().ok().map(PairId)).collect())
    }

    /// Whether any recent incident of a workspace, linked or not, is this provider's.
    ///
    /// # Errors
    /// What the database says.
    pub async fn recent_of_provider(&self, workspace: WorkspaceId, provider: &str) -> Result<bool> {
        let mut reader = self.reader().await?;
        for sql in [LINKED_OF_PROVIDER, HELD_OF_PROVIDER] {
            let query = sqlx::query_scalar::<_, i64>(sql).bind(workspace.to_string()).bind(provider).bind(RECENT);
            if query.fetch_one(&mut *reader).await? > 0 {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The highest incident number seen in a workspace.
    ///
    /// # Errors
    /// What the database says.
    pub async fn highest_number(&self, workspace: WorkspaceId) -> Result<Option<i64>> {
        let mut reader = self.reader().await?;
        Ok(sqlx::query_scalar(NUMBERS).bind(workspace.to_string()).fetch_one(&mut *reader).await?)
    }

    /// Alerts and entities of an incident as last read.
    ///
    /// # Errors
    /// What the database says.
    pub async fn evidence(
        &self,
        workspace: WorkspaceId,
        incident: &IncidentId,
    ) -> Result<Option<crate::domain::incident::Evidence>> {
        let mut reader = self.reader().await?;
        let query = sqlx::query(EVIDENCE).bind(workspace.to_string()).bind(incident.as_str());
        let row = query.fetch_optional(&mut *reader).await?;
        row.map(|row| Cells::new(&row, "bodies").json("body")).transpose()
    }

    /// A page of incidents that are not linked, newest change first, with the reason of each.
    ///
    /// # Errors
    /// What the database says.
    pub async fn subjects_page(
        &self,
        filter: &SubjectFilter,
        after: Option<PageKey>,
        limit: u32,
    ) -> Result<SubjectPage> {
        let waiting = self.ready_to_search(filter.text.as_deref()).await;
        let mut sql = sqlx::QueryBuilder::<sqlx::Sqlite>::new(
            "SELECT s.id, s.workspace, s.client, s.incident, s.number, s.title, s.severity, s.status, s.held,
               s.opened_ms, s.changed_ms FROM subjects s WHERE s.pair IS NULL",
        );
        if let Some(code) = &filter.reason {
            sql.push(" AND s.held_code = ").push_bind(code.clone());
        }
        if let Some(client) = filter.client {
            sql.push(" AND s.client = ").push_bind(client.to_string());
        }
        if let Some(workspace) = filter.workspace {
            sql.push(" AND s.workspace = ").push_bind(workspace.to_string());
        }
        push_scope_at(&mut sql, "s.client", "s.workspace", &filter.scope)?;
        if let Some(text) = &filter.text {
            push_search(&mut sql, "s.id", text, waiting);
        }
        let backward = after.is_some_and(|key| key.backward);
        if let Some(key) = after {
            sql.push(" AND (s.changed_ms, s.id) ").push(if backward { "> (" } else { "< (" });
            sql.push_bind(key.value).push(", ").push_bind(key.row).push(")");
        }
        let direction = if backward { "ASC" } else { "DESC" };
        sql.push(format_args!(" ORDER BY s.changed_ms {direction}, s.id {direction} LIMIT 0 + "));
        sql.push_bind(i64::from(limit) + 1);
        let mut reader = self.reader().await?;
        let rows = sql.build().fetch_all(&mut *reader).await?;
        let keyed = |row: &SqliteRow| {
            let cells = Cells::new(row, "subjects");
            Ok((subject_row(&cells)?, cells.int("changed_ms")?, cells.int("id")?))
        };
        let mut found = rows.iter().map(keyed).collect::<Result<Vec<_>>>()?;
        let (next, previous) = super::pages::turn(&mut found, after, limit);
        Ok(SubjectPage { rows: found.into_iter().map(|(row, ..)| row).collect(), next, previous })
    }

    /// How many different incidents of a workspace have a number above `low` and up to `high`: fewer than
    /// there are numbers means that one has not shown yet.
    ///
    /// # Errors
    /// What the database says.
    pub async fn numbers_seen(&self, workspace: WorkspaceId, low: i64, high: i64) -> Result<i64> {
        let mut reader = self.reader().await?;
        let query = sqlx::query_scalar(NUMBERS_SEEN).bind(workspace.to_string()).bind(low).bind(high);
        Ok(query.fetch_one(&mut *reader).await?)
    }

    /// A page of a workspace's unlinked, held incidents in the order in which they were first seen, each with the key that
    /// the page after it begins behind: for looking again at them after a policy was corrected. Times do not count: they may
    /// be of a clock that was wrong.
    ///
    /// # Errors
    /// What the database says.
    pub async fn held_subjects(
        &self,
        workspace: WorkspaceId,
        after: Option<i64>,
        limit: u32,
    ) -> Result<Vec<(i64, IncidentId)>> {
        let mut sql = sqlx::QueryBuilder::<sqlx::Sqlite>::new(
            "SELECT s.id, s.incident FROM subjects s WHERE s.pair IS NULL AND s.held_code IS NOT NULL AND s.workspace = ",
        );
        sql.push_bind(workspace.to_string());
        sql.push(" AND s.id > ").push_bind(after.unwrap_or(0));
        sql.push(" ORDER BY s.id LIMIT 0 + ").push_bind(i64::from(limit));
        let mut reader = self.reader().await?;
        let rows = sql.build().fetch_all(&mut *reader).await?;
        rows.iter()
            .map(|row| {
                let cells = Cells::new(row, "subjects");
                Ok((cells.int("id")?, IncidentId::new(cells.text("incident")?)))
            })
            .collect()
    }
}

fn subject_row(cells: &Cells<'_>) -> Result<SubjectRow> {
    Ok(SubjectRow {
        workspace: cells.id("workspace")?,
        client: cells.id("client")?,
        incident: IncidentId::new(cells.text("incident")?),
        number: cells.opt_int("number")?,
        title: cells.text("title")?.to_owned(),
        severity: Severity::from(cells.text("severity")?.to_owned()),
        status: IncidentStatus::from(cells.text("status")?.to_owned()),
        held: cells.opt_json("held")?,
        opened: cells.time("opened_ms")?,
        changed: cells.time("changed_ms")?,
    })
}
