//! Suspended servers: by hand, by whoever waits for them, and with everything else that may happen to a server.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use http_body_util::Full;
use hubd::servers::launcher::LaunchError;
use hubd::servers::suspension::{NotSuspended, NotWoken};
use hubd_base::config::ServerKind;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::launcher::DEADLINE;
use crate::tunnel;
use crate::world::{Answer, Browser, World, id};

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
    let told = suspended.json();
    assert_eq!((&told["state"], &told["given_back"]), (&json!("suspended"), &json!(123 << 20)));
    let model = alice.read("/users/alice/server").await;
    assert_eq!((&model["ready"], &model["pending"], &model["stopped"]), (&json!(true), &Value::Null, &json!(false)));
    assert_eq!((&model["state_word"], &model["hubd"]["state"]), (&json!("suspended"), &json!("suspended")));
    let again = alice.call("POST", "/users/alice/server/suspend", "").await;
    assert_eq!((again.status, world.launcher.frozen.load(Ordering::Relaxed)), (200, 1), "it stays as it is");
    let woken = alice.call("POST", "/users/alice/server/wake", "").await;
    assert_eq!((woken.status, &woken.json()["state"]), (200, &json!("running")));
    assert_eq!(alice.call("POST", "/users/alice/server/wake", "").await.json()["state"], "running");
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
    let told = alice.read("/users/alice/server").await;
    assert_eq!((&told["hubd"]["state"], told["hubd"].get("given_back")), (&json!("running"), None));
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

/// A read as a page of JupyterLab makes it.
async fn read(browser: &mut Browser, path: &str) -> Answer {
    let request = browser.request("GET", path).header("sec-fetch-mode", "cors").body(Full::default()).unwrap();
    browser.send(request).await
}

#[tokio::test]
async fn an_open_tab_is_told_what_it_was_told_last_and_the_server_sleeps_on() {
    let world = World::new("").await;
    let mut browser = world.browser_in_server_of("alice").await;
    let kernels = read(&mut browser, "/user/alice/api/kernels?1732790000001").await;
    let folder = read(&mut browser, "/user/alice/api/contents/?folder=1&1732790000001").await;
    world.app.servers.suspend(&id("alice")).await.unwrap();
    let reached = world.launcher.reached(&id("alice"));
    for moment in 1_732_790_000_002_u64..1_732_790_000_012 {
        let again = read(&mut browser, &format!("/user/alice/api/kernels?{moment}")).await;
        assert_eq!((again.status, &again.body), (200, &kernels.body));
        assert_eq!(again.header("content-type"), "application/json");
        let again = read(&mut browser, &format!("/user/alice/api/contents/?folder=1&{moment}")).await;
        assert_eq!((again.status, &again.body), (200, &folder.body));
    }
    let request = browser.request("GET", "/user/alice/api/kernels").header("if-none-match", "\"one\"");
    assert_eq!(browser.send(request.body(Full::default()).unwrap()).await.status, 304);
    assert_eq!(world.launcher.reached(&id("alice")), reached);
    assert_eq!(world.app.servers.get(&id("alice")).snapshot().state.word(), "suspended");
}

#[tokio::test]
async fn whatever_else_is_asked_wakes_it() {
    let world = World::new("").await;
    let mut browser = world.browser_in_server_of("alice").await;
    read(&mut browser, "/user/alice/api/kernels").await;
    read(&mut browser, "/user/alice/api/contents/?notebook=1").await;
    for (method, path) in [
        ("GET", "/user/alice/api/kernels/of-another-path"),
        ("GET", "/user/alice/api/kernels?other"),
        ("GET", "/user/alice/api/sessions"),
        ("GET", "/user/alice/api/contents/?folder=2"),
        ("GET", "/user/alice/api/contents/?notebook=1"),
        ("HEAD", "/user/alice/api/kernels"),
        ("POST", "/user/alice/api/kernels"),
        ("DELETE", "/user/alice/api/kernels"),
        ("GET", "/user/alice/show"),
    ] {
        world.app.servers.suspend(&id("alice")).await.unwrap();
        let request = browser.request(method, path).body(Full::default()).unwrap();
        assert_eq!(browser.send(request).await.status, 200, "{method} {path}");
        assert_eq!(world.app.servers.get(&id("alice")).snapshot().state.word(), "running", "{method} {path}");
    }
    world.app.servers.suspend(&id("alice")).await.unwrap();
    assert_eq!(browser.get("/user/alice/api/kernels").await.status, 200, "the address typed by a person");
    assert_eq!(world.app.servers.get(&id("alice")).snapshot().state.word(), "running");
}

