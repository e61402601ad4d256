//! The middleware of pages and API, in the order in which a request meets it:
//!
//! 1. `frame`: who is asking; afterwards faults become pages or JSON, and every answer gets its headers.
//! 2. the body limit: nothing the hub itself reads is large.

use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::body::Body;
use axum::extract::{DefaultBodyLimit, MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::IntoResponse;

use super::cookies;
use super::faults::Fault;
use super::origin::Origin;
use super::visitor::Visitor;
use crate::app::{API_VERSION, App};
use crate::observe::metrics::metrics;

/// Largest body the hub itself reads, bytes.
pub const BODY_MAX: usize = 64 * 1024;

/// What a page may load: its own files, nothing else.
const PAGE_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
     connect-src 'self'; base-uri 'none'";
const API_POLICY: &str = "default-src 'none'";

/// Puts the layers around the routes.
pub fn around(app: &Arc<App>, routes: Router<Arc<App>>) -> Router<Arc<App>> {
    routes.layer(DefaultBodyLimit::max(BODY_MAX)).layer(from_fn_with_state(Arc::clone(app), frame))
}

async fn frame(State(app): State<Arc<App>>, mut request: Request, next: Next) -> Response<Body> {
    let is_api = is_api(&app, request.uri().path());
    let Some(origin) = request.extensions().get::<Origin>() else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    if matches!(origin, Origin::Control(_)) && !is_api {
        return Fault::NotFound.json();
    }
    let begun = Instant::now();
    let method = method_of(request.method());
    let route = request.extensions().get::<MatchedPath>().cloned();
    let visitor = Visitor::of(&app, origin, request.headers(), request.uri());
    request.extensions_mut().insert(visitor.clone());
    let mut response = run(next, request).await;
    if let Some(fault) = fault_of(&response) {
        let headers = std::mem::take(response.headers_mut());
        response = if is_api { fault.json() } else { fault.page(visitor.frame(&app)) };
        keep_cookies(&mut response, &headers);
    }
    if is_html(response.headers()) && !sets_xsrf(response.headers()) {
        if let Some(cookie) = visitor.xsrf_cookie(&app) {
            response.headers_mut().append(header::SET_COOKIE, cookie);
        }
    }
    add_headers(&app, response.headers_mut(), is_api);
    let route = route.as_ref().map_or("none", MatchedPath::as_str);
    let route = route.strip_prefix(app.base_url()).unwrap_or(route);
    metrics().request(method, route, response.status().as_u16(), begun.elapsed());
    response
}

/// Runs the handler. What changes something is carried to its end even if the client goes away in the middle: memory
/// and store would part otherwise.
async fn run(next: Next, request: Request) -> Response<Body> {
    if request.method().is_safe() {
        return next.run(request).await;
    }
    match tokio::spawn(next.run(request)).await {
        Ok(response) => response,
        Err(error) => Fault::Internal(format!("a handler ended badly: {error}").into()).into_response(),
    }
}

/// The method for the metrics: clients may make words up.
fn method_of(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

/// Headers of every answer of the hub itself.
pub fn add_headers(app: &App, headers: &mut HeaderMap, is_api: bool) {
    if let Ok(policy) = HeaderValue::try_from(policy(app, is_api)) {
        headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(policy);
    }
    let fixed = [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "same-origin"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (header::ACCESS_CONTROL_ALLOW_HEADERS, "accept, content-type, authorization"),
        (HeaderName::from_static("x-jupyterhub-version"), API_VERSION),
    ];
    for (name, value) in fixed {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
}

fn policy(app: &App, is_api: bool) -> String {
    let report = format!("frame-ancestors 'none'; report-uri {}hub/security/csp-report", app.base_url());
    if is_api {
        return format!("{report}; {API_POLICY}");
    }
    // A form may lead to a service elsewhere, by way of a login: browsers hold the last address against the form.
    let mut policy = format!("{report}; {PAGE_POLICY}; form-action 'self'");
    for service in app.services.all() {
        if let Some(origin) = origin_of(&service.redirect_uri) {
            policy.push(' ');
            policy.push_str(origin);
        }
    }
    policy
}

/// Scheme, host and port of an absolute address; `None` for a path, and for what cannot stand in a policy.
fn origin_of(address: &str) -> Option<&str> {
    let host = address.find("://")? + 3;
    let length = address.get(host..)?.find(['/', '?', '#']).unwrap_or(address.len() - host);
    let origin = address.get(..host + length)?;
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '/' | '[' | ']');
    origin.chars().all(plain).then_some(origin)
}

fn sets_xsrf(headers: &HeaderMap) -> bool {
    let start = format!("{}=", cookies::XSRF);
    headers.get_all(header::SET_COOKIE).iter().any(|cookie| cookie.as_bytes().starts_with(start.as_bytes()))
}

fn is_api(app: &App, path: &str) -> bool {
    let rest = path.strip_prefix(app.base_url()).and_then(|rest| rest.strip_prefix("hub/api"));
    rest.is_some_and(|rest| (rest.is_empty() || rest.starts_with('/')) && rest != "/oauth2/authorize")
}

fn is_html(headers: &HeaderMap) -> bool {
    headers.get(header::CONTENT_TYPE).is_some_and(|value| value.as_bytes().starts_with(b"text/html"))
}

/// The fault a handler returned, or what an extractor's own refusal amounts to.
fn fault_of(response: &Response<Body>) -> Option<Fault> {
    if let Some(fault) = response.extensions().get::<Fault>() {
        return Some(fault.clone());
    }
    let bare =
        response.headers().get(header::CONTENT_TYPE).is_none_or(|value| value.as_bytes().starts_with(b"text/plain"));
    match response.status() {
        StatusCode::NOT_FOUND if bare => Some(Fault::NotFound),
        StatusCode::METHOD_NOT_ALLOWED => Some(Fault::Method),
        StatusCode::PAYLOAD_TOO_LARGE => Some(Fault::TooLarge),
        status if bare && status.is_client_error() => {
            Some(Fault::BadRequest("The request could not be understood".into()))
        }
        _ => None,
    }
}

fn keep_cookies(response: &mut Response<Body>, headers: &HeaderMap) {
    for cookie in headers.get_all(header::SET_COOKIE) {
        response.headers_mut().append(header::SET_COOKIE, cookie.clone());
    }
    if let Some(allow) = headers.get(header::ALLOW) {
        response.headers_mut().insert(header::ALLOW, allow.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::origin_of;

    #[test]
    fn only_an_absolute_address_has_an_origin() {
        assert_eq!(origin_of("https://a.example:8443/oauth_callback?x"), Some("https://a.example:8443"));
        assert_eq!(origin_of("http://[::1]"), Some("http://[::1]"));
        for other in ["", "/services/x/oauth_callback", "https://a;script-src *", "https://a b/"] {
            assert_eq!(origin_of(other), None, "{other}");
        }
    }
}
