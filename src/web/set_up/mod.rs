//! Set-up in the browser: the list of steps, each step's page and form.
//!
//! A step's form goes to its own page's address: 303 to the next step, or 422 (409 when somebody else saved in
//! between) with what was typed.

mod later;
mod steps;

use axum::{
    extract::State,
    response::{IntoResponse, Redirect, Response},
};
use http::StatusCode;

use super::{Web, acts, draw::frame, error::WebError, form::Posted, headers::FormTargets, pages, reader::Signed};
use crate::{
    console::Page,
    domain::{
        ids::ConnectionId,
        view::{
            entrance::SetUpView,
            query::value,
            set_up::{Step, StepContent, StepState},
        },
    },
    service::{
        accounts,
        error::{FieldProblem, ServiceError},
        set_up::{self, Addresses, Typed},
    },
};

pub use later::{act_import, import, live, mapping, public_template, take_live, take_mapping, template, test_halo};
pub use steps::{
    check, clients, halo, microsoft, sign_in, take_check, take_clients, take_clients_file, take_halo, take_microsoft,
};

impl Posted {
    /// As the steps of the set-up take it.
    fn typed(self) -> Typed {
        Typed::new(self.entries())
    }
}

fn addresses(web: &Web) -> Addresses {
    Addresses { redirect_uri: web.options.redirect_uri() }
}

/// `GET /set-up`: the first admin while there is nobody, then the list of steps.
pub async fn list(State(web): State<Web>, reader: super::reader::Reader) -> Result<Response, WebError> {
    if accounts::nobody_yet(&web.app).await? {
        return Ok(frame(&web, &reader).await?.answer(&Page::SetUp(SetUpView::default())));
    }
    let Some(caller) = reader.caller.clone() else { return Ok(Redirect::to("/sign-in?next=/set-up").into_response()) };
    let signed = Signed { caller, reader };
    let framed = pages::framed(&web, &signed).await?;
    let view = set_up::steps(&web.app, &signed.caller).await?;
    Ok(framed.answer(&Page::Steps(Box::new(view))))
}

/// Draws a step's page.
async fn page(web: &Web, signed: &Signed, step: Step, content: StepContent) -> Result<Response, WebError> {
    let framed = pages::framed(web, signed).await?;
    let view = set_up::around(&web.app, &signed.caller, step, content).await?;
    Ok(framed.answer(&Page::Step(Box::new(view))))
}

/// The same page with what is wrong. `content` is the page with what was typed.
async fn refused(
    web: &Web,
    signed: &Signed,
    step: Step,
    error: ServiceError,
    mut content: StepContent,
) -> Result<Response, WebError> {
    let (status, problems) = match error {
        ServiceError::Invalid(problems) => (StatusCode::UNPROCESSABLE_ENTITY, problems),
        ServiceError::Conflict => {
            let text = "This step was saved in the meantime. It was somebody else, or you in another tab or before \
                        going back. What you typed is still here: open the step in another tab and compare it with \
                        what is set up now, then save again.";
            (StatusCode::CONFLICT, vec![FieldProblem::new("", text)])
        }
        other => return Err(other.into()),
    };
    if let Some(form) = content.form_mut() {
        for one in problems {
            *form = std::mem::take(form).with_problem(&one.field, one.problem);
        }
    }
    let framed = pages::framed(web, signed).await?;
    let view = set_up::around(&web.app, &signed.caller, step, content).await?;
    Ok(framed.answer_as(status, &Page::Step(Box::new(view))))
}

/// On to the step after this one, or back to the list.
fn onward(step: Step) -> Response {
    Redirect::to(&step.next().map_or_else(|| "/set-up".to_owned(), Step::path)).into_response()
}

/// The first step after this one that is not done: whoever changes an answer comes back to where the set-up stands, mostly
/// to all answers, and who links one more workspace need not see the mapping again.
async fn not_done(web: &Web, signed: &Signed, step: Step) -> Result<Option<String>, WebError> {
    let steps = set_up::steps(&web.app, &signed.caller).await?;
    let next = steps.rows.iter().find(|row| row.step > step && row.state != StepState::Done);
    Ok(next.map(|row| row.step.path()))
}

/// On to where the set-up stands; where every step is done, to the list, with what was done.
async fn onward_past_done(web: &Web, signed: &Signed, step: Step, done: &str) -> Result<Response, WebError> {
    let next = not_done(web, signed, step).await?;
    if next.is_none() {
        acts::flash_done(&signed.reader.session, done).await?;
    }
    Ok(Redirect::to(next.as_deref().unwrap_or("/set-up")).into_response())
}

/// From a new connection on: to what it still needs, then to its workspaces, also where all was done before.
async fn onward_to_workspaces(
    web: &Web,
    signed: &Signed,
    step: Step,
    connection: ConnectionId,
) -> Result<Response, WebError> {
    let steps = set_up::steps(&web.app, &signed.caller).await?;
    let open = |wanted: Step| steps.rows.iter().any(|row| row.step == wanted && row.state != StepState::Done);
    if let Some(next) = [Step::SignIn, Step::Halo].into_iter().find(|next| *next > step && open(*next)) {
        return Ok(Redirect::to(&next.path()).into_response());
    }
    if !open(Step::Clients) {
        let there = web.app.installation().await?;
        let microsoft = there.microsoft.iter().find(|row| row.id == connection).map(|row| row.name.as_str());
        let halo = there.halo.iter().find(|row| row.id == connection).map(|row| row.name.as_str());
        let name = microsoft.or(halo).unwrap_or("The connection");
        let words = format!("“{name}” was tried and is kept. What it reaches is listed below: link what is missing.");
        acts::flash_done(&signed.reader.session, &words).await?;
    }
    Ok(Redirect::to(&Step::Clients.path()).into_response())
}

fn chosen(signed: &Signed) -> String {
    value(&signed.reader.query, "connection")
}

fn leading_to(mut response: Response, targets: Vec<String>) -> Response {
    response.extensions_mut().insert(FormTargets(targets));
    response
}
