//! OAuth2 of the hub: the authorization code grant for people's servers and for services (contract section 4).
//!
//! A server of kind `lab` knows no OAuth; the gate in front of it is its client and takes the code itself.

pub mod authorize;
pub mod codes;
mod issue;
pub mod pkce;
mod request;
mod scopes;
mod token;

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};
use hubd_base::names::ServerId;

use crate::app::App;
use crate::auth::clients::{Client, Registered};

pub use issue::{Issued, issue};

/// The routes, relative to `<base>hub`.
pub fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/api/oauth2/authorize", get(authorize::show).post(authorize::agree))
        .route("/api/oauth2/token", post(token::give))
}

/// Where the gate of a server takes its code: a path of this host.
pub fn callback(app: &App, id: &ServerId) -> String {
    format!("{}oauth_callback", app.server_url(id))
}

/// The client of an id. A server with a name must exist.
pub fn client(app: &App, id: &str) -> Option<Registered> {
    let found = Registered::find(id, &app.config, &app.people, &app.services)?;
    match &found.client {
        Client::Server(server) if !server.server.is_default() && app.servers.find(server).is_none() => None,
        _ => Some(found),
    }
}
