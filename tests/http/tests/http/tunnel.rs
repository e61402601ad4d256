//! Protocol switches through the proxy: bytes both ways, until session, server or hub end.

use bytes::Bytes;
use http_body_util::Full;
use hubd::servers::launcher::UnitState;
use hyper::Request;
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

use crate::launcher::DEADLINE;
use crate::world::{Browser, World, id};

fn request(browser: &Browser) -> Request<Full<Bytes>> {
    let request = browser.request("GET", "/user/alice/upgrade");
    let request = request.header("connection", "keep-alive, Upgrade").header("upgrade", "websocket");
    request.body(Full::default()).unwrap()
}

pub async fn open(browser: &Browser) -> TokioIo<Upgraded> {
    let response = browser.open(request(browser)).await;
    assert_eq!(response.status(), 101);
    assert_eq!(response.headers().get("upgrade").unwrap(), "websocket");
    TokioIo::new(timeout(DEADLINE, hyper::upgrade::on(response)).await.unwrap().unwrap())
}

pub async fn echo(tunnel: &mut TokioIo<Upgraded>) {
    tunnel.write_all(b"hello").await.unwrap();
    let mut answer = [0; 5];
    timeout(DEADLINE, tunnel.read_exact(&mut answer)).await.unwrap().unwrap();
    assert_eq!(&answer, b"hello");
}

/// Waits until so many bytes came back.
pub async fn echoed(tunnel: &mut TokioIo<Upgraded>, count: usize) {
    let mut answer = vec![0; count];
    timeout(DEADLINE, tunnel.read_exact(&mut answer)).await.unwrap().unwrap();
}

pub async fn closes(tunnel: &mut TokioIo<Upgraded>) {
    let mut rest = Vec::new();
    timeout(DEADLINE, tunnel.read_to_end(&mut rest)).await.expect("the tunnel closes").ok();
}

#[tokio::test]
async fn a_tunnel_carries_bytes_both_ways_and_ends_with_the_session() {
    let world = World::new("").await;
    let mut browser = world.browser_in_server_of("alice").await;
    let mut tunnel = open(&browser).await;
    echo(&mut tunnel).await;
    browser.get("/hub/logout").await;
    closes(&mut tunnel).await;
}

#[tokio::test]
async fn a_tunnel_ends_with_its_server() {
    let world = World::new("").await;
    let browser = world.browser_in_server_of("alice").await;
    let mut tunnel = open(&browser).await;
    echo(&mut tunnel).await;
    world.launcher.end(&id("alice"), UnitState::Absent);
    closes(&mut tunnel).await;
}

#[tokio::test]
async fn a_handshake_without_the_gates_cookie_is_403() {
    let world = World::new("").await;
    world.browser_in_server_of("alice").await;
    let stranger = world.browser();
    assert_eq!(stranger.open(request(&stranger)).await.status(), 403);
}
