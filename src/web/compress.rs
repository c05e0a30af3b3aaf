//! Pages go out compressed: markup shrinks to a tenth, and a console is often read over a slow tunnel.
//!
//! Only whole HTML answers: the bundle is compressed when it is built, and streams (events, lists as files)
//! must not be held back. No page carries a secret that a guess in its address could be measured against:
//! forms are guarded by their origin, and the session is a cookie.

use std::io::Write as _;

use axum::{
    body::{Body, Bytes, to_bytes},
    extract::Request,
    middleware::Next,
    response::Response,
};
use flate2::{Compression, write::GzEncoder};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};

use super::assets::accepts;

/// Less than this fits one packet either way.
const WORTH_BYTES: usize = 1_000;
/// Quick: a page is made for one reader, and level 4 would make it smaller by a twentieth alone.
const LEVEL: u32 = 2;

/// Compresses a page for a browser that takes gzip.
pub async fn pages(request: Request, next: Next) -> Response {
    let takes = request.method() != Method::HEAD && accepts(request.headers(), "gzip");
    let response = next.run(request).await;
    if !is_page(response.headers()) {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    parts.headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    if !takes {
        return Response::from_parts(parts, body);
    }
    let Ok(plain) = to_bytes(body, usize::MAX).await else {
        let mut broken = Response::new(Body::empty());
        *broken.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
        return broken;
    };
    let body = match gzip(&plain) {
        Some(small) => {
            parts.headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            parts.headers.insert(header::CONTENT_LENGTH, HeaderValue::from(small.len()));
            small
        }
        None => plain,
    };
    Response::from_parts(parts, Body::from(body))
}

fn is_page(headers: &HeaderMap) -> bool {
    let html = headers.get(header::CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
    html && !headers.contains_key(header::CONTENT_ENCODING)
}

/// `None` where it is not worth it.
fn gzip(plain: &[u8]) -> Option<Bytes> {
    if plain.len() < WORTH_BYTES {
        return None;
    }
    let mut encoder = GzEncoder::new(Vec::with_capacity(plain.len() / 6), Compression::new(LEVEL));
    encoder.write_all(plain).ok()?;
    let small = encoder.finish().ok()?;
    (small.len() < plain.len()).then(|| Bytes::from(small))
}
