//! Webhooks received. [`Store::intake`] returns once the delivery is durable; many at a time share one commit.

use std::{
    sync::{
        Arc, Mutex as StdMutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use base64::Engine as _;
use jiff::Timestamp;
use sqlx::sqlite::SqliteRow;
use tokio::sync::{Mutex, oneshot};

use super::{
    Store,
    append::Entered,
    connections::Connection,
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
        FROM deliveries d
        LEFT JOIN bodies b ON b.hash = d.body AND d.id NOT IN (SELECT j.value FROM json_each(?2) j)
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
/// So many senders that wait at once are a crowd.
const CROWD: usize = 16;
/// A crowd comes and goes with each commit: it counts as one this long after it was seen.
const CROWD_LASTS: Duration = Duration::from_millis(50);
/// Marks a body that is not text.
const BINARY: &str = "base64:";

/// Deliveries that wait for the next commit.
#[derive(Default)]
pub(super) struct Intake {
    waiting: StdMutex<Vec<Waiting>>,
    leader: Mutex<()>,
    /// Senders that wait for an answer now.
    senders: AtomicUsize,
    /// When they were last a crowd and then were none any more.
    crowd: StdMutex<Option<Instant>>,
}

/// A sender that waits; it is counted until it is dropped.
struct Sender<'a>(&'a Intake);

impl Drop for Sender<'_> {
    fn drop(&mut self) {
        if self.0.senders.fetch_sub(1, Ordering::Relaxed) == CROWD {
            *self.0.crowd.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
        }
    }
}

impl Intake {
    fn sender(&self) -> Sender<'_> {
        self.senders.fetch_add(1, Ordering::Relaxed);
        Sender(self)
    }

    fn nothing_waits(&self) -> bool {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    /// What waits, up to one commit of it.
    fn take(&self) -> Vec<Waiting> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let take = waiting.len().min(BATCH);
        waiting.drain(..take).collect()
    }
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

/// A delivery as a fact.
fn entered(delivery: &Delivery) -> Entered {
    let client = match delivery.source {
        DeliverySource::Sentinel { client, .. } => Some(client),
        DeliverySource::Halo { .. } => None,
    };
    let body = body_text(&delivery.body);
    let fact = Fact::DeliveryReceived { delivery: delivery.id, source: delivery.source, body };
    Entered { client, at: delivery.received, fact }
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
        let _sender = self.inner.intake.sender();
        let delivery = Arc::new(delivery);
        let mut again = false;
        loop {
            let (answer, mut answered) = oneshot::channel();
            let waiting = Waiting { delivery: delivery.clone(), again, answer };
            self.inner.intake.waiting.lock().unwrap_or_else(PoisonError::into_inner).push(waiting);
            // Whoever leads takes along all that wait: each of them hears of it at once, not one after the other.
            let leader = tokio::select! {
                biased;
                answer = &mut answered => Err(answer),
                leader = self.inner.intake.leader.lock() => Ok(leader),
            };
            let _leader = match leader {
                Ok(leader) => leader,
                Err(Ok(result)) => return result,
                Err(Err(_)) => {
                    // The leader was cancelled (its sender hung up): it may or may not have committed.
                    again = true;
                    continue;
                }
            };
            loop {
                match answered.try_recv() {
                    Ok(result) => return result,
                    Err(oneshot::error::TryRecvError::Closed) => break,
                    Err(oneshot::error::TryRecvError::Empty) => {}
                }
                if !self.intake_batch().await {
                    break;
                }
            }
            again = true;
        }
    }

    /// Whether a sender waits for its webhook to be stored: whoever writes at length lets it go in between.
    pub fn webhooks_wait(&self) -> bool {
        self.inner.intake.senders.load(Ordering::Relaxed) > 0
    }

    /// Whether many senders of webhooks wait for their answers at once, or did a moment ago.
    pub fn crowded(&self) -> bool {
        let intake = &self.inner.intake;
        let seen = *intake.crowd.lock().unwrap_or_else(PoisonError::into_inner);
        intake.senders.load(Ordering::Relaxed) >= CROWD || seen.is_some_and(|at| at.elapsed() < CROWD_LASTS)
    }

    /// Commits one batch of what waits; `false` when nothing did.
    async fn intake_batch(&self) -> bool {
        if self.inner.intake.nothing_waits() {
            return false;
        }
        let (batch, result) = match self.inner.trouble.leave() {
            Ok(leave) => {
                let connection = self.first_writer().await;
                // What came while the writer was awaited shares the commit.
                let batch = self.inner.intake.take();
                let result = match self.inner.trouble.still(leave) {
                    Ok(()) => self.keep(connection, &batch).await,
                    Err(error) => Err(error),
                };
                // A file that lost its name takes a commit, and nobody finds it again.
                (batch, result.and_then(|()| self.inner.trouble.placed()))
            }
            Err(error) => (self.inner.intake.take(), Err(error)),
        };
        for waiting in batch {
            // Nobody listens any more when the sender hung up; the delivery is kept all the same.
            let _ = waiting.answer.send(result.clone());
        }
        true
    }

    /// Makes a batch durable.
    async fn keep(&self, connection: Connection, batch: &[Waiting]) -> Result<()> {
        let (connection, entries) = if batch.iter().any(|waiting| waiting.again) {
            // What an interrupted leader began has ended, for the writer is free. It is looked for by a reader, which
            // in memory is the writer itself.
            drop(connection);
            let entries = self.not_kept_yet(batch).await?;
            (self.first_writer().await, entries)
        } else {
            (connection, batch.iter().map(|waiting| entered(&waiting.delivery)).collect())
        };
        let entries = self.as_seen(entries);
        if entries.is_empty() {
            return Ok(());
        }
        self.append_over(connection, entries).await
    }

    /// The batch as facts, without those that an interrupted leader had kept already.
    async fn not_kept_yet(&self, batch: &[Waiting]) -> Result<Vec<Entered>> {
        let mut entries = Vec::with_capacity(batch.len());
        for Waiting { delivery, again, .. } in batch {
            if *again && self.delivery(delivery.id).await?.is_some() {
                continue;
            }
            entries.push(entered(delivery));
        }
        Ok(entries)
    }

    /// Deliveries that the engine has not taken up, oldest first.
    ///
    /// # Errors
    /// What the database says.
    pub async fn deliveries_waiting(&self, limit: u32) -> Result<Vec<Delivery>> {
        self.deliveries_waiting_beside(limit, &[]).await
    }

    /// The same; the bodies of those that were acted on already are left out.
    ///
    /// # Errors
    /// What the database says.
    pub async fn deliveries_waiting_beside(&self, limit: u32, acted_on: &[DeliveryId]) -> Result<Vec<Delivery>> {
        let mut reader = self.reader().await?;
        let query = sqlx::query(WAITING).bind(i64::from(limit)).bind(to_json(acted_on)?);
        let rows = query.fetch_all(&mut *reader).await?;
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
