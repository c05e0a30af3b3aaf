//! Every statement is prepared against the migrated schema.

use sqlx::{Executor, SqlSafeStr};

use super::connections::Connections;

#[tokio::test]
async fn every_statement_can_be_prepared() {
    let connections = Connections::in_memory().await.expect("opens");
    let mut writer = connections.writer().await;
    let files: [(&str, &[(&str, &'static str)]); 21] = [
        ("accounts", super::accounts::ALL),
        ("backfills", super::backfills::ALL),
        ("configuration", super::configuration::ALL),
        ("deliveries", super::deliveries::ALL),
        ("groups", super::groups::ALL),
        ("history", super::history::ALL),
        ("operations", super::operations::ALL),
        ("pairs", super::pairs::ALL),
        ("pauses", super::pauses::ALL),
        ("projector", super::projector::ALL),
        ("beside", super::projector::beside::ALL),
        ("requests", super::requests::ALL),
        ("runs", super::runs::ALL),
        ("secrets", super::secrets::ALL),
        ("sessions", super::sessions::ALL),
        ("shadows", super::shadows::ALL),
        ("settings", super::settings::ALL),
        ("subjects", super::subjects::ALL),
        ("trouble", super::trouble::ALL),
        ("tx", super::tx::ALL),
        ("upkeep", super::upkeep::ALL),
    ];
    let mut wrong = Vec::new();
    for (file, statements) in files {
        assert!(!statements.is_empty(), "{file}");
        for (name, sql) in statements {
            if let Err(error) = writer.prepare((*sql).into_sql_str()).await {
                wrong.push(format!("{file}::{name}: {error}"));
            }
        }
    }
    for sql in super::projector::EMPTY {
        if let Err(error) = writer.prepare(sql.into_sql_str()).await {
            wrong.push(format!("{sql}: {error}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Statements that may read a whole table: small ones, or upkeep that reads everything by design.
const WHOLE: [&str; 19] = [
    "backfills::ALL_BACKFILLS",
    "accounts::ALL_USERS",
    "accounts::ADMINS",
    "configuration::MICROSOFT",
    "configuration::HALO",
    "configuration::CLIENTS",
    "configuration::WORKSPACES",
    "configuration::POLICIES",
    "requests::TIDY",
    "requests::OF_KIND",
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

#[tokio::test]
async fn no_statement_scans_a_table() {
    let connections = Connections::in_memory().await.expect("opens");
    let mut writer = connections.writer().await;
    let files: [(&str, &[(&str, &'static str)]); 18] = [
        ("accounts", super::accounts::ALL),
        ("backfills", super::backfills::ALL),
        ("configuration", super::configuration::ALL),
        ("deliveries", super::deliveries::ALL),
        ("history", super::history::ALL),
        ("operations", super::operations::ALL),
        ("pairs", super::pairs::ALL),
        ("pauses", super::pauses::ALL),
        ("beside", super::projector::beside::ALL),
        ("projector", super::projector::ALL),
        ("requests", super::requests::ALL),
        ("runs", super::runs::ALL),
        ("secrets", super::secrets::ALL),
        ("sessions", super::sessions::ALL),
        ("shadows", super::shadows::ALL),
        ("subjects", super::subjects::ALL),
        ("trouble", super::trouble::ALL),
        ("tx", super::tx::ALL),
    ];
    let mut scans = Vec::new();
    for (file, statements) in files {
        for (name, sql) in statements {
            let name = format!("{file}::{name}");
            let explain = sqlx::AssertSqlSafe(format!("EXPLAIN QUERY PLAN {sql}"));
            let rows = sqlx::query(explain).fetch_all(&mut *writer).await.expect("explains");
            for row in rows {
                let detail: String = sqlx::Row::get(&row, "detail");
                // The list handed in is a table to SQLite as well.
                let scan = detail.starts_with("SCAN ") && !detail.contains("USING") && !detail.contains(" j ")
                    || detail.contains("USE TEMP B-TREE FOR ORDER BY");
                if scan && !detail.contains("CONSTANT ROW") && !WHOLE.contains(&name.as_str()) {
                    scans.push(format!("{name}: {detail}"));
                }
            }
        }
    }
    assert!(scans.is_empty(), "{scans:#?}");
}
