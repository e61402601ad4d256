//! `/hub/api/...`: who may call what, and the shapes of the answers.

use http_body_util::Full;
use std::sync::atomic::Ordering;

use crate::launcher::Behaviour;
use crate::world::{World, control, control_as, id};

#[tokio::test]
async fn each_actor_gets_what_is_theirs() {
    let world = World::new("").await;
    let mut alice = world.browser_of("alice").await;
    let mut boss = world.browser_of("boss").await;
    let mut nobody = world.browser();
    for (path, by_nobody, by_alice, by_boss) in [
        ("/hub/api/", 200, 200, 200),
        ("/hub/api/user", 403, 200, 200),
        ("/hub/api/users", 403, 403, 200),
        ("/hub/api/users/alice", 403, 200, 200),
        ("/hub/api/users/boss", 403, 404, 200),
        ("/hub/api/users/unknown", 403, 404, 404),
        ("/hub/api/users/a%2Fb", 403, 404, 404),
        ("/hub/api/info", 403, 403, 200),
        ("/hub/api/status", 403, 403, 200),
        ("/hub/api/users/boss/server/log", 403, 404, 200),
        ("/hub/api/nothing", 404, 404, 404),
    ] {
        let statuses = (nobody.get(path).await.status, alice.get(path).await.status, boss.get(path).await.status);
        assert_eq!(statuses, (by_nobody, by_alice, by_boss), "{path}");
    }
    let answer = nobody.get("/hub/api/user").await;
    assert!(answer.text().contains("Missing or invalid credentials."));
    assert!(answer.header("content-type").starts_with("application/json"));
}

#[tokio::test]
async fn calls_by_cookie_need_the_token_unless_nobody_else_can_have_caused_them() {
    let world = World::new("").await;
    let mut alice = world.browser_of("alice").await;
    let xsrf = alice.get("/hub/home").await.field("_xsrf");
    let call = |method: &str, path: &str, mode: Option<&str>, alice: &crate::world::Browser| {
        let mut request = alice.request(method, path);
        if let Some(mode) = mode {
            request = request.header("sec-fetch-mode", mode);
        }
        request.body(Full::default()).unwrap()
    };
    let request = call("GET", "/hub/api/user", Some("cors"), &alice);
    assert_eq!(alice.send(request).await.status, 403);
    let request = call("GET", &format!("/hub/api/user?_xsrf={xsrf}"), Some("cors"), &alice);
    assert_eq!(alice.send(request).await.status, 200);
    let request = call("GET", "/hub/api/user", None, &alice);
    assert_eq!(alice.send(request).await.status, 200);
    let request = call("POST", "/hub/api/users/alice/server", None, &alice);
    assert_eq!(alice.send(request).await.status, 403);
    let request = alice.request("POST", "/hub/api/users/alice/server").header("x-xsrftoken", &xsrf);
    assert_eq!(alice.send(request.body(Full::default()).unwrap()).await.status, 201);
}

#[tokio::test]
async fn a_server_is_started_and_stopped_and_its_model_follows() {
    let world = World::new("").await;
    let folder = world.folder.path();
    world.browser_of("alice").await;
    let started = control(folder, "POST", "/hub/api/users/alice/server").await;
    assert_eq!(started.status, 201, "{}", started.text());
    let again = control(folder, "POST", "/hub/api/users/alice/server").await;
    assert_eq!(again.status, 400);
    assert!(again.text().contains("alice is already running"));
    let user: serde_json::Value =
        serde_json::from_slice(&control(folder, "GET", "/hub/api/users/alice").await.body).unwrap();
    assert_eq!(user["server"], "/user/alice/");
    assert_eq!(user["servers"][""]["ready"], true);
    assert_eq!(user["servers"][""]["progress_url"], "/hub/api/users/alice/server/progress");
    let progress = control(folder, "GET", "/hub/api/users/alice/server/progress").await.text();
    assert!(progress.contains("\"ready\":true") && progress.contains("\"progress\":100"), "{progress}");
    assert_eq!(control(folder, "DELETE", "/hub/api/users/alice/server").await.status, 204);
    assert_eq!(control(folder, "DELETE", "/hub/api/users/alice/server").await.status, 204);
    let progress = control(folder, "GET", "/hub/api/users/alice/server/progress").await;
    assert!(progress.status == 400 && progress.text().contains("alice is not starting..."));
}

