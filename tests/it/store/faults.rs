//! Everything that can go wrong with a file: each has its error, and nothing is half done.

use std::os::unix::fs::PermissionsExt;

use halobridge::{
    domain::{
        ids::{PairId, TicketId},
        second_writer::{SecondWrite, SecondWriter},
    },
    ledger::{entry::Seq, fact::Fact},
    store::{
        InstanceMark, LedgerFilter, Noticed, SCHEMA_VERSION, SealKey, SecretOwner, SecretSource, Store, StoreError,
        lock_instance,
    },
};
use secrecy::{ExposeSecret, SecretString};
use sqlx::{ConnectOptions, sqlite::SqliteConnectOptions};

use super::fixture::*;

fn act(text: &str) -> Fact {
    Fact::HumanAct { user: None, act: text.into(), pair: None, detail: serde_json::Value::Null }
}

#[tokio::test]
async fn a_dropped_transaction_leaves_no_trace() {
    let folder = tempfile::tempdir().unwrap();
    for store in [memory().await, Store::open(&folder.path().join("halobridge.db"), key()).await.unwrap()] {
        let mut tx = store.begin().await.unwrap();
        tx.record(at(1), Some(client(1)), act("lost")).await.unwrap();
        tx.put_halo(&halo_connection(1)).await.unwrap();
        drop(tx);
        // The very next reader and writer see nothing of it.
        assert_eq!(store.latest_seq().await.unwrap(), Seq(0));
        linked(&store, 1).await;
        assert_eq!(store.latest_seq().await.unwrap(), Seq(2));
        assert!(store.installation().await.unwrap().halo.is_empty());
        store.verify_ledger().await.unwrap();
    }
}

#[tokio::test]
async fn what_is_not_committed_is_not_read_and_what_is_survives_a_new_start() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("halobridge.db");
    let store = Store::open(&path, key()).await.unwrap();
    linked(&store, 1).await;
    let mut tx = store.begin().await.unwrap();
    tx.record(at(1), Some(client(1)), act("open")).await.unwrap();
    // Four readers and more at a time, while a transaction is open.
    let reads = (0..20).map(|_| store.latest_seq());
    for seq in futures::future::join_all(reads).await {
        assert_eq!(seq.unwrap(), Seq(2));
    }
    // Another process: its own connections, the same file.
    let other = Store::open(&path, key()).await.unwrap();
    assert_eq!(other.latest_seq().await.unwrap(), Seq(2));
    tx.commit().await.unwrap();
    assert_eq!(other.latest_seq().await.unwrap(), Seq(3));
    // The other process writes too, and both chains go on as one.
    record(&other, vec![act("other")]).await;
    record(&store, vec![act("first again")]).await;
    drop((store, other));
    let again = Store::open(&path, key()).await.unwrap();
    assert_eq!(again.latest_seq().await.unwrap(), Seq(5));
    again.verify_ledger().await.unwrap();
    assert!(again.pair(pair_id(1)).await.unwrap().is_some());
    assert!(again.integrity_check().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_newer_database_is_refused_with_the_remedy() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("halobridge.db");
    drop(Store::open(&path, key()).await.unwrap());
    let mut other = SqliteConnectOptions::new().filename(&path).connect().await.unwrap();
    sqlx::query(
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) VALUES (999, 'x', 1, x'00', 0)",
    )
    .execute(&mut other)
    .await
    .unwrap();
    let refused = Store::open(&path, key()).await.err().unwrap();
    assert_eq!(refused, StoreError::Newer { found: 999, known: SCHEMA_VERSION });
    assert!(refused.to_string().contains("newer") && refused.to_string().contains("backup"));
}

#[tokio::test]
async fn what_cannot_be_opened_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let missing = Store::open(&folder.path().join("no/such/folder/halobridge.db"), key()).await.err().unwrap();
    assert!(matches!(missing, StoreError::CannotOpen { .. }), "{missing:?}");
    assert!(missing.to_string().contains("no/such/folder"));
    let path = folder.path().join("noise.db");
    std::fs::write(&path, "this is not a database, ".repeat(100)).unwrap();
    let damaged = Store::open(&path, key()).await.err().unwrap();
    assert!(matches!(damaged, StoreError::Damaged(_)), "{damaged:?}");
}

