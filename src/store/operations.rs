//! Operations: what is due, and dead letters.

use jiff::Timestamp;
use sqlx::sqlite::SqliteRow;

use super::{
    Store,
    error::{Result, StoreError},
    pages::PageKey,
    row::{Cells, statements},
    search::push_scope_at,
};
use crate::domain::{
    account::Scope,
    ids::{IncidentId, OperationId, PairId, TicketId},
    operation::Operation,
    run::RunScope,
    time::{from_ms, to_ms},
};

/// What is paused has no turn. The last part is asked only while something is. A pair whose ticket is not made yet is not
/// held by a client or an instance that is not its workspace's any more: it begins anew.
macro_rules! not_paused {
    () => {
        "(NOT EXISTS (SELECT 1 FROM pauses z WHERE z.scope IN ('pair', 'client', 'connection')) OR NOT EXISTS (
            SELECT 1 FROM pairs p WHERE p.id = o.pair AND (
              EXISTS (SELECT 1 FROM pauses z WHERE z.scope = 'pair' AND z.id = p.id)
              OR EXISTS (SELECT 1 FROM pauses z WHERE z.scope = 'client' AND z.id = p.client
                AND (p.ticket IS NOT NULL OR o.state <> 'planned' OR NOT EXISTS (
                  SELECT 1 FROM workspaces w WHERE w.id = p.workspace AND w.client <> p.client)))
              OR EXISTS (SELECT 1 FROM pauses z WHERE z.scope = 'connection' AND z.id = p.halo
                AND (p.ticket IS NOT NULL OR o.state <> 'planned' OR NOT EXISTS (
                  SELECT 1 FROM workspaces w JOIN clients c ON c.id = w.client
                  WHERE w.id = p.workspace AND c.halo IS NOT p.halo)))
              OR EXISTS (SELECT 1 FROM pauses z JOIN workspaces w ON w.connection = z.id
                WHERE z.scope = 'connection' AND w.id = p.workspace))))"
    };
}

