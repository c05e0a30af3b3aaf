//! The store by its parts.

/// `src/store/batch.rs`.
mod batch {
    use halobridge::store::{
        StoreError,
        batch::{Batch, made},
    };

    #[test]
    fn parameters_are_counted_through() {
        let form = made("INSERT INTO t VALUES (?1, ?2, ifnull(?12, ?2)) RETURNING x");
        assert_eq!(form.sql, "INSERT INTO t VALUES (?, ?, ifnull(?, ?)) RETURNING x");
        assert_eq!(form.order, [1, 2, 12, 2]);
        assert_eq!(made("DELETE FROM t").order, [] as [usize; 0]);
    }

    #[tokio::test]
    async fn all_are_carried_out_in_order_and_what_is_wrong_is_said() {
        use sqlx::{ConnectOptions, Row};
        let options = sqlx::sqlite::SqliteConnectOptions::new().in_memory(true);
        let mut connection = options.connect().await.expect("opens");
        let mut batch = Batch::default();
        batch.add("CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT, c BLOB)");
        batch.add("INSERT INTO t VALUES (?1, ?2, ?3)").bind(1).bind("x").bind(&b"y"[..]).one("t", 1);
        batch.add("INSERT INTO t VALUES (?2, ?1, ?3)").bind(None::<&str>).bind(2).bind(None::<&[u8]>).one("t", 2);
        batch.add("UPDATE t SET b = ?2 WHERE a = ?1").bind(2).bind("z".to_owned()).one("t", 2);
        batch.run(&mut connection).await.expect("runs");
        let rows = sqlx::query("SELECT a, b, c FROM t ORDER BY a").fetch_all(&mut connection).await.expect("reads");
        let texts: Vec<Option<String>> = rows.iter().map(|row| row.get("b")).collect();
        assert_eq!(texts, [Some("x".to_owned()), Some("z".to_owned())]);
        let blobs: Vec<Option<Vec<u8>>> = rows.iter().map(|row| row.get("c")).collect();
        assert_eq!(blobs, [Some(b"y".to_vec()), None]);
        batch.add("UPDATE t SET b = 'no' WHERE a = ?1").bind(9).one("t", 9);
        let wrong = batch.run(&mut connection).await.expect_err("no row 9");
        assert!(matches!(wrong, StoreError::Missing { table: "t", .. }), "{wrong}");
    }

    #[tokio::test]
    async fn those_that_insert_alike_are_gathered_and_each_row_is_there() {
        use sqlx::{ConnectOptions, Row};
        let options = sqlx::sqlite::SqliteConnectOptions::new().in_memory(true);
        let mut connection = options.connect().await.expect("opens");
        let mut batch = Batch::default();
        batch.add("CREATE TABLE bodies (hash INTEGER PRIMARY KEY)");
        batch.add("CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT)");
        batch.run(&mut connection).await.expect("runs");
        let rows = |from: i64| {
            let mut batch = Batch::guarded();
            batch.add("BEGIN IMMEDIATE");
            for n in from..from + 3 {
                // Two of them have the same body.
                batch.add("INSERT INTO bodies (hash) VALUES (?1) ON CONFLICT DO NOTHING").bind(n / 2);
                batch.add("INSERT INTO t (b, a) VALUES (?2, ?1)").bind(n).bind(format!("row {n}")).one("t", n);
            }
            batch.gather();
            batch.add("COMMIT");
            batch
        };
        rows(1).run(&mut connection).await.expect("runs");
        let read = async |connection: &mut sqlx::SqliteConnection, sql: &'static str| -> Vec<String> {
            let rows = sqlx::query(sql).fetch_all(connection).await.expect("reads");
            rows.iter().map(|row| row.get("text")).collect()
        };
        let texts = read(&mut connection, "SELECT a || ' ' || b AS text FROM t ORDER BY a").await;
        assert_eq!(texts, ["1 row 1", "2 row 2", "3 row 3"]);
        assert_eq!(read(&mut connection, "SELECT hash || '' AS text FROM bodies ORDER BY hash").await, ["0", "1"]);
        // One row that is there already: none of them comes in.
        let wrong = rows(3).run(&mut connection).await.expect_err("a number is taken");
        assert!(matches!(wrong, StoreError::Taken { .. }), "{wrong}");
        sqlx::query("ROLLBACK").execute(&mut connection).await.expect("rolled back");
        assert_eq!(read(&mut connection, "SELECT count(*) || '' AS text FROM t").await, ["3"]);
    }
}

