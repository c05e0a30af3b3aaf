//! Errors on their way out: a status, and a page or a line without anything of the inside.

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};

use crate::{domain::view::failed::FailedKind, service::error::ServiceError};

/// What a handler that cannot answer returns. [`super::request::around`] draws the page, since it
/// alone knows the request's id.
#[derive(Debug, Clone)]
pub struct WebError {
    status: StatusCode,
    wait_secs: Option<u64>,
}

impl WebError {
    /// A bare status.
    pub fn status(status: StatusCode) -> Self {
        Self { status, wait_secs: None }
    }
}

impl From<ServiceError> for WebError {
    fn from(error: ServiceError) -> Self {
        let status = match &error {
            ServiceError::SignedOut => StatusCode::UNAUTHORIZED,
            ServiceError::Forbidden => StatusCode::FORBIDDEN,
            ServiceError::NotFound => StatusCode::NOT_FOUND,
            ServiceError::Invalid(_) => StatusCode::UNPROCESSABLE_ENTITY,
            ServiceError::Conflict => StatusCode::CONFLICT,
            ServiceError::TooMany { .. } => StatusCode::TOO_MANY_REQUESTS,
            ServiceError::Busy => StatusCode::SERVICE_UNAVAILABLE,
            ServiceError::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        };
        let wait_secs = match error {
            ServiceError::TooMany { wait_secs } => Some(wait_secs),
            ServiceError::Busy => Some(5),
            _ => None,
        };
        Self { status, wait_secs }
    }
}

/// Put into an answer's extensions: a page is to be drawn for it.
#[derive(Debug, Clone, Copy)]
pub struct Failed(pub StatusCode);

impl IntoResponse for WebError {
    fn into_response(self) -> Response {
        let mut response =
            (self.status, [(header::CONTENT_TYPE, "text/plain; charset=utf-8")], words(self.status)).into_response();
        if let Some(secs) = self.wait_secs {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(secs));
        }
        response.extensions_mut().insert(Failed(self.status));
        response
    }
}

/// One line for those who read no HTML.
fn words(status: StatusCode) -> &'static str {
    match status {
        StatusCode::UNAUTHORIZED => "Sign in first.\n",
        StatusCode::FORBIDDEN => "You may not do this.\n",
        StatusCode::NOT_FOUND => "There is no such page or record.\n",
        StatusCode::METHOD_NOT_ALLOWED => "This address takes another method.\n",
        StatusCode::CONFLICT => "The record has changed in the meantime. Open it again.\n",
        StatusCode::PAYLOAD_TOO_LARGE => "The body is too large.\n",
        StatusCode::UNSUPPORTED_MEDIA_TYPE => "Send the form as application/x-www-form-urlencoded.\n",
        StatusCode::UNPROCESSABLE_ENTITY => "Some entries need to be corrected.\n",
        StatusCode::TOO_MANY_REQUESTS => "Too many attempts. Wait, then try again.\n",
        StatusCode::SERVICE_UNAVAILABLE => "The server cannot do this right now. Try again in a moment.\n",
        StatusCode::GATEWAY_TIMEOUT => "This took too long. Wait a minute, then look what came of it.\n",
        status if status.is_client_error() => "The request cannot be understood.\n",
        _ => "Something went wrong on the server.\n",
    }
}

/// The page for a status.
pub fn kind(status: StatusCode) -> FailedKind {
    match status {
        StatusCode::UNAUTHORIZED => FailedKind::SignedOut,
        StatusCode::FORBIDDEN => FailedKind::Forbidden,
        StatusCode::NOT_FOUND => FailedKind::NotFound,
        StatusCode::CONFLICT => FailedKind::Conflict,
        StatusCode::TOO_MANY_REQUESTS => FailedKind::TooMany,
        StatusCode::SERVICE_UNAVAILABLE => FailedKind::Busy,
        StatusCode::GATEWAY_TIMEOUT => FailedKind::Slow,
        status if status.is_client_error() => FailedKind::Invalid,
        _ => FailedKind::Internal,
    }
}
