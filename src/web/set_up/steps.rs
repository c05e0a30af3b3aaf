//! The steps' routes.

use axum::{
    extract::State,
    response::{IntoResponse as _, Redirect, Response},
};

use super::{addresses, chosen, leading_to, onward, onward_past_done, onward_to_workspaces, page, refused};
use crate::{
    domain::view::{
        query::value,
        set_up::{Step, StepContent},
    },
    service::set_up::{
        check::{self as check_step, Taken},
        clients as clients_step, halo as halo_step,
        microsoft::{self as microsoft_step, Kept},
        sign_in as sign_in_step,
    },
    web::{
        Web, acts,
        error::WebError,
        form::{Posted, PostedFile, said_of},
        reader::Signed,
    },
};

/// Of a connection that was changed.
const TRIED: &str = "Saved: the connection was tried with what you entered.";

/// `GET /set-up/microsoft`
pub async fn microsoft(State(web): State<Web>, signed: Signed) -> Result<Response, WebError> {
    let view = microsoft_step::view(&web.app, &signed.caller, &addresses(&web), &chosen(&signed)).await?;
    page(&web, &signed, Step::Microsoft, StepContent::Microsoft(Box::new(view))).await
}

/// `POST /set-up/microsoft`
pub async fn take_microsoft(State(web): State<Web>, signed: Signed, form: Posted) -> Result<Response, WebError> {
    let typed = form.typed().unquoted();
    match microsoft_step::take(&web.app, &signed.caller, &typed).await {
        Ok(kept) if typed.text("connection").is_empty() => {
            onward_to_workspaces(&web, &signed, Step::Microsoft, kept.connection).await
        }
        Ok(Kept { ended: Some(failure), .. }) => {
            let words = format!("Saved, but the sign-in does not hold for it. {}", failure.message);
            acts::flash_failure(&signed.reader.session, &words).await?;
            Ok(Redirect::to(&Step::SignIn.path()).into_response())
        }
        Ok(_) => onward_past_done(&web, &signed, Step::Microsoft, TRIED).await,
        Err(error) => {
            let view = microsoft_step::again(&web.app, &signed.caller, &addresses(&web), &typed).await?;
            refused(&web, &signed, Step::Microsoft, error, StepContent::Microsoft(Box::new(view))).await
        }
    }
}

/// `GET /set-up/sign-in`
pub async fn sign_in(State(web): State<Web>, signed: Signed) -> Result<Response, WebError> {
    let (view, authorities) = sign_in_step::view(&web.app, &signed.caller, &addresses(&web)).await?;
    let drawn = page(&web, &signed, Step::SignIn, StepContent::SignIn(Box::new(view))).await?;
    // who is signed in at Microsoft already is sent straight back: browsers hold a form against that redirect too
    Ok(leading_to(drawn, authorities.into_iter().chain([web.options.redirect_uri()]).collect()))
}

/// `GET /set-up/halo`
pub async fn halo(State(web): State<Web>, signed: Signed) -> Result<Response, WebError> {
    let view = halo_step::view(&web.app, &signed.caller, &chosen(&signed)).await?;
    page(&web, &signed, Step::Halo, StepContent::Halo(Box::new(view))).await
}

/// `POST /set-up/halo`
pub async fn take_halo(State(web): State<Web>, signed: Signed, form: Posted) -> Result<Response, WebError> {
    let typed = form.typed().unquoted();
    match halo_step::take(&web.app, &signed.caller, &typed).await {
        Ok(id) if typed.text("connection").is_empty() => onward_to_workspaces(&web, &signed, Step::Halo, id).await,
        Ok(_) => onward_past_done(&web, &signed, Step::Halo, TRIED).await,
        Err(error) => {
            let view = halo_step::again(&web.app, &signed.caller, &typed).await?;
            refused(&web, &signed, Step::Halo, error, StepContent::Halo(Box::new(view))).await
        }
    }
}

/// `GET /set-up/clients`: with `again=1` Azure and Halo are asked anew.
pub async fn clients(State(web): State<Web>, signed: Signed) -> Result<Response, WebError> {
    let anew = value(&signed.reader.query, "again") == "1";
    let view = clients_step::view(&web.app, &signed.caller, anew).await?;
    page(&web, &signed, Step::Clients, StepContent::Clients(Box::new(view))).await
}

/// `POST /set-up/clients`: saves, or with `do` shows the page again with what was asked for.
pub async fn take_clients(State(web): State<Web>, signed: Signed, form: Posted) -> Result<Response, WebError> {
    let typed = form.typed();
    if !typed.text("do").is_empty() {
        let view = clients_step::again(&web.app, &signed.caller, &typed).await?;
        return page(&web, &signed, Step::Clients, StepContent::Clients(Box::new(view))).await;
    }
    match clients_step::take(&web.app, &signed.caller, &typed).await {
        Ok(kept) => {
            let mut done = "Saved: nothing waits to be applied.".to_owned();
            if !kept.is_empty() {
                done = format!("Saved. Out of sight now, and chosen as before: {}.", kept.join(", "));
                acts::flash_done(&signed.reader.session, &done).await?;
            }
            onward_past_done(&web, &signed, Step::Clients, &done).await
        }
        Err(error) => {
            let view = clients_step::again(&web.app, &signed.caller, &typed).await?;
            refused(&web, &signed, Step::Clients, error, StepContent::Clients(Box::new(view))).await
        }
    }
}

/// `GET /set-up/check`
pub async fn check(State(web): State<Web>, signed: Signed) -> Result<Response, WebError> {
    let view = check_step::view(&web.app, &signed.caller).await?;
    page(&web, &signed, Step::Check, StepContent::Check(Box::new(view))).await
}

/// `POST /set-up/check`: applies what was answered.
pub async fn take_check(State(web): State<Web>, signed: Signed, form: Posted) -> Result<Response, WebError> {
    match check_step::take(&web.app, &signed.caller, &form.typed()).await {
        Ok(Taken::Applied) => {
            acts::flash(&signed.reader.session, "applied").await?;
            Ok(onward(Step::Check))
        }
        Ok(Taken::Live(live)) => {
            acts::flash_done(&signed.reader.session, &live).await?;
            Ok(onward(Step::Live))
        }
        Ok(Taken::NotLive(why)) => {
            acts::flash_failure(&signed.reader.session, &why).await?;
            Ok(Redirect::to(&Step::Live.path()).into_response())
        }
        Err(error) => {
            let view = check_step::view(&web.app, &signed.caller).await?;
            refused(&web, &signed, Step::Check, error, StepContent::Check(Box::new(view))).await
        }
    }
}

/// `POST /set-up/clients/file`: the page as the pasted file would have it; nothing is kept by it.
pub async fn take_clients_file(State(web): State<Web>, signed: Signed, form: PostedFile) -> Result<Response, WebError> {
    let (form, fault) = match form.0 {
        Ok(form) => (form, None),
        Err(fault) => (Posted::default(), Some(fault)),
    };
    let mut view = clients_step::from_file(&web.app, &signed.caller, form.text("file")).await?;
    if let Some(fault) = fault {
        view.form = std::mem::take(&mut view.form).with_problem("file", said_of(fault, "Send it in parts."));
    }
    page(&web, &signed, Step::Clients, StepContent::Clients(Box::new(view))).await
}
