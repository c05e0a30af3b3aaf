//! What a workspace's own log tells of its incidents: a second look that no list has a part in (sentinel-api sheet section 5).
//!
//! The log has a row for each change, some minutes late, and keeps it for the workspace's retention. It is never what the sync
//! goes by: it tells which incidents a list should have shown.

use std::collections::BTreeSet;

use http::Method;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    Place, Sentinel,
    call::{Call, segment},
    error,
};
use crate::{
    domain::{
        failure::{Failure, FailureKind, Side},
        ids::IncidentId,
        time,
    },
    entra::Resource,
    outbound::{
        budget::{Budget, Class, Kind},
        exchange::{Answer, Ask},
        read,
    },
};

/// What is asked of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogSpan {
    /// Rows from this moment on.
    pub from: Timestamp,
    /// Rows up to this moment.
    pub to: Timestamp,
    /// Incidents that one answer may hold.
    pub rows: usize,
    /// Answers at most.
    pub pages: usize,
}

/// An incident as the newest of its rows within the span tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoggedIncident {
    /// Which.
    pub id: IncidentId,
    /// Its number in the workspace.
    pub number: Option<i64>,
    /// Its title.
    pub title: String,
    /// Its severity.
    pub severity: String,
    /// Its status.
    pub status: String,
    /// When it was made.
    pub created: Option<Timestamp>,
    /// When it was last changed.
    pub modified: Option<Timestamp>,
}

/// What a log told.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Logged {
    /// The incidents, each once.
    pub incidents: Vec<LoggedIncident>,
    /// Why these may not be all; `None` = they are all that the log has of the span.
    pub cut: Option<String>,
}

/// One answer.
struct Page {
    incidents: Vec<LoggedIncident>,
    /// Rows that came, readable or not.
    rows: usize,
    /// The newest row's moment.
    newest: Option<Timestamp>,
    /// Why it may not be all.
    cut: Option<String>,
}

/// The query for the incidents that have a row from `from` on.
fn question(from: Timestamp, span: &LogSpan) -> String {
    format!(
        "SecurityIncident\n\
         | where TimeGenerated >= datetime({}) and TimeGenerated <= datetime({})\n\
         | summarize arg_max(TimeGenerated, *) by IncidentName\n\
         | project IncidentName, IncidentNumber, Title, Severity, Status, CreatedTime, LastModifiedTime, TimeGenerated\n\
         | sort by TimeGenerated asc\n\
         | take {}",
        time::iso(from),
        time::iso(span.to),
        span.rows
    )
}

/// The rows of an answer, by the names of its columns; `None` when it is no table of incidents.
fn page(body: &Value) -> Option<Page> {
    let tables = body.get("tables")?.as_array()?;
    let primary = |table: &&Value| table.get("name").and_then(Value::as_str) == Some("PrimaryResult");
    let table = tables.iter().find(primary).or_else(|| tables.first())?;
    let columns: Vec<&str> = table
        .get("columns")?
        .as_array()?
        .iter()
        .map(|column| column.get("name").and_then(Value::as_str).unwrap_or_default())
        .collect();
    let place = |name: &str| columns.iter().position(|column| *column == name);
    let (id, generated) = (place("IncidentName")?, place("TimeGenerated")?);
    let others = ["IncidentNumber", "Title", "Severity", "Status", "CreatedTime", "LastModifiedTime"].map(place);
    let [number, title, severity, status, created, modified] = others;
    let rows = table.get("rows")?.as_array()?;
    let mut page = Page { incidents: Vec::with_capacity(rows.len()), rows: rows.len(), newest: None, cut: None };
    let mut unreadable = 0_usize;
    for row in rows {
        let cell = |at: Option<usize>| row.get(at?).filter(|cell| !cell.is_null());
        let text = |at: Option<usize>| cell(at).and_then(read::text).unwrap_or_default();
        let moment = |at: Option<usize>| time::parse(&text(at));
        let named = text(Some(id));
        page.newest = page.newest.max(moment(Some(generated)));
        if named.trim().is_empty() {
            unreadable += 1;
            continue;
        }
        page.incidents.push(LoggedIncident {
            id: IncidentId::new(&named),
            number: text(number).trim().parse().ok(),
            title: text(title),
            severity: text(severity),
            status: text(status),
            created: moment(created),
            modified: moment(modified),
        });
    }
    let partial = body.get("error").filter(|error| !error.is_null());
    if partial.is_some() {
        let (code, _) = error::code_and_message(body);
        let code = code.map(|code| format!(" ({code})")).unwrap_or_default();
        page.cut = Some(format!("Log Analytics answered with a part of the rows alone{code}."));
    } else if unreadable > 0 {
        page.cut = Some(format!("Rows of the log that name no incident: {unreadable}."));
    }
    Some(page)
}

