//! The connections: one that writes, four that read, one that carries over what was written; in memory, one for all.

use std::{
    ops::{Deref, DerefMut},
    path::Path,
    sync::{
        Arc, Mutex as StdMutex, PoisonError,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};

use sqlx::{
    ConnectOptions, SqlSafeStr, SqliteConnection,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteOwnedBuf, SqliteSynchronous, SqliteTransactionManager},
};
use sqlx_core::transaction::TransactionManager;
use tokio::sync::{Mutex, OnceCell, OwnedMutexGuard, OwnedSemaphorePermit, Semaphore, mpsc};

use super::error::{Result, StoreError};

const READERS: usize = 4;
/// Commits after which what stands in the log is carried over into the file. By a connection of its own: it takes some
/// twenty milliseconds, for which no webhook has to wait.
const CARRIED_AFTER: u32 = 32;
/// Pages in the log at which the writer does so itself: it writes faster than the other can follow.
const CARRIED_AT: &str = "8000";

/// All connections to one database.
pub(super) struct Connections {
    writer: Arc<Mutex<SqliteConnection>>,
    /// Held by whoever writes what no sender waits for: one at a time stands in line for the writer, so that a webhook
    /// waits for nobody but the one who writes.
    line: Arc<Mutex<()>>,
    /// Whoever wrote last was interrupted: a transaction may be open still.
    uncertain: Arc<AtomicBool>,
    readers: Option<Readers>,
    carrier: Option<Carrier>,
}

/// Wakes the connection that carries the log over into the file.
struct Carrier {
    commits: AtomicU32,
    wake: mpsc::Sender<()>,
}

#[derive(Clone)]
struct Readers {
    permits: Arc<Semaphore>,
    idle: Arc<StdMutex<Vec<SqliteConnection>>>,
}

fn common() -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .foreign_keys(true)
        .busy_timeout(Duration::from_secs(10))
        .statement_cache_capacity(256)
        .pragma("temp_store", "memory")
        .disable_statement_logging()
}

fn cannot_open(path: &Path, error: sqlx::Error) -> StoreError {
    let path = path.display().to_string();
    match StoreError::from(error) {
        StoreError::CannotOpen { why, .. } | StoreError::Database(why) => StoreError::CannotOpen { path, why },
        known => known,
    }
}

impl Connections {
    pub async fn open(path: &Path) -> Result<Self> {
        let options = common()
            .filename(path)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .pragma("journal_size_limit", "67108864")
            .pragma("cache_size", "-16000");
        // The writer's plans are whole sequences of statements: fewer are kept.
        let options = options.statement_cache_capacity(128).pragma("wal_autocheckpoint", CARRIED_AT);
        // A record is a text of many statements, each of which gives an answer: none of them waits to be fetched.
        let options = options.row_buffer_size(512);
        let mut writer =
            options.clone().create_if_missing(true).connect().await.map_err(|error| cannot_open(path, error))?;
        super::migrate::run(&mut writer).await?;
        let mut idle = Vec::with_capacity(READERS);
        for _ in 0..READERS {
            let reader = common().filename(path).read_only(true).pragma("cache_size", "-4000");
            // A page of a list and its counters come in one piece: neither side waits for the other row by row.
            let reader = reader.row_buffer_size(512);
            idle.push(reader.connect().await.map_err(|error| cannot_open(path, error))?);
        }
        let readers = Readers { permits: Arc::new(Semaphore::new(READERS)), idle: Arc::new(StdMutex::new(idle)) };
        let carrying = common().filename(path).synchronous(SqliteSynchronous::Full).pragma("cache_size", "-1000");
        let carrier = Carrier::over(carrying.connect().await.map_err(|error| cannot_open(path, error))?);
        Ok(Self {
            writer: Arc::new(Mutex::new(writer)),
            line: Arc::default(),
            uncertain: Arc::default(),
            readers: Some(readers),
            carrier: Some(carrier),
        })
    }

    /// One connection that only reads, to look at a copy without changing it.
    pub async fn reading(path: &Path) -> Result<Self> {
        let opened = common().filename(path).read_only(true).connect().await;
        let reader = opened.map_err(|error| cannot_open(path, error))?;
        Ok(Self::alone(reader))
    }

