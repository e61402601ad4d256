//! `/hub/token`: a person's tokens and applications, without a line of script.

use http_body_util::Full;
use hubd::auth::tokens::{Kind, NewToken, Owner};
use hubd_base::names::UserName;

use crate::world::{Answer, Browser, World, id};

async fn create(browser: &mut Browser, fields: &[(&str, &str)]) -> Answer {
    let xsrf = browser.get("/hub/token").await.field("_xsrf");
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.append_pair("_xsrf", &xsrf).extend_pairs(fields);
    browser.post("/hub/token", &form.finish()).await
}

async fn revoke(browser: &mut Browser, field: &str, value: &str) -> Answer {
    let xsrf = browser.get("/hub/token").await.field("_xsrf");
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.append_pair("_xsrf", &xsrf).append_pair(field, value);
    browser.post("/hub/token/revoke", &form.finish()).await
}

fn secret(answer: &Answer) -> String {
    assert_eq!(answer.status, 200, "{}", answer.text());
    let text = answer.text();
    text.split("id=\"token-secret\">").nth(1).expect("a secret").split('<').next().unwrap().to_owned()
}

async fn whoami(world: &World, token: &str) -> Answer {
    let mut client = world.browser();
    let request = client.request("GET", "/hub/api/user").header("authorization", format!("token {token}"));
    client.send(request.body(Full::default()).unwrap()).await
}

async fn token_of(world: &World, name: &str, kind: Kind, client: Option<&str>) -> i64 {
    let new = NewToken {
        owner: Owner::User(UserName::parse(name).unwrap()),
        kind,
        client: client.map(str::to_owned),
        session: None,
        scopes: vec!["self".into()],
        note: "by the test".into(),
        created: 1,
        expires: None,
    };
    world.app.tokens.create(new).await.unwrap().1.id
}

#[tokio::test]
async fn a_token_is_shown_once_works_and_is_gone_when_revoked() {
    let world = World::new("").await;
    let mut alice = world.browser_of("alice").await;
    assert!(alice.get("/hub/home").await.text().contains("href=\"/hub/token\""));
    assert!(alice.get("/hub/token").await.text().contains("You have no API tokens."));
    let answer = create(&mut alice, &[("note", "my <script>"), ("expires_in", "3600"), ("scopes", "")]).await;
    assert_eq!(answer.header("cache-control"), "no-store");
    let secret = secret(&answer);
    assert!(answer.text().contains("my &#60;script&#62;"));
    let model: serde_json::Value = serde_json::from_slice(&whoami(&world, &secret).await.body).unwrap();
    assert_eq!((model["name"].as_str(), model["session_id"].is_null()), (Some("alice"), true));
    let page = alice.get("/hub/token").await;
    assert!(!page.text().contains(&secret) && page.text().contains("my &#60;script&#62;"));
    let token = world.app.tokens.find(&secret, 1).unwrap();
    let life = token.expires.unwrap() - token.created;
    assert_eq!((life, token.scopes.as_slice()), (3_600_000_000, ["inherit".to_owned()].as_slice()));
    alice.get("/hub/logout").await;
    assert_eq!(whoami(&world, &secret).await.status, 200, "it is not the browser's");
    let mut alice = world.browser_of("alice").await;
    let answer = revoke(&mut alice, "token", &format!("a{}", token.id)).await;
    assert_eq!((answer.status, answer.header("location")), (302, "/hub/token?notice=revoked"));
    assert!(alice.get("/hub/token?notice=revoked").await.text().contains("Access was revoked."));
    assert_eq!(whoami(&world, &secret).await.status, 403);
}

#[tokio::test]
async fn scopes_are_those_asked_for_and_mistakes_are_told_at_the_field() {
    let world = World::new("").await;
    let mut alice = world.browser_of("alice").await;
    let answer =
        create(&mut alice, &[("expires_in", ""), ("scopes", " servers!user,read:users:name!user=alice ")]).await;
    let token = world.app.tokens.find(&secret(&answer), 1).unwrap();
    assert_eq!(
        (token.scopes.join(" ").as_str(), token.expires),
        ("servers!user=alice read:users:name!user=alice", None)
    );
    let before = world.app.tokens.select(1, |_| true).len();
    for (scopes, expires, words) in [
        ("bogus", "", "There is no scope “bogus”."),
        ("servers!x=y", "", "The part behind “!” in “servers!x=y” is not known."),
        ("shutdown", "", "You cannot give away what you may not do yourself: shutdown"),
        ("self", "soon", "Choose one of the times in the list."),
        ("self", "-1", "Choose one of the times in the list."),
    ] {
        let answer = create(&mut alice, &[("note", "kept"), ("expires_in", expires), ("scopes", scopes)]).await;
        let text = answer.text();
        assert!(answer.status == 400 && text.contains(words), "{text}");
        assert!(text.contains("value=\"kept\"") && text.contains(&format!("value=\"{scopes}\"")), "{text}");
        assert!(text.contains("role=\"alert\"") && text.contains("aria-invalid=\"true\""), "{text}");
    }
    let long = "x".repeat(201);
    assert_eq!(create(&mut alice, &[("note", &long), ("expires_in", "")]).await.status, 400);
    assert_eq!(world.app.tokens.select(1, |_| true).len(), before);
}

