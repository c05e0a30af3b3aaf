//! Backfill: the page and its buttons, each a form that ends in a redirect.

use axum::{
    extract::{Path, State},
    response::Response,
};
use http::StatusCode;

use super::{
    Web,
    acts::{answer, next},
    error::WebError,
    form::Posted,
    pages::{framed, id},
    reader::Signed,
};
use crate::{
    console::Page,
    domain::{
        account::Role,
        ids::{RunId, WorkspaceId},
    },
    service::{
        backfills::{self, Asked},
        error::ServiceError,
    },
};

/// `GET /backfill`
pub async fn page(State(web): State<Web>, signed: Signed) -> Result<Response, WebError> {
    let frame = framed(&web, &signed).await?;
    let view = backfills::view(&web.app, &signed.caller).await?;
    Ok(frame.answer(&Page::Backfill(Box::new(view))))
}

/// `POST /backfill`: asks for a forecast; days are the reader's.
pub async fn ask(State(web): State<Web>, signed: Signed, form: Posted) -> Result<Response, WebError> {
    signed.caller.need(Role::Operator)?;
    let asked = Asked {
        from: form.text("from"),
        to: form.text("to"),
        cap: form.text("cap"),
        per_hour: form.text("per_hour"),
        closed: form.ticked("closed"),
    };
    let done = match form.text("workspace").parse::<WorkspaceId>() {
        Ok(workspace) => backfills::ask(&web.app, &signed.caller, workspace, asked, &signed.reader.zone).await,
        Err(_) => Err(ServiceError::invalid("workspace", "“Workspace”: choose one. Nothing was asked for.")),
    };
    if let Err(ServiceError::Invalid(problems)) = done {
        let mut view = backfills::view(&web.app, &signed.caller).await?;
        view.form = form.kept(&["workspace", "from", "to", "cap", "per_hour", "closed"], problems);
        let frame = framed(&web, &signed).await?;
        return Ok(frame.answer_as(StatusCode::UNPROCESSABLE_ENTITY, &Page::Backfill(Box::new(view))));
    }
    answer(&signed, done, ("backfill-asked", "backfill-runs"), next(&form, "/backfill")).await
}

/// `POST /workspaces/{id}/backfill/start`: `backfill` is the one that the page showed.
pub async fn start(
    State(web): State<Web>,
    signed: Signed,
    Path(workspace): Path<String>,
    form: Posted,
) -> Result<Response, WebError> {
    let done = backfills::start_shown(&web.app, &signed.caller, id(&workspace)?, shown(&form)).await;
    answer(&signed, done, ("backfill-started", "moved-on"), next(&form, "/backfill")).await
}

/// `POST /workspaces/{id}/backfill/stop`: `backfill` is the one that the page showed.
pub async fn stop(
    State(web): State<Web>,
    signed: Signed,
    Path(workspace): Path<String>,
    form: Posted,
) -> Result<Response, WebError> {
    let done = backfills::stop_shown(&web.app, &signed.caller, id(&workspace)?, shown(&form)).await;
    answer(&signed, done, ("backfill-stopped", "moved-on"), next(&form, "/backfill")).await
}

fn shown(form: &Posted) -> Option<RunId> {
    form.text("backfill").parse().ok()
}
