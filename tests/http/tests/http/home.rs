//! `/hub/home`, `/hub/restart`, `/hub/log`, `/hub/theme`: one's own servers.

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hubd::servers::usage::{Machine, Usage};
use serde_json::{Map, Value, json};
use tokio::time::timeout;

use crate::launcher::{DEADLINE, StopLeaves};
use crate::world::{Browser, World, id};

/// What one of the events of the home page's stream says that has this field.
async fn event_with(browser: &Browser, field: &str) -> Value {
    let request = browser.request("GET", "/hub/home/events").body(Full::default()).unwrap();
    let mut body = browser.open(request).await.into_body();
    let mut text = String::new();
    loop {
        let frame = timeout(DEADLINE, body.frame()).await.expect("an event").unwrap().unwrap();
        text.push_str(std::str::from_utf8(frame.data_ref().unwrap_or(&Bytes::new())).unwrap());
        let events = text.lines().filter_map(|line| serde_json::from_str::<Value>(line.strip_prefix("data: ")?).ok());
        if let Some(event) = events.into_iter().find(|event| event.get(field).is_some()) {
            return event;
        }
    }
}

#[tokio::test]
async fn a_running_server_shows_what_it_uses_on_the_page_and_as_it_goes_on() {
    let world = World::new("").await;
    let mut browser = world.browser_of("alice").await;
    assert!(!browser.get("/hub/home").await.text().contains("data-figure"), "nothing runs");
    world.app.servers.start(&id("alice")).unwrap();
    world.wait_for("alice", "running").await;
    *world.launcher.machine.lock().unwrap() = Machine { cpus: Some(4), ..Machine::default() };
    let usage = Usage { memory: Some(512 << 20), memory_max: Some(2 << 30), tasks: Some(7), ..Usage::default() };
    world.launcher.usage.lock().unwrap().insert(id("alice"), usage);
    let page = browser.get("/hub/home").await.text();
    for shown in ["512 MB of 2 GB", "value=\"0.25\"", "<span class=\"amount\">7</span>", "not measured here"] {
        assert!(page.contains(shown), "{shown} in {page}");
    }
    let event = event_with(&browser, "figures").await;
    assert_eq!(event["server"], "");
    assert_eq!(event["figures"][0], json!({"kind": "memory", "text": "512 MB of 2 GB", "part": 0.25}));
    assert_eq!(event["figures"][2]["part"], Value::Null, "no limit, no part");
}

#[tokio::test]
async fn a_restart_is_a_stop_and_a_start_with_the_same_options() {
    let world = World::new("").await;
    let mut browser = world.browser_of("alice").await;
    browser.get("/hub/spawn/alice?opt-image=big").await;
    world.wait_for("alice", "running").await;
    *world.launcher.stop_leaves.lock().unwrap() = StopLeaves::Waiting;
    let form = format!("_xsrf={}", browser.get("/hub/home").await.field("_xsrf"));
    assert_eq!(browser.post("/hub/restart/alice", "").await.status, 403, "without its check");
    assert_eq!(browser.post("/hub/restart/alice", &form).await.header("location"), "/hub/home");
    world.wait_for("alice", "stopping").await;
    assert!(browser.get("/hub/home").await.text().contains("It starts again as soon as it has stopped."));
    world.launcher.may_stop.notify_one();
    world.wait_for("alice", "running").await;
    assert_eq!(*world.launcher.starts.lock().unwrap(), 2);
    let options = world.app.servers.get(&id("alice")).details().unwrap().user_options.clone();
    assert_eq!(options, Map::from_iter([("image".to_owned(), json!(["big"]))]));
    assert!(!world.app.servers.get(&id("alice")).snapshot().restart);
}

#[tokio::test]
async fn a_stop_that_is_asked_for_during_a_restart_wins() {
    let world = World::new("").await;
    let mut browser = world.browser_of("alice").await;
    world.app.servers.start(&id("alice")).unwrap();
    world.wait_for("alice", "running").await;
    *world.launcher.stop_leaves.lock().unwrap() = StopLeaves::Waiting;
    let form = format!("_xsrf={}", browser.get("/hub/home").await.field("_xsrf"));
    browser.post("/hub/restart/alice", &form).await;
    world.wait_for("alice", "stopping").await;
    browser.post("/hub/stop/alice", &form).await;
    world.launcher.may_stop.notify_one();
    world.wait_for("alice", "stopped").await;
    // Whatever follows a stop has its turn before another start.
    world.app.servers.start(&id("alice")).unwrap();
    world.wait_for("alice", "running").await;
    assert_eq!(*world.launcher.starts.lock().unwrap(), 2, "the first start and this one");
}

