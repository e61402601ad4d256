//! The way to people's servers: routes, gate, forwarding, tunnels.
//!
//! Invariant: nothing reaches a server of kind `lab` that the gate did not let through in this very request, and none of
//! the hub's cookies and tokens goes with it. Servers of kind `singleuser` are their own gate and see everything but
//! the cookie that logs a browser in at the hub.

pub mod cause;
pub mod forward;
pub mod frames;
mod gate;
mod headers;
mod notice;
pub mod open;
mod polls;
pub mod routes;
mod saves;
pub mod services;
mod upgrade;
mod visit;

use std::sync::Arc;

use axum::body::Body;
use axum::http::{HeaderMap, Uri};
use axum::response::IntoResponse;
use hubd_base::config::ServerKind;
use hubd_base::names::ServerId;
use hyper::body::Incoming;
use hyper::{Method, Request, Response, StatusCode};
use tokio_util::sync::CancellationToken;

use crate::app::App;
use crate::clock::now;
use crate::http::faults::Fault;
use crate::http::layers;
use crate::http::origin::Origin;
use crate::http::public;
use crate::http::redirect::Redirect;
use crate::http::visitor::Visitor;
use crate::pages::stopped;
use crate::servers::saves::Save;
use crate::servers::server::Server;
use crate::servers::state::Backend;
use cause::Cause;
use forward::Right;
use gate::Pass;
use headers::Credentials;
use visit::{Asked, Visit};

/// The head of a request, kept for the error page.
struct Head {
    headers: HeaderMap,
    uri: Uri,
}

impl Head {
    fn of<B>(request: &Request<B>) -> Self {
        Self { headers: request.headers().clone(), uri: request.uri().clone() }
    }
}

/// Answers a request to `<base>user/<rest>`.
pub async fn handle(app: Arc<App>, origin: &Origin, rest: &str, request: Request<Incoming>) -> Response<Body> {
    let Some(mut target) = routes::find(&app.servers, rest) else {
        return refuse(&app, origin, &request, &Fault::NotFound);
    };
    if target.complete && is_callback(&target, &request) && !asks_itself(&app, &target) {
        let Some(id) = target.id() else { return refuse(&app, origin, &request, &Fault::NotFound) };
        return match gate::callback(&app, &id, &request).await {
            Ok(response) => response,
            Err(fault) => refuse(&app, origin, &request, &fault),
        };
    }
    if target.complete {
        if let Some(server) = target.server.take() {
            if let Some(backend) = server.backend() {
                return match backend.kind {
                    ServerKind::Lab => guarded(app, origin, (&server, &backend), target.path, request).await,
                    ServerKind::Singleuser => open(&app, origin, (&server, &backend), target.path, request).await,
                };
            }
            target.server = Some(server);
        }
    }
    let Some(id) = target.id() else { return refuse(&app, origin, &request, &Fault::NotFound) };
    if target.complete {
        return away(&app, &id, &request);
    }
    Redirect::permanent(&format!("{}{}", app.server_url(&id), routes::query(&request))).into_response()
}

/// Whether what runs there, or would be started, asks the hub itself who its visitors are.
fn asks_itself(app: &App, target: &routes::Target<'_>) -> bool {
    let backend = target.server.as_ref().and_then(|server| server.backend());
    backend.map_or(app.config.server.kind, |backend| backend.kind) == ServerKind::Singleuser
}

fn is_callback(target: &routes::Target<'_>, request: &Request<Incoming>) -> bool {
    target.path == "oauth_callback" && gate::is_navigation(request)
}

