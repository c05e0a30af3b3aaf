//! What Halo's own integration missed, doubled and carried over late, as a CSV file: a line for each lapse, and one for
//! each incident without any.

use axum::{extract::State, response::Response};

use super::{Listing, file, line, time};
use crate::{
    console::words,
    domain::{
        shadow::Lapse,
        view::shadow::{ShadowFilter, ShadowRow},
    },
    service::{self, caller::Caller},
    web::{Web, reader::Signed},
};

const HEAD: [&str; 14] = [
    "Incident",
    "Incident id",
    "Title",
    "Client",
    "Workspace",
    "Opened (UTC)",
    "Tickets",
    "Ticket after (s)",
    "Kind",
    "What",
    "From",
    "Words",
    "At (UTC)",
    "Late (s)",
];

fn rows(out: &mut String, row: &ShadowRow) {
    if row.compared.lapses.is_empty() {
        one(out, row, None);
    }
    for lapse in &row.compared.lapses {
        one(out, row, Some(lapse));
    }
}

fn one(out: &mut String, row: &ShadowRow, lapse: Option<&Lapse>) {
    let number = |number: Option<i64>| number.map_or_else(String::new, |number| number.to_string());
    let tickets: Vec<&str> = row.tickets.iter().map(|ticket| ticket.label.as_str()).collect();
    let cells = [
        number(row.number),
        row.incident.to_string(),
        row.title.clone(),
        row.client.clone(),
        row.workspace.clone(),
        time(row.opened),
        tickets.join(" "),
        number(row.compared.late_secs),
        lapse.map_or("", |lapse| words::lapse(lapse.kind)).to_owned(),
        lapse.map_or("", |lapse| lapse.what.as_str()).to_owned(),
        lapse.map_or("", |lapse| words::side(lapse.from)).to_owned(),
        lapse.map_or_else(String::new, |lapse| lapse.words.clone()),
        lapse.and_then(|lapse| lapse.at).map_or_else(String::new, time),
        number(lapse.and_then(|lapse| lapse.late_secs)),
    ];
    line(out, cells.iter().map(String::as_str));
}

impl Listing for ShadowFilter {
    const NAME: &str = "shadow";
    const HEAD: &[&str] = &HEAD;

    async fn part(self, web: &Web, caller: &Caller) -> Option<(String, Option<Self>)> {
        let part = service::shadow::part(&web.app, caller, &self).await.ok()?;
        let mut text = String::new();
        for row in &part.rows {
            rows(&mut text, row);
        }
        Some((text, part.older.map(|from| Self { from, ..self })))
    }
}

/// `GET /shadow.csv`
pub async fn shadow(State(web): State<Web>, signed: Signed) -> Response {
    let filter = ShadowFilter { from: String::new(), ..ShadowFilter::from_query(&signed.reader.query) };
    file(web, signed, filter)
}
