//! The schema, embedded. Migrations go forward only and never change once landed.

use std::borrow::Cow;

use sqlx::{
    SqliteConnection,
    migrate::{MigrateError, Migration, MigrationType, Migrator},
};

use super::error::{Result, StoreError};

const ALL: [(i64, &str, &str); 10] = [
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
];

/// The newest schema version that this program knows.
pub const KNOWN: i64 = match ALL.last() {
    Some((version, ..)) => *version,
    None => 0,
};

fn migrator(newest: i64) -> Migrator {
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
    migrator(KNOWN).run(connection).await.map_err(|error| match error {
        MigrateError::VersionMissing(found) => StoreError::Newer { found, known: KNOWN },
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => match StoreError::from(error) {
            StoreError::Database(text) => StoreError::Migration(text),
            known => known,
        },
        other => StoreError::Migration(other.to_string()),
    })
}

#[cfg(test)]
mod tests {
    use sqlx::{Connection as _, Row as _};

    use super::*;
    use crate::domain::{
        catalogue::Ref,
        policy::{Direction, FieldSource, FieldTarget, Policy, RequesterRule, When, Wins},
    };

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
