//! Which profiles a person may start a server with, and which one is meant.
//!
//! Asked by the hub before it shows or takes a choice, and again by hub-broker before it starts anything. Pure.

use std::fmt;

use crate::config::{Allow, Config, Profile};
use crate::limits::Person;
use crate::policy;

/// There is no such profile for this person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoSuchProfile {
    /// The name that was asked for.
    pub name: String,
    /// The names that the person may choose, in the order of the configuration.
    pub possible: Vec<String>,
}

impl fmt::Display for NoSuchProfile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "There is no profile {:?}", self.name)?;
        match self.possible.as_slice() {
            [] => f.write_str(" here; servers start without one."),
            names => write!(f, " here. Possible: {}.", names.join(", ")),
        }
    }
}

impl std::error::Error for NoSuchProfile {}

/// The profiles that a person may use, in the order of the configuration.
pub fn usable<'a>(config: &'a Config, person: Person<'_>) -> impl Iterator<Item = &'a Profile> {
    config.profiles.iter().filter(move |profile| match &profile.allow {
        Allow::All => true,
        Allow::Only(list) => policy::is_among(list, person.name, person.groups),
    })
}

/// The profile of somebody who chose none: of those that they may use, the first that says so.
pub fn usual<'a>(config: &'a Config, person: Person<'_>) -> Option<&'a Profile> {
    usable(config, person).find(|profile| profile.default)
}

/// The profile that is meant; an empty name is no choice. `None` starts a server with what `[server]` and `[limits]` say.
pub fn choose<'a>(config: &'a Config, person: Person<'_>, name: &str) -> Result<Option<&'a Profile>, NoSuchProfile> {
    if name.is_empty() {
        return Ok(usual(config, person));
    }
    usable(config, person).find(|profile| profile.name == name).map(Some).ok_or_else(|| NoSuchProfile {
        name: name.to_owned(),
        possible: usable(config, person).map(|profile| profile.name.clone()).collect(),
    })
}

#[cfg(test)]
mod tests;
