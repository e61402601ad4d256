//! `/hub/api/users/{user}/server` and `/hub/api/users/{user}/servers/{server}` (contract 1.8, 2.2, 13).

use futures_util::future::join_all;
use http_body_util::{BodyExt, Full};
use hubd::servers::launcher::UnitState;
use hubd_base::config::Config;
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::calls::server;
use crate::launcher::{Behaviour, DEADLINE, StopLeaves};
use crate::world::{World, id};

/// Two servers with a name for everybody.
fn named(config: &mut Config) {
    config.server.named_limit = Some(2);
}

#[tokio::test]
async fn a_server_exists_once_somebody_asked_for_it() {
    let world = World::with("", named).await;
    let alice = world.caller("alice", &["inherit"]).await;
    for path in ["server", "servers/", "servers/gpu", "servers/Not%20A%20Slug"] {
        assert_eq!(alice.call("GET", &format!("/users/alice/{path}"), "").await.status, 404, "{path}");
    }
    assert_eq!(alice.call("POST", "/users/alice/server", "").await.status, 201);
    assert_eq!(alice.call("DELETE", "/users/alice/servers/", "").await.status, 204);
    let model = alice.read("/users/alice/server").await;
    assert_eq!(model, alice.read("/users/alice/servers/").await);
    assert_eq!(model["stopped"], true);
    assert_eq!(model["started"], Value::Null);
    assert_eq!(model["user_options"], json!({}));
    assert_eq!(model["full_name"], "alice/");
    assert!(model["last_activity"].is_string(), "kept when stopped: {model}");
}

#[tokio::test]
async fn a_named_server_is_made_started_stopped_kept_and_removed() {
    let world = World::with("", named).await;
    let alice = world.caller("alice", &["inherit"]).await;
    let path = "/users/alice/servers/gpu";
    let made = alice.call("PUT", path, json!({"display_name": "My GPU", "user_options": {"size": 2}})).await;
    assert_eq!(made.status, 201, "{}", made.text());
    let expected = json!({
        "name": "gpu", "display_name": "My GPU", "full_name": "alice/gpu", "url": "/user/alice/gpu/",
        "progress_url": "/hub/api/users/alice/servers/gpu/progress", "user_options": {"size": 2}, "ready": false,
        "stopped": true, "pending": null, "started": null, "last_activity": null, "full_url": null,
        "full_progress_url": null, "state_word": "stopped", "unit": "jupyter@alice:gpu.service",
        "hubd": {"state": "stopped"},
    });
    assert_eq!(made.json(), expected);
    assert_eq!(*world.launcher.starts.lock().unwrap(), 0);
    assert_eq!(alice.call("POST", "/users/alice/servers/g%70u", "").await.status, 201);
    let model = alice.read(path).await;
    assert!(model["ready"] == true && model["started"].is_string(), "{model}");
    assert_eq!(model["user_options"], json!({"size": 2}), "stored options are used again");
    assert_eq!(alice.read("/users/alice").await["servers"]["gpu"]["name"], "gpu");
    assert_eq!(alice.call("DELETE", path, "").await.status, 204);
    assert_eq!(alice.read("/users/alice").await["servers"], json!({}));
    let all = alice.read("/users/alice?include_stopped_servers").await;
    assert_eq!(all["servers"]["gpu"]["display_name"], "My GPU");
    assert_eq!(alice.call("POST", path, json!({})).await.status, 201);
    assert_eq!(alice.read(path).await["user_options"], json!({}), "an empty object replaces them");
    assert_eq!(alice.call("DELETE", path, json!({"remove": true})).await.status, 204);
    assert_eq!(alice.call("GET", path, "").await.status, 404);
    assert_eq!(alice.told("DELETE", path, "").await, (404, "alice has no server named 'gpu'".into()));
}

