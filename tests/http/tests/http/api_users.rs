//! `/hub/api/user`, `/hub/api/users`: contract 1.5 to 1.7.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use hubd::auth::tokens::Owner;
use hubd::clock::now;
use hubd::servers::launcher::UnitState;
use hubd_base::config::{Config, Role};
use hubd_base::names::{ServerId, ServerName, ServiceName};
use serde_json::{Value, json};

use crate::api_client::{Client, groups, name, new_token, role};
use crate::world::{World, id};

const NO_ACCESS: &str = "No access to resources or resources not found";

fn named(user: &str, server: &str) -> ServerId {
    ServerId { user: name(user), server: ServerName::parse(server).unwrap() }
}

#[tokio::test]
async fn whoami_identifies_every_credential() {
    let world = World::new("").await;
    let mut full = world.client("alice", &["inherit"]).await;
    let user = full.get("/user").await.json;
    assert_eq!((&user["kind"], &user["name"], &user["admin"]), (&json!("user"), &json!("alice"), &json!(false)));
    assert!(user["token_id"].as_str().unwrap().starts_with('a'));
    assert_eq!(user["session_id"], Value::Null);
    let scopes = user["scopes"].as_array().unwrap();
    assert!(scopes.contains(&json!("access:servers!user=alice")) && scopes.is_sorted_by_key(|s| s.as_str()));

    let mut little = world.client("alice", &["read:users:activity!user"]).await;
    let user = little.get("/user").await.json;
    assert_eq!(user["groups"], json!([]));
    assert!(user.get("created").is_none() && user.get("last_activity").is_some() && user["user_info"].is_null());
    assert_eq!(
        user["scopes"],
        json!(["read:users:activity!user=alice", "read:users:groups!user=alice", "read:users:name!user=alice"])
    );

    let mut service = world.client_with(new_token(Owner::Service("culler".into()), &["inherit"])).await;
    let model = service.get("/user").await.json;
    assert_eq!((&model["kind"], &model["name"], &model["admin"]), (&json!("service"), &json!("culler"), &json!(false)));
    assert!(model.get("url").is_none(), "{model}");

    let mut browser = world.browser_of("alice").await;
    let user: Value = serde_json::from_slice(&browser.get("/hub/api/user").await.body).unwrap();
    let session = &browser.cookies[&("/".to_owned(), "jupyterhub-session-id".to_owned())];
    assert_eq!((&user["token_id"], &user["session_id"]), (&Value::Null, &json!(session)));
}

#[tokio::test]
async fn a_service_that_reads_services_sees_the_row_of_itself() {
    let reader = Role {
        services: vec![ServiceName::parse("culler").unwrap()],
        ..role(&["read:services", "read:roles:services"])
    };
    let world = World::of(Config { roles: vec![reader], ..Config::default() }).await;
    let mut service = world.client_with(new_token(Owner::Service("culler".into()), &["inherit"])).await;
    let model = service.get("/user").await.json;
    for (field, value) in [
        ("url", Value::Null),
        ("prefix", json!("")),
        ("command", json!([])),
        ("pid", json!(0)),
        ("info", Value::Null),
        ("display", Value::Null),
        ("roles", json!(["special"])),
    ] {
        assert_eq!(model[field], value, "{field}");
    }
}

#[tokio::test]
async fn stopped_servers_are_shown_only_when_asked_for() {
    let world = World::with("", |config| config.server.named_limit = None).await;
    let mut alice = world.client("alice", &["inherit"]).await;
    world.app.servers.create(named("alice", "gpu"), hubd::servers::registry::Wanted::default()).await.unwrap();
    for path in ["/user", "/users/alice"] {
        assert_eq!(alice.get(path).await.json["servers"], json!({}));
        assert_eq!(alice.get(&format!("{path}?include_stopped_servers=0")).await.json["servers"], json!({}));
        let all = alice.get(&format!("{path}?include_stopped_servers")).await.json;
        assert_eq!(all["servers"]["gpu"]["stopped"], true);
    }
}

