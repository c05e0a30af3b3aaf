//! Webhooks in. Verified, stored durably, acknowledged with 202; the engine does the rest.
//!
//! No page's guard applies here: the secret is the proof, and no cookie is looked at.

use axum::{
    body::{Body, to_bytes},
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, StatusCode, header};

use super::Web;
use crate::service::intake::{self, BODY_MAX, Receipt};

/// `POST /hooks/sentinel/{workspace}`
pub async fn sentinel(
    State(web): State<Web>,
    Path(workspace): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    // the secret stands in a header: a stranger's body is not kept in memory
    let door = match intake::sentinel_door(&web.app, &workspace, &headers).await {
        Ok(door) => door,
        Err(refused) => return answer(refused),
    };
    match to_bytes(body, BODY_MAX).await {
        Ok(bytes) => answer(intake::take(&web.app, door, bytes).await),
        Err(_) => answer(intake::too_large(&web.app, Some(door))),
    }
}

/// `POST /hooks/halo/{connection}`
pub async fn halo(State(web): State<Web>, Path(connection): Path<String>, headers: HeaderMap, body: Body) -> Response {
    let Ok(bytes) = to_bytes(body, BODY_MAX).await else {
        return answer(intake::too_large(&web.app, None));
    };
    match intake::halo_door(&web.app, &connection, &headers, &bytes).await {
        Ok(door) => answer(intake::take(&web.app, door, bytes).await),
        Err(refused) => answer(refused),
    }
}

fn answer(receipt: Receipt) -> Response {
    let (status, words) = match receipt {
        Receipt::Stored => (StatusCode::ACCEPTED, "stored\n"),
        Receipt::Refused => (StatusCode::UNAUTHORIZED, "unknown address or wrong secret\n"),
        Receipt::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "a body of at most 2 MiB is taken\n"),
        Receipt::NotStored => (StatusCode::SERVICE_UNAVAILABLE, "cannot be stored now, send it again later\n"),
    };
    let mut response = (status, [(header::CONTENT_TYPE, "text/plain; charset=utf-8")], words).into_response();
    let extra = match receipt {
        Receipt::Refused => Some((header::WWW_AUTHENTICATE, "Bearer")),
        Receipt::NotStored => Some((header::RETRY_AFTER, "10")),
        _ => None,
    };
    if let Some((name, value)) = extra {
        response.headers_mut().insert(name, http::HeaderValue::from_static(value));
    }
    response
}
