//! `/hub/api/shares`, `/hub/api/users/{user}/shared`, `/hub/api/groups/{group}/shared`, and what a share opens.

use bytes::Bytes;
use http_body_util::Full;
use hubd::auth::changes::Changes;
use hubd::auth::shares::{Grantee, Share, Shares};
use hubd::auth::tokens::{Kind, NewToken, Owner};
use hubd::clock::now;
use hubd::store::Store;
use hubd_base::config::{Config, CustomScope, Role};
use hubd_base::names::{ServerId, ServerName, UserName};
use serde_json::{Value, json};

use crate::tunnel;
use crate::world::{World, id};

/// What a program calls with.
pub struct Program<'a> {
    pub world: &'a World,
    token: String,
}

impl<'a> Program<'a> {
    /// With a token of that person that has these scopes.
    pub async fn of(world: &'a World, user: &str, scopes: &[&str]) -> Self {
        let new = NewToken {
            owner: Owner::User(name(user)),
            kind: Kind::Api,
            client: None,
            session: None,
            scopes: scopes.iter().map(ToString::to_string).collect(),
            note: String::new(),
            created: now(),
            expires: None,
        };
        let token = world.app.tokens.create(new).await.unwrap().0.to_string();
        Self { world, token }
    }

    pub async fn call(&self, method: &str, path: &str, body: &str) -> (u16, Value) {
        let mut browser = self.world.browser();
        let request = browser.request(method, &format!("/hub/api{path}"));
        let request = request.header("authorization", format!("token {}", self.token));
        let answer = browser.send(request.body(Full::new(Bytes::from(body.to_owned()))).unwrap()).await;
        (answer.status, serde_json::from_slice(&answer.body).unwrap_or(Value::Null))
    }

    pub async fn get(&self, path: &str) -> Value {
        let (status, value) = self.call("GET", path, "").await;
        assert_eq!(status, 200, "{path}: {value}");
        value
    }

    pub async fn post(&self, path: &str, body: &Value) -> Value {
        let (status, value) = self.call("POST", path, &body.to_string()).await;
        assert_eq!(status, 200, "{path}: {value}");
        value
    }

    /// The status and sentence of a refusal.
    pub async fn refusal(&self, method: &str, path: &str, body: &str) -> (u16, String) {
        let (status, value) = self.call(method, path, body).await;
        (status, value["message"].as_str().unwrap_or_default().to_owned())
    }
}

pub fn name(user: &str) -> UserName {
    UserName::parse(user).unwrap()
}

fn role(name: &str, scopes: &[&str]) -> Role {
    let (description, users, groups, services) = (String::new(), vec![], vec![], vec![]);
    let scopes = Some(scopes.iter().map(ToString::to_string).collect());
    Role { name: name.to_owned(), description, scopes, users, groups, services }
}

/// A hub with these people, and Alice's server running. She may share it with people and groups she can name.
pub async fn world(people: &[&str]) -> World {
    world_with(people, |_| {}).await
}

pub async fn world_with(people: &[&str], change: impl FnOnce(&mut Config)) -> World {
    let scopes = ["shares!user", "servers!user", "read:users:name", "read:groups:name"];
    let sharer = Role { users: vec![name("alice")], ..role("sharer", &scopes) };
    let world = World::with("", |config| {
        config.roles.push(sharer);
        config.server.named_limit = None;
        change(config);
    })
    .await;
    for person in ["alice"].iter().chain(people) {
        world.app.people.keep(name(person), None, now()).await.unwrap();
    }
    world.app.servers.start(&id("alice")).unwrap();
    world.wait_for("alice", "running").await;
    world
}

/// Another server of Alice's.
async fn start_named(world: &World, server: &str) {
    let id = ServerId { user: name("alice"), server: ServerName::parse(server).unwrap() };
    let mut changes = world.app.servers.start(&id).unwrap().follow();
    let running = changes.wait_for(|snapshot| snapshot.state.is_ready());
    tokio::time::timeout(crate::launcher::DEADLINE, running).await.unwrap().unwrap();
}

