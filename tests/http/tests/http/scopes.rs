//! Every endpoint with every scope: the table of routes says which scopes let a caller in, and nothing else does.

use std::collections::BTreeSet;

use http_body_util::Full;
use hubd::auth::scopes::definitions;
use hubd::auth::tokens::{Kind, NewToken, Owner};
use hubd::http::document::Operation;
use hubd::pages;
use hubd_base::names::UserName;

use crate::world::World;

/// What every token of a person may see of them.
const IDENTIFY: [&str; 2] = ["read:users:name", "read:users:groups"];
/// Scopes that stand for others and cannot be asked about by themselves.
const META: [&str; 3] = ["(no_scope)", "self", "inherit"];

/// The scope and everything that follows from it, by the table alone.
fn closure(scope: &'static str) -> BTreeSet<&'static str> {
    let mut held = BTreeSet::new();
    let mut open = vec![scope];
    while let Some(scope) = open.pop() {
        if held.insert(scope) {
            let row = definitions().iter().find(|row| row.name == scope);
            open.extend(row.map(|row| row.subscopes).into_iter().flatten());
        }
    }
    held
}

async fn token(world: &World, scope: &str) -> String {
    let new = NewToken {
        owner: Owner::User(UserName::parse("boss").unwrap()),
        kind: Kind::Api,
        client: None,
        session: None,
        scopes: vec![scope.to_owned()],
        note: "walk".into(),
        created: 1,
        expires: None,
    };
    world.app.tokens.create(new).await.unwrap().0.to_string()
}

/// The address of an operation about somebody else's things, of which there are none.
fn address(path: &str) -> String {
    let mut address = String::from("/hub/api");
    for segment in path.split('/').skip(1) {
        address.push('/');
        address.push_str(match segment {
            "{user}" | "{owner}" => "alice",
            "{server}" => "nowhere",
            "{id}" => "a999999",
            named if named.starts_with('{') => "none",
            named => named,
        });
    }
    address
}

fn operations() -> Vec<Operation> {
    pages::documented().finish().1
}

#[tokio::test]
async fn every_endpoint_lets_in_exactly_the_scopes_it_names() {
    let world = World::new("[login]\nadmin_access = true\n").await;
    world.browser_of("boss").await;
    world.browser_of("alice").await;
    let operations = operations();
    let mut walked = 0;
    for row in definitions().iter().filter(|row| !META.contains(&row.name)) {
        let secret = token(&world, row.name).await;
        let held = closure(row.name);
        for operation in operations.iter().filter(|operation| !operation.doc.scopes.is_empty()) {
            // Two calls that end the hub or have no single answer.
            if operation.path == "/shutdown" || operation.path.ends_with("/progress") {
                continue;
            }
            let browser = world.browser();
            let request = browser
                .request(&operation.method.to_uppercase(), &address(operation.path))
                .header("authorization", format!("token {secret}"));
            let answer = world.browser().send(request.body(Full::default()).unwrap()).await;
            let what = format!(
                "{} {} with {}: {} {}",
                operation.method,
                operation.path,
                row.name,
                answer.status,
                answer.text()
            );
            walked += 1;
            assert!(answer.status < 500, "{what}");
            let refused = answer.status == 403;
            if operation.doc.scopes.iter().any(|scope| held.contains(scope)) {
                let named = answer.text().contains("requires any of");
                assert!(!(refused && named), "{what}");
            } else if operation.doc.scopes.iter().any(|scope| IDENTIFY.contains(scope))
                && operation.path.contains("{user}")
            {
                assert_eq!(answer.status, 404, "{what}");
            } else if operation.path == "/users/{user}/tokens" && operation.method == "post" {
                assert!(refused && answer.text().contains("no permissions to generate tokens"), "{what}");
            } else {
                let list = operation.doc.scopes.join(", ");
                assert!(refused && answer.text().contains(&format!("requires any of [{list}]")), "{what}");
            }
        }
    }
    assert!(walked > 1000, "{walked}");
}

#[tokio::test]
async fn the_openapi_document_lists_every_operation_once() {
    let world = World::new("").await;
    let document = world.browser().get("/hub/api/openapi.json").await;
    assert_eq!(document.status, 200);
    let document: serde_json::Value = serde_json::from_str(&document.text()).unwrap();
    let mut count = 0;
    for operation in operations() {
        let described = &document["paths"][operation.path][operation.method];
        assert!(!described["summary"].as_str().unwrap().is_empty(), "{} {}", operation.method, operation.path);
        assert!(!described["responses"].as_object().unwrap().is_empty(), "{} {}", operation.method, operation.path);
        count += 1;
    }
    let paths = document["paths"].as_object().unwrap().values();
    assert_eq!(paths.map(|path| path.as_object().unwrap().len()).sum::<usize>(), count);
    // Whatever is referred to is there.
    let schemas = document["components"]["schemas"].as_object().unwrap();
    for reference in document.to_string().split("#/components/schemas/").skip(1) {
        let name = reference.split('"').next().unwrap();
        assert!(schemas.contains_key(name), "{name}");
    }
}
