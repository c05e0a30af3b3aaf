//! Every statement is prepared against the migrated schema.

use sqlx::{Executor, SqlSafeStr};

use super::connections::Connections;

#[tokio::test]
async fn every_statement_can_be_prepared() {
    let connections = Connections::in_memory().await.expect("opens");
    let mut writer = connections.writer().await;
    let files: [(&str, &[(&str, &'static str)]); 15] = [
        ("accounts", super::accounts::ALL),
        ("configuration", super::configuration::ALL),
        ("deliveries", super::deliveries::ALL),
        ("history", super::history::ALL),
        ("operations", super::operations::ALL),
        ("pairs", super::pairs::ALL),
        ("projector", super::projector::ALL),
        ("requests", super::requests::ALL),
        ("runs", super::runs::ALL),
        ("secrets", super::secrets::ALL),
        ("sessions", super::sessions::ALL),
        ("settings", super::settings::ALL),
        ("subjects", super::subjects::ALL),
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
