//! Full text and scope, each behind one function.

use std::sync::atomic::Ordering;

use sqlx::{QueryBuilder, Sqlite};

use super::{
    Store,
    error::Result,
    row::{statements, to_json},
};
use crate::domain::account::Scope;

statements! {
    const WAIT = "SELECT EXISTS (SELECT 1 FROM words_waiting WHERE subject > ?1)";
    // Together they stand in one transaction, so both mean the same rows.
    const INDEXED = "INSERT OR REPLACE INTO subject_words (rowid, title, names)
        SELECT s.id, s.title, s.names FROM words_waiting w JOIN subjects s ON s.id = w.subject
        WHERE w.subject > 0 ORDER BY w.subject LIMIT 0 + ?1";
    const NONE_WAIT = "DELETE FROM words_waiting WHERE subject IN
        (SELECT w.subject FROM words_waiting w WHERE w.subject > 0 ORDER BY w.subject LIMIT 0 + ?1)";
}

/// Most incidents whose words are taken into the full text in one commit: others want to write as well.
const WORDS_AT_ONCE: i64 = 50;

impl Store {
    /// Takes the words of incidents that came or were renamed into the full text. A new incident's ticket does not wait
    /// for this: it is done between polls, and at the latest before somebody searches.
    ///
    /// # Errors
    /// What the database says; then the words wait on.
    pub async fn index_words(&self) -> Result<()> {
        if !self.inner.words_wait.swap(false, Ordering::Relaxed) {
            return Ok(());
        }
        let result = self.index_all_words().await;
        if result.is_err() {
            self.inner.words_wait.store(true, Ordering::Relaxed);
        }
        result
    }

    async fn index_all_words(&self) -> Result<()> {
        while self.words_wait().await? {
            let mut tx = self.begin().await?;
            sqlx::query(INDEXED).bind(WORDS_AT_ONCE).execute(&mut *tx.connection).await?;
            sqlx::query(NONE_WAIT).bind(WORDS_AT_ONCE).execute(&mut *tx.connection).await?;
            tx.commit().await?;
        }
        Ok(())
    }

    async fn words_wait(&self) -> Result<bool> {
        let mut reader = self.reader().await?;
        Ok(sqlx::query_scalar::<_, i64>(WAIT).bind(0_i64).fetch_one(&mut *reader).await? > 0)
    }

    /// Before a search. One whose words cannot be indexed (a full disk) finds what was indexed before.
    pub(super) async fn ready_to_search(&self, text: Option<&str>) {
        if text.is_some_and(|text| words(text).is_some())
            && let Err(error) = self.index_all_words().await
        {
            tracing::warn!(%error, "the words of the newest incidents could not be indexed");
        }
    }
}

/// Adds `AND <subject> IN (…)` for a search text: words and parts of words (three letters and more) of the title
/// and of the hosts, users, mailboxes and addresses that its evidence names, incident number, incident GUID or its
/// beginning (from six characters), ticket number, and the reference `HB-…` that our tickets carry.
///
/// Several words must all be there; a number in front of them, as a row shows it (`#4118 Mass download`), may be the
/// incident's or the ticket's. Words of one or two letters are left out unless nothing else was given;
/// then the title must begin with the text.
pub(super) fn push_search(sql: &mut QueryBuilder<Sqlite>, subject: &str, text: &str) {
    let text = text.trim();
    if text.is_empty() {
        return;
    }
    sql.push(format_args!(" AND {subject} IN ("));
    match words(text) {
        Some(query) => {
            sql.push("SELECT rowid FROM subject_words WHERE subject_words MATCH ").push_bind(query);
        }
        None => {
            // Too short for parts of words: the beginning of the title, by index.
            sql.push("SELECT id FROM subjects WHERE title >= ").push_bind(text.to_owned());
            sql.push(" COLLATE NOCASE AND title < ").push_bind(format!("{text}\u{10ffff}")).push(" COLLATE NOCASE");
        }
    }
    if let Some(number) = number(text) {
        sql.push(" UNION SELECT id FROM subjects WHERE number = ").push_bind(number);
        sql.push(" UNION SELECT subject FROM pairs WHERE ticket = ").push_bind(number);
    }
    if let Some((number, query)) = numbered(text) {
        const WORDS: &str = " IN (SELECT rowid FROM subject_words WHERE subject_words MATCH ";
        sql.push(" UNION SELECT id FROM subjects WHERE number = ").push_bind(number);
        sql.push(" AND id").push(WORDS).push_bind(query.clone()).push(")");
        sql.push(" UNION SELECT subject FROM pairs WHERE ticket = ").push_bind(number);
        sql.push(" AND subject").push(WORDS).push_bind(query).push(")");
    }
    if let Some(guid) = guid(text) {
        sql.push(" UNION SELECT id FROM subjects WHERE incident >= ").push_bind(guid.clone());
        sql.push(" AND incident < ").push_bind(format!("{guid}~"));
    }
    if text.len() > 3 && text.get(..3).is_some_and(|begin| begin.eq_ignore_ascii_case("HB-")) {
        sql.push(" UNION SELECT subject FROM pairs WHERE reference = ").push_bind(text.to_ascii_uppercase());
    }
    sql.push(")");
}

/// The words as an FTS5 query: each quoted, so that nothing typed is taken as an operator.
fn words(text: &str) -> Option<String> {
    let long: Vec<String> = text
        .split_whitespace()
        .filter(|word| word.chars().count() >= 3)
        .take(12)
        .map(|word| format!("\"{}\"", word.replace('"', "\"\"").replace('\0', "")))
        .collect();
    (!long.is_empty()).then(|| long.join(" AND "))
}

/// A number, and words behind it.
fn numbered(text: &str) -> Option<(i64, String)> {
    let (first, rest) = text.split_once(char::is_whitespace)?;
    Some((number(first)?, words(rest)?))
}

/// `42`, `#42`.
fn number(text: &str) -> Option<i64> {
    text.strip_prefix('#').unwrap_or(text).trim().parse().ok().filter(|number| *number >= 0)
}

fn guid(text: &str) -> Option<String> {
    let fits = text.len() >= 6 && text.len() <= 64 && text.chars().all(|c| c.is_ascii_hexdigit() || c == '-');
    fits.then(|| text.to_ascii_lowercase())
}

/// Adds `AND <client> IN (…)` unless everything may be seen.
pub(super) fn push_scope(sql: &mut QueryBuilder<Sqlite>, client: &str, scope: &Scope) -> Result<()> {
    if let Scope::Clients(clients) = scope {
        sql.push(format_args!(" AND {client} IN (SELECT value FROM json_each("));
        sql.push_bind(to_json(clients)?).push("))");
    }
    Ok(())
}