/// `src/store/passphrase.rs`.
mod passphrase {
    use std::sync::Arc;

    use halobridge::{
        clock::{IdSource, SeededIds},
        store::{open_key, seal_key},
    };
    use secrecy::{ExposeSecret, SecretString};

    #[test]
    fn only_the_right_passphrase_opens_it() {
        let ids: Arc<dyn IdSource> = Arc::new(SeededIds::new(1));
        let key = SecretString::from("0f".repeat(32));
        let sealed = seal_key(&key, &SecretString::from("blue kettle"), Arc::clone(&ids)).expect("sealed");
        assert!(!sealed.contains(&"0f".repeat(8)));
        let open = |word: &str, text: &str| open_key(text, &SecretString::from(word.to_owned()), Arc::clone(&ids));
        assert_eq!(open("blue kettle", &sealed).expect("opens").expose_secret(), key.expose_secret());
        assert!(open("red kettle", &sealed).is_err());
        assert!(open("blue kettle", "something else").is_err());
        assert!(seal_key(&SecretString::from("short"), &SecretString::from("x"), ids).is_err());
    }
}

/// `src/store/migrate.rs`.
mod migrate {
    use std::{collections::BTreeMap, sync::Arc};

    use halobridge::{
        clock::SeededIds,
        domain::{
            account::{Role, Scope},
            catalogue::Ref,
            ids::{ClientId, ConnectionId, PairId, TicketId},
            policy::{Direction, FieldSource, FieldTarget, NotesRule, Policy, RequesterRule, When, Wins},
            workspace::Mode,
        },
        store::{
            SealKey, Store,
            migrate::{migrator, run},
        },
    };
    use sqlx::{ConnectOptions as _, Connection as _, Row as _, SqliteConnection, sqlite::SqliteConnectOptions};
    use uuid::Uuid;

    /// What stands in each column of each table. Full text, and what the database keeps for itself, are left out.
    async fn kept(connection: &mut SqliteConnection) -> BTreeMap<(String, String), String> {
        const COLUMNS: &str = "SELECT t.name, c.name FROM sqlite_schema t, pragma_table_info(t.name) c
            WHERE t.type = 'table' AND t.name NOT GLOB 'sqlite_*' AND t.name NOT GLOB '_sqlx_*'
            AND t.name NOT GLOB 'subject_words*'";
        let columns: Vec<(String, String)> = sqlx::query_as(COLUMNS).fetch_all(&mut *connection).await.expect("read");
        let mut kept = BTreeMap::new();
        for (table, column) in columns {
            let values = format!("SELECT quote(\"{column}\") AS value FROM \"{table}\" ORDER BY 1");
            let text = format!("SELECT ifnull(group_concat(value, char(10)), '') FROM ({values})");
            let query = sqlx::query_scalar(sqlx::AssertSqlSafe(text));
            let text: String = query.fetch_one(&mut *connection).await.expect("read");
            kept.insert((table, column), text);
        }
        kept
    }

    #[tokio::test]
    async fn everything_that_the_first_version_kept_outlives_all_others() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("halobridge.db");
        let options = SqliteConnectOptions::new().filename(&path).create_if_missing(true).foreign_keys(true);
        let mut connection = options.clone().connect().await.expect("opens");
        migrator(1).run(&mut connection).await.expect("migrated");
        sqlx::raw_sql(include_str!("first_version.sql")).execute(&mut connection).await.expect("written");
        let before = kept(&mut connection).await;
        let rows = |table: &str| before.iter().any(|((of, _), text)| of == table && !text.is_empty());
        assert!(before.keys().all(|(table, _)| rows(table)), "each table has a row: {before:#?}");
        connection.close().await.expect("closed");

        let store = Store::open(&path, SealKey::new(&[7; 32], Arc::new(SeededIds::new(1)))).await.expect("opens");
        let mut connection = options.connect().await.expect("opens");
        let after = kept(&mut connection).await;
        let changed = before.iter().filter(|(key, text)| after.get(*key) != Some(*text)).map(|(key, _)| key);
        // What a policy said with a yes or no is said with a rule since the third version.
        assert_eq!(changed.collect::<Vec<_>>(), [&("policies".to_owned(), "value".to_owned())]);
        let found = "SELECT count(*) FROM subject_words WHERE subject_words MATCH 'rare domain'";
        let found: i64 = sqlx::query_scalar(found).fetch_one(&mut connection).await.expect("searched");
        assert_eq!(found, 1, "titles are found");

