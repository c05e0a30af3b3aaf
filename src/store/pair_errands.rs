//! Errands at pairs: one act at many linked incidents. Which ones is fixed when it is planned.

use jiff::Timestamp;
use sqlx::sqlite::SqliteRow;

use super::{
    Store, Tx,
    error::Result,
    row::{Cells, one, statements, to_json},
};
use crate::domain::{
    errand::{ErrandPair, PairAct, PairErrand, RowState},
    ids::{ErrandId, UserId},
    time::to_ms,
};

statements! {
    const ONE = "SELECT id, act, why, owner, query, planned_ms, begun_ms, ended_ms, stopped, says FROM pair_errands
        WHERE id = ?1";
    const OF_OWNER = "SELECT id, act, why, owner, query, planned_ms, begun_ms, ended_ms, stopped, says FROM pair_errands
        WHERE owner = ?1 ORDER BY planned_ms DESC LIMIT 0 + ?2";
    const UNDER_WAY = "SELECT id, act, why, owner, query, planned_ms, begun_ms, ended_ms, stopped, says FROM pair_errands
        WHERE begun_ms IS NOT NULL AND ended_ms IS NULL ORDER BY begun_ms";
    const INSERT = "INSERT INTO pair_errands (id, act, why, owner, query, planned_ms, stopped, says)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, 0, '')";
    const INSERT_ROWS = "INSERT INTO pair_errand_rows (errand, place, pair, client, name, state, says)
        SELECT ?1, j.key, j.value ->> '$.pair', j.value ->> '$.client', j.value ->> '$.name', j.value ->> '$.state',
          j.value ->> '$.says' FROM json_each(?2) j";
    const BEGIN = "UPDATE pair_errands SET begun_ms = ifnull(begun_ms, ?2), ended_ms = NULL, stopped = 0, says = ''
        WHERE id = ?1 AND (begun_ms IS NULL OR ended_ms IS NOT NULL)";
    const END = "UPDATE pair_errands SET ended_ms = ?2, stopped = ?3, says = ?4
        WHERE id = ?1 AND begun_ms IS NOT NULL AND ended_ms IS NULL";
    const DROP_PLANNED = "DELETE FROM pair_errands WHERE owner = ?1 AND begun_ms IS NULL";
    const DROP_OLD = "DELETE FROM pair_errands WHERE owner = ?1 AND ended_ms < ?2";
    const COUNTS = "SELECT errand AS id, state, CASE state WHEN 'passed' THEN says ELSE '' END AS said, count(*) AS pairs
        FROM pair_errand_rows WHERE errand = ?1 GROUP BY 2, 3";
    const ROWS = "SELECT pair AS id, place, client, name, state, says FROM pair_errand_rows INDEXED BY pair_errand_rows_by_state
        WHERE errand = ?1 AND state = ?2 ORDER BY place LIMIT 0 + ?3";
    const SETTLE = "UPDATE pair_errand_rows SET state = ?3, says = ?4
        WHERE errand = ?1 AND place = ?2 AND state = 'waiting'";
}

fn errand_of(row: &SqliteRow) -> Result<PairErrand> {
    let cells = Cells::new(row, "pair_errands");
    Ok(PairErrand {
        id: cells.id("id")?,
        act: cells.parsed("act", PairAct::parse)?,
        why: cells.text("why")?.to_owned(),
        owner: cells.id("owner")?,
        query: cells.opt_text("query")?.map(str::to_owned),
        planned: cells.time("planned_ms")?,
        begun: cells.opt_time("begun_ms")?,
        ended: cells.opt_time("ended_ms")?,
        stopped: cells.flag("stopped")?,
        says: cells.text("says")?.to_owned(),
    })
}

fn pair_of(row: &SqliteRow) -> Result<(i64, ErrandPair)> {
    let cells = Cells::new(row, "pair_errand_rows");
    let pair = ErrandPair {
        pair: cells.id("id")?,
        client: cells.id("client")?,
        name: cells.text("name")?.to_owned(),
        state: cells.parsed("state", RowState::parse)?,
        says: cells.text("says")?.to_owned(),
    };
    Ok((cells.int("place")?, pair))
}

fn count_of(row: &SqliteRow) -> Result<(RowState, String, i64)> {
    let cells = Cells::new(row, "pair_errand_rows");
    Ok((cells.parsed("state", RowState::parse)?, cells.text("said")?.to_owned(), cells.int("pairs")?))
}

impl Store {
    /// An errand by its id.
    ///
    /// # Errors
    /// What the database says.
    pub async fn pair_errand(&self, id: ErrandId) -> Result<Option<PairErrand>> {
        let mut reader = self.reader().await?;
        let row = sqlx::query(ONE).bind(id.to_string()).fetch_optional(&mut *reader).await?;
        row.as_ref().map(errand_of).transpose()
    }

