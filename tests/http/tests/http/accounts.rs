//! Accounts made with people, given passwords and deleted with them, by the API and by the pages. Names that begin
//! with `no-` have no account.

use hubd_base::config::{Config, Role};
use serde_json::{Value, json};

use crate::api_client::{name, role};
use crate::world::{Answer, Browser, World};

fn on(config: &mut Config) {
    config.login.create_system_users = true;
}

async fn making() -> World {
    World::with("", on).await
}

async fn send(browser: &mut Browser, path: &str, fields: &[(&str, &str)]) -> Answer {
    let xsrf = browser.get("/hub/home").await.field("_xsrf");
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.append_pair("_xsrf", &xsrf).extend_pairs(fields);
    browser.post(path, &form.finish()).await
}

#[tokio::test]
async fn no_account_is_made_where_the_configuration_does_not_want_it() {
    let world = World::new("").await;
    let boss = world.caller("boss", &["inherit"]).await;
    let body = json!({"usernames": ["no-ann"], "account": {}});
    assert_eq!(boss.call("POST", "/users", body).await.status, 400);
    assert_eq!(boss.call("POST", "/users/no-ann", json!({"account": {}})).await.status, 400);
    assert_eq!(world.keeper.heard(), [""; 0]);
    let page = world.browser_of("boss").await.get("/hub/admin").await.text();
    assert!(page.contains("id=\"add\"") && !page.contains("name=\"how\""));
}

#[tokio::test]
async fn no_account_is_made_for_who_asks_for_none() {
    let world = making().await;
    let boss = world.caller("boss", &["inherit"]).await;
    let body = json!({"usernames": ["ann", "no-bob"], "account": false});
    let refused = boss.call("POST", "/users", body).await;
    assert!(refused.status == 400 && refused.text().contains("no account of this name"), "{}", refused.text());
    assert_eq!(boss.call("POST", "/users/no-bob", json!({"account": false})).await.status, 400);
    assert_eq!(world.keeper.heard(), [""; 0]);
    let body = json!({"usernames": ["ann"], "account": false});
    assert_eq!(boss.call("POST", "/users", body).await.status, 201, "who has an account is added");
}

#[tokio::test]
async fn who_has_no_account_gets_one_and_the_password_is_told_to_who_asked_for_it() {
    let world = making().await;
    let boss = world.caller("boss", &["inherit"]).await;
    let body = json!({"usernames": ["ann", "no-bob", "no-cy", "no-bob"], "account": {"must_change": false}});
    let made = boss.call("POST", "/users", body).await;
    assert_eq!(made.status, 201, "{}", made.text());
    let told: Vec<(Value, Value)> =
        made.json().as_array().unwrap().iter().map(|user| (user["name"].clone(), user["hubd"].clone())).collect();
    assert_eq!(
        json!(told),
        json!([["ann", null], ["no-bob", {"password": "made-for-no-bob"}], ["no-cy", {"password": "made-for-no-cy"}]])
    );
    assert_eq!(world.keeper.heard(), ["create no-bob generated keep", "create no-cy generated keep"]);
    let one = boss.call("POST", "/users/no-dee", json!({"account": {"password": "correct horse"}})).await;
    assert_eq!((one.status, &one.json()["hubd"]["password"]), (201, &json!("correct horse")));
    assert_eq!(world.keeper.heard(), ["create no-dee chosen change"]);
    // As JupyterHub's own clients ask: an account, and a password that nobody knows.
    let plain = boss.call("POST", "/users/no-eve", "").await;
    assert!(plain.status == 201 && plain.json().get("hubd").is_none() && !plain.text().contains("made-for"));
    assert_eq!(world.keeper.heard(), ["create no-eve generated change"]);
    assert!(boss.read("/users/no-dee").await.get("hubd").is_none());
}

#[tokio::test]
async fn of_several_accounts_all_are_made_or_none() {
    let world = making().await;
    *world.keeper.refused.lock().unwrap() = "no-cy".into();
    let boss = world.caller("boss", &["inherit"]).await;
    let answer = boss.told("POST", "/users", json!({"usernames": ["no-bob", "no-cy", "no-dee"], "account": {}})).await;
    assert_eq!(answer, (400, "Failed to create user no-cy: no-cy is an account of the system.".into()));
    let heard = world.keeper.heard();
    assert_eq!(heard, ["create no-bob generated change", "create no-cy generated change", "delete no-bob Remove"]);
    assert!(world.app.people.named("no-bob").is_none() && world.app.people.named("no-cy").is_none());
    let broken = boss.call("POST", "/users/no-broken", json!({"account": {}})).await;
    assert!(broken.status == 500 && !broken.text().contains("secret words"), "{}", broken.text());
    for (path, body) in [
        ("/users/no-Ann", json!({"account": {}})),
        ("/users/no-x", json!({"account": {"shell": "/bin/sh"}})),
        ("/users/no-x", json!({"account": true})),
        ("/users", json!({"usernames": ["no-x"], "account": {"password": 5}})),
    ] {
        assert_eq!(boss.call("POST", path, body).await.status, 400, "{path}");
    }
}