#[tokio::test]
async fn an_unwritable_directory_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let locked = folder.path().join("locked");
    std::fs::create_dir(&locked).unwrap();
    std::fs::set_permissions(&locked, std::fs::Permissions::from_mode(0o500)).unwrap();
    if std::fs::write(locked.join("probe"), "x").is_ok() {
        println!("skipped: this user may write everywhere");
        return;
    }
    let refused = Store::open(&locked.join("halobridge.db"), key()).await.err().unwrap();
    assert!(matches!(refused, StoreError::CannotOpen { .. } | StoreError::ReadOnly), "{refused:?}");
}

#[tokio::test]
async fn a_read_only_file_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("halobridge.db");
    let store = Store::open(&path, key()).await.unwrap();
    store.limit_pages(None, true).await.unwrap();
    assert_eq!(store.begin().await.err(), Some(StoreError::ReadOnly));
    store.limit_pages(None, false).await.unwrap();
    record(&store, vec![act("again")]).await;
}

#[tokio::test]
async fn a_full_disk_loses_nothing_and_recovers_alone() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("halobridge.db"), key()).await.unwrap();
    linked(&store, 1).await;
    let before = store.latest_seq().await.unwrap();
    store.limit_pages(Some(1), false).await.unwrap();
    let big = || Fact::Unreadable { workspace: None, raw: serde_json::json!("x".repeat(500_000)) };
    let mut tx = store.begin().await.unwrap();
    let refused = tx.record(at(1), Some(client(1)), big()).await;
    assert_eq!(refused, Err(StoreError::Full));
    assert!(StoreError::Full.transient());
    assert_eq!(tx.commit().await, Err(StoreError::RolledBack));
    let delivery = halobridge::domain::delivery::Delivery {
        id: halobridge::domain::ids::DeliveryId(uuid::Uuid::from_u128(1)),
        source: halobridge::domain::delivery::DeliverySource::Halo { connection: halo(1) },
        received: at(1),
        body: vec![b'x'; 400_000],
        handled: None,
    };
    assert_eq!(store.intake(delivery.clone()).await, Err(StoreError::Full));
    assert_eq!(store.latest_seq().await.unwrap(), before);
    store.limit_pages(None, false).await.unwrap();
    store.intake(delivery).await.unwrap();
    record(&store, vec![big()]).await;
    store.verify_ledger().await.unwrap();
    assert!(store.integrity_check().await.unwrap().is_empty());
}

fn delivery(n: u128) -> halobridge::domain::delivery::Delivery {
    halobridge::domain::delivery::Delivery {
        id: halobridge::domain::ids::DeliveryId(uuid::Uuid::from_u128(n)),
        source: halobridge::domain::delivery::DeliverySource::Halo { connection: halo(1) },
        received: at(1),
        body: b"{}".to_vec(),
        handled: None,
    }
}

#[tokio::test]
async fn a_file_that_is_gone_from_its_place_takes_nothing_until_it_is_back() {
    let folder = tempfile::tempdir().unwrap();
    let (data, aside) = (folder.path().join("data"), folder.path().join("aside"));
    std::fs::create_dir(&data).unwrap();
    let store = Store::open(&data.join("halobridge.db"), key()).await.unwrap();
    linked(&store, 1).await;
    store.intake(delivery(1)).await.unwrap();
    assert_eq!(store.trouble(), None);

    std::fs::rename(&data, &aside).unwrap();
    assert_eq!(store.intake(delivery(2)).await, Err(StoreError::Gone));
    assert_eq!(store.begin().await.err(), Some(StoreError::Gone));
    assert_eq!(store.trouble(), Some(StoreError::Gone));
    // Another file under the name is not the one that was opened.
    std::fs::create_dir(&data).unwrap();
    std::fs::write(data.join("halobridge.db"), "another").unwrap();
    assert_eq!(store.intake(delivery(2)).await, Err(StoreError::Gone));
    std::fs::remove_dir_all(&data).unwrap();

    std::fs::rename(&aside, &data).unwrap();
    assert_eq!(store.trouble(), None, "noticed without a write");
    store.intake(delivery(2)).await.unwrap();
    drop(store);
    let again = Store::open(&data.join("halobridge.db"), key()).await.unwrap();
    for n in [1, 2] {
        let id = delivery(n).id;
        assert!(again.delivery(id).await.unwrap().is_some(), "what was acknowledged is there");
    }
    again.verify_ledger().await.unwrap();
}

