//! OAuth clients: everybody's servers, and services (contract 4.1).

use hubd_base::names::ServerId;

use super::services::Services;

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

    /// `user/name` of a server, for `!server`.
    pub fn server_name(&self) -> Option<String> {
        match self {
            Self::Server(id) => Some(server_name(id)),
            Self::Service(_) => None,
        }
    }
}

/// The scope that lets a visitor into a server.
pub fn access_scope(id: &ServerId) -> String {
    format!("access:servers!server={}", server_name(id))
}

/// How scopes name a server: `alice/` or `alice/gpu`, raw names.
pub fn server_name(id: &ServerId) -> String {
    format!("{}/{}", id.user, id.server)
}
