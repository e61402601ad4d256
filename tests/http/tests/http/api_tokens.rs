//! `/hub/api/users/{user}/tokens`: contract 1.9.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hubd::auth::tokens::{Kind, NewToken, Owner};
use hubd::clock::now;
use hubd_base::config::{Config, Hub, Role};
use hubd_base::names::ServiceName;
use serde_json::{Value, json};

use crate::api_client::{name, new_token, role};
use crate::world::{Browser, World, id};

/// Somebody without a credential asks for a token.
async fn ask(browser: &mut Browser, user: &str, body: &Value) -> (u16, Value) {
    let request = browser.request("POST", &format!("/hub/api/users/{user}/tokens"));
    let request = request.header("content-type", "application/json").body(Full::from(body.to_string())).unwrap();
    let answer = browser.send(request).await;
    (answer.status, serde_json::from_slice(&answer.body).unwrap())
}

#[tokio::test]
async fn a_token_is_shown_once_and_does_what_its_owner_may() {
    let world = World::new("").await;
    let mut alice = world.client("alice", &["inherit"]).await;
    let made = alice.bare("POST", "/users/alice/tokens").await;
    assert_eq!(made.status, 201);
    let model = made.json;
    for (field, value) in [
        ("user", json!("alice")),
        ("kind", json!("api_token")),
        ("roles", json!([])),
        ("last_activity", Value::Null),
        ("expires_at", Value::Null),
        ("note", json!("Requested via api")),
        ("session_id", Value::Null),
        ("oauth_client", json!("JupyterHub")),
    ] {
        assert_eq!(model[field], value, "{field}");
    }
    assert!(model["scopes"].as_array().unwrap().contains(&json!("servers!user=alice")));
    let mut own = world.client("alice", &[]).await;
    own.token = model["token"].as_str().unwrap().to_owned();
    assert_eq!(own.get("/user").await.json["token_id"], model["id"]);

    let path = format!("/users/alice/tokens/{}", model["id"].as_str().unwrap());
    let shown = alice.get(&path).await.json;
    assert!(shown.get("token").is_none() && shown["last_activity"].is_string());
    let listed = alice.get("/users/alice/tokens").await.json;
    let listed = listed["api_tokens"].as_array().unwrap();
    assert_eq!(listed.len(), 3);
    assert!(listed.iter().all(|token| token.get("token").is_none()));
    assert_eq!(alice.bare("DELETE", &path).await.status, 204);
    assert_eq!(own.get("/user").await.status, 403);
    for id in [model["id"].as_str().unwrap(), "a999", "x", "a0"] {
        let text = format!("No such token {id} for user alice");
        for method in ["GET", "DELETE"] {
            alice.refused(method, &format!("/users/alice/tokens/{id}"), Value::Null, 404, &text).await;
        }
    }
    let mut bob = world.client("bob", &["inherit"]).await;
    let foreign = alice.get("/user").await.json["token_id"].as_str().unwrap().to_owned();
    let text = format!("No such token {foreign} for user bob");
    bob.refused("GET", &format!("/users/bob/tokens/{foreign}"), Value::Null, 404, &text).await;
    let text = "No access to resources or resources not found";
    bob.refused("GET", "/users/alice/tokens", Value::Null, 404, text).await;
    let mut boss = world.client("boss", &["inherit"]).await;
    boss.refused("GET", "/users/nobody/tokens", Value::Null, 404, text).await;
}

#[tokio::test]
async fn tokens_are_listed_by_their_last_use_and_not_once_they_have_ended() {
    let world = World::new("").await;
    let mut alice = world.client("alice", &["inherit"]).await;
    alice.get("/user").await;
    let with = |note: &str, created, expires| NewToken {
        note: note.into(),
        created,
        expires,
        ..new_token(Owner::User(name("alice")), &["inherit"])
    };
    for new in [with("later", i64::MAX / 1000, None), with("old", 1, None), with("over", 1, Some(now() - 1))] {
        world.client_with(new).await;
    }
    let listed = alice.get("/users/alice/tokens").await.json;
    let notes: Vec<_> = listed["api_tokens"].as_array().unwrap().iter().map(|t| t["note"].as_str().unwrap()).collect();
    assert_eq!(notes, ["old", "made by a test", "later"]);
}

