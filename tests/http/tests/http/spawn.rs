//! `/hub/home`, `/hub/spawn`, `/hub/spawn-pending`, `/hub/stop`, `/hub/user/...`.

use hubd::servers::launcher::{JournalLine, UnitState};
use hubd::servers::registry::{Servers, Ties};

use crate::launcher::{Behaviour, DEADLINE};
use crate::world::{World, id};

#[tokio::test]
async fn start_and_stop_from_the_home_page() {
    let world = World::new("").await;
    let mut browser = world.browser_of("alice").await;
    let home = browser.get("/hub/home").await;
    assert!(home.text().contains("data-state=\"stopped\""));
    let form = format!("_xsrf={}", home.field("_xsrf"));
    let answer = browser.post("/hub/spawn/alice", &form).await;
    assert_eq!((answer.status, answer.header("location")), (302, "/hub/spawn-pending/alice"));
    world.wait_for("alice", "running").await;
    assert_eq!(browser.get("/hub/spawn-pending/alice").await.header("location"), "/user/alice/");
    assert!(browser.get("/hub/home").await.text().contains("id=\"open-server\""));
    assert_eq!(browser.post("/hub/stop/alice", &form).await.header("location"), "/hub/home");
    world.wait_for("alice", "stopped").await;
}

#[tokio::test]
async fn two_requests_for_the_same_start_join_one_job() {
    let world = World::new("").await;
    *world.launcher.behaviour.lock().unwrap() = Behaviour::Silent;
    let first = world.app.servers.start(&id("alice")).unwrap();
    let second = world.app.servers.start(&id("alice")).unwrap();
    assert!(std::sync::Arc::ptr_eq(&first, &second));
    world.app.servers.stop(&id("alice"));
    world.wait_for("alice", "stopped").await;
    assert!(*world.launcher.starts.lock().unwrap() <= 1);
}

#[tokio::test]
async fn a_server_that_crashes_shows_its_journal_escaped() {
    let world = World::new("").await;
    *world.launcher.behaviour.lock().unwrap() = Behaviour::Crashes;
    let mut browser = world.browser_of("alice").await;
    browser.get("/hub/spawn/alice").await;
    world.wait_for("alice", "failed").await;
    let page = browser.get("/hub/spawn-pending/alice").await.text();
    assert!(page.contains("id=\"spawn-error\"") && page.contains("Traceback of alice"), "{page}");
    assert!(page.contains("&#60;script&#62;") && !page.contains("<script>alert"));
    // A failure is not started again by looking at it, only by asking for it.
    *world.launcher.behaviour.lock().unwrap() = Behaviour::Answers;
    browser.get("/hub/spawn/alice").await;
    world.wait_for("alice", "running").await;
}

#[tokio::test]
async fn a_start_that_fails_for_want_of_space_or_quota_says_so_in_words() {
    let world = World::new("").await;
    *world.launcher.behaviour.lock().unwrap() = Behaviour::Crashes;
    let mut browser = world.browser_of("alice").await;
    for (said, words) in [
        ("OSError: [Errno 28] No space left on device: '/home/alice/.local'", "There is no space left to write"),
        ("OSError: [Errno 122] Disk quota exceeded", "The disk quota is used up."),
    ] {
        let (identifier, message) = ("jupyter-lab".into(), said.into());
        let line = JournalLine { time_usec: i64::MAX, priority: 6, identifier, message, message_id: None };
        *world.launcher.journal.lock().unwrap() = vec![line];
        let home = browser.get("/hub/home").await;
        browser.post("/hub/spawn/alice", &format!("_xsrf={}", home.field("_xsrf"))).await;
        world.wait_for("alice", "failed").await;
        for page in ["/hub/spawn-pending/alice", "/hub/home"] {
            let text = browser.get(page).await.text();
            assert!(text.contains(words), "{page}: {text}");
        }
    }
}

#[tokio::test]
async fn a_server_that_never_answers_fails_at_its_deadline() {
    let world = World::new("[server]\nstart_timeout = \"1s\"\n").await;
    *world.launcher.behaviour.lock().unwrap() = Behaviour::Silent;
    let mut browser = world.browser_of("alice").await;
    browser.get("/hub/spawn/alice").await;
    world.wait_for("alice", "failed").await;
    assert!(browser.get("/hub/spawn-pending/alice").await.text().contains("within 1 second"));
}

#[tokio::test]
async fn what_the_broker_refuses_is_told_in_its_words() {
    let world = World::new("").await;
    *world.launcher.behaviour.lock().unwrap() = Behaviour::Refused;
    let mut browser = world.browser_of("alice").await;
    browser.get("/hub/spawn/alice").await;
    world.wait_for("alice", "failed").await;
    assert!(browser.get("/hub/spawn-pending/alice").await.text().contains("This account is blocked."));
}

