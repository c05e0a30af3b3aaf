//! “Sign in with Microsoft” for a connection: out to Entra and back.

use axum::{
    extract::{Path, State},
    response::{IntoResponse, Redirect, Response},
};
use http::{HeaderMap, header};
use serde::{Deserialize, Serialize};
use tower_sessions::Session;

use super::{
    Web, acts,
    draw::frame,
    error::WebError,
    form::Posted,
    pages::id,
    reader::{Reader, Signed},
};
use crate::{
    console::Page,
    domain::{
        ids::ConnectionId,
        view::{entrance::ConsentView, query::QueryText},
    },
    service::{
        error::ServiceError,
        sign_in::{self, PendingSignIn, Returned, number_in},
    },
};

const PENDING: &str = "microsoft-sign-ins";
/// So many are kept of a browser; the oldest give way.
const MOST: usize = 5;

/// A sign-in that was begun in this browser; in several tabs there are several.
#[derive(Serialize, Deserialize)]
struct Begun {
    sign_in: PendingSignIn,
    /// Where it was begun: there it ends.
    next: String,
}

fn fault(error: &tower_sessions::session::Error) -> ServiceError {
    ServiceError::passed_on("keep a sign-in with Microsoft", error)
}

async fn all(session: &Session) -> Result<Vec<Begun>, ServiceError> {
    let read = session.get::<Vec<Begun>>(PENDING).await;
    Ok(read.map_err(|error| ServiceError::passed_on("read a sign-in with Microsoft", &error))?.unwrap_or_default())
}

async fn keep(session: &Session, begun: &[Begun]) -> Result<(), ServiceError> {
    session.insert(PENDING, begun).await.map_err(|error| fault(&error))
}

/// `POST /connections/{id}/sign-in`
pub async fn begin(
    State(web): State<Web>,
    signed: Signed,
    Path(connection): Path<String>,
    form: Posted,
) -> Result<Response, WebError> {
    let next = acts::next(&form, "/connections");
    let begun = sign_in::begin(&web.app, &signed.caller, id(&connection)?, &web.options.redirect_uri()).await?;
    match begun {
        Ok((address, pending)) => {
            let session = &signed.reader.session;
            let now = web.app.clock.now();
            let mut begun = all(session).await?;
            begun.retain(|one| !one.sign_in.over(now));
            begun.push(Begun { sign_in: pending, next: next.to_owned() });
            let more = begun.len().saturating_sub(MOST);
            keep(session, begun.get(more..).unwrap_or_default()).await?;
            Ok(Redirect::to(&address).into_response())
        }
        Err(failure) => {
            acts::flash_failure(&signed.reader.session, &failure.message).await?;
            Ok(Redirect::to(next).into_response())
        }
    }
}

/// `GET /connections/callback`: the only address that acts by GET, because Entra comes back this way.
/// What it does was begun by a POST of this very session (state, nonce and PKCE verifier lie there).
pub async fn callback(State(web): State<Web>, reader: Reader, headers: HeaderMap) -> Result<Response, WebError> {
    if let Some(view) = consent(&reader) {
        return Ok(frame(&web, &reader).await?.answer(&Page::Consent(view)));
    }
    let Some(caller) = reader.caller.clone() else {
        return Ok(elsewhere(&web, &reader, &headers));
    };
    let mut begun = all(&reader.session).await?;
    let raw = |name: &'static str| Some(raw_value(&reader.query, name)).filter(|value| !value.is_empty());
    let returned = Returned {
        code: raw("code"),
        state: raw("state"),
        error: raw("error"),
        description: raw("error_description"),
        issuer: raw("iss"),
    };
    let Some(at) = begun.iter().position(|one| one.sign_in.fits(returned.state)) else {
        match begun.last() {
            None => acts::flash(&reader.session, "microsoft-failed").await?,
            Some(_) => acts::flash_failure(&reader.session, &sign_in::of_another().message).await?,
        }
        let next = begun.last().map_or("/connections", |one| one.next.as_str());
        return Ok(Redirect::to(next).into_response());
    };
    let Begun { sign_in: pending, next } = begun.remove(at);
    keep(&reader.session, &begun).await?;
    match sign_in::finish(&web.app, &caller, pending, &returned).await? {
        Ok(()) => acts::flash(&reader.session, "microsoft").await?,
        Err(failure) => acts::flash_failure(&reader.session, &failure.message).await?,
    }
    Ok(Redirect::to(&next).into_response())
}

/// An administrator came back from the consent link: perhaps somebody without an account here, who is only told what
/// came of it. Nothing is done by it.
fn consent(reader: &Reader) -> Option<ConsentView> {
    let given = reader.query.iter().any(|(name, value)| name == "admin_consent" && value.eq_ignore_ascii_case("true"));
    let state = raw_value(&reader.query, "state");
    // a consent's state is the connection's id; a sign-in's is 256 random bits
    let asked = state.parse::<ConnectionId>().is_ok();
    let refused = asked && !raw_value(&reader.query, "error").is_empty();
    (given || refused).then_some(ConsentView { given: given && !refused })
}

/// Entra sends people back to `http://localhost:PORT`, where a session begun at `127.0.0.1` is not
/// known: they are sent on, once, to the address they began at.
fn elsewhere(web: &Web, reader: &Reader, headers: &HeaderMap) -> Response {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let public = &web.options.public_url;
    let there = public.host_str().map_or_else(String::new, |name| match public.port() {
        Some(port) => format!("{name}:{port}"),
        None => name.to_owned(),
    });
    if host.starts_with("localhost") && host != there {
        let query = ["code", "state", "error", "iss"]
            .into_iter()
            .fold(QueryText::new(), |text, name| text.with(name, raw_value(&reader.query, name)));
        // of Microsoft's words only the number travels on
        let number = number_in(raw_value(&reader.query, "error_description"));
        let query = query.with("error_description", &number.map_or_else(String::new, |code| format!("AADSTS{code}")));
        let path = query.after("/connections/callback");
        return Redirect::to(&format!("{}{path}", public.as_str().trim_end_matches('/'))).into_response();
    }
    Redirect::to(&QueryText::new().with("next", "/connections").after("/sign-in")).into_response()
}

fn raw_value<'a>(query: &'a [(String, String)], name: &str) -> &'a str {
    query.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value.as_str())
}
