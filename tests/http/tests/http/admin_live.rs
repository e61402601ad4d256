//! `/hub/admin/events`: figures and states of one page, over one stream.

use std::time::{Duration, Instant};

use http_body_util::{BodyExt, Full};
use hubd::clock::now;
use hubd::servers::launcher::UnitState;
use hubd::servers::usage::{Machine, Usage};
use hubd_base::config::Role;
use hyper::Response;
use hyper::body::Incoming;
use serde_json::Value;
use tokio::time::timeout;

use crate::admin::good;
use crate::api_client::{name, role};
use crate::launcher::DEADLINE;
use crate::world::{Browser, World, id};

/// The address at which a page listens.
fn address(page: &str) -> String {
    let (_, rest) = page.split_once("data-live=\"").expect("a list that is live");
    rest.split('"').next().unwrap().replace("&#38;", "&")
}

/// One listener, with what it heard and did not look at yet.
struct Stream {
    response: Response<Incoming>,
    heard: String,
}

impl Stream {
    async fn open(browser: &Browser, path: &str) -> Self {
        let request = browser.request("GET", path).header("accept", "text/event-stream");
        let response = browser.open(request.body(Full::default()).unwrap()).await;
        assert_eq!(response.status(), 200, "{path}");
        assert_eq!(response.headers().get("content-type").unwrap(), "text/event-stream");
        Self { response, heard: String::new() }
    }

    /// The next event.
    async fn next(&mut self) -> Value {
        loop {
            if let Some((event, rest)) = self.heard.split_once("\n\n") {
                let data = event.strip_prefix("data:").map(|data| serde_json::from_str(data).unwrap());
                self.heard = rest.to_string();
                if let Some(data) = data {
                    return data;
                }
                continue;
            }
            let frame = timeout(DEADLINE, self.response.body_mut().frame()).await.expect("an event").unwrap().unwrap();
            self.heard.push_str(&String::from_utf8_lossy(&frame.into_data().unwrap()));
        }
    }

    /// The next event that tells of this server, and what it tells.
    async fn of(&mut self, server: &str) -> (Value, usize) {
        loop {
            let news = self.next().await;
            let rows = news["rows"].as_array().unwrap();
            if let Some(row) = rows.iter().find(|row| row["server"] == server) {
                return (row.clone(), rows.len());
            }
        }
    }
}

async fn running(world: &World, user: &str) {
    world.app.servers.start(&id(user)).unwrap();
    world.wait_for(user, "running").await;
}

#[tokio::test]
async fn a_page_shows_what_its_servers_and_the_machine_use_and_the_stream_goes_on_from_there() {
    let world = World::new("").await;
    world.know(&["ann", "bob"]).await;
    running(&world, "ann").await;
    let usage = Usage { memory: Some(512 << 20), memory_max: Some(2 << 30), tasks: Some(7), ..Usage::default() };
    world.launcher.usage.lock().unwrap().insert(id("ann"), usage);
    *world.launcher.machine.lock().unwrap() = Machine {
        cpus: Some(4),
        memory_total: Some(16 << 30),
        memory_used: Some(4 << 30),
        memory_pressure: Some(1.2),
        ..Machine::default()
    };
    let mut boss = world.browser_of("boss").await;
    let page = good(&mut boss, "/hub/admin").await;
    assert!(page.contains("512 MB of 2 GB") && page.contains("4 GB of 16 GB") && page.contains("1 %"), "{page}");
    assert!(page.contains("data-count=\"running\"") && page.contains("data-server=\"ann\""));

    let mut stream = Stream::open(&boss, &address(&page)).await;
    let first = stream.next().await;
    let servers: Vec<&str> =
        first["rows"].as_array().unwrap().iter().map(|row| row["server"].as_str().unwrap()).collect();
    assert_eq!(servers, ["ann", "bob", "boss"], "everything the page shows, once");
    let count = |news: &Value, state: &str| {
        let all = news["machine"]["servers"].as_array().unwrap();
        all.iter().find(|count| count["state"] == state).unwrap()["count"].clone()
    };
    assert_eq!((count(&first, "running"), count(&first, "suspended")), (1.into(), 0.into()));

    world.launcher.usage.lock().unwrap().get_mut(&id("ann")).unwrap().memory = Some(1 << 30);
    let (row, rows) = loop {
        let (row, rows) = stream.of("ann").await;
        if row["uses"]["memory"] == "1 GB of 2 GB" {
            break (row, rows);
        }
    };
    assert_eq!((row["state"].as_str(), row["label"].as_str(), rows), (Some("running"), Some("Running"), 1));
    world.launcher.end(&id("ann"), UnitState::Absent);
    let (row, _) = stream.of("ann").await;
    assert_eq!((&row["state"], &row["uses"]), (&"stopped".into(), &Value::Null));
    let page = good(&mut boss, "/hub/admin").await;
    assert!(page.contains("data-tone=\"stopped\"") && !page.contains("512 MB"));
}

#[tokio::test]
async fn only_what_the_page_shows_is_followed_and_only_while_somebody_looks() {
    let world = World::new("").await;
    world.know(&["ann", "bob"]).await;
    running(&world, "ann").await;
    running(&world, "bob").await;
    let mut boss = world.browser_of("boss").await;
    let path = address(&good(&mut boss, "/hub/admin?name_filter=ann").await);
    assert_eq!(path, "/hub/admin/events?name_filter=ann");
    let mut stream = Stream::open(&boss, &path).await;
    assert_eq!(stream.next().await["rows"].as_array().unwrap().len(), 1);
    world.launcher.end(&id("bob"), UnitState::Absent);
    world.wait_for("bob", "stopped").await;
    world.launcher.end(&id("ann"), UnitState::Absent);
    assert_eq!(stream.of("ann").await.0["state"], "stopped", "and nothing of bob before it");

    let path = address(&good(&mut boss, "/hub/admin/user/bob").await);
    assert_eq!(path, "/hub/admin/user/bob/events");
    let mut person = Stream::open(&boss, &path).await;
    let first = person.next().await;
    assert_eq!((first["rows"][0]["server"].as_str(), &first["machine"]), (Some("bob"), &Value::Null));
    boss.get("/hub/logout").await;
    for stream in [&mut stream, &mut person] {
        let over = async { while let Some(Ok(_)) = stream.response.body_mut().frame().await {} };
        timeout(DEADLINE, over).await.expect("it ends with the session");
    }
}

