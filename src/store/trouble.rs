//! What keeps the database from being written: a full disk, a directory without the right to write. Known from the
//! last write that failed for such a cause until one succeeds; said in the log here alone, at most once a minute.

use std::{
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

#[derive(Default)]
pub(super) struct Trouble(Mutex<Standing>);

#[derive(Default)]
struct Standing {
    now: Option<StoreError>,
    said: Option<Instant>,
}

impl Trouble {
    fn with<T>(&self, change: impl FnOnce(&mut Standing) -> T) -> T {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
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
        if self.with(|standing| standing.now.take()).is_some() {
            tracing::info!("the database can be written again");
        }
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
