//! `/hub/api/oauth2/authorize` and `/hub/api/oauth2/token`: row by row what contract 4.2 and 4.3 say, and the whole
//! dance that `HubOAuth` does.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http_body_util::Full;
use hubd::auth::tokens::{Kind, NewToken, Owner, Token};
use hubd::oauth::pkce::Challenge;
use hubd_base::names::{ServerId, UserName};
use serde_json::Value;

use crate::world::{Answer, Browser, World, id};

const FORM: &str = "application/x-www-form-urlencoded";
const CALLBACK: &str = "/user/alice/oauth_callback";
const AUTHORIZE: &str = "/hub/api/oauth2/authorize";
const TOKEN: &str = "/hub/api/oauth2/token";
const OPEN: &str = "[login]\nadmin_access = true\n";
const SERVICES: &str = "[login]\nadmin_access = true\n\
     [[service]]\nname = \"asks\"\nurl = \"http://127.0.0.1:9\"\n\
     oauth_client_allowed_scopes = [\"servers!user\", \"read:hub\", \"list:users\"]\n\
     [[service]]\nname = \"trusted\"\nurl = \"http://127.0.0.1:9\"\noauth_no_confirm = true\n\
     [[service]]\nname = \"away\"\noauth_redirect_uri = \"https://away.example:8443/cb?x=1\"\noauth_no_confirm = true\n\
     [[service]]\nname = \"all\"\nurl = \"http://127.0.0.1:9\"\n\
     oauth_client_allowed_scopes = [\"inherit\", \"self\"]\n\
     [[role]]\nname = \"visitor\"\nscopes = [\"access:services\"]\nusers = [\"alice\"]\n\
     [[role]]\nname = \"reader\"\nscopes = [\"read:hub\"]\n";

/// The secret of a client, as the hub hands it to a server or a service.
async fn secret_of(world: &World, owner: Owner, kind: Kind, client: &str) -> String {
    if let Owner::User(user) = &owner {
        world.app.people.keep(user.clone(), None, 1).await.unwrap();
    }
    let new = NewToken {
        owner,
        kind,
        client: Some(client.to_owned()),
        session: None,
        scopes: vec!["inherit".into()],
        note: String::new(),
        created: 1,
        expires: None,
    };
    world.app.tokens.create(new).await.unwrap().0.as_str().to_owned()
}

fn user(name: &str) -> Owner {
    Owner::User(UserName::parse(name).unwrap())
}

async fn server_secret(world: &World, name: &str) -> String {
    secret_of(world, user(name), Kind::Server, &id(name).client_id()).await
}

fn query(fields: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}

fn authorize(fields: &[(&str, &str)]) -> String {
    format!("{AUTHORIZE}?{}", query(fields))
}

/// The usual request of alice's server.
fn ask() -> String {
    let client = id("alice").client_id();
    authorize(&[("client_id", &client), ("redirect_uri", CALLBACK), ("response_type", "code"), ("state", "a b")])
}

/// The code in the address that a browser is led back to.
fn code_of(answer: &Answer) -> String {
    assert_eq!(answer.status, 302, "{}", answer.text());
    let location = answer.header("location");
    let (_, query) = location.split_once('?').expect(location);
    let code = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "code");
    code.unwrap_or_else(|| panic!("no code in {location}")).1.into_owned()
}

async fn redeem(world: &World, fields: &[(&str, &str)]) -> Answer {
    send(world, FORM, TOKEN, &query(fields), None).await
}

async fn send(world: &World, kind: &str, path: &str, body: &str, authorization: Option<&str>) -> Answer {
    let mut client = world.browser();
    let mut request = client.request("POST", path).header("content-type", kind);
    if let Some(value) = authorization {
        request = request.header("authorization", value);
    }
    client.send(request.body(Full::from(body.to_owned())).unwrap()).await
}

async fn whoami(world: &World, token: &str) -> Answer {
    let mut client = world.browser();
    let request = client.request("GET", "/hub/api/user").header("authorization", format!("token {token}"));
    client.send(request.body(Full::default()).unwrap()).await
}

fn json(answer: &Answer) -> Value {
    serde_json::from_slice(&answer.body).unwrap_or_else(|_| panic!("no JSON: {}", answer.text()))
}

