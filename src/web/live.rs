//! `GET /events`: hints that something changed, as server-sent events. What changed is asked for as a
//! fragment of the page, so no event carries a customer's data.

use std::{collections::BTreeSet, convert::Infallible, time::Duration};

use axum::{
    extract::State,
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
};
use futures::stream;
use http::HeaderMap;
use tokio::sync::{OwnedSemaphorePermit, watch};
use tower_sessions::Session;

use super::{Web, error::WebError, reader::Signed, session};
use crate::{
    domain::{ids::PairId, view::query},
    service::{caller::Caller, error::ServiceError, import_mode::errand, live, set_up},
};

/// Open streams in all; each browser tab has one.
pub const STREAMS_MAX: usize = 2000;
/// Two messages of a stream are at least this far apart: a busy hour makes hints, not a flood.
const APART: Duration = Duration::from_millis(200);
/// Beside the pairs: an errand at several workspaces is a step further.
const ERRAND: &str = "errand";
/// A stream proves again that its person is signed in at least this often.
const PROVE_EVERY: Duration = Duration::from_secs(15);

struct Stream {
    web: Web,
    session: Session,
    caller: Caller,
    after: i64,
    changed: watch::Receiver<i64>,
    ended: watch::Receiver<u64>,
    errands: watch::Receiver<u64>,
    first: bool,
    sent: bool,
    _place: OwnedSemaphorePermit,
}

/// Answers with events after `Last-Event-ID`, else after `?after=N`, else from now on.
pub async fn events(State(web): State<Web>, signed: Signed, headers: HeaderMap) -> Result<Response, WebError> {
    let place = web.streams.clone().try_acquire_owned().map_err(|_| ServiceError::Busy)?;
    // subscribed before the first look: nothing falls between
    let changed = web.app.engine.changed();
    let ended = web.app.ended();
    let errands = errand::steps(&web.app);
    let newest = live::newest(&web.app).await?;
    let resumed = headers.get("last-event-id").and_then(|id| id.to_str().ok()).and_then(|id| id.trim().parse().ok());
    let asked = query::value(&signed.reader.query, "after").parse().ok();
    let after = resumed.or(asked).unwrap_or(newest).clamp(0, newest.max(0));
    let stream = Stream {
        session: signed.reader.session,
        caller: signed.caller,
        after,
        changed,
        ended,
        errands,
        first: true,
        sent: false,
        web,
        _place: place,
    };
    let events = Sse::new(stream::unfold(stream, next)).keep_alive(KeepAlive::new().interval(Duration::from_secs(15)));
    Ok(([("x-accel-buffering", "no")], events).into_response())
}

#[expect(clippy::disallowed_methods, reason = "a stream paces its messages by the wall clock, as its reader does")]
async fn next(mut stream: Stream) -> Option<(Result<Event, Infallible>, Stream)> {
    let closing = stream.web.options.closing.clone();
    loop {
        let mut stepped = false;
        if stream.first {
            stream.first = false;
        } else {
            tokio::select! {
                // the engine may be gone while the server still stands; then only time goes on
                moved = stream.changed.changed() => if moved.is_err() { tokio::time::sleep(PROVE_EVERY).await },
                _ = stream.ended.changed() => {}
                _ = stream.errands.changed() => stepped = true,
                () = tokio::time::sleep(PROVE_EVERY) => {}
                () = closing.cancelled() => return None,
            }
            if stream.sent {
                tokio::time::sleep(APART).await;
                stream.sent = false;
            }
            stream.caller = still_signed_in(&stream).await?;
        }
        stream.changed.mark_unchanged();
        let (newest, pairs) = hints(&mut stream).await?;
        // An errand is shown to those who may set up.
        let stepped = stepped && set_up::allowed(&stream.caller).is_ok();
        if stepped || pairs.is_some() {
            stream.sent = true;
            let pairs = pairs.unwrap_or_default();
            let errand = stepped.then(|| ERRAND.to_owned());
            let data: Vec<String> = pairs.iter().map(ToString::to_string).chain(errand).collect();
            let event = Event::default().id(newest.to_string()).data(data.join(" "));
            return Some((Ok(event), stream));
        }
    }
}

async fn still_signed_in(stream: &Stream) -> Option<Caller> {
    stream.session.load().await.ok()?;
    let person = session::person(&stream.web, &stream.session, false).await.ok()??;
    Some(person.caller)
}

/// The newest number looked at and, when there is something for this caller, the pairs it concerns.
async fn hints(stream: &mut Stream) -> Option<(i64, Option<BTreeSet<PairId>>)> {
    let mut pairs = BTreeSet::new();
    let mut any = false;
    loop {
        let changes = live::changes(&stream.web.app, &stream.caller, stream.after).await.ok()?;
        any |= !changes.hints.is_empty();
        pairs.extend(changes.hints.into_iter().flatten());
        let moved = changes.newest > stream.after;
        stream.after = stream.after.max(changes.newest);
        if !changes.more || !moved {
            return Some((stream.after, any.then_some(pairs)));
        }
    }
}
