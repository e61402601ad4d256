//! Servers with a name: their way through the proxy and the pages (contract 6.3, 8.1 to 8.5).

use http_body_util::Full;
use hubd_base::config::Config;
use serde_json::json;

use crate::calls::server;
use crate::launcher::Behaviour;
use crate::world::{World, id};

/// Two servers with a name for everybody.
fn named(config: &mut Config) {
    config.server.named_limit = Some(2);
}

#[tokio::test]
async fn the_longest_route_wins_and_only_servers_that_exist_have_one() {
    let world = World::with("", named).await;
    let alice = world.caller("alice", &["inherit"]).await;
    alice.call("POST", "/users/alice/server", "").await;
    let told = alice.call("GET", "/user/alice/gpu/show", "").await.text();
    assert!(told.starts_with("GET /user/alice/gpu/show\n"), "the default server's own path: {told}");
    assert_eq!(world.launcher.reached(&id("alice")), 1);
    alice.call("POST", "/users/alice/servers/gpu", "").await;
    assert!(alice.call("GET", "/user/alice/gpu/show", "").await.text().starts_with("GET /user/alice/gpu/show\n"));
    assert_eq!(world.launcher.reached(&server("alice", "gpu")), 1);
    assert_eq!(world.launcher.reached(&id("alice")), 1);
    let slash = alice.call("GET", "/user/alice/gpu?x=1", "").await;
    assert_eq!((slash.status, slash.header("location")), (301, "/user/alice/gpu/?x=1"));
    // Once it is gone, the path is the default server's again.
    alice.call("DELETE", "/users/alice/servers/gpu", json!({"remove": true})).await;
    alice.call("GET", "/user/alice/gpu/show", "").await;
    assert_eq!(world.launcher.reached(&id("alice")), 2);
}

#[tokio::test]
async fn a_browser_is_let_into_a_named_server_by_a_cookie_of_its_own() {
    let world = World::with("", named).await;
    world.caller("alice", &["inherit"]).await.call("POST", "/users/alice/servers/gpu", "").await;
    let mut browser = world.browser_of("alice").await;
    let page = browser.follow("/user/alice/gpu/show?a=b").await;
    assert!(page.status == 200 && page.text().starts_with("GET /user/alice/gpu/show?a=b"), "{}", page.text());
    let cookie = ("/user/alice/gpu/".to_owned(), "jupyterhub-user-alice%2Fgpu".to_owned());
    assert!(browser.cookies.contains_key(&cookie), "{:?}", browser.cookies);
    assert!(!page.text().contains("jupyterhub-"), "{}", page.text());
}

#[tokio::test]
async fn a_hub_token_opens_the_rest_api_of_a_server() {
    let world = World::with("", named).await;
    let alice = world.caller("alice", &["inherit"]).await;
    alice.call("POST", "/users/alice/server", "").await;
    alice.call("POST", "/users/alice/servers/gpu", "").await;
    let only = world.caller("alice", &["access:servers!server=alice/gpu"]).await;
    assert_eq!(only.call("PUT", "/user/alice/gpu/api/contents/x", "x").await.status, 200);
    for (status, client) in [(403, &only), (403, &world.caller("bob", &["inherit"]).await), (200, &alice)] {
        let answer = client.call("GET", "/user/alice/api/contents", "").await;
        assert_eq!(answer.status, status, "{}", answer.text());
        if status == 403 {
            assert!(answer.header("content-type").starts_with("application/json"), "{}", answer.text());
        }
    }
    let seen = alice.call("GET", "/user/alice/api/contents", "").await.text();
    assert!(!seen.contains("authorization"), "the token stays with the hub: {seen}");
    let stranger = world.browser();
    for (secret, status) in [(alice.secret.as_str(), 101), ("wrong", 403), (only.secret.as_str(), 403)] {
        let request = stranger.request("GET", "/user/alice/upgrade").header("connection", "Upgrade");
        let request = request.header("upgrade", "websocket").header("authorization", format!("Bearer {secret}"));
        assert_eq!(stranger.open(request.body(Full::default()).unwrap()).await.status(), status);
    }
}

