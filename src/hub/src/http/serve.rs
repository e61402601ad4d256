//! The accept loops, and which part of the hub answers a request.
//!
//! Invariant: the path decides before anything else runs; what belongs to a person's server never
//! passes the pages' layers. Every connection is bounded in number and in the time its head may take. Whoever was let
//! in is served, also when the hub is about to step aside.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use hubd_base::config::NEVER;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower_service::Service;

use super::listen::Listeners;
use super::origin::{ControlPeer, Origin};
use super::stay::Stay;
use crate::app::App;
use crate::proxy;

/// Connections at once; more wait in the kernel's queue.
const CONNECTIONS_MAX: usize = 8192;
/// How long a client may take to send the head of a request.
const HEAD_DEADLINE: Duration = Duration::from_secs(30);
/// Largest head of a request in bytes (JupyterLab's cookies and URLs fit many times).
const HEAD_MAX: usize = 64 * 1024;
/// Pause after an accept that failed for want of descriptors or memory.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// How long open requests may go on after the order to stop.
const DRAIN: Duration = Duration::from_secs(3);

/// What works without a connection is looked at this often before the hub steps aside.
const AT_WORK: Duration = Duration::from_secs(1);

/// Why the hub serves no longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// It was told to stop.
    Told,
    /// Nobody came for as long as `hub.exit_when_idle` says. Whoever comes now waits in systemd's queue.
    Idle,
}

/// Serves until `stop`, and then finishes what is being answered; or until nobody needs the hub.
pub async fn run(app: Arc<App>, listeners: Listeners, stop: CancellationToken) -> io::Result<End> {
    let door = Door {
        router: crate::pages::router(&app).with_state(Arc::clone(&app)),
        app,
        places: Arc::new(Semaphore::new(CONNECTIONS_MAX)),
        connections: TaskTracker::new(),
        stop: stop.clone(),
    };
    let network: io::Result<Vec<_>> = listeners.network.into_iter().map(TcpListener::from_std).collect();
    let control: io::Result<Vec<_>> = listeners.control.into_iter().map(UnixListener::from_std).collect();
    let (network, control) = (shared(network?), shared(control?));
    loop {
        let closing = stop.child_token();
        let loops = TaskTracker::new();
        for listener in &network {
            loops.spawn(accept_network(door.clone(), Arc::clone(listener), closing.clone()));
        }
        for listener in &control {
            loops.spawn(accept_control(door.clone(), Arc::clone(listener), closing.clone()));
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = idle(&door.app) => {}
        }
        closing.cancel();
        loops.close();
        loops.wait().await;
        if stop.is_cancelled() {
            break;
        }
        if door.app.stays.inside() == 0 {
            return Ok(End::Idle);
        }
        // Somebody was let in at the very last moment: on with it.
    }
    door.connections.close();
    if tokio::time::timeout(DRAIN, door.connections.wait()).await.is_err() {
        tracing::info!("{} connections were still open and are closed now", door.connections.len());
    }
    Ok(End::Told)
}

fn shared<T>(listeners: Vec<T>) -> Vec<Arc<T>> {
    listeners.into_iter().map(Arc::new).collect()
}

/// Returns when nobody needs the hub, which may be never.
async fn idle(app: &App) {
    let span = app.config.hub.exit_when_idle;
    if span == NEVER {
        return std::future::pending().await;
    }
    loop {
        app.stays.quiet(span).await;
        if !app.is_at_work() {
            return;
        }
        tokio::time::sleep(AT_WORK).await;
    }
}

#[derive(Clone)]
struct Door {
    app: Arc<App>,
    router: Router,
    places: Arc<Semaphore>,
    connections: TaskTracker,
    stop: CancellationToken,
}

async fn accept_network(door: Door, listener: Arc<TcpListener>, closing: CancellationToken) {
    while let Some(((stream, peer), place)) = door.next(&closing, || listener.accept()).await {
        let peer: SocketAddr = peer;
        // Small answers must not wait for the client's acknowledgements.
        let _ = stream.set_nodelay(true);
        door.admit(stream, Origin::Network { address: peer.ip() }, place);
    }
}

