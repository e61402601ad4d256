//! `/user/{user}/...`: the gate and the proxy, named as protocol facts.

use http_body_util::{BodyExt, Full};
use hubd::servers::launcher::UnitState;

use crate::launcher::DEADLINE;
use crate::world::{World, id};

#[tokio::test]
async fn path_query_host_origin_and_own_cookies_reach_the_server_untouched() {
    let world = World::new("").await;
    let mut browser = world.browser_in_server_of("alice").await;
    let request = browser
        .request("GET", "/user/alice/show/a%2Fb%20c?x=%7B&y")
        .header("origin", "http://hub.example.org")
        .header("cookie", "_xsrf=2|own; jupyterhub-session-id=secret")
        .header("authorization", "token secret")
        .header("x-forwarded-for", "10.9.8.7");
    let seen = browser.send(request.body(Full::default()).unwrap()).await.text();
    assert!(seen.starts_with("GET /user/alice/show/a%2Fb%20c?x=%7B&y\n"), "{seen}");
    assert!(seen.contains("host: hub.example.org\n") && seen.contains("origin: http://hub.example.org\n"), "{seen}");
    assert!(seen.contains("cookie: _xsrf=2|own\n"), "{seen}");
    assert!(seen.contains("x-forwarded-for: 127.0.0.1\n") && seen.contains("x-forwarded-proto: http\n"), "{seen}");
    assert!(!seen.contains("secret") && !seen.contains("10.9.8.7") && !seen.contains("jupyterhub-"), "{seen}");
}

#[tokio::test]
async fn without_the_gates_cookie_people_are_asked_and_programs_refused() {
    let world = World::new("").await;
    world.browser_in_server_of("alice").await;
    let mut stranger = world.browser();
    let away = stranger.get("/user/alice/show").await;
    assert!(away.header("location").starts_with("/hub/api/oauth2/authorize?client_id=jupyterhub-user-alice"));
    assert!(stranger.follow("/user/alice/show").await.text().contains("id=\"login\""));
    let request = stranger.request("GET", "/user/alice/api/contents").body(Full::default()).unwrap();
    assert_eq!(stranger.send(request).await.status, 403);
    let request = stranger.request("PUT", "/user/alice/api/contents/x").body(Full::from("x")).unwrap();
    assert_eq!(stranger.send(request).await.status, 403);
}

#[tokio::test]
async fn somebody_elses_server_is_403_and_an_administrators_only_where_configured() {
    let world = World::new("").await;
    world.browser_in_server_of("alice").await;
    assert_eq!(world.browser_of("bob").await.follow("/user/alice/show").await.status, 403);
    assert_eq!(world.browser_of("boss").await.follow("/user/alice/show").await.status, 403);
    let world = World::new("[login]\nadmin_access = true\n").await;
    world.browser_in_server_of("alice").await;
    assert_eq!(world.browser_of("bob").await.follow("/user/alice/show").await.status, 403);
    let mut boss = world.browser_of("boss").await;
    assert!(boss.enter("/user/alice/show").await.text().starts_with("GET /user/alice/show"));
}

#[tokio::test]
async fn a_cookie_for_one_server_does_not_open_another() {
    let world = World::new("").await;
    let alice = world.browser_in_server_of("alice").await;
    let bob = world.browser_in_server_of("bob").await;
    let value = bob.cookies.iter().find(|((_, name), _)| name == "jupyterhub-user-bob").unwrap().1.clone();
    let mut thief = world.browser();
    for name in ["jupyterhub-user-alice", "jupyterhub-user-bob"] {
        let request = thief.request("GET", "/user/alice/api/x").header("cookie", format!("{name}={value}"));
        assert_eq!(thief.send(request.body(Full::default()).unwrap()).await.status, 403);
    }
    drop(alice);
}

#[tokio::test]
async fn a_code_comes_back_only_to_the_browser_that_asked() {
    let world = World::new("").await;
    let mut alice = world.browser_in_server_of("alice").await;
    alice.cookies.retain(|(_, name), _| name != "jupyterhub-user-alice");
    let authorize = alice.get("/user/alice/show").await.header("location").to_owned();
    let callback = alice.get(&authorize).await.header("location").to_owned();
    // Somebody else's browser is made to use Alice's code.
    let mut victim = world.browser();
    victim.get("/user/alice/show").await;
    assert_eq!(victim.get(&callback).await.status, 403);
    assert_eq!(alice.get(&callback).await.status, 302);
    assert_eq!(alice.get(&callback).await.status, 302, "the back button begins again");
}

