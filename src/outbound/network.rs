//! The network behind [`Transport`]: the only user of reqwest.
//!
//! No redirects, no proxies from the environment beyond the usual variables, gzip, TLS by rustls
//! with ring and the system's certificates. One connection's calls share one pool; with a server that
//! closes its connections without saying so, each call has a connection of its own for a while.

use std::{
    error::Error,
    net::{IpAddr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use http::{HeaderValue, Method, header::CONTENT_LENGTH};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::{BoxFuture, Transport, TransportError, exchange::BODY_MAX, url_policy};

/// Seconds until a connection must stand.
const CONNECT_SECS: u64 = 10;
/// Seconds until the whole answer must be here.
const WHOLE_SECS: u64 = 60;

/// Calls that go without the pool after a connection out of it turned out to be dead.
const OWN_CONNECTIONS: u32 = 1_000;

/// The network.
pub struct Network {
    client: reqwest::Client,
    /// The same without a pool.
    unpooled: reqwest::Client,
    /// Calls that are still to go without the pool.
    own_connections: AtomicU32,
    allow_insecure: bool,
    body_max: usize,
}

/// The network could not be set up (no usable certificates, for example).
#[derive(Debug, thiserror::Error)]
#[error("secure connections can't be set up ({0}). Install the system's CA certificates (package ca-certificates).")]
pub struct NoNetwork(String);

impl Network {
    /// A way out. `allow_insecure` is the connection's: http and private hosts are then allowed.
    ///
    /// # Errors
    /// The TLS side can't be set up.
    pub fn new(allow_insecure: bool) -> Result<Self, NoNetwork> {
        // A second call finds the provider installed already, which is what is wanted.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = |idle_max: usize| {
            let mut builder = reqwest::Client::builder()
                .redirect(reqwest::redirect::Policy::none())
                .connect_timeout(Duration::from_secs(CONNECT_SECS))
                .timeout(Duration::from_secs(WHOLE_SECS))
                .pool_idle_timeout(Duration::from_secs(55))
                .pool_max_idle_per_host(idle_max)
                // A repeat is the engine's decision alone: only it knows whether a write may be repeated.
                .retry(reqwest::retry::never())
                .user_agent(concat!("halobridge/", env!("CARGO_PKG_VERSION")))
                .gzip(true);
            if !allow_insecure {
                builder = builder.https_only(true).dns_resolver(Arc::new(PublicOnly));
            }
            builder.build().map_err(|error| NoNetwork(chain(&error)))
        };
        let (client, unpooled) = (client(usize::MAX)?, client(0)?);
        Ok(Self { client, unpooled, own_connections: AtomicU32::new(0), allow_insecure, body_max: BODY_MAX })
    }

    /// The client for the next call.
    fn client(&self) -> &reqwest::Client {
        let left = self.own_connections.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
        if left.is_ok() { &self.unpooled } else { &self.client }
    }

    async fn exchange(&self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>, TransportError> {
        let address = request.uri().to_string();
        url_policy::check("The address", &address, self.allow_insecure)
            .map_err(|refused| TransportError::Refused(refused.to_string()))?;
        let (mut parts, body) = request.into_parts();
        // Nothing says of itself how long it is, and Azure refuses (411) a `POST` that does not say it.
        if body.is_empty() && matches!(parts.method, Method::POST | Method::PUT | Method::PATCH) {
            parts.headers.entry(CONTENT_LENGTH).or_insert(HeaderValue::from_static("0"));
        }
        let mut outgoing = self.client().request(parts.method, &address).headers(parts.headers);
        if !body.is_empty() {
            outgoing = outgoing.body(body);
        }
        let mut response = outgoing.send().await.map_err(|error| {
            if error.is_request() && !error.is_connect() && !error.is_timeout() {
                // The server may have closed a pooled connection just then, and may do so with each one.
                self.own_connections.store(OWN_CONNECTIONS, Ordering::Relaxed);
            }
            sort(&error)
        })?;
        let mut answer = http::Response::builder().status(response.status());
        if let Some(headers) = answer.headers_mut() {
            *headers = std::mem::take(response.headers_mut());
        }
        let mut whole = BytesMut::new();
        loop {
            match response.chunk().await {
                Ok(Some(chunk)) if whole.len() + chunk.len() > self.body_max => {
                    let text = format!("the answer is larger than {} MiB", self.body_max >> 20);
                    return Err(TransportError::TooMuch(text));
                }
                Ok(Some(chunk)) => whole.extend_from_slice(&chunk),
                Ok(None) => break,
                Err(error) if error.is_timeout() => {
                    return Err(TransportError::TooMuch(format!("the answer did not end within {WHOLE_SECS} s")));
                }
                Err(error) => return Err(TransportError::NoAnswer(reason(&error))),
            }
        }
        answer.body(whole.freeze()).map_err(|error| TransportError::NoAnswer(error.to_string()))
    }
}

impl Transport for Network {
    fn send(&self, request: http::Request<Bytes>) -> BoxFuture<'_, Result<http::Response<Bytes>, TransportError>> {
        Box::pin(self.exchange(request))
    }
}

/// Before a connection stands nothing can have been sent; afterwards anything may have been.
fn sort(error: &reqwest::Error) -> TransportError {
    if let Some(refused) = find::<NotPublic>(error) {
        return TransportError::Refused(refused.to_string());
    }
    if error.is_connect() || error.is_builder() {
        TransportError::NotSent(reason(error))
    } else if error.is_timeout() {
        TransportError::TooSlow(reason(error))
    } else {
        TransportError::NoAnswer(reason(error))
    }
}

/// The innermost cause, in short; reqwest's own text would repeat the whole address.
fn reason(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return if error.is_connect() {
            format!("no connection within {CONNECT_SECS} s")
        } else {
            format!("nothing came within {WHOLE_SECS} s")
        };
    }
    let mut innermost: &dyn Error = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    if std::ptr::addr_eq(innermost, error) { "the request could not be made".to_owned() } else { innermost.to_string() }
}

fn find<'a, E: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a E> {
    let mut next = Some(error);
    while let Some(current) = next {
        if let Some(found) = current.downcast_ref::<E>() {
            return Some(found);
        }
        next = current.source();
    }
    None
}

fn chain(error: &dyn Error) -> String {
    let mut texts = vec![error.to_string()];
    let mut next = error.source();
    while let Some(current) = next {
        texts.push(current.to_string());
        next = current.source();
    }
    texts.join(": ")
}

/// A name that resolves to an inward address.
#[derive(Debug, thiserror::Error)]
#[error(
    "{0} leads to {1}, which is not a public host. Use the public address, or set allow_insecure = true on this \
     connection (test hosts only)."
)]
struct NotPublic(String, IpAddr);

/// Resolves names by the system and refuses those that lead inward.
struct PublicOnly;

impl Resolve for PublicOnly {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let host = name.as_str().to_owned();
            let found: Vec<SocketAddr> = tokio::net::lookup_host((host.as_str(), 0)).await?.collect();
            if let Some(inward) = found.iter().find(|address| !url_policy::public(address.ip())) {
                return Err(NotPublic(host, inward.ip()).into());
            }
            let addresses: Addrs = Box::new(found.into_iter());
            Ok(addresses)
        })
    }
}