#[tokio::test]
async fn nobody_restarts_or_reads_what_is_not_theirs() {
    let world = World::new("").await;
    world.app.servers.start(&id("bob")).unwrap();
    world.browser_of("bob").await;
    world.wait_for("bob", "running").await;
    let mut browser = world.browser_of("alice").await;
    let form = format!("_xsrf={}", browser.get("/hub/home").await.field("_xsrf"));
    assert_eq!(browser.post("/hub/restart/bob", &form).await.status, 404);
    assert_eq!(browser.get("/hub/log/bob").await.status, 404);
    assert_eq!(browser.post("/hub/restart/alice", &form).await.status, 404, "there is no such server");
    assert_eq!(world.browser().get("/hub/log/bob").await.status, 302, "to the login");
}

#[tokio::test]
async fn the_log_of_ones_own_server_is_a_page() {
    let world = World::new("").await;
    let mut browser = world.browser_of("alice").await;
    let page = browser.get("/hub/log/alice?lines=5").await.text();
    assert!(page.contains("id=\"journal\""), "{page}");
    assert!(page.contains("1970-01-01 00:00:00 jupyter-lab: Traceback of alice"), "{page}");
    assert!(!page.contains("<script>alert"));
    let home = browser.get("/hub/home").await.text();
    assert!(home.contains("href=\"/hub/log/alice\"") && home.contains("data-log=\"/hub/log/alice?lines=20\""));
}

#[tokio::test]
async fn the_bar_marks_the_page_that_is_open() {
    let world = World::new("").await;
    let mut boss = world.browser_of("boss").await;
    for (path, marked) in [
        ("/hub/home", Some("home")),
        ("/hub/token", Some("token")),
        ("/hub/admin", Some("admin")),
        ("/hub/admin/groups?offset=0", Some("admin")),
        ("/hub/log/boss", None),
    ] {
        let page = boss.get(path).await.text();
        for place in ["home", "token", "admin"] {
            let here = page.contains(&format!("<a href=\"/hub/{place}\" aria-current=\"true\">"));
            assert_eq!(here, marked == Some(place), "{place} on {path}");
        }
    }
}

#[tokio::test]
async fn the_theme_is_kept_and_given_back_to_the_browser() {
    let world = World::new("").await;
    let mut browser = world.browser();
    let page = browser.get("/hub/login").await;
    assert!(page.text().contains("media=\"(prefers-color-scheme: dark)\""));
    let form = format!("_xsrf={}&next=/hub/login&theme=", page.field("_xsrf"));
    let answer = browser.post("/hub/theme", &format!("{form}dark")).await;
    assert_eq!((answer.status, answer.header("location")), (302, "/hub/login"));
    let dark = browser.get("/hub/login").await.text();
    assert!(dark.contains("dark.css") && dark.contains("media=\"all\"") && !dark.contains("prefers-color-scheme"));
    assert!(dark.contains("data-theme=\"dark\" aria-current=\"true\""), "{dark}");
    browser.post("/hub/theme", &format!("{form}light")).await;
    assert!(!browser.get("/hub/login").await.text().contains("dark.css"));
    assert_eq!(browser.post("/hub/theme", &format!("{form}auto")).await.status, 302);
    assert!(!browser.cookies.contains_key(&("/".to_owned(), "hub-theme".to_owned())));
    assert_eq!(browser.post("/hub/theme", &format!("{form}pink")).await.status, 400);
}

#[tokio::test]
async fn the_groups_of_a_person_are_on_their_page() {
    let world = World::new("[[group]]\nname = \"staff\"\nusers = [\"alice\"]\n").await;
    assert!(world.browser_of("alice").await.get("/hub/home").await.text().contains("Your groups: staff"));
    assert!(!world.browser_of("bob").await.get("/hub/home").await.text().contains("id=\"groups\""));
}