#[tokio::test]
async fn rows_outlive_the_hub() {
    let world = World::with("", named).await;
    let alice = world.caller("alice", &["inherit"]).await;
    alice.call("PUT", "/users/alice/servers/gpu", json!({"display_name": "G", "user_options": {"a": [1]}})).await;
    alice.call("PUT", "/users/alice/servers/old", "").await;
    alice.call("POST", "/users/alice/servers/gpu", "").await;
    alice.call("DELETE", "/users/alice/servers/gpu", "").await;
    alice.call("PATCH", "/users/alice/servers/gpu", json!({"name": "tpu"})).await;
    alice.call("DELETE", "/users/alice/servers/old", json!({"remove": true})).await;
    let before = alice.read("/users/alice/servers/tpu").await;
    let rows = world.store().server_rows().await.unwrap();
    let [row] = rows.as_slice() else { panic!("{rows:?}") };
    assert_eq!((row.id.to_string(), row.display_name.as_str()), ("alice:tpu".into(), "G"));
    assert_eq!(Value::Object(row.user_options.clone()), json!({"a": [1]}));
    assert_eq!((row.pending, row.started), (None, None));
    assert_eq!(before["last_activity"], hubd::clock::iso(row.last_activity.unwrap()));
}

#[tokio::test]
async fn what_may_not_be_made_is_refused_in_the_contracts_words() {
    let world = World::new("").await;
    let alice = world.caller("alice", &["inherit"]).await;
    let off = (400, "Named servers are not enabled.".to_owned());
    for method in ["PUT", "POST", "DELETE"] {
        assert_eq!(alice.told(method, "/users/alice/servers/gpu", "").await, off, "{method}");
    }
    let world = World::with("", named).await;
    let alice = world.caller("alice", &["inherit"]).await;
    for (method, path, body, status, message) in [
        ("PUT", "server", json!({}), 409, "User alice already has a default server"),
        ("PUT", "servers/Big%20One", json!({}), 400, "Invalid server_name: 'Big One'"),
        ("POST", "servers/a--b", json!({}), 400, "Invalid server_name: 'a--b'"),
        ("PUT", "servers/gpu", json!([]), 400, "Body must be a JSON object"),
        ("PUT", "servers/gpu", json!({"display_name": 7}), 400, "display_name must be a string"),
        ("PUT", "servers/gpu", json!({"display_name": " x"}), 400, "Invalid display_name: ' x'"),
        ("POST", "servers/gpu", json!({"user_options": "x"}), 400, "user_options must be an object or null"),
        ("DELETE", "server", json!({"remove": true}), 400, "Cannot delete the default server"),
        ("DELETE", "server", json!([]), 400, "Body must be a JSON object"),
        ("PATCH", "servers/gpu", json!({"display_name": "x"}), 404, "User alice has no such server 'gpu'"),
    ] {
        let told = alice.told(method, &format!("/users/alice/{path}"), &body).await;
        assert_eq!(told, (status, message.to_owned()), "{method} {path} {body}");
    }
    assert_eq!(alice.read("/users/alice?include_stopped_servers").await["servers"], json!({}), "nothing was made");
    for name in ["one", "two"] {
        assert_eq!(alice.call("PUT", &format!("/users/alice/servers/{name}"), "").await.status, 201);
    }
    let again = alice.told("PUT", "/users/alice/servers/one", "").await;
    assert_eq!(again, (409, "User alice already has server one".into()));
    let full = "User alice already has the maximum of 2 named servers.  \
                One must be deleted before a new server can be created";
    for method in ["PUT", "POST"] {
        assert_eq!(alice.told(method, "/users/alice/servers/three", "").await, (400, full.into()), "{method}");
    }
    assert_eq!(alice.call("POST", "/users/alice/servers/one", "").await.status, 201, "what exists may start");
    assert_eq!(alice.call("POST", "/users/alice/server", "").await.status, 201, "the default one does not count");
}

#[tokio::test]
async fn the_limit_holds_when_all_ask_at_once() {
    let world = World::with("", named).await;
    let alice = world.caller("alice", &["inherit"]).await;
    let paths: Vec<_> = (0..6).map(|number| format!("/users/alice/servers/s{number}")).collect();
    let calls = paths.iter().enumerate().map(|(number, path)| {
        let method = if number % 2 == 0 { "PUT" } else { "POST" };
        alice.call(method, path, "")
    });
    let statuses: Vec<_> = join_all(calls).await.iter().map(|answer| answer.status).collect();
    assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 2, "{statuses:?}");
    assert_eq!(statuses.iter().filter(|status| **status == 400).count(), 4, "{statuses:?}");
}