#[tokio::test]
async fn passwords_are_set_by_who_may_change_people_and_of_administrators_by_administrators_alone() {
    let helper = Role { users: vec![name("help")], ..role(&["admin:users", "list:users", "admin-ui", "delete:users"]) };
    let world = World::with("", |config| {
        on(config);
        config.roles.push(helper);
    })
    .await;
    world.know(&["ann", "help"]).await;
    let boss = world.caller("boss", &["inherit"]).await;
    let set = boss.call("POST", "/users/ann/password", "").await;
    assert_eq!(set.json(), json!({"name": "ann", "password": "made-for-ann", "must_change": true}));
    let chosen = json!({"password": "correct horse", "must_change": false});
    assert_eq!(boss.call("POST", "/users/ann/password", chosen).await.status, 200);
    assert_eq!(world.keeper.heard(), ["password ann generated change", "password ann chosen keep"]);
    assert_eq!(boss.call("POST", "/users/nobody/password", "").await.status, 404);
    let ann = world.caller("ann", &["inherit"]).await;
    assert_eq!(ann.call("POST", "/users/ann/password", "").await.status, 403);
    let help = world.caller("help", &["inherit"]).await;
    assert_eq!(help.call("POST", "/users/ann/password", "").await.status, 200);
    for (method, path) in [("POST", "/users/boss/password"), ("DELETE", "/users/boss?account=delete")] {
        assert_eq!(help.call(method, path, "").await.status, 403, "{path}");
    }
    assert_eq!(world.keeper.heard(), ["password ann generated change"]);
    *world.keeper.refused.lock().unwrap() = "ann".into();
    let refused = boss.told("POST", "/users/ann/password", "").await;
    assert_eq!(refused, (400, "ann is an account of the system.".into()));
}

#[tokio::test]
async fn an_account_goes_only_when_asked_for_and_with_its_home_only_when_asked_twice() {
    let world = making().await;
    world.know(&["ann", "bob", "cy", "dee"]).await;
    let boss = world.caller("boss", &["inherit"]).await;
    assert_eq!(boss.call("DELETE", "/users/ann", "").await.status, 204);
    assert_eq!(world.keeper.heard(), [""; 0]);
    assert_eq!(boss.call("DELETE", "/users/bob?home=delete", "").await.status, 400);
    assert_eq!(boss.call("DELETE", "/users/bob?account=yes", "").await.status, 400);
    assert_eq!(boss.call("DELETE", "/users/bob?account=delete", "").await.status, 204);
    assert_eq!(boss.call("DELETE", "/users/cy?account=delete&home=delete", "").await.status, 204);
    assert_eq!(world.keeper.heard(), ["delete bob Keep", "delete cy Remove"]);
    *world.keeper.refused.lock().unwrap() = "dee".into();
    assert_eq!(boss.call("DELETE", "/users/dee?account=delete", "").await.status, 400);
    assert!(world.app.people.named("dee").is_some(), "whose account stays is not forgotten either");
}

#[tokio::test]
async fn the_page_makes_accounts_for_a_class_and_shows_their_passwords_once() {
    let world = making().await;
    let mut boss = world.browser_of("boss").await;
    let page = boss.get("/hub/admin").await.text();
    assert!(page.contains("name=\"must_change\" value=\"1\" checked") && page.contains("value=\"generate\" checked"));
    let fields = [("names", "no-ann no-bob\nknown"), ("how", "generate"), ("must_change", "1")];
    let made = send(&mut boss, "/hub/admin/users", &fields).await;
    assert_eq!((made.status, made.header("cache-control")), (200, "no-store"));
    let text = made.text();
    for user in ["no-ann", "no-bob"] {
        assert!(text.contains(&format!("data-user=\"{user}\">made-for-{user}</code>")), "{text}");
    }
    assert!(!text.contains("data-user=\"known\""));
    assert!(!boss.get("/hub/admin").await.text().contains("made-for"));
    assert_eq!(world.keeper.heard().len(), 2);

    // A class gets one password; one that was forgotten is not made up.
    let fields = [("names", "no-cy"), ("how", "choose"), ("password", "correct horse"), ("must_change", "1")];
    assert!(send(&mut boss, "/hub/admin/users", &fields).await.text().contains("correct horse"));
    let fields = [("names", "no-dee"), ("how", "choose"), ("password", "")];
    let answer = send(&mut boss, "/hub/admin/users", &fields).await;
    assert!(answer.status == 400 && answer.text().contains("value=\"choose\" checked"));
    let wrong = send(&mut boss, "/hub/admin/users", &[("names", "no-ann Dr.Who no-X"), ("how", "generate")]).await;
    assert!(wrong.status == 400 && wrong.text().contains("no-X"), "{}", wrong.text());
    assert_eq!(world.keeper.heard(), ["create no-cy chosen change"]);
    // Only who already has an account: nothing to show.
    assert_eq!(send(&mut boss, "/hub/admin/users", &[("names", "zoe"), ("how", "generate")]).await.status, 303);

    let set = send(&mut boss, "/hub/admin/user/no-ann/password", &[("how", "generate")]).await;
    assert!(set.text().contains("made-for-no-ann"), "{}", set.text());
    assert_eq!(world.keeper.heard(), ["password no-ann generated keep"]);
}

#[tokio::test]
async fn the_page_deletes_an_account_only_with_its_ticks() {
    let world = making().await;
    world.know(&["ann", "bob", "cy"]).await;
    let mut boss = world.browser_of("boss").await;
    let page = boss.get("/hub/admin/user/ann/delete").await.text();
    assert!(page.contains("name=\"account\"") && page.contains("name=\"home\"") && !page.contains("checked"));
    assert_eq!(send(&mut boss, "/hub/admin/user/ann/delete", &[]).await.status, 303);
    let half = send(&mut boss, "/hub/admin/user/bob/delete", &[("home", "1")]).await;
    assert!(half.status == 400 && world.app.people.named("bob").is_some());
    assert_eq!(world.keeper.heard(), [""; 0]);
    assert_eq!(send(&mut boss, "/hub/admin/user/bob/delete", &[("account", "1")]).await.status, 303);
    assert_eq!(send(&mut boss, "/hub/admin/user/cy/delete", &[("account", "1"), ("home", "1")]).await.status, 303);
    assert_eq!(world.keeper.heard(), ["delete bob Keep", "delete cy Remove"]);
}
