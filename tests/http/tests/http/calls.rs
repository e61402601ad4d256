//! Calls of the API with a token.

use bytes::Bytes;
use http_body_util::Full;
use hubd::auth::tokens::{Kind, NewToken, Owner};
use hubd::clock::now;
use hubd_base::names::{ServerId, ServerName, UserName};
use serde_json::Value;
use tokio::time::timeout;

use crate::launcher::DEADLINE;
use crate::world::{Answer, World};

/// Somebody who calls the API with a token.
pub struct Client<'a> {
    world: &'a World,
    /// The token.
    pub secret: String,
}

/// A server by its two names.
pub fn server(user: &str, server: &str) -> ServerId {
    ServerId::new(UserName::parse(user).unwrap(), ServerName::parse(server).unwrap())
}

fn new(owner: Owner, kind: Kind, client: Option<String>, scopes: &[&str]) -> NewToken {
    let scopes = scopes.iter().map(|scope| (*scope).to_owned()).collect();
    NewToken { owner, kind, client, session: None, scopes, note: String::new(), created: now(), expires: None }
}

impl World {
    /// A person the hub knows, with a token of these scopes.
    pub async fn caller(&self, user: &str, scopes: &[&str]) -> Client<'_> {
        let user = UserName::parse(user).unwrap();
        self.app.people.keep(user.clone(), Some(user.as_str() == "boss"), now()).await.unwrap();
        let new = new(Owner::User(user), Kind::Api, None, scopes);
        let (secret, _) = self.app.tokens.create(new).await.unwrap();
        Client { world: self, secret: secret.to_string() }
    }

    /// A token as a server holds it.
    pub async fn token_of(&self, id: &ServerId) -> String {
        let new = new(Owner::User(id.user.clone()), Kind::Server, Some(id.client_id()), &["access:servers!server"]);
        self.app.tokens.create(new).await.unwrap().0.to_string()
    }

    /// Somebody with a token that was made elsewhere.
    pub fn bearer(&self, secret: &str) -> Client<'_> {
        Client { world: self, secret: secret.to_owned() }
    }

    pub async fn wait_for_server(&self, id: &ServerId, state: &str) {
        let mut changes = self.app.servers.get(id).follow();
        let reached = changes.wait_for(|snapshot| snapshot.state.word() == state);
        assert!(timeout(DEADLINE, reached).await.is_ok(), "the server {id} never was {state}");
    }
}

impl Client<'_> {
    /// A call below `/hub/api`, or of any other path that is written in full.
    pub async fn call(&self, method: &str, path: &str, body: impl ToString) -> Answer {
        let path = if path.starts_with("/user/") || path.starts_with("/hub/") {
            path.to_owned()
        } else {
            format!("/hub/api{path}")
        };
        let mut browser = self.world.browser();
        let request = browser.request(method, &path).header("authorization", format!("token {}", self.secret));
        browser.send(request.body(Full::new(Bytes::from(body.to_string()))).unwrap()).await
    }

    /// The answer to a GET as JSON; it must be good.
    pub async fn read(&self, path: &str) -> Value {
        let answer = self.call("GET", path, "").await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        answer.json()
    }

    /// Status and message of a call.
    pub async fn told(&self, method: &str, path: &str, body: impl ToString) -> (u16, String) {
        let answer = self.call(method, path, body).await;
        let message = serde_json::from_slice::<Value>(&answer.body).ok();
        let message = message.and_then(|body| Some(body.get("message")?.as_str()?.to_owned()));
        (answer.status, message.unwrap_or_default())
    }
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }
}
