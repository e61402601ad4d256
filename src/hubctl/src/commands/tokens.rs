//! `hubctl token`: the API tokens of a person.
//!
//! A new token is the only thing on standard output, so that `TOKEN=$(hubctl token create alice)` works; nobody can
//! read it a second time.

use std::time::Duration;

use hubd_base::config::{NEVER, parse_time};
use hubd_base::names::{UserName, esc};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::cli::Context;
use crate::client::Client;
use crate::commands::{people, write_json};
use crate::failure::{Failure, Status};
use crate::moments;
use crate::table;
use crate::text::{Talk, Text};

/// Scopes of a token that its line in the table names.
const SCOPES_SHOWN: usize = 3;

/// A token as it is asked for; what is left out, the hub decides.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Wanted {
    /// What it is for.
    pub(crate) note: Option<String>,
    /// Seconds.
    pub(crate) expires_in: Option<u64>,
    /// What it may do; empty for all that the person may.
    pub(crate) scopes: Vec<String>,
}

/// A token (contract: token model).
#[derive(Debug, Deserialize)]
struct Token {
    id: String,
    #[serde(default)]
    note: Option<String>,
    #[serde(default)]
    oauth_client: Option<String>,
    #[serde(default)]
    scopes: Vec<String>,
    #[serde(default)]
    created: Option<String>,
    #[serde(default)]
    last_activity: Option<String>,
    #[serde(default)]
    expires_at: Option<String>,
    /// Only in the answer that made it.
    #[serde(default, rename = "token")]
    secret: Option<String>,
}

#[derive(Debug, Deserialize)]
struct List {
    api_tokens: Vec<Token>,
}

/// Seconds of `30d` or `12h`; `None` for `never`.
pub(crate) fn lifetime(talk: Talk, text: &str) -> Result<Option<u64>, Failure> {
    if text == "never" {
        return Ok(None);
    }
    let time = parse_time(text).filter(|time| (Duration::from_secs(1)..NEVER).contains(time));
    let time = time.ok_or_else(|| Failure::new(Status::Usage, talk.say(Text::BadTime, &[&text.escape_debug()])))?;
    Ok(Some(time.as_secs()))
}

/// A span of time: `8h`; `none` is none at all.
pub(crate) fn span(talk: Talk, text: &str) -> Result<Option<u64>, Failure> {
    if text == "none" {
        return Ok(None);
    }
    let bad = || Failure::new(Status::Usage, talk.say(Text::BadTime, &[&text.escape_debug()]));
    lifetime(talk, text)?.ok_or_else(bad).map(Some)
}

/// `token create`
pub(crate) fn create(context: &mut Context<'_>, user: &UserName, wanted: &Wanted) -> Result<(), Failure> {
    let talk = context.talk;
    let answer = context.client.send_json("POST", &path(user), &Value::Object(body(wanted)))?;
    let answer = people::expect(&context.client, talk, user, answer)?;
    let model: Value = context.client.read(&answer)?;
    let strange = |error: &dyn std::fmt::Display| Failure::new(Status::Failed, talk.say(Text::Strange, &[error]));
    let token = Token::deserialize(&model).map_err(|error| strange(&error))?;
    let secret = token.secret.as_deref().ok_or_else(|| strange(&"POST .../tokens"))?;
    let ends = moments::until(talk, token.expires_at.as_deref(), moments::now());
    eprintln!("{}", talk.say(Text::TokenCreated, &[&token.id, user, &ends]));
    if context.json {
        return Ok(write_json(context.out, &model)?);
    }
    Ok(writeln!(context.out, "{secret}")?)
}

/// `token list`
pub(crate) fn list(context: &mut Context<'_>, user: &UserName) -> Result<(), Failure> {
    let talk = context.talk;
    let answer = context.client.send("GET", &path(user))?;
    let answer = people::expect(&context.client, talk, user, answer)?;
    if context.json {
        let model: Value = context.client.read(&answer)?;
        return Ok(write_json(context.out, &model)?);
    }
    let List { api_tokens } = context.client.read(&answer)?;
    if api_tokens.is_empty() {
        eprintln!("{}", talk.say(Text::NoTokens, &[user]));
    }
    let header = [Text::Id, Text::Note, Text::App, Text::Created, Text::LastActivity, Text::Expires, Text::Scopes]
        .map(|text| talk.say(text, &[]));
    Ok(table::write(&mut context.out, &header, &rows(talk, api_tokens, moments::now()))?)
}

/// `token revoke`
pub(crate) fn revoke(context: &mut Context<'_>, user: &UserName, id: &str) -> Result<(), Failure> {
    let talk = context.talk;
    let answer = context.client.send("DELETE", &format!("{}/{}", path(user), esc(id)))?;
    people::expect(&context.client, talk, user, answer)?;
    eprintln!("{}", talk.say(Text::TokenRevoked, &[&id, user]));
    if context.json {
        write_json(context.out, &json!({"user": user.as_str(), "id": id, "revoked": true}))?;
    }
    Ok(())
}

fn path(user: &UserName) -> String {
    format!("{}/tokens", Client::user_path(user))
}

fn body(wanted: &Wanted) -> Map<String, Value> {
    let Wanted { note, expires_in, scopes } = wanted;
    let mut body = Map::new();
    body.extend(note.as_ref().map(|note| ("note".to_owned(), json!(note))));
    body.extend(expires_in.map(|seconds| ("expires_in".to_owned(), json!(seconds))));
    if !scopes.is_empty() {
        body.insert("scopes".to_owned(), json!(scopes));
    }
    body
}

