//! `/hub/api/users/{user}/activity` (contract 1.10), and the endpoints of old (contract 1.4, rows 21 and 40 to 42).

use hubd::auth::tokens::Owner;
use hubd::clock::{iso, now};
use serde_json::{Value, json};

use crate::api_client::{name, new_token};
use crate::world::{World, id};

const MINUTE: i64 = 60 * 1_000_000;

#[tokio::test]
async fn values_move_forward_only() {
    let world = World::new("").await;
    world.client("ann", &[]).await;
    let mut server = world.client("boss", &["users:activity"]).await;
    let own = || world.app.people.named("ann").unwrap().last_activity;
    world.app.servers.start(&id("ann")).unwrap();
    world.wait_for("ann", "running").await;
    let used = || world.app.servers.get(&id("ann")).last_activity();
    let (before, base) = (own(), now());
    let note = |servers: i64| json!({"servers": {"": {"last_activity": iso(servers)}}});
    assert_eq!(server.call("POST", "/users/ann/activity", note(base + MINUTE)).await.status, 200);
    assert_eq!(used(), Some(base + MINUTE));
    assert_eq!(own(), before, "a server's entry does not raise its owner's");
    server.call("POST", "/users/ann/activity", note(base)).await;
    assert_eq!(used(), Some(base + MINUTE));

    for (written, kept) in [(base + 5, base + 5), (base + 50 * MINUTE, base + 50 * MINUTE), (base, base + 50 * MINUTE)]
    {
        let told = server.call("POST", "/users/ann/activity", json!({"last_activity": iso(written)})).await;
        assert_eq!((told.status, told.json), (200, Value::Null));
        assert_eq!(own(), Some(kept));
    }
    let mut boss = world.client("boss", &["inherit"]).await;
    let model = boss.get("/users/ann").await.json;
    assert_eq!(model["servers"][""]["last_activity"], iso(base + MINUTE));
    assert_eq!(model["last_activity"], iso(base + 50 * MINUTE));
}

#[tokio::test]
async fn wrong_reports_change_nothing() {
    let world = World::new("").await;
    world.know(&["ann"]).await;
    world.app.servers.start(&id("ann")).unwrap();
    world.wait_for("ann", "running").await;
    let own = || world.app.people.named("ann").unwrap().last_activity;
    world.until(|| async { own().is_some() }).await;
    let before = own();
    let mut server = world.client("boss", &["users:activity"]).await;
    let path = "/users/ann/activity";
    let shape = "servers must be a dict of the form {server_name: {last_activity: timestamp}}";
    let nothing = "body must contain at least one of `last_activity` or `servers`";
    let good = "2026-01-31T12:00:00Z";
    for (body, message) in [
        (Value::Null, "body must be a json dict"),
        (json!([]), "body must be a json dict"),
        (json!({}), nothing),
        (json!({"last_activity": null, "servers": {}}), nothing),
        (json!({"last_activity": "today"}), "Not a valid timestamp: 'today'"),
        (json!({"last_activity": 5}), "Not a valid timestamp: 5"),
        (json!({"servers": ["x"]}), shape),
        (json!({"servers": {"": good}}), shape),
        (json!({"servers": {"": {}}}), shape),
        (json!({"servers": {"": {"last_activity": null}}}), "Not a valid timestamp: None"),
        (
            json!({"last_activity": good, "servers": {"gpu": {"last_activity": good}}}),
            "No such server 'gpu' for user ann",
        ),
        (
            json!({"last_activity": good, "servers": {"A B": {"last_activity": good}}}),
            "No such server 'A B' for user ann",
        ),
    ] {
        server.refused("POST", path, body, 400, message).await;
    }
    let far = iso(now() + 61 * MINUTE);
    let text = format!("Rejecting activity from more than an hour in the future: {far}");
    server.refused("POST", path, json!({"last_activity": far}), 400, &text).await;
    assert_eq!(own(), before);
    server.refused("POST", "/users/nobody/activity", json!({}), 404, "No such user: 'nobody'").await;
    let mut ann = world.client("ann", &["users:activity!user"]).await;
    let text = "No access to resources or resources not found";
    ann.refused("POST", "/users/boss/activity", json!({}), 404, text).await;
    assert_eq!(ann.call("POST", path, json!({"last_activity": good})).await.status, 200);
}

#[tokio::test]
async fn admin_access_is_a_matter_of_scopes() {
    let world = World::new("").await;
    let mut ann = world.client("ann", &["inherit"]).await;
    let text = "admin access to user servers disabled";
    ann.refused("POST", "/users/ann/admin-access", Value::Null, 403, text).await;
    let world = World::new("[login]\nadmin_access = true\n").await;
    let mut boss = world.client("boss", &["inherit"]).await;
    world.know(&["ann"]).await;
    assert_eq!(boss.bare("POST", "/users/ann/admin-access").await.status, 200);
    let text = "No access to resources or resources not found";
    boss.refused("POST", "/users/nobody/admin-access", Value::Null, 404, text).await;
}

#[tokio::test]
async fn services_of_old_learn_whose_token_or_cookie_it_is() {
    let world = World::new("").await;
    let ann = world.client("ann", &["users:activity!user"]).await;
    let mut service = world.client_with(new_token(Owner::Service("old".into()), &["inherit"])).await;
    let model = service.get(&format!("/authorizations/token/{}", ann.token)).await;
    assert_eq!((model.status, &model.json["name"], &model.json["kind"]), (200, &json!("ann"), &json!("user")));
    assert!(model.json.get("servers").is_none(), "who it is, and no more");
    let own = service.token.clone();
    assert_eq!(service.get(&format!("/authorizations/token/{own}")).await.json["kind"], "service");
    service.refused("GET", "/authorizations/token/unknown", Value::Null, 404, "Not Found").await;
    let removed = "Deprecated endpoint /hub/api/authorizations/token is removed in JupyterHub 2.0. \
        Use /hub/api/users/:user/tokens instead.";
    service.refused("POST", "/authorizations/token", Value::Null, 404, removed).await;

    let mut browser = world.browser_of("ann").await;
    let cookie = browser.cookies[&("/hub/".to_owned(), "jupyterhub-hub-login".to_owned())].clone();
    let path = format!("/authorizations/cookie/jupyterhub-hub-login/{cookie}");
    let mut reader = world.client("boss", &["read:users:name"]).await;
    assert_eq!(reader.get(&path).await.json["name"], "ann");
    let in_body = reader.raw("GET", "/authorizations/cookie/jupyterhub-hub-login", "*/*", cookie).await;
    assert_eq!(in_body.json["name"], "ann");
    for path in ["/authorizations/cookie/jupyterhub-hub-login/wrong", &path.replace("hub-login", "other")] {
        reader.refused("GET", path, Value::Null, 404, "Not Found").await;
    }
    service.refused("GET", &path, Value::Null, 404, "Not Found").await;
    let by_cookie = browser.get(&format!("/hub/api{path}")).await;
    assert!(by_cookie.status == 403 && by_cookie.text().contains("Forbidden"), "only for callers with a token");
    assert!(world.app.people.find(&name("ann")).unwrap().last_activity.is_some());
}
