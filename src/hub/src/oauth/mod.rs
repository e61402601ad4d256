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

use hubd_base::names::ServerId;

use crate::app::App;
use crate::auth::clients::{Client, Registered};
use crate::http::document::{Doc, Routes};

pub use issue::{Issued, issue};

/// The routes, relative to `<base>hub/api`.
pub fn routes() -> Routes {
    let asked: &[(&str, &str, &str)] = &[
        ("client_id", "string", "Who asks"),
        ("redirect_uri", "string", "Where the code goes"),
        ("response_type", "string", "code"),
        ("scope", "string", "Scopes or roles, with blanks between"),
        ("state", "string", "Comes back as it is"),
        ("code_challenge", "string", "PKCE (RFC 7636)"),
        ("code_challenge_method", "string", "S256 or plain"),
    ];
    let answers: &[(u16, &str)] = &[(200, "Page"), (302, ""), (400, "Page"), (403, "Page"), (413, "Page")];
    let given: &[(u16, &str)] = &[(200, "OAuthToken"), (400, "OAuthError"), (401, "OAuthError"), (413, "Error")];
    Routes::default()
        .get("/oauth2/authorize", authorize::show, Doc::new("A browser asks for a code", &[], answers).query(asked))
        .post("/oauth2/authorize", authorize::agree, Doc::new("Its owner agrees", &[], answers).query(asked))
        .post("/oauth2/token", token::give, Doc::new("A token for a code", &[], given))
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
