//! Moving one request to a server and its answer back; bodies stream both ways, without limits of size or time.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use axum::http::Uri;
use axum::http::header::{CONTENT_TYPE, HeaderMap};
use axum::http::uri::{Authority, PathAndQuery, Scheme};
use futures_util::future::BoxFuture;
use hyper::{Request, Response, StatusCode};
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower_service::Service;

use super::frames::Talk;
use super::headers::{self, Credentials};
use super::open::{Connection, Connections, Target};
use super::saves::Sent;
use super::upgrade;
use crate::clock::now;
use crate::http::faults::Fault;
use crate::http::stay::Stays;
use crate::servers::address::{Address, Stream};
use crate::servers::server::Server;
use crate::servers::state::{Backend, InUse};

/// How long an unused connection to a server is kept.
const POOL_IDLE: Duration = Duration::from_secs(60);
/// Unused connections kept per server; a browser opens six.
const POOL_SIZE: usize = 16;

/// What a visitor may do, and how long they may go on with what a request began.
pub struct Right {
    /// Their name, if the gate knows it.
    pub visitor: Option<String>,
    /// What of their credentials the server sees.
    pub credentials: Credentials,
    /// Cancelled when the visitor's token is revoked: answers break off.
    pub ended: CancellationToken,
    /// Resolves when the visitor's right ends in any way: tunnels close.
    pub revoked: BoxFuture<'static, ()>,
}

/// Where a request goes.
pub struct Way {
    /// What is there.
    pub target: Target,
    /// Where to connect.
    pub address: Address,
    /// Cancelled when nothing is there any more: tunnels close.
    pub gone: CancellationToken,
    /// Whose activity a tunnel is.
    pub used: Option<Arc<Backend>>,
    /// Keeps the server awake until it has answered.
    pub in_use: Option<InUse>,
}

/// Moves requests; one pool of connections for each server.
#[derive(Clone)]
pub struct Forwarder {
    client: Client<Connector, Sent>,
    tunnels: TaskTracker,
    /// The tunnels that are open.
    pub open: Connections,
    stays: Stays,
}

impl Forwarder {
    /// With an empty pool; its tunnels are counted with those.
    pub fn new(stays: Stays) -> Self {
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(POOL_IDLE)
            .pool_max_idle_per_host(POOL_SIZE)
            .set_host(false)
            .build(Connector);
        Self { client, tunnels: TaskTracker::new(), open: Connections::default(), stays }
    }

    /// Sends the request to a person's server; see [`Forwarder::send`].
    pub async fn forward(
        &self,
        stop: &CancellationToken,
        (server, backend, in_use): (&Arc<Server>, &Arc<Backend>, Option<InUse>),
        right: Right,
        address: &str,
        request: Request<Sent>,
    ) -> Result<Response<Body>, Fault> {
        let way = Way {
            target: Target::Server(server.id.clone()),
            address: Address::Socket(backend.socket.clone()),
            gone: backend.gone.clone(),
            used: Some(Arc::clone(backend)),
            in_use,
        };
        self.send(stop, way, right, address, request).await
    }

    /// Sends the request on its way; `address` is the client's, for the log behind. An answer that switches
    /// protocols becomes a tunnel, which ends with the visitor's right, the way, or the hub.
    pub async fn send(
        &self,
        stop: &CancellationToken,
        way: Way,
        right: Right,
        address: &str,
        mut request: Request<Sent>,
    ) -> Result<Response<Body>, Fault> {
        let wants_upgrade = headers::prepare_request(request.headers_mut(), address, right.credentials).is_some();
        let browser = wants_upgrade.then(|| hyper::upgrade::on(&mut request));
        let talk = Talk::of(&request);
        let Some(uri) = uri_of(&way.address, request.uri()) else {
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
            let ends = [way.gone, stop.clone()];
            let Right { visitor, revoked, .. } = right;
            let seat =
                self.open.enter(Connection { target: way.target, visitor, address: address.to_owned(), since: now() });
            // The connection counts no longer once it is a tunnel.
            let stay = self.stays.enter();
            stay.is_use();
            let used = way.used.map(|backend| (backend, talk));
            self.tunnels.spawn(async move {
                upgrade::tunnel((browser, server), used, revoked, ends).await;
                drop((stay, seat));
            });
            return Ok(response.map(|_| Body::empty()));
        }
        // Events have no end that anybody waits for.
        let in_use = way.in_use.filter(|_| !is_event_stream(response.headers()));
        Ok(response.map(|body| Body::new(upgrade::Guarded::new(body, right.ended.cancelled_owned(), in_use))))
    }
}

fn is_event_stream(headers: &HeaderMap) -> bool {
    headers.get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream"))
}

/// The same path and query, byte for byte, with the address as authority: the pool's key.
fn uri_of(address: &Address, uri: &Uri) -> Option<Uri> {
    let path = uri.path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/"));
    let authority = Authority::try_from(address.authority()).ok()?;
    Uri::builder().scheme(Scheme::HTTP).authority(authority).path_and_query(path).build().ok()
}

fn address_of(uri: &Uri) -> Option<Address> {
    Address::from_authority(uri.host()?, uri.port_u16())
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

/// Connects to where the address leads.
#[derive(Clone)]
struct Connector;

impl Service<Uri> for Connector {
    type Response = TokioIo<Stream>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Self::Response>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        Box::pin(async move {
            let address = address_of(&uri).ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
            Ok(TokioIo::new(address.connect().await?))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_keeps_path_and_query_and_leads_back() {
        let asked: Uri = "/user/first.last/files/a%2Fb%20c?x=%7B&y".parse().unwrap();
        for address in [
            Address::Socket("/run/hub/servers/first.last/s".into()),
            Address::Tcp { host: "127.0.0.1".into(), port: 9000 },
            Address::Tcp { host: "::1".into(), port: 80 },
        ] {
            let made = uri_of(&address, &asked).unwrap();
            assert_eq!(made.path_and_query(), asked.path_and_query());
            assert_eq!(address_of(&made).unwrap(), address);
        }
    }
}
