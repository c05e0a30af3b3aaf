//! The last run of each scope.

use jiff::Timestamp;

use super::{
    Store,
    error::Result,
    projector::scope_name,
    row::{Cells, statements},
    search::push_scope,
};
use crate::domain::{
    account::Scope,
    run::{Run, RunScope},
};

statements! {
    const LAST = "SELECT scope AS id, run, well_ms, failures FROM runs WHERE scope = ?1";
}

/// The last recorded run of a scope. Runs that read no change and did not fail are not recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastRun {
    /// The run.
    pub run: Run,
    /// When one last ended well.
    pub well: Option<Timestamp>,
    /// Failures in a row since.
    pub failures: u32,
}

fn last_of(row: &sqlx::sqlite::SqliteRow) -> Result<LastRun> {
    let cells = Cells::new(row, "runs");
    Ok(LastRun { run: cells.json("run")?, well: cells.opt_time("well_ms")?, failures: cells.small("failures")? })
}

impl Store {
    /// The last run of one scope.
    ///
    /// # Errors
    /// What the database says.
    pub async fn last_run(&self, scope: &RunScope) -> Result<Option<LastRun>> {
        let mut reader = self.reader().await?;
        let row = sqlx::query(LAST).bind(scope_name(scope)).fetch_optional(&mut *reader).await?;
        row.as_ref().map(last_of).transpose()
    }

    /// The last run of every scope; with `failing`, only where the last one failed.
    ///
    /// # Errors
    /// What the database says.
    pub async fn last_runs(&self, scope: &Scope, failing: bool) -> Result<Vec<LastRun>> {
        let mut sql =
            sqlx::QueryBuilder::<sqlx::Sqlite>::new("SELECT scope AS id, run, well_ms, failures FROM runs WHERE 1 = 1");
        if failing {
            sql.push(" AND failures > 0");
        }
        push_scope(&mut sql, "client", scope)?;
        sql.push(" ORDER BY scope");
        let mut reader = self.reader().await?;
        sql.build().fetch_all(&mut *reader).await?.iter().map(last_of).collect()
    }
}
