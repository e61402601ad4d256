//! Every route of the API with what is said of it (contract 1.4).

use super::{
    accounts, activity, authorizations, groups, hub, idle, log, metrics, profiles, progress, proxy, servers, services,
    share_codes, shared, shares, shutdown, tokens, user_changes, users,
};
use crate::http::document::{Doc, Routes};

type Arguments = &'static [(&'static str, &'static str, &'static str)];

const PAGES: Arguments =
    &[("offset", "integer", "Items to leave out"), ("limit", "integer", "Most items in one answer")];
const STOPPED: Arguments = &[("include_stopped_servers", "string", "Whether servers that do not run are shown")];
const PEOPLE: Arguments = &[
    ("offset", "integer", "Items to leave out"),
    ("limit", "integer", "Most items in one answer"),
    ("state", "string", "active, ready or inactive"),
    ("name_filter", "string", "Part of the name"),
    ("sort", "string", "id, name or last_activity, with a minus in front for the other way round"),
    ("include_stopped_servers", "string", "Whether servers that do not run are shown"),
];
const FATE: Arguments = &[
    ("account", "string", "delete: the account of this machine goes, too, if the hub made it"),
    ("home", "string", "delete: with the account also its home and all files in it"),
];
const READ_USER: &[&str] =
    &["read:users", "read:users:name", "read:servers", "read:users:groups", "read:users:activity", "read:roles:users"];
const READ_GROUP: &[&str] = &["read:groups", "read:groups:name", "read:roles:groups"];
const READ_SERVICE: &[&str] = &["read:services", "read:services:name", "read:roles:services"];

/// All of them.
pub fn all() -> Routes {
    let parts = [people(), own_servers(), tokens_and_activity(), groups_of_people(), sharing(), the_rest()];
    parts.into_iter().fold(the_hub(), Routes::and)
}

fn the_hub() -> Routes {
    let version = Doc::new("The version", &[], &[(200, "Version")]);
    let health = Doc::new("Whether the hub answers", &[], &[(200, "")]);
    Routes::default()
        .get("/", hub::root, version)
        .get("/health", || async {}, health)
        .get("/info", hub::info, Doc::new("What runs here", &["read:hub"], &[(200, "Info")]))
        .get("/status", hub::status, Doc::new("Figures of the hub", &["read:hub"], &[(200, "Status")]))
        .post(
            "/shutdown",
            shutdown::end,
            Doc::new("End the hub", &["shutdown"], &[(202, "Shutdown")]).body("ShutdownRequest"),
        )
        .get("/metrics", metrics::read, Doc::new("Metrics for Prometheus", &["read:metrics"], &[(200, "Text")]))
        .get("/proxy", proxy::table, Doc::new("Where paths lead", &["proxy"], &[(200, "RouteMap")]).query(PAGES))
        .get("/idle", idle::show, Doc::new("Which servers are idle", &["read:servers"], &[(200, "IdleServers")]))
        .post(
            "/idle",
            idle::apply,
            Doc::new("Suspend and stop idle servers", &["admin:servers"], &[(200, "IdleServers")]),
        )
        .post("/proxy", proxy::synchronise, Doc::new("Synchronise routes", &["proxy"], &[(200, "")]))
        .patch("/proxy", proxy::replace, Doc::new("Another proxy", &["proxy"], &[(200, "")]).body("ProxyChange"))
}

fn people() -> Routes {
    let whoami = Doc::new("Who am I", &[], &[(200, "Identity"), (403, "Error"), (304, "")]).query(STOPPED);
    let admin: &[&str] = &["admin:users"];
    let made: &[(u16, &str)] = &[(201, "User"), (409, "Error")];
    Routes::default()
        .get("/user", users::whoami, whoami)
        .get("/users", users::list, Doc::new("People", &["list:users"], &[(200, "UserList")]).query(PEOPLE))
        .post(
            "/users",
            user_changes::create_many,
            Doc::new("Add people", admin, &[(201, "User[]"), (409, "Error")]).body("NewUsers"),
        )
        .get("/users/{user}", users::show, Doc::new("A person", READ_USER, &[(200, "User")]).query(STOPPED))
        .post("/users/{user}", user_changes::create, Doc::new("Add a person", admin, made).body("NewUser"))
        .patch(
            "/users/{user}",
            user_changes::change,
            Doc::new("Change a person", admin, &[(200, "User")]).body("UserChange"),
        )
        .delete(
            "/users/{user}",
            user_changes::delete,
            Doc::new("Forget a person", &["delete:users"], &[(204, "")]).query(FATE),
        )
        .post(
            "/users/{user}/password",
            accounts::set_password,
            Doc::new("Set the password of an account that the hub made", admin, &[(200, "AccountPassword")])
                .body("NewPassword"),
        )
}