#[tokio::test]
async fn a_resting_server_is_changed_and_renamed() {
    let world = World::with("", named).await;
    let alice = world.caller("alice", &["inherit"]).await;
    alice.call("PUT", "/users/alice/servers/one", "").await;
    alice.call("POST", "/users/alice/server", json!({"user_options": {"a": 1}})).await;
    let path = "/users/alice/servers/one";
    for (path, body, status, message) in [
        (path, json!({}), 400, "Must specify at least one field to modify."),
        (path, json!({"ready": true}), 400, "Unexpected fields: ready"),
        (path, json!({"user_options": null}), 400, "user_options must be a dict"),
        (path, json!({"name": "Not"}), 400, "Invalid server_name: 'Not'"),
        ("/users/alice/server", json!({"name": "x"}), 400, "alice is active. Please stop it before modifying it."),
    ] {
        assert_eq!(alice.told("PATCH", path, &body).await, (status, message.to_owned()), "{path} {body}");
    }
    let changed = alice.call("PATCH", path, json!({"display_name": "First", "user_options": {"b": 2}})).await;
    assert_eq!(changed.status, 200, "{}", changed.text());
    assert_eq!((&changed.json()["display_name"], &changed.json()["user_options"]), (&json!("First"), &json!({"b": 2})));
    // The default server becomes one with a name, and a fresh default one appears when it is asked for.
    alice.call("DELETE", "/users/alice/server", "").await;
    let taken = alice.told("PATCH", "/users/alice/server", json!({"name": "one"})).await;
    assert_eq!(taken, (409, "User alice already has server 'one'".into()));
    let renamed = alice.call("PATCH", "/users/alice/server", json!({"name": "two"})).await;
    assert_eq!(renamed.status, 200, "{}", renamed.text());
    let model = renamed.json();
    assert_eq!((&model["name"], &model["display_name"]), (&json!("two"), &json!("two")));
    assert_eq!((&model["user_options"], &model["pending"]), (&json!({"a": 1}), &Value::Null));
    assert_eq!(alice.call("GET", "/users/alice/server", "").await.status, 404);
    assert_eq!(alice.call("POST", "/users/alice/server", "").await.status, 201);
    assert_eq!(alice.call("POST", "/users/alice/servers/two", "").await.status, 201);
    alice.call("DELETE", "/users/alice/server", "").await;
    let full = alice.told("PATCH", "/users/alice/server", json!({"name": "three"})).await;
    assert!(full.0 == 400 && full.1.contains("maximum of 2 named servers"), "{full:?}");
    // One with a name gets another: that is not one more.
    assert_eq!(alice.call("PATCH", path, json!({"name": "three"})).await.status, 200);
    assert_eq!(alice.call("GET", path, "").await.status, 404);
    assert_eq!(alice.read("/users/alice/servers/three").await["display_name"], "First");
}

#[tokio::test]
async fn a_server_that_stops_slowly_says_so_and_is_removed_when_it_has() {
    let world = World::with("", named).await;
    let alice = world.caller("alice", &["inherit"]).await;
    let path = "/users/alice/servers/gpu";
    alice.call("POST", path, "").await;
    *world.launcher.stop_leaves.lock().unwrap() = StopLeaves::Waiting;
    let gpu = world.app.servers.stop(&server("alice", "gpu"));
    assert_eq!(alice.call("DELETE", path, "").await.status, 202);
    assert_eq!(alice.told("POST", path, "").await, (400, "alice:gpu is pending stop".into()));
    let busy = (400, "alice:gpu is active. Please stop it before modifying it.".to_owned());
    assert_eq!(alice.told("PATCH", path, json!({"name": "x"})).await, busy);
    let model = alice.read("/users/alice").await["servers"]["gpu"].clone();
    assert_eq!((&model["pending"], &model["stopped"], &model["ready"]), (&json!("stop"), &json!(false), &json!(false)));
    let (removed, ()) = tokio::join!(alice.call("DELETE", path, json!({"remove": true})), async {
        world.launcher.may_stop.notify_one();
    });
    assert_eq!(removed.status, 204, "{}", removed.text());
    assert_eq!(alice.call("GET", path, "").await.status, 404);
    assert!(!gpu.exists() || gpu.snapshot().hold.is_some());
    assert!(world.store().server_rows().await.unwrap().is_empty());
}

