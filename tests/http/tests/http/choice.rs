//! `GET /hub/spawn` where there are profiles: a card for each that the person may use.

use serde_json::json;

use crate::world::{World, id};

const PROFILES: &str = r#"
[server]
named_limit = 2
[[profile]]
name = "small"
default = true
description = { en = "For everyday work.", zh-CN = "日常使用。" }
limits = { memory_max = "2G", cpu_quota = "100%" }
[[profile]]
name = "big"
limits = { memory_max = "8G", cpu_quota = "400%" }
[[profile]]
name = "huge"
allow = ["@staff"]
"#;

#[tokio::test]
async fn a_person_sees_the_profiles_that_are_for_them_and_nothing_starts_yet() {
    let world = World::new(PROFILES).await;
    let mut browser = world.browser_of("alice").await;
    let home = browser.get("/hub/home").await.text();
    assert!(home.contains("id=\"start-server\" href=\"/hub/spawn/alice\""), "{home}");
    let page = browser.get("/hub/spawn/alice?next=/hub/token").await;
    assert_eq!((page.status, page.field("next").as_str()), (200, "/hub/token"));
    let text = page.text();
    for shown in
        ["For everyday work.", "2 GB memory, 1 processor", "8 GB memory, 4 processors", "value=\"small\" checked"]
    {
        assert!(text.contains(shown), "{shown} in {text}");
    }
    assert!(!text.contains("huge"), "it is for others");
    assert!(world.browser_of("staff-ann").await.get("/hub/spawn").await.text().contains("value=\"huge\""));
    assert_eq!(*world.launcher.starts.lock().unwrap(), 0);
}

#[tokio::test]
async fn the_choice_starts_the_server_and_is_the_first_one_next_time() {
    let world = World::new(PROFILES).await;
    let mut browser = world.browser_of("alice").await;
    let xsrf = browser.get("/hub/spawn/alice").await.field("_xsrf");
    let answer = browser.post("/hub/spawn/alice", &format!("_xsrf={xsrf}&next=&profile=big")).await;
    assert_eq!((answer.status, answer.header("location")), (302, "/hub/spawn-pending/alice"));
    world.wait_for("alice", "running").await;
    let options = world.app.servers.get(&id("alice")).details().unwrap().user_options.clone();
    assert_eq!(serde_json::Value::Object(options), json!({"profile": "big"}));
    assert_eq!(browser.get("/hub/spawn/alice").await.header("location"), "/user/alice/", "it runs");
    world.app.servers.stop(&id("alice"));
    world.wait_for("alice", "stopped").await;
    assert!(browser.get("/hub/spawn/alice").await.text().contains("value=\"big\" checked"));
    // Nothing new is said: it starts with what it had.
    browser.post("/hub/spawn/alice", &format!("_xsrf={xsrf}")).await;
    world.wait_for("alice", "running").await;
    assert_eq!(world.launcher.profiles.lock().unwrap().get(&id("alice")).cloned().flatten().as_deref(), Some("big"));
}

#[tokio::test]
async fn a_choice_that_is_not_for_the_person_brings_the_page_back_with_the_reason() {
    let world = World::new(PROFILES).await;
    let mut browser = world.browser_of("alice").await;
    let xsrf = browser.get("/hub/spawn/alice").await.field("_xsrf");
    let answer = browser.post("/hub/spawn/alice", &format!("_xsrf={xsrf}&next=/hub/token&profile=huge")).await;
    assert_eq!((answer.status, answer.field("next").as_str()), (400, "/hub/token"));
    assert!(answer.text().contains("id=\"choice-error\""), "{}", answer.text());
    assert_eq!(*world.launcher.starts.lock().unwrap(), 0);
}

#[tokio::test]
async fn options_in_the_address_choose_at_once_and_a_single_profile_is_no_choice() {
    let world = World::new(PROFILES).await;
    let mut browser = world.browser_of("alice").await;
    assert_eq!(browser.get("/hub/spawn/alice?opt-profile=big").await.status, 302);
    world.wait_for("alice", "running").await;
    let single = World::new("[[profile]]\nname = \"small\"\ndefault = true\n").await;
    assert_eq!(single.browser_of("alice").await.get("/hub/spawn/alice").await.status, 302);
}

#[tokio::test]
async fn a_new_server_with_a_name_is_chosen_for_before_it_begins_to_exist() {
    let world = World::new(PROFILES).await;
    let mut browser = world.browser_of("alice").await;
    let xsrf = browser.get("/hub/home").await.field("_xsrf");
    let answer = browser.post("/hub/servers/alice", &format!("_xsrf={xsrf}&name=gpu")).await;
    assert_eq!((answer.status, answer.header("location")), (302, "/hub/spawn/alice/gpu"));
    assert!(browser.get("/hub/spawn/alice/gpu").await.text().contains("id=\"choice\""));
    assert!(!browser.get("/hub/home").await.text().contains("data-server=\"gpu\""));
}

#[tokio::test]
async fn the_page_of_a_stopped_server_leads_to_the_choice() {
    let world = World::new(PROFILES).await;
    let mut browser = world.browser_of("alice").await;
    let page = browser.follow("/user/alice/lab/tree/a.ipynb").await.text();
    assert!(page.contains("href=\"/hub/spawn/alice?next=%2Fuser%2Falice%2Flab%2Ftree%2Fa.ipynb\""), "{page}");
}

#[tokio::test]
async fn an_administrator_chooses_for_others_from_what_is_for_them() {
    let world = World::new(PROFILES).await;
    world.know(&["bob"]).await;
    let mut boss = world.browser_of("boss").await;
    let page = boss.get("/hub/admin/user/bob").await.text();
    assert!(page.contains("href=\"/hub/spawn/bob\""));
    assert!(!boss.get("/hub/admin").await.text().contains("/hub/spawn/"), "the list is kept short");
    let cards = boss.get("/hub/spawn/bob").await.text();
    assert!(cards.contains("value=\"big\"") && !cards.contains("huge"), "{cards}");
    let none = World::new("").await;
    none.know(&["bob"]).await;
    assert!(!none.browser_of("boss").await.get("/hub/admin/user/bob").await.text().contains("/hub/spawn/"));
}
