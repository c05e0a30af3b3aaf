//! Webhooks received. [`Store::intake`] returns once the delivery is durable; many at a time share one commit.

use std::sync::{Arc, Mutex as StdMutex, PoisonError};

use base64::Engine as _;
use jiff::Timestamp;
use sqlx::sqlite::SqliteRow;
use tokio::sync::{Mutex, oneshot};

use super::{
    Store,
    append::Entered,
    error::{Result, StoreError},
    pages::PageKey,
    row::{Cells, statements, to_json},
    search::push_scope,
};
use crate::{
    domain::{
        account::Scope,
        delivery::{Delivery, DeliverySource},
        ids::DeliveryId,
        time,
    },
    ledger::fact::Fact,
};

statements! {
    const WAITING = "SELECT d.id, d.source, d.received_ms, d.handled_ms, b.body
        FROM deliveries d LEFT JOIN bodies b ON b.hash = d.body
        WHERE d.handled_ms IS NULL ORDER BY d.received_ms, d.id LIMIT 0 + ?1";
    const BACKLOG = "SELECT 'backlog' AS id, count(*) AS waiting, min(d.received_ms) AS oldest_ms
        FROM deliveries d INDEXED BY deliveries_waiting WHERE d.handled_ms IS NULL";
    const SINCE = "SELECT d.received_ms FROM deliveries d WHERE d.source = ?1 AND d.received_ms > ?2
        ORDER BY d.received_ms LIMIT 1";
    const BY_ID = "SELECT d.id, d.source, d.received_ms, d.handled_ms, b.body
        FROM deliveries d LEFT JOIN bodies b ON b.hash = d.body WHERE d.id = ?1";
}

/// Most deliveries in one commit.
const BATCH: usize = 256;
/// Marks a body that is not text.
const BINARY: &str = "base64:";

/// Deliveries that wait for the next commit.
#[derive(Default)]
pub(super) struct Intake {
    waiting: StdMutex<Vec<Waiting>>,
    leader: Mutex<()>,
}

struct Waiting {
    delivery: Arc<Delivery>,
    again: bool,
    answer: oneshot::Sender<Result<()>>,
}

/// The body as the ledger's text: itself, or `base64:…` when it is not UTF-8 (or begins with that mark).
fn body_text(body: &[u8]) -> String {
    match std::str::from_utf8(body) {
        Ok(text) if !text.starts_with(BINARY) => text.to_owned(),
        _ => format!("{BINARY}{}", base64::engine::general_purpose::STANDARD.encode(body)),
    }
}

fn body_bytes(text: &str) -> Option<Vec<u8>> {
    match text.strip_prefix(BINARY) {
        None => Some(text.as_bytes().to_vec()),
        Some(coded) => base64::engine::general_purpose::STANDARD.decode(coded).ok(),
    }
}

/// What a page of deliveries asks for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DeliveryFilter {
    /// Only those not taken up yet.
    pub waiting: bool,
    /// What the reader may see.
    pub scope: Scope,
}

/// A page of deliveries, newest first, without bodies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryPage {
    /// The rows.
    pub rows: Vec<Delivery>,
    /// Key of the page after, if there is one.
    pub next: Option<PageKey>,
    /// Key of the page before, if there is one.
    pub previous: Option<PageKey>,
}

fn delivery_of(row: &SqliteRow, with_body: bool) -> Result<Delivery> {
    let cells = Cells::new(row, "deliveries");
    // An erased body is an empty one: the delivery was handled long ago.
    let body = match with_body.then(|| cells.opt_json::<String>("body")).transpose()?.flatten() {
        None => Vec::new(),
        Some(text) => body_bytes(&text).ok_or_else(|| cells.corrupt("body"))?,
    };
    Ok(Delivery {
        id: cells.id("id")?,
        source: cells.json("source")?,
        received: cells.time("received_ms")?,
        body,
        handled: cells.opt_time("handled_ms")?,
    })
}

impl Store {
    /// Keeps a webhook. When this returns `Ok`, it is on disk and survives a power cut.
    ///
    /// # Errors
    /// [`StoreError::Full`], [`StoreError::Locked`], … : then it is not kept and the sender must be told so (503).
    pub async fn intake(&self, delivery: Delivery) -> Result<()> {
        if self.inner.trouble.locked() {
            // The probe tries; no sender waits for it.
            return Err(StoreError::Locked);
        }
        let delivery = Arc::new(delivery);
        let mut again = false;
        loop {
            let (answer, mut answered) = oneshot::channel();
            let waiting = Waiting { delivery: delivery.clone(), again, answer };
            self.inner.intake.waiting.lock().unwrap_or_else(PoisonError::into_inner).push(waiting);
            let _leader = self.inner.intake.leader.lock().await;
            // Whoever led before may have taken ours along.
            match answered.try_recv() {
                Ok(result) => return result,
                Err(oneshot::error::TryRecvError::Empty) => {}
                Err(oneshot::error::TryRecvError::Closed) => {
                    // The leader was cancelled (its sender hung up): it may or may not have committed.
                    again = true;
                    continue;
                }
            }
            while self.intake_batch().await {
                match answered.try_recv() {
                    Ok(result) => return result,
                    Err(oneshot::error::TryRecvError::Empty) => {}
                    Err(oneshot::error::TryRecvError::Closed) => break,
                }
            }
            again = true;
        }
    }