#[tokio::test]
async fn under_another_processes_lock_one_tries_and_the_others_hear_of_it_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("halobridge.db");
    let store = Store::open(&path, key()).await.unwrap();
    linked(&store, 1).await;
    store.patience(100).await.unwrap();
    let mut other = SqliteConnectOptions::new().filename(&path).connect().await.unwrap();
    sqlx::raw_sql("BEGIN IMMEDIATE").execute(&mut other).await.unwrap();
    assert_eq!(store.intake(delivery(1)).await, Err(StoreError::Locked));
    assert_eq!(store.trouble(), Some(StoreError::Locked));
    // Longer than a test waits: whoever still tried would be seen.
    store.patience(600_000).await.unwrap();
    assert_eq!(store.intake(delivery(1)).await, Err(StoreError::Locked));
    assert_eq!(store.begin().await.err(), Some(StoreError::Locked));
    sqlx::raw_sql("ROLLBACK").execute(&mut other).await.unwrap();
    crate::outside::until("the probe finds it free", 60, async || store.probe().await.ok()).await;
    assert_eq!(store.trouble(), None);
    store.intake(delivery(1)).await.unwrap();
}

#[tokio::test]
async fn a_failing_disk_is_over_with_the_next_write_and_a_damaged_file_only_with_another() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("halobridge.db"), key()).await.unwrap();
    let failing = StoreError::Failing("disk I/O error".into());
    store.met(&failing);
    assert_eq!(store.trouble(), Some(failing));
    record(&store, vec![act("written")]).await;
    assert_eq!(store.trouble(), None);
    let damaged = StoreError::Damaged("database disk image is malformed".into());
    store.met(&damaged);
    record(&store, vec![act("written too")]).await;
    assert_eq!(store.trouble(), Some(damaged.clone()));
    // All of them are said by the store alone, and an act that meets one may be tried again.
    for error in [StoreError::Full, StoreError::ReadOnly, StoreError::Gone, StoreError::Locked, damaged] {
        assert!(error.lasts() && error.transient() && StoreError::said_in(&format!("read it: {error}")), "{error}");
    }
}

#[tokio::test]
async fn a_value_that_does_not_parse_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("halobridge.db");
    let store = Store::open(&path, key()).await.unwrap();
    linked(&store, 1).await;
    let mut other = SqliteConnectOptions::new().filename(&path).connect().await.unwrap();
    sqlx::query("UPDATE pairs SET base = 'nonsense'").execute(&mut other).await.unwrap();
    let expected = StoreError::Corrupt { table: "pairs", column: "base", id: pair_id(1).to_string() };
    assert_eq!(store.pair(pair_id(1)).await, Err(expected.clone()));
    assert_eq!(store.situation(pair_id(1)).await.err(), Some(expected));
    // A reader that met an error is as good as new.
    for _ in 0..10 {
        assert_eq!(store.pair(PairId(uuid::Uuid::nil())).await, Ok(None));
    }
}

#[tokio::test]
async fn secrets_are_nowhere_in_the_files() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("halobridge.db");
    let store = Store::open(&path, key()).await.unwrap();
    let secret = SecretString::from("correct-horse-battery-staple");
    let owner = SecretOwner::Connection(halo(1));
    let mut tx = store.begin().await.unwrap();
    tx.put_secret(at(1), owner, "client-secret", &secret, &SecretSource::Sealed).await.unwrap();
    tx.put_secret(at(1), owner, "webhook", &secret, &SecretSource::Env("HB_TEST_NOT_SET".into())).await.unwrap();
    tx.commit().await.unwrap();
    let copy = folder.path().join("backup.db");
    store.backup(&copy).await.unwrap();
    let files: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|f| f.unwrap().path()).collect();
    assert!(files.len() >= 3, "{files:?}");
    for file in files {
        let bytes = std::fs::read(&file).unwrap();
        assert!(!bytes.windows(13).any(|w| w == b"correct-horse"), "{}", file.display());
    }
    assert_eq!(store.secret(owner, "client-secret").await.unwrap().unwrap().expose_secret(), secret.expose_secret());
    let missing = store.secret(owner, "webhook").await.err().unwrap();
    assert!(missing.to_string().contains("HB_TEST_NOT_SET"));
    assert!(store.secret(owner, "none").await.unwrap().is_none());
    // Moved to another row, it does not open.
    let mut other = SqliteConnectOptions::new().filename(&path).connect().await.unwrap();
    sqlx::query("UPDATE secrets SET name = 'other' WHERE name = 'client-secret'").execute(&mut other).await.unwrap();
    assert!(matches!(store.secret(owner, "other").await, Err(StoreError::Key(_))));
    // Neither with another key.
    let wrong = Store::open(&copy, SealKey::new(&[8; 32], ids(1))).await.unwrap();
    assert!(matches!(wrong.secret(owner, "client-secret").await, Err(StoreError::Key(_))));
    let right = Store::open(&copy, key()).await.unwrap();
    assert!(right.secret(owner, "client-secret").await.unwrap().is_some());
    let mode = std::fs::metadata(&copy).unwrap().permissions().mode();
    assert_eq!(mode & 0o077, 0, "{mode:o}");
}

