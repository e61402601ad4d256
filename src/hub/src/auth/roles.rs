//! Roles: names for sets of scopes, and who holds them (contract 3.3 and 3.4).
//!
//! All roles come from the configuration and the built-in ones; who is an administrator is the person's own flag.

use std::collections::{BTreeMap, BTreeSet};

use hubd_base::config::Config;
use hubd_base::names::UserName;

use super::scopes::{ADMIN_ROLE, Catalog, SERVER_ROLE, TOKEN_ROLE, USER_ROLE};

/// Scopes of the role `admin` that let administrators into other people's servers: only with `login.admin_access`.
const ACCESS: [&str; 2] = ["access:servers", "shares"];
/// What is left of `shares` without them.
const SHARES_WITHOUT_ACCESS: [&str; 3] = ["read:shares", "users:shares", "groups:shares"];

/// One role.
#[derive(Clone, Debug, Default)]
pub struct Role {
    /// A sentence for people.
    pub description: String,
    /// Scopes as they are written.
    pub scopes: Vec<String>,
    users: BTreeSet<String>,
    groups: BTreeSet<String>,
    services: BTreeSet<String>,
}

/// All roles by name.
#[derive(Clone, Debug)]
pub struct Roles(BTreeMap<String, Role>);

/// A role of the configuration that cannot be.
#[derive(Debug, thiserror::Error)]
#[error("role {role}: {problem}")]
pub struct RoleError {
    role: String,
    problem: String,
}

impl Roles {
    /// The built-in roles with what the configuration adds.
    ///
    /// # Errors
    /// A scope of the configuration does not exist.
    pub fn new(config: &Config, catalog: &Catalog) -> Result<Self, RoleError> {
        let mut roles = built_in(config.login.admin_access);
        for wanted in &config.roles {
            for scope in wanted.scopes.iter().flatten() {
                catalog
                    .parse(scope)
                    .map_err(|error| RoleError { role: wanted.name.clone(), problem: error.to_string() })?;
            }
            let role = roles.entry(wanted.name.clone()).or_default();
            if !wanted.description.is_empty() {
                role.description.clone_from(&wanted.description);
            }
            if let Some(scopes) = &wanted.scopes {
                role.scopes.clone_from(scopes);
            }
            role.users = wanted.users.iter().map(ToString::to_string).collect();
            role.groups = wanted.groups.iter().cloned().collect();
            role.services = wanted.services.iter().map(ToString::to_string).collect();
        }
        for service in config.services.iter().filter(|service| service.admin) {
            roles.entry("admin".into()).or_default().services.insert(service.name.to_string());
        }
        Ok(Self(roles))
    }

    /// The role of that name.
    pub fn find(&self, name: &str) -> Option<&Role> {
        self.0.get(name)
    }

    /// Every role with its name.
    pub fn all(&self) -> impl Iterator<Item = (&str, &Role)> {
        self.0.iter().map(|(name, role)| (name.as_str(), role))
    }

    /// The roles a person holds themselves, not through groups.
    pub fn of_user(&self, user: &UserName, admin: bool) -> Vec<&str> {
        let holds = |name: &str, role: &Role| {
            name == "user" || (name == "admin" && admin) || role.users.contains(user.as_str())
        };
        self.0.iter().filter(|(name, role)| holds(name, role)).map(|(name, _)| name.as_str()).collect()
    }

    /// The roles of a group: all its members have them.
    pub fn of_group(&self, group: &str) -> Vec<&str> {
        self.0.iter().filter(|(_, role)| role.groups.contains(group)).map(|(name, _)| name.as_str()).collect()
    }

    /// The roles of a service.
    pub fn of_service(&self, service: &str) -> Vec<&str> {
        self.0.iter().filter(|(_, role)| role.services.contains(service)).map(|(name, _)| name.as_str()).collect()
    }

    /// Scopes of several roles as they are written.
    pub fn scopes<'a>(&'a self, names: impl IntoIterator<Item = &'a str>) -> impl Iterator<Item = &'a str> {
        names.into_iter().filter_map(|name| self.0.get(name)).flat_map(|role| role.scopes.iter().map(String::as_str))
    }
}

fn built_in(admin_access: bool) -> BTreeMap<String, Role> {
    let mut admin: Vec<&str> = ADMIN_ROLE.to_vec();
    if !admin_access {
        admin.retain(|scope| !ACCESS.contains(scope));
        admin.extend(SHARES_WITHOUT_ACCESS);
    }
    let role = |description: &str, scopes: &[&str]| Role {
        description: description.to_owned(),
        scopes: scopes.iter().map(ToString::to_string).collect(),
        ..Role::default()
    };
    BTreeMap::from([
        ("user".to_owned(), role("What everybody may do with their own things", USER_ROLE)),
        ("admin".to_owned(), role("Administrators of the hub", &admin)),
        ("server".to_owned(), role("What a server itself may do", SERVER_ROLE)),
        ("token".to_owned(), role("Everything its owner may do", TOKEN_ROLE)),
    ])
}
