//! Saved views: the page, and the forms that save, change and remove one.

use axum::{
    extract::{Path, State},
    response::Response,
};
use http::StatusCode;

use super::{
    Web,
    acts::{answer, done},
    error::WebError,
    form::Posted,
    pages::{framed, id},
    reader::Signed,
};
use crate::{
    console::Page,
    domain::{ids::ViewId, saved::SavedList, view::saved::SavedViewsView},
    service::{
        error::{FieldProblem, ServiceError},
        saved_views::{self, Typed},
    },
};

/// `GET /views`: with `list` and `query`, the form that saves that view.
pub async fn page(State(web): State<Web>, signed: Signed) -> Result<Response, WebError> {
    let text = |name: &str| {
        let found = signed.reader.query.iter().find(|(key, _)| key == name);
        found.map_or("", |(_, value)| value.as_str())
    };
    let saving = saving(text("list"), text("query"));
    let view = saved_views::view(&web.app, &signed.caller, None).await?;
    shown(&web, &signed, StatusCode::OK, SavedViewsView { saving, ..view }).await
}

/// `GET /views/{id}`: the form holds that view.
pub async fn one(State(web): State<Web>, signed: Signed, Path(view): Path<String>) -> Result<Response, WebError> {
    let view = saved_views::view(&web.app, &signed.caller, Some(id(&view)?)).await?;
    shown(&web, &signed, StatusCode::OK, view).await
}

async fn shown(web: &Web, signed: &Signed, status: StatusCode, view: SavedViewsView) -> Result<Response, WebError> {
    Ok(framed(web, signed).await?.answer_as(status, &Page::Views(Box::new(view))))
}

/// The page with what is wrong; what was typed stands there still.
async fn refused(
    web: &Web,
    signed: &Signed,
    changing: Option<ViewId>,
    form: &Posted,
    problems: Vec<FieldProblem>,
) -> Result<Response, WebError> {
    let mut view = saved_views::view(&web.app, &signed.caller, changing).await?;
    if changing.is_none() {
        view.saving = saving(form.text("list"), form.text("query"));
    }
    view.form = form.kept(&["name", "shared"], problems);
    shown(web, signed, StatusCode::UNPROCESSABLE_ENTITY, view).await
}

fn entries(query: &str) -> Vec<(String, String)> {
    url::form_urlencoded::parse(query.as_bytes()).into_owned().collect()
}

/// What is to be saved; `None` when there is nothing.
fn saving(list: &str, query: &str) -> Option<(SavedList, String)> {
    let list = SavedList::parse(list)?;
    let query = list.query(&entries(query));
    (!query.is_empty()).then_some((list, query))
}

fn typed(form: &Posted) -> Typed<'_> {
    Typed { name: form.text("name"), shared: form.text("shared") == "yes" }
}

/// `POST /views`
pub async fn save(State(web): State<Web>, signed: Signed, form: Posted) -> Result<Response, WebError> {
    let list = SavedList::parse(form.text("list"));
    let query = entries(form.text("query"));
    match saved_views::save(&web.app, &signed.caller, list, &query, typed(&form)).await {
        Ok(view) => done(&signed, "view-saved", &view.address()).await,
        Err(ServiceError::Invalid(problems)) => refused(&web, &signed, None, &form, problems).await,
        Err(other) => Err(other.into()),
    }
}

/// `POST /views/{id}`
pub async fn change(
    State(web): State<Web>,
    signed: Signed,
    Path(view): Path<String>,
    form: Posted,
) -> Result<Response, WebError> {
    let view = id(&view)?;
    match saved_views::change(&web.app, &signed.caller, view, typed(&form)).await {
        Ok(()) => done(&signed, "view-changed", "/views").await,
        Err(ServiceError::Invalid(problems)) => refused(&web, &signed, Some(view), &form, problems).await,
        Err(other) => Err(other.into()),
    }
}

/// `POST /views/{id}/remove`
pub async fn remove(State(web): State<Web>, signed: Signed, Path(view): Path<String>) -> Result<Response, WebError> {
    let done = saved_views::remove(&web.app, &signed.caller, id(&view)?).await;
    answer(&signed, done, ("view-removed", "view-gone"), "/views").await
}
