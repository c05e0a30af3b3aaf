//! How the rows of a page of pairs are found. Either an index gives them in the order asked for, and those that do not
//! match are passed over; or few match in all, an index gives those, and they are sorted. With a million pairs the wrong
//! one of the two takes seconds. Which is right is told by the kept counters, and by counting up to a bound.

use sqlx::{QueryBuilder, Row as _, Sqlite, SqliteConnection};

use super::{
    error::Result,
    pages::{PageKey, PairFilter, PairSort, SortBy},
    row::{Cells, to_json},
    search::{can_be_read, push_found, push_read, push_scope_at},
};
use crate::domain::{
    account::Scope,
    incident::{IncidentStatus, Severity},
    pair::{Health, SyncState},
    time::to_ms,
};

/// A way to the rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// This index gives them in the order asked for.
    InOrder(&'static str),
    /// This index gives the few that match.
    Few(&'static str),
    /// The few that have the words looked for.
    Words,
    /// The few that stand as they do for the reason asked for.
    Reason,
}

/// What is asked, and how it is answered.
#[derive(Debug, Clone, Copy)]
pub(super) struct Question<'a> {
    /// What must hold.
    pub filter: &'a PairFilter,
    /// In which order.
    pub sort: PairSort,
    /// Where the page begins.
    pub after: Option<PageKey>,
    /// Most rows read.
    pub rows: i64,
    /// How they are found.
    pub way: Way,
    /// So many have the words looked for that they are looked for in each row.
    pub common: bool,
    /// Words wait to be indexed: they are looked for in each title that waits.
    pub waiting: bool,
}

/// Which rows of the order.
#[derive(Debug, Clone, Copy)]
enum Part {
    /// From the beginning, or after a row.
    From(Option<PageKey>),
    /// Those with a row's value that stand behind it.
    Beside(PageKey),
    /// Those behind all with its value.
    Beyond(PageKey),
}

/// By what a sort sorts. The indexes have the same expressions.
pub(super) fn column(by: SortBy) -> &'static str {
    match by {
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
    }
}

/// The index in the order of a sort.
fn ordered(by: SortBy) -> &'static str {
    match by {
        SortBy::Changed => "pairs_by_changed",
        SortBy::Opened => "pairs_by_opened",
        SortBy::Number => "pairs_by_number",
        SortBy::Severity => "pairs_by_severity",
        SortBy::Ticket => "pairs_by_ticket_number",
        // Client after client.
        SortBy::Client => "pairs_of_client",
        SortBy::State => "pairs_by_state",
    }
}

/// Places of the clients' names; of one that was removed there is none.
const PLACES: &str =
    " LEFT JOIN (SELECT id, row_number() OVER (ORDER BY name) AS place FROM clients) r ON r.id = p.client";

