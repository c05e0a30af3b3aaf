//! The parts of a running server, put together: engine and its loop, use cases, web.

use std::net::SocketAddr;
use std::sync::{Arc, atomic::AtomicBool};

use tokio::{net::TcpListener, sync::watch, task::JoinHandle};
use tokio_util::sync::CancellationToken;

use super::{drive, errands, log_checks, sockets, ways::OverNetwork};
use crate::{
    clock::{Clock, IdSource},
    domain::failure::{Failure, FailureKind, Side},
    engine::{Engine, Transports},
    service::{App, running_engine::RunningEngine},
    store::Store,
    web::{self, WebOptions},
};

/// A server without its socket.
pub struct Running {
    /// The use cases.
    pub app: App,
    /// The engine.
    pub engine: Arc<Engine>,
    alive: Arc<AtomicBool>,
    stop: CancellationToken,
    loops: Vec<JoinHandle<()>>,
}

impl Running {
    /// Puts the parts together; nothing runs before [`Running::begin`].
    ///
    /// # Errors
    /// The store cannot be read.
    #[expect(clippy::disallowed_methods, reason = "long-lived loops of the process, ended in `serve`")]
    pub async fn new(
        store: Store,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn IdSource>,
        transports: Arc<dyn Transports>,
    ) -> anyhow::Result<Self> {
        let engine = Arc::new(Engine::new(store.clone(), Arc::clone(&clock), Arc::clone(&ids), transports));
        let alive = Arc::new(AtomicBool::new(false));
        let stop = CancellationToken::new();
        let mut committed = store.watch();
        let (tell, changed) = watch::channel(store.latest_seq().await?.0);
        let ended = stop.clone();
        let forward = tokio::spawn(async move {
            loop {
                tokio::select! {
                    () = ended.cancelled() => return,
                    moved = committed.changed() => if moved.is_err() { return },
                }
                let latest = committed.borrow_and_update().0;
                tell.send_if_modified(|seen| std::mem::replace(seen, latest) != latest);
            }
        });
        let handle = Arc::new(RunningEngine::new(Arc::clone(&engine), Arc::clone(&alive), changed));
        let network = Arc::new(|allow_insecure| {
            OverNetwork::way(allow_insecure).map_err(|text| Failure::new(Side::Sentinel, FailureKind::Transient, text))
        });
        let app = App::new(store, clock, ids, handle, network);
        Ok(Self { app, engine, alive, stop, loops: vec![forward] })
    }

    /// Starts the engine's loop, those that carry errands out, and the one that compares workspaces with their logs.
    #[expect(clippy::disallowed_methods, reason = "these loops live as long as the process")]
    pub fn begin(&mut self) {
        let drive = drive::drive(Arc::clone(&self.engine), Arc::clone(&self.alive), self.stop.clone());
        self.loops.push(tokio::spawn(drive));
        self.loops.push(tokio::spawn(errands::drive(self.app.clone(), self.stop.clone())));
        self.loops.push(tokio::spawn(log_checks::drive(self.app.clone(), self.stop.clone())));
        self.loops.push(tokio::spawn(errands::drive_at_pairs(self.app.clone(), self.stop.clone())));
    }

    /// Serves the console until `until` ends; then stops taking requests, ends event streams and waits for
    /// what is under way, up to five seconds.
    ///
    /// # Errors
    /// None so far.
    #[expect(clippy::disallowed_methods, reason = "a client that never finishes its request must not hold up the stop")]
    pub async fn serve(
        self,
        listener: TcpListener,
        mut options: WebOptions,
        until: impl Future<Output = ()> + Send + 'static,
    ) -> anyhow::Result<()> {
        let closing = CancellationToken::new();
        options.closing = closing.clone();
        let under_way = options.under_way.clone();
        let places = sockets::Places::new(&options.trusted_proxies);
        let router = web::router(self.app.clone(), options);
        let stop = self.stop.clone();
        let served = sockets::serve(listener, router, places, async move {
            until.await;
            tracing::info!("stopping: what is under way is finished first");
            closing.cancel();
            stop.cancel();
        });
        let finished = async move {
            served.await;
            under_way.close();
            under_way.wait().await;
        };
        let stop = self.stop.clone();
        let overdue = async move {
            stop.cancelled().await;
            tokio::time::sleep(drive::DRAIN).await;
        };
        tokio::select! {
            () = finished => {}
            () = overdue => tracing::warn!("some requests did not end in time; their senders see a closed connection"),
        }
        self.stop.cancel();
        for one in self.loops {
            let _ = one.await;
        }
        Ok(())
    }
}

/// From this call on Ctrl-C and SIGTERM no longer end the process: what is given waits for one of them. Call it before
/// anybody is told that the program is ready, or whoever stops it in that moment ends it by force.
pub fn interrupted() -> impl Future<Output = ()> + Send + 'static {
    use tokio::signal::unix::{SignalKind, signal};
    let (interrupt, terminate) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()));
    async move {
        let (Ok(mut interrupt), Ok(mut terminate)) = (interrupt, terminate) else {
            // Without handlers the signals end the process themselves.
            return std::future::pending().await;
        };
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    }
}

/// Opens the listening socket.
///
/// # Errors
/// The port is in use or may not be used; the sentence says what to do.
pub async fn listen(address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.map_err(|error| {
        let remedy = match error.kind() {
            std::io::ErrorKind::AddrInUse => {
                "another program uses it. Stop that one, or choose another address with --listen"
            }
            std::io::ErrorKind::PermissionDenied => {
                "this user may not use that port. Choose one above 1023 with --listen"
            }
            std::io::ErrorKind::AddrNotAvailable => "this machine has no such address. Choose another with --listen",
            _ => "choose another address with --listen",
        };
        anyhow::anyhow!("Cannot listen on {address}: {remedy}.")
    })
}