/// A save as a page of JupyterLab makes it.
async fn save(browser: &mut Browser, path: &str, what: &'static str) -> u16 {
    let request = browser.request("PUT", path).header("sec-fetch-mode", "cors").header("content-length", what.len());
    browser.send(request.body(Full::from(what)).unwrap()).await.status
}

#[tokio::test]
async fn what_a_tab_saves_again_as_it_was_is_nobodys_doing_and_wakes_nobody_and_a_change_is_and_does() {
    let world = World::new("").await;
    let mut browser = world.browser_in_server_of("alice").await;
    let (server, place) = (world.app.servers.get(&id("alice")), "/user/alice/lab/api/workspaces/default");
    assert_eq!(save(&mut browser, place, "one layout").await, 200);
    let (attended, reached) = (server.attended(), world.launcher.reached(&id("alice")));
    assert_eq!(save(&mut browser, place, "one layout").await, 200);
    assert_eq!(
        (server.attended(), world.launcher.reached(&id("alice"))),
        (attended, reached + 1),
        "awake it hears of it"
    );
    world.app.servers.suspend(&id("alice")).await.unwrap();
    assert_eq!(save(&mut browser, place, "one layout").await, 204);
    assert_eq!((server.attended(), world.launcher.reached(&id("alice"))), (attended, reached + 1));
    assert_eq!(server.snapshot().state.word(), "suspended");
    assert_eq!(save(&mut world.browser_of("bob").await, place, "one layout").await, 403);
    for (path, what) in [(place, "another layout"), (place, "one layout"), ("/user/alice/api/contents/a", "one layout")]
    {
        assert_eq!(save(&mut browser, path, what).await, 200, "{path} {what}");
        assert_eq!(server.snapshot().state.word(), "running", "{path} {what}");
        assert!(server.attended() > attended);
        world.app.servers.suspend(&id("alice")).await.unwrap();
    }
}

#[tokio::test]
async fn a_save_in_the_moment_of_the_freeze_is_not_left_hanging() {
    let world = World::new("").await;
    let mut browser = world.browser_in_server_of("alice").await;
    let place = "/user/alice/lab/api/workspaces/default";
    assert_eq!(save(&mut browser, place, "one layout").await, 200);
    // It stands still already, and the hub has not heard of it.
    world.launcher.stand_still(&id("alice"), true);
    let (status, ()) = tokio::join!(save(&mut browser, place, "one layout"), async {
        world.until(async || world.launcher.is_wanted(&id("alice"))).await;
        world.launcher.set_frozen(&id("alice"), true).unwrap();
    });
    assert_eq!(status, 204);
    assert_eq!(world.app.servers.get(&id("alice")).snapshot().state.word(), "suspended");
}

