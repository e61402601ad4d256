//! What PAM asks beyond name and password, page by page.

use std::time::Duration;

use hubd::auth::login::{ASKED_MAX, RUNNING_MAX};

use crate::launcher::DEADLINE;
use crate::world::{Answer, Browser, World};

/// Long enough to be asked, short enough to wait for.
const HASTY: Duration = Duration::from_millis(400);
const OVER: &str = "This login took too long, or it is over already.";

/// The form of a page, filled in.
fn filled(page: &Answer, answer: &str) -> String {
    let mut form = form_urlencoded::Serializer::new(String::new());
    for field in ["_xsrf", "next", "conversation", "step"] {
        form.append_pair(field, &page.field(field));
    }
    form.append_pair("answer", answer).finish()
}

async fn reply(browser: &mut Browser, page: &Answer, answer: &str) -> Answer {
    browser.post("/hub/login", &filled(page, answer)).await
}

fn is_home(answer: &Answer) {
    assert_eq!((answer.status, answer.header("location")), (302, "/hub/home"), "{}", answer.text());
}

fn is_over(answer: &Answer) {
    assert!(answer.status == 403 && answer.text().contains(OVER), "{} {}", answer.status, answer.text());
    assert!(answer.text().contains("id=\"password\""), "a fresh form");
}

async fn idle(world: &World) {
    world.until(async || world.app.door.load() == (0, 0)).await;
}

#[tokio::test]
async fn a_one_time_code_is_asked_for_after_the_password() {
    let world = World::new("").await;
    let mut browser = world.browser();
    let form = browser.get("/hub/login?next=%2Fhub%2Ftoken").await;
    let form = format!("_xsrf={}&username=otto&password=right&next=%2Fhub%2Ftoken", form.field("_xsrf"));
    let page = browser.post("/hub/login", &form.replace("otto", "otp-1")).await;
    let text = page.text();
    assert_eq!(page.status, 200, "{text}");
    assert!(text.contains("<label for=\"answer\">One-time password</label>"), "{text}");
    assert!(text.contains("type=\"password\" autocomplete=\"one-time-code\"") && text.contains("autofocus"), "{text}");
    assert!(text.contains("Signing in as otp-1.") && text.contains("Please answer within"), "{text}");
    assert_eq!(browser.get("/hub/home").await.status, 302, "not yet");
    let answer = reply(&mut browser, &page, "123456").await;
    assert_eq!((answer.status, answer.header("location")), (302, "/hub/token"));
    assert_eq!(browser.get("/hub/home").await.status, 200);
}

#[tokio::test]
async fn a_wrong_code_is_refused_like_a_wrong_password_and_the_login_starts_anew() {
    let world = World::new("").await;
    let mut browser = world.browser();
    let page = browser.login("otp-1", "right").await;
    let refused = reply(&mut browser, &page, "000000").await;
    assert!(refused.status == 403 && refused.text().contains("Invalid username or password."));
    assert_eq!(browser.get("/hub/home").await.status, 302);
    idle(&world).await;
}

#[tokio::test]
async fn several_prompts_and_texts_come_one_after_the_other() {
    let world = World::new("").await;
    let mut browser = world.browser();
    let first = browser.login("grid", "right").await;
    let text = first.text();
    assert!(text.contains("Take your &#60;card&#62;.") && !text.contains("role=\"alert\""), "{text}");
    assert!(text.contains("<label for=\"answer\">Cell B4</label>") && text.contains("type=\"text\""), "{text}");
    let second = reply(&mut browser, &first, "x7").await;
    let text = second.text();
    assert!(!text.contains("Take your") && text.contains("role=\"alert\">The card is nearly used up."), "{text}");
    assert_eq!((first.field("step"), second.field("step")), ("1".into(), "2".into()));
    is_home(&reply(&mut browser, &second, "123456").await);
}

#[tokio::test]
async fn an_expired_password_is_changed_on_the_spot() {
    let world = World::new("").await;
    let mut browser = world.browser();
    let new = browser.login("frank", "right").await;
    let text = new.text();
    assert!(text.contains("You are required to change your password immediately."), "{text}");
    assert!(text.contains("<label for=\"answer\">New password</label>"), "the old one is not asked for: {text}");
    assert!(text.contains("autocomplete=\"new-password\"") && text.contains("has expired"), "{text}");
    let again = reply(&mut browser, &new, "short").await;
    assert!(again.text().contains("You must choose a longer password."), "{}", again.text());
    let retype = reply(&mut browser, &again, "long enough").await;
    assert!(retype.text().contains(">Retype new password</label>"), "{}", retype.text());
    is_home(&reply(&mut browser, &retype, "long enough").await);
    assert_eq!(browser.get("/hub/home").await.status, 200);
}

