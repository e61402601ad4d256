//! `/services/{service}/...`, `/hub/api/services`, `/hub/api/proxy`, `/hub/api/shutdown`, and what runs of services.

use http_body_util::Full;
use hubd::auth::services::Added;
use hubd::auth::tokens::{Kind, NewToken, Owner};
use hubd::clock::now;
use hubd::servers::launcher::UnitState;
use hubd::services::manager::Life;
use hubd_base::config::{Config, Service, ServiceTarget, ServiceToken, ServiceUrl};
use hubd_base::names::{ServiceName, UserName};
use hubd_base::secret::Secret;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

use crate::launcher::DEADLINE;
use crate::upstream;
use crate::world::{Answer, World, id};

fn service(name: &str) -> Service {
    Service::new(ServiceName::parse(name).unwrap())
}

fn at_tcp(mut service: Service) -> Service {
    let target = ServiceTarget::Tcp { host: "127.0.0.1".into(), port: 9000, tls: false };
    service.url = Some(ServiceUrl { text: "http://127.0.0.1:9000".into(), target });
    service
}

fn managed(name: &str) -> Service {
    Service { command: vec!["/usr/bin/true".into()], ..at_tcp(service(name)) }
}

async fn world_of(services: Vec<Service>) -> World {
    World::with("", |config| config.services = services).await
}

/// A token of a person with these scopes, to be made.
async fn of_person(world: &World, user: &str, scopes: &[&str]) -> NewToken {
    let user = UserName::parse(user).unwrap();
    world.app.people.keep(user.clone(), None, now()).await.unwrap();
    NewToken {
        owner: Owner::User(user),
        kind: Kind::Api,
        client: None,
        session: None,
        scopes: scopes.iter().map(ToString::to_string).collect(),
        note: String::new(),
        created: now(),
        expires: None,
    }
}

async fn token_of(world: &World, user: &str, scopes: &[&str]) -> String {
    let new = of_person(world, user, scopes).await;
    world.app.tokens.create(new).await.unwrap().0.to_string()
}

/// A token of an administrator.
async fn boss(world: &World) -> String {
    world.app.people.keep(UserName::parse("boss").unwrap(), Some(true), now()).await.unwrap();
    token_of(world, "boss", &["inherit"]).await
}

async fn call(world: &World, token: &str, method: &str, path: &str, body: &str) -> Answer {
    let request = world.browser().request(method, path).header("authorization", format!("token {token}"));
    world.browser().send(request.body(Full::from(body.to_owned())).unwrap()).await
}

fn json_of(answer: &Answer) -> Value {
    serde_json::from_slice(&answer.body).unwrap_or_else(|_| panic!("{}", answer.text()))
}

#[tokio::test]
async fn path_query_token_and_own_cookies_reach_a_service_and_the_login_stays() {
    let world = world_of(vec![managed("grades")]).await;
    let mut browser = world.browser_of("alice").await;
    let request = browser
        .request("GET", "/services/grades/show/a%2Fb%20c?x=%7B&y")
        .header("cookie", "jupyterhub-hub-login=secret; jupyterhub-session-id=known; service-grades=own")
        .header("authorization", "token given")
        .header("x-forwarded-for", "10.9.8.7");
    let seen = browser.send(request.body(Full::default()).unwrap()).await.text();
    assert!(seen.starts_with("GET /services/grades/show/a%2Fb%20c?x=%7B&y\n"), "{seen}");
    assert!(seen.contains("host: hub.example.org\n"), "{seen}");
    assert!(seen.contains("jupyterhub-session-id=known; service-grades=own\n"), "{seen}");
    assert!(seen.contains("authorization: token given\n"), "{seen}");
    assert!(seen.contains("x-forwarded-for: 127.0.0.1\n") && !seen.contains("10.9.8.7"), "{seen}");
    assert!(!seen.contains("secret"), "{seen}");
}

#[tokio::test]
async fn a_service_needs_no_gate_and_a_name_without_slash_gets_one() {
    let world = world_of(vec![managed("grades"), service("silent")]).await;
    let mut stranger = world.browser();
    assert_eq!(stranger.get("/services/grades/show").await.status, 200);
    let moved = stranger.get("/services/grades?a=b").await;
    assert_eq!((moved.status, moved.header("location")), (301, "/services/grades/?a=b"));
    for nowhere in ["/services/unknown/", "/services/silent/", "/services/", "/services", "/services/gradesx/"] {
        assert_eq!(stranger.get(nowhere).await.status, 404, "{nowhere}");
    }
    assert_eq!(stranger.get("/services/grade%73/show").await.status, 200);
}

