//! The chain: whole, checkable, and telling when somebody has changed it.

use std::path::Path;

use halobridge::{
    domain::{
        account::Scope,
        delivery::{Delivery, DeliverySource},
        ids::DeliveryId,
    },
    ledger::{
        entry::{Broken, Chain, Head, Seq, hash, join, split},
        fact::Fact,
    },
    store::{LedgerFilter, Store, StoreError},
};
use sqlx::{ConnectOptions, sqlite::SqliteConnectOptions};

use super::fixture::*;

fn act(text: &str) -> Fact {
    Fact::HumanAct { user: None, act: text.into(), pair: None, detail: serde_json::json!({ "n": 1 }) }
}

/// Changes the file behind the store's back.
async fn tamper(path: &Path, sql: &'static str) -> u64 {
    let mut other = SqliteConnectOptions::new().filename(path).foreign_keys(false).connect().await.unwrap();
    let changed = sqlx::query(sql).execute(&mut other).await.unwrap().rows_affected();
    sqlx::Connection::close(other).await.unwrap();
    changed
}

#[tokio::test]
async fn each_client_and_the_installation_have_a_chain() {
    let store = memory().await;
    let mut tx = store.begin().await.unwrap();
    for (who, text) in [(None, "a"), (Some(client(1)), "b"), (Some(client(2)), "c"), (Some(client(1)), "d")] {
        tx.record(at(1), who, act(text)).await.unwrap();
    }
    tx.commit().await.unwrap();
    let mut tx = store.begin().await.unwrap();
    assert_eq!(tx.record(at(2), Some(client(1)), act("e")).await.unwrap(), Seq(5));
    tx.commit().await.unwrap();
    let heads = store.verify_ledger().await.unwrap();
    let lengths: Vec<_> = heads.iter().map(|(chain, head)| (*chain, head.chain_seq)).collect();
    assert_eq!(lengths, [(Chain::Installation, 1), (Chain::Client(client(1)), 3), (Chain::Client(client(2)), 1)]);
    assert_eq!(store.verify(Chain::Client(client(1))).await.unwrap(), heads[&Chain::Client(client(1))]);
    assert_eq!(store.verify(Chain::Client(client(9))).await.unwrap(), Head::EMPTY);
    let first = store.entry(Seq(2)).await.unwrap().unwrap().entry;
    let last = store.entry(Seq(5)).await.unwrap().unwrap().entry;
    assert_eq!((first.prev, first.chain_seq), (halobridge::ledger::entry::Hash::NONE, 1));
    assert_eq!(hash(&last), last.hash);
}

#[tokio::test]
async fn facts_come_back_as_they_were() {
    let store = memory().await;
    linked(&store, 1).await;
    let facts = vec![
        Fact::Unreadable { workspace: Some(workspace(1)), raw: serde_json::json!({ "b": 1, "a": [null, 0.5] }) },
        Fact::TicketRead { pair: pair_id(1), ticket: Box::new(ticket(7)) },
        Fact::OperationPlanned { operation: Box::new(operation(1, 1, 1)) },
        act("sync-now"),
    ];
    record(&store, facts.clone()).await;
    let page = store.ledger_page(&LedgerFilter::default(), None, 4).await.unwrap();
    let found: Vec<Fact> = page.into_iter().rev().map(|item| item.fact.unwrap()).collect();
    assert_eq!(found, facts);
    for fact in facts {
        let (detail, body) = split(&fact).unwrap();
        assert!(detail.starts_with('{') && !detail.contains("\"fact\""), "the entry says which fact it is: {detail}");
        assert_eq!(join(fact.name(), &detail, body.as_deref()).unwrap(), Some(fact));
    }
}