impl Question<'_> {
    /// Whether the order runs towards lower values.
    pub fn downward(&self) -> bool {
        self.sort.descending != self.after.is_some_and(|key| key.backward)
    }

    fn signs(&self) -> (&'static str, &'static str) {
        if self.downward() { ("<", "DESC") } else { (">", "ASC") }
    }

    /// Adds the statement that gives `subject` and `sort_value` of the rows.
    pub fn push_keys(&self, sql: &mut QueryBuilder<Sqlite>) -> Result<()> {
        let (Some(key), Way::InOrder(_)) = (self.after, self.way) else {
            return self.push_part(sql, Part::From(self.after));
        };
        // Each part is read from where it begins, however many rows have the same value.
        sql.push("SELECT * FROM (");
        self.push_part(sql, Part::Beside(key))?;
        sql.push(") UNION ALL SELECT * FROM (");
        self.push_part(sql, Part::Beyond(key))?;
        sql.push(") LIMIT 0 + ").push_bind(self.rows);
        Ok(())
    }

    fn push_part(&self, sql: &mut QueryBuilder<Sqlite>, part: Part) -> Result<()> {
        let column = column(self.sort.by);
        let (beyond, direction) = self.signs();
        sql.push(format_args!("SELECT p.subject, {column} AS sort_value FROM pairs p {}", self.read_by()));
        if self.sort.by == SortBy::Client {
            sql.push(PLACES);
        }
        sql.push(" WHERE 1 = 1");
        match part {
            Part::From(None) => {}
            Part::From(Some(key)) => {
                sql.push(format_args!(" AND ({column}, p.subject) {beyond} ("));
                sql.push_bind(key.value).push(", ").push_bind(key.row).push(")");
            }
            Part::Beside(key) => {
                sql.push(format_args!(" AND {column} = ")).push_bind(key.value);
                sql.push(format_args!(" AND p.subject {beyond} ")).push_bind(key.row);
            }
            Part::Beyond(key) => {
                sql.push(format_args!(" AND {column} {beyond} ")).push_bind(key.value);
            }
        }
        self.push_filter(sql)?;
        let first = if matches!(part, Part::Beside(_)) { String::new() } else { format!("{column} {direction}, ") };
        sql.push(format_args!(" ORDER BY {first}p.subject {direction} LIMIT 0 + ")).push_bind(self.rows);
        Ok(())
    }

    /// Adds the same for the clients at one place: `pairs_of_client` has each one's rows in order.
    pub fn push_keys_of(&self, sql: &mut QueryBuilder<Sqlite>, place: i64, clients: &[String]) -> Result<()> {
        let (beyond, direction) = self.signs();
        sql.push("SELECT p.subject, ").push_bind(place);
        sql.push(" AS sort_value FROM pairs p INDEXED BY pairs_of_client WHERE p.client ");
        match clients {
            [client] => sql.push("= ").push_bind(client.clone()),
            several => sql.push("IN (SELECT value FROM json_each(").push_bind(to_json(several)?).push("))"),
        };
        if let Some(key) = self.after.filter(|key| key.value == place) {
            sql.push(format_args!(" AND p.subject {beyond} ")).push_bind(key.row);
        }
        self.push_filter(sql)?;
        sql.push(format_args!(" ORDER BY p.subject {direction} LIMIT 0 + ")).push_bind(self.rows);
        Ok(())
    }

    fn read_by(&self) -> String {
        match self.way {
            Way::InOrder(index) | Way::Few(index) => format!("INDEXED BY {index}"),
            // By row.
            Way::Words | Way::Reason => "NOT INDEXED".to_owned(),
        }
    }

    fn push_filter(&self, sql: &mut QueryBuilder<Sqlite>) -> Result<()> {
        let filter = self.filter;
        push_kept(sql, filter)?;
        if let Some((low, high)) = states(filter).filter(|_| self.sort.by == SortBy::State) {
            let column = column(SortBy::State);
            sql.push(format_args!(" AND {column} >= {low} AND {column} <= {high}"));
        }
        if let Some(halo) = filter.halo {
            sql.push(" AND p.halo = ").push_bind(halo.to_string());
        }
        if let Some(severity) = &filter.severity {
            sql.push(" AND p.severity = ").push_bind(severity.as_str().to_owned());
        }
        if let Some(rank) = filter.severity.as_ref().and_then(Severity::rank) {
            sql.push(format_args!(" AND p.severity_rank = {rank}"));
        }
        if let Some(status) = &filter.status {
            push_status(sql, "p.status", status);
        }
        match &filter.reason {
            None => {}
            Some(reason) if self.way == Way::Reason => {
                sql.push(" AND p.subject IN (");
                push_reasoned(sql, reason);
                sql.push(")");
            }
            Some(reason) => {
                // What is open beside the first reason stands in the same row.
                sql.push(" AND (p.reason_code = ").push_bind(reason.clone());
                sql.push(" OR EXISTS (SELECT 1 FROM json_each(p.further) f WHERE f.value ->> '$.code' = ");
                sql.push_bind(reason.clone()).push("))");
            }
        }
        if let Some(from) = filter.opened_from {
            sql.push(" AND p.opened_ms >= ").push_bind(to_ms(from));
        }
        if let Some(before) = filter.opened_before {
            sql.push(" AND p.opened_ms < ").push_bind(to_ms(before));
        }
        match &filter.text {
            Some(text) if self.common => push_read(sql, "p.subject", text),
            Some(text) if !text.trim().is_empty() => {
                sql.push(" AND p.subject IN (");
                push_found(sql, text, self.waiting);
                sql.push(")");
            }
            _ => {}
        }
        Ok(())
    }
}