#[tokio::test]
async fn a_tunnel_to_a_service_carries_bytes_both_ways() {
    let world = world_of(vec![managed("grades")]).await;
    let browser = world.browser();
    let request = browser.request("GET", "/services/grades/upgrade").header("connection", "Upgrade");
    let response = browser.open(request.header("upgrade", "websocket").body(Full::default()).unwrap()).await;
    assert_eq!(response.status(), 101);
    let mut tunnel = TokioIo::new(timeout(DEADLINE, hyper::upgrade::on(response)).await.unwrap().unwrap());
    tunnel.write_all(b"hello").await.unwrap();
    let mut answer = [0; 5];
    timeout(DEADLINE, tunnel.read_exact(&mut answer)).await.unwrap().unwrap();
    assert_eq!(&answer, b"hello");
}

#[tokio::test]
async fn a_service_that_does_not_answer_is_503_in_the_persons_language() {
    let world = world_of(vec![managed("grades")]).await;
    world.services.set("grades", UnitState::Absent);
    let mut browser = world.browser();
    let page = browser.get("/services/grades/show").await;
    assert_eq!(page.status, 503);
    assert!(page.text().contains("This service does not answer"), "{}", page.text());
    let request = browser.request("GET", "/services/grades/show").header("accept", "text/html");
    let page = browser.send(request.header("accept-language", "zh-CN").body(Full::default()).unwrap()).await;
    assert!(page.status == 503 && page.text().contains("这个服务没有响应"), "{}", page.text());
    let request = browser.request("POST", "/services/grades/api").body(Full::default()).unwrap();
    let answer = browser.send(request).await;
    assert_eq!((answer.status, &json_of(&answer)["message"]), (503, &json!("The service grades cannot be reached.")));
}

#[tokio::test]
async fn a_service_at_a_unix_socket_is_reached_there() {
    let mut grades = service("grades");
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("grades.sock");
    let text = format!("http+unix://{}", socket.display().to_string().replace('/', "%2F"));
    grades.url = Some(ServiceUrl { text, target: ServiceTarget::Unix(socket.clone()) });
    let world = world_of(vec![grades]).await;
    assert_eq!(world.browser().get("/services/grades/show").await.status, 503);
    tokio::spawn(upstream::serve(socket.clone(), std::sync::Arc::default()));
    while !socket.exists() {
        tokio::task::yield_now().await;
    }
    assert_eq!(world.browser().get("/services/grades/show").await.status, 200);
    assert!(world.services.starts.lock().unwrap().is_empty(), "nothing of it is for the broker to start");
}

#[tokio::test]
async fn a_managed_service_is_started_with_a_token_that_is_its_own() {
    let world = world_of(vec![Service { admin: true, ..managed("grades") }]).await;
    let tokens = world.services.tokens_of("grades");
    let [token] = &tokens[..] else { panic!("{tokens:?}") };
    let me = json_of(&call(&world, token, "GET", "/hub/api/user", "").await);
    assert_eq!((&me["kind"], &me["name"], &me["admin"]), (&json!("service"), &json!("grades"), &json!(true)));
    assert_eq!(call(&world, token, "GET", "/hub/api/users", "").await.status, 200);
    let condition = world.app.manager.condition("grades").unwrap();
    assert_eq!((condition.state, condition.pid), (Life::Running, 4711));
}

#[tokio::test]
async fn a_hub_that_begins_again_leaves_what_runs_and_its_token() {
    let world = world_of(vec![managed("grades")]).await;
    let token = world.services.tokens_of("grades").remove(0);
    let world = world.again(|_| {}).await;
    assert_eq!(world.services.tokens_of("grades").len(), 1, "it was not started again");
    assert!(world.services.stops.lock().unwrap().is_empty());
    assert_eq!(call(&world, &token, "GET", "/hub/api/user", "").await.status, 200);
    assert_eq!(world.app.manager.condition("grades").unwrap().state, Life::Running);
}

