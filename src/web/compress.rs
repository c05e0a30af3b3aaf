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
/// Quick: the last few percent are not worth the time.
const LEVEL: u32 = 4;

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

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use axum::{Router, middleware::from_fn, routing::get};
    use tower::ServiceExt as _;

    use super::*;

    fn app() -> Router {
        let page = "<p>Linked incidents</p>".repeat(400);
        let html = move || async move { axum::response::Html(page) };
        Router::new()
            .route("/", get(html))
            .route("/short", get(|| async { axum::response::Html("<p>no</p>") }))
            .route("/list", get(|| async { "a,b\n".repeat(1_000) }))
            .layer(from_fn(pages))
    }

    async fn answer(path: &str, accepted: Option<&str>) -> (HeaderMap, Bytes) {
        let mut request = http::Request::get(path);
        if let Some(accepted) = accepted {
            request = request.header(header::ACCEPT_ENCODING, accepted);
        }
        let response = app().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        let (parts, body) = response.into_parts();
        (parts.headers, to_bytes(body, usize::MAX).await.unwrap())
    }

    #[tokio::test]
    async fn a_page_is_small_for_who_takes_it_so_and_whole_for_who_does_not() {
        let (_, plain) = answer("/", None).await;
        let (headers, small) = answer("/", Some("gzip, deflate, br")).await;
        assert_eq!(headers[header::CONTENT_ENCODING], "gzip");
        assert_eq!(headers[header::CONTENT_LENGTH], small.len().to_string().as_str());
        assert_eq!(headers[header::VARY], "accept-encoding");
        let mut again = Vec::new();
        flate2::read::GzDecoder::new(&small[..]).read_to_end(&mut again).unwrap();
        assert_eq!(again, plain);
        assert!(small.len() * 10 < plain.len());
    }

    #[tokio::test]
    async fn what_is_no_page_or_too_short_is_left_alone() {
        for (path, accepted) in [("/", "identity"), ("/", "gzip;q=0"), ("/short", "gzip"), ("/list", "gzip")] {
            let (headers, _) = answer(path, Some(accepted)).await;
            assert!(!headers.contains_key(header::CONTENT_ENCODING), "{path} for {accepted}");
        }
    }
}