#[tokio::test]
async fn states_answer_a_start_as_the_contract_says() {
    let world = World::new("").await;
    let alice = world.caller("alice", &["inherit"]).await;
    let path = "/users/alice/server";
    *world.launcher.behaviour.lock().unwrap() = Behaviour::Silent;
    world.app.servers.start(&id("alice")).unwrap();
    let joined = alice.call("POST", path, "").await;
    assert_eq!((joined.status, joined.body.len()), (202, 0), "a start under way is joined");
    assert_eq!(alice.read("/users/alice").await["pending"], "spawn");
    assert_eq!(alice.call("DELETE", path, "").await.status, 204, "a start is cancelled");
    *world.launcher.behaviour.lock().unwrap() = Behaviour::Answers;
    let started = alice.call("POST", path, "").await;
    assert_eq!((started.status, started.body.len()), (201, 0));
    assert_eq!(alice.told("POST", path, "").await, (400, "alice is already running".into()));
    // A unit that is gone, of which the hub heard nothing: the hub looks first.
    world.launcher.vanish(&id("alice"));
    assert_eq!(alice.call("POST", path, "").await.status, 201);
    let unknown = world.caller("boss", &["inherit"]).await;
    assert_eq!(unknown.call("POST", "/users/no-body/server", "").await.status, 404);
    let bob = world.caller("bob", &["inherit"]).await;
    for (method, path) in [("POST", "server"), ("DELETE", "server"), ("GET", "server"), ("GET", "server/progress")] {
        let told = bob.told(method, &format!("/users/alice/{path}"), "").await;
        assert_eq!(told, (404, "No access to resources or resources not found".into()), "{method} {path}");
    }
    let narrow = world.caller("alice", &["read:servers"]).await;
    let words = "Action is not authorized with current scopes; requires any of [start:servers]";
    assert_eq!(narrow.told("POST", path, "").await, (403, words.into()));
    assert_eq!(narrow.call("GET", path, "").await.status, 200);
}

#[tokio::test]
async fn so_many_servers_and_no_more() {
    let world = World::with("", |config| config.hub.concurrent_starts = Some(1)).await;
    *world.launcher.behaviour.lock().unwrap() = Behaviour::Silent;
    world.app.servers.start(&id("bob")).unwrap();
    let alice = world.caller("alice", &["inherit"]).await;
    let busy = alice.call("POST", "/users/alice/server", "").await;
    assert_eq!(busy.status, 429);
    let seconds: u32 = busy.header("retry-after").parse().unwrap();
    assert!((30..=60).contains(&seconds), "{seconds}");
    let about = seconds.div_ceil(10) * 10;
    let sentence = format!("Too many users trying to log in right now. Try again in {about} seconds.");
    assert_eq!(busy.json()["message"], sentence);
    assert_eq!(alice.call("GET", "/users/alice/server", "").await.status, 404, "nothing was made");
    let mut browser = world.browser_of("alice").await;
    let page = browser.get("/hub/spawn/alice").await;
    assert_eq!(page.status, 429);
    assert!(page.text().contains("Too many servers are starting right now."), "{}", page.text());
    assert!(!page.header("retry-after").is_empty());

    let world = World::with("", |config| config.hub.active_servers = Some(1)).await;
    world.app.servers.start(&id("bob")).unwrap();
    world.wait_for("bob", "running").await;
    let alice = world.caller("alice", &["inherit"]).await;
    let full = alice.call("POST", "/users/alice/server", "").await;
    assert_eq!((full.status, full.header("retry-after")), (429, ""));
    assert_eq!(full.json()["message"], "Active user limit exceeded. Try again in a few minutes.");
    world.app.servers.stop(&id("bob"));
    world.wait_for("bob", "stopped").await;
    assert_eq!(alice.call("POST", "/users/alice/server", "").await.status, 201);
}