/// A server stands at three addresses: the default one at two, and one with a name.
fn own_servers() -> Routes {
    let start: &[&str] = &["start:servers"];
    let read: &[&str] = &["read:servers"];
    let shown = Doc::new("A server", read, &[(200, "Server")]);
    let created = Doc::new("Prepare a server", start, &[(201, "Server"), (409, "Error")]).body("ServerRequest");
    let answers: &[(u16, &str)] =
        &[(201, ""), (202, ""), (429, "Error"), (500, "Error"), (503, "Error"), (504, "Error")];
    let started = Doc::new("Start a server", start, answers).body("ServerRequest");
    let changed = Doc::new("Change a server", start, &[(200, "Server"), (409, "Error")]).body("ServerChange");
    let stopped = Doc::new("Stop a server", &["delete:servers"], &[(204, ""), (202, "")]).body("ServerStop");
    let followed = Doc::new("Follow a start", read, &[(200, "Events")]);
    let lines: Arguments = &[("lines", "integer", "How many")];
    let written = Doc::new("The last lines of a server's journal", &["servers"], &[(200, "Log")]).query(lines);
    let kept = Doc::new("Leave a server as it is for a while", &["servers"], &[(200, "Kept")]).body("Keep");
    let released = Doc::new("Leave a server alone no longer", &["servers"], &[(200, "Kept")]);
    let answers: &[(u16, &str)] = &[(200, "ServerExtension"), (409, "Error"), (500, "Error"), (501, "Error")];
    let suspended = Doc::new("Freeze a server and give its memory back", &["servers"], answers);
    let woken = Doc::new("Let a suspended server run again", &["servers"], &[(200, "ServerExtension"), (500, "Error")]);
    let limited = Doc::new("What a server may use, and who says so", read, &[(200, "ServerLimits")]);
    let relimited =
        Doc::new("Change what a running server may use, until it stops", &["admin:servers"], &[(200, "ServerLimits")]);
    let relimited = relimited.body("LimitChange");
    let mut routes = Routes::default();
    for path in ["/users/{user}/server/keep", "/users/{user}/servers/{server}/keep"] {
        routes = routes.put(path, idle::keep, kept).delete(path, idle::release, released);
    }
    for path in ["/users/{user}/server", "/users/{user}/servers/", "/users/{user}/servers/{server}"] {
        routes = routes
            .get(path, servers::show, shown)
            .put(path, servers::create, created)
            .post(path, servers::start, started)
            .patch(path, servers::change, changed)
            .delete(path, servers::stop, stopped);
    }
    let offered =
        Doc::new("What a person may start a server with", &["start:servers", "read:servers"], &[(200, "Profiles")]);
    routes
        .get("/users/{user}/profiles", profiles::list, offered)
        .get("/users/{user}/server/progress", progress::follow, followed)
        .get("/users/{user}/servers/{server}/progress", progress::follow, followed)
        .get("/users/{user}/server/log", log::read, written)
        .get("/users/{user}/servers/{server}/log", log::read, written)
        .get("/users/{user}/server/limits", servers::limits::show, limited)
        .get("/users/{user}/servers/{server}/limits", servers::limits::show, limited)
        .patch("/users/{user}/server/limits", servers::limits::change, relimited)
        .patch("/users/{user}/servers/{server}/limits", servers::limits::change, relimited)
        .post("/users/{user}/server/suspend", servers::suspension::suspend, suspended)
        .post("/users/{user}/servers/{server}/suspend", servers::suspension::suspend, suspended)
        .post("/users/{user}/server/wake", servers::suspension::wake, woken)
        .post("/users/{user}/servers/{server}/wake", servers::suspension::wake, woken)
}

fn tokens_and_activity() -> Routes {
    let read: &[&str] = &["read:tokens"];
    let deprecated = Doc::new("Whose token it is (deprecated)", &[], &[(200, "Owner"), (403, "Error"), (404, "Error")]);
    let removed = Doc::new("Removed: make tokens at /users/{user}/tokens", &[], &[(404, "Error")]);
    Routes::default()
        .get("/users/{user}/tokens", tokens::list, Doc::new("A person's tokens", read, &[(200, "Tokens")]))
        .post(
            "/users/{user}/tokens",
            tokens::create,
            Doc::new("Make a token", &["tokens"], &[(201, "Token")]).body("NewToken"),
        )
        .get("/users/{user}/tokens/{id}", tokens::show, Doc::new("A token", read, &[(200, "Token")]))
        .delete("/users/{user}/tokens/{id}", tokens::delete, Doc::new("Revoke a token", &["tokens"], &[(204, "")]))
        .post(
            "/users/{user}/activity",
            activity::note,
            Doc::new("Tell that a person was active", &["users:activity"], &[(200, "")]).body("Activity"),
        )
        .post(
            "/users/{user}/admin-access",
            activity::admin_access,
            Doc::new("Whether administrators may enter servers (deprecated)", &["servers"], &[(200, "")]),
        )
        .post("/authorizations/token", authorizations::removed, removed)
        .get("/authorizations/token/{token}", authorizations::token, deprecated)
        .get("/authorizations/cookie/{name}", authorizations::cookie_in_body, deprecated)
        .get("/authorizations/cookie/{name}/{value}", authorizations::cookie, deprecated)
}

