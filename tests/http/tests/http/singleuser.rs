//! Servers of kind `singleuser`: their own gate, asking the hub (contract 6.5, 8.1).

use bytes::Bytes;
use http_body_util::Full;
use hubd_base::config::ServerKind;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

use crate::calls::server;
use crate::launcher::DEADLINE;
use crate::world::{World, id};

async fn world() -> World {
    let world = World::with("", |config| {
        config.server.kind = ServerKind::Singleuser;
        config.server.named_limit = Some(1);
    })
    .await;
    *world.launcher.kind.lock().unwrap() = ServerKind::Singleuser;
    world.caller("alice", &["inherit"]).await.call("POST", "/users/alice/server", "").await;
    world.wait_for("alice", "running").await;
    world
}

#[tokio::test]
async fn everything_reaches_the_server_but_the_login_at_the_hub() {
    let world = world().await;
    let mut anybody = world.browser();
    let cookies = "_xsrf=2|own; jupyterhub-user-alice=a; jupyterhub-session-id=b; jupyterhub-hub-login=secret";
    let request = anybody.request("GET", "/user/alice/show?x=%2F").header("cookie", cookies);
    let request = request.header("authorization", "token theirs").header("origin", "http://hub.example.org");
    let seen = anybody.send(request.body(Full::default()).unwrap()).await.text();
    assert!(seen.starts_with("GET /user/alice/show?x=%2F\n"), "{seen}");
    let passed = "cookie: _xsrf=2|own; jupyterhub-user-alice=a; jupyterhub-session-id=b\n";
    assert!(seen.contains(passed) && seen.contains("authorization: token theirs\n"), "{seen}");
    assert!(!seen.contains("secret"), "{seen}");
    for (method, path) in [("PUT", "api/contents/x"), ("GET", "oauth_callback?code=a&state=b"), ("GET", "logout")] {
        let request = anybody.request(method, &format!("/user/alice/{path}")).header("sec-fetch-mode", "navigate");
        let answer = anybody.send(request.body(Full::from("x")).unwrap()).await;
        assert!(answer.status == 200 && answer.text().starts_with(&format!("{method} /user/alice/{path}\n")), "{path}");
    }
}

#[tokio::test]
async fn the_server_sets_its_own_cookies_and_not_the_hubs() {
    let world = world().await;
    let answer = world.browser().get("/user/alice/singleuser-cookies").await;
    let set: Vec<_> = answer.headers.get_all("set-cookie").iter().collect();
    assert_eq!(set, ["jupyterhub-user-alice=a; Path=/user/alice/", "_xsrf=2|own; Path=/user/alice/"]);
}

#[tokio::test]
async fn websockets_pass_and_end_with_the_server() {
    let world = world().await;
    let anybody = world.browser();
    let request = anybody.request("GET", "/user/alice/upgrade").header("connection", "Upgrade");
    let request = request.header("upgrade", "websocket").body(Full::<Bytes>::default()).unwrap();
    let response = anybody.open(request).await;
    assert_eq!(response.status(), 101);
    let mut tunnel = TokioIo::new(timeout(DEADLINE, hyper::upgrade::on(response)).await.unwrap().unwrap());
    tunnel.write_all(b"hello").await.unwrap();
    let mut answer = [0; 5];
    timeout(DEADLINE, tunnel.read_exact(&mut answer)).await.unwrap().unwrap();
    assert_eq!(&answer, b"hello");
    world.app.servers.stop(&id("alice"));
    let mut rest = Vec::new();
    timeout(DEADLINE, tunnel.read_to_end(&mut rest)).await.expect("the tunnel closes").ok();
}

#[tokio::test]
async fn only_what_the_server_grants_counts_as_use() {
    let world = world().await;
    let used = || world.app.servers.find(&id("alice")).unwrap().last_activity().unwrap();
    let before = used();
    assert_eq!(world.browser().get("/user/alice/refuse").await.status, 403);
    assert_eq!(used(), before);
    assert_eq!(world.browser().get("/user/alice/show").await.status, 200);
    assert!(used() > before);
}

#[tokio::test]
async fn a_stopped_one_leads_to_the_hub_whoever_asks() {
    let world = world().await;
    world.app.servers.stop(&id("alice"));
    world.wait_for("alice", "stopped").await;
    let mut anybody = world.browser();
    for path in ["lab", "api/kernels", "oauth_callback", "logout"] {
        let away = anybody.get(&format!("/user/alice/{path}")).await;
        assert_eq!((away.status, away.header("location")), (302, format!("/hub/user/alice/{path}").as_str()));
    }
    let request = anybody.request("PUT", "/user/alice/api/contents/x").body(Full::from("x")).unwrap();
    assert_eq!(anybody.send(request).await.status, 424);
    assert_eq!(anybody.get("/user/alice").await.header("location"), "/user/alice/");
    let alice = world.caller("alice", &["inherit"]).await;
    alice.call("POST", "/users/alice/servers/gpu", "").await;
    assert!(anybody.get("/user/alice/gpu/show").await.text().starts_with("GET /user/alice/gpu/show\n"));
    assert_eq!(world.launcher.reached(&server("alice", "gpu")), 1);
}

#[tokio::test]
async fn the_unit_decides_who_guards_a_server_and_not_todays_configuration() {
    // A plain server goes on while the configuration changes and the hub begins again.
    let world = World::new("").await;
    world.app.servers.start(&id("alice")).unwrap();
    world.wait_for("alice", "running").await;
    let world = world.again(|config| config.server.kind = ServerKind::Singleuser).await;
    world.wait_for("alice", "running").await;
    let request = world.browser().request("GET", "/user/alice/show").body(Full::<Bytes>::default()).unwrap();
    assert_eq!(world.browser().send(request).await.status, 403, "nobody gets past the gate");
    let mut alice = world.browser_of("alice").await;
    assert_eq!(alice.follow("/user/alice/show").await.status, 200);
}