/// A running server behind the gate.
async fn guarded(
    app: Arc<App>,
    origin: &Origin,
    (server, backend): (&Arc<Server>, &Arc<Backend>),
    path: &str,
    request: Request<Incoming>,
) -> Response<Body> {
    let token = match gate::check(&app, server, request.headers(), now()) {
        Pass::Granted(token) => token,
        Pass::Unknown if gate::is_navigation(&request) => return gate::ask(&app, &server.id, &request),
        Pass::Unknown => return Fault::NoCredentials.json(),
        Pass::Refused => return refuse(&app, origin, &request, &Fault::NotYours),
    };
    if path == "logout" {
        return Redirect::to(&format!("{}hub/logout", app.base_url())).into_response();
    }
    if path.starts_with(notice::BELOW) {
        return notice::answer(&app, origin, server, path, &request);
    }
    let (request, save) = match saves::read(request, path).await {
        Ok(read) => read,
        Err(fault) => return fault.json(),
    };
    note(backend, cause_of(&request, path, backend, save.as_ref()));
    let question = polls::question(&request, path, &token, Credentials::Hidden);
    let right = Right {
        visitor: Some(token.owner.name().to_owned()),
        credentials: Credentials::Hidden,
        ended: token.ended.clone(),
        revoked: Box::pin(gate::revoked(Arc::clone(&app), token, server.id.clone())),
    };
    Visit { app: &app, origin, server, backend }.answer(Asked::of(question, save), right, request).await
}

/// A running server that asks the hub itself who its visitors are: everything reaches it.
async fn open(
    app: &App,
    origin: &Origin,
    (server, backend): (&Arc<Server>, &Arc<Backend>),
    path: &str,
    request: Request<Incoming>,
) -> Response<Body> {
    let bearer = polls::bearer(app, server, request.headers(), now());
    if bearer.is_some() && path.starts_with(notice::BELOW) {
        return notice::answer(app, origin, server, path, &request);
    }
    let (request, save) = match saves::read(request, path).await {
        Ok(read) => read,
        Err(fault) => return fault.json(),
    };
    // Of whom the hub does not know that they were let in, only the server can say what they may save.
    let save = save.filter(|_| bearer.is_some());
    let cause = cause_of(&request, path, backend, save.as_ref());
    let question = bearer.and_then(|token| polls::question(&request, path, &token, Credentials::Shown));
    let right = Right {
        visitor: None,
        credentials: Credentials::Shown,
        ended: CancellationToken::new(),
        revoked: Box::pin(std::future::pending()),
    };
    let visit = Visit { app, origin, server, backend };
    let response = visit.answer(Asked::of(question, save), right, request).await;
    // What it refuses or leads elsewhere was no use of it (contract 9.2).
    if response.status().is_success() || response.status() == StatusCode::SWITCHING_PROTOCOLS {
        note(backend, cause);
    }
    response
}

/// Who caused a request; what a tab saves once more as it was is the tab's doing.
fn cause_of<B>(request: &Request<B>, path: &str, backend: &Backend, save: Option<&Save>) -> Cause {
    if save.is_some_and(|save| backend.saves.holds(save)) {
        return Cause::Tab;
    }
    Cause::of(request.method(), path, request.headers())
}

/// Every request is activity, as JupyterHub counts it; what a person caused is kept beside it.
fn note(backend: &Backend, cause: Cause) {
    let now = now();
    backend.touch(now);
    if cause == Cause::Person {
        backend.attend(now);
    }
}

/// The server does not run: reads are led to the page that says so and offers to start it, where it is known who asks;
/// what cannot follow is told at once (contract 8.1).
fn away<B>(app: &App, id: &ServerId, request: &Request<B>) -> Response<Body> {
    let read_only = matches!(*request.method(), Method::GET | Method::HEAD);
    let original = request.uri().path_and_query().map_or("/", |target| target.as_str());
    if !read_only || gate::is_upgrade(request) {
        return stopped::not_running(app, id, original, request.headers());
    }
    to_stopped(app, original)
}

/// To the hub's page about a server that does not run; `original` is the path and query that were asked for.
fn to_stopped(app: &App, original: &str) -> Response<Body> {
    let below = original.strip_prefix(app.base_url()).unwrap_or_default();
    Redirect::to(&public::absolute(app, &format!("{}hub/{below}", app.base_url()))).into_response()
}

fn refuse<B>(app: &App, origin: &Origin, request: &Request<B>, fault: &Fault) -> Response<Body> {
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
