//! The browser bundle: embedded, found by name, served under names that carry a content hash.
//!
//! `cargo xtask bundle` (part of every `make` target that needs it) writes the bundle to
//! `target/site`; `main.rs` alone compiles it into the binary, so that this library is built beside
//! the bundle instead of after it. Without it everything still builds and every page still works,
//! unstyled and without islands; [`missing`] says so.

use std::{borrow::Cow, collections::HashMap, sync::OnceLock};

use axum::{
    body::{Body, Bytes},
    extract::Request,
    response::Response,
};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use serde::Deserialize;

use crate::console::hydration::AssetTags;

/// Reads a file of the bundle by its path below `site-root` (`Leptos.toml`), such as `pkg/app.1f2e….css`.
pub type Site = fn(&str) -> Option<Cow<'static, [u8]>>;

static SITE: OnceLock<Site> = OnceLock::new();

/// Says where the bundle is. It counts before the first page alone, and the first one that is given.
pub fn embed(site: Site) {
    SITE.get_or_init(|| site);
}

/// What a person sees who built the server before the bundle.
pub const MISSING: &str = "this binary was built without the browser bundle, so pages have no style and no islands; \
     run `cargo xtask bundle` (or any `make` target), then build again";

const IMMUTABLE: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
/// For names without a content hash: keep, but ask each time.
const REVALIDATE: HeaderValue = HeaderValue::from_static("no-cache");

#[derive(Deserialize)]
struct Manifest {
    assets: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    name: String,
    file: String,
    content_type: String,
    sha256: String,
}

struct Asset {
    /// Address with the content hash, such as `/pkg/app.1f2e….css`.
    href: String,
    content_type: HeaderValue,
    /// Hash of the content, as it stands in the name of the entity.
    hash: String,
    identity: Bytes,
    gzip: Option<Bytes>,
    brotli: Option<Bytes>,
}

struct Table {
    assets: Vec<Asset>,
    /// Position by hashed file name and by plain name, and whether the name carries a hash.
    by_name: HashMap<String, (usize, bool)>,
}

/// Name of the folder in the address, from `Leptos.toml`.
pub fn pkg_dir() -> &'static str {
    &settings().pkg_dir
}

struct Settings {
    output_name: String,
    pkg_dir: String,
}

fn settings() -> &'static Settings {
    static SETTINGS: OnceLock<Settings> = OnceLock::new();
    SETTINGS.get_or_init(|| {
        let read = |key: &str, default: &str| {
            let file: toml::Table = include_str!("../../Leptos.toml").parse().unwrap_or_default();
            let leptos = file.get("package").and_then(|p| p.get("metadata")).and_then(|m| m.get("leptos"));
            leptos.and_then(|l| l.get(key)).and_then(|v| v.as_str()).unwrap_or(default).to_owned()
        };
        Settings { output_name: read("output-name", "halobridge"), pkg_dir: read("site-pkg-dir", "pkg") }
    })
}

fn embedded(path: &str) -> Option<Bytes> {
    SITE.get().and_then(|site| site(path)).map(|file| match file {
        Cow::Borrowed(bytes) => Bytes::from_static(bytes),
        Cow::Owned(bytes) => Bytes::from(bytes),
    })
}

fn table() -> &'static Table {
    static TABLE: OnceLock<Table> = OnceLock::new();
    TABLE.get_or_init(|| {
        let entries = embedded("manifest.json")
            .and_then(|bytes| serde_json::from_slice::<Manifest>(&bytes).ok())
            .map_or_else(Vec::new, |manifest| manifest.assets);
        let mut table = Table { assets: Vec::new(), by_name: HashMap::new() };
        for entry in entries {
            let path = format!("{}/{}", pkg_dir(), entry.file);
            let (Some(identity), Ok(content_type)) = (embedded(&path), HeaderValue::from_str(&entry.content_type))
            else {
                continue;
            };
            let position = table.assets.len();
            table.assets.push(Asset {
                href: format!("/{path}"),
                content_type,
                hash: entry.sha256.chars().take(32).collect(),
                identity,
                gzip: embedded(&format!("{path}.gz")),
                brotli: embedded(&format!("{path}.br")),
            });
            table.by_name.insert(entry.name, (position, false));
            table.by_name.insert(entry.file, (position, true));
        }
        table
    })
}

