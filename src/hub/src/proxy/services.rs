//! The way to services: `<base>services/<name>/...`. No gate stands here: services ask the hub themselves who somebody
//! is, so tokens go through, and only the hub's own login stays.

use std::sync::Arc;

use axum::body::Body;
use axum::response::IntoResponse;
use hubd_base::config::ServiceTarget;
use hyper::body::Incoming;
use hyper::{Request, Response};
use percent_encoding::percent_decode_str;
use tokio_util::sync::CancellationToken;

use super::forward::{Right, Way};
use super::headers::Credentials;
use super::open::Target;
use super::{Head, gate, page, refuse, routes, saves};
use crate::app::App;
use crate::auth::services::Service;
use crate::http::faults::Fault;
use crate::http::origin::Origin;
use crate::http::redirect::Redirect;

/// What follows `<base>services/`, if the path begins so.
pub fn path<'p>(app: &App, path: &'p str) -> Option<&'p str> {
    path.strip_prefix(app.base_url())?.strip_prefix("services/")
}

/// The service of a path below `<base>services/`, and whether the slash after its name is there.
fn find(app: &App, rest: &str) -> Option<(Arc<Service>, bool)> {
    let (segment, complete) = rest.split_once('/').map_or((rest, false), |(segment, _)| (segment, true));
    let name = percent_decode_str(segment).decode_utf8().ok()?;
    let service = app.services.find(&name).filter(|service| !service.url.is_empty())?;
    Some((service, complete))
}

/// Answers a request to `<base>services/<rest>`.
pub async fn handle(app: Arc<App>, origin: &Origin, rest: &str, request: Request<Incoming>) -> Response<Body> {
    let Some((service, complete)) = find(&app, rest) else {
        return refuse(&app, origin, &request, &Fault::NotFound);
    };
    if !complete {
        let url = format!("{}{}", app.service_url(&service.name), routes::query(&request));
        return Redirect::permanent(&url).into_response();
    }
    let Some(address) = app.manager.address(&service) else {
        return refuse(
            &app,
            origin,
            &request,
            &away(&app, &service, "its address is one that the hub cannot speak with"),
        );
    };
    let target = Target::Service(service.name.clone());
    let way = Way { target, address, gone: CancellationToken::new(), used: None, in_use: None };
    // Who may go on is the service's own matter, also while something is open.
    let right = Right {
        visitor: None,
        credentials: Credentials::Shown,
        ended: CancellationToken::new(),
        revoked: Box::pin(std::future::pending()),
    };
    let head = gate::is_navigation(&request).then(|| Head::of(&request));
    let sent = app.forwarder.send(&app.stop, way, right, &origin.address(), saves::streamed(request)).await;
    sent.unwrap_or_else(|fault| {
        let fault = match fault {
            Fault::Silent(trouble) => away(&app, &service, &trouble),
            other => other,
        };
        match head {
            Some(head) => page(&app, origin, &head, &fault),
            None => fault.json(),
        }
    })
}

/// The service does not answer: a sentence for whoever has to mend it.
fn away(app: &App, service: &Service, trouble: &str) -> Fault {
    let name = &service.name;
    let problem = app.manager.condition(name).and_then(|condition| condition.problem);
    let mut sentence = format!("The service {name} cannot be reached.");
    match (&service.target, service.from_config) {
        (Some(ServiceTarget::Tcp { tls: true, .. }), _) => {
            sentence.push_str(" The hub speaks plain HTTP with services; https addresses are not supported.");
        }
        (Some(ServiceTarget::Tcp { .. }), false) => sentence.push_str(
            " The hub has no network of its own unless hub.service is given one: put the service into the \
             configuration, or let it listen on a Unix socket (http+unix://).",
        ),
        _ => {}
    }
    let trouble = match problem {
        Some(problem) => format!("service {name}: {trouble}; its unit: {problem}"),
        None => format!("service {name}: {trouble}"),
    };
    Fault::ServiceAway(sentence.into(), trouble.into())
}
