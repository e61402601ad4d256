//! OAuth clients: everybody's servers, and services (contract 4.1).

use hubd_base::config::Config;
use hubd_base::names::ServerId;

use super::people::People;
use super::scopes::Issuer;
use super::services::Services;
use super::tokens::{Kind, Owner, Token};

/// Somebody who may ask a browser's owner for a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Client {
    /// A person's server, or the gate in front of it.
    Server(ServerId),
    /// A service, by its name.
    Service(String),
}

impl Client {
    /// The client of an id.
    pub fn find(id: &str, services: &Services) -> Option<Self> {
        if let Some(server) = ServerId::from_client_id(id) {
            return Some(Self::Server(server));
        }
        services.by_client(id).map(|service| Self::Service(service.name.clone()))
    }

    /// The scope a visitor needs, and every token of this client carries.
    pub fn access_scope(&self) -> String {
        match self {
            Self::Server(id) => access_scope(id),
            Self::Service(name) => format!("access:services!service={name}"),
        }
    }

    /// Calls `look` with the client as the issuer of tokens, for `!server` and `!service`.
    pub fn as_issuer<T>(&self, look: impl FnOnce(Issuer<'_>) -> T) -> T {
        match self {
            Self::Server(id) => look(Issuer::Server(&server_name(id))),
            Self::Service(name) => look(Issuer::Service(name)),
        }
    }

    /// `user/name` of a server, for `!server`.
    pub fn server_name(&self) -> Option<String> {
        match self {
            Self::Server(id) => Some(server_name(id)),
            Self::Service(_) => None,
        }
    }
}

/// A client as it stands on this hub now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registered {
    /// Who it is.
    pub client: Client,
    /// Its id on the wire.
    pub id: String,
    /// Where its codes go; the first is what is meant when it says nothing.
    pub redirect_uris: Vec<String>,
    /// Scopes its tokens may carry beside access to it.
    pub allowed_scopes: Vec<String>,
    /// Whether people are let in without being asked.
    pub no_confirm: bool,
    /// What people are shown, in English: `Server at /user/alice/`.
    pub description: String,
}

impl Registered {
    /// The client of an id, if it is somebody's server or a service that has one. Whether a server with a name exists
    /// is not looked at.
    pub fn find(id: &str, config: &Config, people: &People, services: &Services) -> Option<Self> {
        let client = Client::find(id, services)?;
        let id = id.to_owned();
        match &client {
            Client::Server(server) => {
                people.find(&server.user)?;
                let url = server_url(config, server);
                let allowed_scopes = config.server.oauth_client_allowed_scopes.clone();
                let redirect_uris = forms(config, format!("{url}oauth_callback"));
                let description = format!("Server at {url}");
                Some(Self { client, id, redirect_uris, allowed_scopes, no_confirm: false, description })
            }
            Client::Service(name) => {
                let service = services.find(name)?;
                let redirect_uris = forms(config, service.redirect_uri.clone());
                let allowed_scopes = service.allowed_scopes.clone();
                let description = format!("JupyterHub service {name}");
                let no_confirm = service.no_confirm;
                Some(Self { client, id, redirect_uris, allowed_scopes, no_confirm, description })
            }
        }
    }

    /// Whether a token is this client's own, and so its secret.
    pub fn is_secret(&self, token: &Token) -> bool {
        match (&self.client, token.kind, &token.owner) {
            (Client::Server(_), Kind::Server, _) => token.client.as_deref() == Some(self.id.as_str()),
            (Client::Service(name), Kind::Service, Owner::Service(owner)) => owner == name,
            _ => false,
        }
    }
}

/// The ways to write a redirect URI: as registered, and a path with the hub's own address before it.
fn forms(config: &Config, registered: String) -> Vec<String> {
    let public = config.hub.public_url.as_deref().filter(|_| registered.starts_with('/'));
    let full = public.map(|public| format!("{public}{registered}"));
    [registered].into_iter().chain(full).collect()
}

/// The path of a server: `/user/alice/`.
fn server_url(config: &Config, id: &ServerId) -> String {
    format!("{}user/{}/", config.hub.base_url, id.url_segment())
}

/// The scope that lets a visitor into a server.
pub fn access_scope(id: &ServerId) -> String {
    format!("access:servers!server={}", server_name(id))
}

/// How scopes name a server: `alice/` or `alice/gpu`, raw names.
pub fn server_name(id: &ServerId) -> String {
    format!("{}/{}", id.user, id.server)
}