#[tokio::test]
async fn the_list_is_filtered_sorted_and_cut() {
    let world = World::new("").await;
    let mut boss = world.client("boss", &["inherit"]).await;
    world.know(&["zoe", "a_b", "axb", "mike"]).await;
    world.app.people.advance(&name("mike"), 20).await.unwrap();
    world.app.servers.start(&id("zoe")).unwrap();
    world.wait_for("zoe", "running").await;
    // A start is something that zoe did, and what boss does from now on comes after it.
    let last = |user: &str| world.app.people.named(user).unwrap().last_activity;
    world.until(|| async { last("zoe").is_some() }).await;
    let after = now().max(last("zoe").unwrap()) + 1;
    world.app.people.advance(&name("boss"), after + 60_000_000).await.unwrap();
    world.app.servers.get(&id("mike"));
    for (query, wanted) in [
        ("", "boss zoe a_b axb mike"),
        ("sort=id", "boss zoe a_b axb mike"),
        ("sort=-id", "mike axb a_b zoe boss"),
        ("sort=name", "a_b axb boss mike zoe"),
        ("sort=-name", "zoe mike boss axb a_b"),
        ("sort=last_activity", "a_b axb mike zoe boss"),
        ("sort=-last_activity", "boss zoe mike a_b axb"),
        ("name_filter=_", "a_b"),
        ("name_filter=%25", ""),
        ("name_filter=X", "axb"),
        ("name_filter=OS", "boss"),
        ("state=active", "zoe"),
        ("state=ready", "zoe"),
        ("state=inactive", "boss a_b axb mike"),
        ("state=inactive&sort=-name&limit=2&offset=1", "boss axb"),
    ] {
        assert_eq!(boss.get(&format!("/users?{query}")).await.all("name").join(" "), wanted, "{query}");
    }
    for (query, message) in [
        ("state=great", "Unrecognized state filter: 'great'"),
        ("sort=age", "sort must be 'id', 'name', or 'last_activity', not 'age'"),
        ("sort=-", "sort must be 'id', 'name', or 'last_activity', not '-'"),
        ("limit=x", "Invalid argument type, offset and limit must be integers"),
    ] {
        boss.refused("GET", &format!("/users?{query}"), Value::Null, 400, message).await;
    }
    let first = boss.page("/users?state=inactive&limit=3").await.json;
    let place = &first["_pagination"];
    assert_eq!((&place["total"], &place["next"]["offset"]), (&json!(4), &json!(3)));
    let next = place["next"]["url"].as_str().unwrap().strip_prefix("http://hub.example.org/hub/api").unwrap();
    let rest = boss.page(next).await.json;
    assert_eq!(rest["items"][0]["name"], "mike");
    assert_eq!(rest["_pagination"]["next"], Value::Null);
}

#[tokio::test]
async fn a_filtered_scope_lists_whom_it_covers() {
    let world = World::of(groups(&[("crew", &["ann", "bob"])])).await;
    world.know(&["cy"]).await;
    for (scopes, wanted) in [
        (&["list:users!group=crew"][..], "ann bob"),
        (&["list:users!user=cy", "list:users!group=crew"], "ann bob cy"),
        (&["list:users!user=nobody"], ""),
    ] {
        let mut client = world.client("boss", scopes).await;
        let listed = client.page("/users").await.json;
        let names: Vec<_> =
            listed["items"].as_array().unwrap().iter().map(|user| user["name"].as_str().unwrap()).collect();
        assert_eq!(names.join(" "), wanted);
        assert_eq!(listed["_pagination"]["total"], names.len());
    }
    let mut server = world.client("boss", &["list:users!server=ann/", "list:users!user=cy"]).await;
    server.refused("GET", "/users", Value::Null, 403, "Forbidden").await;
    let mut none = world.client("ann", &["inherit"]).await;
    let text = "Action is not authorized with current scopes; requires any of [list:users]";
    none.refused("GET", "/users", Value::Null, 403, text).await;
}

