//! Versions of the configuration: the page, and the form that goes back to one.

use axum::{
    extract::State,
    response::{IntoResponse, Redirect, Response},
};
use http::StatusCode;

use super::{Web, acts, error::WebError, form::Posted, pages::framed, reader::Signed};
use crate::{
    console::Page,
    domain::view::query::value,
    service::{
        error::{FieldProblem, ServiceError},
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