#[tokio::test]
async fn secrets_by_file_are_read_when_used() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("secret");
    let store = memory().await;
    let owner = SecretOwner::Workspace(workspace(1));
    let source = SecretSource::File(file.display().to_string());
    let mut tx = store.begin().await.unwrap();
    tx.put_secret(at(1), owner, "webhook", &SecretString::from("ignored"), &source).await.unwrap();
    tx.commit().await.unwrap();
    let missing = store.secret(owner, "webhook").await.err().unwrap();
    assert!(missing.to_string().contains(&file.display().to_string()));
    std::fs::write(&file, "one\r\n").unwrap();
    assert_eq!(store.secret(owner, "webhook").await.unwrap().unwrap().expose_secret(), "one");
    std::fs::write(&file, "two").unwrap();
    assert_eq!(store.secret(owner, "webhook").await.unwrap().unwrap().expose_secret(), "two");
    let standing = store.secret_sources(owner).await.unwrap();
    assert_eq!((standing[0].name.as_str(), &standing[0].source), ("webhook", &source));
}

#[test]
fn the_key_file_is_made_once_and_kept_private() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    assert!(matches!(SealKey::from_file(&path, false, ids(1)), Err(StoreError::Key(_))));
    SealKey::from_file(&path, true, ids(1)).unwrap();
    let first = std::fs::read_to_string(&path).unwrap();
    SealKey::from_file(&path, true, ids(2)).unwrap();
    assert_eq!(std::fs::read_to_string(&path).unwrap(), first);
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
    let open = SealKey::from_file(&path, true, ids(1)).err().unwrap();
    assert!(open.to_string().contains("chmod 600"), "{open}");
    assert!(SealKey::from_hex(&SecretString::from("short"), ids(1)).is_err());
}

#[test]
fn a_second_process_is_refused_with_the_first_ones_id() {
    let folder = tempfile::tempdir().unwrap();
    let lock = lock_instance(folder.path()).unwrap();
    let refused = lock_instance(folder.path()).err().unwrap();
    assert_eq!(refused, StoreError::AlreadyRunning { pid: std::process::id().to_string() });
    drop(lock);
    lock_instance(folder.path()).unwrap();
}

#[tokio::test]
async fn a_copied_directory_and_a_restored_database_are_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let copy = tempfile::tempdir().unwrap();
    let path = folder.path().join("halobridge.db");
    let store = Store::open(&path, key()).await.unwrap();
    let ids = ids(5);
    assert_eq!(store.instance_mark(folder.path(), &*ids).await.unwrap(), InstanceMark::New);
    record(&store, vec![act("work")]).await;
    assert_eq!(store.instance_mark(folder.path(), &*ids).await.unwrap(), InstanceMark::Same);
    // The whole directory copied.
    std::fs::copy(folder.path().join("instance"), copy.path().join("instance")).unwrap();
    assert_eq!(store.instance_mark(copy.path(), &*ids).await.unwrap(), InstanceMark::Differs);
    // A backup put in place of the database.
    let restored_path = folder.path().join("restored.db");
    store.backup(&restored_path).await.unwrap();
    assert!(matches!(store.backup(&restored_path).await, Err(StoreError::Taken { .. })));
    let restored = Store::open(&restored_path, key()).await.unwrap();
    assert_eq!(restored.instance_mark(folder.path(), &*ids).await.unwrap(), InstanceMark::Differs);
    restored.confirm_instance(folder.path(), &*ids).await.unwrap();
    assert_eq!(restored.instance_mark(folder.path(), &*ids).await.unwrap(), InstanceMark::Same);
    assert_eq!(restored.latest_seq().await.unwrap(), Seq(1));
    restored.verify_ledger().await.unwrap();
}

