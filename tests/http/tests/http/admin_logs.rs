//! `/hub/admin/log`, `service-log`, `hub-log`, their live tails, and `/hub/admin/logins`.

use http_body_util::{BodyExt, Full};
use hubd::clock::{iso, now};
use hubd::journals::{Beginning, FailedLogin, Part, Source};
use hubd_base::config::Role;
use hubd_base::names::{ServerId, ServiceName};
use hyper::Response;
use hyper::body::Incoming;
use tokio::time::timeout;

use crate::admin::good;
use crate::api_client::{name, role};
use crate::calls::server;
use crate::launcher::DEADLINE;
use crate::world::{Browser, World, id};

const HOUR: i64 = 3_600_000_000;

pub fn of(server: &ServerId) -> Source {
    Source::Server(server.clone())
}

/// The address at which a page listens.
pub fn events(page: &str) -> String {
    let (_, rest) = page.split_once("data-events=\"").expect("a log that goes on");
    rest.split('"').next().unwrap().replace("&#38;", "&")
}

pub async fn listen(browser: &Browser, path: &str, last: Option<&str>) -> Response<Incoming> {
    let mut request = browser.request("GET", path).header("accept", "text/event-stream");
    if let Some(last) = last {
        request = request.header("last-event-id", last);
    }
    let response = browser.open(request.body(Full::default()).unwrap()).await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers().get("content-type").unwrap(), "text/event-stream");
    response
}

/// The next event, as it was sent.
pub async fn event(response: &mut Response<Incoming>) -> String {
    let mut heard = String::new();
    while !heard.ends_with("\n\n") {
        let frame = timeout(DEADLINE, response.body_mut().frame()).await.expect("an event").unwrap().unwrap();
        heard.push_str(&String::from_utf8_lossy(&frame.into_data().unwrap()));
    }
    heard
}

#[tokio::test]
async fn the_log_of_a_server_is_filtered_by_level_and_time() {
    let world = World::new("").await;
    world.know(&["ann"]).await;
    let (ann, gpu) = (id("ann"), server("ann", "gpu"));
    world.journals.write(&of(&ann), 1, 6, "an old <script>");
    world.journals.write(&of(&ann), now() - HOUR / 2, 3, "a new trouble");
    world.journals.write(&of(&gpu), 1, 6, "of another server");
    let mut boss = world.browser_of("boss").await;
    let page = good(&mut boss, "/hub/admin/log/ann").await;
    assert!(page.contains("1970-01-01 00:00:00 jupyter-lab: an old &#60;script&#62;"), "{page}");
    assert!(page.contains("<span class=\"error\">") && page.contains("error: a new trouble"));
    assert!(!page.contains("of another server") && page.contains("<code>journalctl -u jupyter@ann.service</code>"));

    let page = good(&mut boss, "/hub/admin/log/ann?priority=4").await;
    assert!(
        page.contains("a new trouble") && !page.contains("an old") && page.contains("<option value=\"4\" selected>")
    );
    let page = good(&mut boss, "/hub/admin/log/ann?span=hour").await;
    assert!(
        page.contains("a new trouble") && !page.contains("an old") && page.contains("<option value=\"hour\" selected>")
    );
    let page = good(&mut boss, "/hub/admin/log/ann?span=between&since=&until=1970-01-02T00%3A00").await;
    assert!(page.contains("an old") && !page.contains("a new trouble"));
    assert!(page.contains("value=\"1970-01-02T00:00\"") && !page.contains("data-events"), "the past does not go on");
    let page = good(&mut boss, "/hub/admin/log/ann/gpu?priority=4").await;
    assert!(page.contains("id=\"no-lines\">There are no such lines."), "{page}");
    assert!(page.contains("<code>journalctl -u jupyter@ann:gpu.service</code>"));
    for wrong in ["span=year", "span=between&since=yesterday"] {
        assert_eq!(boss.get(&format!("/hub/admin/log/ann?{wrong}")).await.status, 400, "{wrong}");
    }
}