    /// One connection for everything.
    fn alone(connection: SqliteConnection) -> Self {
        Self {
            writer: Arc::new(Mutex::new(connection)),
            line: Arc::default(),
            uncertain: Arc::default(),
            readers: None,
            carrier: None,
        }
    }

    /// An empty database in memory. Its schema is built once in a process and copied from then on.
    pub async fn in_memory() -> Result<Self> {
        static MIGRATED: OnceCell<Vec<u8>> = OnceCell::const_new();
        let migrated = MIGRATED
            .get_or_try_init(async || {
                let mut writer = common().in_memory(true).connect().await?;
                super::migrate::run(&mut writer).await?;
                Ok::<_, StoreError>(writer.serialize(None).await?.to_vec())
            })
            .await?;
        Self::copied(migrated).await
    }

    /// A database in memory that begins as a copy of another.
    pub async fn copied(bytes: &[u8]) -> Result<Self> {
        let mut writer = common().in_memory(true).connect().await?;
        let copy = SqliteOwnedBuf::try_from(bytes)?;
        writer.deserialize(None, copy, false).await?;
        Ok(Self::alone(writer))
    }

    /// Whether anybody holds the writing connection.
    pub fn writing(&self) -> bool {
        self.writer.try_lock().is_err()
    }

    /// The writing connection, without a transaction.
    pub async fn writer(&self) -> Connection {
        let line = self.line.clone().lock_owned().await;
        self.next_writer(Some(line)).await
    }

    /// The same, before all that stand in line for it: a sender waits.
    pub async fn first_writer(&self) -> Connection {
        self.next_writer(None).await
    }

    async fn next_writer(&self, line: Option<OwnedMutexGuard<()>>) -> Connection {
        if let Some(carrier) = &self.carrier {
            carrier.written();
        }
        let connection = self.writer.clone().lock_owned().await;
        let kind = Kind::Writer { connection, uncertain: Arc::clone(&self.uncertain), _line: line };
        let mut connection = Connection { kind, open: false };
        if self.uncertain.load(Ordering::SeqCst) {
            connection.roll_back().await;
            connection.uncertain(false);
        }
        connection
    }

    /// A connection to read from.
    pub async fn reader(&self) -> Result<Connection> {
        let Some(readers) = &self.readers else { return Ok(self.writer().await) };
        let closed = || StoreError::Database("the store is closed".into());
        let permit = readers.permits.clone().acquire_owned().await.map_err(|_| closed())?;
        let taken = readers.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let connection = taken.ok_or_else(closed)?;
        let kind = Kind::Reader { connection: Some(connection), home: readers.idle.clone(), _permit: permit };
        Ok(Connection { kind, open: false })
    }
}

impl Carrier {
    /// Carries over whenever it is woken, until nobody can wake it any more.
    #[expect(clippy::disallowed_methods, reason = "a stop need not wait for it: what it does may end at any point")]
    fn over(mut connection: SqliteConnection) -> Self {
        const CARRY_OVER: &str = "PRAGMA wal_checkpoint(PASSIVE)";
        let (wake, mut woken) = mpsc::channel(1);
        tokio::spawn(async move {
            while woken.recv().await.is_some() {
                // What cannot be carried over now stays in the log, and is safe there; the writer says so if it lasts.
                if let Err(error) = sqlx::query(CARRY_OVER).execute(&mut connection).await {
                    tracing::debug!(%error, "the log was not carried over into the database file");
                }
            }
        });
        Self { commits: AtomicU32::new(0), wake }
    }

    fn written(&self) {
        if self.commits.fetch_add(1, Ordering::Relaxed) % CARRIED_AFTER == CARRIED_AFTER - 1 {
            // Full: it has been woken already.
            let _ = self.wake.try_send(());
        }
    }
}

/// A connection in use. Dropped inside a transaction, it is rolled back before anyone else gets it.
pub(super) struct Connection {
    kind: Kind,
    /// A transaction was begun and is not known to have ended.
    open: bool,
}

enum Kind {
    Writer {
        // In this order: who comes first gets it before the next one stands in line.
        connection: OwnedMutexGuard<SqliteConnection>,
        uncertain: Arc<AtomicBool>,
        _line: Option<OwnedMutexGuard<()>>,
    },
    Reader {
        connection: Option<SqliteConnection>,
        home: Arc<StdMutex<Vec<SqliteConnection>>>,
        _permit: OwnedSemaphorePermit,
    },
}

