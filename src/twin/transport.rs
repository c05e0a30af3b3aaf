//! The twin as the product's own `Transport`, in the same process: no sockets.

use bytes::Bytes;

use super::{
    Twin, latency,
    wire::Call,
    world::{Answer, Fate},
};
use crate::outbound::{BoxFuture, Transport, TransportError};

/// Sends every request to a twin, whatever the host: the path decides the side.
#[derive(Clone)]
pub struct TwinTransport {
    twin: Twin,
}

impl TwinTransport {
    /// A way to this twin.
    pub fn new(twin: Twin) -> Self {
        Self { twin }
    }
}

impl Transport for TwinTransport {
    fn send(&self, request: http::Request<Bytes>) -> BoxFuture<'_, Result<http::Response<Bytes>, TransportError>> {
        Box::pin(async move {
            let call = call_of(&request);
            let Answer { reply, delay_ms, fate } = self.twin.handle(call);
            latency::pass(delay_ms).await;
            match fate {
                Fate::Whole => {}
                Fate::Cut => return Err(TransportError::NoAnswer("the connection was cut".into())),
                Fate::Lost => return Err(TransportError::NoAnswer("the connection was cut before the answer".into())),
                Fate::Half => return Err(TransportError::NoAnswer("the connection was cut within the answer".into())),
            }
            let mut response = http::Response::builder().status(reply.status);
            for (name, value) in &reply.headers {
                response = response.header(name, value);
            }
            response.body(reply.body).map_err(|error| TransportError::NoAnswer(error.to_string()))
        })
    }
}

/// A request as the twin reads it.
pub fn call_of(request: &http::Request<Bytes>) -> Call {
    let uri = request.uri();
    let header = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    // Behind something that ends TLS (Microsoft's sign-in libraries insist on https) links say so too.
    let scheme = header("x-forwarded-proto").or_else(|| uri.scheme_str().map(str::to_owned)).unwrap_or("http".into());
    let host = uri
        .authority()
        .map(|authority| authority.as_str().to_owned())
        .or_else(|| header("x-forwarded-host").or_else(|| header("host")))
        .unwrap_or_else(|| "localhost".into());
    Call {
        method: request.method().as_str().to_uppercase(),
        path: percent_encoding::percent_decode_str(uri.path()).decode_utf8_lossy().into_owned(),
        query: query_pairs(uri.query().unwrap_or("")),
        headers: request
            .headers()
            .iter()
            .map(|(name, value)| (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
            .collect(),
        body: request.body().clone(),
        origin: format!("{scheme}://{host}"),
        base: String::new(),
    }
}

/// Decoded pairs of a query; `+` is a space, as in forms.
pub fn query_pairs(query: &str) -> Vec<(String, String)> {
    url::form_urlencoded::parse(query.as_bytes()).into_owned().collect()
}