async fn accept_control(door: Door, listener: Arc<UnixListener>, closing: CancellationToken) {
    while let Some(((stream, _), place)) = door.next(&closing, || listener.accept()).await {
        match stream.as_fd().try_clone_to_owned() {
            Ok(socket) => {
                let peer = ControlPeer::new(socket);
                door.admit(stream, Origin::Control(Arc::new(peer)), place);
            }
            Err(error) => tracing::warn!("cannot take a control connection, ignoring: {error}"),
        }
    }
}

impl Door {
    /// The next connection with its place, or `None` when it is time to stop.
    async fn next<T, F>(&self, closing: &CancellationToken, accept: impl Fn() -> F) -> Option<(T, OwnedSemaphorePermit)>
    where
        F: Future<Output = io::Result<T>>,
    {
        loop {
            let (accepted, place) = tokio::select! {
                () = closing.cancelled() => return None,
                accepted = async {
                    // A place first: without one the connection waits in the kernel's queue.
                    let place = Arc::clone(&self.places).acquire_owned().await;
                    (accept().await, place)
                } => accepted,
            };
            match accepted {
                // Nobody closes the semaphore.
                Ok(connection) => return Some((connection, place.ok()?)),
                Err(error) => {
                    if !is_of_one_connection(&error) {
                        tracing::warn!("cannot accept connections, retrying: {error}");
                        tokio::time::sleep(ACCEPT_PAUSE).await;
                    }
                }
            }
        }
    }

    fn admit<S>(&self, stream: S, origin: Origin, place: OwnedSemaphorePermit)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let door = self.clone();
        let stay = self.app.stays.enter();
        self.connections.spawn(async move {
            door.serve(stream, origin, &stay).await;
            drop(place);
        });
    }

    async fn serve<S>(&self, stream: S, origin: Origin, stay: &Stay)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let service = service_fn(|request| {
            if !is_upkeep(&self.app, &origin, &request) {
                stay.is_use();
            }
            let (app, router, origin) = (Arc::clone(&self.app), self.router.clone(), origin.clone());
            async move { Ok::<_, Infallible>(answer(app, router, origin, request).await) }
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_DEADLINE)
            .max_buf_size(HEAD_MAX.max(8192))
            .serve_connection(TokioIo::new(stream), service)
            .with_upgrades();
        tokio::pin!(connection);
        // Errors here are clients that went away or sent no HTTP: nobody is left to tell.
        tokio::select! {
            _ = connection.as_mut() => {}
            () = self.stop.cancelled() => {
                connection.as_mut().graceful_shutdown();
                let _ = connection.await;
            }
        }
    }
}

/// Whether a request only looks after the servers (`hub-cull.timer`): a hub that nobody uses must not stay for it.
fn is_upkeep(app: &App, origin: &Origin, request: &Request<Incoming>) -> bool {
    let below = request.uri().path().strip_prefix(app.base_url());
    matches!(origin, Origin::Control(_)) && request.method() == Method::POST && below == Some("hub/api/idle")
}

/// Whether the error belongs to the connection that was being accepted, not to the listener.
fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

async fn answer(app: Arc<App>, mut router: Router, origin: Origin, mut request: Request<Incoming>) -> Response<Body> {
    if let Origin::Network { .. } = origin {
        let uri = request.uri().clone();
        if let Some(rest) = proxy::routes::user_path(&app, uri.path()) {
            return proxy::handle(app, &origin, rest, request).await;
        }
        if let Some(rest) = proxy::services::path(&app, request.uri().path()) {
            let rest = rest.to_owned();
            return proxy::services::handle(app, &origin, &rest, request).await;
        }
    }
    request.extensions_mut().insert(origin);
    match router.call(request.map(Body::new)).await {
        Ok(response) => response,
        Err(never) => match never {},
    }
}