impl Connection {
    /// Begins a transaction that writes.
    pub async fn begin_immediate(&mut self) -> Result<()> {
        self.begin("BEGIN IMMEDIATE").await
    }

    /// Begins a transaction that only reads: all statements see the same state.
    pub async fn begin_reading(&mut self) -> Result<()> {
        self.begin("BEGIN").await
    }

    async fn begin(&mut self, statement: &'static str) -> Result<()> {
        match SqliteTransactionManager::begin(self, Some(SqlSafeStr::into_sql_str(statement))).await {
            Err(sqlx::Error::InvalidSavePointStatement) => {}
            other => {
                other?;
                self.open = true;
                return Ok(());
            }
        }
        // After some errors (a full disk) SQLite itself rolls the transaction back; sqlx' own rollback then fails
        // and it goes on counting that transaction as open. An empty one, rolled back, sets the count right.
        let _ = sqlx::query("BEGIN").execute(&mut **self).await;
        SqliteTransactionManager::rollback(self).await?;
        SqliteTransactionManager::begin(self, Some(SqlSafeStr::into_sql_str(statement))).await?;
        self.open = true;
        Ok(())
    }

    /// Notes that a transaction of plain statements begins now, or has ended.
    pub fn uncertain(&mut self, is: bool) {
        if let Kind::Writer { uncertain, .. } = &self.kind {
            uncertain.store(is, Ordering::SeqCst);
        }
    }

    /// Ends a transaction of plain statements, if one is open.
    pub async fn roll_back(&mut self) {
        // Without one SQLite says so, which is as good.
        let _ = sqlx::query("ROLLBACK").execute(&mut **self).await;
    }

    /// Commits.
    pub async fn commit(&mut self) -> Result<()> {
        SqliteTransactionManager::commit(self).await?;
        self.open = false;
        Ok(())
    }
}

impl Deref for Connection {
    type Target = SqliteConnection;
    #[expect(clippy::expect_used, reason = "a reader holds its connection until it is dropped")]
    fn deref(&self) -> &SqliteConnection {
        match &self.kind {
            Kind::Writer { connection, .. } => connection,
            // Taken only in `drop`.
            Kind::Reader { connection, .. } => connection.as_ref().expect("in use until dropped"),
        }
    }
}

impl DerefMut for Connection {
    #[expect(clippy::expect_used, reason = "a reader holds its connection until it is dropped")]
    fn deref_mut(&mut self) -> &mut SqliteConnection {
        match &mut self.kind {
            Kind::Writer { connection, .. } => connection,
            // Taken only in `drop`.
            Kind::Reader { connection, .. } => connection.as_mut().expect("in use until dropped"),
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // Queued before any later statement of this connection, without waiting.
        if self.open {
            SqliteTransactionManager::start_rollback(self);
        }
        if let Kind::Reader { connection, home, .. } = &mut self.kind
            && let Some(connection) = connection.take()
        {
            home.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
        }
    }
}

/// Whether the file was written by an earlier version of the program, so that opening it changes its schema.
///
/// # Errors
/// [`StoreError::CannotOpen`].
pub async fn behind(path: &Path) -> Result<bool> {
    if !path.is_file() {
        return Ok(false);
    }
    Ok(schema_of(path).await?.is_some_and(|found| found < super::migrate::KNOWN))
}

/// The version of a file's schema; `None` for a database that is empty or another program's.
///
/// # Errors
/// [`StoreError::CannotOpen`], [`StoreError::Damaged`].
pub async fn schema_of(path: &Path) -> Result<Option<i64>> {
    let mut connection = common().filename(path).connect().await.map_err(|error| cannot_open(path, error))?;
    let found = super::migrate::found(&mut connection).await?;
    sqlx::Connection::close(connection).await?;
    Ok(found)
}

/// Removes the instance mark from a copy, and leaves it in one file.
pub(super) async fn unmark(path: &Path) -> Result<()> {
    const UNMARK: &str = "DELETE FROM settings WHERE name = 'instance-mark'";
    let options = common().filename(path).synchronous(SqliteSynchronous::Full);
    let mut copy = options.connect().await.map_err(|error| cannot_open(path, error))?;
    sqlx::query(UNMARK).execute(&mut copy).await?;
    sqlx::Connection::close(copy).await?;
    Ok(())
}