    /// Commits one batch of what waits; `false` when nothing did.
    async fn intake_batch(&self) -> bool {
        let batch: Vec<Waiting> = {
            let mut waiting = self.inner.intake.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            let take = waiting.len().min(BATCH);
            waiting.drain(..take).collect()
        };
        if batch.is_empty() {
            return false;
        }
        let result = match self.not_kept_yet(&batch).await {
            Ok(entries) => self.append(entries).await.map(drop),
            Err(error) => Err(error),
        };
        // A file that lost its name takes a commit, and nobody finds it again.
        let result = result.and_then(|()| self.inner.trouble.placed());
        for waiting in batch {
            // Nobody listens any more when the sender hung up; the delivery is kept all the same.
            let _ = waiting.answer.send(result.clone());
        }
        true
    }

    /// The batch as facts, without those that an interrupted leader had kept already.
    async fn not_kept_yet(&self, batch: &[Waiting]) -> Result<Vec<Entered>> {
        if batch.iter().any(|waiting| waiting.again) {
            // What an interrupted leader began has ended once the writer is free again.
            drop(self.writer().await);
        }
        let mut entries = Vec::with_capacity(batch.len());
        for Waiting { delivery, again, .. } in batch {
            if *again && self.delivery(delivery.id).await?.is_some() {
                continue;
            }
            let client = match delivery.source {
                DeliverySource::Sentinel { client, .. } => Some(client),
                DeliverySource::Halo { .. } => None,
            };
            let body = body_text(&delivery.body);
            let fact = Fact::DeliveryReceived { delivery: delivery.id, source: delivery.source, body };
            entries.push(Entered { client, at: delivery.received, fact });
        }
        Ok(entries)
    }

    /// Deliveries that the engine has not taken up, oldest first.
    ///
    /// # Errors
    /// What the database says.
    pub async fn deliveries_waiting(&self, limit: u32) -> Result<Vec<Delivery>> {
        let mut reader = self.reader().await?;
        let rows = sqlx::query(WAITING).bind(i64::from(limit)).fetch_all(&mut *reader).await?;
        rows.iter().map(|row| delivery_of(row, true)).collect()
    }

    /// How many deliveries the engine has not taken up, and when the oldest of them came.
    ///
    /// # Errors
    /// What the database says.
    pub async fn intake_backlog(&self) -> Result<(i64, Option<Timestamp>)> {
        let mut reader = self.reader().await?;
        let row = sqlx::query(BACKLOG).fetch_one(&mut *reader).await?;
        let cells = Cells::new(&row, "deliveries");
        Ok((cells.int("waiting")?, cells.opt_time("oldest_ms")?))
    }

    /// When the first webhook of a source came after a moment.
    ///
    /// # Errors
    /// What the database says.
    pub async fn delivered_since(&self, source: DeliverySource, since: Timestamp) -> Result<Option<Timestamp>> {
        let mut reader = self.reader().await?;
        let query = sqlx::query(SINCE).bind(to_json(&source)?).bind(time::to_ms(since));
        let row = query.fetch_optional(&mut *reader).await?;
        row.map(|row| Cells::new(&row, "deliveries").time("received_ms")).transpose()
    }

    /// One delivery with its body (empty once erased).
    ///
    /// # Errors
    /// What the database says.
    pub async fn delivery(&self, id: DeliveryId) -> Result<Option<Delivery>> {
        let mut reader = self.reader().await?;
        let row = sqlx::query(BY_ID).bind(id.to_string()).fetch_optional(&mut *reader).await?;
        row.map(|row| delivery_of(&row, true)).transpose()
    }

    /// A page of deliveries, newest first, without bodies.
    ///
    /// # Errors
    /// What the database says.
    pub async fn deliveries_page(
        &self,
        filter: &DeliveryFilter,
        after: Option<PageKey>,
        limit: u32,
    ) -> Result<DeliveryPage> {
        let mut sql = sqlx::QueryBuilder::<sqlx::Sqlite>::new(
            "SELECT d.id, d.rowid AS page_row, d.source, d.received_ms, d.handled_ms FROM deliveries d WHERE 1 = 1",
        );
        if filter.waiting {
            sql.push(" AND d.handled_ms IS NULL");
        }
        push_scope(&mut sql, "d.client", &filter.scope)?;
        let backward = after.is_some_and(|key| key.backward);
        if let Some(key) = after {
            sql.push(" AND (d.received_ms, d.rowid) ").push(if backward { "> (" } else { "< (" });
            sql.push_bind(key.value).push(", ").push_bind(key.row).push(")");
        }
        let direction = if backward { "ASC" } else { "DESC" };
        sql.push(format_args!(" ORDER BY d.received_ms {direction}, d.rowid {direction} LIMIT "));
        sql.push_bind(i64::from(limit) + 1);
        let mut reader = self.reader().await?;
        let rows = sql.build().fetch_all(&mut *reader).await?;
        let keyed = |row: &SqliteRow| {
            let cells = Cells::new(row, "deliveries");
            Ok((delivery_of(row, false)?, cells.int("received_ms")?, cells.int("page_row")?))
        };
        let mut found = rows.iter().map(keyed).collect::<Result<Vec<_>>>()?;
        let (next, previous) = super::pages::turn(&mut found, after, limit);
        Ok(DeliveryPage { rows: found.into_iter().map(|(row, ..)| row).collect(), next, previous })
    }
}