#[tokio::test]
async fn what_one_may_not_see_is_not_told() {
    let seer = Role {
        users: vec![name("ann")],
        ..role(&["admin-ui", "list:users", "read:users:name", "read:servers!user=bob"])
    };
    let world = World::with("", |config| config.roles.push(seer)).await;
    world.know(&["bob", "carol"]).await;
    running(&world, "carol").await;
    let mut ann = world.browser_of("ann").await;
    let page = good(&mut ann, "/hub/admin").await;
    assert!(!page.contains("id=\"machine\""));
    let mut stream = Stream::open(&ann, &address(&page)).await;
    let first = stream.next().await;
    let told: Vec<&str> = first["rows"].as_array().unwrap().iter().map(|row| row["server"].as_str().unwrap()).collect();
    assert_eq!(told, ["ann", "bob"], "one's own and what the role names");
    assert_eq!(first["machine"], Value::Null);
    let mut bob = world.browser_of("bob").await;
    for path in ["/events", "/user/bob/events"] {
        assert_eq!(bob.get(&format!("/hub/admin{path}")).await.status, 403);
    }
}

/// The best of several: the time of a page, and the time from a change of one server to the event that tells it.
async fn measured(world: &World, browser: &mut Browser, user: &str) -> (Duration, Duration) {
    let (mut page, mut event) = (Duration::MAX, Duration::MAX);
    let mut stream = Stream::open(browser, "/hub/admin/events").await;
    stream.next().await;
    for _ in 0..5 {
        let begun = Instant::now();
        good(browser, "/hub/admin").await;
        page = page.min(begun.elapsed());
        running(world, user).await;
        while stream.of(user).await.0["state"] != "running" {}
        let begun = Instant::now();
        world.launcher.end(&id(user), UnitState::Absent);
        while stream.of(user).await.0["state"] != "stopped" {}
        event = event.min(begun.elapsed());
    }
    (page, event)
}

#[tokio::test]
async fn with_ten_thousand_people_and_five_hundred_servers_a_page_and_an_event_cost_little_more() {
    let world = World::with("", |config| {
        (config.hub.concurrent_starts, config.hub.active_servers) = (None, None);
    })
    .await;
    let users =
        |numbers: std::ops::Range<usize>| numbers.map(|number| name(&format!("u{number:05}"))).collect::<Vec<_>>();
    world.app.people.add(users(0..10), false, now()).await.unwrap();
    let mut boss = world.browser_of("boss").await;
    let few = measured(&world, &mut boss, "u00003").await;
    world.app.people.add(users(10..10_000), false, now()).await.unwrap();
    for user in users(9_000..9_500) {
        world.app.servers.start(&hubd_base::names::ServerId::default_of(user)).unwrap();
    }
    for user in users(9_000..9_500) {
        world.wait_for(user.as_str(), "running").await;
    }
    let many = measured(&world, &mut boss, "u00003").await;
    let ratio = |many: Duration, few: Duration| many.as_secs_f64() / few.as_secs_f64();
    println!(
        "page of 50 of 10001 people with 500 servers running: {:?}, {:.1} times that of 11 people ({:?})",
        many.0,
        ratio(many.0, few.0),
        few.0
    );
    println!("a change told by the stream: {:?}, {:.1} times as long ({:?})", many.1, ratio(many.1, few.1), few.1);
    let page = good(&mut boss, "/hub/admin?state=active&sort=-name").await;
    assert!(page.contains("1 to 50 of 500") && page.matches("data-tone=\"running\"").count() == 51);
}

#[tokio::test]
async fn what_becomes_of_idle_servers_is_told_by_the_stream_in_few_words_and_by_the_persons_page_in_a_sentence() {
    let world = World::new("[idle]\nstop_after = \"5h\"\nsuspend_after = \"never\"\n").await;
    world.know(&["ann"]).await;
    running(&world, "ann").await;
    let mut browser = world.browser_of("boss").await;
    let list = browser.get("/hub/admin").await.text();
    assert!(list.contains("id=\"memory-short\" role=\"status\" hidden></p>"), "memory is not short: {list}");
    assert!(!list.contains("class=\"small idle\""), "the list stays light");
    let mut stream = Stream::open(&browser, &address(&list)).await;
    assert_eq!(stream.of("ann").await.0["idle"], "stopped in 4 h");
    let page = browser.get("/hub/admin/user/ann").await.text();
    assert!(page.contains("<p class=\"small idle\">Will be stopped in 4 h unless it is used."), "{page}");
    let mut stream = Stream::open(&browser, &address(&page)).await;
    assert!(stream.of("ann").await.0["idle"].as_str().unwrap().starts_with("Will be stopped in 4 h unless"));
    let server = world.app.servers.get(&id("ann"));
    world.app.idle.keep(&server, Some(now() + 185 * 60_000_000), now()).await.unwrap();
    let mut stream = Stream::open(&browser, &address(&list)).await;
    assert_eq!(stream.of("ann").await.0["idle"], "left alone for 3 h");
}