fn rows(talk: Talk, tokens: Vec<Token>, now: i64) -> Vec<Vec<String>> {
    let row = |token: Token| {
        let created = moments::ago(talk, token.created.as_deref(), now);
        let used = moments::ago(talk, token.last_activity.as_deref(), now);
        let ends = moments::until(talk, token.expires_at.as_deref(), now);
        let app = token.oauth_client.unwrap_or_default();
        vec![token.id, token.note.unwrap_or_default(), app, created, used, ends, scopes(&token.scopes)]
    };
    tokens.into_iter().map(row).collect()
}

/// The first scopes, and how many more there are.
fn scopes(scopes: &[String]) -> String {
    let shown: Vec<&str> = scopes.iter().take(SCOPES_SHOWN).map(String::as_str).collect();
    let shown = shown.join(" ");
    match scopes.len().saturating_sub(SCOPES_SHOWN) {
        0 => shown,
        more => format!("{shown} +{more}"),
    }
}

#[cfg(test)]
mod tests {
    use hubd_base::names::UserName;

    use super::{Wanted, create, lifetime, list, revoke};
    use crate::cli::Context;
    use crate::client::tests::{FakeHub, respond, told};
    use crate::failure::{Failure, Status};
    use crate::text::{Language, Talk};

    const TALK: Talk = Talk::new(Language::English);

    fn on(
        hub: &FakeHub,
        command: impl FnOnce(&mut Context<'_>, &UserName) -> Result<(), Failure>,
    ) -> Result<String, Failure> {
        let mut out = Vec::new();
        let mut context = Context { talk: TALK, out: &mut out, json: false, client: hub.client() };
        let alice = UserName::parse("alice").unwrap_or_else(|error| unreachable!("{error}"));
        command(&mut context, &alice)?;
        Ok(String::from_utf8_lossy(&out).into_owned())
    }

    #[test]
    fn a_new_token_stands_alone_on_standard_output() {
        let hub = FakeHub::new(|_| respond(201, r#"{"id": "a7", "token": "s3cret", "expires_at": null}"#));
        let wanted = Wanted {
            note: Some("ci".into()),
            expires_in: Some(60),
            scopes: vec!["read:users".into(), "tokens".into()],
        };
        assert_eq!(on(&hub, |context, user| create(context, user, &wanted)).ok().as_deref(), Some("s3cret\n"));
        let body = r#"{"expires_in":60,"note":"ci","scopes":["read:users","tokens"]}"#;
        assert_eq!(hub.heard(), ["POST users/alice/tokens", body]);
        let plain = on(&hub, |context, user| create(context, user, &Wanted::default()));
        assert!(plain.is_ok());
        assert_eq!(hub.heard(), ["POST users/alice/tokens", "{}"]);
    }

    #[test]
    fn an_unknown_person_is_told_from_a_refusal() {
        let unknown = FakeHub::new(|line| match line {
            line if line.starts_with("POST") => {
                respond(403, r#"{"message": "User alice not found or no permissions to generate tokens"}"#)
            }
            _ => respond(404, "{}"),
        });
        let (status, text) = told(on(&unknown, |context, user| create(context, user, &Wanted::default())));
        assert_eq!((status, text.as_str()), (Status::Failed, "The hub does not know alice."));
        let unheld = r#"{"message": "Not assigning requested scopes proxy not held by User alice"}"#;
        let hub = FakeHub::new(move |_| respond(400, unheld));
        let (_, text) = told(on(&hub, |context, user| create(context, user, &Wanted::default())));
        assert_eq!(text, "The hub said no: Not assigning requested scopes proxy not held by User alice");
        let no_token = FakeHub::new(|line| match line {
            line if line.starts_with("GET") => respond(200, r#"{"name": "alice"}"#),
            _ => respond(404, r#"{"message": "No such token a9 for user alice"}"#),
        });
        let (_, text) = told(on(&no_token, |context, user| revoke(context, user, "a9")));
        assert_eq!(text, "The hub said no: No such token a9 for user alice");
    }

    #[test]
    fn tokens_are_shown_without_drowning_in_scopes() {
        let tokens = r#"{"api_tokens": [
            {"id": "a1", "note": "ci", "oauth_client": "JupyterHub", "created": "1970-01-01T00:00:00Z",
             "scopes": ["a", "b", "c", "d", "e"]},
            {"id": "a2", "note": "", "scopes": [], "expires_at": "1970-01-01T00:00:00Z"}]}"#;
        let hub = FakeHub::new(move |_| respond(200, tokens));
        let printed = on(&hub, list).unwrap_or_default();
        let lines: Vec<Vec<&str>> = printed.lines().map(|line| line.split_whitespace().collect()).collect();
        assert_eq!(
            lines.first().map(|line| line.join(" ")).as_deref(),
            Some("ID NOTE APP CREATED LAST ACTIVITY EXPIRES SCOPES")
        );
        let first = lines.get(1).map(|line| line.join(" ")).unwrap_or_default();
        assert!(first.starts_with("a1 ci JupyterHub ") && first.ends_with(" never never a b c +2"), "{first}");
        assert!(lines.get(2).is_some_and(|line| line.ends_with(&["expired"])), "{printed}");
    }

    #[test]
    fn a_lifetime_is_a_time_or_never() {
        assert_eq!(lifetime(TALK, "30d").ok(), Some(Some(2_592_000)));
        assert_eq!(lifetime(TALK, "1h 30min").ok(), Some(Some(5400)));
        assert_eq!(lifetime(TALK, "never").ok(), Some(None));
        for wrong in ["0s", "30", "-1d", "999ms", "soon", "200000d"] {
            assert_eq!(told(lifetime(TALK, wrong)).0, Status::Usage, "{wrong}");
        }
    }
}
