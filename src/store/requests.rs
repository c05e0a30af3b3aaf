//! What another process (`halobridge sync --once`, the console) asks of the running server.

use jiff::Timestamp;
use serde_json::Value;

use super::{
    Store,
    error::Result,
    row::{Cells, one, statements, to_json},
    tx::Tx,
};
use crate::domain::{
    account::Scope,
    ids::{TicketId, WorkspaceId},
    time::to_ms,
};

/// So many requests are read at once.
pub const ASKED_AT_ONCE: u32 = 100;

statements! {
    const ASK = "INSERT INTO requests (kind, detail, asked_ms) VALUES (?1, ?2, ?3) RETURNING id";
    const ASKED = "SELECT id, kind, detail, asked_ms, answered_ms, result FROM requests
        WHERE answered_ms IS NULL AND id NOT IN (SELECT j.value FROM json_each(?2) j) ORDER BY id LIMIT 0 + ?1";
    const OPEN_PUSH = "SELECT id FROM requests WHERE answered_ms IS NULL AND kind = ?1
        AND json_extract(detail, '$.workspace') = ?2 AND json_extract(detail, '$.ticket') = ?3 ORDER BY id LIMIT 1";
    const ONE = "SELECT id, kind, detail, asked_ms, answered_ms, result FROM requests WHERE id = ?1";
    const TOLD = "SELECT id, kind, detail, asked_ms, answered_ms, result FROM requests
        WHERE kind = ?1 AND answered_ms IS NOT NULL AND json_extract(detail, '$.about') = ?2 ORDER BY id DESC LIMIT 1";
    const TELL_ANEW = "DELETE FROM requests WHERE id = ?1 AND answered_ms IS NOT NULL";
    const SEEN = "SELECT id, kind, detail, asked_ms, answered_ms, result FROM requests
        WHERE kind = ?1 AND (?3 IS NULL OR json_extract(detail, '$.client') IN (SELECT value FROM json_each(?3)))
        ORDER BY id DESC LIMIT 0 + ?2";
    const ANSWER = "UPDATE requests SET answered_ms = ?2, result = ?3 WHERE id = ?1 AND answered_ms IS NULL";
    const OPENS = "UPDATE requests SET detail = ?2 WHERE id = ?1 AND answered_ms IS NULL";
    const TIDY = "DELETE FROM requests WHERE answered_ms < ?1
        AND (answered_ms < ?2 OR json_extract(result, '$.again') IS NULL)";
}

/// One request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Number.
    pub id: i64,
    /// What, e.g. `sync`, `look-again`.
    pub kind: String,
    /// Details.
    pub detail: Value,
    /// When asked.
    pub asked: Timestamp,
    /// When answered.
    pub answered: Option<Timestamp>,
    /// The answer.
    pub result: Option<Value>,
}

fn request_of(row: &sqlx::sqlite::SqliteRow) -> Result<Request> {
    let cells = Cells::new(row, "requests");
    Ok(Request {
        id: cells.int("id")?,
        kind: cells.text("kind")?.to_owned(),
        detail: cells.json("detail")?,
        asked: cells.time("asked_ms")?,
        answered: cells.opt_time("answered_ms")?,
        result: cells.opt_json("result")?,
    })
}

impl Tx {
    /// Asks, with whatever else the transaction holds; gives the request's number.
    ///
    /// # Errors
    /// What the database says.
    pub async fn ask(&mut self, now: Timestamp, kind: &str, detail: &Value) -> Result<i64> {
        let query = sqlx::query_scalar(ASK).bind(kind).bind(detail.to_string()).bind(to_ms(now));
        Ok(query.fetch_one(&mut *self.connection).await?)
    }

    /// The request of a kind that names this workspace and ticket and is not answered yet.
    ///
    /// # Errors
    /// What the database says.
    pub async fn open_request(&mut self, kind: &str, workspace: WorkspaceId, ticket: TicketId) -> Result<Option<i64>> {
        let query = sqlx::query_scalar(OPEN_PUSH).bind(kind).bind(workspace.to_string()).bind(ticket.0);
        Ok(query.fetch_optional(&mut *self.connection).await?)
    }
}

impl Store {
    /// Asks; gives the request's number.
    ///
    /// # Errors
    /// What the database says.
    pub async fn ask(&self, now: Timestamp, kind: &str, detail: &Value) -> Result<i64> {
        let mut tx = self.begin().await?;
        let id = tx.ask(now, kind, detail).await?;
        tx.commit().await?;
        Ok(id)
    }

