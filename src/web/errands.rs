//! Errands at pairs: planned from a list, begun, stopped, looked at.

use axum::{
    extract::{Path, State},
    response::{IntoResponse as _, Redirect, Response},
};

use super::{
    Web,
    acts::answer,
    error::WebError,
    form::Posted,
    pages::{framed, id},
    reader::Signed,
};
use crate::{
    console::Page,
    domain::{
        ids::{ErrandId, PairId},
        view::{dashboard::PairFilter, pair_errands::ErrandEntry},
    },
    service::{
        error::{FieldProblem, ServiceError},
        pair_errands::{self, Asked, Which},
    },
};

/// `GET /errands`
pub async fn page(State(web): State<Web>, signed: Signed) -> Result<Response, WebError> {
    let view = pair_errands::list(&web.app, &signed.caller).await?;
    Ok(framed(&web, &signed).await?.answer(&Page::Errands(Box::new(view))))
}

/// `GET /errands/{id}`: its plan, or how far it is.
pub async fn one(State(web): State<Web>, signed: Signed, Path(errand): Path<String>) -> Result<Response, WebError> {
    let frame = framed(&web, &signed).await?;
    let view = pair_errands::view(&web.app, &signed.caller, id(&errand)?).await?;
    Ok(frame.answer(&Page::Errand(Box::new(view))))
}

/// `POST /errands`: every `pair` that was ticked, or (`which=all`) all that the list's `query` matches.
pub async fn plan(State(web): State<Web>, signed: Signed, form: Posted) -> Result<Response, WebError> {
    let entries: Vec<(String, String)> =
        url::form_urlencoded::parse(form.text("query").as_bytes()).into_owned().collect();
    let filter = PairFilter::from_query(&entries);
    let ticked: Result<Vec<PairId>, ServiceError> = form.all("pair").map(id).collect();
    let which = if form.text("which") == "all" { Which::All(&filter) } else { Which::Ticked(ticked?) };
    let asked = Asked { act: form.text("act"), why: form.text("why"), which };
    match pair_errands::plan(&web.app, &signed.caller, asked).await {
        Ok(errand) => Ok(Redirect::to(&format!("/errands/{errand}")).into_response()),
        // Said on the list, which keeps its filter, its page and what was entered.
        Err(error) => {
            let entered = ErrandEntry::new(form.text("act"), form.text("which"), form.text("why"));
            let list = entered.on(filter.query()).after("/");
            answer(&signed, Err(at_fields(error)), ("errand-begun", "errand-moved"), &list).await
        }
    }
}

/// Each problem begins with its field, as the form calls it.
fn at_fields(error: ServiceError) -> ServiceError {
    let named = |one: FieldProblem| {
        let label = match &*one.field {
            "act" => "Do: ",
            "which" => "With: ",
            "why" => "Why, of a pause: ",
            _ => "",
        };
        FieldProblem { problem: format!("{label}{}", one.problem), ..one }
    };
    match error {
        ServiceError::Invalid(problems) => ServiceError::Invalid(problems.into_iter().map(named).collect()),
        other => other,
    }
}

/// `POST /errands/{id}/begin`
pub async fn begin(State(web): State<Web>, signed: Signed, Path(errand): Path<String>) -> Result<Response, WebError> {
    let errand: ErrandId = id(&errand)?;
    let done = pair_errands::begin(&web.app, &signed.caller, errand).await;
    answer(&signed, done, ("errand-begun", "errand-moved"), &format!("/errands/{errand}")).await
}

/// `POST /errands/{id}/stop`
pub async fn stop(State(web): State<Web>, signed: Signed, Path(errand): Path<String>) -> Result<Response, WebError> {
    let errand: ErrandId = id(&errand)?;
    let done = pair_errands::stop(&web.app, &signed.caller, errand).await;
    answer(&signed, done, ("errand-stopped", "errand-moved"), &format!("/errands/{errand}")).await
}