impl Sentinel {
    /// The incidents of which a workspace's log has a row within a span. Which log that is, Azure says of the workspace at
    /// this address, each time.
    ///
    /// # Errors
    /// The log cannot be read: no right, no such service in the tenant, no table.
    pub async fn logged(&self, at: &Place, span: &LogSpan) -> Result<Logged, Failure> {
        let log = self.log_of(at).await?;
        let (mut logged, mut seen, mut from) = (Logged::default(), BTreeSet::new(), span.from);
        for _ in 0..span.pages {
            let answer = self.ask_log(at, &log, &question(from, span)).await?;
            let page = page(&answer.json()?).ok_or_else(|| answer.unreadable())?;
            let new = page.incidents.into_iter().filter(|incident| seen.insert(incident.id.clone()));
            logged.incidents.extend(new);
            if page.cut.is_some() {
                logged.cut = page.cut;
                return Ok(logged);
            }
            if page.rows < span.rows {
                return Ok(logged);
            }
            // From the newest on, itself included: several may have changed in its moment.
            match page.newest.filter(|newest| time::to_ms(*newest) > time::to_ms(from)) {
                Some(newest) => from = newest,
                None => break,
            }
        }
        logged.cut = Some(format!(
            "The log has more incidents of that time than are read at once: {} were.",
            logged.incidents.len()
        ));
        Ok(logged)
    }

    /// The id by which Log Analytics knows a workspace.
    async fn log_of(&self, at: &Place) -> Result<String, Failure> {
        let below = self.prefix(&at.workspace);
        let workspace = below.strip_suffix("/providers/Microsoft.SecurityInsights").unwrap_or(&below);
        let call = Call {
            tenant: &at.tenant,
            subscription: Some(at.workspace.subscription.as_str()),
            method: Method::GET,
            url: format!("{workspace}?api-version=2023-09-01"),
            body: None,
            kind: Kind::Read,
            class: Class::Reconcile,
        };
        let answer = self.call(call).await?;
        let body = answer.json()?;
        let id = body.get("properties").and_then(|properties| read::words_at(properties, "customerId"));
        id.ok_or_else(|| answer.unreadable())
    }

    /// Sends a query; a token that is refused is replaced once. The service has a budget of its own for each log: what it
    /// asks to wait for holds up no incident.
    async fn ask_log(&self, at: &Place, log: &str, query: &str) -> Result<Answer, Failure> {
        let url = format!("{}/v1/workspaces/{}/query", self.logs, segment(log));
        let budget = self.budget(&format!("log/{log}"));
        let body = json!({ "query": query });
        let mut renewed = false;
        loop {
            let token = self.tokens.bearer(&at.tenant, Resource::LogAnalytics).await?;
            budget.take(self.clock.now(), Kind::Read, Class::Reconcile).map_err(wait)?;
            let ask = Ask::read(Method::POST, url.clone()).bearer(&token).header("prefer", "wait=50").json(&body);
            let answer = self.exchange.send(ask).await?;
            if answer.ok() {
                budget.answered();
                return Ok(answer);
            }
            if answer.status == 401 && !renewed {
                self.tokens.reject(&at.tenant, Resource::LogAnalytics, &token);
                renewed = true;
                continue;
            }
            let failure = refused(&answer, &budget, self.clock.now());
            return Err(if self.app_only { error::of_an_app_alone(failure, false) } else { failure });
        }
    }
}

/// Nothing is sent before `at`.
fn wait(at: Timestamp) -> Failure {
    let text = "Log Analytics asked to wait, or was asked as often as it bears. It goes on by itself.";
    Failure::new(Side::Sentinel, FailureKind::WaitUntil { at }, text)
}

/// What Log Analytics' refusals ask for, where that is something else than at Azure.
fn refused(answer: &Answer, budget: &Budget, now: Timestamp) -> Failure {
    let body = answer.json_if_any();
    let code = body.as_ref().and_then(|body| error::code_and_message(body).0);
    let inner = body.as_ref().and_then(|body| body.pointer("/error/innererror/code")).and_then(Value::as_str);
    let (kind, text) = match answer.status {
        403 => (
            FailureKind::Forbidden,
            "The identity may not query the workspace's log. Give it the role Microsoft Sentinel Reader or Log Analytics \
             Reader on the workspace; a new role can take an hour to work.",
        ),
        404 => (
            FailureKind::Rejected,
            "Log Analytics does not know the workspace. Check that the connection's cloud is the workspace's.",
        ),
        400 if inner == Some("SemanticError") => (
            FailureKind::Rejected,
            "The log has no table SecurityIncident, or lacks a column of it. Sentinel makes the table with the first incident: \
             look in Azure under Logs whether it is there.",
        ),
        _ => return error::refused(answer, budget, now),
    };
    answer.failure(kind, code, text)
}