#[tokio::test]
async fn a_server_cannot_set_the_hubs_cookies_nor_leave_connection_headers() {
    let world = World::new("").await;
    let mut browser = world.browser_in_server_of("alice").await;
    let answer = browser.get("/user/alice/cookies").await;
    let set: Vec<_> = answer.headers.get_all("set-cookie").iter().collect();
    assert_eq!(set, ["_xsrf=2|own; Path=/user/alice/"]);
    assert!(!answer.headers.contains_key("keep-alive"));
}

#[tokio::test]
async fn bodies_of_any_size_go_up_and_answers_without_body_stay_so() {
    let world = World::new("").await;
    let mut browser = world.browser_in_server_of("alice").await;
    let large = vec![7_u8; 20 * 1024 * 1024];
    let request = browser.request("PUT", "/user/alice/length").body(Full::from(large)).unwrap();
    assert_eq!(browser.send(request).await.text(), (20 * 1024 * 1024).to_string());
    let request = browser.request("POST", "/user/alice/length").header("content-length", "0");
    assert_eq!(browser.send(request.body(Full::default()).unwrap()).await.text(), "0");
    let empty = browser.get("/user/alice/empty").await;
    assert_eq!((empty.status, empty.body.len()), (204, 0));
    let request = browser.request("HEAD", "/user/alice/show").body(Full::default()).unwrap();
    let head = browser.send(request).await;
    assert_eq!((head.status, head.body.len()), (200, 0));
    assert_ne!(head.header("content-length"), "");
}

#[tokio::test]
async fn events_stream_as_they_happen_and_end_with_the_session() {
    let world = World::new("").await;
    let mut browser = world.browser_in_server_of("alice").await;
    let request = browser.request("GET", "/user/alice/events").body(Full::default()).unwrap();
    let mut body = browser.open(request).await.into_body();
    for _ in 0..3 {
        tokio::time::timeout(DEADLINE, body.frame()).await.expect("an event").unwrap().unwrap();
    }
    browser.get("/hub/logout").await;
    let over = async { while let Some(Ok(_)) = body.frame().await {} };
    tokio::time::timeout(DEADLINE, over).await.expect("the stream ends when the session does");
}

#[tokio::test]
async fn a_name_without_slash_gets_one_and_logout_leads_to_the_hub() {
    let world = World::new("").await;
    let mut browser = world.browser_in_server_of("alice").await;
    assert_eq!(browser.get("/user/alice").await.header("location"), "/user/alice/");
    assert_eq!(browser.get("/user/alice/logout").await.header("location"), "/hub/logout");
}

#[tokio::test]
async fn after_the_server_stopped_programs_get_424_and_reads_are_led_to_the_hub() {
    let world = World::new("").await;
    let mut browser = world.browser_in_server_of("alice").await;
    world.launcher.end(&id("alice"), UnitState::Absent);
    world.wait_for("alice", "stopped").await;
    let request = browser.request("PUT", "/user/alice/api/contents/x").body(Full::from("x")).unwrap();
    assert_eq!(browser.send(request).await.status, 424);
    let page = browser.get("/user/alice/lab").await;
    assert_eq!(page.header("location"), "/hub/user/alice/lab");
}

#[tokio::test]
async fn a_server_that_vanished_without_a_word_is_a_502_page() {
    let world = World::new("").await;
    let mut browser = world.browser_in_server_of("alice").await;
    std::fs::remove_file(world.folder.path().join("alice")).unwrap();
    // The pool may hold living connections to the old socket; a second one must be made.
    let request = browser.request("GET", "/user/alice/events").body(Full::default()).unwrap();
    let held = browser.open(request).await;
    let mut statuses = vec![browser.get("/user/alice/show").await.status];
    if statuses == [200] {
        let request = browser.request("GET", "/user/alice/events").body(Full::default()).unwrap();
        statuses.push(browser.open(request).await.status().as_u16());
    }
    assert!(statuses.contains(&502) || held.status() == 502, "{statuses:?}");
}