fn find(name: &str) -> Option<(&'static Asset, bool)> {
    let table = table();
    let (position, hashed) = *table.by_name.get(name)?;
    table.assets.get(position).map(|asset| (asset, hashed))
}

/// The address of an asset by its plain name, such as `app.css`; none if the bundle has no such one.
pub fn href(name: &str) -> Option<&'static str> {
    find(name).map(|(asset, _)| asset.href.as_str())
}

/// What is wrong if the binary was built before the bundle was made; the start prints it.
pub fn missing() -> Option<&'static str> {
    table().assets.is_empty().then_some(MISSING)
}

/// The addresses that go into every page's `<head>`.
pub fn tags() -> AssetTags {
    let name = &settings().output_name;
    AssetTags {
        style: href("app.css"),
        boot: href("boot.js"),
        script: href(&format!("{name}.js")),
        module: href(&format!("{name}.wasm")),
        icon: href("favicon.svg"),
        sprite: href("icons.svg"),
    }
}

/// The route under which the bundle is served.
pub fn routes<S: Clone + Send + Sync + 'static>() -> axum::Router<S> {
    axum::Router::new().route(&format!("/{}/{{*file}}", pkg_dir()), axum::routing::any(serve))
}

/// Serves one asset: GET and HEAD, the form the browser accepts, 304 for what it already has.
///
/// Names with a content hash may be kept for ever; plain names are served too and must be asked
/// for again each time.
pub async fn serve(request: Request) -> Response {
    let name = request.uri().path().rsplit('/').next().unwrap_or_default();
    let head = request.method() == Method::HEAD;
    if !head && request.method() != Method::GET {
        let mut response = text(StatusCode::METHOD_NOT_ALLOWED, "only GET and HEAD");
        response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
        return response;
    }
    let Some((asset, hashed)) = find(name) else {
        return text(StatusCode::NOT_FOUND, "no such file");
    };
    let (body, coding) = choose(asset, request.headers());
    let etag = format!("\"{}{}\"", asset.hash, coding.map_or_else(String::new, |c| format!("-{c}")));
    let fresh = holds(request.headers(), &etag);

    let mut response = Response::new(if head || fresh { Body::empty() } else { Body::from(body.clone()) });
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, if hashed { IMMUTABLE } else { REVALIDATE });
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if let Ok(etag) = HeaderValue::from_str(&etag) {
        headers.insert(header::ETAG, etag);
    }
    if fresh {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        return response;
    }
    headers.insert(header::CONTENT_TYPE, asset.content_type.clone());
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(body.len()));
    if let Some(coding) = coding {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(coding));
    }
    response
}

fn text(status: StatusCode, words: &'static str) -> Response {
    let mut response = Response::new(Body::from(words));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn choose<'a>(asset: &'a Asset, headers: &HeaderMap) -> (&'a Bytes, Option<&'static str>) {
    if let Some(bytes) = asset.brotli.as_ref().filter(|_| accepts(headers, "br")) {
        return (bytes, Some("br"));
    }
    if let Some(bytes) = asset.gzip.as_ref().filter(|_| accepts(headers, "gzip")) {
        return (bytes, Some("gzip"));
    }
    (&asset.identity, None)
}

/// Whether the browser takes `coding` (RFC 9110, 12.5.3): named with a weight above 0, or covered by `*`.
pub fn accepts(headers: &HeaderMap, coding: &str) -> bool {
    let lines = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|v| v.to_str().ok());
    let mut by_star = false;
    for item in lines.flat_map(|line| line.split(',')) {
        let mut parts = item.split(';').map(str::trim);
        let name = parts.next().unwrap_or_default();
        let weight = parts.find_map(|p| p.strip_prefix("q=")).and_then(|q| q.parse::<f32>().ok()).unwrap_or(1.0);
        if name.eq_ignore_ascii_case(coding) {
            return weight > 0.0;
        }
        by_star |= name == "*" && weight > 0.0;
    }
    by_star
}

fn holds(headers: &HeaderMap, etag: &str) -> bool {
    let lines = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|v| v.to_str().ok());
    lines
        .flat_map(|line| line.split(','))
        .map(str::trim)
        .any(|known| known == "*" || known.trim_start_matches("W/") == etag)
}
