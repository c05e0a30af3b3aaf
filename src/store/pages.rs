//! The list of pairs: filtered, sorted, paged by key in both directions (never by offset).

use jiff::Timestamp;
use sqlx::{QueryBuilder, Sqlite, sqlite::SqliteRow};

use super::{
    Store,
    error::Result,
    pairs::{pair_columns, pair_of},
    row::Cells,
    search::push_scope_at,
    ways::{self, Question, Way},
};
use crate::domain::{
    account::Scope,
    failure::Failure,
    ids::{ClientId, ConnectionId, PairId, TicketId, WorkspaceId},
    incident::{IncidentStatus, Severity},
    pair::{Health, Pair, SyncState},
    reason::Reason,
};

/// What a page asks for; everything given must hold.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PairFilter {
    /// Words, parts of words, an incident number or GUID, a ticket number.
    pub text: Option<String>,
    /// How far apart.
    pub sync: Option<SyncState>,
    /// Whether somebody must act.
    pub health: Option<Health>,
    /// Whose.
    pub client: Option<ClientId>,
    /// Where the incident lives.
    pub workspace: Option<WorkspaceId>,
    /// Where the ticket lives.
    pub halo: Option<ConnectionId>,
    /// The incident's severity.
    pub severity: Option<Severity>,
    /// The incident's status.
    pub status: Option<IncidentStatus>,
    /// [`crate::domain::reason::Reason::code`] of the pair.
    pub reason: Option<String>,
    /// Incident made at or after.
    pub opened_from: Option<Timestamp>,
    /// Incident made before.
    pub opened_before: Option<Timestamp>,
    /// Workspaces that nobody reads: their pairs count as unknown instead of in step.
    pub silent: Vec<WorkspaceId>,
    /// What the reader may see.
    pub scope: Scope,
}

/// By what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum SortBy {
    /// Last change of anything of the pair.
    #[default]
    Changed,
    /// When the incident was made.
    Opened,
    /// Incident number.
    Number,
    /// Severity.
    Severity,
    /// Ticket number.
    Ticket,
    /// Place of the client's name among all names.
    Client,
    /// Those that need somebody last, then those that wait; within each, those that are behind.
    State,
}

/// Order of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PairSort {
    /// By what.
    pub by: SortBy,
    /// Highest or newest first.
    pub descending: bool,
}

impl Default for PairSort {
    fn default() -> Self {
        Self { by: SortBy::Changed, descending: true }
    }
}

/// Where a page begins: the row next to it, and the direction. Travels in addresses as text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PageKey {
    /// Value of the sort column of that row.
    pub value: i64,
    /// Its row.
    pub row: i64,
    /// Towards the beginning of the list.
    pub backward: bool,
}

impl std::fmt::Display for PageKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}{}.{}", if self.backward { "b" } else { "f" }, self.value, self.row)
    }
}

impl std::str::FromStr for PageKey {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        let (backward, rest) = match (text.strip_prefix('b'), text.strip_prefix('f')) {
            (Some(rest), _) => (true, rest),
            (_, Some(rest)) => (false, rest),
            _ => return Err(()),
        };
        let (value, row) = rest.split_once('.').ok_or(())?;
        Ok(Self { value: value.parse().map_err(|_| ())?, row: row.parse().map_err(|_| ())?, backward })
    }
}

/// One row of the list.
#[derive(Debug, Clone, PartialEq)]
pub struct PairRow {
    /// The pair.
    pub pair: Pair,
    /// Incident number.
    pub number: Option<i64>,
    /// Incident title.
    pub title: String,
    /// Severity.
    pub severity: Severity,
    /// Incident status.
    pub status: IncidentStatus,
    /// Incident owner's key.
    pub owner: Option<String>,
    /// Incident made at.
    pub opened: Timestamp,
    /// Status of the ticket as last read.
    pub ticket_status_id: Option<i64>,
    /// Whether the ticket was closed when last read.
    pub ticket_closed: bool,
    /// Operations still open.
    pub open_operations: i64,
    /// Why the oldest of them that has been tried did not succeed.
    pub failing: Option<Failure>,
    /// When it was concluded that it stands as it does.
    pub judged: Timestamp,
}

