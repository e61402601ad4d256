//! Suspended servers: by hand, by whoever waits for them, and with everything else that may happen to a server.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use http_body_util::Full;
use hubd::servers::launcher::LaunchError;
use hubd::servers::suspension::{NotSuspended, NotWoken};
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::launcher::DEADLINE;
use crate::world::{World, id};

#[tokio::test]
async fn a_server_is_suspended_and_woken_by_the_api() {
    let world = World::new("").await;
    let alice = world.caller("alice", &["inherit"]).await;
    for verb in ["suspend", "wake"] {
        let told = alice.told("POST", &format!("/users/alice/server/{verb}"), "").await;
        assert_eq!(told.0, 404, "there is no such server yet: {told:?}");
    }
    assert_eq!(alice.call("POST", "/users/alice/server", "").await.status, 201);
    let suspended = alice.call("POST", "/users/alice/server/suspend", "").await;
    assert_eq!(suspended.status, 200, "{}", suspended.text());
    assert_eq!(suspended.json(), json!({"state": "suspended", "given_back": 123 << 20}));
    let model = alice.read("/users/alice/server").await;
    assert_eq!((&model["ready"], &model["pending"], &model["stopped"]), (&json!(true), &Value::Null, &json!(false)));
    assert_eq!((&model["state_word"], &model["hubd"]["state"]), (&json!("suspended"), &json!("suspended")));
    let again = alice.call("POST", "/users/alice/server/suspend", "").await;
    assert_eq!((again.status, world.launcher.frozen.load(Ordering::Relaxed)), (200, 1), "it stays as it is");
    let woken = alice.call("POST", "/users/alice/server/wake", "").await;
    assert_eq!((woken.status, woken.json()), (200, json!({"state": "running"})));
    assert_eq!(alice.call("POST", "/users/alice/server/wake", "").await.json(), json!({"state": "running"}));
    assert_eq!(world.launcher.thawed.load(Ordering::Relaxed), 1, "one that runs goes on");
    let bob = world.caller("bob", &["inherit"]).await;
    let narrow = world.caller("alice", &["read:servers"]).await;
    for verb in ["suspend", "wake"] {
        assert_eq!(bob.call("POST", &format!("/users/alice/server/{verb}"), "").await.status, 404);
        assert_eq!(narrow.call("POST", &format!("/users/alice/server/{verb}"), "").await.status, 403);
    }
}

#[tokio::test]
async fn what_does_not_run_is_neither_suspended_nor_woken() {
    let world = World::new("").await;
    let alice = world.caller("alice", &["inherit"]).await;
    alice.call("POST", "/users/alice/server", "").await;
    alice.call("DELETE", "/users/alice/server", "").await;
    for verb in ["suspend", "wake"] {
        let told = alice.told("POST", &format!("/users/alice/server/{verb}"), "").await;
        assert_eq!(told, (400, "alice is not running".into()));
    }
    assert_eq!(world.app.servers.suspend(&id("nobody")).await.err(), Some(NotSuspended::NotRunning));
    assert_eq!(world.app.servers.wake(&id("nobody")).await.err(), Some(NotWoken::NotRunning));
}

#[tokio::test]
async fn where_nothing_can_be_frozen_it_is_said_and_the_server_runs_on() {
    let world = World::new("").await;
    let alice = world.caller("alice", &["inherit"]).await;
    alice.call("POST", "/users/alice/server", "").await;
    let sentence = "jupyter@alice.service cannot be frozen";
    *world.launcher.freeze_fails.lock().unwrap() = Some(LaunchError::CannotFreeze(sentence.into()));
    assert_eq!(alice.told("POST", "/users/alice/server/suspend", "").await, (501, sentence.into()));
    assert_eq!(alice.read("/users/alice/server").await["state_word"], "running");
}

#[tokio::test]
async fn a_suspended_server_can_be_stopped_and_started_anew() {
    let world = World::new("").await;
    let alice = world.caller("alice", &["inherit"]).await;
    alice.call("POST", "/users/alice/server", "").await;
    alice.call("POST", "/users/alice/server/suspend", "").await;
    assert_eq!(alice.told("POST", "/users/alice/server", "").await, (400, "alice is already running".into()));
    assert_eq!(alice.call("DELETE", "/users/alice/server", "").await.status, 204);
    assert_eq!(alice.call("POST", "/users/alice/server", "").await.status, 201);
    assert_eq!(alice.read("/users/alice/server").await["hubd"], json!({"state": "running"}));
}

#[tokio::test]
async fn a_freeze_behind_the_hubs_back_is_seen_and_so_is_a_thaw() {
    let world = World::new("").await;
    world.browser_in_server_of("alice").await;
    world.launcher.set_frozen(&id("alice"), true).unwrap();
    world.wait_for("alice", "suspended").await;
    world.launcher.set_frozen(&id("alice"), false).unwrap();
    world.wait_for("alice", "running").await;
}

#[tokio::test]
async fn a_suspended_server_outlives_the_hub() {
    let world = World::new("").await;
    let mut browser = world.browser_in_server_of("alice").await;
    world.app.servers.suspend(&id("alice")).await.unwrap();
    let world = world.again(|_| {}).await;
    world.wait_for("alice", "suspended").await;
    browser.move_to(&world);
    assert_eq!(browser.get("/user/alice/show").await.status, 200);
    world.wait_for("alice", "running").await;
    assert_eq!(*world.launcher.starts.lock().unwrap(), 1, "it was not started again");
}

#[tokio::test]
async fn people_who_come_at_once_wait_for_one_thaw() {
    let world = Arc::new(World::new("").await);
    let browser = Arc::new(world.browser_in_server_of("alice").await);
    world.app.servers.suspend(&id("alice")).await.unwrap();
    let mut requests = tokio::task::JoinSet::new();
    for number in 0..20 {
        let browser = Arc::clone(&browser);
        requests.spawn(async move {
            let request = browser.request("GET", &format!("/user/alice/show/{number}")).body(Full::default());
            browser.open(request.unwrap()).await.status().as_u16()
        });
    }
    let statuses = timeout(DEADLINE, requests.join_all()).await.unwrap();
    assert_eq!(statuses, [200; 20]);
    assert_eq!(world.launcher.thawed.load(Ordering::Relaxed), 1);
}
