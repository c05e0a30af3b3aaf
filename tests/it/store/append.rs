//! Recording in one trip holds whatever comes between: other transactions, another process, a fault, an interruption.

use std::{
    future::Future,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    task::Context,
};

use halobridge::{
    domain::ids::{ClientId, DeliveryId},
    ledger::{entry::Seq, fact::Fact},
    store::{Entered, Store, StoreError},
};
use serde_json::json;

use super::fixture::*;

fn act(who: u32, text: &str) -> Entered {
    let fact = Fact::HumanAct { user: None, act: text.into(), pair: None, detail: json!({}) };
    Entered { client: Some(client(who)), at: at(1), fact }
}

fn installations(text: &str) -> Entered {
    Entered { client: None::<ClientId>, ..act(1, text) }
}

#[tokio::test]
async fn chains_go_on_whoever_wrote_before() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("halobridge.db");
    let (one, other) = (Store::open(&path, key()).await.unwrap(), Store::open(&path, key()).await.unwrap());
    // The long way first (nothing is known), then in one trip, then behind another process' back, each way round.
    one.append(vec![act(1, "a"), act(2, "b"), installations("c")]).await.unwrap();
    one.append(vec![act(2, "d"), act(1, "e"), installations("f")]).await.unwrap();
    other.append(vec![act(1, "g")]).await.unwrap();
    one.append(vec![act(1, "h"), act(2, "i")]).await.unwrap();
    record(&other, vec![act(1, "j").fact]).await;
    one.append(vec![act(3, "k"), act(1, "l")]).await.unwrap();
    record(&one, vec![act(1, "m").fact]).await;
    one.append(vec![act(1, "n")]).await.unwrap();
    other.append((0..40).map(|n| act(1 + n % 3, "many")).collect()).await.unwrap();
    one.append(vec![act(3, "o")]).await.unwrap();
    assert_eq!(one.latest_seq().await.unwrap(), Seq(55));
    assert_eq!(one.last_recorded(), Seq(55));
    let ends = one.verify_ledger().await.unwrap();
    assert_eq!(ends.values().map(|head| head.chain_seq).sum::<i64>(), 55);
    one.append(Vec::new()).await.unwrap();
    assert_eq!(one.latest_seq().await.unwrap(), Seq(55));
}

#[tokio::test]
async fn what_cannot_be_recorded_leaves_nothing_and_stops_nothing() {
    let folder = tempfile::tempdir().unwrap();
    for store in [memory().await, Store::open(&folder.path().join("halobridge.db"), key()).await.unwrap()] {
        linked(&store, 1).await;
        store.append(vec![act(1, "known ends")]).await.unwrap();
        let nowhere = Entered { fact: Fact::DeliveryHandled { delivery: DeliveryId(uuid::Uuid::nil()) }, ..act(1, "") };
        for _ in 0..2 {
            let refused = store.append(vec![act(1, "with it"), nowhere.clone()]).await;
            assert!(matches!(refused, Err(StoreError::Missing { table: "deliveries", .. })), "{refused:?}");
            let again = Entered { fact: Fact::PairOpened { pair: Box::new(pair(1)) }, ..act(1, "") };
            let refused = store.append(vec![act(1, "with it"), again]).await;
            assert!(matches!(refused, Err(StoreError::Taken { .. })), "{refused:?}");
            store.append(vec![act(1, "after it")]).await.unwrap();
        }
        assert_eq!(store.latest_seq().await.unwrap(), Seq(5));
        store.verify_ledger().await.unwrap();
    }
}

#[tokio::test]
async fn an_interrupted_one_is_there_whole_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("halobridge.db"), key()).await.unwrap();
    store.append(vec![act(1, "first"), act(2, "first")]).await.unwrap();
    for polls in 1..30 {
        let mut appending = pin!(store.append((0..10).map(|n| act(1 + n % 2, "all of ten")).collect()));
        let mut context = Context::from_waker(std::task::Waker::noop());
        for _ in 0..polls {
            if appending.as_mut().poll(&mut context).is_ready() {
                break;
            }
        }
    }
    store.append(vec![act(1, "last")]).await.unwrap();
    let entries = store.latest_seq().await.unwrap().0 - 3;
    assert_eq!(entries % 10, 0, "ten at a time");
    store.verify_ledger().await.unwrap();
    assert!(store.integrity_check().await.unwrap().is_empty());
}

/// Six writers in each of two processes, again and again from a fresh start, when the ends of most chains are not known.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_writers_at_once_leave_no_gap() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("halobridge.db");
    let recorded = Arc::new(AtomicI64::new(0));
    for start in 0..10_u32 {
        let stores = [Store::open(&path, key()).await.unwrap(), Store::open(&path, key()).await.unwrap()];
        let mut writers = Vec::new();
        for writer in 0..12_u32 {
            let (store, recorded) = (stores[writer as usize % 2].clone(), Arc::clone(&recorded));
            writers.push(tokio::spawn(async move {
                for turn in 0..8_u32 {
                    let chosen = start * 31 + writer * 17 + turn * 7;
                    // one chain, several, too many for one trip
                    let count = [1, 3, 5, 20][(chosen % 4) as usize];
                    let facts: Vec<Entered> = (0..count).map(|n| act(1 + (chosen + n * n) % 7, "written")).collect();
                    if chosen % 5 == 0 {
                        let mut tx = store.begin().await.unwrap();
                        for entered in &facts {
                            tx.record(entered.at, entered.client, entered.fact.clone()).await.unwrap();
                        }
                        if chosen % 2 == 0 {
                            continue;
                        }
                        tx.commit().await.unwrap();
                    } else if chosen % 3 == 0 {
                        store.append(facts).await.unwrap();
                    } else {
                        store.append_together(facts).await.unwrap();
                    }
                    recorded.fetch_add(i64::from(count), Ordering::SeqCst);
                }
            }));
        }
        for writer in writers {
            writer.await.unwrap();
        }
        let ends = stores[0].verify_ledger().await.expect("no gap");
        let expected = recorded.load(Ordering::SeqCst);
        assert_eq!(ends.values().map(|head| head.chain_seq).sum::<i64>(), expected, "start {start}");
        assert_eq!(stores[1].latest_seq().await.unwrap(), Seq(expected), "and no number is left out");
    }
}

#[tokio::test]
async fn what_is_written_is_carried_over_into_the_file_beside_the_writer() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("halobridge.db");
    let store = Store::open(&path, key()).await.unwrap();
    let length = || std::fs::metadata(&path).unwrap().len();
    let before = length();
    // Far fewer pages than the writer itself would begin at.
    let mut written = 0;
    crate::outside::until("the file to grow", 30, async || {
        store.append(vec![act(1, &"words ".repeat(500))]).await.unwrap();
        written += 1;
        (length() > before || written > 1_000).then_some(())
    })
    .await;
    assert!(written < 1_000, "carried over after {written} commits");
    assert_eq!(store.verify_ledger().await.unwrap().len(), 1);
}
