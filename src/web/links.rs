//! Buttons that link, unlink and ask for a ticket: each a form that ends in a redirect.

use axum::{
    extract::{Path, State},
    response::{IntoResponse as _, Redirect, Response},
};
use http::StatusCode;

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
        view::{
            form::FormView,
            not_linked::{LinkingView, NotLinkedFilter},
            query::value,
        },
    },
    service::{
        error::{FieldProblem, ServiceError},
        incidents, links, look_up, pushes, tickets,
    },
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
            let problem = FieldProblem::new("workspace", "“Workspace”: choose the one to push to. Nothing was pushed.");
            not_pushed(&web, &signed, &form, form.text("workspace"), vec![problem]).await
        }
    }
}

async fn pushed(web: &Web, signed: &Signed, workspace: WorkspaceId, form: &Posted) -> Result<Response, WebError> {
    let done = pushes::ask(&web.app, &signed.caller, workspace, form.text("ticket"), form.ticked("anyway")).await;
    if let Err(ServiceError::Invalid(problems)) = done {
        return not_pushed(web, signed, form, &workspace.to_string(), problems).await;
    }
    answer(signed, done.map(drop), ("pushing", "moved-on"), next(form, "/incidents")).await
}

/// The page with the form, what was typed still in it.
async fn not_pushed(
    web: &Web,
    signed: &Signed,
    form: &Posted,
    workspace: &str,
    problems: Vec<FieldProblem>,
) -> Result<Response, WebError> {
    let mut view = incidents::view(&web.app, &signed.caller, NotLinkedFilter::default()).await?;
    view.push.form = form.kept(&["ticket", "anyway"], problems).with_value("workspace", workspace);
    let frame = framed(web, signed).await?;
    Ok(frame.answer_as(StatusCode::UNPROCESSABLE_ENTITY, &Page::NotLinked(Box::new(view))))
}

/// `GET /tickets`: one ticket by `halo` and `ticket`, read at this moment.
pub async fn look_up(State(web): State<Web>, signed: Signed) -> Result<Response, WebError> {
    let asked = |name| value(&signed.reader.query, name);
    let sent = signed.reader.query.iter().any(|(name, _)| name == "ticket");
    let ticket = asked("ticket");
    let ticket = sent.then_some(ticket.as_str());
    let view = tickets::view(&web.app, &signed.caller, &asked("halo"), ticket).await?;
    let page = Page::Tickets(Box::new(view));
    let status = StatusCode::from_u16(page.status()).unwrap_or_default();
    Ok(framed(&web, &signed).await?.answer_as(status, &page))
}

/// `GET /look-up`: one incident by `workspace` and `incident`, read at this moment where no poll has met it.
pub async fn look_up_incident(State(web): State<Web>, signed: Signed) -> Result<Response, WebError> {
    let asked = |name| value(&signed.reader.query, name);
    let sent = signed.reader.query.iter().any(|(name, _)| name == "incident");
    let incident = asked("incident");
    let incident = sent.then_some(incident.as_str());
    let view = look_up::view(&web.app, &signed.caller, &asked("workspace"), incident).await?;
    let page = Page::LookUp(Box::new(view));
    let status = StatusCode::from_u16(page.status()).unwrap_or_default();
    Ok(framed(&web, &signed).await?.answer_as(status, &page))
}

/// `POST /pairs/{id}/unlink`
pub async fn unlink(State(web): State<Web>, signed: Signed, Path(pair): Path<String>) -> Result<Response, WebError> {
    let pair = id(&pair)?;
    let done = links::unlink(&web.app, &signed.caller, pair).await;
    let to = if done.is_ok() { "/incidents?reason=unlinked".to_owned() } else { format!("/pairs/{pair}") };
    answer(&signed, done, ("unlinked", "under-way"), &to).await
}
