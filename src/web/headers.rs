//! The headers every answer carries (ASVS 3.4).

use std::sync::LazyLock;

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

/// The policy of all but the few pages whose forms lead elsewhere; made once, for a webhook's answer carries it too.
static OWN: LazyLock<Option<HeaderValue>> = LazyLock::new(|| HeaderValue::from_str(&policy(&[])).ok());

/// Adds what is missing.
pub async fn secure(State(web): State<Web>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let targets = response.extensions_mut().remove::<FormTargets>().unwrap_or_default();
    let allowed = if targets.0.is_empty() { OWN.clone() } else { HeaderValue::from_str(&policy(&targets.0)).ok() };
    let headers = response.headers_mut();
    if let Some(allowed) = allowed {
        add(headers, header::CONTENT_SECURITY_POLICY, allowed);
    }
    let mut fixed = |name, value| add(headers, name, HeaderValue::from_static(value));
    fixed(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    fixed(header::REFERRER_POLICY, "same-origin");
    fixed(header::X_FRAME_OPTIONS, "DENY");
    fixed(HeaderName::from_static("cross-origin-opener-policy"), "same-origin");
    fixed(HeaderName::from_static("cross-origin-resource-policy"), "same-origin");
    fixed(HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), microphone=()");
    fixed(header::CACHE_CONTROL, "no-store");
    if web.options.https() {
        fixed(header::STRICT_TRANSPORT_SECURITY, "max-age=63072000; includeSubDomains");
    }
    response
}

/// Adds a header unless the answer has its own word on it.
fn add(headers: &mut HeaderMap, name: HeaderName, value: HeaderValue) {
    headers.entry(name).or_insert(value);
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
