//! The list of pairs: filtered, sorted, paged by key in both directions (never by offset).

use jiff::Timestamp;
use sqlx::{QueryBuilder, Sqlite, sqlite::SqliteRow};

use super::{
    Store,
    error::Result,
    pairs::{pair_columns, pair_of},
    row::{Cells, to_json},
    search::{push_scope, push_search},
};
use crate::domain::{
    account::Scope,
    failure::Failure,
    ids::{ClientId, ConnectionId, WorkspaceId},
    incident::{IncidentStatus, Severity},
    pair::{Health, Pair, SyncState},
    time::to_ms,
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
        self.ready_to_search(filter.text.as_deref()).await;
        let column = match sort.by {
            SortBy::Changed => "p.changed_ms",
            SortBy::Opened => "p.opened_ms",
            SortBy::Number => "ifnull(p.number, -1)",
            SortBy::Severity => "p.severity_rank",
            SortBy::Ticket => "ifnull(p.ticket, -1)",
            SortBy::Client => "ifnull(r.place, 0)",
            SortBy::State => {
                "(CASE p.health WHEN 'needs-you' THEN 6 WHEN 'waiting' THEN 3 ELSE 0 END
                  + CASE p.sync WHEN 'unknown' THEN 2 WHEN 'behind' THEN 1 ELSE 0 END)"
            }
        };
        let mut sql = QueryBuilder::<Sqlite>::new(concat!(
            "SELECT ",
            pair_columns!(),
            ", p.subject, p.number, s.title, p.severity, p.status, s.owner, p.opened_ms, p.judged_ms, p.ticket_status_id,
               p.ticket_closed, (SELECT count(*) FROM operations o WHERE o.pair = p.id
                 AND o.state IN ('planned', 'sending', 'outcome-unknown')) AS open_operations,
               (SELECT o.failure FROM operations o WHERE o.pair = p.id AND o.failure IS NOT NULL
                 AND o.state IN ('planned', 'sending', 'outcome-unknown') ORDER BY o.position LIMIT 1) AS failing, "
        ));
        sql.push(column);
        sql.push(" AS sort_value FROM pairs p CROSS JOIN subjects s ON s.id = p.subject");
        if sort.by == SortBy::Client {
            sql.push(
                " LEFT JOIN (SELECT id, row_number() OVER (ORDER BY name) AS place FROM clients) r ON r.id = p.client",
            );
        }
        sql.push(" WHERE 1 = 1");
        push_filter(&mut sql, filter)?;
        let backward = after.is_some_and(|key| key.backward);
        let downward = sort.descending != backward;
        if let Some(key) = after {
            sql.push(format_args!(" AND ({column}, p.subject) {} (", if downward { '<' } else { '>' }));
            sql.push_bind(key.value).push(", ").push_bind(key.row).push(")");
        }
        let direction = if downward { "DESC" } else { "ASC" };
        sql.push(format_args!(" ORDER BY {column} {direction}, p.subject {direction} LIMIT "));
        sql.push_bind(i64::from(limit) + 1);
        let mut reader = self.reader().await?;
        let rows = sql.build().fetch_all(&mut *reader).await?;
        let mut found = rows.iter().map(keyed).collect::<Result<Vec<_>>>()?;
        let (next, previous) = turn(&mut found, after, limit);
        Ok(PairPage { rows: found.into_iter().map(|(row, ..)| row).collect(), next, previous })
    }
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

fn push_filter(sql: &mut QueryBuilder<Sqlite>, filter: &PairFilter) -> Result<()> {
    // Written out, so that the partial indexes of rare states are found.
    match filter.sync {
        None => {}
        Some(SyncState::InStep) => {
            sql.push(" AND p.sync = 'in-step'");
            if !filter.silent.is_empty() {
                sql.push(" AND p.workspace NOT IN (SELECT value FROM json_each(");
                sql.push_bind(to_json(&filter.silent)?).push("))");
            }
        }
        Some(SyncState::Behind) => {
            sql.push(" AND p.sync = 'behind' AND p.sync <> 'in-step'");
        }
        Some(SyncState::Unknown) if !filter.silent.is_empty() => {
            sql.push(" AND (p.sync = 'unknown' OR p.sync = 'in-step' AND p.workspace IN (SELECT value FROM json_each(");
            sql.push_bind(to_json(&filter.silent)?).push(")))");
        }
        Some(SyncState::Unknown) => {
            sql.push(" AND p.sync = 'unknown' AND p.sync <> 'in-step'");
        }
    }
    match filter.health {
        None => {}
        Some(Health::Healthy) => {
            sql.push(" AND p.health = 'healthy'");
        }
        Some(Health::Waiting) => {
            sql.push(" AND p.health = 'waiting' AND p.health <> 'healthy'");
        }
        Some(Health::NeedsYou) => {
            sql.push(" AND p.health = 'needs-you' AND p.health <> 'healthy'");
        }
    }
    if let Some(client) = filter.client {
        sql.push(" AND p.client = ").push_bind(client.to_string());
    }
    if let Some(workspace) = filter.workspace {
        sql.push(" AND p.workspace = ").push_bind(workspace.to_string());
    }
    if let Some(halo) = filter.halo {
        sql.push(" AND p.halo = ").push_bind(halo.to_string());
    }
    if let Some(severity) = &filter.severity {
        sql.push(" AND p.severity = ").push_bind(severity.as_str().to_owned());
    }
    if let Some(status) = &filter.status {
        sql.push(" AND p.status = ").push_bind(status.as_str().to_owned());
    }
    if let Some(reason) = &filter.reason {
        // What is open beside the first reason stands in the same row.
        sql.push(" AND (p.reason_code = ").push_bind(reason.clone());
        sql.push(" OR EXISTS (SELECT 1 FROM json_each(p.further) f WHERE f.value ->> '$.code' = ");
        sql.push_bind(reason.clone()).push("))");
    }
    if let Some(from) = filter.opened_from {
        sql.push(" AND p.opened_ms >= ").push_bind(to_ms(from));
    }
    if let Some(before) = filter.opened_before {
        sql.push(" AND p.opened_ms < ").push_bind(to_ms(before));
    }
    push_scope(sql, "p.client", &filter.scope)?;
    if let Some(text) = &filter.text {
        push_search(sql, "p.subject", text);
    }
    Ok(())
}