#[tokio::test]
async fn what_was_told_is_told_to_nobody_else_and_not_after_the_right_ended() {
    let world = World::new("[login]\nadmin_access = true\n").await;
    let mut alice = world.browser_in_server_of("alice").await;
    let mut boss = world.browser_of("boss").await;
    assert_eq!(boss.enter("/user/alice/show").await.status, 200);
    let mine = read(&mut alice, "/user/alice/api/kernels").await;
    world.app.servers.suspend(&id("alice")).await.unwrap();
    for stranger in [&mut world.browser(), &mut world.browser_of("bob").await] {
        assert_eq!(read(stranger, "/user/alice/api/kernels").await.status, 403);
    }
    assert_eq!(world.app.servers.get(&id("alice")).snapshot().state.word(), "suspended", "strangers wake nobody");
    let request = alice.request("GET", "/user/alice/api/kernels").header("cookie", "username=other");
    alice.send(request.body(Full::default()).unwrap()).await;
    world.wait_for("alice", "running").await;
    world.app.servers.suspend(&id("alice")).await.unwrap();
    assert_eq!(read(&mut alice, "/user/alice/api/kernels").await.body, mine.body);
    assert_eq!(world.app.servers.get(&id("alice")).snapshot().state.word(), "suspended");
    assert_eq!(read(&mut boss, "/user/alice/api/kernels").await.status, 200, "one who may, and never asked before");
    world.wait_for("alice", "running").await;
    world.app.servers.suspend(&id("alice")).await.unwrap();
    let mut copy = world.browser();
    copy.cookies = alice.cookies.clone();
    alice.get("/hub/logout").await;
    assert_eq!(read(&mut copy, "/user/alice/api/kernels").await.status, 403, "after the log-out");
    assert_eq!(world.app.servers.get(&id("alice")).snapshot().state.word(), "suspended");
}

#[tokio::test]
async fn of_a_server_without_a_gate_only_a_living_session_is_told_again() {
    let world = World::new("").await;
    *world.launcher.kind.lock().unwrap() = ServerKind::Singleuser;
    let mut browser = world.browser_of("alice").await;
    world.app.servers.start(&id("alice")).unwrap();
    world.wait_for("alice", "running").await;
    // No token for this server was issued in this browser: what the server said is not told again.
    read(&mut browser, "/user/alice/api/kernels").await;
    world.app.servers.suspend(&id("alice")).await.unwrap();
    assert_eq!(read(&mut browser, "/user/alice/api/kernels").await.status, 200);
    assert_eq!(world.app.servers.get(&id("alice")).snapshot().state.word(), "running");
    let server = world.app.servers.get(&id("alice"));
    let session = world.let_in_by_the_server("alice").await;
    let told = read(&mut browser, "/user/alice/api/kernels").await;
    world.app.servers.suspend(&id("alice")).await.unwrap();
    assert_eq!(read(&mut browser, "/user/alice/api/kernels").await.body, told.body);
    assert_eq!(server.snapshot().state.word(), "suspended");
    world.app.sessions.end(&session).await.unwrap();
    read(&mut browser, "/user/alice/api/kernels").await;
    assert_eq!(server.snapshot().state.word(), "running", "only the server can say who this is");
}

#[tokio::test]
async fn a_tab_that_asks_in_the_moment_of_the_freeze_is_not_left_hanging() {
    let world = World::new("").await;
    let mut browser = world.browser_in_server_of("alice").await;
    let before = read(&mut browser, "/user/alice/api/kernels").await;
    // It stands still already, and the hub has not heard of it.
    world.launcher.stand_still(&id("alice"), true);
    let request = browser.request("GET", "/user/alice/api/kernels").body(Full::default()).unwrap();
    let (answer, ()) = tokio::join!(browser.send(request), async {
        world.until(async || world.launcher.is_wanted(&id("alice"))).await;
        world.launcher.set_frozen(&id("alice"), true).unwrap();
    });
    assert_eq!((answer.status, answer.body), (200, before.body));
    assert_eq!(world.app.servers.get(&id("alice")).snapshot().state.word(), "suspended");
}