#[tokio::test]
async fn what_does_not_run_is_started_with_a_fresh_token_and_the_old_one_ends() {
    let world = world_of(vec![managed("grades")]).await;
    world.services.set("grades", UnitState::Failed { invocation: String::new(), result: "exit-code (1)".into() });
    let world = world.again(|_| {}).await;
    let tokens = world.services.tokens_of("grades");
    assert_eq!(tokens.len(), 2);
    assert_eq!(call(&world, &tokens[0], "GET", "/hub/api/user", "").await.status, 403);
    assert_eq!(call(&world, &tokens[1], "GET", "/hub/api/user", "").await.status, 200);
}

#[tokio::test]
async fn a_changed_configuration_starts_a_service_anew() {
    let world = world_of(vec![managed("grades"), managed("other")]).await;
    let change = |config: &mut Config| config.services[0].environment = vec![("A".into(), "1".into())];
    let world = world.again(change).await;
    assert_eq!(world.services.tokens_of("grades").len(), 2);
    assert_eq!(world.services.tokens_of("other").len(), 1);
    assert_eq!(*world.services.stops.lock().unwrap(), ["grades"]);
    // What only the hub looks at is no reason.
    let world = world.again(|config| config.services[0].display = false).await;
    assert_eq!(world.services.tokens_of("grades").len(), 2);
}

#[tokio::test]
async fn a_service_that_is_configured_no_longer_is_stopped_and_its_tokens_end() {
    let world = world_of(vec![managed("grades"), at_tcp(service("away"))]).await;
    let token = world.services.tokens_of("grades").remove(0);
    let issued = NewToken {
        kind: Kind::OAuth,
        client: Some("service-grades".into()),
        ..of_person(&world, "alice", &["read:users"]).await
    };
    let (issued, _) = world.app.tokens.create(issued).await.unwrap();
    assert_eq!(call(&world, &issued, "GET", "/hub/api/user", "").await.status, 200);
    assert_eq!(world.services.tokens_of("away"), [""], "the way to its address is made");
    let world = world.again(|config| config.services.clear()).await;
    let mut stops = world.services.stops.lock().unwrap().clone();
    stops.sort();
    assert_eq!(stops, ["away", "grades"]);
    assert_eq!(call(&world, &token, "GET", "/hub/api/user", "").await.status, 403);
    assert_eq!(call(&world, &issued, "GET", "/hub/api/user", "").await.status, 403);
}

#[tokio::test]
async fn a_service_that_cannot_be_started_is_shown_as_such_and_the_hub_serves() {
    let world = world_of(vec![managed("grades"), managed("other")]).await;
    world.services.set("grades", UnitState::Absent);
    world.services.refused.lock().unwrap().insert("grades".into());
    let world = world.again(|_| {}).await;
    let boss = boss(&world).await;
    let model = json_of(&call(&world, &boss, "GET", "/hub/api/services/grades", "").await);
    assert_eq!(
        (&model["pid"], &model["state_word"], &model["problem"]),
        (&json!(0), &json!("failed"), &json!("203/EXEC"))
    );
    assert_eq!(json_of(&call(&world, &boss, "GET", "/hub/api/services/other", "").await)["pid"], 4711);
}

fn secret(token: &str) -> ServiceToken {
    ServiceToken::from(Secret::from(token.to_owned()))
}

#[tokio::test]
async fn tokens_of_the_configuration_are_good_as_long_as_they_stand_there() {
    let first = Service { api_token: Some(secret("first-token")), ..managed("grades") };
    let outside = Service { api_token: Some(secret("outside-token")), ..service("outside") };
    let world = world_of(vec![first, outside]).await;
    assert_eq!(world.services.tokens_of("grades"), [""], "the broker reads it itself");
    let status = async |world: &World, token: &str| call(world, token, "GET", "/hub/api/user", "").await.status;
    assert_eq!((status(&world, "first-token").await, status(&world, "outside-token").await), (200, 200));
    let id = world.app.tokens.find("first-token", now()).unwrap().id;

    let world = world.again(|_| {}).await;
    assert_eq!(world.app.tokens.find("first-token", now()).unwrap().id, id);
    assert_eq!(world.services.tokens_of("grades").len(), 1);

    let world = world.again(|config| config.services[0].api_token = Some(secret("second-token"))).await;
    assert_eq!((status(&world, "first-token").await, status(&world, "second-token").await), (403, 200));
    assert_eq!(world.services.tokens_of("grades").len(), 2, "it is started anew with it");

    // The configuration is root's: it takes a token from whoever had it, and says whose it is.
    let swap = |config: &mut Config| {
        config.services[0].api_token = Some(secret("outside-token"));
        config.services[1].api_token = None;
    };
    let world = world.again(swap).await;
    let me = json_of(&call(&world, "outside-token", "GET", "/hub/api/user", "").await);
    assert_eq!(me["name"], "grades");
    assert_eq!(status(&world, "second-token").await, 403);
}

