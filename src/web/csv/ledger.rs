//! The ledger as JSON Lines: one entry a line, newest first, with its hashes.

use axum::{
    body::Body,
    extract::State,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures::stream;
use http::header;

use crate::{
    domain::view::ledger::LedgerFilter,
    service::{self, caller::Caller},
    web::{Web, error::WebError, reader::Signed},
};

struct Reading {
    web: Web,
    caller: Caller,
    /// Where the next part begins; `None` once the last was read.
    next: Option<LedgerFilter>,
}

/// The next part; a file that cannot be finished breaks off, so that nobody takes it for whole.
async fn next(mut reading: Reading) -> Option<(std::io::Result<Bytes>, Reading)> {
    let filter = reading.next.take()?;
    let Ok((rows, older)) = service::ledger::part(&reading.web.app, &reading.caller, &filter).await else {
        return Some((Err(std::io::Error::other("the ledger cannot be read to its end")), reading));
    };
    let mut text = String::new();
    for row in rows {
        text.push_str(&row.to_string());
        text.push('\n');
    }
    reading.next = older.map(|from| LedgerFilter { from, ..filter });
    Some((Ok(Bytes::from(text)), reading))
}

/// `GET /ledger.jsonl`: what the page's chain and filter select, whole.
pub async fn ledger(State(web): State<Web>, signed: Signed) -> Result<Response, WebError> {
    let filter = LedgerFilter { from: String::new(), ..LedgerFilter::from_query(&signed.reader.query) };
    if let Some(client) = filter.client {
        signed.caller.see(client)?;
    }
    let day = web.app.clock.now().to_zoned(signed.reader.zone.clone()).strftime("%Y-%m-%d").to_string();
    let name = format!("attachment; filename=\"halobridge-ledger-{day}.jsonl\"");
    let headers = [(header::CONTENT_TYPE, "application/x-ndjson".to_owned()), (header::CONTENT_DISPOSITION, name)];
    let reading = Reading { web, caller: signed.caller, next: Some(filter) };
    Ok((headers, Body::from_stream(stream::unfold(reading, next))).into_response())
}
