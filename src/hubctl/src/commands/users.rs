//! `hubctl users`: the people the hub knows.

use serde::Deserialize;
use serde_json::Value;

use crate::cli::Context;
use crate::client::Client;
use crate::commands::write_json;
use crate::failure::{Failure, Status};
use crate::model::{Server, User};
use crate::moments;
use crate::table;
use crate::text::{Talk, Text};

/// People in one answer: the most the API gives.
const LIMIT: usize = 200;

pub(crate) fn run(context: &mut Context<'_>) -> Result<(), Failure> {
    let users = all(&context.client, context.talk)?;
    if context.json {
        return Ok(write_json(context.out, &Value::Array(users))?);
    }
    let talk = context.talk;
    let users = models(talk, users)?;
    if users.is_empty() {
        eprintln!("{}", talk.say(Text::NoUsers, &[]));
    }
    let header = [Text::User, Text::Admin, Text::State, Text::LastActivity].map(|text| talk.say(text, &[]));
    Ok(table::write(&mut context.out, &header, &rows(talk, &users, moments::now()))?)
}

/// Every user model, page after page, as the API gives them, with failed and stopped servers.
pub(crate) fn all(client: &Client, talk: Talk) -> Result<Vec<Value>, Failure> {
    let mut users = Vec::new();
    let mut offset = 0;
    loop {
        let path = format!("users?offset={offset}&limit={LIMIT}&include_stopped_servers=1");
        let page = Page::parse(client.get_page(&path)?, offset);
        let page = page.ok_or_else(|| Failure::new(Status::Failed, talk.say(Text::Strange, &[&"GET /users"])))?;
        users.extend(page.items);
        match page.next {
            Some(next) if next > offset => offset = next,
            _ => return Ok(users),
        }
    }
}

/// The models that tables need.
pub(crate) fn models(talk: Talk, users: Vec<Value>) -> Result<Vec<User>, Failure> {
    let strange = |error: serde_json::Error| Failure::new(Status::Failed, talk.say(Text::Strange, &[&error]));
    users.into_iter().map(|user| User::deserialize(user).map_err(strange)).collect()
}

#[derive(Debug, PartialEq)]
struct Page {
    items: Vec<Value>,
    /// Where the next page begins.
    next: Option<usize>,
}

impl Page {
    /// The paginated form, which names the next page, or a bare list, which goes on while it is full.
    fn parse(value: Value, offset: usize) -> Option<Self> {
        match value {
            Value::Array(items) => {
                let next = (items.len() >= LIMIT).then(|| offset.saturating_add(items.len()));
                Some(Self { items, next })
            }
            mut value => {
                let next = value.pointer("/_pagination/next/offset").and_then(Value::as_u64);
                let next = next.and_then(|next| usize::try_from(next).ok());
                match value.get_mut("items").map(Value::take) {
                    Some(Value::Array(items)) => Some(Self { items, next }),
                    _ => None,
                }
            }
        }
    }
}

fn rows(talk: Talk, users: &[User], now: i64) -> Vec<Vec<String>> {
    let row = |user: &User| {
        let state = user.servers.get("").map_or(Text::StateStopped, Server::state);
        let admin = if user.admin { Text::Yes } else { Text::No };
        let activity = moments::ago(talk, user.last_activity.as_deref(), now);
        vec![user.name.clone(), talk.say(admin, &[]), talk.say(state, &[]), activity]
    };
    users.iter().map(row).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{LIMIT, Page, all, models, rows};
    use crate::client::tests::{FakeHub, respond};
    use crate::text::{Language, Talk};

    #[test]
    fn pages_and_bare_lists_are_read() {
        let next = json!({"offset": 50, "limit": 50, "url": "x"});
        let page = json!({"items": [1], "_pagination": {"offset": 0, "limit": 50, "total": 9, "next": next}});
        assert_eq!(Page::parse(page, 0), Some(Page { items: vec![json!(1)], next: Some(50) }));
        let last = json!({"items": [], "_pagination": {"next": null}});
        assert_eq!(Page::parse(last, 0), Some(Page { items: vec![], next: None }));
        let short = Page { items: vec![json!(1), json!(2)], next: None };
        assert_eq!(Page::parse(json!([1, 2]), 0), Some(short));
        let full = Page::parse(Value::Array(vec![json!(1); LIMIT]), 400);
        assert_eq!(full.and_then(|page| page.next), Some(400 + LIMIT));
        assert_eq!(Page::parse(json!({"message": "x"}), 0), None);
        assert_eq!(Page::parse(json!(7), 0), None);
    }

    #[test]
    fn all_pages_are_fetched() {
        let hub = FakeHub::new(|line| {
            let count = if line.contains("offset=0&") { LIMIT } else { 1 };
            respond(200, &Value::Array(vec![json!({"name": "a"}); count]).to_string())
        });
        let users = all(&hub.client(), Talk::new(Language::English));
        assert_eq!(users.map(|users| users.len()).unwrap_or_default(), LIMIT + 1);
    }

    #[test]
    fn a_person_without_a_server_is_shown_as_stopped() {
        let talk = Talk::new(Language::English);
        let users = models(
            talk,
            vec![
                json!({"name": "alice", "admin": true, "servers": {"": {"ready": true}}}),
                json!({"name": "bob", "last_activity": "1970-01-01T00:00:00Z"}),
            ],
        );
        let rows = rows(talk, &users.unwrap_or_default(), 3600);
        assert_eq!(rows, [["alice", "yes", "running", "never"], ["bob", "no", "stopped", "60 min ago"]]);
        assert!(models(talk, vec![json!({"nothing": 1})]).is_err());
    }
}
