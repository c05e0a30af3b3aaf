//! The first admin, signing in and out, the reader's own account.

use axum::{
    extract::State,
    response::{AppendHeaders, IntoResponse, Redirect, Response},
};
use http::{HeaderValue, StatusCode, header};
use jiff::tz::TimeZone;

use super::{
    Web, acts,
    draw::frame,
    error::WebError,
    form::{Posted, local_path},
    reader::{Reader, Signed},
    session,
};
use crate::{
    console::{Density, Page, Theme},
    domain::view::{
        account::AccountView,
        entrance::{SetUpView, SignInView},
        form::FormView,
        query::value,
    },
    service::{
        accounts::{self, SignedIn},
        error::ServiceError,
    },
};

/// `POST /set-up`
pub async fn set_up(State(web): State<Web>, reader: Reader, form: Posted) -> Result<Response, WebError> {
    let name = form.text("name");
    let made = accounts::set_up(&web.app, form.text("code"), name, form.exact("password"), reader.from).await;
    match made {
        // an empty installation: the first admin goes on with setting it up, at its first step
        Ok(person) => enter(&web, &reader, &person, "/set-up/microsoft").await,
        Err(error) => {
            let view = FormView::default().with_value("name", name);
            refuse(&web, &reader, error, view, |form| Page::SetUp(SetUpView { form })).await
        }
    }
}

/// `GET /sign-in`
pub async fn sign_in_page(State(web): State<Web>, reader: Reader) -> Result<Response, WebError> {
    if accounts::nobody_yet(&web.app).await? {
        return Ok(Redirect::to("/set-up").into_response());
    }
    let next = value(&reader.query, "next");
    if reader.caller.is_some() {
        return Ok(Redirect::to(local_path(&next)).into_response());
    }
    let next = (!next.is_empty()).then(|| local_path(&next).to_owned());
    Ok(frame(&web, &reader).await?.answer(&Page::SignIn(SignInView { form: FormView::default(), next })))
}

/// `POST /sign-in`
pub async fn sign_in(State(web): State<Web>, reader: Reader, form: Posted) -> Result<Response, WebError> {
    let (name, next) = (form.text("name"), local_path(form.text("next")));
    match accounts::sign_in(&web.app, name, form.exact("password"), reader.from).await {
        Ok(person) => enter(&web, &reader, &person, next).await,
        Err(error) => {
            let view = FormView::default().with_value("name", name);
            let next = (next != "/").then(|| next.to_owned());
            refuse(&web, &reader, error, view, |form| Page::SignIn(SignInView { form, next })).await
        }
    }
}

async fn enter(web: &Web, reader: &Reader, person: &SignedIn, to: &str) -> Result<Response, WebError> {
    session::begin(web, &reader.session, person).await?;
    Ok(Redirect::to(to).into_response())
}

/// The same page with what is wrong; faults that are not about the form stay what they are.
pub(super) async fn refuse(
    web: &Web,
    reader: &Reader,
    error: ServiceError,
    form: FormView,
    page: impl FnOnce(FormView) -> Page,
) -> Result<Response, WebError> {
    let (status, form, wait) = match error {
        ServiceError::Invalid(problems) => {
            let form = problems.into_iter().fold(form, |form, p| form.with_problem(&p.field, p.problem));
            (StatusCode::UNPROCESSABLE_ENTITY, form, None)
        }
        ServiceError::TooMany { wait_secs } => {
            let words = format!("Too many attempts. Try again in {}.", in_words(wait_secs));
            (StatusCode::TOO_MANY_REQUESTS, form.with_problem("", words), Some(wait_secs))
        }
        other => return Err(other.into()),
    };
    let mut response = frame(web, reader).await?.answer_as(status, &page(form));
    if let Some(secs) = wait {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(secs));
    }
    Ok(response)
}

fn in_words(secs: u64) -> String {
    match secs {
        1 => "1 second".into(),
        2..60 => format!("{secs} seconds"),
        60..=90 => "about 1 minute".into(),
        _ => format!("about {} minutes", secs.div_ceil(60)),
    }
}

