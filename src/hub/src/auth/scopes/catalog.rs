//! Which scopes exist on this hub, and what a list of them amounts to.
//!
//! Invariant: custom scopes imply custom scopes only and never themselves, so no expansion reaches a built-in scope
//! by way of a custom one, and every expansion ends.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use super::definitions::{Definition, INHERIT, NO_SCOPE, OWN, SELF, definitions};
use super::held::Scopes;
use super::owner::{Issuer, Owner};
use super::raw::{Kind, RawScope, ScopeError};

const CUSTOM: &str = "custom:";

/// A scope the operator defined for services to use among themselves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Custom {
    /// What it permits, as one sentence for a person.
    pub description: String,
    /// The custom scopes it directly implies.
    pub subscopes: Vec<String>,
}

/// The scopes of this hub: the built-in ones and the operator's. `Default` knows the built-in ones only.
#[derive(Clone, Debug, Default)]
pub struct Catalog {
    custom: BTreeMap<String, Custom>,
}

/// One thing that a list of scopes permits, for a person who is to agree to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sentence<'c> {
    /// The scope, its filter resolved.
    pub scope: RawScope,
    /// What the scope permits, the filter apart.
    pub text: &'c str,
}

impl Catalog {
    /// Adds the operator's scopes to the built-in ones.
    ///
    /// # Errors
    /// A sentence for the operator: a bad name or the same name twice, no description, a subscope that is not a
    /// defined custom scope, or a scope that implies itself.
    pub fn new(custom: impl IntoIterator<Item = (String, Custom)>) -> Result<Self, String> {
        let mut known = BTreeMap::new();
        for (name, definition) in custom {
            if !is_custom_name(&name) {
                return Err(format!(
                    "scope '{name}': the name must be \"{CUSTOM}\" and three or more of a-z 0-9 _ - * :, \
                     the first a letter or digit, the last not - or :"
                ));
            }
            if definition.description.trim().is_empty() {
                return Err(format!("scope '{name}' has no description"));
            }
            if known.contains_key(&name) {
                return Err(format!("scope '{name}' is defined twice"));
            }
            known.insert(name, definition);
        }
        for (name, definition) in &known {
            if let Some(unknown) = definition.subscopes.iter().find(|subscope| !known.contains_key(*subscope)) {
                return Err(format!("scope '{name}': its subscope '{unknown}' is not a defined custom scope"));
            }
            if implied(&known, name).contains(name.as_str()) {
                return Err(format!("scope '{name}' implies itself"));
            }
        }
        Ok(Self { custom: known })
    }

    /// Reads a scope that exists here.
    ///
    /// # Errors
    /// See [`ScopeError`].
    pub fn parse(&self, text: &str) -> Result<RawScope, ScopeError> {
        let name = base(text);
        if name == "all" {
            return Err(ScopeError::All);
        }
        if self.description(name).is_none() {
            return Err(ScopeError::Unknown(text.to_owned()));
        }
        let scope: RawScope = text.parse()?;
        if scope.filter.is_some() && matches!(name, NO_SCOPE | SELF | INHERIT) {
            return Err(ScopeError::Filter(text.to_owned()));
        }
        Ok(scope)
    }

    /// What a scope permits, as one sentence; its filter, if it has one, is not looked at.
    pub fn description(&self, scope: &str) -> Option<&str> {
        let name = base(scope);
        let custom = || self.custom.get(name).map(|custom| custom.description.as_str());
        find(name).map(|definition| definition.description).or_else(custom)
    }