/// A pair that needs somebody: no more of it than it takes to sort a thousand of them by reason.
#[derive(Debug, Clone, PartialEq)]
pub struct NeedingPair {
    /// Which.
    pub id: PairId,
    /// Whose.
    pub client: ClientId,
    /// Where the incident lives.
    pub workspace: WorkspaceId,
    /// Where the ticket lives.
    pub halo: ConnectionId,
    /// The ticket, once there is one.
    pub ticket: Option<TicketId>,
    /// Why.
    pub reason: Option<Reason>,
    /// What is open beside it.
    pub further: Vec<Reason>,
    /// Incident number.
    pub number: Option<i64>,
    /// Incident title.
    pub title: String,
    /// When it was concluded that it stands as it does.
    pub judged: Timestamp,
}

/// A page.
#[derive(Debug, Clone, PartialEq)]
pub struct PairPage {
    /// The rows.
    pub rows: Vec<PairRow>,
    /// Key of the page after, if there is one.
    pub next: Option<PageKey>,
    /// Key of the page before, if there is one.
    pub previous: Option<PageKey>,
}

/// Cuts the one row too many, brings the rows into reading order and finds the neighbouring pages.
pub(super) fn turn<T>(
    rows: &mut Vec<(T, i64, i64)>,
    from: Option<PageKey>,
    limit: u32,
) -> (Option<PageKey>, Option<PageKey>) {
    let more = rows.len() > limit as usize;
    rows.truncate(limit as usize);
    let backward = from.is_some_and(|key| key.backward);
    if backward {
        rows.reverse();
    }
    let key = |row: Option<&(T, i64, i64)>, backward| {
        row.map(|(_, value, row)| PageKey { value: *value, row: *row, backward })
    };
    let has_next = if backward { true } else { more };
    let has_previous = if backward { more } else { from.is_some() };
    (key(rows.last().filter(|_| has_next), false), key(rows.first().filter(|_| has_previous), true))
}

impl Store {
    /// A page of pairs. `after` is a key of an earlier page of the same filter and sort.
    ///
    /// # Errors
    /// What the database says.
    pub async fn pairs_page(
        &self,
        filter: &PairFilter,
        sort: PairSort,
        after: Option<PageKey>,
        limit: u32,
    ) -> Result<PairPage> {
        let waiting = self.ready_to_search(filter.text.as_deref()).await;
        let mut reader = self.reader().await?;
        let asked = ways::asked(filter, sort, after, limit);
        let question = ways::best(&mut reader, Question { waiting, ..asked }).await?;
        let mut found = Vec::new();
        if sort.by == SortBy::Client && matches!(question.way, Way::InOrder(_)) {
            for (place, clients) in ways::places(&mut reader, &question).await? {
                let mut sql = drawn(|sql| question.push_keys_of(sql, place, &clients))?;
                let rows = sql.build().fetch_all(&mut *reader).await?;
                found.extend(in_order(&rows, &question)?);
                if found.len() > limit as usize {
                    break;
                }
            }
        } else {
            let mut sql = drawn(|sql| question.push_keys(sql))?;
            let rows = sql.build().fetch_all(&mut *reader).await?;
            found = in_order(&rows, &question)?;
        }
        let (next, previous) = turn(&mut found, after, limit);
        Ok(PairPage { rows: found.into_iter().map(|(row, ..)| row).collect(), next, previous })
    }
}

impl Store {
    /// The pairs that need somebody, the last changed first.
    ///
    /// # Errors
    /// What the database says.
    pub async fn needing_pairs(&self, scope: &Scope, limit: u32) -> Result<Vec<NeedingPair>> {
        let mut sql = QueryBuilder::<Sqlite>::new(
            "SELECT p.id, p.client, p.workspace, p.halo, p.ticket, p.reason, p.further, p.number, s.title, p.judged_ms
               FROM pairs p INDEXED BY pairs_not_healthy CROSS JOIN subjects s ON s.id = p.subject
              WHERE p.health = 'needs-you' AND p.health <> 'healthy'",
        );
        push_scope_at(&mut sql, "p.client", "p.workspace", scope)?;
        sql.push(" ORDER BY p.changed_ms DESC, p.subject DESC LIMIT 0 + ").push_bind(i64::from(limit));
        let mut reader = self.reader().await?;
        let rows = sql.build().fetch_all(&mut *reader).await?;
        rows.iter().map(needing).collect()
    }
}

