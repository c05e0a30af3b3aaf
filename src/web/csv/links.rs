//! Whose workspace is whose, as a CSV file to be edited and given back.

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http::header;

use super::line;
use crate::{
    service::set_up::{clients, file::COLUMNS},
    web::{Web, error::WebError, reader::Signed},
};

/// `GET /set-up/clients.csv`
pub async fn links(State(web): State<Web>, signed: Signed) -> Result<Response, WebError> {
    let rows = clients::lines(&web.app, &signed.caller).await?;
    // the mark by which spreadsheets know UTF-8
    let mut text = String::from("\u{feff}");
    line(&mut text, COLUMNS);
    for row in &rows {
        line(&mut text, row.iter().map(String::as_str));
    }
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"workspaces.csv\""),
    ];
    Ok((headers, text).into_response())
}
