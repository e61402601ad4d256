//! `[[role]]`, `[[custom_scope]]` and `[[group]]`: who may do what beyond their own servers.
//!
//! Only how a scope is written is looked at here; whether there is such a scope, the hub knows.

use crate::names::{ServiceName, UserName};

/// One `[[role]]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Role {
    /// What it is called: 3 to 255 of `a-z0-9-_~.`, first a letter, last a letter or a digit.
    pub name: String,
    /// One sentence for people; empty when nothing was written.
    pub description: String,
    /// What its members may do; `None` when nothing was written, which leaves a default role (`user`, `server`,
    /// `token`) as it is. Always `None` for `admin`.
    pub scopes: Option<Vec<String>>,
    /// The people who have it.
    pub users: Vec<UserName>,
    /// The hub's groups whose members have it.
    pub groups: Vec<String>,
    /// The services that have it; each of them is configured.
    pub services: Vec<ServiceName>,
}

/// One `[[custom_scope]]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CustomScope {
    /// `custom:grades:read`
    pub name: String,
    /// One sentence for the page that asks people; never empty.
    pub description: String,
    /// Custom scopes that are part of it; each of them is configured, and none leads back here.
    pub subscopes: Vec<String>,
}

/// One `[[group]]`: a group of the hub, not of the system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// What it is called: any text without control characters.
    pub name: String,
    /// People who are added at each start of the hub.
    pub users: Vec<UserName>,
    /// Sorted by name. They replace the group's properties at each start of the hub, unless empty.
    pub properties: Vec<(String, String)>,
}
