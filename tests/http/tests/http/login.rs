//! `/hub/login`, `/hub/logout`, `/hub/language`, and what every page carries.

use crate::launcher::DEADLINE;
use crate::world::World;

#[tokio::test]
async fn the_right_password_opens_home_and_next_is_kept() {
    let world = World::new("").await;
    let mut browser = world.browser();
    let away = browser.get("/hub/home").await;
    assert_eq!((away.status, away.header("location")), (302, "/hub/login?next=%2Fhub%2Fhome"));
    let page = browser.get("/hub/login?next=%2Fhub%2Fspawn%2Falice").await;
    let form = format!("_xsrf={}&username=+alice+&password=right&next={}", page.field("_xsrf"), page.field("next"));
    let answer = browser.post("/hub/login", &form).await;
    assert_eq!((answer.status, answer.header("location")), (302, "/hub/spawn/alice"));
    assert_eq!(browser.get("/hub/home").await.status, 200);
}

#[tokio::test]
async fn next_outside_the_hub_is_ignored() {
    let world = World::new("").await;
    for next in ["//evil.example", "https%3A%2F%2Fevil.example%2F", "%5C%5Cevil.example", "%2F%2Fevil", "%2F%2F%2Fevil"]
    {
        let mut browser = world.browser();
        let xsrf = browser.get("/hub/login").await.field("_xsrf");
        let form = format!("_xsrf={xsrf}&username=alice&password=right&next={next}");
        assert_eq!(browser.post("/hub/login", &form).await.header("location"), "/hub/home", "{next}");
    }
}

#[tokio::test]
async fn next_may_be_an_address_of_this_hub() {
    for (public, next) in [
        (None, "http://hub.example.org/user/alice/lab?a=b"),
        (Some("https://jupyter.example.org"), "https://jupyter.example.org/user/alice/lab?a=b"),
    ] {
        let world = World::with("", |config| config.hub.public_url = public.map(str::to_owned)).await;
        let mut browser = world.browser();
        let xsrf = browser.get("/hub/login").await.field("_xsrf");
        let form = format!("_xsrf={xsrf}&username=alice&password=right&next={next}");
        assert_eq!(browser.post("/hub/login", &form).await.header("location"), "/user/alice/lab?a=b", "{next}");
    }
}

#[tokio::test]
async fn wrong_password_and_unknown_user_get_the_same_answer() {
    let world = World::new("").await;
    let wrong = world.browser().login("alice", "wrong").await;
    let unknown = world.browser().login("nobody-here", "wrong").await;
    assert_eq!((wrong.status, unknown.status), (403, 403));
    assert!(wrong.text().contains("Invalid username or password."));
    let strip = |text: String, name: &str| text.replace(name, "").replace(char::is_whitespace, "");
    let without_token = |answer: &crate::world::Answer| answer.text().replace(&answer.field("_xsrf"), "");
    assert_eq!(strip(without_token(&wrong), "alice"), strip(without_token(&unknown), "nobody-here"));
}

#[tokio::test]
async fn each_outcome_has_its_own_sentence() {
    let world = World::new("").await;
    let denied = world.browser().login("eve", "right").await;
    assert!(denied.status == 403 && denied.text().contains("Your account has expired."), "{}", denied.text());
    let locked = world.browser().login("locked", "right").await;
    assert!(locked.status == 403 && locked.text().contains("(10 minutes left to unlock)"), "{}", locked.text());
}

#[tokio::test]
async fn a_form_without_or_with_a_foreign_token_is_refused() {
    let world = World::new("").await;
    let foreign = world.browser().get("/hub/login").await.field("_xsrf");
    let mut browser = world.browser();
    browser.get("/hub/login").await;
    for token in [String::new(), foreign, "x".repeat(60)] {
        let answer = browser.post("/hub/login", &format!("_xsrf={token}&username=alice&password=right")).await;
        assert_eq!(answer.status, 403);
        assert!(answer.text().contains("Login form invalid or expired. Try again."), "{}", answer.text());
    }
    assert_eq!(browser.post("/hub/login", "username=alice&password=right").await.status, 403);
    assert_eq!(browser.get("/hub/home").await.status, 302);
}