#[tokio::test]
async fn tampering_is_seen() {
    type Case = (&'static str, &'static str, fn(&Broken) -> bool);
    let table: [Case; 7] = [
        ("detail", "UPDATE ledger SET detail = '{}' WHERE seq = 3", |b| matches!(b, Broken::Changed { .. })),
        ("time", "UPDATE ledger SET at_ms = at_ms + 1 WHERE seq = 3", |b| matches!(b, Broken::Changed { .. })),
        ("pair", "UPDATE ledger SET pair = NULL WHERE seq = 2", |b| matches!(b, Broken::Changed { .. })),
        ("body", "UPDATE bodies SET body = '{}' WHERE hash = (SELECT body FROM ledger WHERE seq = 1)", |b| {
            matches!(b, Broken::Body { seq: Seq(1), .. })
        }),
        ("missing", "DELETE FROM ledger WHERE seq = 3", |b| matches!(b, Broken::Gap { seq: Seq(4), .. })),
        ("cut", "DELETE FROM ledger WHERE seq = 4", |b| matches!(b, Broken::Cut { expected: 4, found: 3, .. })),
        ("head", "DELETE FROM chains", |b| matches!(b, Broken::Cut { .. })),
    ];
    for (what, sql, expected) in table {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("halobridge.db");
        let store = Store::open(&path, key()).await.unwrap();
        linked(&store, 1).await;
        record(&store, vec![act("x"), act("y")]).await;
        store.verify_ledger().await.unwrap();
        assert!(tamper(&path, sql).await > 0, "{what}");
        for result in
            [store.verify_ledger().await.map(|_| ()), store.verify(Chain::Client(client(1))).await.map(|_| ())]
        {
            match result {
                Err(StoreError::Ledger(broken)) => assert!(expected(&broken), "{what}: {broken}"),
                other => panic!("{what}: {other:?}"),
            }
        }
    }
}

#[tokio::test]
async fn bodies_can_be_erased_and_the_chain_holds() {
    let store = memory().await;
    linked(&store, 1).await;
    let old = store.subject(workspace(1), &incident_id(1)).await.unwrap().unwrap().incident.title;
    record_at(&store, at(900), vec![incident_read(workspace(1), client(1), incident(1, "New words"))]).await;
    assert_eq!(store.erase_bodies(Chain::Client(client(2)), at(901)).await.unwrap(), 0);
    // Only the first reading: the state still needs the second.
    assert_eq!(store.erase_bodies(Chain::Client(client(1)), at(901)).await.unwrap(), 1);
    store.verify_ledger().await.unwrap();
    let erased = store.entry(Seq(1)).await.unwrap().unwrap();
    assert_eq!(erased.fact, None);
    assert!(!erased.entry.detail.contains(&old) && erased.entry.detail.contains("\"number\":1"));
    assert!(store.situation(pair_id(1)).await.unwrap().is_some());
}

#[tokio::test]
async fn a_body_is_kept_once_and_never_shared_between_clients() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("halobridge.db");
    let store = Store::open(&path, key()).await.unwrap();
    let raw = || Fact::Unreadable { workspace: None, raw: serde_json::json!("same") };
    let mut tx = store.begin().await.unwrap();
    for who in [client(1), client(1), client(2)] {
        tx.record(at(1), Some(who), raw()).await.unwrap();
    }
    tx.commit().await.unwrap();
    let mut other = SqliteConnectOptions::new().filename(&path).connect().await.unwrap();
    let bodies: i64 = sqlx::query_scalar("SELECT count(*) FROM bodies").fetch_one(&mut other).await.unwrap();
    assert_eq!(bodies, 2);
}

#[tokio::test]
async fn timelines_pages_and_changes_keep_to_their_scope() {
    let store = memory().await;
    linked(&store, 1).await;
    let mut tx = store.begin().await.unwrap();
    tx.record(at(2), Some(client(2)), act("theirs")).await.unwrap();
    tx.record(at(3), None, act("ours")).await.unwrap();
    tx.commit().await.unwrap();
    record(&store, vec![Fact::CommentsRead { pair: pair_id(1), comments: vec![] }]).await;
    let names = |items: Vec<halobridge::store::Item>| items.into_iter().map(|i| i.entry.fact).collect::<Vec<_>>();
    let first = store.timeline(pair_id(1), None, 1).await.unwrap();
    let key = first[0].entry.seq;
    assert_eq!(names(first), ["comments-read"]);
    assert_eq!(names(store.timeline(pair_id(1), Some(key), 9).await.unwrap()), ["pair-opened"]);
    let scope = Scope::Clients(vec![client(2)]);
    let filter = LedgerFilter { scope: scope.clone(), ..LedgerFilter::default() };
    assert_eq!(names(store.ledger_page(&filter, None, 9).await.unwrap()), ["human-act"]);
    let filter = LedgerFilter { fact: Some("human-act".into()), from: Some(at(3)), ..LedgerFilter::default() };
    assert_eq!(store.ledger_page(&filter, None, 9).await.unwrap()[0].entry.seq, Seq(4));
    // What every pair has is not in the index by facts, and is found all the same.
    let filter = LedgerFilter { fact: Some("pair-opened".into()), pair: Some(pair_id(1)), ..LedgerFilter::default() };
    assert_eq!(names(store.ledger_page(&filter, None, 9).await.unwrap()), ["pair-opened"]);
    let seen = store.changes_since(Seq(0), &scope, 9).await.unwrap();
    assert_eq!(seen.iter().map(|c| c.seq).collect::<Vec<_>>(), [Seq(3)]);
    let seen = store.changes_since(Seq(3), &Scope::All, 9).await.unwrap();
    assert_eq!(seen.iter().map(|c| (c.seq.0, c.pair)).collect::<Vec<_>>(), [(4, None), (5, Some(pair_id(1)))]);
    assert_eq!(store.latest_seq().await.unwrap(), Seq(5));
    assert_eq!(*store.watch().borrow(), Seq(5));
}

