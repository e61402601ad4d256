//! `/hub/api/groups`: contract 1.11, and the groups of the configuration.

use hubd_base::config::{Config, Role};
use serde_json::{Value, json};

use crate::api_client::{groups, name, role};
use crate::world::World;

#[tokio::test]
async fn a_group_is_made_changed_and_deleted() {
    let world = World::new("").await;
    let mut boss = world.client("boss", &["inherit"]).await;
    world.know(&["ann", "bob"]).await;
    let made = boss.call("POST", "/groups/crew", json!({"name": "other", "users": ["BOB"]})).await;
    assert_eq!(made.status, 201);
    assert_eq!(made.json, json!({"kind": "group", "name": "crew", "users": ["bob"], "properties": {}, "roles": []}));
    assert_eq!(boss.bare("POST", "/groups/a%2Fb%20%C3%BC").await.json["name"], "a/b ü");
    let added = boss.call("POST", "/groups/crew/users", json!({"users": ["ann", "bob"]})).await;
    assert_eq!((added.status, &added.json["users"]), (200, &json!(["ann", "bob"])));
    assert_eq!(boss.get("/users/ann").await.json["groups"], json!(["crew"]));
    let removed = boss.call("DELETE", "/groups/crew/users", json!({"users": ["bob", "boss"]})).await;
    assert_eq!((removed.status, &removed.json["users"]), (200, &json!(["ann"])));
    assert_eq!(boss.get("/users/bob").await.json["groups"], json!([]));
    let put = boss.call("PUT", "/groups/crew/properties", json!({"gpu": [1, {"a": null}]})).await;
    assert_eq!((put.status, &put.json["properties"]), (200, &json!({"gpu": [1, {"a": null}]})));
    assert_eq!(boss.get("/groups/crew").await.json, put.json);
    assert_eq!(boss.call("PUT", "/groups/crew/properties", json!({})).await.json["properties"], json!({}));
    assert_eq!(boss.bare("DELETE", "/groups/crew").await.status, 204);
    assert_eq!(boss.get("/users/ann").await.json["groups"], json!([]));
    for (method, path) in [
        ("GET", "/groups/crew"),
        ("DELETE", "/groups/crew"),
        ("POST", "/groups/crew/users"),
        ("DELETE", "/groups/crew/users"),
        ("PUT", "/groups/crew/properties"),
    ] {
        boss.refused(method, path, json!({"users": []}), 404, "No such group: crew").await;
    }
}

#[tokio::test]
async fn groups_are_made_all_or_none_and_survive_a_restart() {
    let world = World::new("").await;
    let mut boss = world.client("boss", &["inherit"]).await;
    world.know(&["ann"]).await;
    let made = boss.call("POST", "/groups", json!({"groups": ["zoo", "art"], "users": ["ann"]})).await;
    assert_eq!((made.status, made.all("name")), (201, vec!["zoo".to_owned(), "art".to_owned()]));
    let none = "Must specify at least one group to create";
    for (body, status, message) in [
        (Value::Null, 400, none),
        (json!([]), 400, none),
        (json!({"groups": []}), 400, none),
        (json!({"groups": [""]}), 400, none),
        (json!({"groups": [1]}), 400, "group names must be str, not <class 'int'>"),
        (json!({"groups": ["new"], "age": 1}), 400, "Invalid JSON keys: {'age': 1}"),
        (json!({"groups": ["new"], "users": "x"}), 400, "group.users must be <class 'list'>, not: <class 'str'>"),
        (json!({"groups": ["new"], "users": [null]}), 400, "usernames must be str, not <class 'NoneType'>"),
        (json!({"groups": ["new"], "users": ["ann", "nobody"]}), 400, "No such user: nobody"),
        (json!({"groups": ["new", "art"]}), 409, "Group art already exists"),
        (json!({"groups": ["new", "new"]}), 409, "Group new already exists"),
    ] {
        boss.refused("POST", "/groups", body, status, message).await;
    }
    for (body, status, message) in [
        (json!({"users": ["nobody"]}), 400, "No such user: nobody"),
        (json!({"x": 1}), 400, "Invalid JSON keys: {'x': 1}"),
        (json!([1]), 400, "Invalid JSON data: [1]"),
    ] {
        boss.refused("POST", "/groups/new", body, status, message).await;
    }
    boss.refused("POST", "/groups/art", Value::Null, 409, "Group art already exists").await;
    for (method, path, body, message) in [
        ("POST", "/groups/art/users", Value::Null, "Must specify users to add"),
        ("DELETE", "/groups/art/users", json!({"name": "art"}), "Must specify users to delete"),
        ("POST", "/groups/art/users", json!({"users": ["nobody"]}), "No such user: nobody"),
        ("DELETE", "/groups/art/users", json!({"users": ["nobody"]}), "No such user: nobody"),
        ("DELETE", "/groups/art/users", json!("x"), "Invalid JSON data: 'x'"),
        ("PUT", "/groups/art/properties", Value::Null, "Must specify properties"),
        ("PUT", "/groups/art/properties", json!([]), "Must specify properties"),
    ] {
        boss.refused(method, path, body, 400, message).await;
    }
    assert_eq!(boss.get("/groups").await.all("name"), ["zoo", "art"], "in the order of their making");
    let page = boss.page("/groups?limit=1").await.json;
    assert_eq!((&page["items"][0]["name"], &page["_pagination"]["total"]), (&json!("zoo"), &json!(2)));
    let next = page["_pagination"]["next"]["url"].as_str().unwrap();
    assert_eq!(next, "http://hub.example.org/hub/api/groups?offset=1&limit=1");
    let store = hubd::store::Store::open(&world.folder.path().join("hub.sqlite")).unwrap();
    let rows = store.groups().await.unwrap();
    let rows: Vec<_> = rows.iter().map(|row| (row.name.as_str(), row.members.clone())).collect();
    assert_eq!(rows, [("zoo", vec![name("ann")]), ("art", vec![name("ann")])]);
}