#[tokio::test]
async fn people_are_added_all_or_none() {
    let world = World::new("").await;
    let mut boss = world.client("boss", &["inherit"]).await;
    let made = boss.call("POST", "/users", json!({"usernames": ["ann", "BOB", "boss", "ann"]})).await;
    assert_eq!((made.status, made.all("name")), (201, vec!["ann".to_owned(), "bob".to_owned()]));
    let made = boss.call("POST", "/users", json!({"usernames": ["chief"], "admin": true})).await;
    assert_eq!((made.status, &made.json[0]["admin"]), (201, &json!(true)));
    let none = "Must specify at least one user to create";
    let missing = "Failed to create user no-one: there is no account of this name on this machine";
    for (body, status, message) in [
        (json!([]), 400, none),
        (json!({}), 400, none),
        (json!({"usernames": []}), 400, none),
        (json!({"usernames": "x"}), 400, none),
        (json!({"usernames": [1]}), 400, "usernames must be str, not <class 'int'>"),
        (json!({"usernames": ["new", "a/b"]}), 400, "Invalid username: a/b"),
        (json!({"usernames": ["new", "..", ""]}), 400, "Invalid usernames: .., "),
        (json!({"usernames": ["new"], "age": 3}), 400, "Invalid JSON keys: {'age': 3}"),
        (json!({"usernames": ["new"], "admin": 1}), 400, "user.admin must be <class 'bool'>, not: <class 'int'>"),
        (json!({"usernames": ["ann", "Bob"]}), 409, "All 2 users already exist"),
        (json!({"usernames": ["new", "no-one"]}), 400, missing),
    ] {
        boss.refused("POST", "/users", body, status, message).await;
    }
    boss.refused("POST", "/users", Value::Null, 400, none).await;
    let invalid = boss.raw("POST", "/users", "*/*", "{").await;
    assert_eq!(invalid.refusal(), (400, "Invalid JSON in body of request"));
    assert!(world.app.people.named("new").is_none(), "nothing was made of a refused list");
    let mut filtered = world.client("boss", &["admin:users!user=new"]).await;
    let text = "Action is not authorized with current scopes; requires any of [admin:users]";
    filtered.refused("POST", "/users", json!({"usernames": ["new"]}), 403, text).await;
}

#[tokio::test]
async fn only_administrators_make_administrators() {
    let world = World::of(Config {
        roles: vec![Role { users: vec![name("clerk")], ..role(&["admin:users"]) }],
        ..Config::default()
    })
    .await;
    world.know(&["ann"]).await;
    world.client("boss", &[]).await;
    let mut clerk = world.client("clerk", &["inherit"]).await;
    let grant = "Only admins can grant admin permissions";
    clerk.refused("POST", "/users", json!({"usernames": ["new"], "admin": true}), 403, grant).await;
    clerk.refused("POST", "/users/new", json!({"admin": true}), 403, grant).await;
    clerk.refused("PATCH", "/users/ann", json!({"admin": true}), 403, grant).await;
    clerk.refused("PATCH", "/users/boss", json!({}), 403, "Only admins can modify other admins").await;
    assert_eq!(clerk.call("POST", "/users/new", json!({"admin": false})).await.status, 201);
    assert_eq!(clerk.call("PATCH", "/users/ann", json!({"admin": false})).await.status, 200);
}