/// The lowest and the highest value of [`SortBy::State`] that a filter leaves.
fn states(filter: &PairFilter) -> Option<(u8, u8)> {
    let sync = filter.sync.filter(|_| filter.silent.is_empty()).map(|sync| match sync {
        SyncState::InStep => 0,
        SyncState::Behind => 1,
        SyncState::Unknown => 2,
    });
    let health = filter.health.map(|health| match health {
        Health::Healthy => 0,
        Health::Waiting => 3,
        Health::NeedsYou => 6,
    });
    if sync.is_none() && health.is_none() {
        return None;
    }
    Some((health.unwrap_or(0) + sync.unwrap_or(0), health.unwrap_or(6) + sync.unwrap_or(2)))
}

/// What the kept counters know as well: `p` is `pairs` or `pair_counts`.
fn push_kept(sql: &mut QueryBuilder<Sqlite>, filter: &PairFilter) -> Result<()> {
    push_sync(sql, filter)?;
    push_health(sql, filter);
    push_client(sql, filter)?;
    push_workspace(sql, filter);
    Ok(())
}

// Written out, so that the partial indexes of rare states are found.
fn push_sync(sql: &mut QueryBuilder<Sqlite>, filter: &PairFilter) -> Result<()> {
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
    Ok(())
}

fn push_health(sql: &mut QueryBuilder<Sqlite>, filter: &PairFilter) {
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
}

fn push_client(sql: &mut QueryBuilder<Sqlite>, filter: &PairFilter) -> Result<()> {
    if let Some(client) = filter.client {
        sql.push(" AND p.client = ").push_bind(client.to_string());
    }
    push_scope_at(sql, "p.client", "p.workspace", &filter.scope)
}

fn push_workspace(sql: &mut QueryBuilder<Sqlite>, filter: &PairFilter) {
    if let Some(workspace) = filter.workspace {
        sql.push(" AND p.workspace = ").push_bind(workspace.to_string());
    }
}

fn push_status(sql: &mut QueryBuilder<Sqlite>, column: &str, status: &IncidentStatus) {
    sql.push(format_args!(" AND {column} = ")).push_bind(status.as_str().to_owned());
    if *status != IncidentStatus::Closed {
        sql.push(format_args!(" AND {column} <> 'Closed'"));
    }
}

/// Rows of the pairs that stand as they do for a reason, or for which it is open beside the first.
pub(super) fn push_reasoned(sql: &mut QueryBuilder<Sqlite>, reason: &str) {
    sql.push("SELECT subject FROM pairs INDEXED BY pairs_by_reason WHERE reason_code = ").push_bind(reason.to_owned());
    sql.push(" UNION ALL SELECT l.subject FROM pairs l INDEXED BY pairs_further, json_each(l.further) f");
    sql.push(" WHERE l.further IS NOT NULL AND f.value ->> '$.code' = ").push_bind(reason.to_owned());
}