#[tokio::test]
async fn a_unit_that_ends_behind_the_hubs_back_is_noticed() {
    let world = World::new("").await;
    world.browser_in_server_of("alice").await;
    world.launcher.end(&id("alice"), UnitState::Absent);
    world.wait_for("alice", "stopped").await;
    world.app.servers.start(&id("alice")).unwrap();
    world.wait_for("alice", "running").await;
    let failed = UnitState::Failed { invocation: "00".into(), result: "oom-kill (9)".into() };
    world.launcher.end(&id("alice"), failed);
    world.wait_for("alice", "failed").await;
    let mut browser = world.browser_of("alice").await;
    assert!(browser.get("/hub/spawn-pending/alice").await.text().contains("oom-kill"));
}

#[tokio::test]
async fn a_unit_that_runs_already_is_adopted_at_start() {
    let world = World::new("").await;
    world.app.servers.start(&id("alice")).unwrap();
    world.wait_for("alice", "running").await;
    let launcher = std::sync::Arc::clone(&world.launcher);
    let store = hubd::store::Store::open(&world.folder.path().join("other.sqlite")).unwrap();
    let people =
        hubd::auth::people::People::load(store.clone(), hubd::auth::changes::Changes::default()).await.unwrap();
    let tokens = hubd::auth::tokens::Tokens::load(store.clone(), 0).await.unwrap();
    let settings = hubd::servers::registry::Settings::of(&world.app.config);
    let shares =
        hubd::auth::shares::Shares::load(store.clone(), hubd::auth::changes::Changes::default()).await.unwrap();
    let ties = Ties { people: people.into(), tokens: tokens.into(), shares: shares.into() };
    let again = Servers::load(launcher, store, settings, ties).await.unwrap();
    let stop = tokio_util::sync::CancellationToken::new();
    tokio::spawn(hubd::servers::watch::run(again.clone(), stop.clone(), || {}));
    let server = again.get(&id("alice"));
    let mut changes = server.follow();
    let adopted = changes.wait_for(|snapshot| snapshot.state.word() == "running");
    tokio::time::timeout(DEADLINE, adopted).await.expect("adopted").unwrap();
    assert_eq!(*world.launcher.starts.lock().unwrap(), 1);
    stop.cancel();
}

#[tokio::test]
async fn nobody_manages_somebody_elses_server() {
    let world = World::new("").await;
    let mut bob = world.browser_of("bob").await;
    let form = format!("_xsrf={}", bob.get("/hub/home").await.field("_xsrf"));
    assert_eq!(bob.get("/hub/spawn/alice").await.status, 404);
    assert_eq!(bob.post("/hub/spawn/alice", &form).await.status, 404);
    assert_eq!(bob.post("/hub/stop/alice", &form).await.status, 404);
    assert_eq!(bob.get("/hub/spawn-pending/alice").await.status, 404);
    assert_eq!(*world.launcher.starts.lock().unwrap(), 0);
}

#[tokio::test]
async fn a_link_on_another_site_does_not_start_a_server() {
    let world = World::new("").await;
    let mut browser = world.browser_of("alice").await;
    let request = browser.request("GET", "/hub/spawn/alice").header("sec-fetch-site", "cross-site");
    let answer = browser.send(request.body(http_body_util::Full::default()).unwrap()).await;
    assert!(answer.status == 200 && answer.text().contains("id=\"start-server\""));
    assert_eq!(*world.launcher.starts.lock().unwrap(), 0);
}

#[tokio::test]
async fn a_stopped_server_is_offered_to_people_and_told_to_programs() {
    let world = World::new("").await;
    let mut browser = world.browser_of("alice").await;
    let away = browser.get("/user/alice/lab/tree/a%20b?x=1").await;
    assert_eq!((away.status, away.header("location")), (302, "/hub/user/alice/lab/tree/a%20b?x=1"));
    let offer = browser.get("/hub/user/alice/lab/tree/a%20b?x=1").await;
    assert_eq!(offer.status, 424);
    assert!(offer.text().contains("id=\"start-server\""));
    assert_eq!(offer.field("next"), "/user/alice/lab/tree/a%20b?x=1");
    let told = browser.get("/hub/user/alice/api/contents").await;
    assert_eq!((told.status, told.header("content-type")), (424, "application/json"));
    assert!(told.text().contains("no longer running at /user/alice/api/contents"));
    let mut bob = world.browser_of("bob").await;
    assert_eq!(bob.get("/hub/user/alice/lab").await.status, 404);
}

#[tokio::test]
async fn the_home_page_hears_of_every_change() {
    use http_body_util::BodyExt;
    let world = World::new("").await;
    let browser = world.browser_of("alice").await;
    let request = browser.request("GET", "/hub/home/events").body(http_body_util::Full::default()).unwrap();
    let mut body = browser.open(request).await.into_body();
    let mut heard = String::new();
    for state in ["stopped", "starting", "running"] {
        let wanted = format!("\"state\":\"{state}\"");
        while !heard.contains(&wanted) {
            let frame = tokio::time::timeout(DEADLINE, body.frame()).await.expect("an event").unwrap().unwrap();
            heard.push_str(&String::from_utf8_lossy(&frame.into_data().unwrap()));
            if heard.contains("\"state\":\"stopped\"") && state == "stopped" {
                world.app.servers.start(&id("alice")).unwrap();
            }
        }
    }
}
