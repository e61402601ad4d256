//! The hub's address as browsers and clients write it.

use axum::http::{HeaderMap, header};

use crate::app::App;

/// Scheme and host, without a slash at the end: the configured address, else what this request was sent to; empty
/// where neither is known.
pub fn origin(app: &App, headers: &HeaderMap) -> String {
    if let Some(public) = &app.config.hub.public_url {
        return public.clone();
    }
    let host = headers.get(header::HOST).and_then(|value| value.to_str().ok());
    host.map(|host| format!("http://{host}")).unwrap_or_default()
}

/// A path of the hub for a redirect: with scheme and host where they are configured.
pub fn absolute(app: &App, path: &str) -> String {
    format!("{}{path}", app.config.hub.public_url.as_deref().unwrap_or_default())
}