#[tokio::test]
async fn an_appointed_administrator_stays_one_whatever_the_policy_says() {
    let world = World::new("").await;
    let mut boss = world.client("boss", &["inherit"]).await;
    let mut ann = world.client("ann", &["inherit"]).await;
    boss.call("PATCH", "/users/ann", json!({"admin": true})).await;
    boss.call("POST", "/users/bob", json!({"admin": true})).await;
    boss.call("POST", "/users", json!({"usernames": ["cyd"], "admin": true})).await;
    // A login, and the hub's start, hear the policy.
    for user in ["ann", "bob", "cyd"] {
        world.app.people.keep(name(user), Some(false), now()).await.unwrap();
        assert!(world.app.is_admin(&name(user)), "{user}");
    }
    assert_eq!(ann.get("/users").await.status, 200);
    let world = world.again(|_| {}).await;
    for user in ["ann", "bob", "cyd"] {
        assert!(world.app.is_admin(&name(user)), "{user}");
    }

    let mut boss = world.client("boss", &["inherit"]).await;
    assert_eq!(boss.call("PATCH", "/users/ann", json!({"admin": false})).await.json["admin"], false);
    assert!(!world.again(|_| {}).await.app.is_admin(&name("ann")));
}

#[tokio::test]
async fn what_the_policy_gives_is_taken_until_it_speaks_again() {
    let world = World::new("").await;
    let mut boss = world.client("boss", &["inherit"]).await;
    world.app.people.keep(name("ann"), Some(true), now()).await.unwrap();
    // Already so: nobody is appointed by that.
    assert_eq!(boss.call("PATCH", "/users/ann", json!({"admin": true})).await.json["admin"], true);
    world.app.people.keep(name("ann"), Some(false), now()).await.unwrap();
    assert!(!world.app.is_admin(&name("ann")));

    world.app.people.keep(name("ann"), Some(true), now()).await.unwrap();
    assert_eq!(boss.call("PATCH", "/users/ann", json!({"admin": false})).await.json["admin"], false);
    world.app.people.keep(name("ann"), None, now()).await.unwrap();
    assert!(!world.app.is_admin(&name("ann")));
    world.app.people.keep(name("ann"), Some(true), now()).await.unwrap();
    assert!(world.app.is_admin(&name("ann")));
}

#[tokio::test]
async fn an_administrator_with_another_name_is_one_still() {
    let world = World::new("").await;
    let mut boss = world.client("boss", &["inherit"]).await;
    world.know(&["ann"]).await;
    boss.call("PATCH", "/users/ann", json!({"admin": true})).await;
    let renamed = boss.call("PATCH", "/users/ann", json!({"name": "anna"})).await.json;
    assert_eq!((&renamed["name"], &renamed["admin"]), (&json!("anna"), &json!(true)));
    assert!(world.again(|_| {}).await.app.is_admin(&name("anna")));
}

#[tokio::test]
async fn one_person_is_added_by_address() {
    let world = World::new("").await;
    let mut boss = world.client("boss", &["inherit"]).await;
    let made = boss.call("POST", "/users/UPPER", json!({"name": "other", "groups": ["g"]})).await;
    assert_eq!((made.status, &made.json["name"], &made.json["groups"]), (201, &json!("upper"), &json!([])));
    assert_eq!(boss.bare("POST", "/users/ann").await.status, 201);
    for (user, body, status, message) in [
        ("ann", Value::Null, 409, "User ann already exists"),
        ("Upper", Value::Null, 409, "User Upper already exists"),
        ("new", json!([1]), 400, "Invalid JSON data: [1]"),
        ("new", json!({"age": "x"}), 400, "Invalid JSON keys: {'age': 'x'}"),
        ("new", json!({"admin": "x"}), 400, "user.admin must be <class 'bool'>, not: <class 'str'>"),
        ("no-one", Value::Null, 400, "Failed to create user: no-one"),
        ("a%2Fb", Value::Null, 400, "Failed to create user: a/b"),
    ] {
        boss.refused("POST", &format!("/users/{user}"), body, status, message).await;
    }
    let mut filtered = world.client("boss", &["admin:users!user=Cased"]).await;
    filtered.refused("POST", "/users/Cased", Value::Null, 404, NO_ACCESS).await;
    assert!(world.app.people.named("cased").is_none(), "a scope for one spelling is none for another");
}

