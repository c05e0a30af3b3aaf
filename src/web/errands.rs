//! Errands at pairs: planned from a list, begun, stopped, looked at.

use axum::{
    extract::{Path, State},
    response::{IntoResponse as _, Redirect, Response},
};

use super::{
    Web,
    acts::{answer, taken},
    error::WebError,
    form::Posted,
    pages::{framed, id},
    reader::Signed,
};
use crate::{
    console::Page,
    domain::{
        ids::{ErrandId, PairId},
        view::{dashboard::PairFilter, form::FormView, pair_errands::ErrandEntry},
    },
    service::{
        error::{FieldProblem, ServiceError},
        pair_errands::{self, Asked, Which},
    },
};

/// What is wrong with an errand that was refused, until the list has said it.
const REFUSED: &str = "errand-refused";

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
        Err(ServiceError::Invalid(problems)) => {
            let kept = signed.reader.session.insert(REFUSED, at_fields(problems)).await;
            kept.map_err(|error| ServiceError::passed_on("keep a message", &error))?;
            let entered = ErrandEntry::new(form.text("act"), form.text("which"), form.text("why"));
            Ok(Redirect::to(&entered.on(filter.query()).after("/")).into_response())
        }
        Err(error) => Err(error.into()),
    }
}

/// Each problem begins with its field, as the form calls it.
fn at_fields(problems: Vec<FieldProblem>) -> FormView {
    problems.into_iter().fold(FormView::default(), |form, FieldProblem { field, problem }| {
        let label = match &*field {
            "act" => "Do: ",
            "which" => "With: ",
            "why" => "Why, of a pause: ",
            _ => "",
        };
        form.with_problem(&field, format!("{label}{problem}"))
    })
}

/// What is wrong with the errand that was refused just now, once; a part that is fetched in the background leaves it for
/// the page.
///
/// # Errors
/// The session cannot be read.
pub(super) async fn refused(signed: &Signed) -> Result<FormView, ServiceError> {
    if signed.reader.fragment {
        return Ok(FormView::default());
    }
    Ok(taken(&signed.reader.session, REFUSED).await?.unwrap_or_default())
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