#[tokio::test]
async fn logins_beyond_the_bound_are_told_to_come_back() {
    use hubd::auth::login::{RUNNING_MAX, WAITING_MAX};
    let world = World::new("").await;
    let mut attempts = tokio::task::JoinSet::new();
    for _ in 0..RUNNING_MAX + WAITING_MAX {
        let mut browser = world.browser();
        attempts.spawn(async move { browser.login("hang", "right").await });
    }
    let full = async {
        while world.app.door.load() != (RUNNING_MAX, WAITING_MAX) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(DEADLINE, full).await.expect("all places are taken");
    let answer = world.browser().login("alice", "right").await;
    assert_eq!((answer.status, answer.header("retry-after")), (503, "10"));
    assert!(answer.text().contains("Many people are signing in"));
}

#[tokio::test]
async fn logging_out_ends_the_session_and_says_so() {
    let world = World::new("").await;
    let mut browser = world.browser_of("alice").await;
    let kept = browser.cookies.clone();
    let answer = browser.get("/hub/logout").await;
    assert_eq!((answer.status, answer.header("location")), (302, "/hub/login?notice=signed-out"));
    browser.cookies = kept;
    assert_eq!(browser.get("/hub/home").await.status, 302, "the old cookie opens nothing");
}

#[tokio::test]
async fn the_language_follows_the_browser_until_a_person_chooses() {
    let world = World::new("").await;
    let mut browser = world.browser();
    let request = browser.request("GET", "/hub/login").header("accept-language", "zh-CN,zh;q=0.9");
    let page = browser.send(request.body(http_body_util::Full::default()).unwrap()).await;
    assert!(page.text().contains("lang=\"zh-CN\""));
    let form = format!("_xsrf={}&language=en&next=%2Fhub%2Flogin", page.field("_xsrf"));
    let answer = browser.post("/hub/language", &form).await;
    assert_eq!(answer.header("location"), "/hub/login");
    let request = browser.request("GET", "/hub/login").header("accept-language", "zh-CN");
    let page = browser.send(request.body(http_body_util::Full::default()).unwrap()).await;
    assert!(page.text().contains("lang=\"en\""));
}

#[tokio::test]
async fn every_page_forbids_scripts_of_others_frames_and_sniffing() {
    let world = World::new("").await;
    let mut browser = world.browser();
    for path in ["/hub/login", "/hub/nothing", "/hub/static/hub.css", "/user/a%2Fb/"] {
        let answer = browser.get(path).await;
        let policy = answer.header("content-security-policy");
        assert!(policy.contains("frame-ancestors 'none'") && policy.contains("default-src 'none'"), "{path}: {policy}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
    }
}

#[tokio::test]
async fn an_error_page_has_an_incident_and_its_status() {
    let world = World::new("").await;
    let answer = world.browser().get("/hub/nothing").await;
    assert_eq!(answer.status, 404);
    assert!(answer.text().contains("id=\"incident\""));
    let answer = world.browser().post("/hub/home", "").await;
    assert_eq!(answer.status, 405);
}

#[tokio::test]
async fn the_hub_can_live_below_a_base_url() {
    let world = World::new("[hub]\nbase_url = \"/jupyter/\"\n").await;
    let mut browser = world.browser();
    assert_eq!(browser.get("/").await.header("location"), "/jupyter/hub/");
    assert_eq!(browser.get("/jupyter/").await.header("location"), "/jupyter/hub/");
    let page = browser.get("/jupyter/hub/login").await;
    assert_eq!(page.status, 200);
    let form = format!("_xsrf={}&username=alice&password=right", page.field("_xsrf"));
    assert_eq!(browser.post("/jupyter/hub/login", &form).await.header("location"), "/jupyter/hub/home");
    assert_eq!(browser.get("/jupyter/hub/home").await.status, 200);
}