    /// Keeps what came of something that nobody had to ask for, among the requests of its kind. `before`: what was told of
    /// the same matter, and in whose place it stands from then on.
    ///
    /// # Errors
    /// What the database says.
    pub async fn told(
        &self,
        now: Timestamp,
        kind: &str,
        before: Option<i64>,
        detail: &Value,
        result: &Value,
    ) -> Result<()> {
        let mut tx = self.begin().await?;
        if let Some(before) = before {
            sqlx::query(TELL_ANEW).bind(before).execute(&mut *tx.connection).await?;
        }
        let id = tx.ask(now, kind, detail).await?;
        let query = sqlx::query(ANSWER).bind(id).bind(to_ms(now)).bind(result.to_string());
        one(query.execute(&mut *tx.connection).await?.rows_affected(), "requests", id)?;
        let tidy = sqlx::query(TIDY).bind(to_ms(now) - 86_400_000).bind(to_ms(now) - 30 * 86_400_000);
        tidy.execute(&mut *tx.connection).await?;
        tx.commit().await
    }

    /// What was told of a matter that nobody had to ask for ([`Store::told`]), as its detail's `about` names it.
    ///
    /// # Errors
    /// What the database says.
    pub async fn told_before(&self, kind: &str, about: &str) -> Result<Option<Request>> {
        let mut reader = self.reader().await?;
        let query = sqlx::query(TOLD).bind(kind).bind(about);
        query.fetch_optional(&mut *reader).await?.as_ref().map(request_of).transpose()
    }

    /// The request of a kind that names this workspace and ticket and is not answered yet.
    ///
    /// # Errors
    /// What the database says.
    pub async fn open_request(&self, kind: &str, workspace: WorkspaceId, ticket: TicketId) -> Result<Option<i64>> {
        let mut reader = self.reader().await?;
        let query = sqlx::query_scalar(OPEN_PUSH).bind(kind).bind(workspace.to_string()).bind(ticket.0);
        Ok(query.fetch_optional(&mut *reader).await?)
    }

    /// What was asked and is not answered, oldest first.
    ///
    /// # Errors
    /// What the database says.
    pub async fn asked(&self) -> Result<Vec<Request>> {
        self.asked_beside(&[]).await
    }

    /// The same without those that are known to wait.
    ///
    /// # Errors
    /// What the database says.
    pub async fn asked_beside(&self, waiting: &[i64]) -> Result<Vec<Request>> {
        let waiting = to_json(waiting)?;
        let mut reader = self.reader().await?;
        let query = sqlx::query(ASKED).bind(i64::from(ASKED_AT_ONCE)).bind(waiting);
        query.fetch_all(&mut *reader).await?.iter().map(request_of).collect()
    }

    /// The last requests of a kind, newest first, of the clients that the reader may see; the request's detail names its
    /// client.
    ///
    /// # Errors
    /// What the database says.
    pub async fn requests_seen(&self, kind: &str, scope: &Scope, limit: u32) -> Result<Vec<Request>> {
        let clients = match scope {
            Scope::All => None,
            Scope::Clients(clients) => Some(to_json(clients)?),
        };
        let mut reader = self.reader().await?;
        let query = sqlx::query(SEEN).bind(kind).bind(i64::from(limit)).bind(clients);
        query.fetch_all(&mut *reader).await?.iter().map(request_of).collect()
    }

    /// A request, for the asker to see its answer.
    ///
    /// # Errors
    /// What the database says.
    pub async fn request(&self, id: i64) -> Result<Option<Request>> {
        let mut reader = self.reader().await?;
        sqlx::query(ONE).bind(id).fetch_optional(&mut *reader).await?.as_ref().map(request_of).transpose()
    }

    /// Notes in a request's detail what is about to be opened for its sake.
    ///
    /// # Errors
    /// [`super::StoreError::Missing`] when it was answered before.
    pub async fn request_opens(&self, id: i64, detail: &Value) -> Result<()> {
        let mut tx = self.begin().await?;
        let query = sqlx::query(OPENS).bind(id).bind(detail.to_string());
        one(query.execute(&mut *tx.connection).await?.rows_affected(), "requests", id)?;
        tx.commit().await
    }

    /// Answers; answers older than a day are removed, those that wait to be asked again (`again`) after thirty.
    ///
    /// # Errors
    /// [`super::StoreError::Missing`] when it was answered before.
    pub async fn answered(&self, now: Timestamp, id: i64, result: &Value) -> Result<()> {
        self.answered_in_place(now, id, None, result).await
    }

    /// The same, in the place of an earlier answer about the same matter.
    ///
    /// # Errors
    /// As [`Store::answered`].
    pub async fn answered_in_place(&self, now: Timestamp, id: i64, before: Option<i64>, result: &Value) -> Result<()> {
        let mut tx = self.begin().await?;
        if let Some(before) = before {
            sqlx::query(TELL_ANEW).bind(before).execute(&mut *tx.connection).await?;
        }
        let query = sqlx::query(ANSWER).bind(id).bind(to_ms(now)).bind(result.to_string());
        one(query.execute(&mut *tx.connection).await?.rows_affected(), "requests", id)?;
        let tidy = sqlx::query(TIDY).bind(to_ms(now) - 86_400_000).bind(to_ms(now) - 30 * 86_400_000);
        tidy.execute(&mut *tx.connection).await?;
        tx.commit().await
    }
}
