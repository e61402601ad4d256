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

pub(crate) fn run(context: &mut Context<'_>) -> Result<(), Failure> {
    let users = all(&context.client)?;
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

/// Every user model as the API gives it, with failed and stopped servers.
pub(crate) fn all(client: &Client) -> Result<Vec<Value>, Failure> {
    client.list("users", "&include_stopped_servers=1")
}

/// The models that tables need.
pub(crate) fn models(talk: Talk, users: Vec<Value>) -> Result<Vec<User>, Failure> {
    let strange = |error: serde_json::Error| Failure::new(Status::Failed, talk.say(Text::Strange, &[&error]));
    users.into_iter().map(|user| User::deserialize(user).map_err(strange)).collect()
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
    use serde_json::json;

    use super::{models, rows};
    use crate::text::{Language, Talk};

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