#[tokio::test]
async fn an_answer_sent_twice_gets_the_same_page_twice() {
    let world = World::new("").await;
    let mut browser = world.browser();
    let first = browser.login("grid", "right").await;
    let mut twin = world.browser();
    twin.cookies = browser.cookies.clone();
    let (one, other) = tokio::join!(reply(&mut browser, &first, "x7"), reply(&mut twin, &first, "x7"));
    assert_eq!((one.field("step"), other.field("step")), ("2".into(), "2".into()));
    let (left, right) = tokio::join!(reply(&mut browser, &one, "123456"), reply(&mut twin, &one, "123456"));
    is_home(&left);
    is_home(&right);
    assert_eq!(twin.get("/hub/home").await.status, 200);
}

#[tokio::test]
async fn the_back_button_leads_to_where_the_login_is_or_to_its_beginning() {
    let world = World::new("").await;
    let mut browser = world.browser();
    let first = browser.login("grid", "right").await;
    let second = reply(&mut browser, &first, "x7").await;
    let back = reply(&mut browser, &first, "something else").await;
    assert_eq!((back.status, back.field("step")), (200, "2".into()));
    let cookies = browser.cookies.clone();
    is_home(&reply(&mut browser, &second, "123456").await);
    // The same browser as it was: whoever does not know the last answer gets nothing by an old page.
    let mut old = world.browser();
    old.cookies = cookies;
    is_over(&reply(&mut old, &second, "654321").await);
    is_over(&reply(&mut old, &first, "x7").await);
}

#[tokio::test]
async fn stale_foreign_and_invented_conversations_lead_to_a_fresh_form() {
    let world = World::new("").await;
    let mut browser = world.browser();
    let page = browser.login("otp-1", "right").await;
    let mut other = world.browser();
    let xsrf = other.get("/hub/login").await.field("_xsrf");
    let form = filled(&page, "123456").replace(&page.field("_xsrf"), &xsrf);
    is_over(&other.post("/hub/login", &form).await);
    let form = filled(&page, "123456").replace(&page.field("conversation"), &"0".repeat(32));
    is_over(&browser.post("/hub/login", &form).await);
    for step in ["", "0", "2", "x"] {
        let form = filled(&page, "123456").replace("step=1", &format!("step={step}"));
        let answer = browser.post("/hub/login", &form).await;
        assert_eq!((answer.status, answer.field("step")), (200, "1".into()), "{step}");
    }
    let without = filled(&page, "123456").replace("_xsrf=", "_other=");
    let answer = browser.post("/hub/login", &without).await;
    assert!(answer.status == 403 && answer.text().contains("Login form invalid or expired"));
    is_home(&reply(&mut browser, &page, "123456").await);
}

#[tokio::test]
async fn a_question_survives_a_reload_and_a_change_of_language() {
    let world = World::new("").await;
    let mut browser = world.browser();
    let page = browser.login("otp-1", "right").await;
    let text = page.text();
    let (_, rest) = text.split_once("name=\"next\" value=\"").unwrap();
    let path = rest.split('"').next().unwrap().replace("&#38;", "&");
    assert!(path.starts_with("/hub/login?conversation="), "{path}");
    let form = format!("_xsrf={}&language=zh-CN&next={}", page.field("_xsrf"), path.replace('?', "%3F"));
    assert_eq!(browser.post("/hub/language", &form).await.header("location"), path);
    let page = browser.get(&path).await;
    assert!(page.text().contains("还差一步") && page.text().contains("One-time password"), "{}", page.text());
    assert!(world.browser().get(&path).await.text().contains("id=\"password\""), "another browser starts anew");
    is_home(&reply(&mut browser, &page, "123456").await);
}

#[tokio::test]
async fn next_of_an_answer_never_leads_outside() {
    let world = World::new("").await;
    let mut browser = world.browser();
    let page = browser.login("otp-1", "right").await;
    let form = filled(&page, "123456").replace("&next=", "&next=%2F%2Fevil.example");
    is_home(&browser.post("/hub/login", &form).await);
}

#[tokio::test]
async fn a_conversation_that_nobody_answers_ends_at_its_deadline() {
    let world = World::patient(HASTY).await;
    let mut browser = world.browser();
    let page = browser.login("otp-1", "right").await;
    assert_eq!(page.status, 200);
    assert_eq!(world.app.door.load(), (1, 0));
    idle(&world).await;
    is_over(&reply(&mut browser, &page, "123456").await);
}

