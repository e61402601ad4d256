//! Which scopes a client may ask for, which of them the person can give, and whether they gave them before
//! (contract 4.2).
//!
//! Scopes are compared as they are stored: unexpanded, with `!user` and the like replaced by whom they mean.

use std::collections::BTreeSet;

use hubd_base::names::UserName;

use crate::app::App;
use crate::auth::clients::{Client, Registered};
use crate::auth::scopes::{self, RawScope};
use crate::auth::tokens::{Kind, Owner};
use crate::clock::now;

/// The scopes that stand for everything a person may do: it makes all others superfluous.
const INHERIT: &str = "inherit";
/// What clients asked for before there were scopes; it adds nothing to knowing who somebody is.
const IDENTIFY: &str = "identify";

/// A client asked for a scope that it may not have, or that does not exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotAllowed;

/// What a client asks a person for.
pub struct Wanted<'a> {
    app: &'a App,
    client: &'a Registered,
    user: &'a UserName,
}

impl<'a> Wanted<'a> {
    /// Of that client and that person.
    pub fn new(app: &'a App, client: &'a Registered, user: &'a UserName) -> Self {
        Self { app, client, user }
    }

    /// What every token of the client carries: who the person is, and that they may use the client.
    pub fn always(&self) -> BTreeSet<String> {
        let identify = scopes::identify(scopes::Owner::User(self.user.as_str()));
        identify.into_iter().chain([self.client.client.access_scope()]).collect()
    }

    /// Everything the client may have.
    pub fn allowed(&self) -> BTreeSet<String> {
        let mut allowed = self.always();
        allowed.extend(self.client.allowed_scopes.iter().filter_map(|scope| self.resolve(scope)));
        allowed
    }

    /// The scopes of names as a client or a form gives them: of scopes, or of roles.
    pub fn read<'n>(&self, names: impl IntoIterator<Item = &'n str>) -> Result<BTreeSet<String>, NotAllowed> {
        let allowed = self.allowed();
        let mut read = self.always();
        for name in names.into_iter().filter(|name| *name != IDENTIFY) {
            if self.app.access.catalog.parse(name).is_ok() {
                read.extend(self.resolve(name));
            } else {
                let role = self.app.access.roles.find(name).ok_or(NotAllowed)?;
                read.extend(role.scopes.iter().filter_map(|scope| self.resolve(scope)));
            }
        }
        if read.is_subset(&allowed) { Ok(read) } else { Err(NotAllowed) }
    }

    /// Of these scopes those that the person holds.
    pub fn held(&self, scopes: BTreeSet<String>) -> BTreeSet<String> {
        let held = self.app.access.of_user(self.user);
        let always = self.always();
        if scopes.contains(INHERIT) {
            return always.into_iter().chain([INHERIT.to_owned()]).collect();
        }
        let owner = scopes::Owner::User(self.user.as_str());
        let gives = |scope: &String| {
            let meaning = self.app.access.catalog.expand([scope.as_str()], owner, None, None);
            always.contains(scope) || held.contains(&meaning, self.app.access.groups())
        };
        scopes.into_iter().filter(gives).collect()
    }

    /// Whether the person need not be asked: it is their own server, the configuration says so, or they have said yes
    /// to all of it before.
    pub fn is_settled(&self, scopes: &BTreeSet<String>) -> bool {
        if self.client.no_confirm || matches!(&self.client.client, Client::Server(id) if id.user == *self.user) {
            return true;
        }
        let tokens = self.app.tokens.select(now(), |token| {
            token.kind == Kind::OAuth
                && token.client.as_deref() == Some(self.client.id.as_str())
                && matches!(&token.owner, Owner::User(user) if user == self.user)
        });
        let given: BTreeSet<&String> = tokens.iter().flat_map(|token| &token.scopes).collect();
        !tokens.is_empty() && scopes.iter().all(|scope| given.contains(scope))
    }

    fn resolve(&self, scope: &str) -> Option<String> {
        let owner = scopes::Owner::User(self.user.as_str());
        let scope: RawScope = self.app.access.catalog.parse(scope).ok()?;
        self.client.client.as_issuer(|issuer| scope.resolve(owner, Some(issuer))).map(|scope| scope.to_string())
    }
}
