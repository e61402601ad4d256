//! What an open JupyterLab is told of a stop that was announced, and its wish to stay.

use http_body_util::Full;
use hubd::clock::{Usec, now};
use hubd::servers::idle::Deed;
use hubd_base::config::ServerKind;
use serde_json::{Value, json};

use crate::world::{Answer, Browser, World, id};

const MINUTE: Usec = 60_000_000;
const STOP: &str = "[idle]\nsuspend_after = \"never\"\nstop_after = \"1h\"\n";

async fn ask(browser: &mut Browser, method: &str, path: &str, language: &str) -> Answer {
    let request = browser.request(method, path).header("sec-fetch-mode", "cors").header("accept-language", language);
    browser.send(request.body(Full::default()).unwrap()).await
}

async fn look(world: &World, minutes: Usec) -> Option<Deed> {
    let mut done = world.app.idle.apply(now() + minutes * MINUTE).await;
    done.remove(0).deed
}

#[tokio::test]
async fn an_open_page_hears_of_its_stop_in_its_language_and_may_have_the_server_go_on() {
    let world = World::new(STOP).await;
    let mut nora = world.browser_in_server_of("nora").await;
    let server = world.app.servers.get(&id("nora"));
    let quiet = ask(&mut nora, "GET", "/user/nora/hubd/notice", "en").await;
    assert_eq!((quiet.status, quiet.header("cache-control")), (200, "no-store"));
    assert_eq!(quiet.json(), json!({"notice": null, "again": 60}));
    assert_eq!(look(&world, 55).await, Some(Deed::Announced));
    for (language, words, button) in [
        ("en", ["This JupyterLab will be stopped in", "as nobody uses it."], "Keep it running"),
        ("zh-CN", ["因无人使用，这个 JupyterLab 将在", "分钟后停止。"], "继续运行"),
    ] {
        let told = ask(&mut nora, "GET", "/user/nora/hubd/notice", language).await.json();
        let message = told["notice"]["message"].as_str().unwrap();
        assert!(words.iter().all(|words| message.contains(words)), "{message}");
        assert_eq!(told["notice"]["stay"], button);
        let at = server.snapshot().stop_planned.map(hubd::clock::iso);
        assert_eq!(told["notice"]["stop_at"], json!(at));
    }
    assert_eq!(ask(&mut nora, "POST", "/user/nora/hubd/stay", "en").await.status, 204);
    assert_eq!(server.snapshot().stop_planned, None);
    assert_eq!(ask(&mut nora, "GET", "/user/nora/hubd/notice", "en").await.json()["notice"], Value::Null);
}

#[tokio::test]
async fn the_question_wakes_nobody_and_is_no_use_and_the_wish_is() {
    let world = World::new(STOP).await;
    let mut nils = world.browser_in_server_of("nils").await;
    let server = world.app.servers.get(&id("nils"));
    world.app.servers.suspend(&id("nils")).await.unwrap();
    let (attended, reached) = (server.attended(), world.launcher.reached(&id("nils")));
    let last = server.backend().unwrap().last_activity.load(std::sync::atomic::Ordering::Relaxed);
    assert_eq!(look(&world, 55).await, Some(Deed::Announced));
    let told = ask(&mut nils, "GET", "/user/nils/hubd/notice", "en").await.json();
    assert!(told["notice"]["message"].is_string(), "{told}");
    assert_eq!((server.attended(), world.launcher.reached(&id("nils"))), (attended, reached));
    assert_eq!(server.backend().unwrap().last_activity.load(std::sync::atomic::Ordering::Relaxed), last);
    assert_eq!(ask(&mut nils, "POST", "/user/nils/hubd/stay", "en").await.status, 204);
    assert!(server.attended() > attended);
    assert_eq!(server.snapshot().state.word(), "suspended", "to go on it need not be awake");
    assert_eq!(world.launcher.reached(&id("nils")), reached);
}

#[tokio::test]
async fn age_is_not_to_be_talked_with() {
    let world = World::new("[idle]\nsuspend_after = \"never\"\nmax_age = \"1h\"\n").await;
    let mut nell = world.browser_in_server_of("nell").await;
    let server = world.app.servers.get(&id("nell"));
    assert_eq!(look(&world, 55).await, Some(Deed::Announced));
    let told = ask(&mut nell, "GET", "/user/nell/hubd/notice", "en").await.json();
    assert!(told["notice"]["message"].as_str().unwrap().contains("Save your work"), "{told}");
    assert_eq!(told["notice"].get("stay"), None);
    let planned = server.snapshot().stop_planned;
    ask(&mut nell, "POST", "/user/nell/hubd/stay", "en").await;
    assert_eq!(server.snapshot().stop_planned, planned);
}

#[tokio::test]
async fn strangers_hear_nothing_and_keep_nothing_running() {
    let world = World::new(STOP).await;
    let mut nina = world.browser_in_server_of("nina").await;
    assert_eq!(look(&world, 55).await, Some(Deed::Announced));
    let planned = world.app.servers.get(&id("nina")).snapshot().stop_planned;
    for stranger in [&mut world.browser(), &mut world.browser_of("bob").await] {
        assert_eq!(ask(stranger, "GET", "/user/nina/hubd/notice", "en").await.status, 403);
        assert_eq!(ask(stranger, "POST", "/user/nina/hubd/stay", "en").await.status, 403);
    }
    assert_eq!(world.app.servers.get(&id("nina")).snapshot().stop_planned, planned);
    assert_eq!(ask(&mut nina, "POST", "/user/nina/hubd/notice", "en").await.status, 405);
    assert_eq!(ask(&mut nina, "GET", "/user/nina/hubd/stay", "en").await.status, 405);
    assert_eq!(ask(&mut nina, "GET", "/user/nina/hubd/other", "en").await.status, 404);
}

#[tokio::test]
async fn a_server_that_asks_the_hub_who_comes_has_its_pages_told_too() {
    let world = World::new(STOP).await;
    *world.launcher.kind.lock().unwrap() = ServerKind::Singleuser;
    let mut nico = world.browser_of("nico").await;
    world.app.servers.start(&id("nico")).unwrap();
    world.wait_for("nico", "running").await;
    assert_eq!(look(&world, 55).await, Some(Deed::Announced));
    // Whom it did not let in, the hub tells nothing: the server answers as it likes.
    assert!(ask(&mut nico, "GET", "/user/nico/hubd/notice", "en").await.text().starts_with("GET "));
    world.let_in_by_the_server("nico").await;
    let told = ask(&mut nico, "GET", "/user/nico/hubd/notice", "en").await.json();
    assert_eq!(told["notice"]["stay"], "Keep it running");
}