#[tokio::test]
async fn what_asks_for_a_server_that_does_not_run_learns_so() {
    let world = World::with("", named).await;
    let alice = world.caller("alice", &["inherit"]).await;
    alice.call("PUT", "/users/alice/servers/gpu", "").await;
    let away = alice.call("GET", "/user/alice/gpu/api/kernels?x=%20", "").await;
    assert_eq!((away.status, away.header("location")), (302, "/hub/user/alice/gpu/api/kernels?x=%20"));
    let told = alice.told("GET", "/hub/user/alice/gpu/api/kernels?x=%20", "").await;
    let sentence = "JupyterHub server no longer running at /user/alice/gpu/api/kernels. \
                    Restart the server at http://hub.example.org/hub/spawn/alice/gpu";
    assert_eq!(told, (424, sentence.to_owned()));
    assert_eq!(alice.told("PUT", "/user/alice/gpu/api/contents/x", "x").await.0, 424);
    assert_eq!(alice.told("DELETE", "/hub/user/alice/gpu/api/kernels", "").await.0, 424);
    let stopped = alice.told("GET", "/hub/user/alice/api/kernels", "").await;
    assert!(stopped.1.ends_with("/hub/spawn/alice"), "{stopped:?}");
    // Nobody known: to the login page, from there too.
    let mut nobody = world.browser();
    let request = nobody.request("GET", "/user/alice/gpu/api/kernels").body(Full::default()).unwrap();
    assert_eq!(nobody.send(request).await.header("location"), "/hub/user/alice/gpu/api/kernels");
    let request = nobody.request("GET", "/hub/user/alice/gpu/api/kernels").body(Full::default()).unwrap();
    let login = nobody.send(request).await;
    assert_eq!(
        (login.status, login.header("location")),
        (302, "/hub/login?next=%2Fhub%2Fuser%2Falice%2Fgpu%2Fapi%2Fkernels")
    );
    let request = nobody.request("POST", "/hub/user/alice/gpu/api/kernels").body(Full::default()).unwrap();
    assert_eq!(nobody.send(request).await.status, 403);
    // Somebody else: nothing here.
    let bob = world.caller("bob", &["inherit"]).await;
    let told = bob.told("GET", "/hub/user/alice/gpu/api/kernels", "").await;
    assert_eq!(told, (404, "No access to resources or resources not found".into()));
}

#[tokio::test]
async fn the_status_of_a_stopped_server_is_configured_and_its_address_whole() {
    let world = World::with("", |config| {
        config.hub.stopped_server_status = 503;
        config.hub.public_url = Some("https://hub.example.org".into());
    })
    .await;
    let alice = world.caller("alice", &["inherit"]).await;
    let away = alice.call("GET", "/user/alice/lab?x=1", "").await;
    assert_eq!(away.header("location"), "https://hub.example.org/hub/user/alice/lab?x=1");
    let (status, message) = alice.told("GET", "/hub/user/alice/api/x", "").await;
    assert!(status == 503 && message.ends_with("https://hub.example.org/hub/spawn/alice"), "{status} {message}");
    let mut browser = world.browser_of("alice").await;
    assert_eq!(browser.get("/hub/user/alice/lab").await.status, 503);
}

#[tokio::test]
async fn a_browser_that_comes_late_is_sent_back_and_not_for_ever() {
    let world = World::new("").await;
    let mut browser = world.browser_in_server_of("alice").await;
    let back = browser.get("/hub/user/alice/lab/tree?a=%20b").await;
    assert_eq!((back.status, back.header("location")), (302, "/user/alice/lab/tree?a=%20b&redirects=1"));
    let round = browser.get("/hub/user/alice/lab/tree?redirects=4").await;
    assert_eq!(round.status, 500);
    let request = browser.request("GET", "/hub/user/alice/api?redirects=7").body(Full::default()).unwrap();
    assert_eq!(browser.send(request).await.status, 500);
}

#[tokio::test]
async fn a_start_under_way_or_failed_leads_to_its_page() {
    let world = World::with("", named).await;
    *world.launcher.behaviour.lock().unwrap() = Behaviour::Crashes;
    let mut browser = world.browser_of("alice").await;
    assert_eq!(browser.get("/hub/spawn/alice/gpu").await.header("location"), "/hub/spawn-pending/alice/gpu");
    world.wait_for_server(&server("alice", "gpu"), "failed").await;
    let away = browser.get("/hub/user/alice/gpu/lab?x=1").await;
    let pending = "/hub/spawn-pending/alice/gpu?next=%2Fuser%2Falice%2Fgpu%2Flab%3Fx%3D1";
    assert_eq!((away.status, away.header("location")), (303, pending));
    let page = browser.get(pending).await;
    assert_eq!(page.status, 500, "with the status of the failure");
    assert!(page.text().contains("id=\"spawn-error\"") && page.text().contains("Traceback of alice:gpu"));
    assert!(page.text().contains("action=\"/hub/spawn/alice/gpu\""), "{}", page.text());
    // Looking again did not start it.
    assert_eq!(*world.launcher.starts.lock().unwrap(), 1);
    *world.launcher.behaviour.lock().unwrap() = Behaviour::Silent;
    browser.get("/hub/spawn/alice/gpu").await;
    let page = browser.get("/hub/spawn-pending/alice/gpu").await.text();
    assert!(page.contains("data-progress=\"/hub/api/users/alice/servers/gpu/progress?_xsrf="), "{page}");
    assert!(page.contains("action=\"/hub/stop/alice/gpu\""), "the stop button is this server's: {page}");
}

