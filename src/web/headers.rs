//! The headers every answer carries (ASVS 3.4).

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use http::{HeaderMap, HeaderName, HeaderValue, header};

use super::Web;

/// Put into an answer's extensions: further places its forms may end up at by redirect (browsers hold
/// `form-action` against redirects too).
#[derive(Debug, Clone, Default)]
pub struct FormTargets(pub Vec<String>);

/// Adds what is missing.
pub async fn secure(State(web): State<Web>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let targets = response.extensions_mut().remove::<FormTargets>().unwrap_or_default();
    let headers = response.headers_mut();
    add(headers, header::CONTENT_SECURITY_POLICY, &policy(&targets.0));
    add(headers, header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    add(headers, header::REFERRER_POLICY, "same-origin");
    add(headers, header::X_FRAME_OPTIONS, "DENY");
    add(headers, HeaderName::from_static("cross-origin-opener-policy"), "same-origin");
    add(headers, HeaderName::from_static("cross-origin-resource-policy"), "same-origin");
    add(headers, HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), microphone=()");
    add(headers, header::CACHE_CONTROL, "no-store");
    if web.options.https() {
        add(headers, header::STRICT_TRANSPORT_SECURITY, "max-age=63072000; includeSubDomains");
    }
    response
}

/// Adds a header unless the answer has its own word on it.
fn add(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let (http::header::Entry::Vacant(entry), Ok(value)) = (headers.entry(name), HeaderValue::from_str(value)) {
        entry.insert(value);
    }
}

/// The content security policy of a page whose forms may also lead to these addresses.
pub fn policy(form_targets: &[String]) -> String {
    let mut text = String::from(
        "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' data:; \
         connect-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'",
    );
    for target in form_targets {
        // an origin, so no character that could end the directive
        if let Ok(url) = url::Url::parse(target)
            && url.origin().is_tuple()
        {
            text.push(' ');
            text.push_str(&url.origin().ascii_serialization());
        }
    }
    text
}