#[tokio::test]
async fn a_tab_that_waits_while_its_right_ends_is_told_so() {
    let world = World::new("").await;
    let mut browser = world.browser_in_server_of("alice").await;
    world.launcher.stand_still(&id("alice"), true);
    let request = browser.request("GET", "/user/alice/api/kernels").header("sec-fetch-mode", "cors");
    let request = request.body(Full::default()).unwrap();
    let mut leaving = world.browser();
    leaving.cookies = browser.cookies.clone();
    let (answer, ()) = tokio::join!(browser.send(request), async {
        world.until(async || world.launcher.is_wanted(&id("alice"))).await;
        leaving.get("/hub/logout").await;
        world.launcher.stand_still(&id("alice"), false);
    });
    assert_eq!((answer.status, &answer.json()["message"]), (403, &json!("Missing or invalid credentials.")));
}

#[tokio::test]
async fn who_waits_for_a_server_that_is_stopped_is_told_so() {
    for (mode, status) in [("navigate", 302), ("cors", 503)] {
        let world = World::new("").await;
        let mut browser = world.browser_in_server_of("alice").await;
        let reached = world.launcher.reached(&id("alice"));
        let request = browser.request("GET", "/user/alice/never?a=b").header("sec-fetch-mode", mode);
        let request = request.body(Full::default()).unwrap();
        let (answer, ()) = tokio::join!(browser.send(request), async {
            world.until(async || world.launcher.reached(&id("alice")) > reached).await;
            world.app.servers.stop(&id("alice"));
        });
        assert_eq!(answer.status, status, "{mode}: {}", answer.text());
        if mode == "navigate" {
            assert!(answer.header("location").ends_with("/hub/user/alice/never?a=b"), "{}", answer.header("location"));
        } else {
            assert_eq!(answer.json()["message"], "The server was stopped before it answered.");
        }
    }
}

#[tokio::test]
async fn a_person_who_asks_in_the_moment_of_the_freeze_gets_an_answer() {
    let world = Arc::new(World::new("").await);
    let mut browser = world.browser_in_server_of("alice").await;
    world.launcher.stand_still(&id("alice"), true);
    let request = browser.request("GET", "/user/alice/show").body(Full::default()).unwrap();
    let (answer, ()) = tokio::join!(browser.send(request), async {
        world.until(async || world.launcher.is_wanted(&id("alice"))).await;
        world.launcher.set_frozen(&id("alice"), true).unwrap();
    });
    assert_eq!(answer.status, 200);
    world.wait_for("alice", "running").await;
}

#[tokio::test]
async fn a_server_that_somebody_waits_for_is_not_suspended() {
    let world = World::new("").await;
    let browser = world.browser_in_server_of("alice").await;
    world.launcher.stand_still(&id("alice"), true);
    let request = browser.request("GET", "/user/alice/show").body(Full::default()).unwrap();
    let (response, ()) = tokio::join!(browser.open(request), async {
        world.until(async || world.launcher.is_wanted(&id("alice"))).await;
        assert_eq!(world.app.servers.suspend(&id("alice")).await.err(), Some(NotSuspended::InUse));
        world.launcher.stand_still(&id("alice"), false);
    });
    assert_eq!(response.status(), 200);
    let request = browser.request("GET", "/user/alice/events").body(Full::default()).unwrap();
    let events = browser.open(request).await;
    drop(response);
    let suspended = async || world.app.servers.suspend(&id("alice")).await.is_ok();
    world.until(suspended).await;
    drop(events);
}

#[tokio::test]
async fn a_tunnel_stays_open_over_the_sleep_and_a_message_through_it_wakes() {
    let world = World::new("").await;
    let browser = world.browser_in_server_of("alice").await;
    let mut tunnel = tunnel::open(&browser).await;
    world.app.servers.suspend(&id("alice")).await.unwrap();
    // A pong and a ping, masked with zeros: signs of life.
    tunnel.write_all(&[0x8a, 0x80, 0, 0, 0, 0, 0x89, 0x80, 0, 0, 0, 0]).await.unwrap();
    assert_eq!(read(&mut world.browser(), "/user/alice/api/kernels").await.status, 403);
    assert_eq!(world.app.servers.get(&id("alice")).snapshot().state.word(), "suspended");
    let message = [0x81, 0x82, 0, 0, 0, 0, b'h', b'i'];
    tunnel.write_all(&message).await.unwrap();
    let mut echoed = [0; 20];
    timeout(DEADLINE, tunnel.read_exact(&mut echoed)).await.expect("it wakes").unwrap();
    assert_eq!(echoed[12..], message, "nothing is lost, in the order as it was sent");
    world.wait_for("alice", "running").await;
}

