//! Expanded scopes: for each base scope, whether it is held for everything or for what.
//!
//! Invariant: a holding is never empty, and `All` stands alone. [`Scopes::covers`] is asked for every proxied request:
//! it looks up borrowed names and allocates nothing.

use std::borrow::Cow;
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::raw::{Kind, split_server};

/// Who is in which group, at the moment of the question.
pub trait Membership {
    /// Whether the group has this member.
    fn is_member(&self, user: &str, group: &str) -> bool;
}

impl<F: Fn(&str, &str) -> bool> Membership for F {
    fn is_member(&self, user: &str, group: &str) -> bool {
        self(user, group)
    }
}

/// What a request is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resource<'a> {
    /// Everything of its sort, or the hub itself: only an unfiltered scope covers it.
    Any,
    /// One person as such; scopes for one of their servers do not cover it.
    User(&'a str),
    /// One server of one person; the default server's name is empty.
    Server {
        /// Whose server.
        user: &'a str,
        /// Its name.
        server: &'a str,
    },
    /// One group as such; scopes for its members do not cover it.
    Group(&'a str),
    /// One service.
    Service(&'a str),
}

/// As the filter of a scope: `!user=ann`, nothing for [`Resource::Any`].
impl fmt::Display for Resource<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => Ok(()),
            Self::User(name) => write!(f, "!user={name}"),
            Self::Server { user, server } => write!(f, "!server={user}/{server}"),
            Self::Group(name) => write!(f, "!group={name}"),
            Self::Service(name) => write!(f, "!service={name}"),
        }
    }
}

/// Whether a scope covers a resource. The greater, the more is permitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cover {
    /// The scope is not held at all: 403.
    NotHeld,
    /// It is held, but its filter does not cover this: 404, as if it did not exist; 403 for [`Resource::Any`].
    Outside,
    /// Permitted.
    Covered,
}

/// What a held scope is restricted to. Each entry alone is enough.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filters {
    /// People, with all of their servers.
    pub users: BTreeSet<String>,
    /// Groups, with their members and the members' servers.
    pub groups: BTreeSet<String>,
    /// Servers: the owner's name, then the names of their servers (empty for the default one).
    pub servers: BTreeMap<String, BTreeSet<String>>,
    /// Services.
    pub services: BTreeSet<String>,
}

impl Filters {
    /// Whether one of the filters covers the resource.
    pub fn covers(&self, resource: Resource<'_>, members: &dyn Membership) -> bool {
        match resource {
            Resource::Any => false,
            Resource::User(user) => self.covers_user(user, members),
            Resource::Server { user, server } => {
                self.servers.get(user).is_some_and(|servers| servers.contains(server))
                    || self.covers_user(user, members)
            }
            Resource::Group(group) => self.groups.contains(group),
            Resource::Service(service) => self.services.contains(service),
        }
    }

    fn covers_user(&self, user: &str, members: &dyn Membership) -> bool {
        self.users.contains(user) || self.groups.iter().any(|group| members.is_member(user, group))
    }

    fn is_empty(&self) -> bool {
        self.users.is_empty() && self.groups.is_empty() && self.servers.is_empty() && self.services.is_empty()
    }

    /// Every filter as the resource it names.
    fn resources(&self) -> impl Iterator<Item = Resource<'_>> {
        let servers = self
            .servers
            .iter()
            .flat_map(|(user, servers)| servers.iter().map(move |server| Resource::Server { user, server }));
        (self.users.iter().map(|name| Resource::User(name)))
            .chain(self.groups.iter().map(|name| Resource::Group(name)))
            .chain(servers)
            .chain(self.services.iter().map(|name| Resource::Service(name)))
    }

    fn insert(&mut self, resource: Resource<'_>) {
        match resource {
            Resource::Any => {}
            Resource::User(name) => drop(self.users.insert(name.to_owned())),
            Resource::Server { user, server } => {
                self.servers.entry(user.to_owned()).or_default().insert(server.to_owned());
            }
            Resource::Group(name) => drop(self.groups.insert(name.to_owned())),
            Resource::Service(name) => drop(self.services.insert(name.to_owned())),
        }
    }

    fn add(&mut self, other: &Self) {
        other.resources().for_each(|resource| self.insert(resource));
    }

    /// Of any two filters the narrower one, if it lies within the other.
    ///
    /// Two different groups give nothing: "members of both" cannot be written as a scope, and either group alone
    /// would be wider than the other side.
    fn intersect(&self, other: &Self, members: &dyn Membership) -> Self {
        let mut common = Self::default();
        let within_other = self.resources().filter(|resource| other.covers(*resource, members));
        let within_self = other.resources().filter(|resource| self.covers(*resource, members));
        within_other.chain(within_self).for_each(|resource| common.insert(resource));
        common
    }
}

/// How far a base scope is held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Holding {
    /// Without a filter.
    All,
    /// For what the filters name; at least one.
    Some(Filters),
}

impl Holding {
    /// The resource of each filter; [`Resource::Any`] without one.
    fn resources(&self) -> Box<dyn Iterator<Item = Resource<'_>> + '_> {
        match self {
            Self::All => Box::new(std::iter::once(Resource::Any)),
            Self::Some(filters) => Box::new(filters.resources()),
        }
    }