#[tokio::test]
async fn wrong_wishes_are_refused_in_words() {
    let world = World::of(Config {
        hub: Hub { token_lifetime_max: Duration::from_secs(3600), ..Hub::default() },
        ..Config::default()
    })
    .await;
    let mut alice = world.client("alice", &["inherit"]).await;
    let both = "Can only assign one of scopes or roles when creating tokens.";
    for (body, message) in [
        (json!([]), "Body must be a JSON dict or empty"),
        (json!("x"), "Body must be a JSON dict or empty"),
        (json!({"scopes": "x"}), "token scopes must be null or a list of strings, not 'x'"),
        (json!({"scopes": ["x", 1]}), "token scopes must be null or a list of strings, not ['x', 1]"),
        (json!({"roles": {}}), "token roles must be null or a list of strings, not {}"),
        (json!({"note": 5}), "token note must be null or a string, not 5"),
        (json!({"expires_in": "5"}), "token expires_in must be null or integer, not '5'"),
        (json!({"expires_in": 5.5}), "token expires_in must be null or integer, not 5.5"),
        (json!({"expires_in": true}), "token expires_in must be null or integer, not True"),
        (json!({"expires_in": 0}), "expires_in must be a positive integer or null, not 0"),
        (json!({"expires_in": -3}), "expires_in must be a positive integer or null, not -3"),
        (json!({"expires_in": 3601}), "token expires_in: 3601 must not exceed 3600"),
        (json!({"scopes": ["bogus"]}), "\"Scope 'bogus' for token does not exist\""),
        (json!({"scopes": ["all"]}), "\"Draft scope 'all' is now called 'inherit'\""),
        (
            json!({"scopes": ["servers!planet=x"]}),
            "\"Scope filter '!planet=x' in scope 'servers!planet=x' for token does not exist\"",
        ),
        (
            json!({"scopes": ["read:hub", "list:groups", "servers!user"]}),
            "Not assigning requested scopes list:groups,read:groups:name,read:hub not held by User alice",
        ),
        (
            json!({"scopes": ["servers"]}),
            "Not assigning requested scopes delete:servers,read:servers,\
            read:users:name,servers,start:servers not held by User alice",
        ),
        (json!({"scopes": [], "roles": []}), both),
        (json!({"roles": ["bogus"]}), "No such role: bogus"),
    ] {
        alice.refused("POST", "/users/alice/tokens", body, 400, message).await;
    }
    assert_eq!(alice.get("/users/alice/tokens").await.json["api_tokens"].as_array().unwrap().len(), 1);
    let longest = alice.bare("POST", "/users/alice/tokens").await.json;
    assert!(longest["expires_at"].is_string(), "without an end the configuration's limit counts");
}

#[tokio::test]
async fn scopes_are_kept_as_asked_and_shrink_with_their_owner() {
    let world = World::new("").await;
    let mut boss = world.client("boss", &["inherit"]).await;
    let path = "/users/boss/tokens";
    let scopes = ["list:users", "read:servers!user", "access:servers!server"];
    let little = boss.call("POST", path, json!({"scopes": scopes, "expires_in": 60, "note": "little"})).await;
    assert_eq!(little.status, 201, "{}", little.json);
    assert_eq!(little.json["note"], "little");
    assert!(little.json["expires_at"].is_string());
    assert_eq!(
        little.json["scopes"],
        json!(["list:users", "read:servers!user=boss", "read:users:groups!user=boss", "read:users:name"])
    );
    let of_role = boss.call("POST", path, json!({"roles": ["user"]})).await.json;
    assert!(of_role["scopes"].as_array().unwrap().contains(&json!("servers!user=boss")));
    assert!(!of_role["scopes"].as_array().unwrap().contains(&json!("admin:users")));
    let text = "token expires_in: 10000000000 must not exceed 3153600000";
    boss.refused("POST", path, json!({"expires_in": 10_000_000_000_u64}), 400, text).await;

    let id = little.json["id"].as_str().unwrap();
    world.app.people.keep(name("boss"), Some(false), now()).await.unwrap();
    let shrunk = boss.get(&format!("/users/boss/tokens/{id}")).await.json;
    assert!(!shrunk["scopes"].as_array().unwrap().contains(&json!("list:users")), "{shrunk}");
}

#[tokio::test]
async fn others_ask_with_their_own_name_and_only_with_the_scope() {
    let maker = Role { services: vec![ServiceName::parse("maker").unwrap()], ..role(&["tokens!user=alice"]) };
    let world = World::of(Config { roles: vec![maker], ..Config::default() }).await;
    let mut alice = world.client("alice", &["inherit"]).await;
    let mut boss = world.client("boss", &["inherit"]).await;
    let mut service = world.client_with(new_token(Owner::Service("maker".into()), &["inherit"])).await;
    let note = |told: crate::api_client::Told| told.json["note"].clone();
    assert_eq!(note(boss.bare("POST", "/users/alice/tokens").await), "Requested via api by user boss");
    assert_eq!(note(service.bare("POST", "/users/alice/tokens").await), "Requested via api by service maker");
    for user in ["boss", "nobody"] {
        let path = format!("/users/{user}/tokens");
        let text = format!("Service {user} not found or no permissions to generate tokens");
        service.refused("POST", &path, Value::Null, 403, &text).await;
        let text = format!("User {user} not found or no permissions to generate tokens");
        alice.refused("POST", &path, Value::Null, 403, &text).await;
    }
    let text = "User nobody not found or no permissions to generate tokens";
    boss.refused("POST", "/users/nobody/tokens", Value::Null, 403, text).await;
}

