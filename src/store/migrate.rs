//! The schema, embedded. Migrations go forward only and never change once landed.

use std::borrow::Cow;

use sqlx::{
    SqliteConnection,
    migrate::{MigrateError, Migration, MigrationType, Migrator},
};

use super::error::{Result, StoreError};

const ALL: [(i64, &str, &str); 2] = [
    (1, "ledger", include_str!("../../migrations/0001_ledger.sql")),
    (2, "dropped", include_str!("../../migrations/0002_dropped.sql")),
];

/// The newest schema version that this program knows.
pub const KNOWN: i64 = match ALL.last() {
    Some((version, ..)) => *version,
    None => 0,
};

fn migrator() -> Migrator {
    let list = ALL
        .into_iter()
        .map(|(version, name, sql)| {
            Migration::new(
                version,
                Cow::Borrowed(name),
                MigrationType::Simple,
                sqlx::SqlSafeStr::into_sql_str(sql),
                false,
            )
        })
        .collect();
    Migrator::with_migrations(list)
}

/// Brings the schema up to date.
///
/// # Errors
/// [`StoreError::Newer`] when the file was written by a newer program; otherwise what SQLite says.
pub(super) async fn run(connection: &mut SqliteConnection) -> Result<()> {
    const FOUND: &str = "SELECT max(version) FROM _sqlx_migrations";
    const THERE: &str = "SELECT count(*) FROM sqlite_master WHERE name = '_sqlx_migrations'";
    let there: i64 = sqlx::query_scalar(THERE).fetch_one(&mut *connection).await?;
    if there > 0 {
        let found: Option<i64> = sqlx::query_scalar(FOUND).fetch_one(&mut *connection).await?;
        match found {
            Some(found) if found > KNOWN => return Err(StoreError::Newer { found, known: KNOWN }),
            _ => {}
        }
    }
    migrator().run(connection).await.map_err(|error| match error {
        MigrateError::VersionMissing(found) => StoreError::Newer { found, known: KNOWN },
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => match StoreError::from(error) {
            StoreError::Database(text) => StoreError::Migration(text),
            known => known,
        },
        other => StoreError::Migration(other.to_string()),
    })
}
