//! `hubctl servers`: the servers that run, start or stop, and those that failed.

use hubd_base::names::{ServerId, ServerName, UserName};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::cli::Context;
use crate::commands::{users, write_json};
use crate::failure::Failure;
use crate::model::{Server, User};
use crate::moments;
use crate::table;
use crate::text::{Talk, Text};

pub(crate) fn run(context: &mut Context<'_>) -> Result<(), Failure> {
    let talk = context.talk;
    let people = users::all(&context.client)?;
    if context.json {
        return Ok(write_json(context.out, &servers(&people))?);
    }
    let rows = rows(talk, &users::models(talk, people)?, moments::now());
    if rows.is_empty() {
        eprintln!("{}", talk.say(Text::NoServers, &[]));
    }
    let header =
        [Text::User, Text::State, Text::Started, Text::LastActivity, Text::Unit].map(|text| talk.say(text, &[]));
    Ok(table::write(&mut context.out, &header, &rows)?)
}

/// The server models as the API gives them, each with two fields more: `user` and `unit`.
fn servers(people: &[Value]) -> Value {
    let mut list = Vec::new();
    for person in people {
        let user = person.get("name").and_then(Value::as_str).unwrap_or_default();
        for (name, server) in person.get("servers").and_then(Value::as_object).into_iter().flatten() {
            if !Server::deserialize(server).is_ok_and(|server| shown(&server)) {
                continue;
            }
            let mut server = server.clone();
            if let Some(fields) = server.as_object_mut() {
                fields.insert("user".to_owned(), json!(user));
                fields.insert("unit".to_owned(), json!(unit(user, name)));
            }
            list.push(server);
        }
    }
    Value::Array(list)
}

fn rows(talk: Talk, people: &[User], now: i64) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    for user in people {
        for (name, server) in user.servers.iter().filter(|(_, server)| shown(server)) {
            let who = if name.is_empty() { user.name.clone() } else { format!("{}:{name}", user.name) };
            rows.push(vec![
                who,
                talk.say(server.state(), &[]),
                moments::ago(talk, server.started.as_deref(), now),
                moments::ago(talk, server.last_activity.as_deref(), now),
                unit(&user.name, name).unwrap_or_default(),
            ]);
        }
    }
    rows
}

/// A stopped server is everybody's normal state.
fn shown(server: &Server) -> bool {
    server.state() != Text::StateStopped
}

/// The systemd unit; `None` for names that the hub itself would refuse.
fn unit(user: &str, server: &str) -> Option<String> {
    Some(ServerId::new(UserName::parse(user).ok()?, ServerName::parse(server).ok()?).unit_name())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{rows, servers};
    use crate::commands::users::models;
    use crate::text::{Language, Talk};

    #[test]
    fn servers_are_listed_with_their_person_and_unit() {
        let people = vec![
            json!({"name": "first.last@x", "servers": {
                "": {"name": "", "ready": true, "pending": null, "started": "1970-01-01T00:00:00Z", "url": "/user/x/"},
                "gpu": {"name": "gpu", "ready": false, "pending": "spawn"},
            }}),
            json!({"name": "bob", "servers": {}}),
            json!({"name": "carol", "servers": {"": {"name": "", "ready": false, "pending": null, "stopped": true}}}),
            json!({"name": "dan", "servers": {"": {"name": "", "ready": false, "state_word": "failed"}}}),
        ];
        assert_eq!(
            servers(&people),
            json!([
                {"user": "first.last@x", "unit": r"jupyter@first.last\x40x.service", "name": "", "ready": true,
                    "pending": null, "started": "1970-01-01T00:00:00Z", "url": "/user/x/"},
                {"user": "first.last@x", "unit": r"jupyter@first.last\x40x:gpu.service", "name": "gpu", "ready": false,
                    "pending": "spawn"},
                {"user": "dan", "unit": "jupyter@dan.service", "name": "", "ready": false, "state_word": "failed"},
            ])
        );
        let talk = Talk::new(Language::Chinese);
        assert_eq!(
            rows(talk, &models(talk, people).unwrap_or_default(), 120),
            [
                ["first.last@x", "运行中", "2 分钟前", "从未", r"jupyter@first.last\x40x.service"],
                ["first.last@x:gpu", "启动中", "从未", "从未", r"jupyter@first.last\x40x:gpu.service"],
                ["dan", "失败", "从未", "从未", "jupyter@dan.service"],
            ]
        );
    }
}