fn delivery(n: u128, body: &[u8]) -> Delivery {
    Delivery {
        id: DeliveryId(uuid::Uuid::from_u128(n)),
        source: DeliverySource::Sentinel { workspace: workspace(1), client: client(1) },
        received: at(i64::try_from(n).unwrap()),
        body: body.to_vec(),
        handled: None,
    }
}

#[tokio::test]
async fn deliveries_keep_every_byte() {
    let store = memory().await;
    let bodies: [&[u8]; 5] = [b"{\"a\":1}", b"", b"\xff\x00\xfe", b"base64:AAAA", "\u{1f512}\0 text".as_bytes()];
    for (n, body) in bodies.iter().enumerate() {
        store.intake(delivery(n as u128 + 1, body)).await.unwrap();
    }
    let waiting = store.deliveries_waiting(10).await.unwrap();
    assert_eq!(waiting.iter().map(|d| d.body.as_slice()).collect::<Vec<_>>(), bodies);
    assert_eq!(waiting[0], delivery(1, bodies[0]));
    let beside = store.deliveries_waiting_beside(10, &[waiting[0].id, waiting[2].id]).await.unwrap();
    let read = beside.iter().map(|d| d.body.as_slice()).collect::<Vec<_>>();
    assert_eq!(read, [&b""[..], bodies[1], &b""[..], bodies[3], bodies[4]]);
    record(&store, vec![Fact::DeliveryHandled { delivery: waiting[0].id }]).await;
    assert_eq!(store.deliveries_waiting(10).await.unwrap().len(), 4);
    assert_eq!(store.delivery(waiting[0].id).await.unwrap().unwrap().handled, Some(at(400)));
    let page = store.deliveries_page(&Default::default(), None, 2).await.unwrap();
    assert_eq!(page.rows.iter().map(|d| d.received).collect::<Vec<_>>(), [at(5), at(4)]);
    let page = store.deliveries_page(&Default::default(), page.next, 9).await.unwrap();
    assert_eq!((page.rows.len(), page.next), (3, None));
}

#[tokio::test]
async fn many_deliveries_at_once_are_all_kept() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("halobridge.db"), key()).await.unwrap();
    let all = (1..=700_u128).map(|n| store.intake(delivery(n, b"{}")));
    for result in futures::future::join_all(all).await {
        result.unwrap();
    }
    assert_eq!(store.deliveries_waiting(1000).await.unwrap().len(), 700);
    store.verify_ledger().await.unwrap();
}

#[tokio::test]
async fn a_sender_that_hangs_up_harms_nobody() {
    use futures::FutureExt;
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("halobridge.db"), key()).await.unwrap();
    // Many senders, each polled a few times and then dropped somewhere in the middle: a fast disk may have answered some
    // of them by then.
    for steps in 0..12_u128 {
        let mut leaving = Box::pin(store.intake(delivery(1000 + steps, b"leaving")).fuse());
        for _ in 0..steps {
            let _ = (&mut leaving).now_or_never();
            tokio::task::yield_now().await;
        }
        let staying = store.intake(delivery(1 + steps, b"staying"));
        let staying = Box::pin(staying);
        // Queued behind the one that leaves.
        let (result, ()) = futures::join!(staying, async { drop(leaving) });
        result.unwrap();
    }
    let kept = store.deliveries_waiting(100).await.unwrap();
    assert_eq!(kept.iter().filter(|d| d.body == b"staying").count(), 12);
    store.verify_ledger().await.unwrap();
}