#[tokio::test]
async fn the_logs_of_a_service_and_of_the_parts_of_the_hub_are_their_own() {
    let world = World::new("[[service]]\nname = \"grades\"\ncommand = [\"/bin/grades\"]\n").await;
    let grades = Source::Service(ServiceName::parse("grades").unwrap());
    world.journals.write(&grades, 1, 6, "grades are good");
    for (part, line) in [(Part::All, "of all"), (Part::Login, "of logins"), (Part::Broker, "of the broker")] {
        world.journals.write(&Source::Hub(part), 1, 6, line);
    }
    let mut boss = world.browser_of("boss").await;
    let page = good(&mut boss, "/hub/admin/service-log/grades").await;
    assert!(page.contains("grades are good") && page.contains("journalctl -u hub-service@grades.service"));
    assert!(!page.contains("id=\"part\""));
    let page = good(&mut boss, "/hub/admin/hub-log").await;
    assert!(page.contains("of all") && !page.contains("grades are good") && page.contains("id=\"part\""));
    let page = good(&mut boss, "/hub/admin/hub-log?part=login").await;
    assert!(page.contains("of logins") && page.contains("<option value=\"login\" selected>"));
    assert!(events(&page).starts_with("/hub/admin/tail/hub/login?"));
    for wrong in ["/hub-log?part=ssh", "/service-log/..%2Fx", "/tail/hub/ssh"] {
        assert!([400, 404].contains(&boss.get(&format!("/hub/admin{wrong}")).await.status), "{wrong}");
    }
}

#[tokio::test]
async fn new_lines_arrive_behind_those_of_the_page_drawn_and_escaped_by_nobody_else() {
    let world = World::new("").await;
    world.know(&["ann"]).await;
    let ann = of(&id("ann"));
    world.journals.write(&ann, 1, 6, "seen already");
    let mut boss = world.browser_of("boss").await;
    let path = events(&good(&mut boss, "/hub/admin/log/ann?priority=4").await);
    assert!(path.contains("since="), "{path}: there is no line of this level to begin behind");
    let path = events(&good(&mut boss, "/hub/admin/log/ann").await);
    let mut stream = listen(&boss, &path, None).await;
    assert_eq!(
        world.journals.followed.lock().unwrap().last().unwrap(),
        &(ann.clone(), 7, Beginning::After("s=0".into()))
    );
    world.journals.write(&of(&id("bob")), 2, 3, "somebody else's");
    world.journals.write(&ann, 2, 3, "<b>\u{1f4a5}</b>\nsecond line");
    let heard = event(&mut stream).await;
    assert!(heard.contains("id: s=2\n") || heard.contains("id:s=2\n"), "{heard}");
    let data = heard.lines().find_map(|line| line.strip_prefix("data:")).unwrap();
    let lines: serde_json::Value = serde_json::from_str(data).unwrap();
    let text = "1970-01-01 00:00:00 jupyter-lab: error: <b>\u{1f4a5}</b>\nsecond line";
    assert_eq!(lines, serde_json::json!([{"tone": "error", "text": text}]));

    // A browser that was cut off goes on behind the last line it has.
    drop(stream);
    world.until(|| async { world.journals.followers() == 0 }).await;
    listen(&boss, &path, Some("s=2")).await;
    assert_eq!(world.journals.followed.lock().unwrap().last().unwrap().2, Beginning::After("s=2".into()));
}

#[tokio::test]
async fn many_lines_at_once_come_together() {
    let world = World::new("").await;
    let mut boss = world.browser_of("boss").await;
    let path = events(&good(&mut boss, "/hub/admin/hub-log").await);
    let mut stream = listen(&boss, &path, None).await;
    for number in 0..1000 {
        world.journals.write(&Source::Hub(Part::All), number, 6, "one of many");
    }
    let (mut lines, mut events) = (0, 0);
    while lines < 1000 {
        lines += event(&mut stream).await.matches("one of many").count();
        events += 1;
    }
    assert!(events < 200, "{events} events");
}