/// How many of the pairs there are match by what the counters know: all there are, then by each part of the filter.
async fn counted(reader: &mut SqliteConnection, filter: &PairFilter) -> Result<[i64; 5]> {
    const PART: &str = ", ifnull(sum(iif(1 = 1";
    const END: &str = ", p.pairs, 0)), 0)";
    let mut sql = QueryBuilder::<Sqlite>::new("SELECT ifnull(sum(p.pairs), 0)");
    sql.push(PART);
    push_client(&mut sql, filter)?;
    sql.push(END).push(PART);
    push_workspace(&mut sql, filter);
    sql.push(END).push(PART);
    push_sync(&mut sql, filter)?;
    sql.push(END).push(PART);
    push_health(&mut sql, filter);
    sql.push(END).push(" FROM pair_counts p");
    let row = sql.build().fetch_one(reader).await?;
    let mut counts = [0; 5];
    for (place, count) in counts.iter_mut().enumerate() {
        *count = row.try_get(place)?;
    }
    Ok(counts)
}

/// How many rows a statement gives, up to one more than `bound`.
async fn up_to(
    reader: &mut SqliteConnection,
    bound: i64,
    push: impl FnOnce(&mut QueryBuilder<Sqlite>) + Send,
) -> Result<i64> {
    let mut sql = QueryBuilder::<Sqlite>::new("SELECT count(*) FROM (");
    push(&mut sql);
    sql.push(" LIMIT 0 + ").push_bind(bound.saturating_add(1)).push(")");
    Ok(sql.build_query_scalar().fetch_one(reader).await?)
}

/// The ways that read but the rows that a part of the filter leaves: the number is the place of its count in [`counted`].
fn kept_ways(filter: &PairFilter, sort: PairSort) -> Vec<(usize, Way)> {
    let steady = sort.by == SortBy::Changed;
    // These have an index by their last change too.
    let by = |index| if steady { Way::InOrder(index) } else { Way::Few(index) };
    let mut ways = Vec::new();
    if filter.client.is_some() && steady {
        ways.push((1, Way::InOrder("pairs_by_client")));
    } else if filter.client.is_some() || filter.scope != Scope::All {
        ways.push((1, Way::Few("pairs_of_client")));
    }
    if filter.workspace.is_some() {
        ways.push((2, by("pairs_by_workspace")));
    }
    let unknown = filter.sync == Some(SyncState::Unknown) && filter.silent.is_empty();
    if unknown || filter.sync == Some(SyncState::Behind) {
        ways.push((3, by("pairs_not_in_step")));
    }
    if filter.health.is_some_and(|health| health != Health::Healthy) {
        ways.push((4, by("pairs_not_healthy")));
    }
    ways
}

/// A status that few pairs have.
fn unclosed(filter: &PairFilter) -> Option<&IncidentStatus> {
    filter.status.as_ref().filter(|status| **status != IncidentStatus::Closed)
}

/// Words to look for.
fn text(filter: &PairFilter) -> Option<&str> {
    filter.text.as_deref().filter(|text| !text.trim().is_empty())
}

