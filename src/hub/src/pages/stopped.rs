//! `/hub/user/{user}/...`: what stands in front of a server that does not run (contract 8.5), and
//! `/hub/user-redirect/...`, which leads to one's own.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use hubd_base::names::{ServerId, esc};

use super::home::to_login;
use super::spawn;
use crate::app::App;
use crate::auth::scopes::Scopes;
use crate::clock::now;
use crate::http::faults::Fault;
use crate::http::redirect::Redirect;
use crate::http::visitor::Visitor;
use crate::http::{credentials, layers, next, public};
use crate::proxy::routes;
use crate::servers::state::State as ServerState;

/// So often a browser is sent to a server that runs, before the hub says that it goes round in circles.
const REDIRECTS_MAX: u32 = 4;
/// The longest pause before it is sent there again, seconds.
const PAUSE_MAX: u64 = 10;

/// Any method on `/hub/user/{user}/{rest}`.
pub async fn show(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, Fault> {
    let read_only = method == Method::GET || method == Method::HEAD;
    let Some(scopes) = held(&app, &visitor, &headers) else {
        return if read_only { Ok(to_login(&app, &visitor).into_response()) } else { Err(Fault::NoCredentials) };
    };
    let hub = format!("{}hub/", app.base_url());
    // The same address without `hub/`, byte for byte.
    let rest = visitor.target.strip_prefix(&hub).unwrap_or_default();
    let original = format!("{}{rest}", app.base_url());
    let path = rest.split('?').next().unwrap_or_default();
    let target = path.strip_prefix("user/").and_then(|path| routes::find(&app.servers, path));
    let Some(id) = target.and_then(|target| target.id()) else { return Err(Fault::NotFound) };
    let is_api = is_api_like(path, &headers);
    if !read_only {
        return Ok(not_running(&app, &id, &original, &headers));
    }
    if let Err(fault) = may_know(&app, &scopes, &id) {
        return if is_api { Ok(fault.json()) } else { Err(fault) };
    }
    let state = app.servers.find(&id).map_or(ServerState::Stopped, |server| server.snapshot().state);
    if state.is_ready() {
        return back(&app, &original).await;
    }
    if is_api {
        return Ok(not_running(&app, &id, &original, &headers));
    }
    Ok(match state {
        ServerState::Starting | ServerState::Stopping | ServerState::Failed => {
            Redirect::see_other(&spawn::pending_url(&app, &id, Some(&original))).into_response()
        }
        _ => spawn::stopped(&app, &visitor, &id, original, status(&app)),
    })
}

/// What the sender of this request may do: a token counts here as well as the cookie.
fn held(app: &App, visitor: &Visitor, headers: &HeaderMap) -> Option<Arc<Scopes>> {
    let token = credentials::token(headers).and_then(|secret| app.tokens.find(secret, now()));
    match token {
        Some(token) => Some(app.access.of_token(&token)),
        None => visitor.user().map(|user| app.access.of_user(user)),
    }
}

fn may_know(app: &App, scopes: &Scopes, id: &ServerId) -> Result<(), Fault> {
    if !app.access.may_enter(scopes, id) {
        return Err(Fault::NoAccess);
    }
    match app.people.find(&id.user) {
        Some(_) => Ok(()),
        None => Err(Fault::Told(StatusCode::NOT_FOUND, format!("No such user {}", id.user))),
    }
}

/// The server runs by now: back to it. The browser carries along how often that happened; each time it waits longer.
async fn back(app: &App, original: &str) -> Result<Response, Fault> {
    let (path, query) = original.split_once('?').unwrap_or((original, ""));
    let pairs = || form_urlencoded::parse(query.as_bytes());
    let times = pairs().find(|(name, _)| name == "redirects").and_then(|(_, value)| value.parse::<u32>().ok());
    let times = times.unwrap_or(0);
    if times >= REDIRECTS_MAX {
        return Err(Fault::Told(StatusCode::INTERNAL_SERVER_ERROR, "Redirect loop detected.".into()));
    }
    if times > 0 {
        tokio::time::sleep(Duration::from_secs((1_u64 << times).min(PAUSE_MAX))).await;
    }
    let kept = query.split('&').filter(|pair| !pair.is_empty() && !pair.starts_with("redirects="));
    let count = format!("redirects={}", times + 1);
    let query: Vec<&str> = kept.chain([count.as_str()]).collect();
    Ok(Redirect::to(&public::absolute(app, &format!("{path}?{}", query.join("&")))).into_response())
}

fn status(app: &App) -> StatusCode {
    StatusCode::from_u16(app.config.hub.stopped_server_status).unwrap_or(StatusCode::FAILED_DEPENDENCY)
}

/// Whether a program rather than a person asks: the path has an `api` segment, or JSON is preferred to HTML.
pub fn is_api_like(path: &str, headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    path.split('/').any(|segment| segment == "api") || prefers_json(accept)
}

/// By RFC 9110 12.5.1: the higher `q` wins, then the earlier.
fn prefers_json(accept: &str) -> bool {
    let mut best: Option<(f32, bool)> = None;
    for range in accept.split(',') {
        let mut parts = range.split(';').map(str::trim);
        let json = match parts.next() {
            Some("application/json") => true,
            Some("text/html") => false,
            _ => continue,
        };
        let quality = parts.find_map(|part| part.strip_prefix("q=")).map_or(Some(1.0), |q| q.parse::<f32>().ok());
        let quality = quality.unwrap_or(0.0);
        if best.is_none_or(|(so_far, _)| quality > so_far) {
            best = Some((quality, json));
        }
    }
    best.is_some_and(|(_, json)| json)
}

/// The contract's answer to programs, with a message that JupyterLab shows. `original`: the address that was asked for.
pub fn not_running(app: &App, id: &ServerId, original: &str, headers: &HeaderMap) -> Response<Body> {
    let path = original.split('?').next().unwrap_or_default();
    let (origin, base) = (public::origin(app, headers), app.base_url());
    let message = format!(
        "JupyterHub server no longer running at {path}. Restart the server at {origin}{base}hub/spawn/{}",
        id.url_segment()
    );
    let mut response = (status(app), axum::Json(serde_json::json!({ "message": message }))).into_response();
    layers::add_headers(app, response.headers_mut(), true);
    response
}

/// `GET /hub/user-redirect/{path}`: the same path in one's own default server, whoever follows the link.
pub async fn to_own(State(app): State<Arc<App>>, visitor: Visitor) -> Redirect {
    let Some(user) = visitor.user() else { return to_login(&app, &visitor) };
    let (base, me) = (app.base_url(), esc(user.as_str()));
    let path = visitor.target.strip_prefix(&format!("{base}hub/user-redirect/")).unwrap_or_default();
    let wanted = format!("{base}user/{me}/{path}");
    Redirect::to(&format!("{base}hub/spawn/{me}?next={}", next::quote(&wanted)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_told_from_people_by_path_or_accept() {
        let headers = |accept: &'static str| {
            HeaderMap::from_iter([(header::ACCEPT, axum::http::HeaderValue::from_static(accept))])
        };
        assert!(is_api_like("user/alice/api/contents", &headers("text/html")));
        assert!(!is_api_like("user/alice/apis", &HeaderMap::new()));
        for json in ["application/json", "application/json, text/html", "text/html;q=0.5, application/json;q=0.9"] {
            assert!(is_api_like("user/alice/lab", &headers(json)), "{json}");
        }
        for html in ["text/html, application/json", "*/*", "text/html;q=0.9, application/json;q=0.8", "image/png"] {
            assert!(!is_api_like("user/alice/lab", &headers(html)), "{html}");
        }
    }
}