#[tokio::test]
async fn what_cannot_be_reached_says_why() {
    let world = world_of(Vec::new()).await;
    let added = |url: &str| Added {
        url: url.into(),
        admin: false,
        client_id: None,
        redirect_uri: None,
        allowed_scopes: Vec::new(),
        no_confirm: false,
        display: true,
        info: serde_json::Map::new(),
    };
    for (name, url) in [("tls", "https://127.0.0.1"), ("added", "http://127.0.0.1:1")] {
        world.app.services.add(name, added(url), now()).await.unwrap().unwrap();
    }
    for (name, part) in [("tls", "https addresses are not supported"), ("added", "no network of its own")] {
        let answer = call(&world, "none", "GET", &format!("/services/{name}/api"), "").await;
        assert_eq!(answer.status, 503);
        assert!(answer.text().contains(part), "{}", answer.text());
    }
}

#[tokio::test]
async fn services_are_listed_and_shown_by_scope() {
    let mut grades = managed("grades");
    grades.info = vec![("contact".into(), "root".into())];
    let world = world_of(vec![grades, service("token-only")]).await;
    let boss = boss(&world).await;
    let all = json_of(&call(&world, &boss, "GET", "/hub/api/services", "").await);
    assert_eq!(
        all["grades"],
        json!({
            "kind": "service", "name": "grades", "admin": false, "roles": [], "url": "http://127.0.0.1:9000",
            "prefix": "/services/grades/", "command": ["/usr/bin/true"], "pid": 4711, "info": {"contact": "root"},
            "display": true, "state_word": "running", "problem": null,
        })
    );
    assert_eq!((&all["token-only"]["prefix"], &all["token-only"]["pid"]), (&json!(""), &json!(0)));
    let own = world.services.tokens_of("grades").remove(0);
    assert_eq!(call(&world, &own, "GET", "/hub/api/services", "").await.status, 403);
    assert_eq!(call(&world, &own, "GET", "/hub/api/services/grades", "").await.status, 403);
}

#[tokio::test]
async fn filters_decide_which_services_are_seen() {
    let world = World::with("", |config| {
        config.services = vec![managed("grades"), managed("other")];
        config.roles = vec![role("one", &["list:services!service=grades", "read:services!service=grades"], &["alice"])];
    })
    .await;
    let alice = token_of(&world, "alice", &["inherit"]).await;
    let all = json_of(&call(&world, &alice, "GET", "/hub/api/services", "").await);
    assert_eq!(all.as_object().unwrap().keys().collect::<Vec<_>>(), ["grades"]);
    assert_eq!(call(&world, &alice, "GET", "/hub/api/services/grades", "").await.status, 200);
    for hidden in ["other", "unknown"] {
        let answer = call(&world, &alice, "GET", &format!("/hub/api/services/{hidden}"), "").await;
        assert_eq!(answer.status, 404);
        assert_eq!(json_of(&answer)["message"], "No access to resources or resources not found");
    }
    let bob = token_of(&world, "bob", &["inherit"]).await;
    let answer = call(&world, &bob, "GET", "/hub/api/services", "").await;
    let message = "Action is not authorized with current scopes; requires any of [list:services]";
    assert_eq!((answer.status, &json_of(&answer)["message"]), (403, &json!(message)));
}

fn role(name: &str, scopes: &[&str], users: &[&str]) -> hubd_base::config::Role {
    hubd_base::config::Role {
        name: name.into(),
        description: String::new(),
        scopes: Some(scopes.iter().map(ToString::to_string).collect()),
        users: users.iter().map(|user| UserName::parse(user).unwrap()).collect(),
        groups: Vec::new(),
        services: Vec::new(),
    }
}

