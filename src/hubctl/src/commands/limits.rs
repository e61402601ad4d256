//! `hubctl limits`: what a server may use, who says so, and changes of one that runs.

use std::collections::BTreeMap;

use hubd_base::limits;
use hubd_base::names::ServerId;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::cli::Context;
use crate::client::{Answer, Client};
use crate::commands::{people, write_json};
use crate::failure::{Failure, Status};
use crate::model::clean;
use crate::table;
use crate::text::{Talk, Text};

/// The API's answer, as far as the table shows it.
#[derive(Deserialize)]
struct Model {
    running: bool,
    #[serde(flatten)]
    server: Level,
    person: Level,
    all: Level,
}

/// One unit.
#[derive(Deserialize)]
struct Level {
    unit: String,
    limits: BTreeMap<String, Held>,
}

#[derive(Deserialize)]
struct Held {
    amount: String,
    said: Vec<Voice>,
}

#[derive(Deserialize)]
struct Voice {
    by: String,
    rule: Option<String>,
}

/// `limits show`
pub(crate) fn show(context: &mut Context<'_>, id: &ServerId) -> Result<(), Failure> {
    let answer = context.client.send("GET", &path(id))?;
    print(context, id, answer)
}

/// `limits set`: each text is `name=amount`.
pub(crate) fn set(context: &mut Context<'_>, id: &ServerId, asked: &[String]) -> Result<(), Failure> {
    let talk = context.talk;
    let mut pairs = Vec::new();
    for text in asked {
        let bad = || Failure::new(Status::Usage, talk.say(Text::BadLimit, &[&text.escape_debug()]));
        let (name, amount) = text.split_once('=').ok_or_else(bad)?;
        pairs.push((name.trim(), amount.trim()));
    }
    // Told here already: the same words, and no hub is needed for them.
    limits::change(pairs.iter().copied()).map_err(|sentence| Failure::new(Status::Usage, clean(&sentence)))?;
    let body: Map<String, Value> = pairs.into_iter().map(|(name, amount)| (name.to_owned(), amount.into())).collect();
    let answer = context.client.send_json("PATCH", &path(id), &Value::Object(body))?;
    let answer = people::expect(&context.client, talk, &id.user, answer)?;
    eprintln!("{}", talk.say(Text::LimitsChanged, &[id]));
    print(context, id, answer)
}

fn path(id: &ServerId) -> String {
    format!("{}/limits", Client::server_path(id))
}

fn print(context: &mut Context<'_>, id: &ServerId, answer: Answer) -> Result<(), Failure> {
    let talk = context.talk;
    let answer = people::expect(&context.client, talk, &id.user, answer)?;
    if context.json {
        let model: Value = context.client.read(&answer)?;
        return Ok(write_json(context.out, &model)?);
    }
    let model: Model = context.client.read(&answer)?;
    if !model.running {
        eprintln!("{}", talk.say(Text::LimitsNext, &[id]));
    }
    let rows = rows(talk, &model);
    if rows.is_empty() {
        eprintln!("{}", talk.say(Text::NoLimits, &[id]));
        return Ok(());
    }
    let header = [Text::Unit, Text::LimitName, Text::LimitAmount, Text::LimitFrom].map(|text| talk.say(text, &[]));
    Ok(table::write(&mut context.out, &header, &rows)?)
}

fn rows(talk: Talk, model: &Model) -> Vec<Vec<String>> {
    let level = |level: &Level| {
        let row = |(name, held): (&String, &Held)| {
            vec![clean(&level.unit), clean(name), clean(&held.amount), source(talk, &held.said)]
        };
        level.limits.iter().map(row).collect::<Vec<_>>()
    };
    [&model.server, &model.person, &model.all].into_iter().flat_map(level).collect()
}

/// The one that counts comes first.
fn source(talk: Talk, said: &[Voice]) -> String {
    let one = |voice: &Voice| match (voice.by.as_str(), &voice.rule) {
        ("live", _) => talk.say(Text::LimitLive, &[]),
        ("hub.toml", Some(rule)) => format!("hub.toml: {}", clean(rule)),
        (by, _) => clean(by),
    };
    let names: Vec<String> = said.iter().rev().map(one).collect();
    if names.is_empty() { talk.say(Text::LimitDefault, &[]) } else { names.join(" < ") }
}

#[cfg(test)]
mod tests {
    use hubd_base::names::{ServerId, UserName};

    use super::{set, show};
    use crate::cli::Context;
    use crate::client::tests::{FakeHub, respond, told};
    use crate::failure::{Failure, Status};
    use crate::text::{Language, Talk};

    const ANSWER: &str = r#"{"unit": "jupyter@alice.service", "running": true, "profile": null,
        "limits": {"memory_max": {"amount": "4G", "live": true, "said":
            [{"by": "hub.toml", "rule": "limits.group.gpu"}, {"by": "/etc/systemd/x.conf"}, {"by": "live"}]},
            "tasks_max": {"amount": "4915", "live": true, "said": []}},
        "person": {"unit": "jupyter-alice.slice", "limits": {}},
        "all": {"unit": "jupyter.slice", "limits": {"cpu_quota": {"amount": "400%", "said": [{"by": "hub.toml", "rule": null}]}}}}"#;

    fn with(
        hub: &FakeHub,
        ask: impl FnOnce(&mut Context<'_>, &ServerId) -> Result<(), Failure>,
    ) -> Result<String, Failure> {
        let mut out = Vec::new();
        let mut context =
            Context { talk: Talk::new(Language::English), out: &mut out, json: false, client: hub.client() };
        let alice = UserName::parse("alice").map(ServerId::default_of);
        ask(&mut context, &alice.unwrap_or_else(|error| unreachable!("{error}")))?;
        Ok(String::from_utf8_lossy(&out).into_owned())
    }

    #[test]
    fn every_limit_is_shown_with_those_who_say_it_the_winner_first() {
        let hub = FakeHub::new(|_| respond(200, ANSWER));
        let printed = with(&hub, show).unwrap_or_default();
        let lines: Vec<&str> = printed.lines().collect();
        assert_eq!(
            lines,
            [
                "UNIT                   LIMIT       AMOUNT  FROM",
                "jupyter@alice.service  memory_max  4G      changed while running < /etc/systemd/x.conf < hub.toml: limits.group.gpu",
                "jupyter@alice.service  tasks_max   4915    systemd's default",
                "jupyter.slice          cpu_quota   400%    hub.toml",
            ]
        );
        assert_eq!(hub.heard(), ["GET users/alice/server/limits"]);
    }

    #[test]
    fn a_change_is_checked_before_the_hub_is_asked() {
        let hub = FakeHub::new(|_| respond(200, ANSWER));
        for (text, sentence) in [
            ("memory_max", "\"memory_max\": expected name=amount, such as memory_max=4G."),
            ("memory_max=4", "memory_max: expected a size such as"),
            ("devices=all", "devices cannot be changed while a server runs"),
        ] {
            let (status, said) = told(with(&hub, |context, id| set(context, id, &[text.to_owned()])));
            assert!(status == Status::Usage && said.contains(sentence), "{said}");
        }
        assert!(hub.heard().is_empty());
        let both = ["memory_max=4G", "cpu_quota=200%"].map(str::to_owned);
        assert!(with(&hub, |context, id| set(context, id, &both)).is_ok());
        assert_eq!(hub.heard(), ["PATCH users/alice/server/limits", r#"{"cpu_quota":"200%","memory_max":"4G"}"#]);
    }
}
