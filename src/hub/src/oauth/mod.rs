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

/// How the client ids of servers begin (contract 4.1).
const CLIENT: &str = "jupyterhub-user-";

/// The routes, relative to `<base>hub`.
pub fn routes() -> Router<Arc<App>> {
    Router::new().route("/api/oauth2/authorize", get(authorize::show))
}

/// The client id of a server: also the name of the cookie that its gate sets.
pub fn client_id(id: &ServerId) -> String {
    // `@` is no cookie-name character (RFC 6265 token), so it is encoded here although URLs keep it.
    format!("{CLIENT}{}", id.url_segment().replace('@', "%40").replace('/', "%2F"))
}

/// Where the gate of a server takes its code: a path of this host.
pub fn callback(app: &App, id: &ServerId) -> String {
    format!("{}oauth_callback", app.server_url(id))
}

/// The server of a client id.
pub fn server_of(client_id: &str) -> Option<ServerId> {
    let segment = client_id.strip_prefix(CLIENT)?;
    crate::http::next::server_of(segment)
}
