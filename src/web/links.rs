//! Buttons that link, unlink and ask for a ticket: each a form that ends in a redirect.

use axum::{
    extract::{Path, State},
    response::{IntoResponse as _, Redirect, Response},
};

use super::{
    Web,
    accounts::refuse,
    acts::{answer, next},
    error::WebError,
    form::{Posted, local_path},
    pages::{framed, id},
    reader::Signed,
};
use crate::{
    console::Page,
    domain::{
        account::Role,
        ids::{IncidentId, WorkspaceId},
        view::{form::FormView, not_linked::LinkingView, query::value},
    },
    service::{error::ServiceError, incidents, links, pushes, tickets},
};

/// `GET /incidents/{workspace}/{incident}/link`: one that is linked by now leads to its pair.
pub async fn link_page(
    State(web): State<Web>,
    signed: Signed,
    Path((workspace, incident)): Path<(String, String)>,
) -> Result<Response, WebError> {
    let next = value(&signed.reader.query, "next");
    let (row, gates, pair) =
        incidents::one(&web.app, &signed.caller, id(&workspace)?, &IncidentId::new(&incident)).await?;
    if let Some(pair) = pair {
        return Ok(Redirect::to(&format!("/pairs/{pair}")).into_response());
    }
    let view = LinkingView { row, gates, form: FormView::default(), next: list(&next) };
    Ok(framed(&web, &signed).await?.answer(&Page::Linking(Box::new(view))))
}

/// The list to come back to.
fn list(next: &str) -> String {
    let path = local_path(next);
    if path.starts_with("/incidents") { path.to_owned() } else { "/incidents".to_owned() }
}

/// `POST /incidents/{workspace}/{incident}/link`: `ticket` is the number of a ticket that exists.
pub async fn link(
    State(web): State<Web>,
    signed: Signed,
    Path((workspace, incident)): Path<(String, String)>,
    form: Posted,
) -> Result<Response, WebError> {
    let (workspace, incident): (WorkspaceId, _) = (id(&workspace)?, IncidentId::new(&incident));
    let done = links::link(&web.app, &signed.caller, workspace, &incident, form.text("ticket")).await;
    if let Err(error @ ServiceError::Invalid(_)) = done {
        let (row, gates, _) = incidents::one(&web.app, &signed.caller, workspace, &incident).await?;
        let typed = FormView::default().with_value("ticket", form.text("ticket"));
        let next = list(form.text("next"));
        let page = |form| Page::Linking(Box::new(LinkingView { row, gates, form, next }));
        return refuse(&web, &signed.reader, error, typed, page).await;
    }
    answer(&signed, done, ("linking", "linked-already"), next(&form, "/incidents")).await
}

/// `POST /incidents/{workspace}/{incident}/ticket`
pub async fn make_ticket(
    State(web): State<Web>,
    signed: Signed,
    Path((workspace, incident)): Path<(String, String)>,
    form: Posted,
) -> Result<Response, WebError> {
    let (workspace, incident): (WorkspaceId, _) = (id(&workspace)?, IncidentId::new(&incident));
    let done = links::make_ticket(&web.app, &signed.caller, workspace, &incident).await;
    answer(&signed, done, ("making-ticket", "linked-already"), next(&form, "/incidents")).await
}

/// `POST /workspaces/{id}/push`: `ticket` is the number of a ticket; `anyway` is ticked for a workspace that is joined to
/// Defender.
pub async fn push(
    State(web): State<Web>,
    signed: Signed,
    Path(workspace): Path<String>,
    form: Posted,
) -> Result<Response, WebError> {
    pushed(&web, &signed, id(&workspace)?, &form).await
}

/// `POST /push`: the same with the workspace as an entry of the form, for a page that offers several.
pub async fn push_form(State(web): State<Web>, signed: Signed, form: Posted) -> Result<Response, WebError> {
    signed.caller.need(Role::Operator)?;
    match form.text("workspace").parse::<WorkspaceId>() {
        Ok(workspace) => pushed(&web, &signed, workspace, &form).await,
        Err(_) => {
            let problem = "Choose the workspace to push to. Nothing was pushed.";
            let done = Err(ServiceError::invalid("workspace", problem));
            answer(&signed, done, ("pushing", "moved-on"), top(next(&form, "/incidents"))).await
        }
    }
}

async fn pushed(web: &Web, signed: &Signed, workspace: WorkspaceId, form: &Posted) -> Result<Response, WebError> {
    let done = pushes::ask(&web.app, &signed.caller, workspace, form.text("ticket"), form.ticked("anyway")).await;
    let to = next(form, "/incidents");
    let to = if done.is_ok() { to } else { top(to) };
    answer(signed, done.map(drop), ("pushing", "moved-on"), to).await
}

/// The top of a page, where what went wrong stands.
fn top(address: &str) -> &str {
    address.split('#').next().unwrap_or(address)
}

/// `GET /tickets`: one ticket by `halo` and `ticket`, read at this moment.
pub async fn look_up(State(web): State<Web>, signed: Signed) -> Result<Response, WebError> {
    let asked = |name| value(&signed.reader.query, name);
    let view = tickets::view(&web.app, &signed.caller, &asked("halo"), &asked("ticket")).await?;
    let page = Page::Tickets(Box::new(view));
    let status = http::StatusCode::from_u16(page.status()).unwrap_or_default();
    Ok(framed(&web, &signed).await?.answer_as(status, &page))
}

/// `POST /pairs/{id}/unlink`
pub async fn unlink(State(web): State<Web>, signed: Signed, Path(pair): Path<String>) -> Result<Response, WebError> {
    let pair = id(&pair)?;
    let done = links::unlink(&web.app, &signed.caller, pair).await;
    let to = if done.is_ok() { "/incidents?reason=unlinked".to_owned() } else { format!("/pairs/{pair}") };
    answer(&signed, done, ("unlinked", "under-way"), &to).await
}
