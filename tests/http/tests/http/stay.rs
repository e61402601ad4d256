//! The hub steps aside when nobody needs it, and not before.

use std::time::Duration;

use http_body_util::Full;
use hubd::http::serve::End;
use hubd_base::config::NEVER;
use tokio::time::timeout;

use crate::launcher::{Behaviour, DEADLINE};
use crate::tunnel;
use crate::world::{World, id};

/// So short that a hub which does not look ends at once.
const SHORT: &str = "[hub]\nexit_when_idle = \"1ms\"\n";
/// Long enough for what a test does between two requests, short enough to wait for.
const HASTY: &str = "[hub]\nexit_when_idle = \"2s\"\n";

async fn ends_idle(world: World) {
    let World { served, .. } = world;
    let end = timeout(DEADLINE, served).await.expect("nobody is there, and it goes on").unwrap().unwrap();
    assert_eq!(end, End::Idle);
}

#[tokio::test]
async fn with_nobody_there_it_ends() {
    ends_idle(World::new(SHORT).await).await;
}

#[tokio::test]
async fn never_is_never() {
    let world = World::new("[hub]\nexit_when_idle = \"never\"\n").await;
    assert_eq!(world.app.config.hub.exit_when_idle, NEVER);
    let stays = world.app.stays.clone();
    timeout(DEADLINE, stays.quiet(Duration::from_millis(1))).await.unwrap();
    assert!(!world.served.is_finished());
}

#[tokio::test]
async fn an_open_tunnel_keeps_it_and_a_running_server_does_not() {
    let world = World::new(HASTY).await;
    let browser = world.browser_in_server_of("alice").await;
    let mut open = tunnel::open(&browser).await;
    world.until(async || world.app.stays.inside() == 1).await;
    // The tunnel is all there is, and the clock does not run.
    let quiet = world.app.stays.clone();
    assert!(timeout(Duration::from_millis(200), quiet.quiet(Duration::ZERO)).await.is_err());
    tunnel::echo(&mut open).await;
    assert!(!world.served.is_finished());
    drop(open);
    assert_eq!(world.app.servers.find(&id("alice")).unwrap().snapshot().state.word(), "running");
    ends_idle(world).await;
}

#[tokio::test]
async fn an_open_stream_of_events_keeps_it() {
    let world = World::new(HASTY).await;
    let browser = world.browser_of("alice").await;
    let request = browser.request("GET", "/hub/home/events").body(Full::default()).unwrap();
    let stream = browser.open(request).await;
    assert_eq!(stream.status(), 200);
    let quiet = world.app.stays.clone();
    assert!(timeout(Duration::from_millis(200), quiet.quiet(Duration::ZERO)).await.is_err());
    drop(stream);
    ends_idle(world).await;
}

#[tokio::test]
async fn a_start_under_way_keeps_it() {
    let world = World::new(SHORT).await;
    *world.launcher.behaviour.lock().unwrap() = Behaviour::Silent;
    world.app.servers.start(&id("alice")).unwrap();
    assert!(world.app.is_at_work());
    timeout(DEADLINE, world.app.stays.quiet(Duration::ZERO)).await.expect("nobody is connected");
    assert!(!world.served.is_finished());
    world.app.servers.stop(&id("alice"));
    world.wait_for("alice", "stopped").await;
    ends_idle(world).await;
}

#[tokio::test]
async fn a_login_between_two_of_its_pages_keeps_it() {
    let world = World::new(HASTY).await;
    let mut browser = world.browser();
    let page = browser.login("otp-1", "right").await;
    assert!(page.text().contains("id=\"answer\""), "{}", page.text());
    assert!(world.app.is_at_work());
    assert!(!world.served.is_finished());
}
