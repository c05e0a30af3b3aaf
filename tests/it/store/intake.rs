//! Webhooks at the store: each is kept once, before what nobody waits for, and whoever is told so can rely on it.

use std::cell::RefCell;

use halobridge::{
    domain::{
        delivery::{Delivery, DeliverySource},
        ids::DeliveryId,
    },
    ledger::fact::Fact,
    store::{Entered, Store, StoreError},
};

use super::fixture::*;

fn delivery(n: u128, body: Vec<u8>) -> Delivery {
    Delivery {
        id: DeliveryId(uuid::Uuid::from_u128(n)),
        source: DeliverySource::Sentinel { workspace: workspace(1), client: client(1) },
        received: at(i64::try_from(n).unwrap()),
        body,
        handled: None,
    }
}

fn act(n: i64) -> Entered {
    let fact = Fact::HumanAct { user: None, act: "in line".into(), pair: None, detail: serde_json::json!({ "n": n }) };
    Entered { client: Some(client(1)), at: at(n), fact }
}

#[tokio::test]
async fn a_webhook_goes_before_all_that_stand_in_line() {
    let folder = tempfile::tempdir().unwrap();
    for store in [memory().await, Store::open(&folder.path().join("halobridge.db"), key()).await.unwrap()] {
        linked(&store, 1).await;
        let ended = RefCell::new(Vec::new());
        let writing = store.begin().await.unwrap();
        let in_line = futures::future::join_all((1..=5).map(|n| {
            let (store, ended) = (&store, &ended);
            async move {
                store.append(vec![act(n)]).await.unwrap();
                ended.borrow_mut().push("in line");
            }
        }));
        let webhook = async {
            store.intake(delivery(1, b"{}".to_vec())).await.unwrap();
            ended.borrow_mut().push("webhook");
        };
        let free = async {
            // All others stand there by now: they are asked first, in this order.
            assert!(store.webhooks_wait());
            drop(writing);
        };
        futures::join!(in_line, webhook, free);
        assert_eq!(*ended.borrow(), ["webhook", "in line", "in line", "in line", "in line", "in line"]);
        assert!(!store.webhooks_wait());
        store.verify_ledger().await.unwrap();
    }
}

#[tokio::test]
async fn a_crowd_is_noticed_and_kept_whole_in_few_commits() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("halobridge.db"), key()).await.unwrap();
    linked(&store, 1).await;
    assert!(!store.crowded());
    store.intake(delivery(1, b"{}".to_vec())).await.unwrap();
    assert!(!store.crowded(), "one is no crowd");
    let mut seen = store.watch();
    seen.mark_unchanged();
    let mut commits = 0;
    let counting = async {
        while seen.changed().await.is_ok() {
            commits += 1;
        }
    };
    let all = futures::future::join_all((2..=200_u128).map(|n| store.intake(delivery(n, n.to_string().into_bytes()))));
    let waiting = async {
        let (results, ()) = futures::join!(all, async { assert!(store.crowded()) });
        results
    };
    let results = tokio::select! {
        biased;
        results = waiting => results,
        () = counting => panic!("the store is open"),
    };
    for result in results {
        result.unwrap();
    }
    assert!(commits <= 3, "{commits} commits");
    let kept = store.deliveries_waiting(1_000).await.unwrap();
    let bodies: std::collections::BTreeSet<&[u8]> = kept.iter().map(|one| one.body.as_slice()).collect();
    assert_eq!((kept.len(), bodies.len()), (200, 200));
    store.verify_ledger().await.unwrap();
}

#[tokio::test]
async fn of_many_on_a_full_disk_those_are_kept_that_were_told_so() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("halobridge.db"), key()).await.unwrap();
    linked(&store, 1).await;
    store.intake(delivery(1_000, b"{}".to_vec())).await.unwrap();
    store.limit_pages(Some(40), false).await.unwrap();
    let body = |n: u128| format!("{n} {}", "x".repeat(20_000)).into_bytes();
    let all = futures::future::join_all((1..=50_u128).map(|n| store.intake(delivery(n, body(n))))).await;
    let mut refused = 0;
    for (n, result) in (1..=50_u128).zip(&all) {
        let kept = store.delivery(DeliveryId(uuid::Uuid::from_u128(n))).await.unwrap().is_some();
        assert_eq!(kept, result.is_ok(), "{n}");
        refused += usize::from(*result == Err(StoreError::Full));
    }
    assert!(refused > 0, "more than there is room for");
    store.limit_pages(None, false).await.unwrap();
    // Their senders send them again.
    for (n, result) in (1..=50_u128).zip(&all) {
        if result.is_err() {
            store.intake(delivery(n, body(n))).await.unwrap();
        }
    }
    assert_eq!(store.intake_backlog().await.unwrap().0, 51);
    store.verify_ledger().await.unwrap();
}