/// How the question is best answered.
///
/// Of `n` pairs of which `m` match, an order gives `rows` of them after about `rows * n / m`; sorting reads all `m`.
pub(super) async fn best<'a>(reader: &mut SqliteConnection, mut question: Question<'a>) -> Result<Question<'a>> {
    let filter = question.filter;
    let kept = filter.client.is_some() || filter.workspace.is_some() || filter.scope != Scope::All;
    let state = filter.sync.is_some() || filter.health.is_some();
    let listed = unclosed(filter).is_some() || filter.reason.is_some() || text(filter).is_some();
    if !kept && !state && !listed {
        return Ok(question);
    }
    let counts = counted(&mut *reader, filter).await?;
    let [whole, ..] = counts;
    let bound = question.rows.saturating_mul(whole).max(0).isqrt();
    let known = kept_ways(filter, question.sort).into_iter();
    let mut found: Vec<(i64, Way)> =
        known.filter_map(|(place, way)| counts.get(place).map(|count| (*count, way))).collect();
    if let Some(status) = unclosed(filter) {
        let push = |sql: &mut QueryBuilder<Sqlite>| {
            sql.push("SELECT 1 FROM pairs INDEXED BY pairs_unclosed WHERE 1 = 1");
            push_status(sql, "status", status);
            if let Some(rank) = filter.severity.as_ref().and_then(Severity::rank) {
                sql.push(format_args!(" AND severity_rank = {rank}"));
            }
        };
        found.push((up_to(&mut *reader, bound, push).await?, Way::Few("pairs_unclosed")));
    }
    if let Some(reason) = &filter.reason {
        found.push((up_to(&mut *reader, bound, |sql| push_reasoned(sql, reason)).await?, Way::Reason));
    }
    if let Some(text) = text(filter) {
        let waiting = question.waiting;
        let count = up_to(&mut *reader, bound, |sql| push_found(sql, text, waiting)).await?;
        question.common = count > bound && can_be_read(text);
        found.push((count, Way::Words));
    }
    let fits = |(count, way): &(i64, Way)| match way {
        Way::InOrder(_) => true,
        // Sorted from the index alone.
        Way::Few("pairs_not_in_step" | "pairs_not_healthy") => *count <= bound.saturating_mul(4),
        Way::Few(_) | Way::Words | Way::Reason => *count <= bound,
    };
    if let Some((_, way)) = found.into_iter().filter(fits).min_by_key(|(count, _)| *count) {
        question.way = way;
    }
    Ok(question)
}

/// Every way to answer a question, and whether it gives the rows in order.
pub(super) fn all(filter: &PairFilter, sort: PairSort, after: Option<PageKey>) -> Vec<(Question<'_>, bool)> {
    let asked = asked(filter, sort, after, 50);
    let mut ways: Vec<Way> = kept_ways(filter, sort).into_iter().map(|(_, way)| way).collect();
    ways.push(asked.way);
    ways.extend(unclosed(filter).map(|_| Way::Few("pairs_unclosed")));
    ways.extend(filter.reason.as_ref().map(|_| Way::Reason));
    ways.extend(text(filter).map(|_| Way::Words));
    let common = text(filter).is_some_and(can_be_read);
    let question = |way| match way {
        Way::InOrder(_) => (Question { way, common, ..asked }, true),
        Way::Few(_) | Way::Words | Way::Reason => (Question { way, ..asked }, false),
    };
    ways.into_iter().map(question).collect()
}

/// A question before it is known how it is best answered.
pub(super) fn asked(filter: &PairFilter, sort: PairSort, after: Option<PageKey>, limit: u32) -> Question<'_> {
    let way = Way::InOrder(ordered(sort.by));
    Question { filter, sort, after, rows: i64::from(limit) + 1, way, common: false, waiting: false }
}

/// The clients that have pairs to show, by the places of their names, in the order asked for and from the page's
/// beginning on. Those that were removed share a place.
pub(super) async fn places(reader: &mut SqliteConnection, asked: &Question<'_>) -> Result<Vec<(i64, Vec<String>)>> {
    let mut sql = QueryBuilder::<Sqlite>::new(
        "SELECT ifnull(r.place, 0) AS id, json_group_array(DISTINCT p.client) AS clients FROM pair_counts p",
    );
    sql.push(PLACES).push(" WHERE p.pairs > 0");
    push_kept(&mut sql, asked.filter)?;
    sql.push(" GROUP BY ifnull(r.place, 0) ORDER BY ifnull(r.place, 0)");
    let rows = sql.build().fetch_all(reader).await?;
    let place = |row| {
        let cells = Cells::new(row, "pair_counts");
        Ok((cells.int("id")?, cells.json::<Vec<String>>("clients")?))
    };
    let mut places = rows.iter().map(place).collect::<Result<Vec<_>>>()?;
    let downward = asked.downward();
    if let Some(key) = asked.after {
        places.retain(|(place, _)| if downward { *place <= key.value } else { *place >= key.value });
    }
    if downward {
        places.reverse();
    }
    Ok(places)
}