#[tokio::test]
async fn a_service_is_added_persists_and_is_deleted_with_its_tokens() {
    let world = world_of(Vec::new()).await;
    let boss_token = boss(&world).await;
    let body = json!({
        "api_token": "0123456789abcdef", "info": {"a": 1}, "display": false, "oauth_no_confirm": true,
        "oauth_redirect_uri": "https://grades.example.org/back", "oauth_client_allowed_scopes": ["read:users"],
    });
    let made = call(&world, &boss_token, "POST", "/hub/api/services/grades", &body.to_string()).await;
    assert_eq!(made.status, 201, "{}", made.text());
    let model = json!({
        "kind": "service", "name": "grades", "admin": false, "roles": [], "url": "", "prefix": "", "command": [],
        "pid": 0, "info": {"a": 1}, "display": false,
    });
    assert_eq!(json_of(&made), model);
    let again = call(&world, &boss_token, "POST", "/hub/api/services/grades", "{}").await;
    assert_eq!((again.status, &json_of(&again)["message"]), (409, &json!("Service grades already exists")));
    let me = json_of(&call(&world, "0123456789abcdef", "GET", "/hub/api/user", "").await);
    assert_eq!(me["name"], "grades");

    let world = world.again(|_| {}).await;
    let kept = world.app.services.find("grades").unwrap();
    assert_eq!(kept.client_id.as_deref(), Some("service-grades"));
    assert_eq!((kept.redirect_uri.as_str(), kept.no_confirm), ("https://grades.example.org/back", true));
    assert_eq!(kept.allowed_scopes, ["read:users"]);
    assert_eq!(json_of(&call(&world, &boss_token, "GET", "/hub/api/services/grades", "").await), model);
    assert_eq!(call(&world, "0123456789abcdef", "GET", "/hub/api/user", "").await.status, 200);

    let gone = call(&world, &boss_token, "DELETE", "/hub/api/services/grades", "").await;
    assert_eq!((gone.status, gone.body.len()), (200, 0));
    assert_eq!(call(&world, "0123456789abcdef", "GET", "/hub/api/user", "").await.status, 403);
    let gone = call(&world, &boss_token, "DELETE", "/hub/api/services/grades", "").await;
    assert_eq!((gone.status, &json_of(&gone)["message"]), (404, &json!("Service grades does not exist")));
    assert!(world.again(|_| {}).await.app.services.find("grades").is_none());
}

#[tokio::test]
async fn services_of_the_configuration_stay_as_they_are() {
    let world = world_of(vec![managed("grades")]).await;
    let boss = boss(&world).await;
    let answer = call(&world, &boss, "DELETE", "/hub/api/services/grades", "").await;
    let message = "Service grades is not modifiable at runtime";
    assert_eq!((answer.status, &json_of(&answer)["message"]), (405, &json!(message)));
    let answer = call(&world, &boss, "POST", "/hub/api/services/grades", "{\"admin\": true}").await;
    assert_eq!((answer.status, &json_of(&answer)["message"]), (409, &json!("Service grades already exists")));
}

