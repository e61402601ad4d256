//! The scopes every hub knows and the scopes of its default roles, as `JupyterHub` 5 and 6 define them.
//!
//! A table, nothing else. The names are part of the wire contract; the descriptions are shown to people.

use super::raw::Kind;

/// The pseudo scope of a caller who may only ask who they are.
pub(super) const NO_SCOPE: &str = "(no_scope)";
/// The metascope for a person's own resources.
pub(super) const SELF: &str = "self";
/// The metascope for everything the owner of a token may do.
pub(super) const INHERIT: &str = "inherit";

/// What `self` stands for, each with `!user=` of the owner. Closed: a subscope of one of these is in the list.
pub(super) const OWN: &[&str] = &[
    "read:users",
    "read:users:name",
    "read:users:groups",
    "read:users:activity",
    "users:activity",
    "servers",
    "read:servers",
    "start:servers",
    "delete:servers",
    "tokens",
    "read:tokens",
    "access:servers",
    "users:shares",
    "read:users:shares",
    "read:shares",
];

/// Role `user`: what every person has.
pub const USER_ROLE: &[&str] = &["self"];

/// Role `admin`: fixed, held by whoever is flagged as an administrator.
pub const ADMIN_ROLE: &[&str] = &[
    "admin-ui",
    "admin:users",
    "admin:servers",
    "admin:services",
    "tokens",
    "admin:groups",
    "list:services",
    "read:services",
    "read:hub",
    "proxy",
    "shutdown",
    "access:services",
    "access:servers",
    "read:roles",
    "read:metrics",
    "shares",
];

/// Role `server`: the template for the token of a single-user server.
pub const SERVER_ROLE: &[&str] = &["users:activity!user", "access:servers!server"];

/// Role `token`: what an API token gets when nothing else is asked for.
pub const TOKEN_ROLE: &[&str] = &["inherit"];

/// One built-in scope.
#[derive(Clone, Copy, Debug)]
pub struct Definition {
    /// Its name on the wire.
    pub name: &'static str,
    /// What it directly implies.
    pub subscopes: &'static [&'static str],
    /// The filters that have a meaning with it.
    pub filters: &'static [Kind],
    /// What it permits, as one sentence for a person.
    pub description: &'static str,
}

/// Every built-in scope, metascopes included, in the order of `JupyterHub`'s documentation.
pub fn definitions() -> &'static [Definition] {
    TABLE
}

const fn scope(
    name: &'static str,
    subscopes: &'static [&'static str],
    filters: &'static [Kind],
    description: &'static str,
) -> Definition {
    Definition { name, subscopes, filters, description }
}

const NONE: &[Kind] = &[];
const U_G: &[Kind] = &[Kind::User, Kind::Group];
const U_G_S: &[Kind] = &[Kind::User, Kind::Group, Kind::Server];
const U_G_V: &[Kind] = &[Kind::User, Kind::Group, Kind::Service];
const G: &[Kind] = &[Kind::Group];
const V: &[Kind] = &[Kind::Service];

const TABLE: &[Definition] = &[
    scope(NO_SCOPE, &[], NONE, "Learn who you are."),
    scope(SELF, &[], NONE, "Do what you can do with your own account, servers and tokens."),
    scope(INHERIT, &[], NONE, "Do everything you can do."),
    scope("admin-ui", &[], NONE, "Open the administration page."),
    scope(
        "admin:users",
        &["admin:auth_state", "users", "read:roles:users", "delete:users"],
        U_G,
        "Create, change and delete users, and see what their login left behind.",
    ),
    scope("admin:auth_state", &[], U_G, "See the data a user's login left behind."),
    scope("users", &["read:users", "list:users", "users:activity"], U_G, "See and change users."),
    scope("delete:users", &[], U_G, "Delete users."),
    scope("list:users", &["read:users:name"], U_G, "List users by name."),
    scope(
        "read:users",
        &["read:users:name", "read:users:groups", "read:users:activity"],
        U_G,
        "See users, their groups and when they were last active.",
    ),
    scope("read:users:name", &[], U_G, "See the names of users."),
    scope("read:users:groups", &[], U_G, "See which groups users are in."),
    scope("read:users:activity", &[], U_G, "See when users were last active."),
    scope(
        "read:roles",
        &["read:roles:users", "read:roles:services", "read:roles:groups"],
        U_G_V,
        "See the roles of users, services and groups.",
    ),
    scope("read:roles:users", &[], U_G, "See the roles of users."),
    scope("read:roles:services", &[], V, "See the roles of services."),
    scope("read:roles:groups", &[], G, "See the roles of groups."),
    scope("users:activity", &["read:users:activity"], U_G, "Report that users are active."),
    scope(
        "admin:servers",
        &["admin:server_state", "servers"],
        U_G_S,
        "Start and stop servers, and see their internal state.",
    ),
    scope("admin:server_state", &[], U_G_S, "See the internal state of servers."),
    scope("servers", &["read:servers", "start:servers", "delete:servers"], U_G_S, "See, start and stop servers."),
    scope("read:servers", &["read:users:name"], U_G_S, "See servers and whether they are running."),
    scope("start:servers", &[], U_G_S, "Start servers."),
    scope("delete:servers", &[], U_G_S, "Stop and delete servers."),
    scope("tokens", &["read:tokens"], U_G, "Create, see and revoke API tokens."),
    scope("read:tokens", &[], U_G, "See which API tokens there are."),
    scope("admin:groups", &["groups", "read:roles:groups", "delete:groups"], G, "Create, change and delete groups."),
    scope("groups", &["read:groups", "list:groups"], G, "Change who is in a group and the group's properties."),
    scope("list:groups", &["read:groups:name"], G, "List groups by name."),
    scope("read:groups", &["read:groups:name"], G, "See groups and who is in them."),
    scope("read:groups:name", &[], G, "See the names of groups."),
    scope("delete:groups", &[], G, "Delete groups."),
    scope(
        "admin:services",
        &["list:services", "read:services", "read:roles:services"],
        V,
        "Create, change and delete services.",
    ),
    scope("list:services", &["read:services:name"], V, "List services by name."),
    scope("read:services", &["read:services:name"], V, "See services and how they are set up."),
    scope("read:services:name", &[], V, "See the names of services."),
    scope("read:hub", &[], NONE, "See which software the hub runs."),
    scope("access:servers", &[], U_G_S, "Use servers: their files, notebooks and terminals."),
    scope("access:services", &[], V, "Use services."),
    scope("users:shares", &["read:users:shares"], U_G, "Give up access to servers that others share with a user."),
    scope("read:users:shares", &[], U_G, "See which servers others share with a user."),
    scope("groups:shares", &["read:groups:shares"], G, "Give up access to servers that others share with a group."),
    scope("read:groups:shares", &[], G, "See which servers others share with a group."),
    scope("read:shares", &[], U_G_S, "See with whom servers are shared."),
    scope(
        "shares",
        &["access:servers", "read:shares", "users:shares", "groups:shares"],
        U_G_S,
        "Share servers with others, and end that.",
    ),
    scope("proxy", &[], NONE, "See and renew the routes of the hub's proxy."),
    scope("shutdown", &[], NONE, "Shut the hub down."),
    scope("read:metrics", &[], NONE, "Read the hub's metrics."),
];
