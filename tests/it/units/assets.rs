//! The bundle as it is served.

use axum::{body::Body, response::Response};
use halobridge::{
    console::hydration::AssetTags,
    web::assets::{MISSING, embed, missing, serve, tags},
};
use http::{Method, StatusCode, header};

use crate::support::bundle;

async fn ask(method: Method, path: &str, headers: &[(header::HeaderName, &str)]) -> Response {
    let mut request = http::Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(name, *value);
    }
    serve(request.body(Body::empty()).unwrap()).await
}

async fn body(response: Response) -> Vec<u8> {
    axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap().to_vec()
}

fn header(response: &Response, name: header::HeaderName) -> &str {
    response.headers().get(name).map_or("", |v| v.to_str().unwrap())
}

/// The bundle is made before the tests run (`make test`); say so rather than test nothing.
fn script() -> &'static str {
    embed(bundle);
    assert!(missing().is_none(), "{}", MISSING);
    tags().script.expect("the bundle has a script")
}

#[test]
fn the_embedded_folder_is_the_one_of_leptos_toml() {
    let file: toml::Table = include_str!("../../../Leptos.toml").parse().unwrap();
    assert_eq!(file["package"]["metadata"]["leptos"]["site-root"].as_str(), Some("target/site"));
    assert!(include_str!("../../../src/main.rs").contains("#[folder = \"target/site\"]"));
}

#[test]
fn all_head_assets_are_there() {
    script();
    let AssetTags { style, boot, script, module, icon, sprite } = tags();
    for (name, address) in
        [("style", style), ("boot", boot), ("script", script), ("module", module), ("icon", icon), ("sprite", sprite)]
    {
        let address = address.unwrap_or_else(|| panic!("{name} is missing"));
        assert!(address.starts_with("/pkg/"), "{name}: {address}");
    }
}

#[tokio::test]
async fn a_hashed_name_is_kept_for_ever() {
    let response = ask(Method::GET, script(), &[]).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(header(&response, header::CACHE_CONTROL), "public, max-age=31536000, immutable");
    assert_eq!(header(&response, header::CONTENT_TYPE), "text/javascript; charset=utf-8");
    assert_eq!(header(&response, header::CONTENT_ENCODING), "");
    assert_eq!(header(&response, header::VARY), "accept-encoding");
}

#[tokio::test]
async fn the_plain_name_is_served_and_asked_for_again() {
    script();
    let response = ask(Method::GET, "/pkg/boot.js", &[]).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(header(&response, header::CACHE_CONTROL), "no-cache");
}

#[tokio::test]
async fn the_best_accepted_form_is_sent() {
    let cases = [
        ("gzip, deflate, br, zstd", "br"),
        ("gzip", "gzip"),
        ("br;q=0, gzip;q=0.5", "gzip"),
        ("*", "br"),
        ("*;q=0", ""),
        ("identity", ""),
        ("GZIP", "gzip"),
    ];
    let plain = body(ask(Method::GET, script(), &[]).await).await;
    for (accepted, coding) in cases {
        let response = ask(Method::GET, script(), &[(header::ACCEPT_ENCODING, accepted)]).await;
        assert_eq!(header(&response, header::CONTENT_ENCODING), coding, "{accepted}");
        let length = header(&response, header::CONTENT_LENGTH).parse::<usize>().unwrap();
        let sent = body(response).await;
        assert_eq!(sent.len(), length, "{accepted}");
        assert_eq!(coding.is_empty(), sent == plain, "{accepted}");
    }
}

#[tokio::test]
async fn what_the_browser_has_is_not_sent_again() {
    let first = ask(Method::GET, script(), &[(header::ACCEPT_ENCODING, "br")]).await;
    let etag = header(&first, header::ETAG).to_owned();
    let br = [(header::ACCEPT_ENCODING, "br"), (header::IF_NONE_MATCH, etag.as_str())];
    let again = ask(Method::GET, script(), &br).await;
    assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
    assert!(body(again).await.is_empty());
    // The plain form is another entity.
    let plain = ask(Method::GET, script(), &[(header::IF_NONE_MATCH, etag.as_str())]).await;
    assert_eq!(plain.status(), StatusCode::OK);
}

#[tokio::test]
async fn head_sends_the_length_and_no_body() {
    let response = ask(Method::HEAD, script(), &[]).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert!(header(&response, header::CONTENT_LENGTH).parse::<usize>().unwrap() > 0);
    assert!(body(response).await.is_empty());
}

#[tokio::test]
async fn nothing_else_is_served() {
    for path in ["/pkg/manifest.json", "/pkg/../manifest.json", "/pkg/", "/pkg/app.css.br", "/pkg/%2e%2e/x"] {
        assert_eq!(ask(Method::GET, path, &[]).await.status(), StatusCode::NOT_FOUND, "{path}");
    }
    assert_eq!(ask(Method::POST, script(), &[]).await.status(), StatusCode::METHOD_NOT_ALLOWED);
}
