//! What somebody may do right now (contract 3.5): worked out from roles, groups, shares and tokens, and kept until
//! one of them changes.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use hubd_base::names::{ServerId, UserName};

use super::changes::Changes;
use super::clients::Client;
use super::groups::Groups;
use super::people::People;
use super::roles::Roles;
use super::scopes::{self, Catalog, Cover, Resource, Scopes};
use super::services::Services;
use super::shares::Shares;
use super::tokens::{Owner, Token};

/// People whose scopes are kept at most; beyond, all are worked out anew.
const KEPT_MAX: usize = 20_000;

/// What [`Access::of_own`] gives: start, stop, look and read the log, and no tokens.
const OWN: &[&str] = &["servers!user", "read:users!user"];

/// Everything that decides who may do what.
#[derive(Debug)]
pub struct Access {
    /// Built-in and custom scopes.
    pub catalog: Catalog,
    /// Roles.
    pub roles: Roles,
    people: Arc<People>,
    groups: Arc<Groups>,
    services: Arc<Services>,
    shares: Arc<Shares>,
    changes: Changes,
    kept: RwLock<HashMap<Owner, (u64, Arc<Scopes>)>>,
}

impl Access {
    /// Puts together what decides.
    pub fn new(
        (catalog, roles): (Catalog, Roles),
        people: Arc<People>,
        groups: Arc<Groups>,
        services: Arc<Services>,
        shares: Arc<Shares>,
        changes: Changes,
    ) -> Self {
        Self { catalog, roles, people, groups, services, shares, changes, kept: RwLock::default() }
    }

    /// What changes permissions.
    pub fn changes(&self) -> &Changes {
        &self.changes
    }

    /// Who is in which group.
    pub fn groups(&self) -> &Groups {
        &self.groups
    }

    /// What a person or service may do.
    pub fn of(&self, owner: &Owner) -> Arc<Scopes> {
        let count = self.changes.count();
        let kept = self.kept.read().unwrap_or_else(PoisonError::into_inner).get(owner).cloned();
        if let Some((_, scopes)) = kept.filter(|(at, _)| *at == count) {
            return scopes;
        }
        let scopes = Arc::new(match owner {
            Owner::User(user) => self.work_out_user(user),
            Owner::Service(name) => self.work_out_service(name),
        });
        let mut kept = self.kept.write().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= KEPT_MAX {
            kept.clear();
        }
        kept.insert(owner.clone(), (count, Arc::clone(&scopes)));
        scopes
    }

    /// What a person may do.
    pub fn of_user(&self, user: &UserName) -> Arc<Scopes> {
        self.of(&Owner::User(user.clone()))
    }

    /// What the bearer of a token may do: never more than its owner.
    pub fn of_token(&self, token: &Token) -> Arc<Scopes> {
        let count = self.changes.count();
        let kept = token.effective.read().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some((_, scopes)) = kept.filter(|(at, _)| *at == count) {
            return scopes;
        }
        let owner = self.of(&token.owner);
        let scopes = if token.scopes.iter().any(|scope| scope == "inherit") {
            owner
        } else {
            Arc::new(self.granted(token, &owner))
        };
        *token.effective.write().unwrap_or_else(PoisonError::into_inner) = Some((count, Arc::clone(&scopes)));
        scopes
    }

    /// What an administrator of the machine may do: everything.
    pub fn of_machine(&self) -> Scopes {
        self.catalog.expand(scopes::ADMIN_ROLE.iter().copied(), scopes::Owner::Service(""), None, None)
    }

    /// What a program of a person of this machine may do on the control socket: no more than to use that person's own
    /// servers, whatever else the person may do at the hub.
    pub fn of_own(&self, user: &UserName) -> Scopes {
        if self.people.is_refused(user) {
            return Scopes::default();
        }
        self.catalog.expand(OWN.iter().copied(), scopes::Owner::User(user.as_str()), None, None)
    }

    /// Whether scopes let somebody into a server.
    pub fn may_enter(&self, scopes: &Scopes, id: &ServerId) -> bool {
        let server = Resource::Server { user: id.user.as_str(), server: id.server.as_str() };
        scopes.covers("access:servers", server, &*self.groups) == Cover::Covered
    }

    fn granted(&self, token: &Token, owner: &Scopes) -> Scopes {
        let client = token.client.as_deref().and_then(|id| Client::find(id, &self.services));
        let access = client.as_ref().map(Client::access_scope);
        let server = client.as_ref().and_then(Client::server_name);
        let identify = scopes::identify(token.owner.scope_owner());
        let raw = token.scopes.iter().chain(&access).chain(&identify).map(String::as_str);
        let granted = self.catalog.expand(raw, token.owner.scope_owner(), server.as_deref(), Some(owner));
        granted.intersect(owner, &*self.groups)
    }

    fn work_out_user(&self, user: &UserName) -> Scopes {
        let Some(person) = self.people.find(user) else { return Scopes::default() };
        if self.people.is_refused(user) {
            return Scopes::default();
        }
        let groups = self.groups.of(user);
        let mut roles = self.roles.of_user(user, person.admin.holds());
        for group in &groups {
            roles.extend(self.roles.of_group(group));
        }
        let shared = self.shares.granted_to(user, &self.groups);
        let raw = self.roles.scopes(roles).chain(shared.iter().map(String::as_str));
        self.catalog.expand(raw, scopes::Owner::User(user.as_str()), None, None)
    }

    /// The roles of a service.
    pub fn roles_of_service(&self, name: &str) -> Vec<&str> {
        let mut roles = self.roles.of_service(name);
        if !roles.contains(&"admin") && self.services.find(name).is_some_and(|service| service.admin) {
            roles.push("admin");
        }
        roles
    }

    fn work_out_service(&self, name: &str) -> Scopes {
        let roles = self.roles_of_service(name);
        self.catalog.expand(self.roles.scopes(roles), scopes::Owner::Service(name), None, None)
    }
}
