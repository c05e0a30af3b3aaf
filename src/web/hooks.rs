//! Webhooks in. Verified, stored durably, acknowledged with 202; the engine does the rest.
//!
//! No page's guard applies here: the secret is the proof, and no cookie is looked at.

use axum::{
    body::{Body, Bytes},
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use futures::StreamExt as _;
use http::{HeaderMap, StatusCode, header};
use tokio::sync::{Semaphore, SemaphorePermit};

use super::Web;
use crate::service::intake::{self, BODY_MAX, Knock, Receipt};

/// Bytes of unfinished bodies that are held at a time, for all senders together.
const PROVEN_MAX: usize = 128 * 1024 * 1024;
/// The same for those whose signature can only be looked at when the body is there: anybody may send such.
const SIGNED_MAX: usize = 32 * 1024 * 1024;

/// Room for the bodies that are being received.
pub struct Room {
    proven: Semaphore,
    signed: Semaphore,
}

impl Default for Room {
    fn default() -> Self {
        Self { proven: Semaphore::new(PROVEN_MAX), signed: Semaphore::new(SIGNED_MAX) }
    }
}

/// Why a body was not taken in.
enum Unread {
    /// It is too large.
    TooLarge,
    /// Its sender gave up before it was whole.
    BrokeOff,
    /// Too much is being received just now.
    NoRoom,
}

/// A body and the room that it takes up.
struct Held<'a> {
    bytes: Bytes,
    _room: Option<SemaphorePermit<'a>>,
}

/// Reads a body of at most [`BODY_MAX`] bytes; takes up room as they come.
async fn read(body: Body, room: &Semaphore) -> Result<Held<'_>, Unread> {
    let mut parts = body.into_data_stream();
    let mut bytes = Vec::new();
    let mut taken: Option<SemaphorePermit<'_>> = None;
    while let Some(part) = parts.next().await {
        let part = part.map_err(|_| Unread::BrokeOff)?;
        if bytes.len() + part.len() > BODY_MAX {
            return Err(Unread::TooLarge);
        }
        let weight = u32::try_from(part.len()).map_err(|_| Unread::TooLarge)?;
        let more = room.try_acquire_many(weight).map_err(|_| Unread::NoRoom)?;
        match &mut taken {
            Some(taken) => taken.merge(more),
            None => taken = Some(more),
        }
        bytes.extend_from_slice(&part);
    }
    Ok(Held { bytes: Bytes::from(bytes), _room: taken })
}

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
    answer(proven(&web, door, body).await)
}

/// `POST /hooks/halo/{connection}`
pub async fn halo(State(web): State<Web>, Path(connection): Path<String>, headers: HeaderMap, body: Body) -> Response {
    match intake::halo_knock(&web.app, &connection, &headers).await {
        Ok(Knock::Proven(door)) => return answer(proven(&web, door, body).await),
        Ok(Knock::MayBeSigned) => {}
        Err(refused) => return answer(refused),
    }
    let held = match read(body, &web.room.signed).await {
        Ok(held) => held,
        Err(Unread::TooLarge) => return answer(intake::too_large(&web.app, None)),
        Err(Unread::BrokeOff) => return answer(intake::broke_off(&web.app)),
        Err(Unread::NoRoom) => return answer(intake::no_room(&web.app)),
    };
    match intake::halo_door(&web.app, &connection, &headers, &held.bytes).await {
        Ok(door) => answer(intake::take(&web.app, door, held.bytes.clone()).await),
        Err(refused) => answer(refused),
    }
}

/// Reads and keeps the body of a proven sender.
async fn proven(web: &Web, door: intake::Door, body: Body) -> Receipt {
    match read(body, &web.room.proven).await {
        Ok(held) => intake::take(&web.app, door, held.bytes.clone()).await,
        Err(Unread::TooLarge) => intake::too_large(&web.app, Some(door)),
        Err(Unread::BrokeOff) => intake::broke_off(&web.app),
        Err(Unread::NoRoom) => intake::no_room(&web.app),
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
