//! `/users/{user}/server`, `/users/{user}/servers/{server}` and `/users/{user}/servers/`: the names in the address.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use hubd_base::names::{ServerId, ServerName, UserName};

use crate::api::caller::Caller;
use crate::app::App;
use crate::auth::scopes::Resource;
use crate::http::faults::Fault;
use crate::servers::naming::Refusal;
use crate::servers::server::Server;

/// The names as they stand in the address, decoded. The default server's is empty.
pub struct Address {
    /// Whose server.
    pub user: String,
    /// Which.
    pub server: String,
}

impl FromRequestParts<Arc<App>> for Address {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Fault> {
        let names = Path::<HashMap<String, String>>::from_request_parts(parts, app).await;
        let Path(mut names) = names.map_err(|_| Fault::NoAccess)?;
        let user = names.remove("user").unwrap_or_default();
        Ok(Self { user, server: names.remove("server").unwrap_or_default() })
    }
}

impl Address {
    /// The person's name, once it is clear that the caller may ask. A name that cannot be is nobody's.
    pub fn allowed(&self, caller: &Caller, any: &'static [&'static str]) -> Result<UserName, Fault> {
        caller.require(any, Resource::Server { user: &self.user, server: &self.server })?;
        UserName::parse(&self.user).map_err(|_| Fault::NoAccess)
    }

    /// The server of a person who is known, for calls that may make it: its name is one that servers can have, and
    /// servers with a name are not turned off.
    pub fn possible(&self, app: &App, user: UserName) -> Result<ServerId, Fault> {
        let refused = |refusal: Refusal| Fault::BadRequest(refusal.to_string());
        if !self.server.is_empty() && !app.servers.named_are_enabled() {
            return Err(refused(Refusal::NotEnabled));
        }
        let server = ServerName::parse(&self.server).map_err(|_| refused(Refusal::Name(self.server.clone())))?;
        Ok(ServerId::new(user, server))
    }

    /// The server, if a person who is known has it.
    pub fn existing(&self, app: &App, user: &UserName) -> Option<Arc<Server>> {
        app.people.find(user)?;
        let id = ServerId::new(user.clone(), ServerName::parse(&self.server).ok()?);
        app.servers.find(&id).filter(|server| server.exists())
    }
}
