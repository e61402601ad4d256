//! `hubctl user`: whom the hub knows. Accounts of the machine are touched only where that is asked for.

use hubd_base::names::UserName;
use nix::unistd::{User, geteuid};
use serde_json::{Value, json};

use crate::cli::Context;
use crate::client::{Answer, Client};
use crate::commands::accounts::Wanted;
use crate::commands::write_json;
use crate::failure::{Failure, Status};
use crate::model;
use crate::text::{Talk, Text};

/// What becomes of the account of a person who is removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    Keep,
    Account,
    AccountAndHome,
}

/// The person who calls. Nobody for root, whose every call is one of somebody who manages the hub.
pub(crate) fn caller() -> Option<UserName> {
    let uid = geteuid();
    let account = if uid.is_root() { None } else { User::from_uid(uid).ok().flatten() };
    account.and_then(|account| UserName::parse(&account.name).ok())
}

/// `user add`: whom the hub knows already is passed over. `account`: who has none gets one, and otherwise is refused.
pub(crate) fn add(
    context: &mut Context<'_>,
    names: &[UserName],
    admin: bool,
    account: Option<Wanted>,
) -> Result<(), Failure> {
    let talk = context.talk;
    let usernames: Vec<&str> = names.iter().map(UserName::as_str).collect();
    let account = account.map_or(Ok(Value::Bool(false)), |wanted| wanted.body(talk))?;
    let body = json!({"usernames": usernames, "admin": admin, "account": account});
    let answer = context.client.send_json("POST", "users", &body)?;
    let added: Vec<Value> = context.client.read(&context.client.expect(answer)?)?;
    for name in names {
        let new = added.iter().any(|user| user.get("name").and_then(Value::as_str) == Some(name.as_str()));
        eprintln!("{}", talk.say(if new { Text::UserAdded } else { Text::UserKnown }, &[name]));
    }
    if context.json {
        write_json(context.out, &Value::Array(added))?;
        return Ok(());
    }
    for user in &added {
        let name = user.get("name").and_then(Value::as_str);
        let password = user.pointer("/hubd/password").and_then(Value::as_str);
        if let Some((name, password)) = name.zip(password) {
            writeln!(context.out, "{name} {password}")?;
        }
    }
    Ok(())
}

/// `user remove`: servers are stopped, tokens and sessions end.
pub(crate) fn remove(context: &mut Context<'_>, user: &UserName, fate: Fate) -> Result<(), Failure> {
    let talk = context.talk;
    let (arguments, done) = match fate {
        Fate::Keep => ("", Text::UserRemoved),
        Fate::Account => ("?account=delete", Text::AccountDeleted),
        Fate::AccountAndHome => ("?account=delete&home=delete", Text::AccountAndHomeDeleted),
    };
    let answer = context.client.send("DELETE", &format!("{}{arguments}", Client::user_path(user)))?;
    expect(&context.client, talk, user, answer)?;
    eprintln!("{}", talk.say(done, &[user]));
    if context.json {
        write_json(context.out, &json!({"user": user.as_str(), "removed": true}))?;
    }
    Ok(())
}

/// As [`Client::expect`], for an address of one person: is the person unknown, the caller, or is it something else?
pub(crate) fn expect(client: &Client, talk: Talk, user: &UserName, answer: Answer) -> Result<Answer, Failure> {
    if !matches!(answer.status, 403 | 404) {
        return client.expect(answer);
    }
    match client.send("GET", &Client::user_path(user))?.status {
        404 => Err(unknown(talk, user)),
        // Not the person, and not the caller, who may look: the answer says what.
        200 => Err(Failure::new(Status::Failed, talk.say(Text::Refused, &[&message_of(&answer)]))),
        _ => Err(client.refusal(&answer)),
    }
}

/// What to tell about a person the hub does not know.
pub(crate) fn unknown(talk: Talk, user: &UserName) -> Failure {
    Failure::new(Status::Failed, talk.say(Text::NoSuchUser, &[user])).with_hint(talk.say(Text::NoSuchUserHint, &[user]))
}

/// What the hub said.
pub(crate) fn message_of(answer: &Answer) -> String {
    let problem: model::Problem = serde_json::from_slice(&answer.body).unwrap_or_default();
    problem.message.map_or_else(|| format!("HTTP {}", answer.status), |message| model::clean(&message))
}

#[cfg(test)]
mod tests {
    use hubd_base::names::UserName;

    use super::{Fate, add, remove};
    use crate::cli::Context;
    use crate::client::tests::{FakeHub, respond, told};
    use crate::commands::accounts::Wanted;
    use crate::failure::{Failure, Status};
    use crate::text::{Language, Talk};

    fn on(hub: &FakeHub, command: impl FnOnce(&mut Context<'_>) -> Result<(), Failure>) -> Result<String, Failure> {
        let mut out = Vec::new();
        let mut context =
            Context { talk: Talk::new(Language::English), out: &mut out, json: true, client: hub.client() };
        command(&mut context)?;
        Ok(String::from_utf8_lossy(&out).into_owned())
    }

    fn name(text: &str) -> UserName {
        UserName::parse(text).unwrap_or_else(|error| unreachable!("{error}"))
    }

    #[test]
    fn people_are_added_in_one_call() {
        let hub = FakeHub::new(|_| respond(201, r#"[{"name": "bob"}]"#));
        let printed = on(&hub, |context| add(context, &[name("alice"), name("bob")], true, None));
        assert_eq!(printed.ok().as_deref(), Some("[\n  {\n    \"name\": \"bob\"\n  }\n]\n"));
        assert_eq!(hub.heard(), ["POST users", r#"{"account":false,"admin":true,"usernames":["alice","bob"]}"#]);
    }

    #[test]
    fn passwords_of_new_accounts_are_printed_and_nothing_else() {
        let hub = FakeHub::new(|_| {
            respond(201, r#"[{"name": "alice"}, {"name": "bob", "hubd": {"password": "h4kx-9m2p-vwte"}}]"#)
        });
        let mut out = Vec::new();
        let mut context =
            Context { talk: Talk::new(Language::English), out: &mut out, json: false, client: hub.client() };
        let wanted = Wanted { chosen: false, keep: false };
        assert!(add(&mut context, &[name("alice"), name("bob")], false, Some(wanted)).is_ok());
        assert_eq!(String::from_utf8_lossy(&out), "bob h4kx-9m2p-vwte\n");
        let body = r#"{"account":{"must_change":true},"admin":false,"usernames":["alice","bob"]}"#;
        assert_eq!(hub.heard(), ["POST users", body]);
    }

    #[test]
    fn each_refusal_names_what_is_wrong() {
        let unknown = FakeHub::new(|_| respond(404, "{}"));
        let (status, text) = told(on(&unknown, |context| remove(context, &name("alice"), Fate::Keep)));
        assert_eq!((status, text.as_str()), (Status::Failed, "The hub does not know alice."));
        let stranger = FakeHub::new(|_| respond(403, "{}"));
        assert_eq!(told(on(&stranger, |context| remove(context, &name("alice"), Fate::Keep))).0, Status::NotAuthorised);
        let refused = FakeHub::new(|line| match line {
            line if line.starts_with("GET") => respond(200, r#"{"name": "alice"}"#),
            _ => respond(403, r#"{"message": "Not today."}"#),
        });
        let (status, text) = told(on(&refused, |context| remove(context, &name("alice"), Fate::Keep)));
        assert_eq!((status, text.as_str()), (Status::Failed, "The hub said no: Not today."));
    }
}