        // And it is read as it was meant.
        let id = |n: u128| Uuid::from_u128(n);
        let all = store.installation().await.expect("read");
        assert_eq!(all.version, 7);
        assert_eq!(all.microsoft[0].endpoints.arm, "https://management.azure.com");
        assert_eq!((all.halo[0].tenant.as_str(), all.halo[0].webhook), ("acme", true));
        let binding = all.clients[0].halo.as_ref().expect("it is bound");
        assert_eq!(
            (binding.halo_client_id, binding.site_id, binding.team.as_deref()),
            (12, Some(7), Some("Night shift"))
        );
        let policy = &all.policies[0];
        assert_eq!(
            (policy.notes, policy.note_outcomes.as_slice()),
            (NotesRule::Outcomes, &[Ref::Name("For Sentinel".into())][..])
        );
        assert_eq!((policy.owner.direction, policy.severity.when), (Direction::None, When::Always));
        assert_eq!(policy.requester, RequesterRule::User { id: 9 });
        assert_eq!((all.workspaces[0].mode, all.workspaces[0].poll_secs), (Mode::TwoWay, 900));
        let ada = store.user_by_name("ada").await.expect("read").expect("she has an account");
        let seen = Scope::Clients(vec![ClientId(id(0xb1))]);
        assert_eq!((ada.user.role, &ada.user.scope, ada.password_hash.is_some()), (Role::Operator, &seen, true));
        let (catalogue, _) = store.catalogue(ConnectionId(id(0xa2))).await.expect("read").expect("it was read");
        assert_eq!(catalogue.statuses[0].name, "New");
        let pair = store.pair(PairId(id(0xf1))).await.expect("read").expect("it is linked");
        assert_eq!((pair.ticket, pair.base.status_id), (Some(TicketId(30207)), Some(1)));
        let held = store.held_counters(&Scope::All).await.expect("read");
        assert_eq!(held.len(), 1, "{held:?}");
    }

    /// As the second version wrote them: a note each way, a split note, two policies.
    const BEFORE: [&str; 5] = [
        "INSERT INTO note_links VALUES ('p', 'c1', 'h', 70, 3, 0, 'sentinel', 5)",
        "INSERT INTO note_links VALUES ('p', 'c2', 'h', 70, 4, 0, 'halo', 6)",
        "INSERT INTO note_links VALUES ('p', 'c3', 'h', 70, 4, 1, 'halo', 7)",
        r#"INSERT INTO policies VALUES ('1', 'old', '{"id":"00000000-0000-0000-0000-000000000001","name":"old",
            "ticket_type":"Incident","priorities":{"High":2},"statuses":{},"statuses_back":[],"closed_statuses":[],
            "team":null,"category":null,"agent":null,"agents":{},"requester_user_id":9,
            "fields":[{"field":120,"source":{"path":"$.a"},"always":true},
                      {"field":"CFText","source":{"text":"it''s"},"always":false}],
            "incident_id_field":null,"classification_field":null,"classifications":{},
            "missing_verdict":{"rule":"ask"},"notes":"none","note_flag":"important","note_outcomes":[],
            "outcome":"Private Note","notes_private":true,"evidence":false,"carry_owner":false,
            "carry_severity":false}')"#,
        r#"INSERT INTO policies SELECT '2', 'carries', json_set(value, '$.carry_owner', json('true'),
            '$.carry_severity', json('true'), '$.requester_user_id', NULL, '$.fields', json('[]')) FROM policies"#,
    ];

    #[tokio::test]
    async fn what_crossed_and_what_may_cross_outlives_the_third_version() {
        let mut connection = SqliteConnection::connect("sqlite::memory:").await.expect("opens");
        sqlx::query("PRAGMA foreign_keys = OFF").execute(&mut connection).await.expect("set");
        migrator(2).run(&mut connection).await.expect("migrated");
        for statement in BEFORE {
            sqlx::query(statement).execute(&mut connection).await.expect(statement);
        }
        run(&mut connection).await.expect("migrated");

        let links = "SELECT comment, action, edit, part, said, written_in FROM note_links ORDER BY comment";
        let rows = sqlx::query(links).fetch_all(&mut connection).await.expect("read");
        let kept: Vec<(String, i64, i64, i64, Option<String>, String)> =
            rows.iter().map(|r| (r.get(0), r.get(1), r.get(2), r.get(3), r.get(4), r.get(5))).collect();
        let expected = [("c1", 3, 0, "sentinel"), ("c2", 4, 0, "halo"), ("c3", 4, 1, "halo")];
        let expected =
            expected.map(|(comment, action, part, side)| (comment.to_owned(), action, 0, part, None, side.to_owned()));
        assert_eq!(kept, expected);

        let values = "SELECT value FROM policies ORDER BY id";
        let rows: Vec<String> = sqlx::query_scalar(values).fetch_all(&mut connection).await.expect("read");
        let read: Vec<Policy> = rows.iter().map(|text| serde_json::from_str(text).expect(text)).collect();
        let [old, carries] = read.as_slice() else { panic!("two policies: {read:?}") };
        assert_eq!((old.owner.direction, carries.owner.direction), (Direction::None, Direction::Both));
        assert_eq!((old.severity.when, carries.severity.when), (When::OnCreate, When::Always));
        assert_eq!((old.requester, carries.requester), (RequesterRule::User { id: 9 }, RequesterRule::GeneralUser));
        let fields: Vec<_> = old.fields.iter().map(|f| (f.field.clone(), f.source.clone(), f.rule.when)).collect();
        let custom = FieldTarget::Custom;
        let expected = [
            (custom(Ref::Id(120)), FieldSource::Path("$.a".into()), When::Always),
            (custom(Ref::Name("CFText".into())), FieldSource::Text("it's".into()), When::OnCreate),
        ];
        assert_eq!(fields, expected);
        assert!(old.fields.iter().all(|f| f.rule.wins == Wins::Sentinel && f.rule.direction == Direction::ToHalo));
        assert!(carries.fields.is_empty() && old.link_comment);
    }
}

