//! Full text and scope, each behind one function.

use std::sync::atomic::Ordering;

use sqlx::{QueryBuilder, Sqlite};

use super::{
    Store,
    error::{Result, StoreError},
    row::{statements, to_json},
};
use crate::domain::{
    account::Scope,
    ids::{IncidentId, WorkspaceId},
};

statements! {
    const WAIT = "SELECT EXISTS (SELECT 1 FROM words_waiting WHERE subject > ?1)";
    // Together they stand in one transaction, so both mean the same rows. Defender's number is indexed as `#94101#`.
    const INDEXED = "INSERT OR REPLACE INTO subject_words (rowid, title, names)
        SELECT s.id, s.title, s.names || ifnull((SELECT ' #' || (b.body ->> '$.provider_incident_id') || '#'
          FROM bodies b WHERE b.hash = s.body AND b.body ->> '$.provider_name' = 'Microsoft XDR'), '')
        FROM words_waiting w JOIN subjects s ON s.id = w.subject
        WHERE w.subject > 0 ORDER BY w.subject LIMIT 0 + ?1";
    const NONE_WAIT = "DELETE FROM words_waiting WHERE subject IN
        (SELECT w.subject FROM words_waiting w WHERE w.subject > 0 ORDER BY w.subject LIMIT 0 + ?1)";
    const HIGHEST = "SELECT ifnull(max(id), 0) FROM subjects";
    const NUMBERED_WAIT = "INSERT INTO words_waiting (subject) SELECT s.id FROM subjects s JOIN bodies b ON b.hash = s.body
        WHERE s.id > ?1 AND s.id <= ?2 AND b.body ->> '$.provider_name' = 'Microsoft XDR'
        AND NOT EXISTS (SELECT 1 FROM words_waiting w WHERE w.subject = s.id)";
}

/// Name of the setting that says up to which incident Defender's numbers are indexed, or wait to be: older versions indexed
/// none.
const NUMBERED: &str = "words-numbered";
/// Its value when that is all.
const NUMBERED_ALL: &str = "all";
/// Most incidents that are looked at for that in one commit.
const NUMBERED_AT_ONCE: i64 = 2_000;

/// Most incidents whose words are taken into the full text in one commit: others want to write as well.
const WORDS_AT_ONCE: i64 = 50;
/// Commits that a search waits for: after an import there is more to do than a reader should wait for.
const SEARCH_WAITS_FOR: u32 = 10;

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
        self.await_numbered().await?;
        while self.words_wait().await? {
            self.index_some_words().await?;
        }
        Ok(())
    }

    /// Once in an installation's life: incidents that were indexed without Defender's number wait to be indexed with it.
    async fn await_numbered(&self) -> Result<()> {
        loop {
            let from: i64 = match self.setting(NUMBERED).await?.as_deref() {
                Some(NUMBERED_ALL) => return Ok(()),
                Some(place) => place.parse().unwrap_or(0),
                None => 0,
            };
            let to = from.saturating_add(NUMBERED_AT_ONCE);
            let mut tx = self.begin().await?;
            let highest: i64 = sqlx::query_scalar(HIGHEST).fetch_one(&mut *tx.connection).await?;
            sqlx::query(NUMBERED_WAIT).bind(from).bind(to).execute(&mut *tx.connection).await?;
            let place = if to >= highest { NUMBERED_ALL.to_owned() } else { to.to_string() };
            tx.put_setting(NUMBERED, Some(&place)).await?;
            tx.commit().await?;
        }
    }

    /// The incident of a workspace that has this number in Defender, if it was seen.
    ///
    /// # Errors
    /// What the database says.
    pub async fn incident_of_defender(&self, workspace: WorkspaceId, number: &str) -> Result<Option<IncidentId>> {
        let text = marked(number);
        let Some(query) = words(&text) else { return Ok(None) };
        self.ready_to_search(Some(&text)).await;
        let mut sql = QueryBuilder::<Sqlite>::new(
            "SELECT s.incident FROM subjects s JOIN bodies b ON b.hash = s.body
              WHERE s.id IN (SELECT rowid FROM subject_words WHERE subject_words MATCH ",
        );
        sql.push_bind(query).push(") AND +s.workspace = ").push_bind(workspace.to_string());
        sql.push(" AND b.body ->> '$.provider_incident_id' = ").push_bind(number.to_owned());
        sql.push(" ORDER BY s.id DESC LIMIT 1");
        let mut reader = self.reader().await?;
        let found: Option<String> = sql.build_query_scalar().fetch_optional(&mut *reader).await?;
        Ok(found.map(|text| IncidentId::new(&text)))
    }

    async fn index_some_words(&self) -> Result<()> {
        let mut tx = self.begin().await?;
        sqlx::query(INDEXED).bind(WORDS_AT_ONCE).execute(&mut *tx.connection).await?;
        sqlx::query(NONE_WAIT).bind(WORDS_AT_ONCE).execute(&mut *tx.connection).await?;
        tx.commit().await
    }

    async fn words_wait(&self) -> Result<bool> {
        let mut reader = self.reader().await?;
        Ok(sqlx::query_scalar::<_, i64>(WAIT).bind(0_i64).fetch_one(&mut *reader).await? > 0)
    }

    /// Before a search: whether titles wait still, and are to be read one by one. One whose words cannot be indexed (a
    /// full disk) finds what was indexed before.
    pub(super) async fn ready_to_search(&self, text: Option<&str>) -> bool {
        let Some(text) = text.filter(|text| words(text).is_some()) else { return false };
        let ready = async {
            for _ in 0..SEARCH_WAITS_FOR {
                if !self.words_wait().await? {
                    return Ok(false);
                }
                self.index_some_words().await?;
            }
            if self.words_wait().await? && !text.is_ascii() {
                self.index_all_words().await?;
            }
            self.words_wait().await
        };
        ready.await.unwrap_or_else(|error: StoreError| {
            tracing::warn!(%error, "the words of the newest incidents could not be indexed");
            false
        })
    }
}