impl Store {
    /// How many pairs need somebody for a reason of this code, first or beside another.
    ///
    /// # Errors
    /// What the database says.
    pub async fn needing_for(&self, scope: &Scope, code: &str) -> Result<i64> {
        let mut sql = QueryBuilder::<Sqlite>::new(
            "SELECT count(*) FROM pairs p NOT INDEXED WHERE p.health = 'needs-you' AND p.subject IN (",
        );
        ways::push_reasoned(&mut sql, code);
        sql.push(")");
        push_scope_at(&mut sql, "p.client", "p.workspace", scope)?;
        let mut reader = self.reader().await?;
        Ok(sql.build_query_scalar().fetch_one(&mut *reader).await?)
    }
}

fn needing(row: &SqliteRow) -> Result<NeedingPair> {
    let cells = Cells::new(row, "pairs");
    Ok(NeedingPair {
        id: cells.id("id")?,
        client: cells.id("client")?,
        workspace: cells.id("workspace")?,
        halo: cells.id("halo")?,
        ticket: cells.opt_int("ticket")?.map(TicketId),
        reason: cells.opt_json("reason")?,
        further: cells.opt_json("further")?.unwrap_or_default(),
        number: cells.opt_int("number")?,
        title: cells.text("title")?.to_owned(),
        judged: cells.time("judged_ms")?,
    })
}

/// Everything that is shown of the rows that `keys` gives. The rows are found first: what is sorted and passed over is
/// then two numbers a row, and not all of it.
fn drawn(keys: impl FnOnce(&mut QueryBuilder<Sqlite>) -> Result<()>) -> Result<QueryBuilder<Sqlite>> {
    let mut sql = QueryBuilder::<Sqlite>::new(concat!(
        "SELECT ",
        pair_columns!(),
        ", p.subject, p.number, s.title, p.severity, p.status, s.owner, p.opened_ms, p.judged_ms, p.ticket_status_id,
           p.ticket_closed, (SELECT count(*) FROM operations o WHERE o.pair = p.id
             AND o.state IN ('planned', 'sending', 'outcome-unknown')) AS open_operations,
           (SELECT o.failure FROM operations o WHERE o.pair = p.id AND o.failure IS NOT NULL
             AND o.state IN ('planned', 'sending', 'outcome-unknown') ORDER BY o.position LIMIT 1) AS failing,
           k.sort_value FROM ("
    ));
    keys(&mut sql)?;
    sql.push(") k CROSS JOIN pairs p ON p.subject = k.subject CROSS JOIN subjects s ON s.id = p.subject");
    Ok(sql)
}

/// The rows in the order that was asked for.
fn in_order(rows: &[SqliteRow], question: &Question<'_>) -> Result<Vec<(PairRow, i64, i64)>> {
    let mut found = rows.iter().map(keyed).collect::<Result<Vec<_>>>()?;
    found.sort_by_key(|(_, value, row)| (*value, *row));
    if question.downward() {
        found.reverse();
    }
    Ok(found)
}

/// How the rows of a page are found, as statements, so that a test can see how they are carried out: by order, and by
/// each way that reads but the few that match.
///
/// # Errors
/// The filter cannot be written.
#[doc(hidden)]
pub fn built(filter: &PairFilter, sort: PairSort, after: Option<PageKey>) -> Result<Vec<(bool, String)>> {
    ways::all(filter, sort, after)
        .into_iter()
        .map(|(question, ordered)| {
            let sql = match (sort.by, ordered) {
                (SortBy::Client, true) => drawn(|sql| question.push_keys_of(sql, 1, &["one".to_owned()])),
                _ => drawn(|sql| question.push_keys(sql)),
            };
            Ok((ordered, sql?.into_string()))
        })
        .collect()
}

fn keyed(row: &SqliteRow) -> Result<(PairRow, i64, i64)> {
    let cells = Cells::new(row, "pairs");
    let pair = PairRow {
        pair: pair_of(&cells)?,
        number: cells.opt_int("number")?,
        title: cells.text("title")?.to_owned(),
        severity: Severity::from(cells.text("severity")?.to_owned()),
        status: IncidentStatus::from(cells.text("status")?.to_owned()),
        owner: cells.opt_text("owner")?.map(str::to_owned),
        opened: cells.time("opened_ms")?,
        ticket_status_id: cells.opt_int("ticket_status_id")?,
        ticket_closed: cells.flag("ticket_closed")?,
        open_operations: cells.int("open_operations")?,
        failing: cells.opt_json("failing")?,
        judged: cells.time("judged_ms")?,
    };
    Ok((pair, cells.int("sort_value")?, cells.int("subject")?))
}
