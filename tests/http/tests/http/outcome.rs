//! How servers ended is told by the next hub as well: this one may have stepped aside in between.

use hubd::servers::launcher::UnitState;
use hubd::servers::state::State;
use serde_json::json;

use crate::launcher::Behaviour;
use crate::world::{World, id};

/// As systemd tells of a unit whose main process ended with status 3.
fn failed() -> UnitState {
    UnitState::Failed { invocation: "0123456789abcdef0123456789abcdef".into(), result: "exit-code (3)".into() }
}

#[tokio::test]
async fn the_reason_of_a_failed_start_is_told_by_the_next_hub_until_the_next_start() {
    let world = World::new("").await;
    *world.launcher.behaviour.lock().unwrap() = Behaviour::Crashes;
    let mut browser = world.browser_of("alice").await;
    browser.get("/hub/spawn/alice").await;
    world.wait_for("alice", "failed").await;
    let since = world.app.servers.get(&id("alice")).snapshot().since;
    let world = world.again(|_| {}).await;
    let server = world.app.servers.get(&id("alice"));
    assert_eq!(server.snapshot().state, State::Failed);
    let apart = since - server.snapshot().since;
    assert!((0..5_000_000).contains(&apart), "it failed when it did, not when the hub came back: {apart}");
    let mut browser = world.browser_of("alice").await;
    assert!(browser.get("/hub/home").await.text().contains("id=\"server-message\""));
    let page = browser.get("/hub/spawn-pending/alice").await.text();
    assert!(page.contains("id=\"spawn-error\"") && page.contains("Traceback of alice"), "{page}");
    let alice = world.caller("alice", &["self"]).await;
    let failure = &alice.read("/users/alice/server").await["hubd"]["failure"];
    assert_eq!((&failure["cause"], &failure["text"]), (&json!("exited"), &json!("exit-code (3)")));
    *world.launcher.behaviour.lock().unwrap() = Behaviour::Answers;
    world.app.servers.start(&id("alice")).unwrap();
    world.wait_for("alice", "running").await;
    let world = world.again(|_| {}).await;
    world.wait_for("alice", "running").await;
    assert!(world.app.servers.get(&id("alice")).snapshot().failure.is_none());
}

#[tokio::test]
async fn what_the_broker_refused_is_told_by_the_next_hub_in_its_words() {
    let world = World::new("").await;
    *world.launcher.behaviour.lock().unwrap() = Behaviour::Refused;
    let mut browser = world.browser_of("alice").await;
    browser.get("/hub/spawn/alice").await;
    world.wait_for("alice", "failed").await;
    let world = world.again(|_| {}).await;
    let mut browser = world.browser_of("alice").await;
    assert!(browser.get("/hub/spawn-pending/alice").await.text().contains("This account is blocked."));
}

#[tokio::test]
async fn a_server_that_died_while_no_hub_was_there_is_told_of_with_its_lines() {
    let world = World::new("").await;
    world.browser_in_server_of("alice").await;
    let launcher = std::sync::Arc::clone(&world.launcher);
    world.app.stop.cancel();
    launcher.end(&id("alice"), failed());
    let world = world.again(|_| {}).await;
    world.wait_for("alice", "failed").await;
    let mut browser = world.browser_of("alice").await;
    let page = browser.get("/hub/spawn-pending/alice").await.text();
    assert!(page.contains("exit-code (3)") && page.contains("Traceback of alice"), "{page}");
    // Once: what a unit leaves behind later is not its end.
    let world = world.again(|_| {}).await;
    assert_eq!(world.app.servers.get(&id("alice")).snapshot().state, State::Failed);
}

#[tokio::test]
async fn a_unit_that_failed_without_ever_having_run_for_its_person_is_no_news() {
    let world = World::new("").await;
    world.browser_in_server_of("alice").await;
    world.app.servers.stop(&id("alice"));
    world.wait_for("alice", "stopped").await;
    let launcher = std::sync::Arc::clone(&world.launcher);
    let world = world.again(|_| {}).await;
    launcher.end(&id("alice"), failed());
    world.app.servers.examine(&id("alice")).await;
    assert_eq!(world.app.servers.get(&id("alice")).snapshot().state, State::Stopped);
}

#[tokio::test]
async fn who_had_a_server_stopped_is_told_to_its_person_also_by_the_next_hub() {
    let world = World::new("").await;
    world.browser_in_server_of("alice").await;
    let boss = world.caller("boss", &["admin:servers"]).await;
    boss.call("DELETE", "/users/alice/server", json!({})).await;
    world.wait_for("alice", "stopped").await;
    let said = "id=\"server-idle\">boss stopped it.<";
    let mut browser = world.browser_of("alice").await;
    assert!(browser.get("/hub/home").await.text().contains(said));
    let world = world.again(|_| {}).await;
    let mut browser = world.browser_of("alice").await;
    assert!(browser.get("/hub/home").await.text().contains(said));
    let alice = world.caller("alice", &["self"]).await;
    assert_eq!(alice.read("/users/alice/server").await["hubd"]["stopped_by"], "boss");
    // Of one's own stop nobody has to be told.
    browser.get("/hub/spawn/alice").await;
    world.wait_for("alice", "running").await;
    let form = format!("_xsrf={}", browser.get("/hub/home").await.field("_xsrf"));
    browser.post("/hub/stop/alice", &form).await;
    world.wait_for("alice", "stopped").await;
    assert!(!browser.get("/hub/home").await.text().contains("stopped it."));
}
