//! `hubctl groups` and `hubctl group`: the hub's own groups, which have nothing to do with the system's.

use hubd_base::names::UserName;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::cli::Context;
use crate::client::{Answer, Client};
use crate::commands::write_json;
use crate::failure::{Failure, Status};
use crate::table;
use crate::text::Text;

/// A group (contract: group model).
#[derive(Debug, Deserialize)]
struct Group {
    name: String,
    #[serde(default)]
    users: Vec<String>,
}

/// What happens to members.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    Add,
    Remove,
}

/// `groups`: all of them with their members.
pub(crate) fn run(context: &mut Context<'_>) -> Result<(), Failure> {
    let talk = context.talk;
    let groups = context.client.list("groups", "")?;
    if context.json {
        return Ok(write_json(context.out, &Value::Array(groups))?);
    }
    let mut rows = Vec::new();
    for group in groups {
        let group = Group::deserialize(group)
            .map_err(|error| Failure::new(Status::Failed, talk.say(Text::Strange, &[&error])))?;
        rows.push(vec![group.name, group.users.join(", ")]);
    }
    if rows.is_empty() {
        eprintln!("{}", talk.say(Text::NoGroups, &[]));
    }
    let header = [Text::Group, Text::Members].map(|text| talk.say(text, &[]));
    Ok(table::write(&mut context.out, &header, &rows)?)
}

/// `group create`: an empty group.
pub(crate) fn create(context: &mut Context<'_>, group: &str) -> Result<(), Failure> {
    let answer = context.client.send("POST", &Client::group_path(group))?;
    let answer = expect(context, group, answer)?;
    done(context, Text::GroupCreated, group, &answer)
}

/// `group delete`: its members stay known to the hub.
pub(crate) fn delete(context: &mut Context<'_>, group: &str) -> Result<(), Failure> {
    let answer = context.client.send("DELETE", &Client::group_path(group))?;
    expect(context, group, answer)?;
    eprintln!("{}", context.talk.say(Text::GroupDeleted, &[&group]));
    if context.json {
        write_json(context.out, &json!({"group": group, "deleted": true}))?;
    }
    Ok(())
}

/// `group add`, `group remove`: members.
pub(crate) fn change(
    context: &mut Context<'_>,
    group: &str,
    change: Change,
    users: &[UserName],
) -> Result<(), Failure> {
    let method = match change {
        Change::Add => "POST",
        Change::Remove => "DELETE",
    };
    let users: Vec<&str> = users.iter().map(UserName::as_str).collect();
    let path = format!("{}/users", Client::group_path(group));
    let answer = context.client.send_json(method, &path, &json!({"users": users}))?;
    let answer = expect(context, group, answer)?;
    done(context, Text::GroupChanged, group, &answer)
}

/// The group as it is now.
fn done(context: &mut Context<'_>, text: Text, group: &str, answer: &Answer) -> Result<(), Failure> {
    eprintln!("{}", context.talk.say(text, &[&group]));
    if context.json {
        let model: Value = context.client.read(answer)?;
        write_json(context.out, &model)?;
    }
    Ok(())
}

fn expect(context: &Context<'_>, group: &str, answer: Answer) -> Result<Answer, Failure> {
    let talk = context.talk;
    match answer.status {
        404 => Err(Failure::new(Status::Failed, talk.say(Text::NoSuchGroup, &[&group]))
            .with_hint(talk.say(Text::NoSuchGroupHint, &[&group]))),
        _ => context.client.expect(answer),
    }
}

#[cfg(test)]
mod tests {
    use super::{create, delete, run};
    use crate::cli::Context;
    use crate::client::tests::{FakeHub, respond, told};
    use crate::failure::{Failure, Status};
    use crate::text::{Language, Talk};

    fn on(
        hub: &FakeHub,
        json: bool,
        command: impl FnOnce(&mut Context<'_>) -> Result<(), Failure>,
    ) -> Result<String, Failure> {
        let mut out = Vec::new();
        let mut context = Context { talk: Talk::new(Language::English), out: &mut out, json, client: hub.client() };
        command(&mut context)?;
        Ok(String::from_utf8_lossy(&out).into_owned())
    }

    #[test]
    fn groups_are_shown_with_their_members() {
        let groups = r#"[{"name": "class-a", "users": ["alice", "bob"]}, {"name": "empty"}]"#;
        let hub = FakeHub::new(move |_| respond(200, groups));
        let printed = on(&hub, false, run).unwrap_or_default();
        assert_eq!(printed, "GROUP    MEMBERS\nclass-a  alice, bob\nempty\n");
        let none = FakeHub::new(|_| respond(200, r#"{"items": [], "_pagination": {"next": null}}"#));
        assert_eq!(on(&none, true, run).unwrap_or_default(), "[]\n");
    }

    #[test]
    fn a_group_that_is_missing_or_there_already_is_told() {
        let missing = FakeHub::new(|_| respond(404, "{}"));
        let (status, text) = told(on(&missing, false, |context| delete(context, "class a")));
        assert_eq!((status, text.as_str()), (Status::Failed, "The hub has no group class a."));
        let there = FakeHub::new(|_| respond(409, r#"{"message": "Group x already exists"}"#));
        let (_, text) = told(on(&there, false, |context| create(context, "x")));
        assert_eq!(text, "The hub said no: Group x already exists");
    }
}
