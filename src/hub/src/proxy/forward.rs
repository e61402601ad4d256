//! Moving one request to a server and its answer back; bodies stream both ways, without limits of size or time.

use std::future::Future;
use std::io;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use axum::http::Uri;
use axum::http::uri::{Authority, PathAndQuery, Scheme};
use futures_util::future::BoxFuture;
use hyper::body::Incoming;
use hyper::{Request, Response, StatusCode};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::net::UnixStream;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower_service::Service;

use super::headers::{self, Credentials};
use super::upgrade;
use crate::http::faults::Fault;
use crate::servers::state::Backend;

/// How long an unused connection to a server is kept.
const POOL_IDLE: Duration = Duration::from_secs(60);
/// Unused connections kept per server; a browser opens six.
const POOL_SIZE: usize = 16;

/// What a visitor may do, and how long they may go on with what a request began.
pub struct Right {
    /// What of their credentials the server sees.
    pub credentials: Credentials,
    /// Cancelled when the visitor's token is revoked: answers break off.
    pub ended: CancellationToken,
    /// Resolves when the visitor's right ends in any way: tunnels close.
    pub revoked: BoxFuture<'static, ()>,
}

/// Moves requests; one pool of connections for each server.
#[derive(Clone)]
pub struct Forwarder {
    client: Client<Connector, Incoming>,
    tunnels: TaskTracker,
}

impl Forwarder {
    /// With an empty pool.
    pub fn new() -> Self {
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(POOL_IDLE)
            .pool_max_idle_per_host(POOL_SIZE)
            .set_host(false)
            .build(Connector);
        Self { client, tunnels: TaskTracker::new() }
    }

    /// Sends the request to the server; `address` is the client's, for the server's log. An answer that switches
    /// protocols becomes a tunnel, which ends with the visitor's right, the server, or the hub.
    pub async fn forward(
        &self,
        stop: &CancellationToken,
        backend: &Arc<Backend>,
        right: Right,
        address: &str,
        mut request: Request<Incoming>,
    ) -> Result<Response<Body>, Fault> {
        let wants_upgrade = headers::prepare_request(request.headers_mut(), address, right.credentials).is_some();
        let browser = wants_upgrade.then(|| hyper::upgrade::on(&mut request));
        let Some(uri) = uri_of(backend, request.uri()) else {
            return Err(Fault::BadRequest("this address makes no sense".into()));
        };
        *request.uri_mut() = uri;
        *request.version_mut() = hyper::Version::HTTP_11;
        let mut response = match self.client.request(request).await {
            Ok(response) => response,
            Err(error) => return Err(fault(&error)),
        };
        headers::prepare_response(response.headers_mut(), right.credentials);
        if response.status() == StatusCode::SWITCHING_PROTOCOLS {
            let Some(browser) = browser else {
                return Err(Fault::Silent("the server switched protocols unasked".into()));
            };
            let server = hyper::upgrade::on(&mut response);
            let ends = [backend.gone.clone(), stop.clone()];
            self.tunnels.spawn(upgrade::tunnel((browser, server), Arc::clone(backend), right.revoked, ends));
            return Ok(response.map(|_| Body::empty()));
        }
        Ok(response.map(|body| Body::new(upgrade::Guarded::new(body, right.ended.cancelled_owned()))))
    }
}

impl Default for Forwarder {
    fn default() -> Self {
        Self::new()
    }
}

/// The same path and query, byte for byte, with the socket's path as authority: the pool's key.
fn uri_of(backend: &Backend, uri: &Uri) -> Option<Uri> {
    let mut name = String::new();
    for byte in backend.socket.as_os_str().as_encoded_bytes() {
        use std::fmt::Write;
        // Writing into a string does not fail.
        let _ = write!(name, "{byte:02x}");
    }
    let path = uri.path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/"));
    let authority = Authority::try_from(name).ok()?;
    Uri::builder().scheme(Scheme::HTTP).authority(authority).path_and_query(path).build().ok()
}

fn socket_of(uri: &Uri) -> Option<PathBuf> {
    let name = uri.host()?.as_bytes();
    let bytes: Option<Vec<u8>> = name
        .chunks_exact(2)
        .map(|pair| std::str::from_utf8(pair).ok().and_then(|pair| u8::from_str_radix(pair, 16).ok()))
        .collect();
    Some(PathBuf::from(std::ffi::OsString::from(String::from_utf8(bytes?).ok()?)))
}

fn fault(error: &hyper_util::client::legacy::Error) -> Fault {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        cause = inner.source();
    }
    Fault::Silent(text.into())
}

/// Connects to the Unix socket that the address names.
#[derive(Clone)]
struct Connector;

impl Service<Uri> for Connector {
    type Response = TokioIo<Socket>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Self::Response>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        Box::pin(async move {
            let path = socket_of(&uri).ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
            Ok(TokioIo::new(Socket(UnixStream::connect(path).await?)))
        })
    }
}

/// A Unix stream as the pool wants it.
struct Socket(UnixStream);

impl Connection for Socket {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}

impl tokio::io::AsyncRead for Socket {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut tokio::io::ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().0).poll_read(context, buffer)
    }
}

impl tokio::io::AsyncWrite for Socket {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().0).poll_write(context, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().0).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().0).poll_shutdown(context)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().0).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.0.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicI64;

    #[test]
    fn the_address_keeps_path_and_query_and_leads_back_to_the_socket() {
        let backend = Backend {
            socket: "/run/hub/servers/first.last/s".into(),
            gone: CancellationToken::new(),
            last_activity: AtomicI64::new(0),
        };
        let asked: Uri = "/user/first.last/files/a%2Fb%20c?x=%7B&y".parse().unwrap();
        let made = uri_of(&backend, &asked).unwrap();
        assert_eq!(made.path_and_query(), asked.path_and_query());
        assert_eq!(socket_of(&made).unwrap(), backend.socket);
    }
}
