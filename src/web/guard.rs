//! Nothing is changed by a request that another site made (ASVS 3.5), and nothing is left half done by one that was
//! given up.
//!
//! Browsers say where a request comes from: `Sec-Fetch-Site`, and `Origin` with every POST. Both are
//! checked where present. A request with neither is no browser's; the session cookie (`SameSite=Lax`)
//! is the second wall.

use std::time::Duration;

use axum::{
    body::Body,
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use futures::StreamExt as _;
use http::{HeaderMap, Method, header};
use tokio::time::Instant;
use tracing::Instrument as _;
use url::Url;

use super::{Web, error::WebError, options::CALLBACK};
use crate::service::error::ServiceError;

/// Refuses a state-changing request of another site.
pub async fn same_origin(State(web): State<Web>, request: Request, next: Next) -> Response {
    if changes(&request) && !is_own(request.headers(), &web.options.public_url) {
        tracing::warn!(path = request.uri().path(), "refused a request made by another site");
        return WebError::from(ServiceError::Forbidden).into_response();
    }
    next.run(request).await
}

/// Carries a state-changing request to its end even if whoever made it hangs up in between. So is a return from Microsoft:
/// its code can be redeemed once only.
pub async fn to_the_end(State(web): State<Web>, request: Request, next: Next) -> Response {
    if !changes(&request) && request.uri().path() != CALLBACK {
        return next.run(request).await;
    }
    let within = web.options.answer_within;
    let request = request.map(|body| in_time(body, within));
    match web.options.under_way.spawn(next.run(request).in_current_span()).await {
        Ok(answer) => answer,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(_) => WebError::from(ServiceError::Busy).into_response(),
        },
    }
}

/// A body that has to be there by the time the request would be given up: nothing else ends the wait for it.
fn in_time(body: Body, within: Duration) -> Body {
    let end = Instant::now() + within;
    Body::from_stream(futures::stream::unfold(body.into_data_stream(), move |mut rest| async move {
        let part = tokio::time::timeout_at(end, rest.next()).await;
        let part = part.unwrap_or_else(|late| Some(Err(axum::Error::new(late))));
        part.map(|part| (part, rest))
    }))
}

fn changes(request: &Request) -> bool {
    !matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS)
}

/// Whether a request was made by one of our own pages, as far as its headers say.
pub fn is_own(headers: &HeaderMap, public_url: &Url) -> bool {
    if let Some(site) = headers.get("sec-fetch-site")
        && site != "same-origin"
        && site != "none"
    {
        return false;
    }
    let Some(origin) = headers.get(header::ORIGIN) else { return true };
    let Some(origin) = origin.to_str().ok().and_then(|text| Url::parse(text).ok()) else { return false };
    if !matches!(origin.scheme(), "http" | "https") {
        return false;
    }
    if origin.origin() == public_url.origin() {
        return true;
    }
    // Reached under another name (localhost for 127.0.0.1): the address the browser itself used counts.
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    host.and_then(|host| Url::parse(&format!("{}://{host}", origin.scheme())).ok())
        .is_some_and(|own| own.origin() == origin.origin())
}
