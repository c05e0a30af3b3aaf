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
                match self.all_at_once(&mut connection, &records).await {
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use futures::future::join_all;
    use jiff::Timestamp;
    use serde_json::json;

    use super::*;
    use crate::{
        clock::SeededIds,
        domain::ids::{ClientId, PairId, TicketId},
        ledger::fact::Fact,
        store::SealKey,
    };

    fn noted(client: u128, what: &str) -> Entered {
        let fact = Fact::Unreadable { workspace: None, raw: json!({ "what": what }) };
        Entered { client: Some(ClientId(uuid::Uuid::from_u128(client))), at: Timestamp::UNIX_EPOCH, fact }
    }

    /// About a pair that does not exist: cannot be recorded.
    fn impossible() -> Entered {
        let fact = Fact::TicketLinked { pair: PairId(uuid::Uuid::from_u128(9)), ticket: TicketId(1) };
        Entered { fact, ..noted(1, "") }
    }

    async fn store() -> Store {
        let store = Store::in_memory(SealKey::new(&[7; 32], Arc::new(SeededIds::new(1)))).await.expect("opens");
        store.append(vec![noted(1, "first"), noted(2, "first")]).await.expect("recorded");
        store.append(vec![noted(1, "known"), noted(2, "known")]).await.expect("recorded");
        store
    }

    /// Everybody who waits while somebody else writes.
    ///
    /// Gives what each is told, and the ledger's last number at that moment.
    async fn at_the_same_time(store: &Store, records: Vec<Vec<Entered>>) -> Vec<(Result<Seq>, Seq)> {
        let writing = store.writer().await;
        let free = async {
            tokio::task::yield_now().await;
            drop(writing);
        };
        let one = async |record| (store.append_together(record).await, store.last_recorded());
        tokio::join!(join_all(records.into_iter().map(one)), free).0
    }

    #[tokio::test]
    async fn those_that_wait_share_a_commit() {
        let store = store().await;
        let before = store.last_recorded();
        let records = vec![vec![noted(1, "a"), noted(2, "b")], vec![noted(2, "c")], vec![noted(1, "d"), noted(1, "e")]];
        let told = at_the_same_time(&store, records).await;
        let lasts: Vec<Seq> = told.iter().map(|(result, _)| result.clone().expect("recorded")).collect();
        assert_eq!(lasts, [Seq(before.0 + 2), Seq(before.0 + 3), Seq(before.0 + 5)]);
        // When the first one is told, the others are recorded too.
        assert!(told.iter().all(|(_, last)| *last == Seq(before.0 + 5)), "{told:?}");
        store.verify_ledger().await.expect("no gap");
    }

    #[tokio::test]
    async fn one_that_cannot_be_recorded_takes_nobody_along() {
        let store = store().await;
        let before = store.last_recorded();
        let many = (0..40).map(|n| noted(1, &n.to_string())).collect();
        let records = vec![vec![noted(1, "a")], vec![noted(2, "b"), impossible()], vec![noted(3, "new")], many];
        let told = at_the_same_time(&store, records).await;
        let good: Vec<bool> = told.iter().map(|(result, _)| result.is_ok()).collect();
        assert_eq!(good, [true, false, true, true]);
        assert!(matches!(told[1].0, Err(StoreError::Missing { table: "pairs", .. })), "{told:?}");
        assert_eq!(store.latest_seq().await.expect("read"), Seq(before.0 + 42));
        let heads = store.verify_ledger().await.expect("no gap");
        assert_eq!(heads.values().map(|head| head.chain_seq).sum::<i64>(), before.0 + 42);
    }
}