#[tokio::test]
async fn a_message_in_the_moment_of_the_freeze_wakes_it_again() {
    let world = World::new("").await;
    let browser = world.browser_in_server_of("alice").await;
    let mut tunnel = tunnel::open(&browser).await;
    let backend = world.app.servers.get(&id("alice")).backend().unwrap();
    *world.launcher.at_freeze.lock().unwrap() = Some(Box::new(move || backend.message()));
    let suspended = world.app.servers.suspend(&id("alice")).await;
    assert_eq!(suspended.err(), Some(NotSuspended::InUse));
    assert_eq!(world.app.servers.get(&id("alice")).snapshot().state.word(), "running");
    tunnel::echo(&mut tunnel).await;
}

#[tokio::test]
async fn frozen_a_hundred_times_under_load_and_no_request_is_lost() {
    let world = Arc::new(World::new("").await);
    let browser = Arc::new(world.browser_in_server_of("alice").await);
    let over = CancellationToken::new();
    let mut people = tokio::task::JoinSet::new();
    for person in 0..8 {
        let (browser, over) = (Arc::clone(&browser), over.clone());
        people.spawn(async move {
            let mut answers = 0_u32;
            while !over.is_cancelled() {
                let path = format!("/user/alice/{}", if person % 2 == 0 { "show" } else { "api/kernels" });
                let request = browser.request("GET", &path).body(Full::default()).unwrap();
                assert_eq!(browser.open(request).await.status(), 200);
                answers += 1;
            }
            answers
        });
    }
    for cycle in 0..100 {
        if cycle % 2 == 0 {
            let _ = world.app.servers.suspend(&id("alice")).await;
        } else {
            let _ = world.launcher.set_frozen(&id("alice"), true);
        }
        world.wait_for("alice", "running").await;
    }
    over.cancel();
    let answers: u32 = timeout(DEADLINE, people.join_all()).await.expect("nobody is left waiting").iter().sum();
    assert!(answers > 100, "{answers}");
}

#[tokio::test]
async fn an_administrator_suspends_and_wakes_on_the_page() {
    let world = World::new("").await;
    world.app.servers.start(&id("alice")).unwrap();
    world.wait_for("alice", "running").await;
    let mut boss = world.browser_of("boss").await;
    let page = boss.get("/hub/admin").await;
    assert!(page.text().contains("formaction=\"/hub/admin/suspend/alice\""), "{}", page.text());
    let xsrf = page.field("_xsrf");
    let done = boss.post("/hub/admin/suspend/alice", &format!("_xsrf={xsrf}")).await;
    assert_eq!(done.status, 303, "{}", done.text());
    assert_eq!(world.app.servers.get(&id("alice")).snapshot().state.word(), "suspended");
    let page = boss.follow(done.header("location")).await.text();
    assert!(
        page.contains("The server is suspended.") && page.contains("formaction=\"/hub/admin/wake/alice\""),
        "{page}"
    );
    let done = boss.post("/hub/admin/wake/alice", &format!("_xsrf={xsrf}")).await;
    assert_eq!(done.status, 303, "{}", done.text());
    assert_eq!(world.app.servers.get(&id("alice")).snapshot().state.word(), "running");
    let refused = world.browser_of("bob").await.post("/hub/admin/suspend/alice", "_xsrf=x").await;
    assert_eq!(refused.status, 403);
    assert_eq!(world.app.servers.get(&id("alice")).snapshot().state.word(), "running");
}
