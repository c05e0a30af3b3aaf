//! The pages of accounts: one is made and its password shown once, others are changed, switched off and on.

use axum::{
    extract::{Path, State},
    response::Response,
};
use http::StatusCode;

use super::{
    Web,
    acts::done,
    error::WebError,
    form::Posted,
    pages::{framed, id},
    reader::Signed,
};
use crate::{
    console::Page,
    domain::{ids::UserId, view::accounts::AccountsView},
    service::{
        accounts::people::{self, Change, Typed},
        error::{FieldProblem, ServiceError},
    },
};

/// `GET /accounts`
pub async fn page(State(web): State<Web>, signed: Signed) -> Result<Response, WebError> {
    let view = people::view(&web.app, &signed.caller, None).await?;
    shown(&web, &signed, StatusCode::OK, view).await
}

/// `GET /accounts/{id}`: the form holds that account.
pub async fn one(State(web): State<Web>, signed: Signed, Path(user): Path<String>) -> Result<Response, WebError> {
    let view = people::view(&web.app, &signed.caller, Some(id(&user)?)).await?;
    shown(&web, &signed, StatusCode::OK, view).await
}

async fn shown(web: &Web, signed: &Signed, status: StatusCode, view: AccountsView) -> Result<Response, WebError> {
    Ok(framed(web, signed).await?.answer_as(status, &Page::Accounts(Box::new(view))))
}

/// The page with what is wrong; what was typed stands there still.
async fn refused(
    web: &Web,
    signed: &Signed,
    changing: Option<UserId>,
    typed: Option<&Posted>,
    problems: Vec<FieldProblem>,
) -> Result<Response, WebError> {
    let mut view = people::view(&web.app, &signed.caller, changing).await?;
    if let Some(form) = typed {
        let kept = ["role", "sees"].into_iter().chain(changing.is_none().then_some("name"));
        view.form = kept.fold(view.form, |shown, name| shown.with_value(name, form.text(name)));
        view.ticked = form.all("client").map(str::to_owned).collect();
    }
    view.form = problems.into_iter().fold(view.form, |form, p| form.with_problem(&p.field, p.problem));
    shown(web, signed, StatusCode::UNPROCESSABLE_ENTITY, view).await
}

/// `POST /accounts`: the answer is the page itself, since the password is kept nowhere.
pub async fn make(State(web): State<Web>, signed: Signed, form: Posted) -> Result<Response, WebError> {
    let ticked: Vec<&str> = form.all("client").collect();
    let clients = (form.text("sees") != "all").then_some(ticked.as_slice());
    let typed = Typed { name: form.text("name"), role: form.text("role"), clients };
    match people::make(&web.app, &signed.caller, typed).await {
        Ok(password) => {
            let mut view = people::view(&web.app, &signed.caller, None).await?;
            view.fresh = Some((form.text("name").to_owned(), password));
            shown(&web, &signed, StatusCode::OK, view).await
        }
        Err(ServiceError::Invalid(problems)) => refused(&web, &signed, None, Some(&form), problems).await,
        Err(other) => Err(other.into()),
    }
}

/// `POST /accounts/{id}`
pub async fn change(
    State(web): State<Web>,
    signed: Signed,
    Path(user): Path<String>,
    form: Posted,
) -> Result<Response, WebError> {
    let user = id(&user)?;
    let ticked: Vec<&str> = form.all("client").collect();
    let clients = (form.text("sees") != "all").then_some(ticked.as_slice());
    let typed = Typed { name: "", role: form.text("role"), clients };
    match people::change_typed(&web.app, &signed.caller, user, typed).await {
        Ok(()) => done(&signed, "account-changed", "/accounts").await,
        Err(ServiceError::Invalid(problems)) => refused(&web, &signed, Some(user), Some(&form), problems).await,
        Err(other) => Err(other.into()),
    }
}

/// `POST /accounts/{id}/password`: the answer is the page itself, since the password is kept nowhere.
pub async fn new_password(
    State(web): State<Web>,
    signed: Signed,
    Path(user): Path<String>,
) -> Result<Response, WebError> {
    match people::new_password(&web.app, &signed.caller, id(&user)?).await {
        Ok(fresh) => {
            let mut view = people::view(&web.app, &signed.caller, None).await?;
            view.fresh = Some(fresh);
            shown(&web, &signed, StatusCode::OK, view).await
        }
        Err(ServiceError::Invalid(problems)) => refused(&web, &signed, None, None, problems).await,
        Err(other) => Err(other.into()),
    }
}

/// `POST /accounts/{id}/off`
pub async fn off(State(web): State<Web>, signed: Signed, Path(user): Path<String>) -> Result<Response, WebError> {
    switched(&web, &signed, id(&user)?, true).await
}

/// `POST /accounts/{id}/on`
pub async fn on(State(web): State<Web>, signed: Signed, Path(user): Path<String>) -> Result<Response, WebError> {
    switched(&web, &signed, id(&user)?, false).await
}

async fn switched(web: &Web, signed: &Signed, user: UserId, disabled: bool) -> Result<Response, WebError> {
    let change = Change { disabled: Some(disabled), ..Change::default() };
    match people::change(&web.app, Some(&signed.caller), user, change).await {
        Ok(()) => done(signed, if disabled { "account-off" } else { "account-on" }, "/accounts").await,
        Err(ServiceError::Invalid(problems)) => refused(web, signed, None, None, problems).await,
        Err(other) => Err(other.into()),
    }
}