#[tokio::test]
async fn a_module_that_hangs_or_breaks_off_after_an_answer_is_given_up() {
    let world = World::patient(HASTY).await;
    let mut browser = world.browser();
    let page = browser.login("slow", "right").await;
    let answer = reply(&mut browser, &page, "hang").await;
    assert!(answer.status == 503 && answer.text().contains("Signing in does not work"), "{}", answer.text());
    let page = browser.login("broken", "right").await;
    assert_eq!(reply(&mut browser, &page, "123456").await.status, 503);
    idle(&world).await;
}

#[tokio::test]
async fn a_new_login_of_the_same_browser_ends_the_one_before() {
    let world = World::new("").await;
    let mut browser = world.browser();
    let first = browser.login("otp-1", "right").await;
    let second = browser.login("otp-2", "right").await;
    world.until(async || world.app.door.load() == (1, 0)).await;
    is_over(&reply(&mut browser, &first, "123456").await);
    is_home(&reply(&mut browser, &second, "123456").await);
}

#[tokio::test]
async fn people_who_think_do_not_keep_others_out_and_are_bounded() {
    let world = World::new("").await;
    let mut thinking = Vec::new();
    for _ in 0..ASKED_MAX {
        let mut browser = world.browser();
        let page = browser.login("otp-1", "right").await;
        assert_eq!(page.status, 200);
        thinking.push((browser, page));
    }
    assert_eq!(world.app.door.load(), (ASKED_MAX, 0));
    is_home(&world.browser().login("alice", "right").await);
    // One more has to wait for its question, at work, until somebody answers.
    let mut late = world.browser();
    let waits = tokio::spawn(async move { late.login("otp-2", "right").await });
    world.until(async || world.app.door.load() == (ASKED_MAX + 1, 0)).await;
    let (mut browser, page) = thinking.pop().unwrap();
    is_home(&reply(&mut browser, &page, "123456").await);
    assert_eq!(tokio::time::timeout(DEADLINE, waits).await.unwrap().unwrap().status, 200);
    assert!(world.app.door.load().0 <= ASKED_MAX + RUNNING_MAX);
}

#[tokio::test]
async fn two_hundred_two_step_logins_at_once_all_come_in_or_are_told_to_come_back() {
    let world = World::new("").await;
    let mut attempts = tokio::task::JoinSet::new();
    for _ in 0..200 {
        let mut browser = world.browser();
        attempts.spawn(async move {
            let page = browser.login("otp-1", "right").await;
            if page.status == 503 {
                return false;
            }
            assert_eq!(page.status, 200, "{}", page.text());
            is_home(&reply(&mut browser, &page, "123456").await);
            true
        });
    }
    let all = async {
        let mut welcome = 0;
        while let Some(done) = attempts.join_next().await {
            welcome += usize::from(done.unwrap());
        }
        welcome
    };
    let welcome = tokio::time::timeout(DEADLINE * 3, all).await.expect("every login comes to its end");
    assert!(welcome >= RUNNING_MAX, "{welcome}");
    idle(&world).await;
}

#[tokio::test]
async fn a_script_may_send_its_code_along() {
    let world = World::new("").await;
    let mut browser = world.browser();
    let xsrf = browser.get("/hub/login").await.field("_xsrf");
    let form = format!("_xsrf={xsrf}&username=otp-1&password=right&otp=123456");
    is_home(&browser.post("/hub/login", &form).await);
    for (user, otp, status) in [("otp-1", "\"123456\"", 201), ("otp-1", "\"0\"", 403), ("grid", "\"123456\"", 403)] {
        let body = format!("{{\"auth\":{{\"username\":\"{user}\",\"password\":\"right\",\"otp\":{otp}}}}}");
        let browser = world.browser();
        let request = browser.request("POST", &format!("/hub/api/users/{user}/tokens"));
        let request = request.header("content-type", "application/json").body(body.into()).unwrap();
        assert_eq!(world.browser().send(request).await.status, status, "{user} {otp}");
    }
}

#[tokio::test]
async fn what_pam_says_with_a_welcome_is_on_the_home_page_once() {
    const WARNING: &str = "Warning: your password will expire in 3 days.";
    let world = World::new("").await;
    let mut browser = world.browser_of("aging").await;
    assert!(!world.browser_of("aging").await.get("/hub/token").await.text().contains(WARNING));
    assert!(browser.get("/hub/home").await.text().contains(WARNING));
    assert!(!browser.get("/hub/home").await.text().contains(WARNING));
}

#[tokio::test]
async fn answers_have_a_bound() {
    let world = World::new("").await;
    let mut browser = world.browser();
    let page = browser.login("otp-1", "right").await;
    assert_eq!(reply(&mut browser, &page, &"x".repeat(513)).await.status, 400);
    is_home(&reply(&mut browser, &page, "123456").await);
}
