//! `/hub/user/{user}/...`: what stands in front of a server that does not run (contract 8.5).

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use hubd_base::names::{ServerId, esc};

use super::home::to_login;
use super::spawn;
use crate::app::App;
use crate::http::faults::Fault;
use crate::http::layers;
use crate::http::next;
use crate::http::redirect::Redirect;
use crate::http::visitor::Visitor;
use crate::servers::state::State as ServerState;

/// Any method on `/hub/user/{user}/{rest}`.
pub async fn show(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    Path(_): Path<String>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, Fault> {
    let read_only = method == Method::GET || method == Method::HEAD;
    let Some(user) = visitor.user().cloned() else {
        return if read_only { Ok(to_login(&app, &visitor).into_response()) } else { Err(Fault::NoCredentials) };
    };
    let hub = format!("{}hub/", app.base_url());
    // The same address without `hub/`, byte for byte.
    let rest = visitor.target.strip_prefix(&hub).unwrap_or_default();
    let segment = rest.strip_prefix("user/").and_then(|rest| rest.split(['/', '?']).next()).unwrap_or_default();
    let id = next::server_of(segment).ok_or(Fault::NotFound)?;
    if !app.may_access(&user, &id) {
        return Err(Fault::NotYours);
    }
    let original = format!("{}{rest}", app.base_url());
    let state = app.servers.get(&id).snapshot().state;
    if read_only && state.is_ready() {
        return Ok(Redirect::to(&original).into_response());
    }
    if !read_only || is_api_like(rest, &headers) {
        return Ok(not_running(&app, &id, &original));
    }
    match state {
        ServerState::Starting | ServerState::Failed => {
            let pending = format!("{hub}spawn-pending/{}?next={}", esc(id.user.as_str()), next::quote(&original));
            Ok(Redirect::to(&pending).into_response())
        }
        _ => Ok(spawn::stopped(&app, &visitor, &id, original, StatusCode::FAILED_DEPENDENCY)),
    }
}

/// Whether a program rather than a person asks: the path has an `api` segment, or JSON is preferred.
pub fn is_api_like(path: &str, headers: &HeaderMap) -> bool {
    let path = path.split('?').next().unwrap_or_default();
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    path.split('/').any(|segment| segment == "api") || accept.trim_start().starts_with("application/json")
}

/// The contract's answer to programs: 424 with a message that JupyterLab shows.
pub fn not_running(app: &App, id: &ServerId, original: &str) -> Response<Body> {
    let path = original.split('?').next().unwrap_or_default();
    let base = app.base_url();
    let message = format!(
        "JupyterHub server no longer running at {path}. Restart the server at {base}hub/spawn/{}",
        id.url_segment()
    );
    let body = axum::Json(serde_json::json!({ "message": message }));
    let mut response = (StatusCode::FAILED_DEPENDENCY, body).into_response();
    layers::add_headers(app, response.headers_mut(), true);
    response
}