#[tokio::test]
async fn a_server_has_a_token_of_its_own_while_it_runs() {
    let world = World::new("").await;
    let alice = world.caller("alice", &["inherit"]).await;
    let token = || world.launcher.tokens.lock().unwrap().get(&id("alice")).cloned().unwrap();
    alice.call("POST", "/users/alice/server", "").await;
    let first = token();
    let me = world.bearer(&first).read("/user").await;
    assert_eq!(me["name"], "alice");
    let scopes: Vec<_> = me["scopes"].as_array().unwrap().iter().map(|scope| scope.as_str().unwrap()).collect();
    assert!(scopes.contains(&"users:activity!user=alice"), "{scopes:?}");
    assert!(scopes.contains(&"access:servers!server=alice/"), "{scopes:?}");
    assert!(!scopes.iter().any(|scope| scope.starts_with("servers")), "{scopes:?}");
    let held = world.app.tokens.select(hubd::clock::now(), |token| token.note == "Server at /user/alice/");
    assert_eq!(held.len(), 1);
    alice.call("DELETE", "/users/alice/server", "").await;
    assert_eq!(world.bearer(&first).call("GET", "/user", "").await.status, 403, "it ends with the server");
    alice.call("POST", "/users/alice/server", "").await;
    let second = token();
    assert_ne!(first, second);
    // A unit that ends by itself takes it along too, and so does a start that fails.
    world.launcher.end(&id("alice"), UnitState::Absent);
    world.wait_for("alice", "stopped").await;
    world.until(|| async { world.bearer(&second).call("GET", "/user", "").await.status == 403 }).await;
    *world.launcher.behaviour.lock().unwrap() = Behaviour::Crashes;
    alice.call("POST", "/users/alice/server", "").await;
    assert_eq!(world.bearer(&token()).call("GET", "/user", "").await.status, 403);
}

#[tokio::test]
async fn what_browsers_hold_of_a_server_ends_with_it() {
    let world = World::new("").await;
    let mut browser = world.browser_in_server_of("alice").await;
    let held = |world: &World| {
        let client = id("alice").client_id();
        world.app.tokens.select(hubd::clock::now(), |token| token.client.as_deref() == Some(client.as_str())).len()
    };
    assert_eq!(held(&world), 2, "the server's own, and the browser's");
    world.app.servers.stop(&id("alice"));
    world.wait_for("alice", "stopped").await;
    assert_eq!(held(&world), 0);
    world.app.servers.start(&id("alice")).unwrap();
    world.wait_for("alice", "running").await;
    assert_eq!(browser.follow("/user/alice/show").await.status, 200, "the browser asks again by itself");
}

#[tokio::test]
async fn an_adopted_server_keeps_its_token_and_a_lost_one_does_not() {
    let world = World::new("").await;
    for user in ["alice", "bob"] {
        world.caller(user, &["inherit"]).await.call("POST", &format!("/users/{user}/server"), "").await;
    }
    let tokens = world.launcher.tokens.lock().unwrap().clone();
    let former = world.app.servers.find(&id("alice")).unwrap().last_activity();
    world.launcher.vanish(&id("bob"));
    let world = world.again(|_| {}).await;
    world.wait_for("alice", "running").await;
    assert_eq!(world.bearer(&tokens[&id("alice")]).call("GET", "/user", "").await.status, 200);
    assert_eq!(world.bearer(&tokens[&id("bob")]).call("GET", "/user", "").await.status, 403);
    let bob = world.store().server_rows().await.unwrap().into_iter().find(|row| row.id == id("bob")).unwrap();
    assert_eq!((bob.pending, bob.started), (None, None));
    let adopted = world.app.servers.find(&id("alice")).unwrap();
    assert_eq!(adopted.last_activity(), former, "the hub's return is no use of it");
}

