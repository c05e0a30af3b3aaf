//! Versions of the configuration: the page, the form that goes back to one, and the configuration as a file.

use axum::{
    extract::State,
    response::{IntoResponse, Redirect, Response},
};
use http::{StatusCode, header};

use super::{
    Web, acts,
    error::WebError,
    form::{FileFault, Posted, PostedFile, said_of},
    pages::framed,
    reader::Signed,
};
use crate::{
    console::Page,
    domain::view::query::value,
    service::{
        error::{FieldProblem, ServiceError},
        file::{self, Given},
        versions,
    },
};

/// `GET /configuration`; with `version` one is compared with now.
pub async fn page(State(web): State<Web>, signed: Signed) -> Result<Response, WebError> {
    let view = versions::view(&web.app, &signed.caller, &value(&signed.reader.query, "version")).await?;
    Ok(framed(&web, &signed).await?.answer(&Page::Versions(Box::new(view))))
}

/// `POST /configuration`: goes back to a version.
pub async fn go_back(State(web): State<Web>, signed: Signed, form: Posted) -> Result<Response, WebError> {
    let (version, seen) = (form.text("version"), form.text("seen"));
    let (status, problems) = match versions::go_back(&web.app, &signed.caller, version, seen).await {
        Ok(()) => {
            acts::flash(&signed.reader.session, "went-back").await?;
            return Ok(Redirect::to("/configuration").into_response());
        }
        Err(ServiceError::Invalid(problems)) => (StatusCode::UNPROCESSABLE_ENTITY, problems),
        Err(ServiceError::Conflict) => {
            let text = "Something was set up in the meantime, so going back would change something else than you saw. Look at \
                        the changes below, then decide again. Nothing was changed.";
            (StatusCode::CONFLICT, vec![FieldProblem::new("", text)])
        }
        Err(other) => return Err(other.into()),
    };
    let mut view = versions::view(&web.app, &signed.caller, version).await?;
    for one in problems {
        view.form = view.form.with_problem(&one.field, one.problem);
    }
    Ok(framed(&web, &signed).await?.answer_as(status, &Page::Versions(Box::new(view))))
}

/// `GET /configuration.toml`: what is set up, as `config export` writes it.
pub async fn export(State(web): State<Web>, signed: Signed) -> Result<Response, WebError> {
    let text = file::export(&web.app, &signed.caller).await?;
    let headers = [
        (header::CONTENT_TYPE, "application/toml; charset=utf-8"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"halobridge.toml\""),
    ];
    Ok((headers, text).into_response())
}

/// `POST /configuration/file`: compares a pasted or chosen file with what is set up; with `do=apply` it is applied.
pub async fn take_file(State(web): State<Web>, signed: Signed, form: PostedFile) -> Result<Response, WebError> {
    let (form, fault) = match form.0 {
        Ok(form) => (form, None),
        Err(fault) => (Posted::default(), Some(fault)),
    };
    let mut page = versions::view(&web.app, &signed.caller, "").await?;
    let given = Given { text: form.exact("file"), prune: form.ticked("prune"), seen: form.text("seen") };
    let (mut status, mut problems) = (StatusCode::OK, Vec::new());
    if let Some(fault) = fault {
        let text = said_of(fault, "Apply it with `halobridge config apply` where the server runs.");
        status = match fault {
            FileFault::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            FileFault::NotText => StatusCode::UNPROCESSABLE_ENTITY,
        };
        problems = vec![FieldProblem::new("file", text)];
    } else if form.text("do") == "apply" {
        match file::apply(&web.app, &signed.caller, given).await {
            Ok(count) => {
                acts::flash(&signed.reader.session, if count == 0 { "file-same" } else { "file-applied" }).await?;
                return Ok(Redirect::to("/configuration").into_response());
            }
            Err(ServiceError::Invalid(found)) => (status, problems) = (StatusCode::UNPROCESSABLE_ENTITY, found),
            Err(ServiceError::Conflict) => {
                let text = "The file, or what is set up, is not what was compared. Look at what it changes now, then apply \
                            it again. Nothing was changed.";
                (status, problems) = (StatusCode::CONFLICT, vec![FieldProblem::new("file", text)]);
            }
            Err(other) => return Err(other.into()),
        }
    }
    page.file = match file::compare(&web.app, &signed.caller, given).await {
        Ok(view) => view,
        Err(ServiceError::Invalid(found)) => {
            if problems.is_empty() {
                (status, problems) = (StatusCode::UNPROCESSABLE_ENTITY, found);
            }
            file::shown(given)
        }
        Err(other) => return Err(other.into()),
    };
    if problems.is_empty() && page.file.changes.is_none() {
        let text = "The file has faults. Correct them below; nothing was changed.";
        (status, problems) = (StatusCode::UNPROCESSABLE_ENTITY, vec![FieldProblem::new("file", text)]);
    }
    for one in problems {
        page.file.form = std::mem::take(&mut page.file.form).with_problem(&one.field, one.problem);
    }
    Ok(framed(&web, &signed).await?.answer_as(status, &Page::Versions(Box::new(page))))
}