#[tokio::test]
async fn a_failed_start_is_told_at_once_and_replayed() {
    let world = World::new("").await;
    let folder = world.folder.path();
    world.browser_of("alice").await;
    *world.launcher.behaviour.lock().unwrap() = Behaviour::Crashes;
    let failed = control(folder, "POST", "/hub/api/users/alice/server").await;
    assert_eq!(failed.status, 500);
    assert!(failed.text().contains("Spawner failed to start [status=3]. The logs for alice may"), "{}", failed.text());
    for _ in 0..2 {
        let progress = control(folder, "GET", "/hub/api/users/alice/server/progress").await.text();
        assert!(progress.contains("\"failed\":true") && progress.contains("Spawn failed"), "{progress}");
    }
    assert_eq!(world.app.servers.get(&id("alice")).snapshot().state.word(), "failed");
}

#[tokio::test]
async fn the_control_socket_serves_administrators_only_and_the_api_only() {
    let world = World::new("").await;
    let folder = world.folder.path();
    let status: serde_json::Value =
        serde_json::from_slice(&control(folder, "GET", "/hub/api/status").await.body).unwrap();
    assert_eq!(status["servers"]["running"], 0);
    assert!(status["memory_bytes"].as_u64().unwrap() > 1_000_000);
    assert_eq!(control(folder, "GET", "/hub/login").await.status, 404);
    assert_eq!(control(folder, "GET", "/user/alice/").await.status, 404);
    world.authorized.store(false, Ordering::Relaxed);
    assert_eq!(control(folder, "GET", "/hub/api/status").await.status, 403);
}

#[tokio::test]
async fn a_person_of_the_machine_uses_their_own_servers_by_the_control_socket_and_nothing_else() {
    let world = World::with("", |config| {
        config.login.admins = vec![hubd_base::config::Principal::User(id("alice").user)];
    })
    .await;
    world.browser_of("bob").await;
    world.app.people.keep(id("alice").user, Some(true), hubd::clock::now()).await.unwrap();
    world.authorized.store(false, Ordering::Relaxed);
    let folder = world.folder.path();
    for (method, path, expected) in [
        ("POST", "users/alice/server", 201),
        ("GET", "users/alice", 200),
        ("GET", "users/alice/server/log", 200),
        ("DELETE", "users/alice/server", 204),
        ("GET", "users/bob", 404),
        ("GET", "users/bob/server/log", 404),
        ("POST", "users/bob/server", 404),
        ("GET", "users", 403),
        ("GET", "status", 403),
        ("POST", "users/alice/tokens", 403),
        ("PATCH", "users/alice", 403),
        ("POST", "shutdown", 403),
    ] {
        let path = format!("/hub/api/{path}");
        assert_eq!(control_as(folder, method, &path, "self").await.status, expected, "{method} {path}");
        assert_eq!(control(folder, method, &path).await.status, 403, "not as somebody who manages the hub: {path}");
    }
    assert_eq!(control_as(folder, "GET", "/hub/api/users/alice", "alice").await.status, 403, "only as oneself");
}

#[tokio::test]
async fn a_person_of_the_machine_whom_the_hub_never_saw_can_start_a_server() {
    let world = World::new("").await;
    let folder = world.folder.path();
    assert_eq!(control_as(folder, "GET", "/hub/api/users/alice", "self").await.status, 404);
    assert_eq!(control_as(folder, "POST", "/hub/api/users/alice/server", "self").await.status, 201);
    assert!(!world.app.is_admin(&id("alice").user));
}

#[tokio::test]
async fn wrong_numbers_are_refused_in_words() {
    let world = World::new("").await;
    let folder = world.folder.path();
    let answer = control(folder, "GET", "/hub/api/users?limit=many").await;
    assert!(answer.status == 400 && answer.text().contains("must be integers"));
    assert_eq!(control(folder, "GET", "/hub/api/users?limit=-5&offset=-1").await.status, 200);
}