#[tokio::test]
async fn a_unit_that_turns_out_to_run_goes_on_with_the_token_it_has() {
    let world = World::new("").await;
    let alice = world.caller("alice", &["inherit"]).await;
    let former = world.token_of(&id("alice")).await;
    *world.launcher.behaviour.lock().unwrap() = Behaviour::RunsAlready;
    assert_eq!(alice.call("POST", "/users/alice/server", "").await.status, 201);
    let offered = world.launcher.tokens.lock().unwrap()[&id("alice")].clone();
    assert_eq!(world.bearer(&former).call("GET", "/user", "").await.status, 200);
    assert_eq!(world.bearer(&offered).call("GET", "/user", "").await.status, 403);
}

#[tokio::test]
async fn a_stop_that_ends_by_force_is_a_stop() {
    let world = World::new("").await;
    let alice = world.caller("alice", &["inherit"]).await;
    alice.call("POST", "/users/alice/server", "").await;
    *world.launcher.stop_leaves.lock().unwrap() = StopLeaves::Killed;
    assert_eq!(alice.call("DELETE", "/users/alice/server", "").await.status, 204);
    assert_eq!(alice.read("/users/alice/server").await["state_word"], "stopped");
    let progress = alice.told("GET", "/users/alice/server/progress", "").await;
    assert_eq!(progress, (400, "alice is not starting...".into()));
    // The same behind the hub's back: systemctl stop.
    *world.launcher.stop_leaves.lock().unwrap() = StopLeaves::Nothing;
    alice.call("POST", "/users/alice/server", "").await;
    world.launcher.end(&id("alice"), UnitState::Deactivating);
    world.wait_for("alice", "stopping").await;
    let result = "timeout (9)".to_owned();
    world.launcher.end(&id("alice"), UnitState::Failed { invocation: "00".into(), result });
    world.wait_for("alice", "stopped").await;
}

#[tokio::test]
async fn the_stream_of_a_start_is_the_contracts() {
    let world = World::with("", named).await;
    let alice = world.caller("alice", &["inherit"]).await;
    let path = "/users/alice/servers/gpu";
    assert_eq!(alice.call("GET", &format!("{path}/progress"), "").await.status, 404);
    alice.call("PUT", path, "").await;
    let told = alice.told("GET", &format!("{path}/progress"), "").await;
    assert_eq!(told, (400, "alice:gpu is not starting...".into()));

    *world.launcher.behaviour.lock().unwrap() = Behaviour::Silent;
    world.app.servers.start(&server("alice", "gpu")).unwrap();
    let browser = world.browser_of("alice").await;
    let request = browser.request("GET", &format!("/hub/api{path}/progress")).body(Full::default()).unwrap();
    let response = browser.open(request).await;
    assert_eq!(response.headers().get("content-type").unwrap(), "text/event-stream");
    assert_eq!(response.headers().get("cache-control").unwrap(), "no-cache");
    let mut body = response.into_body();
    let mut heard = String::new();
    while !heard.contains("waiting for its first answer") {
        let frame = timeout(DEADLINE, body.frame()).await.expect("an event").unwrap().unwrap();
        heard.push_str(&String::from_utf8_lossy(&frame.into_data().unwrap()));
    }
    assert!(heard.starts_with("\n\ndata: {"), "{heard:?}");
    let first: Value =
        serde_json::from_str(heard.trim_start().lines().next().unwrap().trim_start_matches("data: ")).unwrap();
    assert_eq!((&first["progress"], &first["message"]), (&json!(0), &json!("Server requested")));
    alice.call("DELETE", path, "").await;
    heard.push_str(&String::from_utf8_lossy(&timeout(DEADLINE, body.collect()).await.unwrap().unwrap().to_bytes()));
    let events: Vec<_> = heard.split("\n\n").filter(|part| !part.is_empty()).collect();
    assert!(events.iter().all(|event| event.starts_with("data: {") && !event.contains('\n')), "{heard:?}");
    let last: Value = serde_json::from_str(events.last().unwrap().trim_start_matches("data: ")).unwrap();
    assert_eq!((&last["failed"], &last["message"]), (&json!(true), &json!("Spawn cancelled")));

    *world.launcher.behaviour.lock().unwrap() = Behaviour::Answers;
    alice.call("POST", path, "").await;
    let ready = alice.call("GET", &format!("{path}/progress"), "").await.text();
    let event: Value = serde_json::from_str(ready.trim().trim_start_matches("data: ")).unwrap();
    assert_eq!(event["url"], "/user/alice/gpu/");
    assert_eq!(event["html_message"], "Server ready at <a href=\"/user/alice/gpu/\">/user/alice/gpu/</a>");
    assert_eq!((&event["progress"], &event["ready"]), (&json!(100), &json!(true)));
}

