//! The page that answers a form is kept for the reading that the browser is then sent to: reloading it, or coming back to
//! it, sends no form again, and what is shown once is shown once. It lies in memory alone, under the reader's session.

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
};

use axum::{
    body::{Body, Bytes, to_bytes},
    extract::{FromRequestParts, Request, State},
    middleware::Next,
    response::{IntoResponse, Redirect, Response},
};
use http::{HeaderMap, Method, StatusCode, header, response};
use jiff::{SignedDuration, Timestamp};
use tower_sessions::session::Id;

use super::{
    Web,
    error::{Failed, WebError},
    reader::Reader,
};

/// A browser asks for it within a second; whoever does not is gone.
const KEPT_FOR: SignedDuration = SignedDuration::from_mins(2);
/// Pages kept at once, and their bytes in all; the oldest go first.
const KEPT_MAX: usize = 500;
const BYTES_MAX: usize = 64 * 1024 * 1024;

struct Answer {
    session: Id,
    /// Address of the page, with its query.
    address: String,
    since: Timestamp,
    head: response::Parts,
    body: Bytes,
}

/// Answers that wait to be read.
#[derive(Default)]
pub struct Kept(Mutex<VecDeque<Answer>>);

impl Kept {
    fn put(&self, answer: Answer) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let stands = |one: &Answer| answer.since.duration_since(one.since) < KEPT_FOR;
        all.retain(|one| stands(one) && (one.session, &one.address) != (answer.session, &answer.address));
        all.push_back(answer);
        let bytes = |all: &VecDeque<Answer>| all.iter().map(|one| one.body.len()).sum::<usize>();
        while all.len() > 1 && (all.len() > KEPT_MAX || bytes(&all) > BYTES_MAX) {
            all.pop_front();
        }
    }

    fn take(&self, session: Id, address: &str, now: Timestamp) -> Option<Answer> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|one| now.duration_since(one.since) < KEPT_FOR);
        let at = all.iter().position(|one| one.session == session && one.address == address)?;
        all.remove(at)
    }
}

/// The page on which the form stands that is sent to this path; `None` for the path of a page itself.
pub fn page_of(path: &str) -> Option<String> {
    let parts: Vec<&str> = path.split('/').skip(1).collect();
    let page = match parts.as_slice() {
        ["configuration", "file"] => "/configuration",
        ["account", "password" | "sessions"] => "/account",
        ["set-up", "clients", "file"] => "/set-up/clients",
        ["set-up", "halo", "test"] => "/set-up/halo",
        ["push"] | ["workspaces", _, "push"] | ["incidents", _, _, "ticket"] => "/incidents",
        ["accounts", _, "password" | "off" | "on"] => "/accounts",
        ["tokens", _, "revoke"] => "/tokens",
        ["views", _, "remove"] => "/views",
        ["workspaces", _, "backfill", "start" | "stop"] => "/backfill",
        ["workspaces", _, "sync"] => "/runs",
        ["workspaces", _, "log"] => "/drift",
        ["workspaces", _, "release"] => "/problems",
        ["clients", _, "pause" | "resume"] => "/connections",
        ["connections", _, "look" | "pause" | "resume" | "sign-in" | "test"] => "/connections",
        ["errands", errand, "begin" | "stop"] => return Some(format!("/errands/{errand}")),
        ["pairs", pair, "look" | "sync" | "decide" | "unlink" | "pause" | "resume"] => {
            return Some(format!("/pairs/{pair}"));
        }
        _ => return None,
    };
    Some(page.to_owned())
}

/// The address of the page that a form's address belongs to.
pub fn address_of(uri: &http::Uri) -> String {
    match (page_of(uri.path()), uri.query()) {
        (Some(page), _) => page,
        (None, Some(query)) => format!("{}?{query}", uri.path()),
        (None, None) => uri.path().to_owned(),
    }
}

/// Another method than an address takes: who reads the address of a form is led to the form.
pub async fn method_not_allowed(method: Method, uri: http::Uri) -> Response {
    match page_of(uri.path()).filter(|_| matches!(method, Method::GET | Method::HEAD)) {
        Some(page) => Redirect::to(&page).into_response(),
        None => WebError::status(StatusCode::METHOD_NOT_ALLOWED).into_response(),
    }
}

/// Keeps the page that answers a form, and gives it to the reading that follows.
pub async fn once(State(web): State<Web>, request: Request, next: Next) -> Response {
    if !shows_pages(request.headers()) {
        return next.run(request).await;
    }
    let (mut parts, body) = request.into_parts();
    let address = address_of(&parts.uri);
    match parts.method {
        Method::GET => {
            let session = parts.extensions.get::<tower_sessions::Session>().and_then(tower_sessions::Session::id);
            let now = web.app.clock.now();
            if let Some(answer) = session.and_then(|session| web.kept.take(session, &address, now))
                && reader(&mut parts, &web).await.is_some()
            {
                return Response::from_parts(answer.head, Body::from(answer.body));
            }
            next.run(Request::from_parts(parts, body)).await
        }
        Method::POST => {
            let response = next.run(Request::from_parts(parts.clone(), body)).await;
            if !answers_a_form(&response) {
                return response;
            }
            let Some(session) = reader(&mut parts, &web).await else { return response };
            let (head, body) = response.into_parts();
            let Ok(body) = to_bytes(body, usize::MAX).await else {
                return WebError::status(StatusCode::INTERNAL_SERVER_ERROR).into_response();
            };
            let since = web.app.clock.now();
            web.kept.put(Answer { session, address: address.clone(), since, head, body });
            Redirect::to(&address).into_response()
        }
        _ => next.run(Request::from_parts(parts, body)).await,
    }
}

/// Whether whoever asks is a browser that shows pages; a program hears the answer at once.
pub fn shows_pages(headers: &HeaderMap) -> bool {
    headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok()).is_some_and(|kinds| kinds.contains("text/html"))
}

/// A page that tells what became of a form; a failure that has no page of its own yet is none.
fn answers_a_form(response: &Response) -> bool {
    let told = matches!(
        response.status(),
        StatusCode::OK
            | StatusCode::CONFLICT
            | StatusCode::PAYLOAD_TOO_LARGE
            | StatusCode::UNPROCESSABLE_ENTITY
            | StatusCode::TOO_MANY_REQUESTS
    );
    let page =
        response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
    told && page && response.extensions().get::<Failed>().is_none()
}

/// The session of a reader who is signed in.
async fn reader(parts: &mut http::request::Parts, web: &Web) -> Option<Id> {
    let reader = Reader::from_request_parts(parts, web).await.ok()?;
    reader.caller.and_then(|_| reader.session.id())
}