/// `src/store/append.rs`.
mod append {
    use std::sync::Arc;

    use halobridge::{
        clock::SeededIds,
        domain::ids::ClientId,
        ledger::{entry::Seq, fact::Fact},
        store::{Entered, SealKey, Store},
    };
    use jiff::Timestamp;
    use serde_json::json;

    fn noted(client: Option<u128>, what: &str) -> Entered {
        let client = client.map(|id| ClientId(uuid::Uuid::from_u128(id)));
        let fact = Fact::Unreadable { workspace: None, raw: json!({ "what": what }) };
        Entered { client, at: Timestamp::UNIX_EPOCH, fact }
    }

    /// A chain whose end is not known sends the whole record the long way; until that begins, others record.
    #[tokio::test]
    async fn what_was_not_recorded_moves_no_end() {
        let store = Store::in_memory(SealKey::new(&[7; 32], Arc::new(SeededIds::new(1)))).await.expect("opens");
        store.append(vec![noted(Some(1), "first")]).await.expect("recorded");
        let two = [noted(Some(1), "second"), noted(Some(2), "of another client")];
        assert_eq!(store.at_once(&two).await.expect("asked"), None, "the second chain's end is not known");
        store.append(vec![noted(Some(1), "in between")]).await.expect("recorded");
        store.append(two.to_vec()).await.expect("recorded");
        store.append(vec![noted(Some(2), "last"), noted(Some(1), "last")]).await.expect("recorded");
        let heads = store.verify_ledger().await.expect("no gap");
        let mut lengths: Vec<i64> = heads.values().map(|head| head.chain_seq).collect();
        lengths.sort_unstable();
        assert_eq!(lengths, [2, 4]);
        assert_eq!(store.last_recorded(), Seq(6), "and no number is left out");
    }
}

/// `src/store/together.rs`.
mod together {
    use std::sync::Arc;

    use futures::future::join_all;
    use halobridge::{
        clock::SeededIds,
        domain::ids::{ClientId, PairId, TicketId},
        ledger::{entry::Seq, fact::Fact},
        store::{Entered, Result, SealKey, Store, StoreError},
    };
    use jiff::Timestamp;
    use serde_json::json;

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
        let writing = store.begin().await.expect("writes");
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
