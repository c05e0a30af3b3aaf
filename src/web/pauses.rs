//! Buttons that pause and resume: each a form that ends in a redirect.

use axum::{
    extract::{Path, State},
    response::Response,
};

use super::{Web, acts, error::WebError, form::Posted, pages::id, reader::Signed};
use crate::{domain::pause::PauseScope, service::pauses};

async fn pause(web: Web, signed: Signed, scope: PauseScope, form: Posted) -> Result<Response, WebError> {
    let done = pauses::pause(&web.app, &signed.caller, scope, form.text("why")).await;
    acts::answer(&signed, done, ("paused", "paused-already"), acts::next(&form, "/connections")).await
}

async fn resume(web: Web, signed: Signed, scope: PauseScope, form: Posted) -> Result<Response, WebError> {
    let done = pauses::resume(&web.app, &signed.caller, scope).await;
    acts::answer(&signed, done, ("resumed", "not-paused"), acts::next(&form, "/connections")).await
}

/// `POST /pairs/{id}/pause`: `why` is an optional reason.
pub async fn pause_pair(
    State(web): State<Web>,
    signed: Signed,
    Path(of): Path<String>,
    form: Posted,
) -> Result<Response, WebError> {
    let scope = PauseScope::Pair { id: id(&of)? };
    pause(web, signed, scope, form).await
}

/// `POST /pairs/{id}/resume`
pub async fn resume_pair(
    State(web): State<Web>,
    signed: Signed,
    Path(of): Path<String>,
    form: Posted,
) -> Result<Response, WebError> {
    let scope = PauseScope::Pair { id: id(&of)? };
    resume(web, signed, scope, form).await
}

/// `POST /clients/{id}/pause`: `why` is an optional reason.
pub async fn pause_client(
    State(web): State<Web>,
    signed: Signed,
    Path(of): Path<String>,
    form: Posted,
) -> Result<Response, WebError> {
    let scope = PauseScope::Client { id: id(&of)? };
    pause(web, signed, scope, form).await
}

/// `POST /clients/{id}/resume`
pub async fn resume_client(
    State(web): State<Web>,
    signed: Signed,
    Path(of): Path<String>,
    form: Posted,
) -> Result<Response, WebError> {
    let scope = PauseScope::Client { id: id(&of)? };
    resume(web, signed, scope, form).await
}

/// `POST /connections/{id}/pause`: `why` is an optional reason.
pub async fn pause_connection(
    State(web): State<Web>,
    signed: Signed,
    Path(of): Path<String>,
    form: Posted,
) -> Result<Response, WebError> {
    let scope = PauseScope::Connection { id: id(&of)? };
    pause(web, signed, scope, form).await
}

/// `POST /connections/{id}/resume`
pub async fn resume_connection(
    State(web): State<Web>,
    signed: Signed,
    Path(of): Path<String>,
    form: Posted,
) -> Result<Response, WebError> {
    let scope = PauseScope::Connection { id: id(&of)? };
    resume(web, signed, scope, form).await
}
