//! What keeps the database from being written: a full disk, a directory without the right to write, a disk that fails,
//! another process's lock, a damaged file, a file that is gone from its place. Known from the last call that failed for
//! such a cause until a write succeeds; said in the log here alone, at most once a minute.
//!
//! A full disk takes small writes long after it refused a large one: it is over only when there is room again. A file
//! that was moved or removed takes every write, and keeps none: its place is looked at before each of them. A damaged
//! file takes some writes and refuses others: that is over only with another file, at the next start. Under another
//! process's lock each write waits for ten seconds: one at a time tries, the others hear of it at once.

use std::{
    io::ErrorKind,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
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

/// After this long under another process's lock the next one may try.
const LOCK_TRIED_EVERY: Duration = Duration::from_secs(3);

/// How long one try takes at most, the wait for the lock included.
const LOCK_TRY: Duration = Duration::from_secs(15);

pub(super) struct Trouble {
    standing: Mutex<Standing>,
    /// The file of the database; none for one in memory.
    file: Option<Placed>,
}

#[derive(Default)]
struct Standing {
    now: Option<StoreError>,
    /// When the last line about it was written.
    said: Option<Instant>,
    /// Whether a line was written since it began or since the last one that said it was over.
    told: bool,
    /// Under another process's lock: when the next one may try.
    next_try: Option<Instant>,
}

/// A file, and which one it was when it was opened.
struct Placed {
    path: PathBuf,
    /// Device and inode, where the system told them.
    was: Option<(u64, u64)>,
}

impl Placed {
    /// Whether the file that was opened still has its name.
    fn there(&self) -> bool {
        let Some(was) = self.was else { return true };
        match std::fs::metadata(&self.path) {
            Ok(found) => (found.dev(), found.ino()) == was,
            Err(error) => !matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory),
        }
    }
}

/// What may be done with a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Leave {
    /// It may be done.
    Free,
    /// It is the one that tries whether the lock is still held.
    Try,
}

impl Trouble {
    /// Nothing is wrong with a database that was opened from `file`.
    pub fn none(file: Option<&Path>) -> Self {
        let file = file.map(|path| {
            let found = std::fs::metadata(path).ok();
            Placed { path: path.to_owned(), was: found.map(|found| (found.dev(), found.ino())) }
        });
        Self { standing: Mutex::default(), file }
    }

    fn with<T>(&self, change: impl FnOnce(&mut Standing) -> T) -> T {
        change(&mut self.standing.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// A call failed.
    pub fn met(&self, error: &StoreError) {
        if !error.lasts() {
            return;
        }
        let say = self.with(|standing| {
            standing.next_try = Some(Instant::now() + LOCK_TRIED_EVERY);
            // Nothing makes a damaged file whole, and whatever else a file meets that is gone comes of that.
            let graver = match standing.now {
                Some(StoreError::Gone) => true,
                Some(StoreError::Damaged(_)) => *error != StoreError::Gone,
                // What a full disk has no room for may be a file beside the database: then SQLite calls it a fault.
                Some(StoreError::Full) => matches!(error, StoreError::Failing(_)),
                _ => false,
            };
            if !graver {
                standing.now = Some(error.clone());
            }
            let due = standing.said.is_none_or(|at| at.elapsed() >= SAID_EVERY);
            if due {
                standing.said = Some(Instant::now());
                standing.told = true;
                standing.now.clone()
            } else {
                None
            }
        });
        if let Some(error) = say {
            tracing::error!("{error} Until then nothing new is stored, and webhooks are answered with 503.");
        }
    }

    /// A write succeeded.
    pub fn over(&self) {
        let ended = self.with(|standing| match standing.now {
            None | Some(StoreError::Damaged(_)) => None,
            Some(StoreError::Full) if !self.room() => None,
            Some(StoreError::Gone) if !self.there() => None,
            Some(_) => {
                standing.now = None;
                Some(std::mem::take(&mut standing.told))
            }
        });
        if ended == Some(true) {
            tracing::info!("the database can be written again");
        }
    }

    /// Whether a write may be begun.
    ///
    /// # Errors
    /// [`StoreError::Gone`]; [`StoreError::Locked`] while another one tries.
    pub fn leave(&self) -> Result<Leave> {
        self.placed()?;
        self.with(|standing| match standing.now {
            Some(StoreError::Locked) => {
                let now = Instant::now();
                if standing.next_try.is_some_and(|at| now < at) {
                    return Err(StoreError::Locked);
                }
                standing.next_try = Some(now + LOCK_TRY);
                Ok(Leave::Try)
            }
            _ => Ok(Leave::Free),
        })
    }

    /// The same once the connection is there: meanwhile another one may have met the lock.
    ///
    /// # Errors
    /// [`StoreError::Locked`].
    pub fn still(&self, leave: Leave) -> Result<()> {
        match self.with(|standing| standing.now.clone()) {
            Some(StoreError::Locked) if leave == Leave::Free => Err(StoreError::Locked),
            _ => Ok(()),
        }
    }

    /// Whether another process holds the lock, as far as is known.
    pub fn locked(&self) -> bool {
        self.with(|standing| standing.now == Some(StoreError::Locked))
    }

    /// Whether the file is in its place.
    ///
    /// # Errors
    /// [`StoreError::Gone`].
    pub fn placed(&self) -> Result<()> {
        if self.there() {
            return Ok(());
        }
        self.met(&StoreError::Gone);
        Err(StoreError::Gone)
    }

    fn there(&self) -> bool {
        self.file.as_ref().is_none_or(Placed::there)
    }

    /// Whether the disk has room; where nobody can tell, the write that succeeded says so.
    fn room(&self) -> bool {
        let Some(directory) = self.file.as_ref().and_then(|file| file.path.parent()) else { return true };
        rustix::fs::statvfs(directory).map_or(true, |free| free.f_bavail.saturating_mul(free.f_frsize) >= ROOM)
    }
}

impl Store {
    /// What keeps the database from being written now, if anything does.
    pub fn trouble(&self) -> Option<StoreError> {
        let trouble = &self.inner.trouble;
        if trouble.placed().is_ok() && trouble.with(|standing| standing.now == Some(StoreError::Gone)) {
            trouble.over();
        }
        trouble.with(|standing| standing.now.clone())
    }

    /// Somebody who reads met this error: what lasts is known from then on, and said. (Only writes wait for a lock.)
    pub fn met(&self, error: &StoreError) {
        if *error != StoreError::Locked {
            self.inner.trouble.met(error);
        }
    }

    /// Waits this long for another process's lock instead of ten seconds: how tests meet one.
    ///
    /// # Errors
    /// What the database says.
    #[doc(hidden)]
    pub async fn patience(&self, ms: u32) -> Result<()> {
        let mut writer = self.writer().await;
        let waits = format!("PRAGMA busy_timeout = {ms}");
        sqlx::raw_sql(sqlx::AssertSqlSafe(waits)).execute(&mut *writer).await?;
        Ok(())
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
