//! What keeps the database from being written: a full disk, a directory without the right to write. Known from the
//! last write that failed for such a cause until one succeeds; said in the log here alone, at most once a minute.
//! A full disk takes small writes long after it refused a large one: it is over only when there is room again.

use std::{
    path::PathBuf,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use super::{
    Store,
    error::{Result, StoreError},
    row::statements,
};

statements! {
    const PROBE = "UPDATE installation SET version = version WHERE id = 1";
}

/// A line about what lasts is written at most this often.
const SAID_EVERY: Duration = Duration::from_secs(60);

/// Bytes that must be free before a full disk counts as one no more: some webhooks of the largest size.
const ROOM: u64 = 1024 * 1024;

pub(super) struct Trouble {
    standing: Mutex<Standing>,
    /// The directory of the database; none for one in memory.
    directory: Option<PathBuf>,
}

#[derive(Default)]
struct Standing {
    now: Option<StoreError>,
    said: Option<Instant>,
}

impl Trouble {
    /// Nothing is wrong with a database in `directory`.
    pub fn none(directory: Option<PathBuf>) -> Self {
        Self { standing: Mutex::default(), directory }
    }

    fn with<T>(&self, change: impl FnOnce(&mut Standing) -> T) -> T {
        change(&mut self.standing.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// A write failed.
    pub fn met(&self, error: &StoreError) {
        if !error.lasts() {
            return;
        }
        let say = self.with(|standing| {
            standing.now = Some(error.clone());
            let due = standing.said.is_none_or(|at| at.elapsed() >= SAID_EVERY);
            if due {
                standing.said = Some(Instant::now());
            }
            due
        });
        if say {
            tracing::error!("{error} Until then nothing new is stored, and webhooks are answered with 503.");
        }
    }

    /// A write succeeded.
    pub fn over(&self) {
        let ended = self.with(|standing| match standing.now {
            Some(StoreError::Full) if !self.room() => None,
            _ => standing.now.take(),
        });
        if ended.is_some() {
            tracing::info!("the database can be written again");
        }
    }

    /// Whether the disk has room; where nobody can tell, the write that succeeded says so.
    fn room(&self) -> bool {
        let Some(directory) = &self.directory else { return true };
        rustix::fs::statvfs(directory).map_or(true, |free| free.f_bavail.saturating_mul(free.f_frsize) >= ROOM)
    }
}

impl Store {
    /// What keeps the database from being written now, if anything does.
    pub fn trouble(&self) -> Option<StoreError> {
        self.inner.trouble.with(|standing| standing.now.clone())
    }

    /// Writes next to nothing, to see whether the trouble is over.
    ///
    /// # Errors
    /// It is not.
    pub async fn probe(&self) -> Result<()> {
        let mut tx = self.begin().await?;
        sqlx::query(PROBE).execute(&mut *tx.connection).await?;
        tx.commit().await
    }
}