    /// The last errands of an account, the newest first.
    ///
    /// # Errors
    /// What the database says.
    pub async fn pair_errands_of(&self, owner: UserId, limit: u32) -> Result<Vec<PairErrand>> {
        let mut reader = self.reader().await?;
        let query = sqlx::query(OF_OWNER).bind(owner.to_string()).bind(i64::from(limit));
        query.fetch_all(&mut *reader).await?.iter().map(errand_of).collect()
    }

    /// Those that were begun and have not ended, in the order in which they were begun.
    ///
    /// # Errors
    /// What the database says.
    pub async fn pair_errands_under_way(&self) -> Result<Vec<PairErrand>> {
        let mut reader = self.reader().await?;
        sqlx::query(UNDER_WAY).fetch_all(&mut *reader).await?.iter().map(errand_of).collect()
    }

    /// How many pairs of an errand are how far; those that are passed over by what is said of them.
    ///
    /// # Errors
    /// What the database says.
    pub async fn pair_errand_counts(&self, id: ErrandId) -> Result<Vec<(RowState, String, i64)>> {
        let mut reader = self.reader().await?;
        sqlx::query(COUNTS).bind(id.to_string()).fetch_all(&mut *reader).await?.iter().map(count_of).collect()
    }

    /// The first pairs of an errand that are so far, each with its place, in the errand's order.
    ///
    /// # Errors
    /// What the database says.
    pub async fn pair_errand_rows(&self, id: ErrandId, state: RowState, limit: u32) -> Result<Vec<(i64, ErrandPair)>> {
        let mut reader = self.reader().await?;
        let query = sqlx::query(ROWS).bind(id.to_string()).bind(state.as_str()).bind(i64::from(limit));
        query.fetch_all(&mut *reader).await?.iter().map(pair_of).collect()
    }
}

impl Tx {
    /// Keeps a plan with its pairs. The owner's other plans that were never begun go, and what ended before `old`.
    ///
    /// # Errors
    /// What the database says.
    pub async fn plan_pair_errand(&mut self, errand: &PairErrand, pairs: &[ErrandPair], old: Timestamp) -> Result<()> {
        let owner = errand.owner.to_string();
        sqlx::query(DROP_PLANNED).bind(owner.as_str()).execute(&mut *self.connection).await?;
        sqlx::query(DROP_OLD).bind(owner.as_str()).bind(to_ms(old)).execute(&mut *self.connection).await?;
        let query = sqlx::query(INSERT)
            .bind(errand.id.to_string())
            .bind(errand.act.as_str())
            .bind(errand.why.as_str())
            .bind(owner.as_str())
            .bind(errand.query.as_deref())
            .bind(to_ms(errand.planned));
        one(query.execute(&mut *self.connection).await?.rows_affected(), "pair_errands", errand.id)?;
        let rows = sqlx::query(INSERT_ROWS).bind(errand.id.to_string()).bind(to_json(pairs)?);
        rows.execute(&mut *self.connection).await?;
        Ok(())
    }

    /// Begins an errand, or goes on with one that ended early.
    ///
    /// # Errors
    /// [`super::StoreError::Missing`] when it is under way already, or there is none.
    pub async fn begin_pair_errand(&mut self, id: ErrandId, at: Timestamp) -> Result<()> {
        let query = sqlx::query(BEGIN).bind(id.to_string()).bind(to_ms(at));
        one(query.execute(&mut *self.connection).await?.rows_affected(), "pair_errands", id)
    }

    /// Ends an errand that is under way; what it has not come to stays as it is.
    ///
    /// # Errors
    /// [`super::StoreError::Missing`] when it is not under way.
    pub async fn end_pair_errand(&mut self, id: ErrandId, at: Timestamp, stopped: bool, says: &str) -> Result<()> {
        let query = sqlx::query(END).bind(id.to_string()).bind(to_ms(at)).bind(stopped).bind(says);
        one(query.execute(&mut *self.connection).await?.rows_affected(), "pair_errands", id)
    }

    /// Keeps what became of the pair at this place.
    ///
    /// # Errors
    /// [`super::StoreError::Missing`] when that is known already.
    pub async fn settle_errand_pair(&mut self, id: ErrandId, place: i64, state: RowState, says: &str) -> Result<()> {
        let query = sqlx::query(SETTLE).bind(id.to_string()).bind(place).bind(state.as_str()).bind(says);
        one(query.execute(&mut *self.connection).await?.rows_affected(), "pair_errand_rows", place)
    }
}