#[tokio::test]
async fn tokens_live_no_longer_than_the_configuration_allows() {
    let world = World::new("[hub]\ntoken_lifetime_max = \"2d\"\n").await;
    let mut alice = world.browser_of("alice").await;
    let page = alice.get("/hub/token").await.text();
    assert!(page.contains("value=\"86400\"") && !page.contains("value=\"604800\""), "{page}");
    assert!(page.contains("<option value=\"\" selected>As late as possible (48 hours)"), "{page}");
    let token = world.app.tokens.find(&secret(&create(&mut alice, &[("expires_in", "")]).await), 1).unwrap();
    assert_eq!(token.expires.unwrap() - token.created, 2 * 86_400_000_000);
    let answer = create(&mut alice, &[("expires_in", "604800")]).await;
    assert!(answer.status == 400 && answer.text().contains("A token can be good for 48 hours at most."));
}

#[tokio::test]
async fn an_application_is_one_row_and_loses_all_its_tokens_at_once() {
    let world = World::new("").await;
    let mut alice = world.browser_in_server_of("alice").await;
    let (client, other) = (id("alice").client_id(), id("bob").client_id());
    token_of(&world, "alice", Kind::OAuth, Some(&client)).await;
    token_of(&world, "alice", Kind::OAuth, Some(&other)).await;
    let server = world.app.tokens.select(2, |token| token.kind == Kind::Server)[0].id;
    world.browser_of("bob").await;
    let foreign = token_of(&world, "bob", Kind::OAuth, Some(&client)).await;
    let page = alice.get("/hub/token").await.text();
    assert_eq!(page.matches("name=\"client\"").count(), 2, "{page}");
    assert!(page.contains("Server at /user/alice/") && page.contains("You have no API tokens."), "{page}");
    assert_eq!(revoke(&mut alice, "client", &client).await.status, 302);
    let left: Vec<_> = world.app.tokens.select(2, |token| token.client.as_deref() == Some(client.as_str()));
    assert_eq!(left.iter().map(|token| token.id).collect::<Vec<_>>(), [server, foreign]);
    assert!(alice.get("/hub/token").await.text().contains("Server at /user/bob/"));
    // Who lost access is asked anew.
    assert!(alice.get("/user/alice/show").await.header("location").starts_with("/hub/api/oauth2/authorize"));
}

#[tokio::test]
async fn nobody_touches_the_tokens_of_others() {
    let world = World::new("").await;
    let mut bob = world.browser_of("bob").await;
    world.browser_of("alice").await;
    let hers = token_of(&world, "alice", Kind::Api, None).await;
    let server = token_of(&world, "bob", Kind::Server, None).await;
    assert!(!bob.get("/hub/token").await.text().contains("by the test"));
    for value in [format!("a{hers}"), format!("a{server}"), hers.to_string(), "a".into(), String::new()] {
        assert_eq!(revoke(&mut bob, "token", &value).await.status, 302);
    }
    assert_eq!(revoke(&mut bob, "client", "").await.status, 302);
    assert_eq!(world.app.tokens.select(2, |_| true).len(), 2);
}

#[tokio::test]
async fn the_page_is_for_people_in_their_browser() {
    let world = World::new("").await;
    let mut nobody = world.browser();
    assert_eq!(nobody.get("/hub/token").await.header("location"), "/hub/login?next=%2Fhub%2Ftoken");
    assert_eq!(nobody.post("/hub/token", "note=x").await.status, 403);
    let mut alice = world.browser_of("alice").await;
    let xsrf = alice.get("/hub/token").await.field("_xsrf");
    for path in ["/hub/token", "/hub/token/revoke"] {
        assert_eq!(alice.post(path, "note=x").await.status, 403, "{path}");
    }
    // A script of another page of this host may have got hold of the form's token, and yet gets no secret.
    let request = alice.request("POST", "/hub/token").header("sec-fetch-mode", "cors");
    let answer = alice.send(request.body(Full::from(format!("_xsrf={xsrf}"))).unwrap()).await;
    assert_eq!((answer.status, answer.text().contains("token-secret")), (403, false));
    assert!(world.app.tokens.select(1, |_| true).is_empty());
    let request = alice.request("GET", "/hub/token").header("accept-language", "zh-CN").body(Full::default()).unwrap();
    let page = alice.send(request).await.text();
    assert!(page.contains("已授权的应用") && page.contains("lang=\"zh-CN\""), "{page}");
}

#[tokio::test]
async fn whoever_may_not_manage_their_tokens_makes_none() {
    let world =
        World::new("[[role]]\nname = \"user\"\nscopes = [\"read:tokens!user\", \"access:servers!user\"]\n").await;
    let mut alice = world.browser_of("alice").await;
    assert_eq!(alice.get("/hub/token").await.status, 200);
    assert_eq!(create(&mut alice, &[("expires_in", "")]).await.status, 403);
    assert_eq!(revoke(&mut alice, "token", "a1").await.status, 403);
}

#[tokio::test]
async fn the_page_says_what_each_scope_allows_that_the_person_can_give_away() {
    let world = World::new("").await;
    let page = world.browser_of("alice").await.get("/hub/token").await.text();
    assert!(page.contains("<dt><code>access:servers</code></dt><dd>Use servers: their files"), "{page}");
    assert!(!page.contains("<code>admin:users</code>"), "not hers to give");
    let page = world.browser_of("boss").await.get("/hub/token").await.text();
    assert!(page.contains("<dt><code>admin:users</code></dt><dd>Create, change and delete users"), "{page}");
}
