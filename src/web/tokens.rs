//! The page of tokens: one is made and shown once, others are revoked.

use axum::{
    extract::{Path, State},
    response::Response,
};
use http::StatusCode;

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
    domain::view::{form::FormView, tokens::TokensView},
    service::{error::ServiceError, tokens},
};

/// `GET /tokens`
pub async fn page(State(web): State<Web>, signed: Signed) -> Result<Response, WebError> {
    let view = view(&web, &signed).await?;
    Ok(framed(&web, &signed).await?.answer(&Page::Tokens(Box::new(view))))
}

async fn view(web: &Web, signed: &Signed) -> Result<TokensView, ServiceError> {
    let address = web.options.public_url.as_str().trim_end_matches('/').to_owned();
    Ok(TokensView { address, ..tokens::view(&web.app, &signed.caller).await? })
}

/// `POST /tokens`: the answer is the page itself, since the token is kept nowhere.
pub async fn make(State(web): State<Web>, signed: Signed, form: Posted) -> Result<Response, WebError> {
    let ticked: Vec<&str> = form.all("client").collect();
    let chosen = (form.text("sees") != "all").then(|| ticked.clone());
    let made = tokens::make(&web.app, &signed.caller, form.text("name"), chosen).await;
    let mut shown = view(&web, &signed).await?;
    let status = match made {
        Ok(token) => {
            shown.fresh = Some(token);
            StatusCode::OK
        }
        Err(ServiceError::Invalid(problems)) => {
            let typed = FormView::default().with_value("name", form.text("name")).with_value("sees", form.text("sees"));
            shown.form = problems.into_iter().fold(typed, |form, p| form.with_problem(&p.field, p.problem));
            shown.ticked = ticked.into_iter().map(str::to_owned).collect();
            StatusCode::UNPROCESSABLE_ENTITY
        }
        Err(other) => return Err(other.into()),
    };
    Ok(framed(&web, &signed).await?.answer_as(status, &Page::Tokens(Box::new(shown))))
}

/// `POST /tokens/{id}/revoke`
pub async fn revoke(State(web): State<Web>, signed: Signed, Path(token): Path<String>) -> Result<Response, WebError> {
    let done = tokens::revoke(&web.app, &signed.caller, id(&token)?).await;
    answer(&signed, done, ("revoked", "revoked-already"), "/tokens").await
}