/// `POST /sign-out`
pub async fn sign_out(State(web): State<Web>, reader: Reader) -> Result<Response, WebError> {
    if let Some(caller) = &reader.caller {
        accounts::signed_out(&web.app, caller).await?;
    }
    session::end(&reader.session).await?;
    web.app.end_streams();
    Ok(Redirect::to("/sign-in").into_response())
}

/// `GET /account`
pub async fn account(State(web): State<Web>, signed: Signed) -> Result<Response, WebError> {
    let flash = acts::taken_flash(&signed.reader.session).await?;
    let page = Page::Account(Box::new(own(&web, &signed, FormView::default()).await?));
    Ok(frame(&web, &signed.reader).await?.flash(flash).answer(&page))
}

async fn own(web: &Web, signed: &Signed, form: FormView) -> Result<AccountView, ServiceError> {
    let sessions = session::rows(web, signed).await?;
    let view = accounts::view(&web.app, &signed.caller, form).await?;
    Ok(AccountView { sessions, ..view })
}

/// `POST /account/password`
pub async fn change_password(State(web): State<Web>, signed: Signed, form: Posted) -> Result<Response, WebError> {
    let (current, new) = (form.exact("current"), form.exact("password"));
    match accounts::change_password(&web.app, &signed.caller, current, new, signed.reader.from).await {
        Ok(mark) => {
            session::keep(&signed.reader.session, &mark).await?;
            web.app.end_streams();
            acts::flash(&signed.reader.session, "password").await?;
            Ok(Redirect::to("/account").into_response())
        }
        Err(error @ (ServiceError::Invalid(_) | ServiceError::TooMany { .. })) => {
            let view = own(&web, &signed, FormView::default()).await?;
            refuse(&web, &signed.reader, error, FormView::default(), |form| {
                Page::Account(Box::new(AccountView { password_form: form, ..view }))
            })
            .await
        }
        Err(error) => Err(error.into()),
    }
}

/// `POST /account/sessions`: signs out everywhere else.
pub async fn end_others(State(web): State<Web>, signed: Signed) -> Result<Response, WebError> {
    accounts::end_other_sessions(&web.app, &signed.caller, &session::own_name(&signed.reader.session).await?).await?;
    web.app.end_streams();
    acts::flash(&signed.reader.session, "others").await?;
    Ok(Redirect::to("/account").into_response())
}

/// `POST /preferences`: how pages look to this reader. Cookies, but for the zone of who is signed in.
pub async fn preferences(State(web): State<Web>, reader: Reader, form: Posted) -> Result<Response, WebError> {
    let mut cookies = Vec::new();
    let mut keep = |name: &str, value: &str| {
        let secure = if web.options.https() { "; Secure" } else { "" };
        let name = web.options.preference(name);
        let text = format!("{name}={value}; Path=/; Max-Age=31536000; SameSite=Lax; HttpOnly{secure}");
        cookies.extend(HeaderValue::from_str(&text).map(|value| (header::SET_COOKIE, value)));
    };
    if form.ticked("theme") {
        keep("theme", Theme::parse(form.text("theme")).as_str());
    }
    if form.ticked("density") {
        keep("density", Density::parse(form.text("density")).as_str());
    }
    if form.ticked("keys") {
        keep("keys", if form.text("keys") == "off" { "off" } else { "on" });
    }
    if form.ticked("zone") {
        let zone = form.text("zone");
        if !zone.is_empty() && TimeZone::get(zone).is_err() {
            return Err(ServiceError::invalid("zone", "Choose a zone from the list.").into());
        }
        match &reader.caller {
            Some(caller) => accounts::choose_zone(&web.app, caller, (!zone.is_empty()).then_some(zone)).await?,
            None => keep("zone", zone),
        }
    }
    let next = local_path(form.text("next"));
    // The form of the account's page says that it was saved; elsewhere the look itself does.
    if next == "/account" && form.ticked("zone") && reader.caller.is_some() {
        acts::flash(&reader.session, "saved").await?;
    }
    Ok((AppendHeaders(cookies), Redirect::to(next)).into_response())
}