/// Adds `AND <subject> IN (…)` for a search text, see [`push_found`].
pub(super) fn push_search(sql: &mut QueryBuilder<Sqlite>, subject: &str, text: &str, waiting: bool) {
    if text.trim().is_empty() {
        return;
    }
    sql.push(format_args!(" AND {subject} IN ("));
    push_found(sql, text, waiting);
    sql.push(")");
}

/// Adds the statement that gives the rows that a search text finds, some of them more than once: words and parts of words
/// (three letters and more) of the title and of the hosts, users, mailboxes and addresses that its evidence names, incident
/// number in Sentinel or in Defender, incident GUID or its beginning (from six characters), ticket number, and the reference
/// `HB-…` that our tickets carry. With `waiting`, titles that are not indexed yet are read as well.
///
/// Several words must all be there; a number in front of them, as a row shows it (`#4118 Mass download`), may be the
/// incident's or the ticket's. Words of one or two letters are left out unless nothing else was given;
/// then the title must begin with the text.
pub(super) fn push_found(sql: &mut QueryBuilder<Sqlite>, text: &str, waiting: bool) {
    let text = text.trim();
    match words(text) {
        Some(query) => {
            sql.push("SELECT rowid FROM subject_words WHERE subject_words MATCH ").push_bind(query);
            if waiting {
                sql.push(" UNION ALL SELECT w.subject FROM words_waiting w WHERE w.subject > 0");
                push_read(sql, "w.subject", text);
            }
        }
        None => {
            // Too short for parts of words: the beginning of the title, by index.
            sql.push("SELECT id FROM subjects WHERE title >= ").push_bind(text.to_owned());
            sql.push(" COLLATE NOCASE AND title < ").push_bind(format!("{text}\u{10ffff}")).push(" COLLATE NOCASE");
        }
    }
    if let Some(number) = number(text) {
        sql.push(" UNION ALL SELECT id FROM subjects WHERE number = ").push_bind(number);
        sql.push(" UNION ALL SELECT subject FROM pairs WHERE ifnull(ticket, -1) = ").push_bind(number);
        sql.push(" UNION ALL SELECT rowid FROM subject_words WHERE subject_words MATCH ");
        sql.push_bind(words(&marked(&number.to_string())));
    }
    if let Some((number, rest)) = numbered(text) {
        for (rows, row) in [
            ("SELECT id FROM subjects WHERE number = ", "id"),
            ("SELECT subject FROM pairs WHERE ifnull(ticket, -1) = ", "subject"),
        ] {
            sql.push(" UNION ALL ").push(rows).push_bind(number).push(format_args!(" AND ({row} IN ("));
            sql.push("SELECT rowid FROM subject_words WHERE subject_words MATCH ").push_bind(words(rest)).push(")");
            if waiting {
                sql.push(format_args!(" OR {row} IN (SELECT w.subject FROM words_waiting w WHERE w.subject > 0"));
                push_read(sql, "w.subject", rest);
                sql.push(")");
            }
            sql.push(")");
        }
    }
    if let Some(guid) = guid(text) {
        sql.push(" UNION ALL SELECT id FROM subjects WHERE incident >= ").push_bind(guid.clone());
        sql.push(" AND incident < ").push_bind(format!("{guid}~"));
    }
    if reference(text) {
        sql.push(" UNION ALL SELECT subject FROM pairs WHERE reference = ").push_bind(text.to_ascii_uppercase());
    }
}

