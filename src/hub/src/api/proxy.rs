//! `/hub/api/proxy`: the table of routes (contract 1.13). The proxy is part of the hub, so there is nothing to
//! synchronise and no other one to be told of.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value, json};

use super::body::Body;
use super::caller::Caller;
use super::page::Page;
use crate::app::App;
use crate::auth::scopes::Resource;
use crate::clock::iso;
use crate::http::faults::Fault;
use crate::servers::address::Address;

/// `GET`: everything that leads somewhere, by its path.
pub async fn table(
    State(app): State<Arc<App>>,
    caller: Caller,
    page: Page,
    headers: HeaderMap,
) -> Result<Response, Fault> {
    caller.require(&["proxy"], Resource::Any)?;
    let routes: Vec<_> = routes(&app, &headers).into_iter().collect();
    let (part, total) = page.cut(routes);
    Ok(page.answer(part.into_iter().collect::<Map<_, _>>().into(), total))
}

fn routes(app: &App, headers: &HeaderMap) -> BTreeMap<String, Value> {
    let mut routes = BTreeMap::new();
    let mut put = |path: String, target: String, data: Value| {
        let route = json!({"routespec": path, "target": target, "data": data});
        routes.insert(path, route);
    };
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or("localhost");
    let here = app.config.hub.public_url.clone().unwrap_or_else(|| format!("http://{host}"));
    put("/".to_owned(), here, json!({"hub": true}));
    for server in app.servers.all() {
        let Some(backend) = server.backend() else { continue };
        let data = json!({
            "user": server.id.user.as_str(),
            "server_name": server.id.server.as_str(),
            "last_activity": iso(backend.last_activity.load(Ordering::Relaxed)),
        });
        put(app.server_url(&server.id), url(&Address::Socket(backend.socket.clone())), data);
    }
    for service in app.services.all() {
        if !service.url.is_empty() {
            let target = app.manager.address(&service).map_or_else(|| service.url.clone(), |address| url(&address));
            put(app.service_url(&service.name), target, json!({"service": service.name}));
        }
    }
    routes
}

fn url(address: &Address) -> String {
    match address {
        Address::Socket(path) => {
            format!("http+unix://{}", utf8_percent_encode(&path.to_string_lossy(), NON_ALPHANUMERIC))
        }
        Address::Tcp { .. } => format!("http://{}", address.authority()),
    }
}

/// `POST`: the table is always as it should be.
pub async fn synchronise(caller: Caller) -> Result<StatusCode, Fault> {
    caller.require(&["proxy"], Resource::Any)?;
    Ok(StatusCode::OK)
}

/// `PATCH`: tells of another proxy. Taken and forgotten.
pub async fn replace(caller: Caller, Body(body): Body) -> Result<StatusCode, Fault> {
    caller.require(&["proxy"], Resource::Any)?;
    match body {
        None => Err(Fault::BadRequest("need JSON body".into())),
        Some(Value::Object(_)) => Ok(StatusCode::OK),
        Some(_) => Err(Fault::BadRequest("Request body must be JSON dict".into())),
    }
}
