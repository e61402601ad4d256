//! A program that calls the API with a token.

use bytes::Bytes;
use http_body_util::Full;
use hubd::auth::tokens::{Kind, NewToken, Owner};
use hubd::clock::now;
use hubd_base::config::{Config, Group, Role};
use hubd_base::names::UserName;
use serde_json::Value;

use crate::world::{Browser, World};

pub const PAGINATED: &str = "application/jupyterhub-pagination+json";

pub struct Client {
    browser: Browser,
    pub token: String,
}

/// What came back, read as JSON; null for an empty body.
pub struct Told {
    pub status: u16,
    pub json: Value,
}

impl Told {
    /// The status and the sentence of a refusal.
    pub fn refusal(&self) -> (u16, &str) {
        (self.status, self.json["message"].as_str().unwrap_or_default())
    }

    /// That field of every item of a list.
    pub fn all(&self, field: &str) -> Vec<String> {
        let text = |item: &Value| item[field].as_str().unwrap().to_owned();
        self.json.as_array().unwrap_or_else(|| panic!("no list: {}", self.json)).iter().map(text).collect()
    }
}

/// A configuration with groups and their members.
pub fn groups(groups: &[(&str, &[&str])]) -> Config {
    let group = |(group, users): &(&str, &[&str])| Group {
        name: (*group).to_owned(),
        users: users.iter().map(|user| name(user)).collect(),
        properties: Vec::new(),
    };
    Config { groups: groups.iter().map(group).collect(), ..Config::default() }
}

/// A configuration with a role that nobody has yet.
pub fn role(scopes: &[&str]) -> Role {
    Role {
        name: "special".into(),
        description: String::new(),
        scopes: Some(scopes.iter().map(ToString::to_string).collect()),
        users: Vec::new(),
        groups: Vec::new(),
        services: Vec::new(),
    }
}

pub fn name(user: &str) -> UserName {
    UserName::parse(user).unwrap()
}

pub fn new_token(owner: Owner, scopes: &[&str]) -> NewToken {
    NewToken {
        owner,
        kind: Kind::Api,
        client: None,
        session: None,
        scopes: scopes.iter().map(ToString::to_string).collect(),
        note: "made by a test".into(),
        created: now(),
        expires: None,
    }
}

impl World {
    /// A program of that person, who becomes known if they are not; `boss` is an administrator.
    pub async fn client(&self, user: &str, scopes: &[&str]) -> Client {
        self.app.people.keep(name(user), Some(user == "boss"), now()).await.unwrap();
        self.client_with(new_token(Owner::User(name(user)), scopes)).await
    }

    pub async fn client_with(&self, new: NewToken) -> Client {
        let (secret, _) = self.app.tokens.create(new).await.unwrap();
        Client { browser: self.browser(), token: secret.to_string() }
    }

    /// Makes people known who are no administrators.
    pub async fn know(&self, users: &[&str]) {
        self.app.people.add(users.iter().map(|user| name(user)).collect(), false, now()).await.unwrap();
    }
}

impl Client {
    /// The address is relative to the API.
    pub async fn raw(&mut self, method: &str, path: &str, accept: &str, body: impl Into<Bytes>) -> Told {
        let request = self.browser.request(method, &format!("/hub/api{path}")).header("accept", accept);
        let request = request.header("authorization", format!("token {}", self.token));
        let answer = self.browser.send(request.body(Full::from(body.into())).unwrap()).await;
        let json = if answer.body.is_empty() { Value::Null } else { serde_json::from_slice(&answer.body).unwrap() };
        Told { status: answer.status, json }
    }

    pub async fn get(&mut self, path: &str) -> Told {
        self.raw("GET", path, "*/*", "").await
    }

    pub async fn page(&mut self, path: &str) -> Told {
        self.raw("GET", path, PAGINATED, "").await
    }

    pub async fn call(&mut self, method: &str, path: &str, body: Value) -> Told {
        self.raw(method, path, "*/*", body.to_string()).await
    }

    pub async fn bare(&mut self, method: &str, path: &str) -> Told {
        self.raw(method, path, "*/*", "").await
    }

    /// Calls, and expects the refusal.
    pub async fn refused(&mut self, method: &str, path: &str, body: Value, status: u16, message: &str) {
        let told = self.call(method, path, body.clone()).await;
        assert_eq!(told.refusal(), (status, message), "{method} {path} {body}");
    }
}