    /// Expands raw scopes of `owner`.
    ///
    /// `server`: the issuing single-user server as `user/name`, for `!server`. `inherit`: what the metascope of that
    /// name stands for. Whatever is unknown or cannot be resolved is left out.
    pub fn expand<'a>(
        &self,
        raw: impl IntoIterator<Item = &'a str>,
        owner: Owner<'_>,
        server: Option<&str>,
        inherit: Option<&Scopes>,
    ) -> Scopes {
        self.expand_issued(raw, owner, server.map(Issuer::Server), inherit)
    }

    /// As [`Catalog::expand`], for a token that a server or a service issued.
    pub fn expand_issued<'a>(
        &self,
        raw: impl IntoIterator<Item = &'a str>,
        owner: Owner<'_>,
        issuer: Option<Issuer<'_>>,
        inherit: Option<&Scopes>,
    ) -> Scopes {
        let mut scopes = Scopes::default();
        for text in raw {
            let Some(scope) = self.resolve(text, owner, issuer) else { continue };
            match (scope.name.as_str(), owner) {
                (SELF, Owner::User(user)) => {
                    for name in OWN {
                        scopes.insert(Cow::Borrowed(name), Some((Kind::User, user)));
                    }
                }
                (INHERIT, _) => scopes.add(inherit.unwrap_or(&Scopes::default())),
                (NO_SCOPE | SELF, _) => {}
                (name, _) => self.grant(&mut scopes, name, &scope),
            }
        }
        scopes
    }

    /// The same scopes as few sentences: without what another one in the list implies, without what means nothing
    /// for this owner, in the order of the list. `inherit` says everything that could be said.
    pub fn sentences<'a>(
        &self,
        raw: impl IntoIterator<Item = &'a str>,
        owner: Owner<'_>,
        issuer: Option<Issuer<'_>>,
    ) -> Vec<Sentence<'_>> {
        let mut said: Vec<(Sentence<'_>, Scopes)> = Vec::new();
        // Whether a person is in a group may change; nothing is left unsaid because of it.
        let nobody = |_: &str, _: &str| false;
        for text in raw {
            let Some(scope) = self.resolve(text, owner, issuer) else { continue };
            let Some(text) = self.description(&scope.name) else { continue };
            if scope.name == INHERIT {
                return vec![Sentence { scope, text }];
            }
            let meaning = self.expand_issued([scope.to_string().as_str()], owner, issuer, None);
            if meaning.is_empty() || said.iter().any(|(_, wider)| wider.contains(&meaning, &nobody)) {
                continue;
            }
            said.retain(|(_, narrower)| !meaning.contains(narrower, &nobody));
            said.push((Sentence { scope, text }, meaning));
        }
        said.into_iter().map(|(sentence, _)| sentence).collect()
    }

    fn resolve(&self, text: &str, owner: Owner<'_>, issuer: Option<Issuer<'_>>) -> Option<RawScope> {
        self.parse(text).ok()?.resolve(owner, issuer)
    }

    /// Adds a scope and what it implies, all with its filter.
    fn grant(&self, scopes: &mut Scopes, name: &str, scope: &RawScope) {
        let filter = match &scope.filter {
            None => None,
            Some(filter) => match &filter.value {
                Some(value) => Some((filter.kind, value.as_str())),
                None => return,
            },
        };
        // A server must not tell about the person it belongs to.
        let reveals_user = |name: &str| filter.is_some_and(|(kind, _)| kind == Kind::Server) && is_about_user(name);
        let Some(definition) = find(name) else {
            for name in implied(&self.custom, name).into_iter().chain([name]) {
                scopes.insert(Cow::Owned(name.to_owned()), filter);
            }
            return;
        };
        let mut ahead = vec![definition];
        while let Some(definition) = ahead.pop() {
            if !reveals_user(definition.name) {
                scopes.insert(Cow::Borrowed(definition.name), filter);
            }
            ahead.extend(definition.subscopes.iter().filter_map(|subscope| find(subscope)));
        }
    }
}

/// A scope's name without its filter.
fn base(scope: &str) -> &str {
    scope.split_once('!').map_or(scope, |(name, _)| name)
}

fn find(name: &str) -> Option<&'static Definition> {
    definitions().iter().find(|definition| definition.name == name)
}

/// The scopes that read the model of a user, `read:users` and `read:users:…`.
fn is_about_user(name: &str) -> bool {
    name.starts_with("read:user")
}

/// Every custom scope that follows from one; itself only if the definitions run in a circle.
fn implied<'c>(known: &'c BTreeMap<String, Custom>, name: &str) -> BTreeSet<&'c str> {
    let subscopes = |name: &str| known.get(name).map(|custom| custom.subscopes.as_slice()).unwrap_or_default();
    let mut found = BTreeSet::new();
    let mut ahead: Vec<&str> = subscopes(name).iter().map(String::as_str).collect();
    while let Some(name) = ahead.pop() {
        if found.insert(name) {
            ahead.extend(subscopes(name).iter().map(String::as_str));
        }
    }
    found
}

/// `^custom:[a-z0-9][a-z0-9_\-\*:]+[a-z0-9_\*]$`
fn is_custom_name(name: &str) -> bool {
    let Some(rest) = name.strip_prefix(CUSTOM) else { return false };
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    rest.len() >= 3
        && rest.bytes().all(|byte| plain(byte) || matches!(byte, b'_' | b'-' | b'*' | b':'))
        && rest.bytes().next().is_some_and(plain)
        && rest.bytes().next_back().is_some_and(|byte| plain(byte) || matches!(byte, b'_' | b'*'))
}
