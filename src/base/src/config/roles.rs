//! `[[role]]`, `[[custom_scope]]` and `[[group]]`: who may do what beyond their own servers.
//!
//! Only how a scope is written is looked at here; whether there is such a scope, the hub knows.

use super::schema::Apply::{Entries, Value};
use super::schema::{Key, STRINGS, set_entry};
use super::tables::Table;
use super::{Config, value};
use crate::names::{ServiceName, UserName};

/// The role whose scopes are fixed.
const ADMIN: &str = "admin";

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

impl Table for Role {
    const WORD: &'static str = "role";
    const MEANING: &'static [&'static str] = &[
        "Roles: what people, groups of the hub and services may do, as a list of scopes.",
        "The roles user, server and token are there already; a table of that name changes them.",
    ];
    const NAME: &'static [&'static str] = &["3 to 255 of a-z, 0-9 and -_~. with a letter first."];
    const EXAMPLE: &'static str = "list-and-cull";
    const EXAMPLE_KEYS: &'static [(&'static str, &'static str)] = &[
        ("scopes", "[\"list:users\", \"read:users:activity\", \"admin:servers\"]"),
        ("services", "[\"idle-culler\"]"),
    ];
    const KEYS: &'static [Key<Self>] = ROLE;

    fn new(name: &str) -> Result<Self, String> {
        let inner = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_~.".contains(&b);
        let good = (3..=255).contains(&name.len())
            && name.starts_with(|c: char| c.is_ascii_lowercase())
            && name.ends_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
            && name.bytes().all(inner);
        if !good {
            let shown = value::quote(name);
            return Err(format!(
                "expected 3 to 255 of a-z, 0-9 and -_~. with a letter first and a letter or digit last, got {shown}"
            ));
        }
        Ok(Self {
            name: name.to_owned(),
            description: String::new(),
            scopes: None,
            users: Vec::new(),
            groups: Vec::new(),
            services: Vec::new(),
        })
    }

    fn name(&self) -> &str {
        &self.name
    }

    fn list(config: &Config) -> &[Self] {
        &config.roles
    }

    fn list_mut(config: &mut Config) -> &mut Vec<Self> {
        &mut config.roles
    }
}

const ROLE: &[Key<Role>] = &[
    Key {
        name: "description",
        default: "\"\"",
        meaning: &["One sentence for people."],
        apply: Value(|role, v| value::line(v).map(|text| role.description = text)),
    },
    Key {
        name: "scopes",
        default: "[]",
        meaning: &[
            "What its members may do. [] is the default, except that a role which is there already keeps",
            "its scopes when the key is left out. Those of admin are fixed.",
        ],
        apply: Value(|role, v| {
            let scopes = value::scopes(v)?;
            if role.name == ADMIN {
                return Err("the scopes of this role are fixed; a role with another name can have any".to_owned());
            }
            role.scopes = Some(scopes);
            Ok(())
        }),
    },
    Key {
        name: "users",
        default: "[]",
        meaning: &["The people who have it; at each start of the hub everybody else loses it."],
        apply: Value(|role, v| value::users(v).map(|list| role.users = list)),
    },
    Key {
        name: "groups",
        default: "[]",
        meaning: &["The hub's groups whose members have it, as they are named in [[group]]."],
        apply: Value(|role, v| value::groups(v).map(|list| role.groups = list)),
    },
    Key {
        name: "services",
        default: "[]",
        meaning: &["The services that have it; each of them is a [[service]]. [] is the default."],
        apply: Value(|role, v| value::services(v).map(|list| role.services = list)),
    },
];

impl Table for CustomScope {
    const WORD: &'static str = "custom_scope";
    const MEANING: &'static [&'static str] =
        &["Scopes of one's own, which mean nothing to the hub: services ask for them and heed them."];
    const NAME: &'static [&'static str] = &["\"custom:\" and at least three of a-z, 0-9 and _-*: follow."];
    const EXAMPLE: &'static str = "custom:grades:read";
    const EXAMPLE_KEYS: &'static [(&'static str, &'static str)] = &[("description", "\"Read all grades\"")];
    const KEYS: &'static [Key<Self>] = CUSTOM_SCOPE;

    fn new(name: &str) -> Result<Self, String> {
        if !is_custom(name) {
            let shown = value::quote(name);
            return Err(format!(
                "expected \"custom:\" and at least three of a-z, 0-9 and _-*: such as \"custom:grades:read\", got {shown}"
            ));
        }
        Ok(Self { name: name.to_owned(), description: String::new(), subscopes: Vec::new() })
    }

    fn name(&self) -> &str {
        &self.name
    }

    fn list(config: &Config) -> &[Self] {
        &config.custom_scopes
    }

    fn list_mut(config: &mut Config) -> &mut Vec<Self> {
        &mut config.custom_scopes
    }
}

/// `^custom:[a-z0-9][a-z0-9_\-\*:]+[a-z0-9_\*]$`
fn is_custom(name: &str) -> bool {
    let Some(rest) = name.strip_prefix("custom:") else {
        return false;
    };
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    rest.len() >= 3
        && rest.starts_with(plain)
        && rest.ends_with(|c: char| plain(c) || matches!(c, '_' | '*'))
        && rest.chars().all(|c| plain(c) || matches!(c, '_' | '-' | '*' | ':'))
}

const CUSTOM_SCOPE: &[Key<CustomScope>] = &[
    Key {
        name: "description",
        default: "\"\"",
        meaning: &["One sentence for the page that asks people; it has to be there."],
        apply: Value(|scope, v| value::line(v).map(|text| scope.description = text)),
    },
    Key {
        name: "subscopes",
        default: "[]",
        meaning: &["Other custom scopes that are part of it."],
        apply: Value(|scope, v| {
            let list = value::scopes(v)?;
            if let Some(bad) = list.iter().find(|name| !is_custom(name)) {
                return Err(format!("expected names of custom scopes, got {}", value::quote(bad)));
            }
            scope.subscopes = list;
            Ok(())
        }),
    },
];

impl Table for Group {
    const WORD: &'static str = "group";
    const MEANING: &'static [&'static str] = &[
        "Groups of the hub, for roles. They are not those of the system, and are there besides",
        "those that the API makes.",
    ];
    const NAME: &'static [&'static str] = &["Any text."];
    const EXAMPLE: &'static str = "class-a";
    const EXAMPLE_KEYS: &'static [(&'static str, &'static str)] = &[("users", "[\"alice\", \"bob\"]")];
    const KEYS: &'static [Key<Self>] = GROUP;

    fn new(name: &str) -> Result<Self, String> {
        value::group_name(name)?;
        Ok(Self { name: name.to_owned(), users: Vec::new(), properties: Vec::new() })
    }

    fn name(&self) -> &str {
        &self.name
    }

    fn list(config: &Config) -> &[Self] {
        &config.groups
    }

    fn list_mut(config: &mut Config) -> &mut Vec<Self> {
        &mut config.groups
    }
}

const GROUP: &[Key<Group>] = &[
    Key {
        name: "users",
        default: "[]",
        meaning: &["People who become members at each start of the hub. [] is the default; nobody is taken out."],
        apply: Value(|group, v| value::users(v).map(|list| group.users = list)),
    },
    Key {
        name: "properties",
        default: "{}",
        meaning: &["What the API tells about it, free names: { room = \"4.12\" }."],
        apply: Entries(STRINGS, |group, name, v| {
            set_entry(&mut group.properties, name, value::entry(name, v)?);
            Ok(())
        }),
    },
];