#[tokio::test]
async fn scopes_decide_what_is_seen_of_which_group() {
    let sailor = Role { groups: vec!["crew".into()], ..role(&["read:hub"]) };
    let world = World::of(Config { roles: vec![sailor], ..groups(&[("crew", &["ann"]), ("lab", &[])]) }).await;
    for (scopes, listed) in [
        (&["list:groups"][..], json!([{"kind": "group", "name": "crew"}, {"kind": "group", "name": "lab"}])),
        (&["list:groups!group=lab"], json!([{"kind": "group", "name": "lab"}])),
        (
            &["list:groups!group=crew", "read:roles:groups!group=crew"],
            json!([{"kind": "group", "name": "crew", "roles": ["special"]}]),
        ),
    ] {
        let mut client = world.client("boss", scopes).await;
        let page = client.page("/groups").await.json;
        assert_eq!(page["items"], listed, "{scopes:?}");
        assert_eq!(page["_pagination"]["total"], listed.as_array().unwrap().len(), "only what is covered counts");
    }
    let mut by_user = world.client("boss", &["list:groups!user=ann"]).await;
    by_user.refused("GET", "/groups", Value::Null, 403, "Forbidden").await;
    let mut ann = world.client("ann", &["inherit"]).await;
    let text = "Action is not authorized with current scopes; requires any of [list:groups]";
    ann.refused("GET", "/groups", Value::Null, 403, text).await;
    assert_eq!(ann.get("/info").await.status, 200, "the group's role counts");

    let mut lab =
        world.client("boss", &["groups!group=lab", "admin:groups!group=new", "delete:groups!group=lab"]).await;
    let no_access = "No access to resources or resources not found";
    lab.refused("GET", "/groups/crew", Value::Null, 404, no_access).await;
    lab.refused("DELETE", "/groups/crew", Value::Null, 404, no_access).await;
    lab.refused("POST", "/groups/crew/users", json!({"users": []}), 404, no_access).await;
    let all = "Action is not authorized with current scopes; requires any of [admin:groups]";
    lab.refused("POST", "/groups", json!({"groups": ["new"]}), 403, all).await;
    assert_eq!(lab.bare("POST", "/groups/new").await.status, 201);
    assert_eq!(lab.call("POST", "/groups/lab/users", json!({"users": ["ann"]})).await.status, 200);
    assert_eq!(lab.bare("DELETE", "/groups/lab").await.status, 204);
}

#[tokio::test]
async fn groups_of_the_configuration_are_there_from_the_start() {
    let mut config = groups(&[("crew", &["ann", "no-one"])]);
    config.groups[0].properties = vec![("deck".into(), "upper".into())];
    let world = World::of(config).await;
    let mut boss = world.client("boss", &["inherit"]).await;
    let crew = boss.get("/groups/crew").await.json;
    assert_eq!((&crew["users"], &crew["properties"]), (&json!(["ann"]), &json!({"deck": "upper"})));
    boss.call("POST", "/groups/crew/users", json!({"users": ["boss"]})).await;
    boss.call("DELETE", "/groups/crew/users", json!({"users": ["ann"]})).await;
    boss.call("PUT", "/groups/crew/properties", json!({"deck": "lower", "own": 1})).await;

    let again = world.restarted().await;
    let crew = again.app.groups.find("crew").unwrap();
    assert_eq!(crew.members, [name("ann"), name("boss")].into(), "people are added, never taken out");
    assert_eq!(Value::Object(crew.properties.clone()), json!({"deck": "upper"}));
    assert!(again.app.people.named("no-one").is_none());
}
