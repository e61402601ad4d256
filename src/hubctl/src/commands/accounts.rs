//! `hubctl user password`: passwords of accounts that the hub made.
//!
//! Invariant: a password is never an argument, which everybody on the machine could read.

use std::io::BufRead;

use hubd_base::names::UserName;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::cli::Context;
use crate::client::Client;
use crate::commands::{people, write_json};
use crate::failure::{Failure, Status};
use crate::text::{Talk, Text};

/// How a password comes about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Wanted {
    /// It is typed or piped in; else the hub generates one.
    pub(crate) chosen: bool,
    /// It need not be changed at the first login.
    pub(crate) keep: bool,
}

impl Wanted {
    /// The part of a body that says so. Reads standard input.
    pub(crate) fn body(self, talk: Talk) -> Result<Value, Failure> {
        let must_change = !self.keep;
        if !self.chosen {
            return Ok(json!({ "must_change": must_change }));
        }
        let mut line = String::new();
        std::io::stdin().lock().read_line(&mut line)?;
        let password = line.trim_end_matches(['\r', '\n']);
        if password.is_empty() {
            return Err(Failure::new(Status::Usage, talk.say(Text::NoPassword, &[])));
        }
        Ok(json!({"password": password, "must_change": must_change}))
    }
}

/// The answer.
#[derive(Deserialize)]
struct Set {
    password: String,
}

/// `user password`: the password is printed once.
pub(crate) fn set_password(context: &mut Context<'_>, user: &UserName, wanted: Wanted) -> Result<(), Failure> {
    let talk = context.talk;
    let path = format!("{}/password", Client::user_path(user));
    let answer = context.client.send_json("POST", &path, &wanted.body(talk)?)?;
    let answer = people::expect(&context.client, talk, user, answer)?;
    eprintln!("{}", talk.say(Text::PasswordSet, &[user]));
    if context.json {
        let model: Value = context.client.read(&answer)?;
        return Ok(write_json(context.out, &model)?);
    }
    let set: Set = context.client.read(&answer)?;
    Ok(writeln!(context.out, "{}", set.password)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::tests::{FakeHub, respond, told};
    use crate::text::Language;

    fn on(hub: &FakeHub, wanted: Wanted) -> Result<String, Failure> {
        let talk = Talk::new(Language::English);
        let mut out = Vec::new();
        let mut context = Context { talk, out: &mut out, json: false, client: hub.client() };
        let user = UserName::parse("carol").unwrap_or_else(|error| unreachable!("{error}"));
        set_password(&mut context, &user, wanted)?;
        Ok(String::from_utf8_lossy(&out).into_owned())
    }

    #[test]
    fn a_generated_password_is_printed_alone() {
        let hub = FakeHub::new(|_| respond(200, r#"{"name": "carol", "password": "h4kx", "must_change": false}"#));
        let printed = on(&hub, Wanted { chosen: false, keep: true });
        assert_eq!(printed.ok().as_deref(), Some("h4kx\n"));
        assert_eq!(hub.heard(), ["POST users/carol/password", r#"{"must_change":false}"#]);
    }

    #[test]
    fn a_refusal_is_told_in_the_brokers_words() {
        let hub = FakeHub::new(|_| respond(400, r#"{"message": "root is the superuser."}"#));
        let (status, text) = told(on(&hub, Wanted { chosen: false, keep: false }));
        assert_eq!((status, text.as_str()), (Status::Failed, "The hub said no: root is the superuser."));
    }
}
