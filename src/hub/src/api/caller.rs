//! Who calls the API, and what they may do: the bearer of a token, a logged-in browser, or, on the control socket, an
//! administrator of the machine or a person for what is their own (contract 1.1 and 1.2).

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderName, Method, header};
use hubd_base::names::{ServerId, ServerName, UserName};

use crate::app::App;
use crate::auth::groups::Groups;
use crate::auth::scopes::{self, Cover, Resource, Scopes};
use crate::auth::sessions::Session;
use crate::auth::tokens::{Kind, Owner, Token};
use crate::clock::now;
use crate::http::credentials;
use crate::http::faults::Fault;
use crate::http::origin::Origin;
use crate::http::visitor::Visitor;
use crate::http::xsrf;

/// On the control socket: who calls as themself, [`AS_SELF`], needs no administrator's right for what is their own.
const AS: HeaderName = HeaderName::from_static("x-hub-as");
/// See [`AS`].
const AS_SELF: &str = "self";

/// What somebody calls with.
#[derive(Clone, Debug)]
pub enum Credential {
    /// A token.
    Token(Arc<Token>),
    /// The hub's own cookie.
    Session(Arc<Session>),
    /// The control socket; polkit said yes. The account's name.
    Machine(String),
    /// The control socket, for the own servers of who connected.
    Own(UserName),
}

/// Somebody who may call the API.
#[derive(Clone)]
pub struct Caller {
    /// What they call with.
    pub credential: Credential,
    /// What they may do.
    pub scopes: Arc<Scopes>,
    groups: Arc<Groups>,
}

impl Caller {
    /// The person or service; `None` for an administrator of the machine.
    pub fn owner(&self) -> Option<Owner> {
        match &self.credential {
            Credential::Token(token) => Some(token.owner.clone()),
            Credential::Session(session) => Some(Owner::User(session.user.clone())),
            Credential::Own(user) => Some(Owner::User(user.clone())),
            Credential::Machine(_) => None,
        }
    }

    /// The person, if it is one.
    pub fn user(&self) -> Option<&UserName> {
        match &self.credential {
            Credential::Token(token) => match &token.owner {
                Owner::User(user) => Some(user),
                Owner::Service(_) => None,
            },
            Credential::Session(session) => Some(&session.user),
            Credential::Own(user) => Some(user),
            Credential::Machine(_) => None,
        }
    }

    /// The token, if one was presented.
    pub fn token(&self) -> Option<&Arc<Token>> {
        match &self.credential {
            Credential::Token(token) => Some(token),
            _ => None,
        }
    }

    /// For the journal.
    pub fn name(&self) -> &str {
        match &self.credential {
            Credential::Token(token) => token.owner.name(),
            Credential::Session(session) => session.user.as_str(),
            Credential::Own(user) => user.as_str(),
            Credential::Machine(name) => name,
        }
    }

    /// Whether the caller holds a scope for this resource.
    pub fn may(&self, scope: &str, resource: Resource<'_>) -> bool {
        self.scopes.covers(scope, resource, &*self.groups) == Cover::Covered
    }