#[tokio::test]
async fn name_and_password_in_the_body_make_a_token() {
    let world = World::new("").await;
    world.know(&["bob"]).await;
    let mut nobody = world.browser();
    let login = |user: &str, password: &str| json!({"auth": {"username": user, "password": password}, "note": "cli"});
    let (status, token) = ask(&mut nobody, "alice", &login("alice", "right")).await;
    assert_eq!((status, &token["note"], &token["user"]), (201, &json!("cli"), &json!("alice")));
    for (user, body, message) in [
        ("alice", login("alice", "wrong"), "Forbidden"),
        ("eve", login("eve", "right"), "Forbidden"),
        ("alice", login("alice", &"x".repeat(600)), "Forbidden"),
        ("alice", json!({"auth": {"username": "alice"}}), "Forbidden"),
        ("alice", json!({"auth": {"username": "alice", "password": 1}}), "Forbidden"),
        ("alice", json!({"auth": "right"}), "Missing or invalid credentials."),
        ("alice", json!({}), "Missing or invalid credentials."),
        ("bob", login("alice", "right"), "User bob not found or no permissions to generate tokens"),
    ] {
        let (status, told) = ask(&mut nobody, user, &body).await;
        assert_eq!((status, told["message"].as_str().unwrap()), (403, message), "{body}");
    }
    let (status, token) = ask(&mut nobody, "bob", &login("boss", "right")).await;
    assert_eq!((status, &token["user"]), (201, &json!("bob")), "an administrator may");
}

#[tokio::test]
async fn a_browser_needs_the_form_protection_for_it() {
    let world = World::new("").await;
    let mut alice = world.browser_of("alice").await;
    let xsrf = alice.get("/hub/home").await.field("_xsrf");
    let call = |alice: &Browser, xsrf: Option<&str>, kind: &str| {
        let mut request = alice.request("POST", "/hub/api/users/alice/tokens").header("content-type", kind);
        if let Some(xsrf) = xsrf {
            request = request.header("x-xsrftoken", xsrf);
        }
        request.body(Full::<Bytes>::default()).unwrap()
    };
    let request = call(&alice, None, "application/json");
    let refused = alice.send(request).await;
    assert!(refused.status == 403 && refused.text().contains("'_xsrf' argument missing from POST"));
    let request = call(&alice, Some(&xsrf), "text/plain");
    assert_eq!(alice.send(request).await.status, 403);
    let request = call(&alice, Some(&xsrf), "application/json");
    assert_eq!(alice.send(request).await.status, 201);
}

#[tokio::test]
async fn the_tokens_of_one_client_go_together() {
    let world = World::new("").await;
    let mut alice = world.client("alice", &["inherit"]).await;
    let client = id("alice").client_id();
    let of = |user: &str, client: &str| NewToken {
        kind: Kind::OAuth,
        client: Some(client.into()),
        session: Some("of-a-browser".into()),
        ..new_token(Owner::User(name(user)), &[])
    };
    world.know(&["bob"]).await;
    let own = NewToken { kind: Kind::Server, ..of("alice", &client) };
    let other = of("alice", &id("bob").client_id());
    for new in [of("alice", &client), of("alice", &client), of("bob", &client), other, own] {
        world.client_with(new).await;
    }
    let listed = alice.get("/users/alice/tokens").await.json;
    let listed: Vec<&Value> =
        listed["api_tokens"].as_array().unwrap().iter().filter(|token| token["session_id"] == "of-a-browser").collect();
    let clients: Vec<_> = listed.iter().map(|token| token["oauth_client"].as_str().unwrap()).collect();
    let count = |wanted: &str| clients.iter().filter(|client| **client == wanted).count();
    let counts = ["Server at /user/alice/", "Server at /user/bob/", "JupyterHub"].map(count);
    assert_eq!(counts, [2, 1, 1], "{clients:?}");
    let of_alice = listed.iter().find(|token| token["oauth_client"] == "Server at /user/alice/").unwrap();
    let path = format!("/users/alice/tokens/{}", of_alice["id"].as_str().unwrap());
    assert_eq!(alice.bare("DELETE", &path).await.status, 204);
    let left = |user: &str| {
        world.app.tokens.select(now(), |token| token.owner.name() == user && token.session.is_some()).len()
    };
    assert_eq!((left("alice"), left("bob")), (2, 1));
}