#[tokio::test]
async fn why_a_start_failed_is_told_in_the_contracts_words() {
    let world = World::new("[server]\nstart_timeout = \"1s\"\n").await;
    let alice = world.caller("alice", &["inherit"]).await;
    let late = "Server at /user/alice/api didn't respond in 1 seconds";
    let crashed = "Spawner failed to start [status=3]. The logs for alice may contain details.";
    for (behaviour, status, message) in [
        (Behaviour::Silent, 500, late),
        (Behaviour::Crashes, 500, crashed),
        (Behaviour::Refused, 403, "This account is blocked."),
    ] {
        *world.launcher.behaviour.lock().unwrap() = behaviour;
        assert_eq!(alice.told("POST", "/users/alice/server", "").await, (status, message.to_owned()));
        for _ in 0..2 {
            let progress = alice.call("GET", "/users/alice/server/progress", "").await.text();
            let event: Value = serde_json::from_str(progress.trim().trim_start_matches("data: ")).unwrap();
            assert_eq!(event["message"], format!("Spawn failed: {message}"));
            assert_eq!((&event["progress"], &event["failed"]), (&json!(100), &json!(true)));
        }
        assert_eq!(alice.read("/users/alice/server").await["stopped"], true);
    }
}

#[tokio::test]
async fn addresses_are_whole_where_the_public_one_is_known() {
    let world = World::with("", |config| {
        config.hub.public_url = Some("https://hub.example.org".into());
        config.server.named_limit = None;
    })
    .await;
    let alice = world.caller("alice@x.org", &["inherit"]).await;
    let model = alice.call("PUT", "/users/alice%40x.org/servers/gpu", "").await.json();
    assert_eq!(model["url"], "/user/alice@x.org/gpu/");
    assert_eq!(model["full_url"], "https://hub.example.org/user/alice@x.org/gpu/");
    assert_eq!(model["full_progress_url"], "https://hub.example.org/hub/api/users/alice@x.org/servers/gpu/progress");
}

#[tokio::test]
async fn last_activity_is_kept_and_only_moves_forward() {
    let world = World::new("").await;
    world.caller("alice", &["inherit"]).await.call("POST", "/users/alice/server", "").await;
    let server = world.app.servers.find(&id("alice")).unwrap();
    let later = hubd::clock::now() + 60_000_000;
    server.raise_activity(later);
    server.raise_activity(1);
    assert_eq!(server.last_activity(), Some(later));
    world.app.servers.save_activity().await;
    let rows = world.store().server_rows().await.unwrap();
    assert_eq!(rows[0].last_activity, Some(later));
    let person = world.app.people.named("alice").unwrap();
    assert!(person.last_activity.unwrap() < later, "a server's activity is not its person's");
}

#[tokio::test]
async fn a_servers_log_is_read_by_its_names() {
    let world = World::with("", named).await;
    let alice = world.caller("alice", &["inherit"]).await;
    let log = alice.read("/users/alice/servers/gpu/log?lines=5").await;
    assert!(log["lines"][0]["message"].as_str().unwrap().contains("Traceback of alice:gpu"), "{log}");
}
