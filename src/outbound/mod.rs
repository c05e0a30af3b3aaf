//! The one way out: every request to the outside goes through [`Transport`].
//!
//! It is either the network ([`network`]) or the twin in the same process. Adapters build requests
//! and read answers; they never see a socket. Nothing here follows a redirect, sleeps or repeats a
//! call. Start with [`exchange`] (one call), then [`budget`] (how many) and [`url_policy`] (where to).

mod bucket;
pub mod budget;
pub mod exchange;
pub mod network;
pub mod read;
pub mod subscriptions;
pub mod url_policy;

use std::{future::Future, pin::Pin};

use bytes::Bytes;

/// A boxed future, as [`Transport::send`] returns.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The only way out of the program.
pub trait Transport: Send + Sync + 'static {
    /// Sends one request and waits for the whole answer.
    fn send(&self, request: http::Request<Bytes>) -> BoxFuture<'_, Result<http::Response<Bytes>, TransportError>>;
}

/// Why there is no answer. The difference decides whether a write may be repeated.
#[derive(Debug, thiserror::Error)]
pub enum TransportError {
    /// The request never left: it can be repeated.
    #[error("the request was not sent ({0})")]
    NotSent(String),
    /// It left and no whole answer came back: it may have been carried out.
    #[error("no answer came back ({0})")]
    NoAnswer(String),
    /// It left, and nothing came back in time: it may have been carried out.
    #[error("no answer came back in time ({0})")]
    TooSlow(String),
    /// It left, and the answer was larger than what is read, or did not end in time: it may have been carried out.
    #[error("the answer was too much ({0})")]
    TooMuch(String),
    /// The address is refused by the policy for outgoing requests.
    #[error("{0}")]
    Refused(String),
}