statements! {
    const BY_ID = "SELECT o.id, o.state_json, o.attempts, o.failure, b.body AS operation_body
        FROM operations o JOIN bodies b ON b.hash = o.body WHERE o.id = ?1";
    // The turn is the lowest position still open. What is being sent keeps its turn.
    const READY = concat!("SELECT o.pair AS id FROM operations o
        WHERE o.state IN ('planned', 'sending', 'outcome-unknown') AND o.due_ms <= ?1 AND o.state <> 'sending'
          AND NOT EXISTS (SELECT 1 FROM operations e WHERE e.pair = o.pair AND e.position < o.position
            AND e.state IN ('planned', 'sending', 'outcome-unknown'))
          AND ", not_paused!(), " ORDER BY o.due_ms, o.pair LIMIT 0 + ?2");
    const NEXT = concat!("SELECT o.due_ms FROM operations o
        WHERE o.state IN ('planned', 'sending', 'outcome-unknown') AND o.state <> 'sending'
          AND NOT EXISTS (SELECT 1 FROM operations e WHERE e.pair = o.pair AND e.position < o.position
            AND e.state IN ('planned', 'sending', 'outcome-unknown'))
          AND ", not_paused!(), " ORDER BY o.due_ms LIMIT 1");
    const NEXT_AFTER = concat!("SELECT o.due_ms FROM operations o
        WHERE o.state IN ('planned', 'sending', 'outcome-unknown') AND o.state <> 'sending' AND o.due_ms > ?1
          AND NOT EXISTS (SELECT 1 FROM operations e WHERE e.pair = o.pair AND e.position < o.position
            AND e.state IN ('planned', 'sending', 'outcome-unknown'))
          AND ", not_paused!(), " ORDER BY o.due_ms LIMIT 1");
    const WAITING = "SELECT o.pair AS id FROM operations o
        WHERE o.state IN ('planned', 'sending', 'outcome-unknown') AND o.due_ms > ?1 AND o.state <> 'sending'
        ORDER BY o.due_ms LIMIT 0 + ?2";
    const WAITING_FOR_HALO = "SELECT o.pair AS id FROM operations o JOIN pairs p ON p.id = o.pair
        WHERE o.state IN ('planned', 'sending', 'outcome-unknown') AND o.due_ms > ?1 AND o.state <> 'sending'
          AND o.kind IN ('create-ticket', 'update-ticket', 'add-note') AND +p.halo = ?2 LIMIT 0 + ?3";
    const WAITING_FOR_WORKSPACE = "SELECT o.pair AS id FROM operations o JOIN pairs p ON p.id = o.pair
        WHERE o.state IN ('planned', 'sending', 'outcome-unknown') AND o.due_ms > ?1 AND o.state <> 'sending'
          AND o.kind IN ('create-incident', 'add-comment', 'update-incident') AND +p.workspace = ?2 LIMIT 0 + ?3";
    const SENDING = "SELECT o.id, o.state_json, o.attempts, o.failure, b.body AS operation_body
        FROM operations o JOIN bodies b ON b.hash = o.body 
        WHERE o.state IN ('planned', 'sending', 'outcome-unknown') AND o.state = 'sending' ORDER BY o.due_ms LIMIT 0 + ?1";
    const DEAD_CREATIONS = "SELECT o.id, o.state_json, o.attempts, o.failure, b.body AS operation_body
        FROM operations o JOIN bodies b ON b.hash = o.body
        WHERE o.state = 'dead' AND o.changed_ms < ?1 AND o.kind = 'create-ticket' ORDER BY o.changed_ms LIMIT 0 + ?2";
    const QUEUED = "SELECT (SELECT count(*) FROM operations o WHERE o.state IN ('planned', 'sending', 'outcome-unknown')) AS open,
        (SELECT count(*) FROM operations o WHERE o.state = 'dead') AS dead";
    const DONE_SINCE = "SELECT count(*) FROM operations o WHERE o.state = 'done' AND o.changed_ms >= ?1";
    const WRITTEN_TO_HALO = "SELECT DISTINCT o.pair AS id FROM operations o
        WHERE o.state = 'done' AND o.changed_ms >= ?1 AND o.kind IN ('add-note', 'update-ticket', 'create-ticket')";
    const OF_PAIR = "SELECT o.id, o.state_json, o.attempts, o.failure, b.body AS operation_body
        FROM operations o JOIN bodies b ON b.hash = o.body WHERE o.pair = ?1 ORDER BY o.position DESC LIMIT 0 + ?2";
    // One that was refused with a time to wait counts no attempt, and may have been carried out.
    const MAY_HAVE_WRITTEN = "SELECT count(*) FROM operations o WHERE o.pair = ?1 AND o.key = ?2 AND o.id <> ?3
        AND (o.attempts > 0 OR o.failure IS NOT NULL OR o.state NOT IN ('planned', 'void'))";
}

/// The operation as planned, with where it stands now.
pub(super) fn operation_of(row: &SqliteRow) -> Result<Operation> {
    let cells = Cells::new(row, "operations");
    let (id, body, state) = (cells.text("id")?, cells.text("operation_body")?, cells.text("state_json")?);
    stored_operation(id, body, state, cells.small("attempts")?, cells.opt_text("failure")?)
}

/// The same from the columns' texts.
pub(super) fn stored_operation(
    id: &str,
    body: &str,
    state: &str,
    attempts: u32,
    failure: Option<&str>,
) -> Result<Operation> {
    let corrupt = |column| StoreError::Corrupt { table: "operations", column, id: id.to_owned() };
    let mut operation: Operation = serde_json::from_str(body).map_err(|_| corrupt("operation_body"))?;
    operation.state = serde_json::from_str(state).map_err(|_| corrupt("state_json"))?;
    operation.attempts = attempts;
    operation.last_failure =
        failure.map(|text| serde_json::from_str(text).map_err(|_| corrupt("failure"))).transpose()?;
    Ok(operation)
}

/// How many operations stand in queues, and how many are dead letters.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct QueueCounts {
    /// Planned, being sent, or of unknown outcome.
    pub open: i64,
    /// Dead letters.
    pub dead: i64,
}

/// A dead letter with what names its pair.
#[derive(Debug, Clone, PartialEq)]
pub struct DeadLetter {
    /// The operation; its cause is in `last_failure` and its state.
    pub operation: Operation,
    /// The incident.
    pub incident: IncidentId,
    /// Its number.
    pub number: Option<i64>,
    /// Its title.
    pub title: String,
    /// The ticket.
    pub ticket: Option<TicketId>,
    /// When it was given up.
    pub died: Timestamp,
}

/// A page of dead letters, newest first.
#[derive(Debug, Clone, PartialEq)]
pub struct DeadPage {
    /// The rows.
    pub rows: Vec<DeadLetter>,
    /// Key of the page after, if there is one.
    pub next: Option<PageKey>,
    /// Key of the page before, if there is one.
    pub previous: Option<PageKey>,
}

impl Store {
    /// How many operations stand in queues, and how many are dead letters.
    ///
    /// # Errors
    /// What the database says.
    pub async fn queue_counts(&self) -> Result<QueueCounts> {
        let mut reader = self.reader().await?;
        let row = sqlx::query(QUEUED).fetch_one(&mut *reader).await?;
        let cells = Cells::new(&row, "operations");
        Ok(QueueCounts { open: cells.int("open")?, dead: cells.int("dead")? })
    }

    /// How many operations were carried out at or after a moment.
    ///
    /// # Errors
    /// What the database says.
    pub async fn done_since(&self, since: Timestamp) -> Result<i64> {
        let mut reader = self.reader().await?;
        Ok(sqlx::query_scalar(DONE_SINCE).bind(to_ms(since)).fetch_one(&mut *reader).await?)
    }

    /// Pairs whose ticket was made, was changed or got a note of ours at or after a moment.
    ///
    /// # Errors
    /// What the database says.
    pub async fn written_to_halo_since(&self, since: Timestamp) -> Result<Vec<PairId>> {
        let mut reader = self.reader().await?;
        let rows = sqlx::query(WRITTEN_TO_HALO).bind(to_ms(since)).fetch_all(&mut *reader).await?;
        rows.iter().map(|row| Cells::new(row, "operations").id("id")).collect()
    }

    /// Pairs with an open operation whose turn and time has come, longest due first. A pair one of whose operations
    /// is being sent is not among them, nor is one that is paused.
    ///
    /// # Errors
    /// What the database says.
    pub async fn ready_pairs(&self, now: Timestamp, limit: u32) -> Result<Vec<PairId>> {
        let mut reader = self.reader().await?;
        let query = sqlx::query(READY).bind(to_ms(now)).bind(i64::from(limit));
        let rows = query.fetch_all(&mut *reader).await?;
        rows.iter().map(|row| Cells::new(row, "operations").id("id")).collect()
    }

    /// Pairs with an open operation that is due after a moment, whether it is its turn or not; a pair once for each.
    ///
    /// # Errors
    /// What the database says.
    pub async fn pairs_waiting_beyond(&self, after: Timestamp, limit: u32) -> Result<Vec<PairId>> {
        let mut reader = self.reader().await?;
        let query = sqlx::query(WAITING).bind(to_ms(after)).bind(i64::from(limit));
        let rows = query.fetch_all(&mut *reader).await?;
        rows.iter().map(|row| Cells::new(row, "operations").id("id")).collect()
    }

    /// Pairs one of whose writes to a Halo instance, or to a workspace, is to be sent or looked for after a moment; a pair once
    /// for each.
    ///
    /// # Errors
    /// What the database says.
    pub async fn pairs_waiting_for(&self, reading: RunScope, after: Timestamp, limit: u32) -> Result<Vec<PairId>> {
        let (sql, id) = match reading {
            RunScope::Halo { id } => (WAITING_FOR_HALO, id.to_string()),
            RunScope::Workspace { id } => (WAITING_FOR_WORKSPACE, id.to_string()),
        };
        let mut reader = self.reader().await?;
        let query = sqlx::query(sql).bind(to_ms(after)).bind(id).bind(i64::from(limit));
        let rows = query.fetch_all(&mut *reader).await?;
        rows.iter().map(|row| Cells::new(row, "operations").id("id")).collect()
    }

    /// When the next pair becomes ready (possibly in the past); `None` when nothing waits.
    ///
    /// # Errors
    /// What the database says.
    pub async fn next_ready(&self) -> Result<Option<Timestamp>> {
        let mut reader = self.reader().await?;
        let next: Option<i64> = sqlx::query_scalar(NEXT).fetch_optional(&mut *reader).await?;
        Ok(next.map(from_ms))
    }

    /// When the next pair becomes ready after a moment; `None` when none does.
    ///
    /// # Errors
    /// What the database says.
    pub async fn next_ready_after(&self, now: Timestamp) -> Result<Option<Timestamp>> {
        let mut reader = self.reader().await?;
        let next: Option<i64> = sqlx::query_scalar(NEXT_AFTER).bind(to_ms(now)).fetch_optional(&mut *reader).await?;
        Ok(next.map(from_ms))
    }

    /// Operations that stand as being sent: after a start they are what a crash has interrupted.
    ///
    /// # Errors
    /// What the database says.
    pub async fn sending_operations(&self, limit: u32) -> Result<Vec<Operation>> {
        let mut reader = self.reader().await?;
        let rows = sqlx::query(SENDING).bind(i64::from(limit)).fetch_all(&mut *reader).await?;
        rows.iter().map(operation_of).collect()
    }

    /// Creations of tickets that were given up before a moment.
    ///
    /// # Errors
    /// What the database says.
    pub async fn dead_creations(&self, before: Timestamp, limit: u32) -> Result<Vec<Operation>> {
        let mut reader = self.reader().await?;
        let query = sqlx::query(DEAD_CREATIONS).bind(to_ms(before)).bind(i64::from(limit));
        query.fetch_all(&mut *reader).await?.iter().map(operation_of).collect()
    }

    /// An operation by id.
    ///
    /// # Errors
    /// What the database says.
    pub async fn operation(&self, id: OperationId) -> Result<Option<Operation>> {
        let mut reader = self.reader().await?;
        let row = sqlx::query(BY_ID).bind(id.to_string()).fetch_optional(&mut *reader).await?;
        row.as_ref().map(operation_of).transpose()
    }

    /// The last operations of a pair in any state, newest first.
    ///
    /// # Errors
    /// What the database says.
    pub async fn operations_of_pair(&self, pair: PairId, limit: u32) -> Result<Vec<Operation>> {
        let mut reader = self.reader().await?;
        let query = sqlx::query(OF_PAIR).bind(pair.to_string()).bind(i64::from(limit));
        query.fetch_all(&mut *reader).await?.iter().map(operation_of).collect()
    }

    /// Whether an operation of a pair, in any state, may have made the write of this key
    /// ([`crate::domain::operation::OperationKind::key`]); `besides` the one that is being looked at.
    ///
    /// # Errors
    /// What the database says.
    pub async fn may_have_written(&self, pair: PairId, key: &str, besides: Option<OperationId>) -> Result<bool> {
        let mut reader = self.reader().await?;
        let besides = besides.map(|id| id.to_string()).unwrap_or_default();
        let found: i64 = sqlx::query_scalar(MAY_HAVE_WRITTEN)
            .bind(pair.to_string())
            .bind(key)
            .bind(besides)
            .fetch_one(&mut *reader)
            .await?;
        Ok(found > 0)
    }

    /// How many dead letters a reader may see.
    ///
    /// # Errors
    /// What the database says.
    pub async fn dead_count(&self, scope: &Scope) -> Result<i64> {
        let mut sql =
            sqlx::QueryBuilder::<sqlx::Sqlite>::new("SELECT count(*) FROM operations o WHERE o.state = 'dead'");
        push_scope_at(&mut sql, "o.client", "(SELECT p.workspace FROM pairs p WHERE p.id = o.pair)", scope)?;
        let mut reader = self.reader().await?;
        Ok(sql.build_query_scalar().fetch_one(&mut *reader).await?)
    }

    /// A page of dead letters, newest first.
    ///
    /// # Errors
    /// What the database says.
    pub async fn dead_page(&self, scope: &Scope, after: Option<PageKey>, limit: u32) -> Result<DeadPage> {
        let mut sql = sqlx::QueryBuilder::<sqlx::Sqlite>::new(
            "SELECT o.id, o.rowid AS page_row, o.changed_ms, o.state_json, o.attempts, o.failure, b.body AS operation_body,
               p.incident, p.number, p.ticket, s.title
             FROM operations o JOIN bodies b ON b.hash = o.body JOIN pairs p ON p.id = o.pair
             JOIN subjects s ON s.id = p.subject WHERE o.state = 'dead'",
        );
        push_scope_at(&mut sql, "o.client", "p.workspace", scope)?;
        let backward = after.is_some_and(|key| key.backward);
        if let Some(key) = after {
            sql.push(" AND (o.changed_ms, o.rowid) ").push(if backward { "> (" } else { "< (" });
            sql.push_bind(key.value).push(", ").push_bind(key.row).push(")");
        }
        let direction = if backward { "ASC" } else { "DESC" };
        sql.push(format_args!(" ORDER BY o.changed_ms {direction}, o.rowid {direction} LIMIT "));
        sql.push_bind(i64::from(limit) + 1);
        let mut reader = self.reader().await?;
        let rows = sql.build().fetch_all(&mut *reader).await?;
        let keyed = |row: &SqliteRow| {
            let cells = Cells::new(row, "operations");
            let letter = DeadLetter {
                operation: operation_of(row)?,
                incident: IncidentId::new(cells.text("incident")?),
                number: cells.opt_int("number")?,
                title: cells.text("title")?.to_owned(),
                ticket: cells.opt_int("ticket")?.map(TicketId),
                died: cells.time("changed_ms")?,
            };
            Ok((letter, cells.int("changed_ms")?, cells.int("page_row")?))
        };
        let mut found = rows.iter().map(keyed).collect::<Result<Vec<_>>>()?;
        let (next, previous) = super::pages::turn(&mut found, after, limit);
        Ok(DeadPage { rows: found.into_iter().map(|(row, ..)| row).collect(), next, previous })
    }
}