/// So many webhooks of one source.
async fn received(store: &Store, count: u128) {
    for result in futures::future::join_all((1..=count).map(|n| store.intake(delivery(n, b"{}")))).await {
        result.unwrap();
    }
}

#[tokio::test]
async fn the_backlog_is_counted_whole() {
    let store = memory().await;
    received(&store, 1_500).await;
    assert_eq!(store.intake_backlog().await.unwrap(), (1_500, Some(at(1))));
    let first = store.deliveries_waiting(1).await.unwrap().remove(0).id;
    record(&store, vec![Fact::DeliveryHandled { delivery: first }]).await;
    assert_eq!(store.intake_backlog().await.unwrap(), (1_499, Some(at(2))));
}

#[tokio::test]
async fn what_came_from_a_source_is_found_behind_any_number_of_others() {
    let store = memory().await;
    received(&store, 600).await;
    let source = DeliverySource::Halo { connection: halo(1) };
    assert_eq!(store.delivered_since(source, at(0)).await.unwrap(), None);
    store.intake(Delivery { source, ..delivery(700, b"{}") }).await.unwrap();
    assert_eq!(store.delivered_since(source, at(0)).await.unwrap(), Some(at(700)));
    assert_eq!(store.delivered_since(source, at(700)).await.unwrap(), None, "only what came after");
}

#[tokio::test]
async fn one_chain_is_paged_without_the_others() {
    let store = memory().await;
    let mut tx = store.begin().await.unwrap();
    for n in 1..=9_u32 {
        tx.record(at(i64::from(n)), Some(client(1 + n % 2)), act("x")).await.unwrap();
    }
    tx.commit().await.unwrap();
    let filter = LedgerFilter { chain: Some(Chain::of(Some(client(2)))), ..LedgerFilter::default() };
    let seqs = async |after| {
        let page = store.ledger_page(&filter, after, 2).await.unwrap();
        page.iter().map(|item| item.entry.seq.0).collect::<Vec<_>>()
    };
    assert_eq!(seqs(None).await, [9, 7]);
    assert_eq!(seqs(Some(Seq(7))).await, [5, 3]);
    assert_eq!(seqs(Some(Seq(4))).await, [3, 1], "the number of another chain's entry");
    assert_eq!(seqs(Some(Seq(99))).await, [9, 7], "a number that is not there");
    assert_eq!(store.verify(Chain::of(Some(client(2)))).await.unwrap().chain_seq, 5);
}

#[tokio::test]
async fn the_last_pushes_of_a_client_are_found_behind_those_of_others() {
    let store = memory().await;
    for n in [1, 2, 2, 2] {
        store.ask(at(1), "push", &serde_json::json!({ "client": client(n) })).await.unwrap();
    }
    let scope = Scope::Clients(vec![client(1)]);
    let ids = async |scope: Scope| {
        let found = store.requests_seen("push", &scope, 2).await.unwrap();
        found.iter().map(|request| request.id).collect::<Vec<_>>()
    };
    assert_eq!(ids(scope).await, [1]);
    assert_eq!(ids(Scope::All).await, [4, 3]);
}

#[tokio::test]
async fn what_is_told_of_a_matter_takes_the_place_of_what_was_told_of_it_before() {
    let store = memory().await;
    let detail = |n: i64| serde_json::json!({ "about": "a matter", "ticket": n });
    for n in 1..=3 {
        let before = store.told_before("push", "a matter").await.unwrap().map(|told| told.id);
        store.told(at(n), "push", before, &detail(n), &serde_json::json!({ "error": "why" })).await.unwrap();
    }
    let told = store.requests_seen("push", &Scope::All, 10).await.unwrap();
    assert_eq!(told.iter().map(|told| told.detail["ticket"].as_i64()).collect::<Vec<_>>(), [Some(3)]);
    assert_eq!(store.told_before("push", "another").await.unwrap(), None);
    // What is asked about the same matter is nothing that was told, and is found beside what waits.
    let [first, second] = [store.ask(at(4), "push", &detail(4)).await, store.ask(at(5), "push", &detail(5)).await];
    let (first, second) = (first.unwrap(), second.unwrap());
    let found = store.asked_beside(&[first]).await.unwrap();
    assert_eq!(found.iter().map(|request| request.id).collect::<Vec<_>>(), [second]);
    assert_eq!(store.told_before("push", "a matter").await.unwrap().map(|told| told.id), Some(told[0].id));
}
