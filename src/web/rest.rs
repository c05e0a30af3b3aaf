//! What a request was answered before: the rest of its body is read on and thrown away, within bounds.
//!
//! A refusal often comes while the sender still writes. If the connection were closed then, most clients would report
//! a broken pipe and never read the answer. So the answer goes out at once, and the rest is taken in beside it.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    body::{Body, BodyDataStream, Bytes, HttpBody as _},
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use futures::{Stream, StreamExt as _};
use http::header;
use tokio_util::sync::CancellationToken;

use super::Web;

/// So much is thrown away at most; whoever sends more sees a closed connection.
const BYTES_MAX: usize = 64 * 1024 * 1024;
/// So long it is waited for at most.
const WITHIN: Duration = Duration::from_secs(20);

/// Where a body is left that nobody read to its end.
type Left = Arc<Mutex<Option<BodyDataStream>>>;

/// A body on loan.
struct Lent {
    body: Option<BodyDataStream>,
    left: Left,
    /// It is worth reading on although nobody began: its sender did not say that it waits to be asked for it.
    unasked: bool,
}

impl Stream for Lent {
    type Item = Result<Bytes, axum::Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.unasked = true;
        let Some(body) = self.body.as_mut() else { return Poll::Ready(None) };
        let polled = body.poll_next_unpin(context);
        if matches!(polled, Poll::Ready(None | Some(Err(_)))) {
            self.body = None;
        }
        polled
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        if self.unasked {
            *self.left.lock().unwrap_or_else(PoisonError::into_inner) = self.body.take();
        }
    }
}

/// Answers, and reads on beside it what of the body was left.
pub async fn read_on(State(web): State<Web>, request: Request, next: Next) -> Response {
    if request.body().is_end_stream() {
        return next.run(request).await;
    }
    let left = Left::default();
    let unasked = !request.headers().contains_key(header::EXPECT);
    let lent_to = Arc::clone(&left);
    let request =
        request.map(|body| Body::from_stream(Lent { body: Some(body.into_data_stream()), left: lent_to, unasked }));
    let answer = next.run(request).await;
    let rest = left.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(rest) = rest {
        web.options.under_way.spawn(throw_away(rest, web.options.closing.clone()));
    }
    answer
}

/// Reads to the end, to a bound, or until the server stops.
async fn throw_away(mut rest: BodyDataStream, closing: CancellationToken) {
    let all = async {
        let mut seen = 0_usize;
        while let Some(Ok(part)) = rest.next().await {
            seen = seen.saturating_add(part.len());
            if seen > BYTES_MAX {
                break;
            }
        }
    };
    tokio::select! {
        () = closing.cancelled() => {}
        _ = tokio::time::timeout(WITHIN, all) => {}
    }
}