#[tokio::test]
async fn what_cannot_be_a_service_is_refused_in_the_contracts_words() {
    let world = world_of(vec![managed("taken")]).await;
    let boss = boss(&world).await;
    for (body, message) in [
        ("", "Invalid service data"),
        ("{}", "Invalid service data"),
        ("[]", "Invalid service data"),
        ("[1]", "Invalid service data"),
        ("nonsense", "Invalid JSON in body of request"),
        (r#"{"command": ["true"]}"#, "Can not create managed service x at runtime"),
        (r#"{"timeout": 5}"#, "Invalid JSON keys: {'timeout': 5}"),
        (r#"{"admin": 1}"#, "service.admin must be <class 'bool'>, not: <class 'int'>"),
        (r#"{"url": null}"#, "service.url must be <class 'str'>, not: <class 'NoneType'>"),
        (r#"{"oauth_client_allowed_scopes": [1]}"#, "Failed to create service x"),
        (r#"{"oauth_client_allowed_scopes": ["nonsense"]}"#, "Scopes of service x do not exist: [nonsense]"),
        (r#"{"url": "ftp://a"}"#, "Failed to create service x"),
        (r#"{"url": "http://"}"#, "Failed to create service x"),
        (r#"{"oauth_client_id": "grades"}"#, "Failed to create service x"),
        (r#"{"oauth_client_id": "service-y"}"#, "Failed to create service x"),
        (r#"{"oauth_client_id": "service-taken", "url": "http://a"}"#, "Failed to create service x"),
        (r#"{"api_token": "short"}"#, "Failed to create service x"),
        (r#"{"api_token": "with blanks in it"}"#, "Failed to create service x"),
    ] {
        let answer = call(&world, &boss, "POST", "/hub/api/services/x", body).await;
        assert_eq!((answer.status, &json_of(&answer)["message"]), (400, &json!(message)), "{body}");
    }
    let taken = json!({"api_token": boss}).to_string();
    assert_eq!(call(&world, &boss, "POST", "/hub/api/services/x", &taken).await.status, 400);
    for name in ["a%2Fb", "..", "a%20b", "%C3%BC"] {
        let answer = call(&world, &boss, "POST", &format!("/hub/api/services/{name}"), r#"{"admin": false}"#).await;
        assert_eq!(answer.status, 400, "{name} {}", answer.text());
    }
    assert_eq!(world.app.services.all().len(), 1);
}

#[tokio::test]
async fn nobody_makes_a_service_that_may_do_more_than_they() {
    let world = World::with("", |config| {
        config.roles = vec![role("maker", &["admin:services", "read:users!user=alice"], &["alice"])];
    })
    .await;
    let alice = token_of(&world, "alice", &["inherit"]).await;
    for (body, missing) in [
        (r#"{"oauth_client_allowed_scopes": ["read:users"]}"#, "read:users:activity"),
        (r#"{"admin": true}"#, "shutdown"),
    ] {
        let answer = call(&world, &alice, "POST", "/hub/api/services/x", body).await;
        assert_eq!(answer.status, 400);
        assert!(answer.text().contains(missing), "{}", answer.text());
    }
    let narrow = r#"{"oauth_client_allowed_scopes": ["read:users!user=alice"]}"#;
    assert_eq!(call(&world, &alice, "POST", "/hub/api/services/x", narrow).await.status, 201);
    let bob = token_of(&world, "bob", &["inherit"]).await;
    for method in ["POST", "DELETE"] {
        assert_eq!(call(&world, &bob, method, "/hub/api/services/y", narrow).await.status, 403);
    }
}

#[tokio::test]
async fn an_added_service_is_reached_over_tcp_once_it_answers() {
    let world = world_of(Vec::new()).await;
    let boss = boss(&world).await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(upstream::serve_tcp(listener));
    let body = json!({"url": format!("http://127.0.0.1:{port}")}).to_string();
    assert_eq!(call(&world, &boss, "POST", "/hub/api/services/grades", &body).await.status, 201);
    let seen = world.browser().get("/services/grades/show").await.text();
    assert!(seen.starts_with("GET /services/grades/show\n"), "{seen}");
    let table = json_of(&call(&world, &boss, "GET", "/hub/api/proxy", "").await);
    assert_eq!(table["/services/grades/"]["target"], format!("http://127.0.0.1:{port}"));
}

#[tokio::test]
async fn the_table_of_routes_names_hub_servers_and_services() {
    let world = world_of(vec![managed("grades")]).await;
    world.browser_in_server_of("alice").await;
    let boss = boss(&world).await;
    let table = json_of(&call(&world, &boss, "GET", "/hub/api/proxy", "").await);
    let paths: Vec<_> = table.as_object().unwrap().keys().collect();
    assert_eq!(paths, ["/", "/services/grades/", "/user/alice/"]);
    assert_eq!(table["/"]["data"], json!({"hub": true}));
    assert_eq!(table["/services/grades/"]["data"], json!({"service": "grades"}));
    let alice = &table["/user/alice/"];
    assert_eq!((&alice["routespec"], &alice["data"]["user"]), (&json!("/user/alice/"), &json!("alice")));
    assert_eq!(alice["data"]["server_name"], "");
    assert!(alice["data"]["last_activity"].as_str().unwrap().ends_with('Z'));
    assert!(alice["target"].as_str().unwrap().starts_with("http+unix://%2F"));
    let request = world.browser().request("GET", "/hub/api/proxy?limit=1&offset=1");
    let request = request.header("authorization", format!("token {boss}"));
    let request = request.header("accept", "application/jupyterhub-pagination+json").body(Full::default()).unwrap();
    let page = json_of(&world.browser().send(request).await);
    assert_eq!(page["items"].as_object().unwrap().keys().collect::<Vec<_>>(), ["/services/grades/"]);
    assert_eq!((&page["_pagination"]["total"], &page["_pagination"]["next"]["offset"]), (&json!(3), &json!(2)));
}

#[tokio::test]
async fn the_table_can_be_synchronised_and_another_proxy_told_of() {
    let world = world_of(Vec::new()).await;
    let boss = boss(&world).await;
    let answer = call(&world, &boss, "POST", "/hub/api/proxy", "").await;
    assert_eq!((answer.status, answer.body.len()), (200, 0));
    for (body, status, message) in [
        ("", 400, json!("need JSON body")),
        ("[]", 400, json!("Request body must be JSON dict")),
        ("\"x\"", 400, json!("Request body must be JSON dict")),
    ] {
        let answer = call(&world, &boss, "PATCH", "/hub/api/proxy", body).await;
        assert_eq!((answer.status, &json_of(&answer)["message"]), (status, &message));
    }
    let body = r#"{"api_url": "http://127.0.0.1:8001", "auth_token": "x"}"#;
    assert_eq!(call(&world, &boss, "PATCH", "/hub/api/proxy", body).await.status, 200);
    let alice = token_of(&world, "alice", &["inherit"]).await;
    for method in ["GET", "POST", "PATCH"] {
        assert_eq!(call(&world, &alice, method, "/hub/api/proxy", "{}").await.status, 403);
    }
}

#[tokio::test]
async fn a_shutdown_is_answered_and_then_done() {
    let world = world_of(vec![managed("grades")]).await;
    let boss = boss(&world).await;
    world.browser_in_server_of("alice").await;
    for (body, message) in [
        (r#"{"proxy": "x"}"#, "proxy must be true or false, got 'x'"),
        (r#"{"servers": 1}"#, "servers must be true or false, got 1"),
        (r#"{"servers": null}"#, "servers must be true or false, got None"),
    ] {
        let answer = call(&world, &boss, "POST", "/hub/api/shutdown", body).await;
        assert_eq!((answer.status, &json_of(&answer)["message"]), (400, &json!(message)));
    }
    let alice = token_of(&world, "alice", &["inherit"]).await;
    assert_eq!(call(&world, &alice, "POST", "/hub/api/shutdown", "").await.status, 403);
    assert!(!world.app.stop.is_cancelled());
    let answer = call(&world, &boss, "POST", "/hub/api/shutdown", "").await;
    assert_eq!((answer.status, json_of(&answer)), (202, json!({"message": "Shutting down Hub"})));
    timeout(DEADLINE, world.app.stop.cancelled()).await.expect("the hub ends");
    assert_eq!(world.app.servers.get(&id("alice")).snapshot().state.word(), "running");
    assert!(world.services.stops.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_shutdown_with_servers_stops_them_and_the_services_first() {
    let world = world_of(vec![managed("grades")]).await;
    let boss = boss(&world).await;
    world.browser_in_server_of("alice").await;
    let answer = call(&world, &boss, "POST", "/hub/api/shutdown", r#"{"servers": true, "proxy": true}"#).await;
    assert_eq!(answer.status, 202);
    timeout(DEADLINE, world.app.stop.cancelled()).await.expect("the hub ends");
    assert_eq!(world.app.servers.get(&id("alice")).snapshot().state.word(), "stopped");
    assert_eq!(*world.services.stops.lock().unwrap(), ["grades"]);
}

#[tokio::test]
async fn the_pages_list_the_services_a_person_may_use() {
    let world = World::with("", |config| {
        let hidden = Service { display: false, ..managed("unlisted") };
        config.services = vec![managed("grades"), managed("other"), hidden, service("pageless")];
        config.roles = vec![role("readers", &["access:services!service=grades"], &["alice"])];
    })
    .await;
    let page = world.browser_of("alice").await.get("/hub/home").await.text();
    assert!(page.contains("<a href=\"/services/grades/\">grades</a>"), "{page}");
    assert!(!page.contains("/services/other/"), "{page}");
    let page = world.browser_of("boss").await.get("/hub/home").await.text();
    assert!(page.contains("/services/grades/") && page.contains("/services/other/"), "{page}");
    assert!(!page.contains("unlisted") && !page.contains("pageless"), "{page}");
    assert!(!world.browser_of("bob").await.get("/hub/home").await.text().contains("/services/"));
}