#[tokio::test]
async fn a_person_is_changed_and_renamed() {
    let world = World::of(groups(&[("crew", &["ann"])])).await;
    let mut boss = world.client("boss", &["inherit"]).await;
    let mut ann = world.client("ann", &["inherit"]).await;
    let unchanged = boss.call("PATCH", "/users/ann", json!({"name": "ann"})).await;
    assert_eq!((unchanged.status, &unchanged.json["name"]), (200, &json!("ann")));
    assert!(unchanged.json["auth_state"].is_null() && unchanged.json.get("auth_state").is_some());
    assert_eq!(boss.call("PATCH", "/users/ann", json!({"name": "ANN"})).await.json["name"], "ann");
    assert_eq!(boss.call("PATCH", "/users/ann", json!({"admin": true})).await.json["admin"], true);
    assert_eq!(ann.get("/users").await.status, 200, "an administrator at once");
    assert_eq!(boss.call("PATCH", "/users/ann", json!({"admin": false})).await.json["admin"], false);
    assert_eq!(ann.get("/users").await.status, 403);
    for (body, message) in [
        (Value::Null, "Invalid JSON data: None"),
        (json!(["ann"]), "Invalid JSON data: ['ann']"),
        (json!({"email": 1}), "Invalid JSON keys: {'email': 1}"),
        (json!({"name": 1}), "user.name must be <class 'str'>, not: <class 'int'>"),
        (json!({"name": "a/b"}), "Invalid username: 'a/b'"),
        (json!({"name": ""}), "Invalid username: ''"),
        (json!({"name": "boss"}), "User boss already exists, username must be unique"),
        (
            json!({"name": "no-one"}),
            "Failed to rename user ann to no-one: there is no account of this name on this machine",
        ),
        (json!({"groups": []}), "A user's groups are changed at /groups/{group}/users"),
        (json!({"roles": ["x"]}), "Roles are given in the hub's configuration"),
        (json!({"auth_state": {}}), "This hub keeps no auth_state"),
    ] {
        boss.refused("PATCH", "/users/ann", body, 400, message).await;
    }
    boss.refused("PATCH", "/users/nobody", json!({}), 404, NO_ACCESS).await;

    let mut browser = world.browser_of("ann").await;
    world.app.servers.start(&id("ann")).unwrap();
    world.wait_for("ann", "running").await;
    let active = "ann has active servers. Please stop them before renaming ann.";
    boss.refused("PATCH", "/users/ann", json!({"name": "anna"}), 400, active).await;
    world.app.servers.stop(&id("ann"));
    world.wait_for("ann", "stopped").await;
    let renamed = boss.call("PATCH", "/users/ann", json!({"name": "Anna"})).await;
    assert_eq!(
        (renamed.status, &renamed.json["name"], &renamed.json["groups"]),
        (200, &json!("anna"), &json!(["crew"]))
    );
    assert_eq!(boss.get("/users/ann").await.status, 404);
    assert_eq!(boss.get("/groups/crew").await.json["users"], json!(["anna"]));
    assert_eq!(ann.get("/user").await.status, 403, "tokens of the other account are gone");
    assert_eq!(browser.get("/hub/api/user").await.status, 403, "and its sessions");
    assert_eq!(boss.get("/users/anna/tokens").await.json["api_tokens"], json!([]));
    let servers = boss.get("/users/anna?include_stopped_servers=1").await.json["servers"].clone();
    assert_eq!(servers[""]["stopped"], true);
}

#[tokio::test]
async fn a_rename_needs_the_scope_for_both_names() {
    let world = World::new("").await;
    world.know(&["ann"]).await;
    let mut one = world.client("boss", &["admin:users!user=ann"]).await;
    one.refused("PATCH", "/users/ann", json!({"name": "victim"}), 404, NO_ACCESS).await;
    let mut both = world.client("boss", &["admin:users!user=ann", "admin:users!user=anna"]).await;
    assert_eq!(both.call("PATCH", "/users/ann", json!({"name": "anna"})).await.status, 200);
}