#[tokio::test]
async fn the_home_page_adds_starts_stops_and_removes_servers_with_names() {
    let world = World::with("", named).await;
    let mut browser = world.browser_of("alice").await;
    let home = browser.get("/hub/home").await;
    assert!(home.text().contains("id=\"add-server\"") && home.text().contains("action=\"/hub/servers/alice\""));
    let form = format!("_xsrf={}", home.field("_xsrf"));
    for (name, status, text) in [
        ("", 400, "cannot be the name of a server"),
        ("Not%20A%20Slug", 400, "cannot be the name of a server"),
        ("gpu", 302, ""),
        ("tpu", 302, ""),
        ("third", 400, "You have 2 servers with a name"),
    ] {
        let answer = browser.post("/hub/servers/alice", &format!("{form}&name={name}")).await;
        assert_eq!(answer.status, status, "{name}: {}", answer.text());
        assert!(answer.text().contains(text), "{name}: {}", answer.text());
    }
    world.wait_for_server(&server("alice", "gpu"), "running").await;
    let home = browser.get("/hub/home").await.text();
    assert!(home.contains("href=\"/user/alice/gpu/\"") && home.contains("action=\"/hub/stop/alice/gpu\""), "{home}");
    assert!(!home.contains("id=\"add-server\""), "no room for more");
    assert_eq!(browser.post("/hub/stop/alice/gpu", &form).await.header("location"), "/hub/home");
    world.wait_for_server(&server("alice", "gpu"), "stopped").await;
    let home = browser.get("/hub/home").await.text();
    assert!(home.contains("action=\"/hub/spawn/alice/gpu\"") && home.contains("action=\"/hub/remove/alice/gpu\""));
    let mut bob = world.browser_of("bob").await;
    let his = format!("_xsrf={}", bob.get("/hub/home").await.field("_xsrf"));
    for path in ["/hub/remove/alice/gpu", "/hub/stop/alice/gpu", "/hub/spawn/alice/gpu"] {
        assert_eq!(bob.post(path, &his).await.status, 404, "{path}");
        assert_eq!(browser.post(path, "").await.status, 403, "{path}");
    }
    browser.post("/hub/remove/alice/gpu", &form).await;
    assert!(!browser.get("/hub/home").await.text().contains("/user/alice/gpu/"));
    assert_eq!(browser.post("/hub/remove/alice/gpu", &form).await.status, 404);
}

#[tokio::test]
async fn without_names_there_is_the_default_server_only() {
    let world = World::new("").await;
    let mut browser = world.browser_of("alice").await;
    assert!(!browser.get("/hub/home").await.text().contains("add-server"));
    let off = browser.get("/hub/spawn/alice/gpu").await;
    assert_eq!(off.status, 400);
    assert!(off.text().contains("Servers with a name are turned off here."), "{}", off.text());
    assert_eq!(browser.get("/hub/spawn-pending/alice/gpu").await.status, 404);
    assert_eq!(browser.get("/hub/spawn/no-body").await.status, 404);
    assert_eq!(*world.launcher.starts.lock().unwrap(), 0);
}

#[tokio::test]
async fn options_in_the_address_of_the_spawn_page_are_kept() {
    let world = World::with("", named).await;
    let mut browser = world.browser_of("alice").await;
    browser.get("/hub/spawn/alice/gpu?opt-size=2&opt-size=3&next=%2Fuser%2Falice%2Fgpu%2Ftree&display_name=Big").await;
    let details = world.app.servers.find(&server("alice", "gpu")).unwrap().details().unwrap();
    assert_eq!(serde_json::Value::Object(details.user_options.clone()), json!({"size": ["2", "3"]}));
    assert_eq!(details.display_name, "Big");
    world.wait_for_server(&server("alice", "gpu"), "running").await;
    let next = browser.get("/hub/spawn/alice/gpu?next=%2Fuser%2Falice%2Fgpu%2Ftree").await;
    assert_eq!(next.header("location"), "/user/alice/gpu/tree");
}

#[tokio::test]
async fn user_redirect_leads_to_ones_own_server() {
    let world = World::new("").await;
    let mut browser = world.browser_of("alice").await;
    let own = browser.get("/hub/user-redirect/lab/tree/a%20b?x=1&y=%2F").await;
    let target = "/hub/spawn/alice?next=%2Fuser%2Falice%2Flab%2Ftree%2Fa%2520b%3Fx%3D1%26y%3D%252F";
    assert_eq!((own.status, own.header("location")), (302, target));
    assert_eq!(browser.get("/hub/user-redirect/").await.header("location"), "/hub/spawn/alice?next=%2Fuser%2Falice%2F");
    assert_eq!(browser.get("/hub/user-redirect").await.status, 404);
    let login = world.browser().get("/hub/user-redirect/lab").await;
    assert_eq!(login.header("location"), "/hub/login?next=%2Fhub%2Fuser-redirect%2Flab");
}

#[tokio::test]
async fn the_home_page_hears_of_servers_with_names_too() {
    use http_body_util::BodyExt;
    let world = World::with("", named).await;
    world.caller("alice", &["inherit"]).await.call("PUT", "/users/alice/servers/gpu", "").await;
    let browser = world.browser_of("alice").await;
    let request = browser.request("GET", "/hub/home/events").body(Full::default()).unwrap();
    let mut body = browser.open(request).await.into_body();
    world.app.servers.start(&server("alice", "gpu")).unwrap();
    let mut heard = String::new();
    while !heard.contains("\"server\":\"gpu\",\"state\":\"running\"") {
        let frame = tokio::time::timeout(crate::launcher::DEADLINE, body.frame()).await.expect("an event");
        heard.push_str(&String::from_utf8_lossy(&frame.unwrap().unwrap().into_data().unwrap()));
    }
}
