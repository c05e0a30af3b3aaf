//! Records that many make at the same time share a commit: a commit waits for the disk, and the writer is one.
//!
//! Whoever gets the writing connection next carries out all that wait for it, each record whole and in a text of its own.
//! If one of them cannot be carried out so, none is, and each is recorded by itself.

use std::sync::{Mutex, PoisonError};

use tokio::sync::oneshot;

use super::{
    Store,
    append::{AT_ONCE, Entered},
    error::{Result, StoreError},
};
use crate::ledger::entry::Seq;

/// Most records in one commit.
const TOGETHER: usize = 32;

/// A record that waits.
struct Waiting {
    entries: Vec<Entered>,
    answer: oneshot::Sender<Result<Seq>>,
}

/// All that wait.
#[derive(Default)]
pub(super) struct Together(Mutex<Vec<Waiting>>);

impl Together {
    fn join(&self, waiting: Waiting) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(waiting);
    }

    fn take(&self) -> Vec<Waiting> {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = waiting.len().min(TOGETHER);
        waiting.drain(..count).collect()
    }
}

impl Store {
    /// As [`Store::append`], with one commit for all that record at this moment. For those that are never interrupted:
    /// one that is, while it records for others, leaves them without an answer.
    ///
    /// # Errors
    /// As [`Store::append`]; and when the one that recorded for others was interrupted: then it may be recorded or not.
    pub async fn append_together(&self, entries: Vec<Entered>) -> Result<Seq> {
        let entries = self.as_seen(entries);
        if entries.is_empty() {
            return Ok(self.last_recorded());
        }
        let leave = self.inner.trouble.leave()?;
        let (answer, mut answered) = oneshot::channel();
        self.inner.together.join(Waiting { entries, answer });
        loop {
            let mut connection = tokio::select! {
                biased;
                result = &mut answered => return result.unwrap_or_else(|_| Err(interrupted())),
                connection = self.writer() => connection,
            };
            let taken = self.inner.together.take();
            if taken.is_empty() {
                // Ours was taken along by one before us, and its answer is there.
                drop(connection);
                return answered.await.unwrap_or_else(|_| Err(interrupted()));
            }
            let (few, many): (Vec<_>, Vec<_>) = taken.into_iter().partition(|one| one.entries.len() <= AT_ONCE);
            let mut alone = many;
            if !few.is_empty() {
                let records: Vec<&[Entered]> = few.iter().map(|one| one.entries.as_slice()).collect();
                let done = match self.inner.trouble.still(leave) {
                    Ok(()) => self.all_at_once(&mut connection, &records).await,
                    Err(error) => Err(error),
                };
                match done {
                    Ok(Some(lasts)) => {
                        for (one, last) in few.into_iter().zip(lasts) {
                            // Nobody listens any more when it was interrupted; what it recorded stands.
                            let _ = one.answer.send(Ok(last));
                        }
                    }
                    Ok(None) | Err(_) => alone.extend(few),
                }
            }
            drop(connection);
            for Waiting { entries, answer } in alone {
                let _ = answer.send(self.append_seen(entries).await);
            }
        }
    }
}

fn interrupted() -> StoreError {
    StoreError::Database("the one that recorded this together with its own was interrupted".into())
}