#[tokio::test]
async fn a_deleted_person_leaves_nothing_behind() {
    let mut config = groups(&[("crew", &["ann"])]);
    config.server.named_limit = None;
    let world = World::of(config).await;
    let mut boss = world.client("boss", &["inherit"]).await;
    let mut ann = world.client("ann", &["inherit"]).await;
    let mut browser = world.browser_of("ann").await;
    for server in [id("ann"), named("ann", "gpu")] {
        world.app.servers.start(&server).unwrap();
        let mut changes = world.app.servers.get(&server).follow();
        changes.wait_for(|snapshot| snapshot.state.is_ready()).await.unwrap();
    }
    boss.refused("DELETE", "/users/boss", Value::Null, 400, "Cannot delete yourself!").await;
    boss.refused("DELETE", "/users/nobody", Value::Null, 404, NO_ACCESS).await;
    assert_eq!(boss.bare("DELETE", "/users/ann").await.status, 204);
    assert!(world.app.servers.of(&name("ann")).iter().all(|server| !server.snapshot().state.is_active()));
    assert_eq!(boss.get("/users/ann").await.status, 404);
    assert_eq!(boss.get("/groups/crew").await.json["users"], json!([]));
    assert_eq!((ann.get("/user").await.status, browser.get("/hub/api/user").await.status), (403, 403));
    assert_eq!(boss.bare("POST", "/users/ann").await.status, 201, "and may come again as somebody new");
    assert_eq!(boss.get("/users/ann").await.json["servers"], json!({}));
}

#[tokio::test]
async fn nobody_is_deleted_whose_server_does_not_stop() {
    let world = World::new("").await;
    let mut boss = world.client("boss", &["inherit"]).await;
    world.know(&["ann"]).await;
    world.app.servers.start(&id("ann")).unwrap();
    world.wait_for("ann", "running").await;
    world.launcher.stop_fails.store(true, Ordering::Relaxed);
    boss.refused("DELETE", "/users/ann", Value::Null, 400, "A server of ann does not stop.").await;
    assert!(world.app.people.named("ann").is_some());
    world.launcher.stop_fails.store(false, Ordering::Relaxed);
    world.wait_for("ann", "running").await;
    assert_eq!(boss.bare("DELETE", "/users/ann").await.status, 204);
}

#[tokio::test]
async fn without_the_name_service_nobody_new_is_made() {
    let world = World::new("").await;
    let mut boss = world.client("boss", &["inherit"]).await;
    let why = "the accounts of this machine cannot be looked up right now";
    let text = format!("Failed to create user new: {why}");
    boss.refused("POST", "/users", json!({"usernames": ["new", "lost-one"]}), 400, &text).await;
    boss.refused("POST", "/users/lost-one", Value::Null, 400, "Failed to create user: lost-one").await;
    let text = format!("Failed to rename user boss to lost-one: {why}");
    boss.refused("PATCH", "/users/boss", json!({"name": "lost-one"}), 400, &text).await;
    assert_eq!(boss.get("/users").await.all("name"), ["boss"]);
}

#[tokio::test]
async fn nobody_is_deleted_while_a_server_stops() {
    let world = World::new("").await;
    let mut boss = world.client("boss", &["inherit"]).await;
    world.know(&["ann"]).await;
    world.app.servers.start(&id("ann")).unwrap();
    world.wait_for("ann", "running").await;
    world.launcher.end(&id("ann"), UnitState::Deactivating);
    world.wait_for("ann", "stopping").await;
    let text = "ann's server is in the process of stopping, please wait.";
    boss.refused("DELETE", "/users/ann", Value::Null, 400, text).await;
    world.launcher.end(&id("ann"), UnitState::Absent);
    world.wait_for("ann", "stopped").await;
    assert_eq!(boss.bare("DELETE", "/users/ann").await.status, 204);
}

