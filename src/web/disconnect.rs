//! Taking a connection out again: a page that asks, and a form that does it.

use axum::{
    extract::{Path, State},
    http::StatusCode,
    response::Response,
};

use super::{
    Web,
    accounts::refuse,
    acts::answer,
    error::WebError,
    form::Posted,
    pages::{framed, id},
    reader::Signed,
};
use crate::{
    console::Page,
    domain::{
        ids::ConnectionId,
        view::{disconnect::DisconnectView, form::FormView},
    },
    service::{disconnect, error::ServiceError},
};

/// `GET /connections/{id}/disconnect`
pub async fn page(
    State(web): State<Web>,
    signed: Signed,
    Path(connection): Path<String>,
) -> Result<Response, WebError> {
    let view = disconnect::view(&web.app, &signed.caller, id(&connection)?).await?;
    Ok(framed(&web, &signed).await?.answer_as(StatusCode::OK, &Page::Disconnect(Box::new(view))))
}

/// `POST /connections/{id}/disconnect`: `name` repeats the connection's name.
pub async fn take_out(
    State(web): State<Web>,
    signed: Signed,
    Path(connection): Path<String>,
    form: Posted,
) -> Result<Response, WebError> {
    let connection: ConnectionId = id(&connection)?;
    let done = disconnect::take_out(&web.app, &signed.caller, connection, form.text(disconnect::NAME)).await;
    if let Err(error @ ServiceError::Invalid(_)) = done {
        let view = disconnect::view(&web.app, &signed.caller, connection).await?;
        let typed = FormView::default().with_value(disconnect::NAME, form.text(disconnect::NAME));
        let page = |form| Page::Disconnect(Box::new(DisconnectView { form, ..view }));
        return refuse(&web, &signed.reader, error, typed, page).await;
    }
    answer(&signed, done, ("disconnected", "moved-on"), "/connections").await
}
