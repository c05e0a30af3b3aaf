//! What can go wrong in the store, each with one clear sentence and its remedy.

use sqlx::error::ErrorKind;

/// A failure of the store.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// No space left.
    #[error("The disk with the data directory is full. Free some space; nothing was lost and work goes on by itself.")]
    Full,
    /// The file or its directory cannot be written.
    #[error("The database cannot be written. Give this user the right to write to the data directory.")]
    ReadOnly,
    /// The database file is no longer where it was opened: what is written now goes into a file without a name.
    #[error(
        "The database file is gone from its place: it was moved or removed while the program ran. Put it back, or stop \
         the program and restore the last backup."
    )]
    Gone,
    /// The disk reports errors.
    #[error("The disk with the data directory fails: {0}. Check the disk and its connection.")]
    Failing(String),
    /// Another process holds the write lock for too long.
    #[error("The database is locked by another process. Stop the other process, or try again.")]
    Locked,
    /// The file cannot be opened.
    #[error("The database {path} cannot be opened: {why}. Check that the directory exists and can be written.")]
    CannotOpen {
        /// Which file.
        path: String,
        /// The system's words.
        why: String,
    },
    /// The file was written by a newer program.
    #[error(
        "The database is newer than this program (its schema version is {found}, this program knows up to {known}). \
         Start the newer program again, or restore a backup made before the upgrade."
    )]
    Newer {
        /// The file's.
        found: i64,
        /// Ours.
        known: i64,
    },
    /// The schema cannot be brought up to date.
    #[error("The database could not be brought up to date: {0}. Restore the last backup.")]
    Migration(String),
    /// SQLite says that the file is damaged.
    #[error("The database is damaged: {0}. Restore the last backup.")]
    Damaged(String),
    /// A stored value does not parse.
    #[error(
        "The value in {table}.{column} of row {id} cannot be read. Run `halobridge doctor`, then restore a backup."
    )]
    Corrupt {
        /// Table.
        table: &'static str,
        /// Column.
        column: &'static str,
        /// Row.
        id: String,
    },
    /// A rule of uniqueness was about to be broken.
    #[error("{} exists already.", columns(what))]
    Taken {
        /// What, in words or as `table.column`.
        what: String,
    },
    /// Something else still refers to it, or what it refers to is missing.
    #[error("{0} is still in use, or refers to something that does not exist.")]
    InUse(String),
    /// A write met no row.
    #[error("{table} has no row {id}.")]
    Missing {
        /// Table.
        table: &'static str,
        /// Row.
        id: String,
    },
    /// The sealing key does not fit or is unusable.
    #[error("{0}")]
    Key(String),
    /// A secret kept by reference cannot be resolved.
    #[error("{0}")]
    Secret(String),
    /// Another process runs on the same data directory.
    #[error("Another Halobridge (process {pid}) already runs on this data directory. Stop it first.")]
    AlreadyRunning {
        /// Its process id, as text; "unknown" when it could not be read.
        pid: String,
    },
    /// The ledger does not hold.
    #[error("The ledger does not hold: {0}. Restore the last backup and keep this file as evidence.")]
    Ledger(crate::ledger::entry::Broken),
    /// A transaction that met an error cannot be committed.
    #[error("The transaction met an error before and was rolled back.")]
    RolledBack,
    /// Anything else SQLite says.
    #[error("The database answered: {0}.")]
    Database(String),
}

impl StoreError {
    /// Whether it comes from outside and stays until somebody acts there. The store itself logs these, at most once
    /// a minute; whoever meets one says nothing more.
    pub fn lasts(&self) -> bool {
        matches!(self, Self::Full | Self::ReadOnly | Self::Gone | Self::Failing(_) | Self::Locked | Self::Damaged(_))
    }

    /// Whether the same call can succeed later without a change by the program.
    pub fn transient(&self) -> bool {
        self.lasts()
    }

    /// Whether a text holds the words of one that lasts.
    pub fn said_in(text: &str) -> bool {
        let whole =
            [Self::Full, Self::ReadOnly, Self::Gone, Self::Locked].iter().any(|one| text.contains(&one.to_string()));
        whole
            || ["The disk with the data directory fails: ", "The database is damaged: "]
                .iter()
                .any(|one| text.contains(one))
    }
}

impl From<crate::ledger::entry::Broken> for StoreError {
    fn from(broken: crate::ledger::entry::Broken) -> Self {
        Self::Ledger(broken)
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        match error {
            sqlx::Error::Database(error) => {
                let code = error.code().and_then(|code| code.parse::<i64>().ok()).unwrap_or(0);
                let text = error.message().to_owned();
                match (error.kind(), code & 0xff) {
                    (ErrorKind::UniqueViolation, _) => {
                        let what = text.rsplit("failed: ").next().unwrap_or(&text).to_owned();
                        Self::Taken { what }
                    }
                    (ErrorKind::ForeignKeyViolation, _) => Self::InUse("It".into()),
                    (_, 13) => Self::Full,
                    (_, 8) => Self::ReadOnly,
                    (_, 5 | 6) => Self::Locked,
                    (_, 10) => Self::Failing(text),
                    (_, 11 | 26) => Self::Damaged(text),
                    (_, 14) => Self::CannotOpen { path: "file".into(), why: text },
                    _ => Self::Database(text),
                }
            }
            sqlx::Error::Io(error) => Self::from_io(&error),
            other => Self::Database(other.to_string()),
        }
    }
}

impl StoreError {
    pub(super) fn from_io(error: &std::io::Error) -> Self {
        match error.kind() {
            std::io::ErrorKind::StorageFull => Self::Full,
            std::io::ErrorKind::PermissionDenied | std::io::ErrorKind::ReadOnlyFilesystem => Self::ReadOnly,
            _ => Self::Database(error.to_string()),
        }
    }

    pub(super) fn json(table: &'static str, column: &'static str, id: impl ToString) -> Self {
        Self::Corrupt { table, column, id: id.to_string() }
    }
}

/// Result of a store call.
pub type Result<T, E = StoreError> = std::result::Result<T, E>;

/// `clients.halo, clients.halo_client_id`, as SQLite names them, in words.
fn columns(named: &str) -> String {
    let words: Vec<String> =
        named.split(", ").map(|column| column.rsplit('.').next().unwrap_or(column).replace('_', " ")).collect();
    format!("An entry with the same {}", words.join(" and "))
}
