//! The twin behind HTTP: one address for every side, and the pump that sends deliveries.

use std::{collections::HashMap, future::Future, sync::Arc, time::Duration};

use axum::serve::ListenerExt as _;
use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    response::Response,
};
use bytes::Bytes;
use futures::{StreamExt as _, stream};
use http_body_util::BodyExt;
use tokio::{net::TcpListener, sync::mpsc};

use super::{
    Twin, latency,
    transport::call_of,
    wire::Outgoing,
    world::{Answer, Fate},
};
use crate::outbound::Transport;

/// The largest request body read.
const BODY_MAX: usize = 32 * 1024 * 1024;

/// How often the pump looks for something to send.
const PUMP_EVERY: Duration = Duration::from_millis(50);

/// How long a half body has to be on its way before the connection is cut, in milliseconds: what is only
/// buffered when the body fails is never sent.
const HALF_MS: u64 = 50;

/// A router that answers everything.
pub fn router(twin: Twin) -> Router {
    Router::new().fallback(answer).with_state(twin)
}

/// Serves until `stop`, then lets running answers finish.
///
/// # Errors
/// When the socket fails.
#[expect(clippy::disallowed_methods, reason = "the pump ends with the server")]
pub async fn serve(
    listener: TcpListener,
    twin: Twin,
    out: Arc<dyn Transport>,
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let pump = tokio::spawn(pump(twin.clone(), out));
    let listener = listener.tap_io(|connection| {
        // A connection that keeps its delay is only slower.
        let _ = connection.set_nodelay(true);
    });
    let served = axum::serve(listener, router(twin)).with_graceful_shutdown(stop).await;
    pump.abort();
    served
}

async fn answer(State(twin): State<Twin>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let limited = http_body_util::Limited::new(body, BODY_MAX);
    let bytes = match limited.collect().await {
        Ok(collected) => collected.to_bytes(),
        Err(_) => return plain(413),
    };
    let call = call_of(&http::Request::from_parts(parts, bytes));
    let Answer { reply, delay_ms, fate } = twin.handle(call);
    latency::pass(delay_ms).await;
    if matches!(fate, Fate::Cut | Fate::Lost) {
        return broken(200, None, &[]);
    }
    if fate == Fate::Half {
        let half = reply.body.slice(..reply.body.len() / 2);
        return broken(reply.status, Some((half, reply.body.len())), &reply.headers);
    }
    let mut response = Response::builder().status(reply.status);
    for (name, value) in &reply.headers {
        response = response.header(name, value);
    }
    response.body(Body::from(reply.body)).unwrap_or_else(|_| plain(500))
}

fn plain(status: u16) -> Response {
    let mut response = Response::new(Body::empty());
    if let Ok(status) = http::StatusCode::from_u16(status) {
        *response.status_mut() = status;
    }
    response
}

/// An answer whose body fails: the server closes the connection. With no part of a body it fails
/// before a byte was written, so that the caller sees a connection closed without an answer; with a
/// part it fails when head and part are written.
fn broken(status: u16, part: Option<(Bytes, usize)>, headers: &[(String, String)]) -> Response {
    let cut = || std::io::Error::new(std::io::ErrorKind::ConnectionAborted, "cut on purpose");
    let mut response = Response::builder().status(status);
    let body = match part {
        Some((half, length)) => {
            for (name, value) in headers {
                response = response.header(name, value);
            }
            response = response.header("content-length", length);
            let end = stream::once(async move {
                latency::pass(HALF_MS).await;
                Err(cut())
            });
            Body::from_stream(stream::once(std::future::ready(Ok(half))).chain(end))
        }
        None => Body::from_stream(stream::once(std::future::ready(Err::<Bytes, _>(cut())))),
    };
    response.body(body).unwrap_or_else(|_| plain(500))
}

/// Sends what is due: a logic app's each by itself, so that a slow receiver holds up no other; Halo's webhooks one
/// by one for each address, in order (Halo sheet 6.1).
#[expect(clippy::disallowed_methods, reason = "a delivery is nobody's to wait for")]
async fn pump(twin: Twin, out: Arc<dyn Transport>) {
    let mut every = tokio::time::interval(PUMP_EVERY);
    every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut lanes: HashMap<String, mpsc::UnboundedSender<Outgoing>> = HashMap::new();
    loop {
        every.tick().await;
        for one in twin.due_outgoing() {
            if one.kind != "halo-webhook" {
                tokio::spawn(deliver(twin.clone(), out.clone(), one));
                continue;
            }
            let lane = lanes.entry(one.url.clone()).or_insert_with(|| {
                let (lane, waiting) = mpsc::unbounded_channel();
                tokio::spawn(one_by_one(twin.clone(), out.clone(), waiting));
                lane
            });
            // The other end is open as long as this one is.
            let _ = lane.send(one);
        }
    }
}

/// Sends one delivery after the other until the pump ends.
async fn one_by_one(twin: Twin, out: Arc<dyn Transport>, mut waiting: mpsc::UnboundedReceiver<Outgoing>) {
    while let Some(one) = waiting.recv().await {
        deliver(twin.clone(), out.clone(), one).await;
    }
}

async fn deliver(twin: Twin, out: Arc<dyn Transport>, one: Outgoing) {
    let mut request = http::Request::builder().method(one.method.as_str()).uri(&one.url);
    for (name, value) in &one.headers {
        request = request.header(name, value);
    }
    let status = match request.body(one.body.clone()) {
        Ok(request) => out.send(request).await.ok().map(|response| response.status().as_u16()),
        Err(_) => None,
    };
    twin.delivered(one, status);
}
