//! Who presses a button twice means it once: the second of two presses waits for what the first gave, and gets the same.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    body::{Body, Bytes, to_bytes},
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, Method, StatusCode, header, response};
use jiff::{SignedDuration, Timestamp};
use sha2::{Digest, Sha256};
use tokio::sync::Mutex as Waited;
use tower_sessions::{Session, session::Id};

use super::{Web, error::WebError, kept::shows_pages};

/// A second press comes this soon after the first, or while the first is still being carried out.
const WITHIN: SignedDuration = SignedDuration::from_secs(1);
/// Presses remembered at once; the oldest go first.
const PRESSES_MAX: usize = 500;
/// A larger form is a file that was chosen, and is not looked at.
const BYTES_MAX: usize = 64 * 1024;

/// What a press gave; `None` while it is being carried out, and where nothing may be shared.
type Given = Arc<Waited<Option<(response::Parts, Bytes)>>>;

struct Press {
    session: Id,
    /// Path and query.
    address: String,
    /// Of the form: it may hold a secret.
    digest: Vec<u8>,
    since: Timestamp,
    given: Given,
}

/// What each session pressed last, and what is still being carried out for it.
#[derive(Default)]
pub struct Presses(Mutex<VecDeque<Press>>);

impl Presses {
    /// What the same press gave a moment ago; else this one is remembered.
    fn before(&self, press: Press) -> Option<Given> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|one| press.since.duration_since(one.since) < WITHIN || one.given.try_lock().is_err());
        let same =
            |one: &Press| one.session == press.session && one.address == press.address && one.digest == press.digest;
        if let Some(found) = all.iter().find(|one| same(one)) {
            return Some(found.given.clone());
        }
        // something else was pressed in between: then a third press is meant, unless the first is still being carried out
        all.retain(|one| one.session != press.session || one.given.try_lock().is_err());
        all.push_back(press);
        if all.len() > PRESSES_MAX {
            all.pop_front();
        }
        None
    }
}

/// Carries a form out once, however often its button is pressed.
pub async fn pressed(State(web): State<Web>, request: Request, next: Next) -> Response {
    let session = request.extensions().get::<Session>().cloned();
    let id = session.as_ref().and_then(Session::id);
    let (Some(session), Some(id)) = (session, id) else { return next.run(request).await };
    if *request.method() != Method::POST || !shows_pages(request.headers()) || !is_small(request.headers()) {
        return next.run(request).await;
    }
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, BYTES_MAX).await else {
        return WebError::status(StatusCode::BAD_REQUEST).into_response();
    };
    let given = Given::default();
    // held until there is an answer
    let mut place = given.clone().lock_owned().await;
    let press = Press {
        session: id,
        address: parts.uri.to_string(),
        digest: Sha256::digest(&body).to_vec(),
        since: web.app.clock.now(),
        given,
    };
    let before = web.presses.before(press);
    let request = Request::from_parts(parts, Body::from(body));
    if let Some(before) = before {
        let given = before.lock().await.clone();
        return match given {
            Some((head, body)) => Response::from_parts(head, Body::from(body)),
            None => next.run(request).await,
        };
    }
    let response = next.run(request).await;
    // What changes the session sets a cookie of its own, and a way to Microsoft is taken once.
    if session.id() != Some(id) || leads_away(response.headers()) {
        return response;
    }
    let (head, body) = response.into_parts();
    let Ok(body) = to_bytes(body, usize::MAX).await else {
        return WebError::status(StatusCode::INTERNAL_SERVER_ERROR).into_response();
    };
    *place = Some((head.clone(), body.clone()));
    Response::from_parts(head, Body::from(body))
}

fn is_small(headers: &HeaderMap) -> bool {
    let length = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    length.is_some_and(|length| length <= BYTES_MAX)
}

fn leads_away(headers: &HeaderMap) -> bool {
    headers.get(header::LOCATION).is_some_and(|to| !to.as_bytes().starts_with(b"/"))
}