#[tokio::test]
async fn a_second_writer_is_kept_until_a_person_confirms() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("halobridge.db");
    let store = Store::open(&path, key()).await.unwrap();
    assert_eq!(store.second_writer().await.unwrap(), None);
    let found = SecondWriter {
        client: client(1),
        pair: pair_id(1),
        incident: "#7 A title".into(),
        ticket: Some(TicketId(70)),
        wrote: SecondWrite::Comment { ticket: TicketId(71) },
        at: at(1),
        noticed: at(2),
    };
    store.keep_second_writer(&found).await.unwrap();
    drop(store);
    let again = Store::open(&path, key()).await.unwrap();
    assert_eq!(again.second_writer().await.unwrap(), Some(found));
    again.forgot_until(at(3)).await.unwrap();
    assert_eq!(again.second_writer().await.unwrap(), None);
    assert_eq!(again.forgotten_until().await.unwrap(), Some(at(3)));
}

/// Of two that write, the other one alone may have noticed it.
#[tokio::test]
async fn a_person_confirms_whatever_was_noticed_and_that_is_written_down() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("halobridge.db");
    let store = Store::open(&path, key()).await.unwrap();
    let ids = ids(5);
    assert_eq!(store.confirm(folder.path(), &*ids, at(1)).await.unwrap(), None, "it is new");
    assert_eq!((store.forgotten_until().await.unwrap(), store.latest_seq().await.unwrap()), (None, Seq(0)));
    record(&store, vec![act("work")]).await;
    assert_eq!(store.confirm(folder.path(), &*ids, at(2)).await.unwrap(), Some(Noticed::Nothing));
    assert_eq!(store.forgotten_until().await.unwrap(), Some(at(2)));
    assert_eq!(store.instance_mark(folder.path(), &*ids).await.unwrap(), InstanceMark::Same);
    let found = SecondWriter {
        client: client(1),
        pair: pair_id(1),
        incident: "#7 A title".into(),
        ticket: None,
        wrote: SecondWrite::Comment { ticket: TicketId(71) },
        at: at(3),
        noticed: at(4),
    };
    store.keep_second_writer(&found).await.unwrap();
    assert_eq!(store.confirm(folder.path(), &*ids, at(5)).await.unwrap(), Some(Noticed::SecondWriter));
    assert_eq!((store.second_writer().await.unwrap(), store.forgotten_until().await.unwrap()), (None, Some(at(5))));
    let other = tempfile::tempdir().unwrap();
    assert_eq!(store.confirm(other.path(), &*ids, at(6)).await.unwrap(), Some(Noticed::Copied));
    assert_eq!(store.instance_mark(other.path(), &*ids).await.unwrap(), InstanceMark::Same);
    let entries = store.ledger_page(&LedgerFilter::default(), None, 100).await.unwrap();
    let noticed = entries.iter().rev().filter_map(|item| match &item.fact {
        Some(Fact::HumanAct { act, detail, .. }) if act == "confirm-instance" => detail["noticed"].as_str(),
        _ => None,
    });
    assert_eq!(noticed.collect::<Vec<_>>(), ["nothing", "second-writer", "copied"]);
    store.verify_ledger().await.unwrap();
}

#[test]
fn every_file_of_the_schema_is_a_step_that_is_carried_out() {
    let files = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/migrations")).unwrap().count();
    assert_eq!(i64::try_from(files), Ok(SCHEMA_VERSION));
}

/// Every table refuses a value of another type (but the migrator's own, and the parts of the full text), and the file
/// keeps its journal ahead of it, so that readers never wait for a writer.
#[tokio::test]
async fn every_table_is_strict_and_the_journal_is_written_ahead() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("halobridge.db");
    let store = Store::open(&path, key()).await.unwrap();
    let mut file = SqliteConnectOptions::new().filename(&path).connect().await.unwrap();
    let mode: String = sqlx::query_scalar("PRAGMA journal_mode").fetch_one(&mut file).await.unwrap();
    assert_eq!(mode, "wal");
    let tables = "SELECT strict || ' ' || name FROM pragma_table_list WHERE schema = 'main' AND type = 'table' \
                  AND name NOT LIKE 'sqlite%' AND name <> '_sqlx_migrations' ORDER BY name";
    let tables: Vec<String> = sqlx::query_scalar(tables).fetch_all(&mut file).await.unwrap();
    let loose: Vec<&String> = tables.iter().filter(|table| !table.starts_with("1 ")).collect();
    assert!(loose.is_empty() && tables.len() > 30, "{loose:?} of {}", tables.len());
    // And what is no number is refused where a number belongs.
    let text = "INSERT INTO chains (chain, chain_seq, hash) VALUES ('x', 'many', zeroblob(32))";
    assert!(sqlx::query(text).execute(&mut file).await.is_err());
    drop(store);
}
