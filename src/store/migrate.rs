//! The schema, embedded. Migrations go forward only and never change once landed.

use std::borrow::Cow;

use sqlx::{
    SqliteConnection,
    migrate::{MigrateError, Migration, MigrationType, Migrator},
};

use super::error::{Result, StoreError};

const ALL: [(i64, &str, &str); 22] = [
    (1, "ledger", include_str!("../../migrations/0001_ledger.sql")),
    (2, "dropped", include_str!("../../migrations/0002_dropped.sql")),
    (3, "rules", include_str!("../../migrations/0003_rules.sql")),
    (4, "pauses", include_str!("../../migrations/0004_pauses.sql")),
    (5, "shadow", include_str!("../../migrations/0005_shadow.sql")),
    (6, "backfill", include_str!("../../migrations/0006_backfill.sql")),
    (7, "drift", include_str!("../../migrations/0007_drift.sql")),
    (8, "then", include_str!("../../migrations/0008_then.sql")),
    (9, "groups", include_str!("../../migrations/0009_groups.sql")),
    (10, "base", include_str!("../../migrations/0010_base.sql")),
    (11, "names", include_str!("../../migrations/0011_names.sql")),
    (12, "storm", include_str!("../../migrations/0012_storm.sql")),
    (13, "lean", include_str!("../../migrations/0013_lean.sql")),
    (14, "mends", include_str!("../../migrations/0014_mends.sql")),
    (15, "further", include_str!("../../migrations/0015_further.sql")),
    (16, "tokens", include_str!("../../migrations/0016_tokens.sql")),
    (17, "judged", include_str!("../../migrations/0017_judged.sql")),
    (18, "said", include_str!("../../migrations/0018_said.sql")),
    (19, "lists", include_str!("../../migrations/0019_lists.sql")),
    (20, "views", include_str!("../../migrations/0020_views.sql")),
    (21, "pushed", include_str!("../../migrations/0021_pushed.sql")),
    (22, "shadows", include_str!("../../migrations/0022_shadows.sql")),
];

/// The newest schema version that this program knows.
pub const KNOWN: i64 = match ALL.last() {
    Some((version, ..)) => *version,
    None => 0,
};

/// The steps up to a version of the schema.
pub fn migrator(newest: i64) -> Migrator {
    let list = ALL
        .into_iter()
        .filter(|(version, ..)| *version <= newest)
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

/// The version of a database's schema; `None` where there is none yet.
pub(super) async fn found(connection: &mut SqliteConnection) -> Result<Option<i64>> {
    const FOUND: &str = "SELECT max(version) FROM _sqlx_migrations";
    const THERE: &str = "SELECT count(*) FROM sqlite_master WHERE name = '_sqlx_migrations'";
    let there: i64 = sqlx::query_scalar(THERE).fetch_one(&mut *connection).await?;
    if there == 0 {
        return Ok(None);
    }
    Ok(sqlx::query_scalar(FOUND).fetch_one(connection).await?)
}

/// Brings the schema up to date.
///
/// # Errors
/// [`StoreError::Newer`] when the file was written by a newer program; otherwise what SQLite says.
pub async fn run(connection: &mut SqliteConnection) -> Result<()> {
    if let Some(found) = found(connection).await?.filter(|found| *found > KNOWN) {
        return Err(StoreError::Newer { found, known: KNOWN });
    }
    migrator(KNOWN).run(connection).await.map_err(|error| match error {
        MigrateError::VersionMissing(found) => StoreError::Newer { found, known: KNOWN },
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => match StoreError::from(error) {
            StoreError::Database(text) => StoreError::Migration(text),
            known => known,
        },
        other => StoreError::Migration(other.to_string()),
    })
}
