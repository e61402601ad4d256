//! `.../server/limits`: what a server may use, who says so, and changes while it runs.

use serde_json::{Value, json};

use crate::world::{World, id};

const LIMITS: &str = r#"
[limits]
memory_max = "1G"
tasks_max = 500
[limits.per-person]
memory_max = "3G"
[limits.group.staff]
memory_max = "4G"
[limits.user.alice]
cpu_quota = "50%"
[[profile]]
name = "big"
limits = { memory_max = "8G" }
"#;

/// The amount of a limit, and the rule that says it.
fn said<'m>(model: &'m Value, limit: &str) -> (&'m str, &'m str) {
    let limit = &model["limits"][limit];
    (limit["amount"].as_str().unwrap_or("nothing"), limit["said"][0]["rule"].as_str().unwrap_or("nobody"))
}

#[tokio::test]
async fn a_server_that_rests_is_told_what_its_next_start_would_have() {
    let world = World::new(LIMITS).await;
    let ann = world.caller("staff-ann", &["inherit"]).await;
    ann.call("POST", "/users/staff-ann/server", "").await;
    ann.call("DELETE", "/users/staff-ann/server", "").await;
    let model = ann.read("/users/staff-ann/server/limits").await;
    assert_eq!((&model["running"], &model["profile"]), (&json!(false), &Value::Null));
    assert_eq!(said(&model, "memory_max"), ("4G", "limits.group.staff"));
    assert_eq!(said(&model, "tasks_max"), ("500", "limits"));
    assert_eq!(said(&model["person"], "memory_max"), ("3G", "limits"));
    assert_eq!(model["person"]["unit"], "jupyter-staff\\x2dann.slice");
    ann.call("POST", "/users/staff-ann/server", json!({"profile": "big"})).await;
    ann.call("DELETE", "/users/staff-ann/server", "").await;
    let model = ann.read("/users/staff-ann/server/limits").await;
    assert_eq!(said(&model, "memory_max"), ("8G", "profile[big].limits"));
}

#[tokio::test]
async fn a_server_that_runs_is_changed_at_once_and_says_so() {
    let world = World::new(LIMITS).await;
    let boss = world.caller("boss", &["inherit"]).await;
    boss.call("POST", "/users/alice/server", "").await;
    let path = "/users/alice/server/limits";
    let answer = boss.call("PATCH", path, json!({"memory_max": "2G", "tasks_max": 99})).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let model = answer.json();
    assert_eq!(model["limits"]["memory_max"], json!({"amount": "2G", "live": true, "said": [{"by": "live"}]}));
    assert_eq!(model["limits"]["tasks_max"]["amount"], "99");
    let (of, change) = world.launcher.changes_of_limits.lock().unwrap().remove(0);
    assert_eq!((of, change.said().len()), (id("alice"), 2));
}

#[tokio::test]
async fn a_change_that_makes_no_sense_reaches_nobody() {
    let world = World::new(LIMITS).await;
    let boss = world.caller("boss", &["inherit"]).await;
    let path = "/users/alice/server/limits";
    assert_eq!(boss.told("PATCH", path, json!({"tasks_max": 99})).await.0, 404, "no such server");
    boss.call("POST", "/users/alice/server", "").await;
    for (body, sentence) in [
        (json!({}), "No limit is named."),
        (json!({"memory_max": true}), "memory_max must be a string or a number"),
        (json!({"memory_max": 4}), "memory_max: expected a size such as"),
        (json!({"open_files": 4096}), "open_files cannot be changed while a server runs"),
        (json!({"memory": "4G"}), "There is no limit \"memory\"."),
        (json!([]), "Body must be a JSON object"),
    ] {
        let (status, message) = boss.told("PATCH", path, body).await;
        assert!(status == 400 && message.starts_with(sentence), "{status} {message}");
    }
    assert!(world.launcher.changes_of_limits.lock().unwrap().is_empty());
    boss.call("DELETE", "/users/alice/server", "").await;
    let resting = boss.told("PATCH", path, json!({"tasks_max": 99})).await;
    assert_eq!(resting, (400, "alice is not running".into()));
}

#[tokio::test]
async fn people_see_their_limits_and_cannot_change_them() {
    let world = World::new(LIMITS).await;
    let alice = world.caller("alice", &["inherit"]).await;
    alice.call("POST", "/users/alice/server", "").await;
    let path = "/users/alice/server/limits";
    assert_eq!(alice.call("GET", path, "").await.status, 200);
    assert_eq!(alice.call("PATCH", path, json!({"memory_max": "64G"})).await.status, 403);
    let bob = world.caller("bob", &["inherit"]).await;
    assert_eq!(bob.call("GET", path, "").await.status, 404);
    assert!(world.launcher.changes_of_limits.lock().unwrap().is_empty());
}
