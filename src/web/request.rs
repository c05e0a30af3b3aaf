//! Around every request: its id, its line in the log, its time limit, and a net under panics.

use std::panic::AssertUnwindSafe;

use axum::{
    extract::{MatchedPath, Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use futures::FutureExt;
use http::{HeaderName, HeaderValue, StatusCode};
use tracing::Instrument;

use super::{
    Web,
    api::{self, ApiError},
    draw,
    error::WebError,
};
use crate::service::error::ServiceError;

/// The header that names the request.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The request's id: in the log, in the answer's header and on error pages.
#[derive(Debug, Clone)]
pub struct RequestId(pub String);

/// Names the request, limits its time, catches panics and logs it.
pub async fn around(State(web): State<Web>, mut request: Request, next: Next) -> Response {
    let id = web.app.ids.token(8);
    request.extensions_mut().insert(RequestId(id.clone()));
    let route = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned()).unwrap_or_default();
    let span = tracing::info_span!("request", id, method = %request.method(), route);
    let begun = web.app.clock.now();
    let within = web.options.answer_within;
    let program = api::is_for(request.uri().path());

    let answered =
        AssertUnwindSafe(tokio::time::timeout(within, next.run(request))).catch_unwind().instrument(span.clone()).await;
    let _entered = span.enter();
    let mut response = match answered {
        Ok(Ok(response)) => response,
        Ok(Err(_)) => {
            tracing::error!(after_secs = within.as_secs(), "a request took too long and was given up");
            match program {
                true => ApiError::Late.into_response(),
                false => drawn(&web, &id, WebError::status(StatusCode::GATEWAY_TIMEOUT)),
            }
        }
        Err(_) => {
            tracing::error!("a request ended in a panic");
            match program {
                true => ApiError::from(ServiceError::Internal).into_response(),
                false => drawn(&web, &id, WebError::from(ServiceError::Internal)),
            }
        }
    };
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    let status = response.status().as_u16();
    let duration_ms = web.app.clock.now().duration_since(begun).as_millis();
    tracing::debug!(status, duration_ms, "answered");
    response
}

/// The page of a failure, for nobody in particular.
fn drawn(web: &Web, id: &str, error: WebError) -> Response {
    draw::failed(&draw::bare(web), Some(id.to_owned()), None, error.into_response())
}