/// Whether [`push_read`] finds the same rows as [`push_found`]: words alone, whose small and capital letters SQLite knows.
pub(super) fn can_be_read(text: &str) -> bool {
    let text = text.trim();
    // A part of Defender's number stands in no title.
    let part = |word: &&str| word.chars().all(|c| c.is_ascii_digit() || c == '#');
    let more = number(text).is_some()
        || numbered(text).is_some()
        || guid(text).is_some()
        || reference(text)
        || long_words(text).iter().any(part);
    text.is_ascii() && !text.contains('\0') && !more
}

/// Adds `AND …` that reads the title and the names of one incident: for words that so many have that listing them all
/// takes longer, and for those that are not indexed yet.
pub(super) fn push_read(sql: &mut QueryBuilder<Sqlite>, subject: &str, text: &str) {
    let text = text.trim();
    let long = long_words(text);
    if long.is_empty() {
        let begins = text.to_ascii_lowercase();
        sql.push(format_args!(" AND (SELECT lower(substr(t.title, 1, {})) = ", begins.len())).push_bind(begins);
        sql.push(format_args!(" FROM subjects t WHERE t.id = {subject})"));
    }
    for word in long {
        let word = word.to_ascii_lowercase();
        sql.push(" AND (SELECT instr(lower(t.title), ").push_bind(word.clone());
        sql.push(") + instr(lower(t.names), ").push_bind(word);
        sql.push(format_args!(") FROM subjects t WHERE t.id = {subject}) > 0"));
    }
}

/// Words that are long enough to be found.
fn long_words(text: &str) -> Vec<&str> {
    text.split_whitespace().filter(|word| word.chars().count() >= 3).take(12).collect()
}

/// The words as an FTS5 query: each quoted, so that nothing typed is taken as an operator.
fn words(text: &str) -> Option<String> {
    let quoted = |word: &str| format!("\"{}\"", word.replace('"', "\"\"").replace('\0', ""));
    let long: Vec<String> = long_words(text).into_iter().map(quoted).collect();
    (!long.is_empty()).then(|| long.join(" AND "))
}

/// A number, and words behind it.
fn numbered(text: &str) -> Option<(i64, &str)> {
    let (first, rest) = text.split_once(char::is_whitespace)?;
    words(rest)?;
    Some((number(first)?, rest))
}

/// A number in Defender, as it is indexed: so that all of it can be asked for.
fn marked(number: &str) -> String {
    format!("#{number}#")
}

/// `42`, `#42`.
fn number(text: &str) -> Option<i64> {
    text.strip_prefix('#').unwrap_or(text).trim().parse().ok().filter(|number| *number >= 0)
}

fn guid(text: &str) -> Option<String> {
    let fits = text.len() >= 6 && text.len() <= 64 && text.chars().all(|c| c.is_ascii_hexdigit() || c == '-');
    fits.then(|| text.to_ascii_lowercase())
}

/// `HB-…`.
fn reference(text: &str) -> bool {
    text.len() > 3 && text.get(..3).is_some_and(|begin| begin.eq_ignore_ascii_case("HB-"))
}

/// The same for rows of a workspace, which may have been given to another client since: who sees such a row may see both
/// the client that it was made for and the one that its workspace has now. A workspace that was removed is nobody else's.
pub(super) fn push_scope_at(
    sql: &mut QueryBuilder<Sqlite>,
    client: &str,
    workspace: &str,
    scope: &Scope,
) -> Result<()> {
    push_scope(sql, client, scope)?;
    if let Scope::Clients(clients) = scope {
        sql.push(format_args!(" AND {workspace} NOT IN (SELECT w.id FROM workspaces w WHERE w.client NOT IN ("));
        sql.push("SELECT value FROM json_each(").push_bind(to_json(clients)?).push(")))");
    }
    Ok(())
}

/// Adds `AND <client> IN (…)` unless everything may be seen.
pub(super) fn push_scope(sql: &mut QueryBuilder<Sqlite>, client: &str, scope: &Scope) -> Result<()> {
    if let Scope::Clients(clients) = scope {
        sql.push(format_args!(" AND {client} IN (SELECT value FROM json_each("));
        sql.push_bind(to_json(clients)?).push("))");
    }
    Ok(())
}