fn groups_of_people() -> Routes {
    let members = |summary| Doc::new(summary, &["groups"], &[(200, "Group")]).body("Members");
    let made = Doc::new("Make groups", &["admin:groups"], &[(201, "Group[]"), (409, "Error")]);
    Routes::default()
        .get("/groups", groups::list, Doc::new("Groups", &["list:groups"], &[(200, "GroupList")]).query(PAGES))
        .post("/groups", groups::create_many, made.body("NewGroups"))
        .get("/groups/{group}", groups::show, Doc::new("A group", READ_GROUP, &[(200, "Group")]))
        .post(
            "/groups/{group}",
            groups::create,
            Doc::new("Make a group", &["admin:groups"], &[(201, "Group"), (409, "Error")]).body("NewGroup"),
        )
        .delete("/groups/{group}", groups::delete, Doc::new("Delete a group", &["delete:groups"], &[(204, "")]))
        .post("/groups/{group}/users", groups::add_users, members("Put people into a group"))
        .delete("/groups/{group}/users", groups::remove_users, members("Take people out of a group"))
        .put(
            "/groups/{group}/properties",
            groups::set_properties,
            Doc::new("Replace a group's properties", &["groups"], &[(200, "Group")]).body("Properties"),
        )
}

/// An empty last segment is the default server, which the patterns with a name in its place do not take.
fn sharing() -> Routes {
    let (read, share): (&[&str], &[&str]) = (&["read:shares"], &["shares"]);
    let listed = |summary| Doc::new(summary, read, &[(200, "ShareList")]).query(PAGES);
    let codes = |summary| Doc::new(summary, read, &[(200, "ShareCodeList")]).query(PAGES);
    let granted = Doc::new("Share a server", share, &[(200, "Share")]).body("ShareRequest");
    let revoked = Doc::new("Take a share back", share, &[(200, "ShareOrNothing")]).body("ShareRequest");
    let cleared = Doc::new("Take all shares of a server back", share, &[(204, "")]);
    let made = Doc::new("Make a code that shares a server", share, &[(200, "ShareCode")]).body("NewShareCode");
    let which: Arguments = &[("code", "string", "The code itself"), ("id", "string", "Its id")];
    let deleted = Doc::new("Delete codes", share, &[(204, "")]).query(which);
    let mut routes = Routes::default().get("/shares/{owner}", shares::of_owner, listed("What a person shares")).get(
        "/share-codes/{owner}",
        share_codes::of_owner,
        codes("A person's codes"),
    );
    for path in ["/shares/{owner}/", "/shares/{owner}/{server}"] {
        routes = routes
            .get(path, shares::list, listed("Who shares a server"))
            .post(path, shares::grant, granted)
            .patch(path, shares::revoke, revoked)
            .delete(path, shares::clear, cleared);
    }
    for path in ["/share-codes/{owner}/", "/share-codes/{owner}/{server}"] {
        routes = routes
            .get(path, share_codes::list, codes("A server's codes"))
            .post(path, share_codes::create, made)
            .delete(path, share_codes::delete, deleted);
    }
    let of = |summary, scopes| Doc::new(summary, scopes, &[(200, "Share")]);
    let left = |summary, scopes| Doc::new(summary, scopes, &[(204, "")]);
    let (users, groups): (&[&str], &[&str]) = (&["read:users:shares"], &["read:groups:shares"]);
    let with = |summary, scopes| Doc::new(summary, scopes, &[(200, "ShareList")]).query(PAGES);
    routes = routes.get("/users/{user}/shared", shared::with_user, with("What is shared with a person", users)).get(
        "/groups/{group}/shared",
        shared::with_group,
        with("What is shared with a group", groups),
    );
    for path in ["/users/{user}/shared/{owner}/", "/users/{user}/shared/{owner}/{server}"] {
        routes = routes.get(path, shared::one_with_user, of("A share with a person", users)).delete(
            path,
            shared::leave_as_user,
            left("Give a share up", &["users:shares"]),
        );
    }
    for path in ["/groups/{group}/shared/{owner}/", "/groups/{group}/shared/{owner}/{server}"] {
        routes = routes.get(path, shared::one_with_group, of("A share with a group", groups)).delete(
            path,
            shared::leave_as_group,
            left("Give a group's share up", &["groups:shares"]),
        );
    }
    routes
}

fn the_rest() -> Routes {
    let admin: &[&str] = &["admin:services"];
    Routes::default()
        .get("/services", services::list, Doc::new("Services", &["list:services"], &[(200, "ServiceMap")]))
        .get("/services/{service}", services::show, Doc::new("A service", READ_SERVICE, &[(200, "Service")]))
        .post(
            "/services/{service}",
            services::add,
            Doc::new("Add a service", admin, &[(201, "Service"), (409, "Error")]).body("NewService"),
        )
        .delete(
            "/services/{service}",
            services::delete,
            Doc::new("Remove a service", admin, &[(200, ""), (405, "Error")]),
        )
}