    fn covers(&self, resource: Resource<'_>, members: &dyn Membership) -> bool {
        match self {
            Self::All => true,
            Self::Some(filters) => filters.covers(resource, members),
        }
    }
}

/// Expanded scopes: what somebody may do. Metascopes, `!user` and the like are resolved.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scopes {
    held: BTreeMap<Cow<'static, str>, Holding>,
}

impl Scopes {
    /// Whether nothing is permitted.
    pub fn is_empty(&self) -> bool {
        self.held.is_empty()
    }

    /// How far a base scope is held.
    pub fn holding(&self, scope: &str) -> Option<&Holding> {
        self.held.get(scope)
    }

    /// Every base scope and how far it is held, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Holding)> {
        self.held.iter().map(|(scope, holding)| (scope.as_ref(), holding))
    }

    /// Takes in what `other` permits.
    pub fn add(&mut self, other: &Self) {
        for (scope, theirs) in &other.held {
            match self.held.entry(scope.clone()) {
                Entry::Vacant(entry) => drop(entry.insert(theirs.clone())),
                Entry::Occupied(mut entry) => match (entry.get_mut(), theirs) {
                    (Holding::All, _) => {}
                    (mine, Holding::All) => *mine = Holding::All,
                    (Holding::Some(mine), Holding::Some(theirs)) => mine.add(theirs),
                },
            }
        }
    }

    /// What both permit, with the groups as they are now. Never wider than either.
    ///
    /// As wide as that, too, with one exception: the members that two different groups have in common are left out.
    #[must_use]
    pub fn intersect(&self, other: &Self, members: &dyn Membership) -> Self {
        let mut held = BTreeMap::new();
        for (scope, mine) in &self.held {
            let common = match (mine, other.held.get(scope)) {
                (_, None) => continue,
                (Holding::All, Some(narrower)) | (narrower, Some(Holding::All)) => narrower.clone(),
                (Holding::Some(mine), Some(Holding::Some(theirs))) => {
                    let common = mine.intersect(theirs, members);
                    if common.is_empty() {
                        continue;
                    }
                    Holding::Some(common)
                }
            };
            held.insert(scope.clone(), common);
        }
        Self { held }
    }

    /// Whether a scope is held, and covers the resource.
    pub fn covers(&self, scope: &str, resource: Resource<'_>, members: &dyn Membership) -> Cover {
        match self.held.get(scope) {
            None => Cover::NotHeld,
            Some(holding) if holding.covers(resource, members) => Cover::Covered,
            Some(_) => Cover::Outside,
        }
    }

    /// The best answer that any of these scopes gives: what an endpoint that accepts several asks.
    pub fn covers_any(&self, scopes: &[&str], resource: Resource<'_>, members: &dyn Membership) -> Cover {
        scopes.iter().map(|scope| self.covers(scope, resource, members)).max().unwrap_or(Cover::NotHeld)
    }

    /// Whether everything `other` permits is permitted here, with the groups as they are now.
    pub fn contains(&self, other: &Self, members: &dyn Membership) -> bool {
        self.lacking(other, members).next().is_none()
    }

    /// What `other` permits and this does not, sorted.
    pub fn missing(&self, other: &Self, members: &dyn Membership) -> Vec<String> {
        spell(self.lacking(other, members))
    }

    /// Every scope as `JupyterHub` writes it, sorted: `access:servers!server=ann/lab`, or the bare name without filter.
    pub fn to_strings(&self) -> Vec<String> {
        spell(self.iter().flat_map(|(scope, holding)| holding.resources().map(move |resource| (scope, resource))))
    }

    fn lacking<'a>(
        &'a self,
        other: &'a Self,
        members: &'a dyn Membership,
    ) -> impl Iterator<Item = (&'a str, Resource<'a>)> {
        other
            .iter()
            .flat_map(|(scope, holding)| holding.resources().map(move |resource| (scope, resource)))
            .filter(move |(scope, resource)| self.covers(scope, *resource, members) != Cover::Covered)
    }

    /// Adds one base scope. A filter without a usable value gives nothing.
    pub(super) fn insert(&mut self, scope: Cow<'static, str>, filter: Option<(Kind, &str)>) {
        let resource = match filter {
            None => {
                self.held.insert(scope, Holding::All);
                return;
            }
            Some((Kind::User, name)) => Resource::User(name),
            Some((Kind::Group, name)) => Resource::Group(name),
            Some((Kind::Service, name)) => Resource::Service(name),
            Some((Kind::Server, name)) => match split_server(name) {
                Some((user, server)) => Resource::Server { user, server },
                None => return,
            },
        };
        let holding = self.held.entry(scope).or_insert_with(|| Holding::Some(Filters::default()));
        if let Holding::Some(filters) = holding {
            filters.insert(resource);
        }
    }
}

fn spell<'a>(scopes: impl Iterator<Item = (&'a str, Resource<'a>)>) -> Vec<String> {
    let mut strings: Vec<String> = scopes.map(|(scope, resource)| format!("{scope}{resource}")).collect();
    strings.sort();
    strings
}
