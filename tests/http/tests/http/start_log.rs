//! `/hub/log-events`: the lines of a start as they come.

use http_body_util::BodyExt;
use hubd::journals::{Beginning, Source};
use tokio::time::timeout;

use crate::admin_logs::{event, events, listen, of};
use crate::calls::server;
use crate::launcher::{Behaviour, DEADLINE};
use crate::world::{World, id};

#[tokio::test]
async fn the_page_of_a_start_follows_the_lines_of_this_run() {
    let world = World::new("").await;
    *world.launcher.behaviour.lock().unwrap() = Behaviour::Silent;
    let mut browser = world.browser_of("alice").await;
    browser.get("/hub/spawn/alice").await;
    let path = events(&browser.get("/hub/spawn-pending/alice").await.text());
    let since = world.app.servers.find(&id("alice")).unwrap().snapshot().since;
    let begun: i64 = path.strip_prefix("/hub/log-events/alice?since=").unwrap().parse().unwrap();
    assert!(begun > 0 && begun <= since, "{path}");
    let mut stream = listen(&browser, &path, None).await;
    let followed = world.journals.followed.lock().unwrap().last().cloned().unwrap();
    assert_eq!(followed, (of(&id("alice")), 7, Beginning::Since(begun)));

    world.journals.write(&of(&id("bob")), 1, 3, "somebody else's");
    world.journals.write(&of(&server("alice", "gpu")), 1, 3, "of another server");
    world.journals.write(&of(&id("alice")), 1, 4, "<b>slow</b> disk");
    let heard = event(&mut stream).await;
    let data = heard.lines().find_map(|line| line.strip_prefix("data:")).unwrap();
    let lines: serde_json::Value = serde_json::from_str(data).unwrap();
    let text = "1970-01-01 00:00:00 jupyter-lab: warning: <b>slow</b> disk";
    assert_eq!(lines, serde_json::json!([{"tone": "warning", "text": text}]));

    browser.get("/hub/logout").await;
    let over = async { while let Some(Ok(_)) = stream.body_mut().frame().await {} };
    timeout(DEADLINE, over).await.expect("the stream ends with the session");
}

#[tokio::test]
async fn the_lines_of_a_start_are_nobody_elses() {
    let world = World::new("").await;
    world.browser_of("bob").await;
    let mut alice = world.browser_of("alice").await;
    for wrong in ["bob", "nobody", "bob/gpu", "alice/%00"] {
        assert_eq!(alice.get(&format!("/hub/log-events/{wrong}?since=1")).await.status, 404, "{wrong}");
    }
    assert_eq!(world.browser().get("/hub/log-events/alice?since=1").await.status, 403);
    let asked: Vec<Source> = world.journals.followed.lock().unwrap().iter().map(|(of, ..)| of.clone()).collect();
    assert_eq!(asked, []);
}
