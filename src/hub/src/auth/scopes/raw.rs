//! One scope as it is written: `name`, `name!kind=value` or `name!kind`.
//!
//! Only the grammar: whether a scope of that name exists is the [`Catalog`](super::Catalog)'s business. Names stand
//! in scopes raw, without percent-encoding, so a value may hold any character.

use std::fmt;
use std::str::FromStr;

use super::owner::{Issuer, Owner};

/// What a filter speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// One person and all of their servers.
    User,
    /// A group, its members and their servers.
    Group,
    /// One server of one person.
    Server,
    /// One service.
    Service,
}

impl Kind {
    const ALL: [Self; 4] = [Self::User, Self::Group, Self::Server, Self::Service];

    /// The word in a scope.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Group => "group",
            Self::Server => "server",
            Self::Service => "service",
        }
    }

    fn find(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The part of a scope behind the `!`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    /// What it speaks of.
    pub kind: Kind,
    /// Which one: a name, or `user/name` for a server. `None` refers to the token's owner or issuer (`!user`).
    pub value: Option<String>,
}

impl Filter {
    fn parse(text: &str) -> Option<Self> {
        let Some((word, value)) = text.split_once('=') else {
            return Kind::find(text).filter(|kind| *kind != Kind::Group).map(|kind| Self { kind, value: None });
        };
        let kind = Kind::find(word)?;
        // One scope has one filter. Taken as a name, a second one would silently cover nobody.
        let second = Kind::ALL.into_iter().any(|kind| value.contains(&format!("!{kind}=")));
        let shaped = if kind == Kind::Server { split_server(value).is_some() } else { !value.is_empty() };
        (shaped && !second).then(|| Self { kind, value: Some(value.to_owned()) })
    }
}

/// `user/name` into its two names. The default server's name is empty, a user's never.
pub(super) fn split_server(value: &str) -> Option<(&str, &str)> {
    value.split_once('/').filter(|(user, _)| !user.is_empty())
}

/// A scope as a role, a token or a client names it. `Display` gives back the spelling it was read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawScope {
    /// The base scope, such as `read:users`.
    pub name: String,
    /// What it is restricted to.
    pub filter: Option<Filter>,
}

/// Why a string is not a scope.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScopeError {
    /// No scope has this name; holds the whole text, filter included.
    #[error("there is no scope '{0}'")]
    Unknown(String),
    /// The filter has no known kind or the wrong shape, or stands where none may; holds the whole text.
    #[error(
        "the filter of scope '{0}' must be one of !user=NAME, !group=NAME, !service=NAME, !server=USER/NAME, \
         !user, !server, !service; self, inherit and (no_scope) take none"
    )]
    Filter(String),
    /// `all` was the name of `inherit` before the scopes were released.
    #[error("there is no scope 'all': 'inherit' stands for everything the token's owner may do")]
    All,
}

impl FromStr for RawScope {
    type Err = ScopeError;

    fn from_str(text: &str) -> Result<Self, ScopeError> {
        let (name, filter) = match text.split_once('!') {
            None => (text, None),
            Some((name, filter)) => {
                (name, Some(Filter::parse(filter).ok_or_else(|| ScopeError::Filter(text.to_owned()))?))
            }
        };
        if name.is_empty() {
            return Err(ScopeError::Unknown(text.to_owned()));
        }
        Ok(Self { name: name.to_owned(), filter })
    }
}

impl fmt::Display for RawScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        match &self.filter {
            None => Ok(()),
            Some(Filter { kind, value: None }) => write!(f, "!{kind}"),
            Some(Filter { kind, value: Some(value) }) => write!(f, "!{kind}={value}"),
        }
    }
}

impl RawScope {
    /// The scope with `!user`, `!server` or `!service` replaced by whom it means: the form a token is stored in.
    ///
    /// `None` where it means nobody, such as `!user` of a service.
    pub fn resolve(mut self, owner: Owner<'_>, issuer: Option<Issuer<'_>>) -> Option<Self> {
        let Some(Filter { kind, value: value @ None }) = &mut self.filter else { return Some(self) };
        let name = match (*kind, owner, issuer) {
            (Kind::User, Owner::User(name), _)
            | (Kind::Service, _, Some(Issuer::Service(name)))
            | (Kind::Service, Owner::Service(name), _) => name,
            (Kind::Server, _, Some(Issuer::Server(name))) if split_server(name).is_some() => name,
            _ => return None,
        };
        *value = Some(name.to_owned());
        Some(self)
    }
}