    /// The rule of every endpoint: any of these scopes, for this resource (contract 1.2). A filter that does not cover
    /// it answers as if there were no such thing; of a collection it answers as if the scope were not held.
    pub fn require(&self, any: &'static [&'static str], resource: Resource<'_>) -> Result<(), Fault> {
        let mut held = false;
        for scope in any {
            match self.scopes.covers(scope, resource, &*self.groups) {
                Cover::Covered => return Ok(()),
                Cover::Outside => held = true,
                Cover::NotHeld => {}
            }
        }
        if held && !matches!(resource, Resource::Any) { Err(Fault::NoAccess) } else { Err(Fault::Scopes(any)) }
    }

    /// As [`Caller::require`], for a person.
    pub fn on_user(&self, any: &'static [&'static str], user: &str) -> Result<(), Fault> {
        self.require(any, Resource::User(user))
    }

    /// As [`Caller::require`], for a server; the names come from the address. Impossible names are no servers.
    pub fn on_server(&self, any: &'static [&'static str], user: &str, server: &str) -> Result<ServerId, Fault> {
        self.require(any, Resource::Server { user, server })?;
        let parsed = UserName::parse(user).ok().zip(ServerName::parse(server).ok());
        parsed.map(|(user, server)| ServerId { user, server }).ok_or(Fault::NoAccess)
    }

    /// Whether everything is allowed that an administrator may do.
    pub fn is_admin(&self, app: &App) -> bool {
        match &self.credential {
            Credential::Machine(_) => true,
            Credential::Own(_) => false,
            _ => match self.owner() {
                Some(Owner::User(user)) => app.is_admin(&user),
                Some(Owner::Service(name)) => app.access.roles_of_service(&name).contains(&"admin"),
                None => false,
            },
        }
    }

    /// A logged-in browser: for pages, which check by themselves that a form is the hub's own.
    pub fn of_session(app: &App, session: Arc<Session>) -> Self {
        Self {
            scopes: app.access.of_user(&session.user),
            groups: Arc::clone(&app.groups),
            credential: Credential::Session(session),
        }
    }

    /// The caller without the right to be: for a token of which nothing else is known.
    fn of_token(app: &App, token: Arc<Token>) -> Self {
        Self {
            scopes: app.access.of_token(&token),
            groups: Arc::clone(&app.groups),
            credential: Credential::Token(token),
        }
    }

    /// The scopes that identify the caller, which `GET /user` always adds (contract 1.5).
    pub fn identified(&self, app: &App) -> Scopes {
        let mut scopes = (*self.scopes).clone();
        if let Some(owner) = self.owner() {
            let own = scopes::identify(owner.scope_owner());
            scopes.add(&app.access.catalog.expand(own.iter().map(String::as_str), owner.scope_owner(), None, None));
        }
        scopes
    }
}

/// Notes that a token was used: its own last use, and, unless it is a server's, its owner's.
pub(super) fn note_use(app: &Arc<App>, token: &Arc<Token>) {
    let now = now();
    if !app.tokens.touch(token, now) || token.kind == Kind::Server {
        return;
    }
    if let Owner::User(user) = &token.owner {
        let (app, user) = (Arc::clone(app), user.clone());
        tokio::spawn(async move {
            if let Err(error) = app.people.touch(&user, now).await {
                tracing::warn!("cannot write the last activity of {user}, ignoring: {error}");
            }
        });
    }
}

impl FromRequestParts<Arc<App>> for Caller {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Fault> {
        if let Some(Origin::Control(peer)) = parts.extensions.get::<Origin>() {
            if parts.headers.get(AS).is_some_and(|value| value == AS_SELF) {
                let person = peer.person(app.authority.as_ref()).await.map_err(|text| Fault::Internal(text.into()))?;
                let user = person.ok_or(Fault::Forbidden)?;
                // As by a login: the configuration lets the person in.
                if parts.method != Method::GET && app.people.find(&user).is_none() {
                    app.people.keep(user.clone(), None, now()).await.map_err(Fault::internal)?;
                }
                return Ok(Self {
                    scopes: Arc::new(app.access.of_own(&user)),
                    groups: Arc::clone(&app.groups),
                    credential: Credential::Own(user),
                });
            }
            return match peer.administrator(app.authority.as_ref()).await {
                Ok(Some(administrator)) => Ok(Self {
                    credential: Credential::Machine(administrator.name),
                    scopes: Arc::new(app.access.of_machine()),
                    groups: Arc::clone(&app.groups),
                }),
                Ok(None) => Err(Fault::Forbidden),
                Err(text) => Err(Fault::Internal(text.into())),
            };
        }
        // A good token wins, and needs no form protection; with a bad one the cookie is tried.
        if let Some(token) = credentials::token(&parts.headers).and_then(|secret| app.tokens.find(secret, now())) {
            note_use(app, &token);
            return Ok(Self::of_token(app, token));
        }
        let visitor = Visitor::from_request_parts(parts, app).await?;
        let Some(session) = visitor.session.clone() else { return Err(Fault::NoCredentials) };
        if !is_json(parts) {
            return Err(Fault::NoCredentials);
        }
        if !xsrf::is_exempt(&parts.method, &parts.headers) {
            let submitted = xsrf::submitted(&parts.uri, &parts.headers);
            visitor.check_xsrf(&parts.method, submitted.as_deref())?;
        }
        Ok(Self::of_session(app, session))
    }
}

/// A form of another site can send any body but JSON, so a browser's POST with another type counts as nobody's.
fn is_json(parts: &Parts) -> bool {
    let kind = parts.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let json = |kind: &str| {
        let name = kind.split(';').next().unwrap_or_default().trim();
        name.eq_ignore_ascii_case("application/json")
    };
    parts.method != Method::POST || kind.is_none_or(json)
}
