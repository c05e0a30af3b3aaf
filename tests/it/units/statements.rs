//! Every statement is prepared against the migrated schema.

use halobridge::store::{
    migrate,
    statements::{ALL, EMPTYING},
};
use sqlx::{Connection as _, Executor, SqlSafeStr, SqliteConnection};

async fn migrated() -> SqliteConnection {
    let mut connection = SqliteConnection::connect("sqlite::memory:").await.expect("opens");
    migrate::run(&mut connection).await.expect("migrated");
    connection
}

#[tokio::test]
async fn every_statement_can_be_prepared() {
    let mut writer = migrated().await;
    let mut wrong = Vec::new();
    for (file, statements) in ALL {
        assert!(!statements.is_empty(), "{file}");
        for (name, sql) in statements {
            if let Err(error) = writer.prepare((*sql).into_sql_str()).await {
                wrong.push(format!("{file}::{name}: {error}"));
            }
        }
    }
    for sql in EMPTYING {
        if let Err(error) = writer.prepare(sql.into_sql_str()).await {
            wrong.push(format!("{sql}: {error}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Statements that may read a whole table: small ones, or upkeep that reads everything by design.
const WHOLE: [&str; 22] = [
    "tokens::ALL_TOKENS",
    "backfills::ALL_BACKFILLS",
    "accounts::ALL_USERS",
    "accounts::ADMINS",
    "configuration::MICROSOFT",
    "configuration::HALO",
    "configuration::CLIENTS",
    // Asked when a file has a client that is not set up.
    "configuration::PAIRED_CLIENTS",
    "configuration::WORKSPACES",
    "configuration::POLICIES",
    "requests::TIDY",
    "requests::TOLD",
    "requests::SEEN",
    "pauses::ALL_PAUSES",
    "upkeep::HEADS",
    "upkeep::ERASE",
    "sessions::ALL_OUT",
    "sessions::OF_USER",
    "sessions::USER_OUT",
    // Asked once, at the end of `sync --once`.
    "operations::DONE_SINCE",
    // Sorts a handful of rows.
    "pairs::BY_TICKETS",
    "pairs::LINKS",
];

/// Files whose statements read small tables, or everything by design.
const SMALL: [&str; 3] = ["groups", "settings", "upkeep"];

#[tokio::test]
async fn no_statement_scans_a_table() {
    let mut writer = migrated().await;
    let mut scans = Vec::new();
    for (file, statements) in ALL.into_iter().filter(|(file, _)| !SMALL.contains(file)) {
        for (name, sql) in statements {
            let name = format!("{file}::{name}");
            let explain = sqlx::AssertSqlSafe(format!("EXPLAIN QUERY PLAN {sql}"));
            let rows = sqlx::query(explain).fetch_all(&mut writer).await.expect("explains");
            for row in rows {
                let detail: String = sqlx::Row::get(&row, "detail");
                // The list handed in is a table to SQLite as well, and so are the properties of one entity.
                let listed = detail.contains(" j ") || detail.contains(" p VIRTUAL TABLE");
                let scan = detail.starts_with("SCAN ") && !detail.contains("USING") && !listed
                    || detail.contains("USE TEMP B-TREE FOR ORDER BY");
                if scan && !detail.contains("CONSTANT ROW") && !WHOLE.contains(&name.as_str()) {
                    scans.push(format!("{name}: {detail}"));
                }
            }
        }
    }
    assert!(scans.is_empty(), "{scans:#?}");
}

#[tokio::test]
async fn no_reading_of_the_ledger_sorts_a_chain() {
    use halobridge::{
        domain::{account::Scope, ids::ClientId},
        ledger::entry::{Chain, Seq},
        store::{LedgerFilter, statements::built},
    };
    let mut writer = migrated().await;
    let [one, two] = [1, 2].map(|n| ClientId(uuid::Uuid::from_u128(n)));
    let mut sorts = Vec::new();
    for chain in [None, Some(Chain::of(None)), Some(Chain::of(Some(one)))] {
        for scope in [Scope::All, Scope::Clients(vec![one]), Scope::Clients(vec![one, two])] {
            for fact in [None, Some("human-act".to_owned()), Some("incident-read".to_owned())] {
                let filter = LedgerFilter { chain, scope: scope.clone(), fact, ..LedgerFilter::default() };
                for after in [None, Some(Seq(9))] {
                    for sql in built(&filter, after).expect("is built") {
                        let explain = sqlx::AssertSqlSafe(format!("EXPLAIN QUERY PLAN {sql}"));
                        for row in sqlx::query(explain).fetch_all(&mut writer).await.expect("explains") {
                            let detail: String = sqlx::Row::get(&row, "detail");
                            if detail.contains("TEMP B-TREE FOR ORDER BY") {
                                sorts.push(format!("{detail}: {sql}"));
                            }
                        }
                    }
                }
            }
        }
    }
    assert!(sorts.is_empty(), "{sorts:#?}");
}

#[tokio::test]
async fn every_list_of_pairs_is_found_by_an_index() {
    use halobridge::{
        domain::{
            account::Scope,
            ids::{ClientId, WorkspaceId},
            incident::{IncidentStatus, Severity},
            pair::{Health, SyncState},
        },
        store::{PageKey, PairFilter, PairSort, SortBy, statements::built_pairs},
    };
    let mut writer = migrated().await;
    let [one, two] = [1, 2].map(|n| ClientId(uuid::Uuid::from_u128(n)));
    let place = WorkspaceId(uuid::Uuid::from_u128(3));
    let all = PairFilter::default;
    let filters = [
        all(),
        PairFilter { client: Some(one), ..all() },
        PairFilter { workspace: Some(place), ..all() },
        PairFilter { sync: Some(SyncState::InStep), silent: vec![place], ..all() },
        PairFilter { sync: Some(SyncState::Behind), client: Some(one), ..all() },
        PairFilter { sync: Some(SyncState::Unknown), ..all() },
        PairFilter { sync: Some(SyncState::Unknown), silent: vec![place], ..all() },
        PairFilter { health: Some(Health::Healthy), ..all() },
        PairFilter { health: Some(Health::Waiting), sync: Some(SyncState::Behind), ..all() },
        PairFilter { health: Some(Health::NeedsYou), severity: Some(Severity::High), ..all() },
        PairFilter { status: Some(IncidentStatus::New), severity: Some(Severity::Low), ..all() },
        PairFilter { status: Some(IncidentStatus::Closed), workspace: Some(place), ..all() },
        PairFilter { reason: Some("refused".into()), ..all() },
        PairFilter { text: Some("mass download".into()), ..all() },
        PairFilter { text: Some("#4118 Mass download".into()), client: Some(one), ..all() },
        PairFilter { text: Some("ma".into()), ..all() },
        PairFilter { scope: Scope::Clients(vec![one, two]), ..all() },
        PairFilter { scope: Scope::Clients(vec![]), health: Some(Health::NeedsYou), ..all() },
    ];
    let sorts = [
        SortBy::Changed,
        SortBy::Opened,
        SortBy::Number,
        SortBy::Severity,
        SortBy::Ticket,
        SortBy::Client,
        SortBy::State,
    ];
    let key = |backward| PageKey { value: 3, row: 9, backward };
    let mut wrong = Vec::new();
    for filter in &filters {
        for by in sorts {
            for descending in [true, false] {
                for after in [None, Some(key(false)), Some(key(true))] {
                    for (ordered, sql) in built_pairs(filter, PairSort { by, descending }, after).expect("is built") {
                        let explain = sqlx::AssertSqlSafe(format!("EXPLAIN QUERY PLAN {sql}"));
                        let rows = sqlx::query(explain).fetch_all(&mut writer).await;
                        for row in rows.unwrap_or_else(|error| panic!("{error}: {sql}")) {
                            let detail: String = sqlx::Row::get(&row, "detail");
                            let passes = ["SCAN p USING INDEX pairs_", "SCAN p USING COVERING INDEX pairs_"];
                            let scans = detail.starts_with("SCAN p")
                                && !(ordered && passes.iter().any(|begin| detail.starts_with(begin)));
                            // The few that match are sorted; an order is read.
                            if scans || ordered && detail.contains("TEMP B-TREE FOR ORDER BY") {
                                wrong.push(format!("{by:?} {descending} {after:?}: {detail}: {sql}"));
                            }
                        }
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
