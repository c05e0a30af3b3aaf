//! Lists as CSV files: written while they are read, so their length costs no memory.

mod ledger;
mod links;
mod shadow;

use axum::{
    body::Body,
    extract::State,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures::stream;
use http::header;

pub use self::{ledger::ledger, links::links, shadow::shadow};
use super::{Web, reader::Signed};
use crate::{
    console::words,
    domain::{
        reason::Reason,
        view::dashboard::{PairFilter, PairRow},
    },
    service::{self, caller::Caller},
};

const HEAD: [&str; 17] = [
    "Incident",
    "Incident id",
    "Title",
    "Severity",
    "Incident status",
    "Client",
    "Workspace",
    "Ticket",
    "Ticket status",
    "Reference",
    "Sync",
    "Health",
    "Why",
    "What to do",
    "Opened (UTC)",
    "Changed (UTC)",
    "Pair",
];

/// One value, always quoted. A spreadsheet takes what begins like a formula for one, so such a value gets
/// an apostrophe in front (ASVS 1.2.10); what it says stays readable.
fn cell(out: &mut String, text: &str) {
    const BEGINS: [char; 11] = ['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'];
    out.push('"');
    if text.starts_with(BEGINS) {
        out.push('\'');
    }
    for letter in text.chars() {
        match letter {
            '"' => out.push_str("\"\""),
            '\0' => {}
            letter => out.push(letter),
        }
    }
    out.push('"');
}

/// Adds a line of values, whatever stands in them.
pub fn line<'a>(out: &mut String, cells: impl IntoIterator<Item = &'a str>) {
    for (place, text) in cells.into_iter().enumerate() {
        if place > 0 {
            out.push(',');
        }
        cell(out, text);
    }
    out.push_str("\r\n");
}

fn time(at: jiff::Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S").to_string()
}

fn row(out: &mut String, row: &PairRow, address: &str) {
    let text = |text: Option<String>| text.unwrap_or_default();
    let cells = [
        text(row.number.map(|number| number.to_string())),
        row.incident.to_string(),
        row.title.clone(),
        row.severity.to_string(),
        row.incident_status.to_string(),
        row.client.clone(),
        row.workspace.clone(),
        text(row.ticket.as_ref().map(|ticket| ticket.label.clone())),
        text(row.ticket_status.clone()),
        row.reference.clone(),
        words::sync(row.sync).to_owned(),
        words::health(row.health).to_owned(),
        all(row, |reason| Some(reason.words())),
        all(row, Reason::remedy),
        time(row.opened),
        time(row.changed),
        format!("{address}/pairs/{}", row.id),
    ];
    line(out, cells.iter().map(String::as_str));
}

/// What is said of each reason of a pair, one after the other.
fn all(row: &PairRow, say: impl Fn(&Reason) -> Option<String>) -> String {
    let said: Vec<String> = row.reason.iter().chain(&row.further).filter_map(say).collect();
    said.join("\n")
}

/// A list that can be read part by part.
trait Listing: Sized + Send + 'static {
    /// Part of the file's name.
    const NAME: &str;
    /// Names of the columns.
    const HEAD: &[&str];

    /// The lines from here on, and where the next part begins; `None` when they cannot be read.
    fn part(self, web: &Web, caller: &Caller) -> impl Future<Output = Option<(String, Option<Self>)>> + Send;
}

struct Reading<L> {
    web: Web,
    caller: Caller,
    /// Where the next part begins; `None` once the last was read.
    next: Option<L>,
    first: bool,
}

/// The next part; a file that cannot be finished breaks off, so that nobody takes it for whole.
async fn next<L: Listing>(mut reading: Reading<L>) -> Option<(std::io::Result<Bytes>, Reading<L>)> {
    let from = reading.next.take()?;
    let Some((lines, next)) = from.part(&reading.web, &reading.caller).await else {
        return Some((Err(std::io::Error::other("the list cannot be read to its end")), reading));
    };
    let mut text = String::new();
    if std::mem::take(&mut reading.first) {
        // the mark by which a spreadsheet knows the file's letters
        text.push('\u{feff}');
        line(&mut text, L::HEAD.iter().copied());
    }
    text.push_str(&lines);
    reading.next = next;
    Some((Ok(Bytes::from(text)), reading))
}

fn file<L: Listing>(web: Web, signed: Signed, from: L) -> Response {
    let day = web.app.clock.now().to_zoned(signed.reader.zone.clone()).strftime("%Y-%m-%d").to_string();
    let reading = Reading { web, caller: signed.caller, next: Some(from), first: true };
    let name = format!("attachment; filename=\"halobridge-{}-{day}.csv\"", L::NAME);
    let headers = [(header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()), (header::CONTENT_DISPOSITION, name)];
    (headers, Body::from_stream(stream::unfold(reading, next))).into_response()
}

impl Listing for PairFilter {
    const NAME: &str = "pairs";
    const HEAD: &[&str] = &HEAD;

    async fn part(self, web: &Web, caller: &Caller) -> Option<(String, Option<Self>)> {
        let part = service::dashboard::part(&web.app, caller, &self).await.ok()?;
        let address = web.options.public_url.as_str().trim_end_matches('/');
        let mut text = String::new();
        for pair in &part.rows {
            row(&mut text, pair, address);
        }
        Some((text, part.older.map(|from| Self { from, ..self })))
    }
}

/// `GET /pairs.csv`: every pair the filter matches.
pub async fn pairs(State(web): State<Web>, signed: Signed) -> Response {
    let filter = PairFilter { from: String::new(), ..PairFilter::from_query(&signed.reader.query) };
    file(web, signed, filter)
}