#[tokio::test]
async fn a_log_that_is_followed_ends_with_the_session() {
    let world = World::new("").await;
    let mut boss = world.browser_of("boss").await;
    let mut stream = listen(&boss, "/hub/admin/tail/hub/?since=1", None).await;
    world.journals.write(&Source::Hub(Part::All), 1, 6, "still in");
    assert!(event(&mut stream).await.contains("still in"));
    boss.get("/hub/logout").await;
    let over = async { while let Some(Ok(_)) = stream.body_mut().frame().await {} };
    timeout(DEADLINE, over).await.expect("the stream ends");
    assert_eq!(world.journals.followers(), 0);
}

#[tokio::test]
async fn logs_are_only_for_those_who_hold_the_right_to_what_is_in_them() {
    let helper = Role { users: vec![name("ann")], ..role(&["admin-ui", "servers!user=bob"]) };
    let reader = Role { name: "reader".into(), users: vec![name("eva")], ..role(&["admin-ui", "admin:users"]) };
    let world = World::with("[[service]]\nname = \"grades\"\ncommand = [\"/bin/grades\"]\n", |config| {
        config.roles.extend([helper, reader]);
    })
    .await;
    world.know(&["bob", "carol"]).await;
    let mut ann = world.browser_of("ann").await;
    for (path, status) in [
        ("/log/bob", 200),
        ("/log/carol", 404),
        ("/tail/server/carol", 404),
        ("/service-log/grades", 403),
        ("/tail/service/grades", 403),
        ("/hub-log", 403),
        ("/tail/hub/login", 403),
        ("/logins", 403),
    ] {
        assert_eq!(ann.get(&format!("/hub/admin{path}")).await.status, status, "{path}");
    }
    let mut eva = world.browser_of("eva").await;
    assert_eq!(eva.get("/hub/admin/logins").await.status, 200);
    assert_eq!(eva.get("/hub/admin/hub-log").await.status, 403, "the hub's log tells about servers, too");
    let read = world.journals.read.lock().unwrap();
    assert!(read.iter().all(|(source, _)| *source == of(&id("bob"))), "{read:?}");
    assert!(world.journals.followed.lock().unwrap().is_empty());
}

#[tokio::test]
async fn failed_logins_say_who_from_where_and_why_and_keep_quiet_about_names_that_are_none() {
    let world = World::new("").await;
    world.know(&["ann"]).await;
    let failed = |user: &str, when, outcome: &str| FailedLogin {
        time_usec: when,
        user: user.to_owned(),
        client: "203.0.113.9".to_owned(),
        outcome: outcome.to_owned(),
        message: format!("Login of {user} was {outcome} (PAM code 7)"),
    };
    let now = now();
    *world.journals.failed.lock().unwrap() = vec![
        failed("old", now - 48 * HOUR, "refused"),
        failed("", now - HOUR, "refused"),
        failed("carol", now - HOUR, "denied"),
        failed("ann", now, "too-many-tries"),
    ];
    let mut boss = world.browser_of("boss").await;
    let page = good(&mut boss, "/hub/admin/logins").await;
    let (_, table) = page.split_once("id=\"logins\"").unwrap();
    let rows: Vec<&str> = table.split("<tr>").skip(2).collect();
    assert_eq!(rows.len(), 3, "of the last day, the newest first: {table}");
    assert!(rows[0].contains("href=\"/hub/admin/user/ann\"") && rows[0].contains("Too many tries"));
    assert!(rows[0].contains(&iso(now)[..19]) && rows[0].contains("203.0.113.9") && rows[0].contains("(PAM code 7)"));
    assert!(rows[1].contains(">carol</th>") && rows[1].contains("The account may not be used"));
    assert!(rows[2].contains("not an account") && rows[2].contains("Wrong name or password"));
    assert!(good(&mut boss, "/hub/admin/logins?span=all").await.contains(">old</th>"));
    world.journals.failed.lock().unwrap().clear();
    assert!(good(&mut boss, "/hub/admin/logins").await.contains("No login failed in this time."));
}