/// From a code to the access token.
async fn token_for(world: &World, client: &str, secret: &str, code: &str) -> String {
    let fields =
        [("client_id", client), ("client_secret", secret), ("grant_type", "authorization_code"), ("code", code)];
    let answer = redeem(world, &fields).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    json(&answer)["access_token"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_client_with_pkce_gets_a_token_that_says_whose_it_is() {
    let world = World::new("[hub]\noauth_require_pkce = true\n").await;
    let secret = server_secret(&world, "alice").await;
    let mut browser = world.browser_of("alice").await;
    let (client, verifier) = (id("alice").client_id(), "v".repeat(64));
    let challenge = Challenge::digest(&verifier);
    let pkce = format!("&{}", query(&[("code_challenge", &challenge), ("code_challenge_method", "S256")]));
    let answer = browser.get(&(ask() + &pkce)).await;
    assert!(answer.header("location").starts_with(&format!("{CALLBACK}?code=")), "{}", answer.header("location"));
    assert!(answer.header("location").ends_with("&state=a+b"), "{}", answer.header("location"));
    let code = code_of(&answer);
    let mut fields = vec![
        ("client_id", client.as_str()),
        ("client_secret", secret.as_str()),
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("redirect_uri", CALLBACK),
    ];
    let without = redeem(&world, &fields).await;
    assert_eq!((without.status, json(&without)["error"].as_str()), (400, Some("invalid_request")));
    assert_eq!(json(&without)["error_description"], "Code verifier required.");
    fields.push(("code_verifier", "wrong"));
    let wrong = redeem(&world, &fields).await;
    assert_eq!((wrong.status, wrong.text().as_str()), (400, "{\"error\":\"invalid_grant\"}"));
    fields.pop();
    fields.push(("code_verifier", &verifier));
    // HubOAuth sends its own token in the header too, which counts for nothing here.
    let body = query(&fields);
    let answer = send(&world, FORM, TOKEN, &body, Some(&format!("token {secret}"))).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!((answer.header("cache-control"), answer.header("pragma")), ("no-store", "no-cache"));
    assert!(answer.header("content-type").starts_with("application/json"));
    let given = json(&answer);
    assert_eq!((given["token_type"].as_str(), given["expires_in"].as_u64()), (Some("Bearer"), Some(1_209_600)));
    let scope = "access:servers!server=alice/ read:users:groups!user=alice read:users:name!user=alice";
    assert_eq!(given["scope"], scope);
    let model = json(&whoami(&world, given["access_token"].as_str().unwrap()).await);
    assert_eq!((model["kind"].as_str(), model["name"].as_str()), (Some("user"), Some("alice")));
    assert_eq!(
        model["scopes"].as_array().unwrap().iter().map(|s| s.as_str().unwrap()).collect::<Vec<_>>().join(" "),
        scope
    );
    let session = browser.cookies.iter().find(|((_, name), _)| name == "jupyterhub-session-id").unwrap().1;
    assert_eq!(model["session_id"], session.as_str());
    let again = redeem(&world, &fields).await;
    assert_eq!((again.status, again.text().as_str()), (400, "{\"error\":\"invalid_grant\"}"));
}

#[tokio::test]
async fn nobody_is_sent_to_log_in_and_a_token_does_not_help() {
    let world = World::new("").await;
    server_secret(&world, "alice").await;
    let alice = secret_of(&world, user("alice"), Kind::Api, "x").await;
    let mut nobody = world.browser();
    let path = ask();
    let request = nobody.request("GET", &path).header("authorization", format!("token {alice}"));
    let answer = nobody.send(request.body(Full::default()).unwrap()).await;
    assert_eq!(answer.status, 302);
    let next: String = form_urlencoded::byte_serialize(path.as_bytes()).collect();
    assert_eq!(answer.header("location"), format!("/hub/login?next={next}"));
    assert_eq!(nobody.post(&path, "scopes=inherit").await.status, 403);
    let xsrf = nobody.get("/hub/login").await.field("_xsrf");
    assert_eq!(nobody.post(&path, &query(&[("_xsrf", &xsrf)])).await.status, 403);
}

#[tokio::test]
async fn a_request_that_leads_nowhere_is_a_400_page() {
    let world = World::new("[hub]\npublic_url = \"https://hub.example.org\"\n").await;
    let mut browser = world.browser_of("alice").await;
    let client = id("alice").client_id();
    let code = ("response_type", "code");
    for (fields, words) in [
        (vec![code], "Missing client_id parameter."),
        (vec![("client_id", ""), code], "Missing client_id parameter."),
        (vec![("client_id", "jupyterhub"), code], "Invalid client_id parameter value."),
        (vec![("client_id", "service-none"), code], "Invalid client_id parameter value."),
        (vec![("client_id", "jupyterhub-user-nobody-knows"), code], "Invalid client_id parameter value."),
        (vec![("client_id", "jupyterhub-user-alice%2Fnone"), code], "Invalid client_id parameter value."),
        (vec![("client_id", &client), ("client_id", &client), code], "Duplicate client_id parameter."),
        (vec![("client_id", &client), ("redirect_uri", "/user/bob/oauth_callback"), code], "Mismatching redirect URI."),
        (vec![("client_id", &client), ("redirect_uri", "https://evil.example/"), code], "Mismatching redirect URI."),
        (vec![("client_id", &client), ("redirect_uri", "/user/alice/oauth_callback/")], "Mismatching redirect URI."),
    ] {
        let answer = browser.get(&authorize(&fields)).await;
        assert_eq!(answer.status, 400, "{fields:?}");
        assert!(answer.header("content-type").starts_with("text/html"), "{fields:?}");
        assert!(answer.text().contains(words), "{fields:?}: {}", answer.text());
    }
    let full = format!("https://hub.example.org{CALLBACK}");
    for redirect in [CALLBACK, full.as_str()] {
        let answer = browser.get(&authorize(&[("client_id", &client), ("redirect_uri", redirect), code])).await;
        assert!(answer.header("location").starts_with(&format!("{redirect}?code=")), "{}", answer.header("location"));
    }
    assert!(browser.get(&authorize(&[("client_id", &client), code])).await.header("location").starts_with(CALLBACK));
    assert_eq!(browser.send(browser.request("HEAD", &ask()).body(Full::default()).unwrap()).await.status, 405);
}

#[tokio::test]
async fn a_request_that_cannot_be_is_sent_back_with_its_state() {
    let world = World::new("[hub]\noauth_require_pkce = true\n").await;
    let mut browser = world.browser_of("alice").await;
    let client = id("alice").client_id();
    let code = ("response_type", "code");
    for (fields, error) in [
        (vec![], "error=invalid_request&error_description=Missing+response_type+parameter."),
        (vec![("response_type", "token")], "error=unsupported_response_type"),
        (
            vec![code, ("code_challenge", "x"), ("code_challenge_method", "S512"), ("scope", "bogus")],
            "error=invalid_request&error_description=Transform+algorithm+not+supported.",
        ),
        (vec![code, ("scope", "bogus")], "error=invalid_request&error_description=Code+challenge+required."),
        (vec![code, ("code_challenge", "x"), ("scope", "bogus")], "error=invalid_scope"),
        (vec![code, ("code_challenge", "x"), ("scope", "identify read:hub")], "error=invalid_scope"),
        (vec![code, ("code_challenge", "x"), ("scope", "admin")], "error=invalid_scope"),
    ] {
        let all = [vec![("client_id", client.as_str()), ("state", "s/&=")], fields].concat();
        let answer = browser.get(&authorize(&all)).await;
        assert_eq!(answer.status, 302, "{all:?}");
        assert_eq!(answer.header("location"), format!("{CALLBACK}?{error}&state=s%2F%26%3D"), "{all:?}");
    }
    // Without a state none is invented; `identify` asks for nothing.
    let fields = [("client_id", client.as_str()), code, ("code_challenge", "x"), ("scope", "identify")];
    assert!(!browser.get(&authorize(&fields)).await.header("location").contains("state="));
}

#[tokio::test]
async fn whoever_may_not_use_the_client_is_refused_by_name() {
    let world = World::new(SERVICES).await;
    server_secret(&world, "alice").await;
    world.browser_of("alice").await;
    let mut bob = world.browser_of("bob").await;
    let service = authorize(&[("client_id", "service-asks"), ("response_type", "code")]);
    for (path, words) in [
        (ask(), "This is someone else&#39;s JupyterLab"),
        (service.clone(), "You do not have permission to access JupyterHub service asks"),
    ] {
        let answer = bob.get(&path).await;
        assert!(answer.status == 403 && answer.text().contains(words), "{}", answer.text());
        // Nor when they claim to have agreed.
        let form = query(&[("_xsrf", &bob.get("/hub/home").await.field("_xsrf"))]);
        let answer = bob.post(&path, &form).await;
        assert!(answer.status == 403 && answer.text().contains(words), "{}", answer.text());
    }
}

#[tokio::test]
async fn consent_is_asked_once_and_again_when_it_was_taken_back() {
    let world = World::new(OPEN).await;
    let secret = server_secret(&world, "alice").await;
    world.browser_of("alice").await;
    let mut boss = world.browser_of("boss").await;
    let page = boss.get(&ask()).await;
    assert_eq!(page.status, 200, "{}", page.header("location"));
    assert!(page.text().contains("Server at /user/alice/") && page.text().contains("Learn who you are."));
    let expected = ["access:servers!server=alice/", "read:users:groups!user=boss", "read:users:name!user=boss"];
    assert_eq!(page.scopes(), expected);
    assert!(page.header("content-security-policy").contains("frame-ancestors 'none'"));
    let agreed = boss.post(&ask(), &page.consent().1).await;
    assert!(agreed.header("location").ends_with("&state=a+b"));
    let token = token_for(&world, &id("alice").client_id(), &secret, &code_of(&agreed)).await;
    assert_eq!(json(&whoami(&world, &token).await)["scopes"][0], expected[0]);
    code_of(&boss.get(&ask()).await);
    // In another browser of theirs too.
    let mut other = world.browser_of("boss").await;
    code_of(&other.get(&ask()).await);
    let revoked = world.app.tokens.revoke(|token| token.kind == Kind::OAuth).await.unwrap();
    assert_eq!(revoked, 1);
    assert_eq!(whoami(&world, &token).await.status, 403);
    assert_eq!(boss.get(&ask()).await.status, 200);
}

#[tokio::test]
async fn agreeing_needs_the_forms_token_and_the_page_itself() {
    let world = World::new(OPEN).await;
    world.browser_of("alice").await;
    let mut boss = world.browser_of("boss").await;
    let (action, form) = boss.get(&ask()).await.consent();
    assert_eq!(action, ask());
    let without = form.split_once('&').unwrap().1;
    assert_eq!(boss.post(&ask(), without).await.status, 403);
    assert_eq!(boss.post(&ask(), &format!("_xsrf=x&{without}")).await.status, 403);
    let script = boss.request("POST", &ask()).header("content-type", FORM).header("sec-fetch-mode", "cors");
    assert_eq!(boss.send(script.body(Full::from(form.clone())).unwrap()).await.status, 403);
    code_of(&boss.post(&ask(), &form).await);
}

#[tokio::test]
async fn a_service_is_asked_about_unless_it_is_trusted() {
    let world = World::new(SERVICES).await;
    let mut alice = world.browser_of("alice").await;
    let of = |service: &str| authorize(&[("client_id", &format!("service-{service}")), ("response_type", "code")]);
    let trusted = alice.get(&of("trusted")).await;
    assert!(trusted.header("location").starts_with("/services/trusted/oauth_callback?code="));
    let away = alice.get(&of("away")).await;
    assert!(away.header("location").starts_with("https://away.example:8443/cb?x=1&code="), "{:?}", away.headers);
    // A browser holds the address behind a login against the login's form.
    let policy = alice.get("/hub/home").await.header("content-security-policy").to_owned();
    assert!(policy.contains("form-action 'self' https://away.example:8443"), "{policy}");

    let page = alice.get(&of("asks")).await;
    assert!(page.text().contains("JupyterHub service asks"));
    // `read:hub` and `list:users` are not alice's to give.
    let own = ["access:services!service=asks", "read:users:groups!user=alice", "read:users:name!user=alice"];
    assert_eq!(page.scopes(), [own.as_slice(), &["servers!user=alice"]].concat());
    assert!(page.text().contains("See, start and stop servers. (Only you.)"), "{}", page.text());
    let secret = secret_of(&world, Owner::Service("asks".into()), Kind::Service, "service-asks").await;
    let code = code_of(&alice.post(&of("asks"), &page.consent().1).await);
    let token = token_for(&world, "service-asks", &secret, &code).await;
    let scopes = json(&whoami(&world, &token).await)["scopes"].to_string();
    assert!(scopes.contains("start:servers!user=alice") && !scopes.contains("read:hub"), "{scopes}");
}

#[tokio::test]
async fn the_form_cannot_give_more_than_the_client_may_have_nor_than_the_person_holds() {
    let world = World::new(SERVICES).await;
    let mut alice = world.browser_of("alice").await;
    let secret = secret_of(&world, Owner::Service("asks".into()), Kind::Service, "service-asks").await;
    let path = authorize(&[("client_id", "service-asks"), ("response_type", "code"), ("state", "s")]);
    let xsrf = alice.get(&path).await.field("_xsrf");
    let beyond = alice.post(&path, &query(&[("_xsrf", &xsrf), ("scopes", "tokens!user=alice")])).await;
    assert_eq!(beyond.header("location"), "/services/asks/oauth_callback?error=invalid_scope&state=s");
    let inherit = alice.post(&path, &query(&[("_xsrf", &xsrf), ("scopes", "inherit")])).await;
    assert!(inherit.header("location").contains("error=invalid_scope"));
    // None sent: just who it is. Allowed but not held: left out. A role's name: its scopes.
    for scope in [None, Some("list:users"), Some("reader")] {
        let mut fields = vec![("_xsrf", xsrf.as_str())];
        fields.extend(scope.map(|scope| ("scopes", scope)));
        let code = code_of(&alice.post(&path, &query(&fields)).await);
        let token = token_for(&world, "service-asks", &secret, &code).await;
        let scopes = json(&whoami(&world, &token).await)["scopes"].to_string();
        assert_eq!(
            scopes,
            r#"["access:services!service=asks","read:users:groups!user=alice","read:users:name!user=alice"]"#
        );
    }
}

#[tokio::test]
async fn whoever_gives_everything_is_told_so_in_one_sentence_and_not_asked_again() {
    let world = World::new(SERVICES).await;
    let mut alice = world.browser_of("alice").await;
    let secret = secret_of(&world, Owner::Service("all".into()), Kind::Service, "service-all").await;
    let path = authorize(&[("client_id", "service-all"), ("response_type", "code")]);
    let page = alice.get(&path).await;
    assert_eq!(page.scopes(), ["inherit"]);
    assert_eq!(page.text().matches("type=\"checkbox\" checked disabled").count(), 1);
    assert!(page.text().contains("Do everything you can do."));
    let code = code_of(&alice.post(&path, &page.consent().1).await);
    let token = token_for(&world, "service-all", &secret, &code).await;
    assert!(json(&whoami(&world, &token).await)["scopes"].to_string().contains("tokens!user=alice"));
    code_of(&alice.get(&path).await);
    // The page is there in Chinese too.
    let mut other = world.browser_of("alice").await;
    world.app.tokens.revoke(|token| token.kind == Kind::OAuth).await.unwrap();
    let request = other.request("GET", &path).header("accept-language", "zh-CN").body(Full::default()).unwrap();
    let page = other.send(request).await;
    assert!(page.text().contains("做你能做的所有事情。"), "{}", page.text());
}

#[tokio::test]
async fn a_code_is_for_its_client_and_its_address_only() {
    let world = World::new("").await;
    let (alice, bob) = (server_secret(&world, "alice").await, server_secret(&world, "bob").await);
    let mut browser = world.browser_of("alice").await;
    world.browser_of("bob").await;
    let code = code_of(&browser.get(&ask()).await);
    let (id_a, id_b) = (id("alice").client_id(), id("bob").client_id());
    let of = |client: &str, secret: &str, code: &str, uri: &str| {
        query(&[
            ("client_id", client),
            ("client_secret", secret),
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", uri),
        ])
    };
    for (body, status, answer) in [
        (of(&id_b, &bob, &code, "/user/bob/oauth_callback"), 400, "{\"error\":\"invalid_grant\"}"),
        (of(&id_a, &alice, "unknown", CALLBACK), 400, "{\"error\":\"invalid_grant\"}"),
        (of(&id_a, &alice, "unknown", "/elsewhere"), 400, "{\"error\":\"invalid_grant\"}"),
        (
            of(&id_a, &alice, &code, "/elsewhere"),
            400,
            "{\"error\":\"invalid_request\",\"error_description\":\"Mismatching redirect URI.\"}",
        ),
        (of(&id_a, &bob, &code, CALLBACK), 401, "{\"error\":\"invalid_client\"}"),
        (of(&id_a, "", &code, CALLBACK), 401, "{\"error\":\"invalid_client\"}"),
        (of("jupyterhub-user-nobody", &alice, &code, CALLBACK), 401, "{\"error\":\"invalid_client\"}"),
        (of("jupyterhub", &alice, &code, CALLBACK), 401, "{\"error\":\"invalid_client\"}"),
        (of("", "", &code, CALLBACK), 401, "{\"error\":\"invalid_client\"}"),
    ] {
        let refused = send(&world, FORM, TOKEN, &body, None).await;
        assert_eq!((refused.status, refused.text().as_str()), (status, answer), "{body}");
        assert_eq!((refused.header("cache-control"), refused.header("pragma")), ("no-store", "no-cache"));
        let challenge = if status == 401 { "Bearer error=\"invalid_client\"" } else { "" };
        assert_eq!(refused.header("www-authenticate"), challenge);
    }
    assert_eq!(send(&world, FORM, TOKEN, &of(&id_a, &alice, &code, CALLBACK), None).await.status, 200);
}

#[tokio::test]
async fn a_persons_own_token_is_no_clients_secret() {
    let world = World::new("").await;
    world.browser_of("alice").await;
    let client = id("alice").client_id();
    for (owner, kind) in
        [(user("alice"), Kind::Api), (user("alice"), Kind::OAuth), (Owner::Service("alice".into()), Kind::Service)]
    {
        let secret = secret_of(&world, owner, kind, &client).await;
        let fields = [
            ("client_id", client.as_str()),
            ("client_secret", &secret),
            ("grant_type", "authorization_code"),
            ("code", "x"),
        ];
        assert_eq!(redeem(&world, &fields).await.status, 401, "{kind:?}");
    }
}

#[tokio::test]
async fn requests_for_tokens_have_one_form_only() {
    let world = World::new("").await;
    let secret = server_secret(&world, "alice").await;
    world.browser_of("alice").await;
    let client = id("alice").client_id();
    let good = query(&[
        ("client_id", &client),
        ("client_secret", &secret),
        ("grant_type", "authorization_code"),
        ("code", "x"),
    ]);
    let unsupported = "unsupported_grant_type";
    for (kind, path, body, error) in [
        (FORM, TOKEN.to_owned(), good.clone(), "invalid_grant"),
        (FORM, format!("{TOKEN}?{good}"), String::new(), "invalid_request"),
        (FORM, format!("{TOKEN}?x=1"), good.clone(), "invalid_request"),
        (FORM, TOKEN.to_owned(), good.replace("authorization_code", "password"), unsupported),
        (FORM, TOKEN.to_owned(), good.replace("grant_type", "type"), unsupported),
        (FORM, TOKEN.to_owned(), String::new(), unsupported),
        ("application/json", TOKEN.to_owned(), "{\"grant_type\":\"authorization_code\"}".into(), unsupported),
        ("application/json", TOKEN.to_owned(), good.clone(), unsupported),
        (FORM, TOKEN.to_owned(), good.replace("&code=x", ""), "invalid_request"),
        (FORM, TOKEN.to_owned(), format!("{good}&code=y"), "invalid_request"),
    ] {
        let answer = send(&world, kind, &path, &body, None).await;
        assert_eq!((answer.status, json(&answer)["error"].as_str()), (400, Some(error)), "{path} {body}");
    }
    let mut client = world.browser();
    assert_eq!(client.get(TOKEN).await.status, 405);
}

#[tokio::test]
async fn a_client_may_show_its_secret_by_basic_authentication() {
    let world = World::new("").await;
    let secret = server_secret(&world, "alice").await;
    let mut browser = world.browser_of("alice").await;
    let client = id("alice").client_id();
    let basic = |id: &str, secret: &str| format!("Basic {}", STANDARD.encode(format!("{id}:{secret}")));
    let code = code_of(&browser.get(&ask()).await);
    let body = query(&[("grant_type", "authorization_code"), ("code", &code)]);
    for wrong in [basic(&client, "wrong"), basic("nobody", &secret), "Basic !".into(), "Basic".into()] {
        let answer = send(&world, FORM, TOKEN, &body, Some(&wrong)).await;
        assert_eq!((answer.status, answer.text().as_str()), (401, "{\"error\":\"invalid_client\"}"), "{wrong}");
    }
    let other = format!("{body}&client_id=service-x");
    assert_eq!(send(&world, FORM, TOKEN, &other, Some(&basic(&client, &secret))).await.status, 401);
    let both = format!("{body}&client_secret=x");
    assert_eq!(send(&world, FORM, TOKEN, &both, Some(&basic(&client, &secret))).await.status, 400);
    let answer = send(&world, FORM, TOKEN, &body, Some(&basic(&client, &secret))).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
}

#[tokio::test]
async fn names_that_need_escaping_pass_through_the_whole_dance() {
    let world = World::new("").await;
    for name in ["u@x.org", "J\u{fc}rgen", "DOM\\user"] {
        let server = ServerId::default_of(UserName::parse(name).unwrap());
        let (client, callback) = (server.client_id(), format!("/user/{}/oauth_callback", server.url_segment()));
        let secret = secret_of(&world, user(name), Kind::Server, &client).await;
        let typed: String = form_urlencoded::byte_serialize(name.as_bytes()).collect();
        let mut browser = world.browser_of(&typed).await;
        let fields = [("client_id", client.as_str()), ("redirect_uri", &callback), ("response_type", "code")];
        let answer = browser.get(&authorize(&fields)).await;
        assert!(answer.header("location").starts_with(&format!("{callback}?code=")), "{}", answer.header("location"));
        let token = token_for(&world, &client, &secret, &code_of(&answer)).await;
        let scopes = json(&whoami(&world, &token).await)["scopes"].clone();
        assert!(scopes.as_array().unwrap().contains(&format!("access:servers!server={name}/").into()), "{scopes}");
    }
}

#[tokio::test]
async fn logging_out_ends_what_clients_hold_but_not_a_persons_own_tokens() {
    let world = World::new("").await;
    let secret = server_secret(&world, "alice").await;
    let (mut here, mut there) = (world.browser_of("alice").await, world.browser_of("alice").await);
    let client = id("alice").client_id();
    let own = secret_of(&world, user("alice"), Kind::Api, "jupyterhub").await;
    let mut tokens = Vec::new();
    for browser in [&mut here, &mut there] {
        let code = code_of(&browser.get(&ask()).await);
        tokens.push(token_for(&world, &client, &secret, &code).await);
    }
    let pending = code_of(&here.get(&ask()).await);
    let answer = here.get("/hub/logout").await;
    let set: Vec<&str> = answer.headers.get_all("set-cookie").iter().map(|cookie| cookie.to_str().unwrap()).collect();
    for name in ["jupyterhub-hub-login=;", "jupyterhub-session-id=;", "_xsrf=;"] {
        assert!(set.iter().any(|cookie| cookie.starts_with(name) && cookie.contains("Max-Age=0")), "{name} {set:?}");
    }
    assert_eq!(whoami(&world, &tokens[0]).await.status, 403);
    assert_eq!(whoami(&world, &tokens[1]).await.status, 200, "the other browser is still logged in");
    assert_eq!(whoami(&world, &own).await.status, 200);
    let fields = [
        ("client_id", client.as_str()),
        ("client_secret", &secret),
        ("grant_type", "authorization_code"),
        ("code", &pending),
    ];
    assert_eq!(redeem(&world, &fields).await.status, 400, "a code of a browser that logged out");
}

/// What the gate holds for a browser.
fn of_gate(browser: &Browser, world: &World) -> Option<std::sync::Arc<Token>> {
    let (_, secret) = browser.cookies.iter().find(|((_, name), _)| name == "jupyterhub-user-alice")?;
    world.app.tokens.find(secret, 1)
}

#[tokio::test]
async fn the_gate_asks_for_consent_once_and_its_token_does_nothing_else() {
    let world = World::new(&format!("{OPEN}[server]\noauth_client_allowed_scopes = [\"inherit\"]\n")).await;
    let alice = world.browser_in_server_of("alice").await;
    let held = of_gate(&alice, &world).unwrap();
    assert_eq!(held.scopes.len(), 3, "{:?}", held.scopes);
    let mut boss = world.browser_of("boss").await;
    let page = boss.follow("/user/alice/show").await;
    assert!(page.status == 200 && page.text().contains("id=\"agree\""), "{}", page.text());
    let (action, form) = page.consent();
    let callback = boss.post(&action, &form).await.header("location").to_owned();
    assert!(boss.follow(&callback).await.text().starts_with("GET /user/alice/show"));
    // Another browser is not asked again, nor this one when its cookie is gone.
    let mut other = world.browser_of("boss").await;
    assert!(other.follow("/user/alice/show").await.text().starts_with("GET /user/alice/show"));
    boss.cookies.retain(|(_, name), _| name != "jupyterhub-user-alice");
    assert!(boss.follow("/user/alice/show").await.text().starts_with("GET /user/alice/show"));
}
