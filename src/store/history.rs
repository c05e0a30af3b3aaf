//! Reading the ledger: timelines, the audit page, and what changed since.

use jiff::Timestamp;
use sqlx::{QueryBuilder, Sqlite, sqlite::SqliteRow};

use super::{
    Store,
    error::Result,
    row::{Cells, statements},
    search::push_scope,
};
use crate::{
    domain::{
        account::Scope,
        ids::{IncidentId, PairId, TicketId},
        time::{from_ms, to_ms},
    },
    ledger::{
        entry::{Chain, Entry, Seq, join},
        fact::Fact,
    },
};

macro_rules! entry_columns {
    () => {
        "l.seq, l.chain, l.chain_seq, l.at_ms, l.fact, l.pair, l.detail, l.body, l.prev, l.hash, b.body AS body_text"
    };
}
pub(super) use entry_columns;

statements! {
    const LATEST = "SELECT ifnull(max(seq), 0) FROM ledger";
    const WRITTEN_AT = "SELECT at_ms FROM ledger WHERE seq <= ?1 ORDER BY seq DESC LIMIT 1";
    const ENTRY = concat!("SELECT ", entry_columns!(), " FROM ledger l LEFT JOIN bodies b ON b.hash = l.body WHERE l.seq = ?1");
    const TIMELINE = concat!("SELECT ", entry_columns!(), " FROM ledger l LEFT JOIN bodies b ON b.hash = l.body
        WHERE l.pair = ?1 AND l.seq < ?2 ORDER BY l.seq DESC LIMIT 0 + ?3");
    const TIMELINE_ON = concat!("SELECT ", entry_columns!(), " FROM ledger l LEFT JOIN bodies b ON b.hash = l.body
        WHERE l.pair = ?1 AND l.seq > ?2 AND l.seq <= ?3 ORDER BY l.seq LIMIT 0 + ?4");
    const OPENED = concat!("SELECT ", entry_columns!(), " FROM ledger l LEFT JOIN bodies b ON b.hash = l.body
        WHERE l.pair = ?1 AND l.fact = 'pair-opened' ORDER BY l.seq LIMIT 1");
    // Written out, so that the index of rare facts is found (see `IN_EVERY_PAIR`).
    const LAST_UNLINKED = "SELECT l.at_ms FROM ledger l WHERE l.fact = 'unlinked' AND l.fact NOT IN ('incident-read',
        'pair-opened', 'operation-planned', 'operation-moved', 'pair-judged', 'base-agreed', 'ticket-read', 'ticket-linked')
        AND json_extract(l.detail, '$.incident') = ?1 ORDER BY l.seq DESC LIMIT 1";
    const UNLINKED_FROM = concat!("SELECT ", entry_columns!(), " FROM ledger l LEFT JOIN bodies b ON b.hash = l.body
        WHERE l.fact = 'unlinked' AND l.fact NOT IN ('incident-read', 'pair-opened', 'operation-planned',
        'operation-moved', 'pair-judged', 'base-agreed', 'ticket-read', 'ticket-linked')
        AND json_extract(l.detail, '$.reason.ticket') = ?1 ORDER BY l.seq DESC LIMIT 0 + ?2");
    const OF_INCIDENT = concat!("SELECT ", entry_columns!(), " FROM ledger l LEFT JOIN bodies b ON b.hash = l.body
        WHERE ifnull(json_extract(l.detail, '$.id'), json_extract(l.detail, '$.incident')) = ?1
        AND l.fact IN ('incident-read', 'evidence-read') AND l.seq <= ?2 ORDER BY l.seq");
}

/// Facts that every pair has: the index by facts leaves them out (migration 13), for wherever one looks there are some.
const IN_EVERY_PAIR: [&str; 8] = [
    "incident-read",
    "pair-opened",
    "operation-planned",
    "operation-moved",
    "pair-judged",
    "base-agreed",
    "ticket-read",
    "ticket-linked",
];

/// An entry with its fact.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    /// The entry.
    pub entry: Entry,
    /// What it says; `None` when its body was erased.
    pub fact: Option<Fact>,
}

/// What a page of the ledger asks for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LedgerFilter {
    /// Only facts of this name ([`Fact::name`]).
    pub fact: Option<String>,
    /// Only this pair's.
    pub pair: Option<PairId>,
    /// Only this chain's.
    pub chain: Option<Chain>,
    /// At or after.
    pub from: Option<Timestamp>,
    /// Before.
    pub before: Option<Timestamp>,
    /// What the reader may see.
    pub scope: Scope,
}

/// A hint that something changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Number of the entry.
    pub seq: Seq,
    /// Its fact's name.
    pub fact: String,
    /// The pair it concerns.
    pub pair: Option<PairId>,
}

pub(super) fn entry_of(cells: &Cells<'_>) -> Result<Entry> {
    Ok(Entry {
        seq: Seq(cells.int("seq")?),
        chain: cells.parsed("chain", Chain::parse)?,
        chain_seq: cells.int("chain_seq")?,
        at: cells.time("at_ms")?,
        fact: cells.text("fact")?.to_owned(),
        pair: cells.opt_id("pair")?,
        detail: cells.text("detail")?.to_owned(),
        body: cells.opt_hash("body")?,
        prev: cells.hash("prev")?,
        hash: cells.hash("hash")?,
    })
}

pub(super) fn item_of(row: &SqliteRow) -> Result<Item> {
    let cells = Cells::new(row, "ledger");
    let entry = entry_of(&cells)?;
    let fact = join(&entry.fact, &entry.detail, cells.opt_text("body_text")?).map_err(|_| cells.corrupt("detail"))?;
    Ok(Item { entry, fact })
}

/// Whether the index by facts holds them.
fn rare(fact: &str) -> bool {
    !IN_EVERY_PAIR.contains(&fact)
}

/// The statement of a page of the ledger. One that asks for a pair or a rare fact is led by their indexes; one of a single
/// chain by the chain's; any other walks the ledger from its end, whatever the reader may see.
fn page_sql(filter: &LedgerFilter, after: Option<Seq>, limit: u32) -> Result<QueryBuilder<Sqlite>> {
    let in_chain = filter.chain.is_some() && filter.pair.is_none() && !filter.fact.as_deref().is_some_and(rare);
    let mut sql = QueryBuilder::<Sqlite>::new(concat!(
        "SELECT ",
        entry_columns!(),
        " FROM ledger l LEFT JOIN bodies b ON b.hash = l.body WHERE 1 = 1"
    ));
    if let Some(fact) = &filter.fact {
        sql.push(" AND l.fact = ").push_bind(fact.clone());
        if rare(fact) {
            // Written out, so that the index of the others is found.
            sql.push(" AND l.fact NOT IN ('").push(IN_EVERY_PAIR.join("', '")).push("')");
        }
    }
    if let Some(pair) = filter.pair {
        sql.push(" AND l.pair = ").push_bind(pair.to_string());
    }
    if let Some(chain) = filter.chain {
        // Within one chain the entries are asked for by their numbers there: no other chain's are passed on the way.
        sql.push(if in_chain { " AND l.chain = " } else { " AND +l.chain = " }).push_bind(chain.to_string());
        if let Some(after) = after.filter(|_| in_chain) {
            sql.push(" AND l.chain_seq < ifnull((SELECT a.chain_seq FROM ledger a WHERE a.seq = ");
            sql.push_bind(after.0).push(" AND a.chain = ").push_bind(chain.to_string());
            sql.push("), ").push_bind(i64::MAX).push(")");
        }
    }
    if let Some(from) = filter.from {
        sql.push(" AND l.at_ms >= ").push_bind(to_ms(from));
    }
    if let Some(before) = filter.before {
        sql.push(" AND l.at_ms < ").push_bind(to_ms(before));
    }
    push_scope(&mut sql, "+l.chain", &filter.scope)?;
    if let Some(after) = after {
        sql.push(if in_chain { " AND +l.seq < " } else { " AND l.seq < " }).push_bind(after.0);
    }
    let order = if in_chain { "l.chain_seq" } else { "l.seq" };
    sql.push(format_args!(" ORDER BY {order} DESC LIMIT ")).push_bind(i64::from(limit));
    Ok(sql)
}

/// The statement of what changed since.
fn since_sql(seq: Seq, scope: &Scope, limit: u32) -> Result<QueryBuilder<Sqlite>> {
    let mut sql = QueryBuilder::<Sqlite>::new("SELECT l.seq, l.fact, l.pair FROM ledger l WHERE l.seq > ");
    sql.push_bind(seq.0);
    push_scope(&mut sql, "+l.chain", scope)?;
    sql.push(" ORDER BY l.seq LIMIT ").push_bind(i64::from(limit));
    Ok(sql)
}

/// What is built rather than written down, so that a test can see how it is carried out.
///
/// # Errors
/// The filter cannot be written.
#[doc(hidden)]
pub fn built(filter: &LedgerFilter, after: Option<Seq>) -> Result<[String; 2]> {
    let (page, since) = (page_sql(filter, after, 50)?, since_sql(after.unwrap_or(Seq(0)), &filter.scope, 50)?);
    Ok([page, since].map(|sql| sql.into_string()))
}

impl Store {
    /// Number of the last entry of all; 0 when there is none. Sees other processes' commits.
    ///
    /// # Errors
    /// What the database says.
    pub async fn latest_seq(&self) -> Result<Seq> {
        let mut reader = self.reader().await?;
        Ok(Seq(sqlx::query_scalar(LATEST).fetch_one(&mut *reader).await?))
    }

    /// One entry with its fact.
    ///
    /// # Errors
    /// What the database says.
    pub async fn entry(&self, seq: Seq) -> Result<Option<Item>> {
        let mut reader = self.reader().await?;
        let row = sqlx::query(ENTRY).bind(seq.0).fetch_optional(&mut *reader).await?;
        row.as_ref().map(item_of).transpose()
    }

    /// What happened to a pair, newest first; `after` is the last number of the page before.
    ///
    /// # Errors
    /// What the database says.
    pub async fn timeline(&self, pair: PairId, after: Option<Seq>, limit: u32) -> Result<Vec<Item>> {
        let mut reader = self.reader().await?;
        let before = after.map_or(i64::MAX, |seq| seq.0);
        let query = sqlx::query(TIMELINE).bind(pair.to_string()).bind(before).bind(i64::from(limit));
        query.fetch_all(&mut *reader).await?.iter().map(item_of).collect()
    }

    /// A page of a pair's timeline from its beginning on: what follows entry `after` up to entry `until`, oldest first.
    ///
    /// # Errors
    /// What the database says.
    pub async fn timeline_on(&self, pair: PairId, after: Seq, until: Seq, limit: u32) -> Result<Vec<Item>> {
        let mut reader = self.reader().await?;
        let query = sqlx::query(TIMELINE_ON).bind(pair.to_string()).bind(after.0).bind(until.0).bind(i64::from(limit));
        query.fetch_all(&mut *reader).await?.iter().map(item_of).collect()
    }

    /// The entry that tells how a pair was opened, whether it is one still or was taken apart.
    ///
    /// # Errors
    /// What the database says.
    pub async fn pair_opened(&self, pair: PairId) -> Result<Option<Item>> {
        let mut reader = self.reader().await?;
        let row = sqlx::query(OPENED).bind(pair.to_string()).fetch_optional(&mut *reader).await?;
        row.as_ref().map(item_of).transpose()
    }

    /// The last entry that was written at or before a moment; 0 where there is none. Entries follow one another in time,
    /// so it is looked for between two ends.
    ///
    /// # Errors
    /// What the database says.
    pub async fn entry_at(&self, moment: Timestamp) -> Result<Seq> {
        let (mut before, mut after) = (0, self.latest_seq().await?.0.saturating_add(1));
        let mut reader = self.reader().await?;
        while after - before > 1 {
            let middle = before + (after - before) / 2;
            let written: Option<i64> = sqlx::query_scalar(WRITTEN_AT).bind(middle).fetch_optional(&mut *reader).await?;
            if written.is_some_and(|at| at > to_ms(moment)) {
                after = middle;
            } else {
                before = middle;
            }
        }
        Ok(Seq(before))
    }

    /// Since when the operations of an incident's pair are all that was ever written from here: its last pair was taken
    /// apart then, or the ledger began. `None`: there is no ledger yet.
    ///
    /// # Errors
    /// What the database says.
    pub async fn remembers_since(&self, incident: &IncidentId) -> Result<Option<Timestamp>> {
        let mut reader = self.reader().await?;
        let began: Option<i64> = sqlx::query_scalar(WRITTEN_AT).bind(1_i64).fetch_optional(&mut *reader).await?;
        let unlinked: Option<i64> =
            sqlx::query_scalar(LAST_UNLINKED).bind(incident.as_str()).fetch_optional(&mut *reader).await?;
        Ok(began.max(unlinked).map(from_ms))
    }

    /// When incidents were unlinked from a ticket of this number, the last time first. Halo instances may share a number.
    ///
    /// # Errors
    /// What the database says.
    pub async fn unlinked_from(&self, ticket: TicketId, limit: u32) -> Result<Vec<Item>> {
        let mut reader = self.reader().await?;
        let query = sqlx::query(UNLINKED_FROM).bind(ticket.0).bind(i64::from(limit));
        query.fetch_all(&mut *reader).await?.iter().map(item_of).collect()
    }

    /// Readings of an incident up to an entry, oldest first. Incidents of several workspaces may share an id.
    ///
    /// # Errors
    /// What the database says.
    pub async fn incident_history(&self, incident: &IncidentId, at: Seq) -> Result<Vec<Item>> {
        let mut reader = self.reader().await?;
        let query = sqlx::query(OF_INCIDENT).bind(incident.as_str()).bind(at.0);
        query.fetch_all(&mut *reader).await?.iter().map(item_of).collect()
    }

    /// A page of the ledger, newest first; `after` is the last number of the page before.
    ///
    /// # Errors
    /// What the database says.
    pub async fn ledger_page(&self, filter: &LedgerFilter, after: Option<Seq>, limit: u32) -> Result<Vec<Item>> {
        let mut sql = page_sql(filter, after, limit)?;
        let mut reader = self.reader().await?;
        sql.build().fetch_all(&mut *reader).await?.iter().map(item_of).collect()
    }

    /// Entries after `seq` in rising order, as far as the reader may see them: for live pages.
    ///
    /// # Errors
    /// What the database says.
    pub async fn changes_since(&self, seq: Seq, scope: &Scope, limit: u32) -> Result<Vec<Change>> {
        let mut sql = since_sql(seq, scope, limit)?;
        let mut reader = self.reader().await?;
        let rows = sql.build().fetch_all(&mut *reader).await?;
        rows.iter()
            .map(|row| {
                let cells = Cells::new(row, "ledger");
                Ok(Change {
                    seq: Seq(cells.int("seq")?),
                    fact: cells.text("fact")?.to_owned(),
                    pair: cells.opt_id("pair")?,
                })
            })
            .collect()
    }
}
