//! The connections: one that writes, four that read; in memory, one for both.

use std::{
    ops::{Deref, DerefMut},
    path::Path,
    sync::{
        Arc, Mutex as StdMutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use sqlx::{
    ConnectOptions, SqlSafeStr, SqliteConnection,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteOwnedBuf, SqliteSynchronous, SqliteTransactionManager},
};
use sqlx_core::transaction::TransactionManager;
use tokio::sync::{Mutex, OnceCell, OwnedMutexGuard, OwnedSemaphorePermit, Semaphore};

use super::error::{Result, StoreError};

const READERS: usize = 4;

/// All connections to one database.
pub(super) struct Connections {
    writer: Arc<Mutex<SqliteConnection>>,
    /// Whoever wrote last was interrupted: a transaction may be open still.
    uncertain: Arc<AtomicBool>,
    readers: Option<Readers>,
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
        let options = options.statement_cache_capacity(128);
        let mut writer =
            options.clone().create_if_missing(true).connect().await.map_err(|error| cannot_open(path, error))?;
        super::migrate::run(&mut writer).await?;
        let mut idle = Vec::with_capacity(READERS);
        for _ in 0..READERS {
            let reader = common().filename(path).read_only(true).pragma("cache_size", "-4000");
            idle.push(reader.connect().await.map_err(|error| cannot_open(path, error))?);
        }
        let readers = Readers { permits: Arc::new(Semaphore::new(READERS)), idle: Arc::new(StdMutex::new(idle)) };
        Ok(Self { writer: Arc::new(Mutex::new(writer)), uncertain: Arc::default(), readers: Some(readers) })
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
        Ok(Self { writer: Arc::new(Mutex::new(writer)), uncertain: Arc::default(), readers: None })
    }

    /// Whether anybody holds the writing connection.
    pub fn writing(&self) -> bool {
        self.writer.try_lock().is_err()
    }

    /// The writing connection, without a transaction.
    pub async fn writer(&self) -> Connection {
        let kind = Kind::Writer(self.writer.clone().lock_owned().await, Arc::clone(&self.uncertain));
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

/// A connection in use. Dropped inside a transaction, it is rolled back before anyone else gets it.
pub(super) struct Connection {
    kind: Kind,
    /// A transaction was begun and is not known to have ended.
    open: bool,
}

enum Kind {
    Writer(OwnedMutexGuard<SqliteConnection>, Arc<AtomicBool>),
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
        if let Kind::Writer(_, uncertain) = &self.kind {
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
            Kind::Writer(guard, _) => guard,
            // Taken only in `drop`.
            Kind::Reader { connection, .. } => connection.as_ref().expect("in use until dropped"),
        }
    }
}

impl DerefMut for Connection {
    #[expect(clippy::expect_used, reason = "a reader holds its connection until it is dropped")]
    fn deref_mut(&mut self) -> &mut SqliteConnection {
        match &mut self.kind {
            Kind::Writer(guard, _) => guard,
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

/// Removes the instance mark from a copy, and leaves it in one file.
pub(super) async fn unmark(path: &Path) -> Result<()> {
    const UNMARK: &str = "DELETE FROM settings WHERE name = 'instance-mark'";
    let options = common().filename(path).synchronous(SqliteSynchronous::Full);
    let mut copy = options.connect().await.map_err(|error| cannot_open(path, error))?;
    sqlx::query(UNMARK).execute(&mut copy).await?;
    sqlx::Connection::close(copy).await?;
    Ok(())
}
