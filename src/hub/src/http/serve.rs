//! The accept loops, and which part of the hub answers a request.
//!
//! Invariant: the path decides before anything else runs; what belongs to a person's server never
//! passes the pages' layers. Every connection is bounded in number and in the time its head may take.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower_service::Service;

use super::listen::Listeners;
use super::origin::{ControlPeer, Origin};
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

/// Serves until `stop`; then finishes what is being answered.
pub async fn run(app: Arc<App>, listeners: Listeners, stop: CancellationToken) -> io::Result<()> {
    let door = Door {
        router: crate::pages::router(&app).with_state(Arc::clone(&app)),
        app,
        places: Arc::new(Semaphore::new(CONNECTIONS_MAX)),
        connections: TaskTracker::new(),
        stop: stop.clone(),
    };
    let loops = TaskTracker::new();
    for listener in listeners.network {
        loops.spawn(network(door.clone(), TcpListener::from_std(listener)?));
    }
    for listener in listeners.control {
        loops.spawn(control(door.clone(), UnixListener::from_std(listener)?));
    }
    loops.close();
    loops.wait().await;
    door.connections.close();
    if tokio::time::timeout(DRAIN, door.connections.wait()).await.is_err() {
        tracing::info!("{} connections were still open and are closed now", door.connections.len());
    }
    Ok(())
}

#[derive(Clone)]
struct Door {
    app: Arc<App>,
    router: Router,
    places: Arc<Semaphore>,
    connections: TaskTracker,
    stop: CancellationToken,
}

async fn network(door: Door, listener: TcpListener) {
    while let Some((stream, peer)) = door.next(|| listener.accept()).await {
        let peer: SocketAddr = peer;
        // Small answers must not wait for the client's acknowledgements.
        let _ = stream.set_nodelay(true);
        door.admit(stream, Origin::Network { address: peer.ip() });
    }
}

async fn control(door: Door, listener: UnixListener) {
    while let Some((stream, _)) = door.next(|| listener.accept()).await {
        match stream.as_fd().try_clone_to_owned() {
            Ok(socket) => {
                let peer = ControlPeer::new(socket);
                door.admit(stream, Origin::Control(Arc::new(peer)));
            }
            Err(error) => tracing::warn!("cannot take a control connection, ignoring: {error}"),
        }
    }
}

impl Door {
    /// The next connection, or `None` when it is time to stop.
    async fn next<T, F>(&self, accept: impl Fn() -> F) -> Option<T>
    where
        F: Future<Output = io::Result<T>>,
    {
        loop {
            let accepted = tokio::select! {
                () = self.stop.cancelled() => return None,
                accepted = async {
                    // A place first: without one the connection waits in the kernel's queue.
                    if let Ok(place) = self.places.acquire().await {
                        place.forget();
                    }
                    accept().await
                } => accepted,
            };
            match accepted {
                Ok(connection) => return Some(connection),
                Err(error) => {
                    self.places.add_permits(1);
                    if !is_of_one_connection(&error) {
                        tracing::warn!("cannot accept connections, retrying: {error}");
                        tokio::time::sleep(ACCEPT_PAUSE).await;
                    }
                }
            }
        }
    }

    fn admit<S>(&self, stream: S, origin: Origin)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let door = self.clone();
        self.connections.spawn(async move {
            door.app.connections.fetch_add(1, Ordering::Relaxed);
            door.serve(stream, origin).await;
            door.app.connections.fetch_sub(1, Ordering::Relaxed);
            door.places.add_permits(1);
        });
    }

    async fn serve<S>(&self, stream: S, origin: Origin)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let service = service_fn(|request| {
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

/// Whether the error belongs to the connection that was being accepted, not to the listener.
fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

async fn answer(app: Arc<App>, mut router: Router, origin: Origin, mut request: Request<Incoming>) -> Response<Body> {
    if let Origin::Network { .. } = origin {
        if let Some(rest) = proxy::routes::user_path(&app, request.uri().path()) {
            let rest = rest.to_owned();
            return proxy::handle(app, &origin, &rest, request).await;
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
