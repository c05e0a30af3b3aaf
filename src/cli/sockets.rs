//! The listening socket: who gets a connection, and how long one may say nothing.
//!
//! A connection takes a file handle, and the database and the calls to both sides need some too. So the program asks the
//! system for as many as it may have, leaves some of them alone, and serves no more connections than the rest allows.
//! When they are all taken, the one that has been silent longest since it was made has to go.

use std::{
    collections::{BTreeMap, HashMap},
    net::{IpAddr, SocketAddr},
    pin::pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use axum::{Router, body::Body, extract::ConnectInfo};
use http::Request;
use hyper::{body::Incoming, server::conn::http1};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// File handles asked for, if the system gives so many.
const HANDLES_WANTED: u64 = 65_536;
/// File handles that connections leave alone.
const HANDLES_KEPT: u64 = 256;
/// The first request's head has to be there within this time.
const FIRST_WITHIN: Duration = Duration::from_secs(30);
/// Each later one within this, longer than reverse proxies keep an idle connection.
const NEXT_WITHIN: Duration = Duration::from_secs(75);
/// A line about refused connections is written at most this often.
const SAID_EVERY: Duration = Duration::from_secs(60);

/// Raises this process's limit of file handles as far as it may; gives what it is then.
fn handles() -> u64 {
    let limit = getrlimit(Resource::Nofile);
    let now = limit.current.unwrap_or(HANDLES_WANTED);
    let wanted = limit.maximum.unwrap_or(HANDLES_WANTED).min(HANDLES_WANTED);
    if wanted <= now {
        return now;
    }
    match setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum: limit.maximum }) {
        Ok(()) => wanted,
        Err(error) => {
            tracing::debug!(%error, "the limit of file handles stays as it is");
            now
        }
    }
}

/// The connections that are held.
pub struct Places {
    most: usize,
    /// Their requests come from many people, and have no share.
    proxies: Vec<IpAddr>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    next: u64,
    held: HashMap<u64, IpAddr>,
    addresses: HashMap<IpAddr, usize>,
    /// Those that have not asked for anything yet, oldest first.
    silent: BTreeMap<u64, CancellationToken>,
    said: Option<Instant>,
}

impl State {
    fn leave(&mut self, id: u64) {
        self.silent.remove(&id);
        let Some(from) = self.held.remove(&id) else { return };
        if let Some(count) = self.addresses.get_mut(&from) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                self.addresses.remove(&from);
            }
        }
    }
}

/// One connection's.
struct Place {
    id: u64,
    places: Arc<Places>,
    /// Another one needs it.
    evicted: CancellationToken,
    spoke: AtomicBool,
}

impl Place {
    fn speaks(&self) {
        if !self.spoke.swap(true, Ordering::Relaxed) {
            self.places.with(|state| state.silent.remove(&self.id));
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.places.with(|state| state.leave(self.id));
    }
}

impl Places {
    /// As many as this process's file handles allow; `proxies` are those whose word is taken for where a request comes
    /// from.
    pub fn new(proxies: &[IpAddr]) -> Arc<Self> {
        let handles = handles();
        let most = handles.saturating_sub(HANDLES_KEPT).max(handles / 2);
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        Arc::new(Self { most, proxies: proxies.to_vec(), state: Mutex::default() })
    }

    fn with<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// A place for a connection from there; none when that address has half of them already, or when all are taken by
    /// connections that are at work.
    fn take(self: &Arc<Self>, from: IpAddr) -> Option<Arc<Place>> {
        let from = from.to_canonical();
        let has_share = !from.is_loopback() && !self.proxies.contains(&from);
        let evicted = CancellationToken::new();
        let id = self.with(|state| {
            let of_address = state.addresses.get(&from).copied().unwrap_or(0);
            if has_share && of_address >= self.most / 2 {
                return None;
            }
            if state.held.len() >= self.most {
                let (oldest, goes) = state.silent.pop_first()?;
                goes.cancel();
                state.leave(oldest);
            }
            let id = state.next;
            state.next += 1;
            state.held.insert(id, from);
            *state.addresses.entry(from).or_default() += 1;
            state.silent.insert(id, evicted.clone());
            Some(id)
        })?;
        Some(Arc::new(Place { id, places: Arc::clone(self), evicted, spoke: AtomicBool::new(false) }))
    }

    /// Whether a line about refused connections is due.
    fn say(&self) -> bool {
        self.with(|state| {
            let due = state.said.is_none_or(|at| at.elapsed() >= SAID_EVERY);
            if due {
                state.said = Some(Instant::now());
            }
            due
        })
    }
}

/// Serves connections until `until` ends; then takes no more, and waits for the requests that are under way.
#[expect(clippy::disallowed_methods, reason = "when the system has no handle for a connection, a moment is waited")]
pub async fn serve(listener: TcpListener, router: Router, places: Arc<Places>, until: impl Future<Output = ()> + Send) {
    let (connections, closing) = (TaskTracker::new(), CancellationToken::new());
    // Its routes are made ready once, not with every request.
    let router: Router = router.with_state(());
    let mut until = pin!(until);
    loop {
        let accepted = tokio::select! {
            () = &mut until => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, from)) => match places.take(from.ip()) {
                Some(place) => {
                    connections.spawn(connection(stream, from, router.clone(), place, closing.clone()));
                }
                None if places.say() => {
                    tracing::warn!(from = %from.ip(), "a connection was refused: all are taken, or half of them by its address");
                }
                None => {}
            },
            // It went away before it was taken.
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionAborted => {}
            Err(error) => {
                if places.say() {
                    tracing::error!(%error, "a connection cannot be accepted");
                }
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        }
    }
    drop(listener);
    closing.cancel();
    connections.close();
    connections.wait().await;
}

#[expect(clippy::disallowed_methods, reason = "real time: a client that says nothing does not keep its connection")]
async fn connection(
    stream: TcpStream,
    from: SocketAddr,
    router: Router,
    place: Arc<Place>,
    closing: CancellationToken,
) {
    // Small answers go out at once instead of waiting for the other side's acknowledgement.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection keeps its delay");
    }
    let speaker = Arc::clone(&place);
    let named = move |mut request: Request<Incoming>| -> Request<Body> {
        speaker.speaks();
        request.extensions_mut().insert(ConnectInfo(from));
        request.map(Body::new)
    };
    let service = TowerToHyperService::new(tower::ServiceExt::<Request<Body>>::map_request(router, named));
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(NEXT_WITHIN);
    let mut served = pin!(builder.serve_connection(TokioIo::new(stream), service));
    let silent = async {
        tokio::time::sleep(FIRST_WITHIN).await;
        if place.spoke.load(Ordering::Relaxed) {
            std::future::pending::<()>().await;
        }
    };
    tokio::select! {
        ended = served.as_mut() => {
            if let Err(error) = ended {
                tracing::debug!(%error, "a connection ended early");
            }
            return;
        }
        () = silent => return,
        () = place.evicted.cancelled() => return,
        () = closing.cancelled() => {}
    }
    served.as_mut().graceful_shutdown();
    if let Err(error) = served.await {
        tracing::debug!(%error, "a connection ended early");
    }
}
