//! Profiles: who may choose which, what is kept, and what happens to a choice that is not there any more.

use serde_json::json;

use crate::world::{World, id};

const PROFILES: &str = r#"
[server]
named_limit = 2
[[profile]]
name = "small"
default = true
limits = { memory_max = "1G" }
[[profile]]
name = "big"
allow = ["@staff"]
limits = { memory_max = "8G" }
"#;

/// The profile that the launcher was last told of.
fn told(world: &World, user: &str) -> Option<String> {
    world.launcher.profiles.lock().unwrap().get(&id(user)).cloned().flatten()
}

#[tokio::test]
async fn a_profile_is_chosen_by_the_option_of_that_name_and_kept_for_the_next_start() {
    let world = World::new(PROFILES).await;
    let ann = world.caller("staff-ann", &["inherit"]).await;
    let server = "/users/staff-ann/server";
    assert_eq!(ann.call("POST", server, json!({"user_options": {"profile": "big"}})).await.status, 201);
    assert_eq!(told(&world, "staff-ann").as_deref(), Some("big"));
    ann.call("DELETE", server, "").await;
    assert_eq!(ann.call("POST", server, "").await.status, 201);
    assert_eq!(told(&world, "staff-ann").as_deref(), Some("big"), "as last time");
    ann.call("DELETE", server, "").await;
    assert_eq!(ann.call("POST", server, json!({})).await.status, 201);
    assert_eq!(told(&world, "staff-ann"), None, "other options, no choice: the launcher takes the usual one");
}

#[tokio::test]
async fn a_profile_that_is_not_for_the_person_is_refused_with_those_that_are() {
    let world = World::new(PROFILES).await;
    let alice = world.caller("alice", &["inherit"]).await;
    for (body, name) in [(json!({"profile": "big"}), "big"), (json!({"user_options": {"profile": ["huge"]}}), "huge")] {
        let refused = (400, format!("There is no profile {name:?} here. Possible: small."));
        assert_eq!(alice.told("POST", "/users/alice/server", body.clone()).await, refused);
        assert_eq!(alice.told("PUT", "/users/alice/servers/gpu", body).await, refused);
    }
    let odd = (400, "profile must be the name of a profile".to_owned());
    assert_eq!(alice.told("POST", "/users/alice/server", json!({"profile": ["small", "small"]})).await, odd);
    assert_eq!(*world.launcher.starts.lock().unwrap(), 0);
    alice.call("PUT", "/users/alice/servers/gpu", "").await;
    let change = json!({"user_options": {"profile": "big"}});
    assert_eq!(alice.told("PATCH", "/users/alice/servers/gpu", change).await.0, 400);
}

#[tokio::test]
async fn the_form_of_the_spawn_page_chooses_as_the_api_does() {
    let world = World::new(PROFILES).await;
    let mut browser = world.browser_of("alice").await;
    let xsrf = browser.get("/hub/home").await.field("_xsrf");
    assert_eq!(browser.post("/hub/spawn/alice", &format!("_xsrf={xsrf}&opt-profile=big")).await.status, 400);
    assert_eq!(browser.post("/hub/spawn/alice", &format!("_xsrf={xsrf}&opt-profile=small")).await.status, 302);
    world.wait_for("alice", "running").await;
    assert_eq!(told(&world, "alice").as_deref(), Some("small"));
    let options = world.app.servers.get(&id("alice")).details().unwrap().user_options.clone();
    assert_eq!(serde_json::Value::Object(options), json!({"profile": "small"}), "one text, whichever way it came");
}

#[tokio::test]
async fn a_choice_that_is_not_there_any_more_starts_the_usual_one_and_says_so() {
    let world = World::new(PROFILES).await;
    let ann = world.caller("staff-ann", &["inherit"]).await;
    let server = "/users/staff-ann/server";
    ann.call("PUT", "/users/staff-ann/servers/gpu", json!({"profile": "big"})).await;
    // root's configuration changed since the hub started
    *world.launcher.lost_profile.lock().unwrap() = Some("big".into());
    assert_eq!(ann.call("POST", server, json!({"profile": "big"})).await.status, 201);
    assert_eq!(told(&world, "staff-ann"), None);
    let snapshot = world.app.servers.get(&id("staff-ann")).snapshot();
    assert_eq!(snapshot.lost_profile.as_deref(), Some("big"));
    assert_eq!(*world.launcher.starts.lock().unwrap(), 2);
    ann.call("DELETE", server, "").await;
    *world.launcher.lost_profile.lock().unwrap() = None;
    assert_eq!(ann.call("POST", server, "").await.status, 201);
    assert_eq!(told(&world, "staff-ann").as_deref(), Some("big"), "the choice was kept");
    assert_eq!(world.app.servers.get(&id("staff-ann")).snapshot().lost_profile, None);
}

#[tokio::test]
async fn where_there_are_no_profiles_the_word_is_free() {
    let world = World::new("").await;
    let alice = world.caller("alice", &["inherit"]).await;
    let options = json!({"user_options": {"profile": {"image": "x"}}});
    assert_eq!(alice.call("POST", "/users/alice/server", options.clone()).await.status, 201);
    let model = alice.call("GET", "/users/alice/server", "").await.json();
    assert_eq!(model["user_options"], options["user_options"]);
    assert_eq!(told(&world, "alice"), None);
    assert!(world.app.profiles(&id("alice").user).await.unwrap().is_empty());
}

#[tokio::test]
async fn what_one_may_choose_is_told_to_oneself_and_to_those_who_may_start_ones_servers() {
    let world = World::new(PROFILES).await;
    let alice = world.caller("alice", &["self"]).await;
    let small = json!({"name": "small", "description": {}, "limits": {"memory_max": "1G"}, "default": true});
    let told = alice.read("/users/alice/profiles").await;
    assert_eq!(told["profiles"][0]["name"], small["name"], "{told}");
    assert_eq!((&told["profiles"][0]["default"], told["profiles"].as_array().unwrap().len()), (&json!(true), 1));
    assert_eq!(told["profiles"][0]["limits"]["memory_max"], "1G", "{told}");
    world.caller("staff-ann", &["inherit"]).await;
    assert_eq!(alice.told("GET", "/users/staff-ann/profiles", "").await.0, 404);
    let boss = world.caller("boss", &["start:servers"]).await;
    let names: Vec<_> = boss.read("/users/staff-ann/profiles").await["profiles"]
        .as_array()
        .unwrap()
        .iter()
        .map(|profile| profile["name"].clone())
        .collect();
    assert_eq!(names, ["small", "big"]);
    let reader = world.caller("boss", &["read:users"]).await;
    assert_eq!(reader.told("GET", "/users/staff-ann/profiles", "").await.0, 403);
    let world = World::new("").await;
    let alice = world.caller("alice", &["self"]).await;
    assert_eq!(alice.read("/users/alice/profiles").await, json!({"profiles": []}));
}
