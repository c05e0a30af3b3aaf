//! The only way out of a simulated process: calls wait here until the world carries them out and answers.

use std::{
    collections::BTreeMap,
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, Waker},
};

use bytes::Bytes;

use crate::{
    domain::connection::{HaloConnection, MicrosoftConnection},
    engine::Transports,
    outbound::{BoxFuture, Transport, TransportError},
};

/// A call's number, rising over all processes of a world.
pub type CallId = u64;
/// What comes back.
pub type Outcome = Result<http::Response<Bytes>, TransportError>;

/// A call that has left its process.
pub struct Sent {
    /// Its number.
    pub id: CallId,
    /// Who sent it.
    pub host: usize,
    /// What it asks.
    pub request: http::Request<Bytes>,
}

#[derive(Default)]
struct Inner {
    next: CallId,
    sent: Vec<Sent>,
    waiting: BTreeMap<CallId, Waker>,
    answers: BTreeMap<CallId, Outcome>,
}

/// All calls under way. Cloning shares them.
#[derive(Clone, Default)]
pub struct Wires(Arc<Mutex<Inner>>);

impl Wires {
    fn with<T>(&self, f: impl FnOnce(&mut Inner) -> T) -> T {
        f(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The way out of one process.
    pub fn of(&self, host: usize) -> Wire {
        Wire { wires: self.clone(), host }
    }

    /// What was sent since this was last asked, in order.
    pub fn take_sent(&self) -> Vec<Sent> {
        self.with(|inner| std::mem::take(&mut inner.sent))
    }

    /// Hands an answer to whoever waits for it; `false` when nobody does any more.
    pub fn answer(&self, id: CallId, outcome: Outcome) -> bool {
        let waker = self.with(|inner| {
            let waker = inner.waiting.remove(&id)?;
            inner.answers.insert(id, outcome);
            Some(waker)
        });
        waker.map(Waker::wake).is_some()
    }
}

/// One process's way out.
#[derive(Clone)]
pub struct Wire {
    wires: Wires,
    host: usize,
}

impl Transport for Wire {
    fn send(&self, request: http::Request<Bytes>) -> BoxFuture<'_, Outcome> {
        Box::pin(Call { wires: self.wires.clone(), host: self.host, request: Some(request), id: 0 })
    }
}

impl Transports for Wire {
    fn microsoft(&self, _: &MicrosoftConnection) -> Result<Arc<dyn Transport>, String> {
        Ok(Arc::new(self.clone()))
    }

    fn halo(&self, _: &HaloConnection) -> Result<Arc<dyn Transport>, String> {
        Ok(Arc::new(self.clone()))
    }
}

/// Sent when first polled; polled again for nothing, it changes nothing.
struct Call {
    wires: Wires,
    host: usize,
    request: Option<http::Request<Bytes>>,
    id: CallId,
}

impl Future for Call {
    type Output = Outcome;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Outcome> {
        let (request, host, id) = (self.request.take(), self.host, self.id);
        let (id, outcome) = self.wires.with(|inner| {
            let id = match request {
                None => id,
                Some(request) => {
                    inner.next += 1;
                    inner.sent.push(Sent { id: inner.next, host, request });
                    inner.next
                }
            };
            let outcome = inner.answers.remove(&id);
            if outcome.is_none() {
                inner.waiting.insert(id, context.waker().clone());
            }
            (id, outcome)
        });
        self.id = id;
        outcome.map_or(Poll::Pending, Poll::Ready)
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        let id = self.id;
        self.wires.with(|inner| {
            inner.waiting.remove(&id);
            inner.answers.remove(&id);
        });
    }
}