/// Memory and store tell the same; returns what they tell.
async fn everything(world: &World) -> Vec<String> {
    let line = |share: &Share| format!("{} {:?} {} {:?}", share.id, share.with, share.server, share.scopes());
    let store = Store::open(&world.folder.path().join("hub.sqlite")).unwrap();
    let stored = Shares::load(store, Changes::default()).await.unwrap();
    let of = |shares: &Shares| -> Vec<String> {
        let owners = ["alice", "bob", "carol", "anna"];
        owners.iter().flat_map(|owner| shares.owned_by(&name(owner))).map(|share| line(&share)).collect()
    };
    assert_eq!(of(&world.app.shares), of(&stored));
    of(&stored)
}

#[tokio::test]
async fn a_share_is_granted_seen_merged_narrowed_and_revoked() {
    let world = world(&["bob"]).await;
    let alice = Program::of(&world, "alice", &["inherit"]).await;
    let bob = Program::of(&world, "bob", &["inherit"]).await;
    let share = alice.post("/shares/alice/", &json!({"user": "bob"})).await;
    assert!(share["created_at"].as_str().unwrap().ends_with('Z'));
    assert_eq!(
        share,
        json!({
            "kind": "user", "user": {"name": "bob"}, "group": null,
            "scopes": ["access:servers!server=alice/"],
            "server": {"user": {"name": "alice"}, "name": "", "url": "/user/alice/", "full_url": null, "ready": true},
            "created_at": share["created_at"],
        })
    );
    let wider = json!({"user": "bob", "group": null, "scopes": ["read:servers", "read:servers!server=alice/"]});
    let merged = alice.post("/shares/alice/", &wider).await;
    assert_eq!(merged["scopes"], json!(["access:servers!server=alice/", "read:servers!server=alice/"]));
    assert_eq!(merged["created_at"], share["created_at"]);
    let page = json!({"items": [merged], "_pagination": {"offset": 0, "limit": 200, "total": 1, "next": null}});
    for path in ["/shares/alice", "/shares/alice/"] {
        assert_eq!(alice.get(path).await, page, "{path}");
    }
    assert_eq!(bob.get("/users/bob/shared").await, page);
    assert_eq!(bob.get("/users/bob/shared/alice/").await, merged);
    assert_eq!(everything(&world).await.len(), 1);
    let body = r#"{"user": "bob", "scopes": ["access:servers"]}"#;
    let (status, left) = alice.call("PATCH", "/shares/alice/", body).await;
    assert_eq!((status, &left["scopes"]), (200, &json!(["read:servers!server=alice/"])));
    assert!(everything(&world).await[0].contains("[\"read:servers!server=alice/\"]"));
    for body in [r#"{"user": "bob"}"#, r#"{"user": "bob"}"#, r#"{"user": "nobody"}"#, r#"{"group": "none"}"#] {
        assert_eq!(alice.call("PATCH", "/shares/alice/", body).await, (200, json!({})), "{body}");
    }
    assert_eq!(alice.get("/shares/alice").await["_pagination"]["total"], 0);
    assert_eq!(everything(&world).await, Vec::<String>::new());
}

