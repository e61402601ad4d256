//! OAuth2 of the hub: the authorization endpoint for the clients that the hub itself is, one per server.
//!
//! A server of kind `lab` knows no OAuth; the gate in front of it is its client and takes the code itself.

pub mod authorize;
pub mod codes;

use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use hubd_base::names::ServerId;

use crate::app::App;

/// The routes, relative to `<base>hub`.
pub fn routes() -> Router<Arc<App>> {
    Router::new().route("/api/oauth2/authorize", get(authorize::show))
}

/// Where the gate of a server takes its code: a path of this host.
pub fn callback(app: &App, id: &ServerId) -> String {
    format!("{}oauth_callback", app.server_url(id))
}
