//! Nothing is changed by a request that another site made (ASVS 3.5).
//!
//! Browsers say where a request comes from: `Sec-Fetch-Site`, and `Origin` with every POST. Both are
//! checked where present. A request with neither is no browser's; the session cookie (`SameSite=Lax`)
//! is the second wall.

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, Method, header};
use url::Url;

use super::{Web, error::WebError};
use crate::service::error::ServiceError;

/// Refuses a state-changing request of another site.
pub async fn same_origin(State(web): State<Web>, request: Request, next: Next) -> Response {
    let changes = !matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    if changes && !is_own(request.headers(), &web.options.public_url) {
        tracing::warn!(path = request.uri().path(), "refused a request made by another site");
        return WebError::from(ServiceError::Forbidden).into_response();
    }
    next.run(request).await
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