#[tokio::test]
async fn what_cannot_be_shared_is_told_in_the_words_of_the_contract() {
    let world = world_with(&["bob"], |config| {
        let (name, description) = ("custom:grades".to_owned(), "Read grades.".to_owned());
        config.custom_scopes.push(CustomScope { name, description, subscopes: vec![] });
    })
    .await;
    let alice = Program::of(&world, "alice", &["inherit"]).await;
    let blind = Program::of(&world, "alice", &["shares!user"]).await;
    world.app.groups.add(vec!["class".into()], vec![]).await.unwrap();
    let denied = |scope: &str| format!("Do not have permission to grant share with scope {scope}!server=alice/");
    for (body, status, message) in [
        ("", 400, "Specify exactly one of `user` or `group`".to_owned()),
        ("{}", 400, "Specify exactly one of `user` or `group`".to_owned()),
        (r#"{"user": "bob", "group": "class"}"#, 400, "Expected exactly one of `user` or `group`, not both.".into()),
        (r#"{"user": "bob", "extra": 1}"#, 400, "extra: Extra inputs are not permitted".into()),
        (r#"{"user": 1}"#, 400, "user: must be a string, not 1".into()),
        (r#"{"user": "bob", "scopes": "x"}"#, 400, "scopes: must be a list of strings, not 'x'".into()),
        (r#"{"user": "bob", "scopes": [null]}"#, 400, "scopes: must be a list of strings, not None".into()),
        ("[]", 400, "the body must be a JSON object".into()),
        ("{", 400, "Invalid JSON in body of request".into()),
        (r#"{"user": "bob", "scopes": ["nonsense"]}"#, 400, "there is no scope 'nonsense'".into()),
        (r#"{"user": "bob", "scopes": [""]}"#, 400, "there is no scope ''".into()),
        (
            r#"{"user": "bob", "scopes": ["access:servers!user=alice"]}"#,
            400,
            "!user=alice not allowed on sharing access:servers!user=alice, only !server=alice/".into(),
        ),
        (
            r#"{"user": "bob", "scopes": ["access:servers!server=bob/"]}"#,
            400,
            "!server=bob/ not allowed on sharing access:servers!server=bob/, only !server=alice/".into(),
        ),
        (r#"{"user": "bob", "scopes": ["admin:servers"]}"#, 403, denied("admin:servers")),
        (r#"{"user": "bob", "scopes": ["self"]}"#, 403, denied("self")),
        (r#"{"user": "bob", "scopes": ["inherit"]}"#, 403, denied("inherit")),
        (r#"{"user": "bob", "scopes": ["custom:grades"]}"#, 403, denied("custom:grades")),
        (
            r#"{"user": "bob", "scopes": ["users:shares"]}"#,
            400,
            "scope users:shares cannot be shared: it is not about a server".into(),
        ),
        (r#"{"user": ""}"#, 400, "No such user: ".into()),
        (r#"{"user": "nobody"}"#, 400, "No such user: nobody".into()),
        (r#"{"group": "none"}"#, 400, "No such group: none".into()),
    ] {
        assert_eq!(alice.refusal("POST", "/shares/alice/", body).await, (status, message), "{body}");
    }
    for (body, message) in [
        (r#"{"user": "bob"}"#, "Need scope 'read:users:name' to share with users by name"),
        (r#"{"user": "nobody"}"#, "Need scope 'read:users:name' to share with users by name"),
        (r#"{"group": "class"}"#, "Need scope 'read:groups:name' to share with groups by name"),
    ] {
        assert_eq!(blind.refusal("POST", "/shares/alice/", body).await, (403, message.to_owned()), "{body}");
    }
    assert_eq!(everything(&world).await, Vec::<String>::new(), "nothing of all that was shared");
}

#[tokio::test]
async fn addresses_without_a_server_and_servers_that_are_none() {
    let world = world(&["bob", "boss"]).await;
    let alice = Program::of(&world, "alice", &["inherit"]).await;
    let bob = Program::of(&world, "bob", &["inherit"]).await;
    let needs = |scope: &str| format!("Action is not authorized with current scopes; requires any of [{scope}]");
    let outside = "No access to resources or resources not found".to_owned();
    for kind in ["shares", "share-codes"] {
        for method in ["POST", "PATCH", "DELETE"] {
            let refusal = alice.refusal(method, &format!("/{kind}/alice"), "{}").await;
            assert_eq!(refusal, (405, "Method Not Allowed".to_owned()), "{kind} {method}");
        }
        for server in ["none", "No Server", "a%2Fb"] {
            let (path, shown) = (format!("/{kind}/alice/{server}"), server.replace("%2F", "/"));
            let methods: &[_] =
                if kind == "shares" { &["GET", "POST", "PATCH", "DELETE"] } else { &["GET", "POST", "DELETE"] };
            for method in methods {
                let body = if kind == "shares" && *method != "GET" { r#"{"user": "bob"}"# } else { "" };
                let refusal = alice.refusal(method, &path.replace(' ', "%20"), body).await;
                assert_eq!(refusal, (404, format!("No such server: alice/{shown}")), "{method} {path}");
            }
        }
        assert_eq!(bob.refusal("POST", &format!("/{kind}/bob/"), "").await, (403, needs("shares")));
        assert_eq!(alice.refusal("POST", &format!("/{kind}/bob/"), "").await, (404, outside.clone()));
        assert_eq!(bob.refusal("GET", &format!("/{kind}/alice/"), "").await, (404, outside.clone()));
        assert_eq!(bob.refusal("GET", &format!("/{kind}/alice"), "").await, (404, outside.clone()));
        assert_eq!(bob.get(&format!("/{kind}/bob")).await["items"], json!([]));
    }
    assert_eq!(bob.refusal("GET", "/users/alice/shared", "").await, (404, outside.clone()));
    assert_eq!(bob.refusal("GET", "/groups/class/shared", "").await, (403, needs("read:groups:shares")));
    let none = (404, "No such share for user bob on alice/".to_owned());
    for method in ["GET", "DELETE"] {
        assert_eq!(bob.refusal(method, "/users/bob/shared/alice/", "").await, none);
    }
}

#[tokio::test]
async fn a_list_shows_what_the_callers_scope_covers() {
    let world = world(&["bob", "carol"]).await;
    start_named(&world, "gpu").await;
    let alice = Program::of(&world, "alice", &["inherit"]).await;
    for server in ["", "gpu"] {
        alice.post(&format!("/shares/alice/{server}"), &json!({"user": "bob"})).await;
        alice.post(&format!("/share-codes/alice/{server}"), &json!({})).await;
    }
    let gpu = Program::of(&world, "alice", &["read:shares!server=alice/gpu"]).await;
    for kind in ["shares", "share-codes"] {
        assert_eq!(alice.get(&format!("/{kind}/alice")).await["_pagination"]["total"], 2);
        for path in [format!("/{kind}/alice"), format!("/{kind}/alice/gpu")] {
            let seen = gpu.get(&path).await;
            assert_eq!(
                (&seen["_pagination"]["total"], &seen["items"][0]["server"]["name"]),
                (&json!(1), &json!("gpu"))
            );
        }
        assert_eq!(gpu.call("GET", &format!("/{kind}/alice/"), "").await.0, 404);
        assert_eq!(gpu.call("GET", &format!("/{kind}/bob"), "").await.0, 404);
    }
    alice.post("/shares/alice/", &json!({"user": "carol"})).await;
    let page = alice.get("/shares/alice?limit=2&offset=0").await;
    assert_eq!(page["items"].as_array().unwrap().len(), 2);
    assert_eq!(page["_pagination"]["next"]["url"], "http://hub.example.org/hub/api/shares/alice?offset=2&limit=2");
    let page = alice.get("/shares/alice?limit=2&offset=2").await;
    assert_eq!(page["items"][0]["user"]["name"], "carol");
    assert_eq!(alice.call("DELETE", "/shares/alice/", "").await.0, 204);
    assert_eq!(alice.get("/shares/alice").await["_pagination"]["total"], 1, "the other server is still shared");
    everything(&world).await;
}

#[tokio::test]
async fn people_give_up_what_is_shared_with_them_and_nobody_elses() {
    let world = world(&["bob", "carol"]).await;
    let alice = Program::of(&world, "alice", &["inherit"]).await;
    let bob = Program::of(&world, "bob", &["inherit"]).await;
    for person in ["bob", "carol"] {
        alice.post("/shares/alice/", &json!({"user": person})).await;
    }
    assert_eq!(bob.call("DELETE", "/users/carol/shared/alice/", "").await.0, 404);
    assert_eq!(bob.call("DELETE", "/users/bob/shared/alice/", "").await.0, 204);
    assert_eq!(bob.call("DELETE", "/users/bob/shared/alice/", "").await.0, 404);
    assert_eq!(everything(&world).await.len(), 1);
}

#[tokio::test]
async fn a_share_with_a_group_reaches_its_members_and_their_tokens() {
    let teacher = Role { groups: vec!["class".into()], ..role("teacher", &["groups:shares!group=class"]) };
    let world = world_with(&["bob", "carol"], |config| config.roles.push(teacher)).await;
    world.app.groups.add(vec!["class".into()], vec![name("bob")]).await.unwrap();
    let alice = Program::of(&world, "alice", &["inherit"]).await;
    let bob = Program::of(&world, "bob", &["inherit"]).await;
    let share = alice.post("/shares/alice/", &json!({"group": "class"})).await;
    assert_eq!(
        (&share["kind"], &share["group"], &share["user"]),
        (&json!("group"), &json!({"name": "class"}), &Value::Null)
    );
    assert_eq!(bob.get("/users/bob/shared").await["items"], json!([share]));
    assert_eq!(bob.get("/groups/class/shared").await["items"], json!([share]));
    assert_eq!(bob.get("/groups/class/shared/alice/").await, share);
    let scopes = bob.get("/user").await["scopes"].clone();
    assert!(scopes.as_array().unwrap().contains(&json!("access:servers!server=alice/")), "{scopes}");
    assert!(world.app.may_access(&name("bob"), &id("alice")) && !world.app.may_access(&name("carol"), &id("alice")));
    let none = (404, "No such share for group class on alice/none".to_owned());
    assert_eq!(bob.refusal("GET", "/groups/class/shared/alice/none", "").await, none);
    world.app.groups.change("class", vec![], vec![name("bob")]).await.unwrap();
    assert!(!world.app.may_access(&name("bob"), &id("alice")), "who leaves the group leaves the share");
    world.app.groups.change("class", vec![name("bob")], vec![]).await.unwrap();
    assert_eq!(bob.call("DELETE", "/groups/class/shared/alice/", "").await.0, 204);
    assert!(!world.app.may_access(&name("bob"), &id("alice")));
    assert_eq!(everything(&world).await, Vec::<String>::new());
}

#[tokio::test]
async fn a_share_opens_the_server_to_another_browser_until_it_is_revoked() {
    let world = world(&["bob"]).await;
    let alice = Program::of(&world, "alice", &["inherit"]).await;
    let mut bob = world.browser_of("bob").await;
    assert_eq!(bob.follow("/user/alice/show").await.status, 403);
    alice.post("/shares/alice/", &json!({"user": "bob"})).await;
    assert!(bob.enter("/user/alice/show").await.text().starts_with("GET /user/alice/show"));
    let mut open = tunnel::open(&bob).await;
    tunnel::echo(&mut open).await;
    let narrower = r#"{"user": "bob", "scopes": ["read:servers"]}"#;
    assert_eq!(alice.call("PATCH", "/shares/alice/", narrower).await.0, 200);
    tunnel::echo(&mut open).await;
    assert_eq!(alice.call("PATCH", "/shares/alice/", r#"{"user": "bob"}"#).await, (200, json!({})));
    tunnel::closes(&mut open).await;
    assert_eq!(bob.follow("/user/alice/show").await.status, 403);
}

#[tokio::test]
async fn shares_follow_people_groups_and_servers() {
    let world = world(&["bob", "carol"]).await;
    start_named(&world, "gpu").await;
    let alice = Program::of(&world, "alice", &["inherit"]).await;
    world.app.groups.add(vec!["class".into()], vec![name("carol")]).await.unwrap();
    for with in [json!({"user": "bob"}), json!({"user": "carol"}), json!({"group": "class"})] {
        for server in ["", "gpu"] {
            alice.post(&format!("/shares/alice/{server}"), &with).await;
        }
    }
    let made = alice.post("/share-codes/alice/gpu", &json!({})).await;
    let code = made["code"].as_str().unwrap();
    let app = &world.app;
    assert_eq!(everything(&world).await.len(), 6);
    app.groups.delete("class").await.unwrap();
    app.shares.forget_group("class").await;
    assert_eq!(everything(&world).await.len(), 4);
    app.people.delete(&app.people.named("bob").unwrap()).await.unwrap();
    app.shares.forget_user(&name("bob")).await;
    assert_eq!(everything(&world).await.len(), 2);
    app.people.change(app.people.named("carol").unwrap().id, Some(name("cora")), false).await.unwrap();
    app.shares.rename_user(&name("carol"), &name("cora")).await;
    app.people.change(app.people.named("alice").unwrap().id, Some(name("anna")), false).await.unwrap();
    app.shares.rename_user(&name("alice"), &name("anna")).await;
    let told = everything(&world).await;
    assert!(
        told.len() == 2 && told[1].contains("cora") && told[1].contains("access:servers!server=anna/gpu"),
        "{told:?}"
    );
    assert!(app.may_access(&name("cora"), &id("anna")));
    assert!(app.shares.find(&Grantee::User(name("carol")), &id("anna")).is_none());
    let found = app.shares.find_code(code, now()).await.unwrap().unwrap();
    assert_eq!(found.server.user, name("anna"));
    let gone = ServerId { user: name("anna"), server: ServerName::parse("gpu").unwrap() };
    app.shares.forget_server(&gone).await;
    assert!(!app.may_access(&name("cora"), &gone) && app.may_access(&name("cora"), &id("anna")));
    app.people.delete(&app.people.named("anna").unwrap()).await.unwrap();
    app.shares.forget_user(&name("anna")).await;
    assert!(app.shares.find_code(code, now()).await.unwrap().is_none());
    assert_eq!(everything(&world).await, Vec::<String>::new());
    assert!(!app.may_access(&name("cora"), &id("anna")));
}
