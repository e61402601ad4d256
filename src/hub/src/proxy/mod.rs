//! The way to people's servers: routes, gate, forwarding, tunnels.
//!
//! Invariant: nothing reaches a server that the gate did not let through in this very request, and none of
//! the hub's cookies and tokens goes with it.

pub mod forward;
mod gate;
mod headers;
pub mod routes;
pub mod services;
mod upgrade;

use std::sync::Arc;

use axum::body::Body;
use axum::http::{HeaderMap, Uri};
use axum::response::IntoResponse;
use hyper::body::Incoming;
use hyper::{Method, Request, Response};

use crate::app::App;
use crate::clock::now;
use crate::http::faults::Fault;
use crate::http::layers;
use crate::http::origin::Origin;
use crate::http::redirect::Redirect;
use crate::http::visitor::Visitor;
use crate::pages::stopped;
use forward::Right;
use gate::Pass;
use headers::Credentials;

/// The head of a request, kept for the error page.
struct Head {
    headers: HeaderMap,
    uri: Uri,
}

impl Head {
    fn of(request: &Request<Incoming>) -> Self {
        Self { headers: request.headers().clone(), uri: request.uri().clone() }
    }
}

/// Answers a request to `<base>user/<rest>`.
pub async fn handle(app: Arc<App>, origin: &Origin, rest: &str, request: Request<Incoming>) -> Response<Body> {
    let Some(target) = routes::parse(rest) else {
        return refuse(&app, origin, &request, &Fault::NotFound);
    };
    if !target.complete {
        return Redirect::permanent(&format!("{}{}", app.server_url(&target.id), routes::query(&request)))
            .into_response();
    }
    if target.path == "oauth_callback" && gate::is_navigation(&request) {
        return match gate::callback(&app, &target.id, &request).await {
            Ok(response) => response,
            Err(fault) => refuse(&app, origin, &request, &fault),
        };
    }
    let server = app.servers.find(&target.id);
    let backend = server.and_then(|server| server.backend());
    let pass = gate::check(&app, &target.id, request.headers(), now());
    match (pass, backend) {
        (Pass::Granted(token), Some(backend)) => {
            if target.path == "logout" {
                return Redirect::to(&format!("{}hub/logout", app.base_url())).into_response();
            }
            // Only people get a page, which needs to know who asked.
            let head = gate::is_navigation(&request).then(|| Head::of(&request));
            backend.touch(now());
            let right = Right {
                credentials: Credentials::Hidden,
                ended: token.ended.clone(),
                revoked: Box::pin(gate::revoked(Arc::clone(&app), token, target.id.clone())),
            };
            let sent = app.forwarder.forward(&app.stop, &backend, right, &origin.address(), request).await;
            sent.unwrap_or_else(|fault| match head {
                Some(head) => page(&app, origin, &head, &fault),
                None => fault.json(),
            })
        }
        (Pass::Granted(_), None) => away(&app, &target, &request),
        (Pass::Unknown, backend) if gate::is_navigation(&request) => {
            // Of a server that does not run the hub's own page tells more than a login round would.
            if backend.is_some() { gate::ask(&app, &target.id, &request) } else { away(&app, &target, &request) }
        }
        (Pass::Unknown, _) => Fault::NoCredentials.json(),
        (Pass::Refused, _) => refuse(&app, origin, &request, &Fault::NotYours),
    }
}

/// The server does not run: people are led to the page that offers to start it, programs get 424.
fn away(app: &App, target: &routes::Target, request: &Request<Incoming>) -> Response<Body> {
    let read_only = matches!(*request.method(), Method::GET | Method::HEAD);
    let original = request.uri().path_and_query().map_or("/", |target| target.as_str());
    if !read_only || stopped::is_api_like(original, request.headers()) || gate::is_upgrade(request) {
        return stopped::not_running(app, &target.id, original);
    }
    let below = original.strip_prefix(app.base_url()).unwrap_or_default();
    Redirect::to(&format!("{}hub/{below}", app.base_url())).into_response()
}

fn refuse(app: &App, origin: &Origin, request: &Request<Incoming>, fault: &Fault) -> Response<Body> {
    if gate::is_navigation(request) { page(app, origin, &Head::of(request), fault) } else { fault.json() }
}

fn page(app: &App, origin: &Origin, head: &Head, fault: &Fault) -> Response<Body> {
    let visitor = Visitor::of(app, origin, &head.headers, &head.uri);
    let mut frame = visitor.frame(app);
    // This page is shown below a server's path, where the hub's own cookies are not sent: its forms lead home.
    frame.path = format!("{}hub/home", app.base_url());
    let mut response = fault.page(frame);
    layers::add_headers(app, response.headers_mut(), false);
    response
}
