//! Who calls the API: a logged-in browser, or an administrator on the control socket.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::Method;
use axum::http::request::Parts;
use hubd_base::names::{ServerId, UserName};

use crate::app::App;
use crate::http::faults::Fault;
use crate::http::origin::Origin;
use crate::http::visitor::Visitor;

/// Somebody who may call the API.
#[derive(Clone, Debug)]
pub enum Caller {
    /// A person in a browser; what they may do depends on who they are.
    Person {
        /// Their name.
        user: UserName,
        /// Whether they are an administrator of the hub.
        admin: bool,
    },
    /// An administrator of the machine, authorised by polkit.
    Machine {
        /// The account's name.
        name: String,
    },
}

impl Caller {
    /// Whether everything is allowed.
    pub fn is_admin(&self) -> bool {
        matches!(self, Self::Machine { .. } | Self::Person { admin: true, .. })
    }

    /// For the journal.
    pub fn name(&self) -> &str {
        match self {
            Self::Person { user, .. } => user.as_str(),
            Self::Machine { name } => name,
        }
    }

    /// The person's server if the caller may see and manage it; otherwise the same answer as if it did not exist.
    pub fn server(&self, name: &str) -> Result<ServerId, Fault> {
        let user = UserName::parse(name).map_err(|_| Fault::NoAccess)?;
        let own = matches!(self, Self::Person { user: caller, .. } if *caller == user);
        if own || self.is_admin() { Ok(ServerId::default_of(user)) } else { Err(Fault::NoAccess) }
    }

    /// Refuses everybody but administrators.
    pub fn require_admin(&self) -> Result<(), Fault> {
        if self.is_admin() { Ok(()) } else { Err(Fault::Forbidden) }
    }
}

impl FromRequestParts<Arc<App>> for Caller {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Fault> {
        if let Some(Origin::Control(peer)) = parts.extensions.get::<Origin>() {
            return match peer.administrator(app.authority.as_ref()).await {
                Ok(Some(administrator)) => Ok(Self::Machine { name: administrator.name }),
                Ok(None) => Err(Fault::Forbidden),
                Err(text) => Err(Fault::Internal(text.into())),
            };
        }
        let visitor = Visitor::from_request_parts(parts, app).await?;
        let Some(user) = visitor.user().cloned() else { return Err(Fault::NoCredentials) };
        if !is_exempt(parts) {
            let header = |name| parts.headers.get(name).and_then(|value| value.to_str().ok());
            let query = parts.uri.query().unwrap_or_default();
            let argument = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "_xsrf");
            let argument = argument.map(|(_, value)| value.into_owned());
            let submitted = argument.as_deref().or(header("x-xsrftoken")).or(header("x-csrftoken"));
            visitor.check_xsrf(&parts.method, submitted)?;
        }
        let admin = app.is_admin(&user);
        Ok(Self::Person { user, admin })
    }
}

/// Reads that no other site's script can have caused (contract 5.3): navigations, and clients without fetch metadata.
fn is_exempt(parts: &Parts) -> bool {
    let mode = parts.headers.get("sec-fetch-mode").map(axum::http::HeaderValue::as_bytes);
    match parts.method {
        Method::HEAD | Method::OPTIONS => true,
        Method::GET => mode.is_none_or(|mode| mode == b"navigate"),
        _ => false,
    }
}