/// The best of several, so that other work on the machine does not count.
async fn best(client: &mut Client, path: &str) -> Duration {
    let mut best = Duration::MAX;
    for _ in 0..7 {
        let begun = Instant::now();
        assert_eq!(client.get(path).await.json.as_array().unwrap().len(), 200);
        best = best.min(begun.elapsed());
    }
    best
}

#[tokio::test]
async fn a_page_costs_about_the_same_however_many_people_there_are() {
    let world = World::new("").await;
    let mut boss = world.client("boss", &["inherit"]).await;
    let people =
        |numbers: std::ops::Range<usize>| numbers.map(|number| name(&format!("u{number}"))).collect::<Vec<_>>();
    world.app.people.add(people(0..200), false, now()).await.unwrap();
    for number in 0..20 {
        world.app.groups.add(vec![format!("g{number}")], people(0..200)).await.unwrap();
    }
    let few = best(&mut boss, "/users?limit=200").await;
    world.app.people.add(people(200..10_000), false, now()).await.unwrap();
    for number in 20..40 {
        world.app.groups.add(vec![format!("g{number}")], people(200..10_000)).await.unwrap();
    }
    for user in people(200..10_000) {
        world.app.servers.get(&ServerId::default_of(user));
    }
    let many = best(&mut boss, "/users?limit=200").await;
    println!("200 of 201 people: {few:?}, 200 of 10001: {many:?}");
    // Fifty times the people; twice the time is usual, and a search for each person of the page would be far beyond.
    assert!(many < few * 8, "{few:?} for a page of 201 people, {many:?} for one of 10001");
}

#[tokio::test(flavor = "multi_thread")]
async fn running_servers_cost_a_page_no_more_than_their_models() {
    let world = World::with("", |config| config.hub.concurrent_starts = None).await;
    let mut boss = world.client("boss", &["inherit"]).await;
    let people: Vec<_> = (0..10_000).map(|number| name(&format!("u{number}"))).collect();
    world.app.people.add(people.clone(), false, now()).await.unwrap();
    let resting = best(&mut boss, "/users?limit=200").await;
    for user in &people[..500] {
        let id = ServerId::default_of(user.clone());
        let server = world.app.servers.start(&id).unwrap();
        let mut changes = server.follow();
        let ready = changes.wait_for(|snapshot| snapshot.state.is_ready());
        tokio::time::timeout(crate::launcher::DEADLINE, ready).await.unwrap().unwrap();
    }
    let running = best(&mut boss, "/users?limit=200").await;
    println!("200 of 10001 people: {resting:?}; with 500 servers running: {running:?}");
    // Nearly every person of the page has a server now, whose model is larger than the person's own.
    assert!(running < resting * 10, "{resting:?} without, {running:?} with 500 servers running");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_known_token_needs_no_database() {
    let world = World::new("").await;
    let mut boss = world.client("boss", &["inherit"]).await;
    assert_eq!(boss.get("/user").await.status, 200);
    let store = world.folder.path().join("hub.sqlite");
    // What a first use has to write is written by now; from here on nobody else can write.
    let mut lock = None;
    world
        .until(|| {
            let connection = rusqlite::Connection::open(&store).unwrap();
            let locked = connection.execute_batch("BEGIN EXCLUSIVE").is_ok();
            lock = locked.then_some(connection);
            async move { locked }
        })
        .await;
    // This write waits for the lock, and whatever else asks the database waits behind it.
    let app = std::sync::Arc::clone(&world.app);
    let waiting = tokio::spawn(async move { app.people.keep(name("late"), None, now()).await });
    for _ in 0..20 {
        assert_eq!(boss.get("/user").await.status, 200);
        assert_eq!(boss.get("/users?limit=200").await.status, 200);
    }
    assert!(!waiting.is_finished(), "the database was free");
    lock.unwrap().execute_batch("ROLLBACK").unwrap();
    waiting.await.unwrap().unwrap();
}
