//! `hubctl services`: the programs that work with the hub for everybody.

use std::collections::BTreeMap;
use std::path::Path;

use hubd_base::names::ServiceName;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::cli::Context;
use crate::commands::{configuration, write_json};
use crate::failure::{Failure, Status};
use crate::model;
use crate::programs::unit_state;
use crate::table;
use crate::text::{Talk, Text};

/// A service (contract: service model).
#[derive(Debug, Default, Deserialize)]
struct Service {
    #[serde(default)]
    url: Option<String>,
    #[serde(default)]
    command: Vec<String>,
    /// The hub's own word, beyond the contract.
    #[serde(default)]
    state_word: Option<String>,
    /// Likewise: why it does not run.
    #[serde(default)]
    problem: Option<String>,
}

impl Service {
    /// The hub's word for the state, otherwise systemd's; a dash for what the hub does not start.
    fn state(&self, talk: Talk, unit: Option<String>, ask: impl Fn(&str) -> String) -> String {
        let text = match self.state_word.as_deref() {
            Some("running") => Text::StateRunning,
            Some("starting") => Text::StateStarting,
            Some("stopping") => Text::StateStopping,
            Some("stopped") => Text::StateStopped,
            Some("failed") => Text::StateFailed,
            _ => return unit.map_or_else(|| "-".to_owned(), |unit| ask(&unit)),
        };
        talk.say(text, &[])
    }

    /// The word of the contract's chapter on services.
    fn kind(&self) -> Text {
        match (self.command.is_empty(), self.url.as_deref().unwrap_or_default()) {
            (false, _) => Text::KindManaged,
            (true, "") => Text::KindTokenOnly,
            (true, _) => Text::KindExternal,
        }
    }
}

pub(crate) fn run(context: &mut Context<'_>) -> Result<(), Failure> {
    let talk = context.talk;
    let services: BTreeMap<String, Value> = context.client.get("services")?;
    if context.json {
        return Ok(write_json(context.out, &models(services, unit_state))?);
    }
    let rows = rows(talk, services, unit_state)?;
    if rows.is_empty() {
        eprintln!("{}", talk.say(Text::NoServices, &[]));
    }
    let header = [Text::Service, Text::Kind, Text::State, Text::Url, Text::Command].map(|text| talk.say(text, &[]));
    Ok(table::write(&mut context.out, &header, &rows)?)
}

/// `services --managed`: the names of those in the configuration that the hub starts, without asking the hub. Fails
/// without a word when there are none; `hub-services.service` asks this before it starts the hub.
pub(crate) fn managed(context: &mut Context<'_>, dir: &Path) -> Result<(), Failure> {
    let config = configuration::load(context.talk, dir)?.config;
    let services = config.services.iter().filter(|service| service.is_managed());
    let names: Vec<&str> = services.map(|service| service.name.as_str()).collect();
    if context.json {
        write_json(context.out, &json!(names))?;
    } else {
        for name in &names {
            writeln!(context.out, "{name}")?;
        }
    }
    if names.is_empty() { Err(Failure::Quiet(Status::Failed)) } else { Ok(()) }
}

/// The service models as the API gives them, each with two fields more: `unit` and `unit_state`, null for a service
/// that the hub does not start.
fn models(services: BTreeMap<String, Value>, state: impl Fn(&str) -> String) -> Value {
    let with_unit = |(name, mut model): (String, Value)| {
        let unit = Service::deserialize(&model).ok().and_then(|service| unit(&name, &service));
        if let Some(fields) = model.as_object_mut() {
            fields.insert("unit_state".to_owned(), json!(unit.as_deref().map(&state)));
            fields.insert("unit".to_owned(), json!(unit));
        }
        model
    };
    services.into_iter().map(with_unit).collect()
}

fn rows(
    talk: Talk,
    services: BTreeMap<String, Value>,
    state: impl Fn(&str) -> String,
) -> Result<Vec<Vec<String>>, Failure> {
    let row = |(name, model): (String, Value)| {
        let service = Service::deserialize(model)
            .map_err(|error| Failure::new(Status::Failed, talk.say(Text::Strange, &[&error])))?;
        if let Some(problem) = &service.problem {
            eprintln!("{}", talk.say(Text::ServiceProblem, &[&name, &model::clean(problem)]));
        }
        let state = service.state(talk, unit(&name, &service), &state);
        let kind = talk.say(service.kind(), &[]);
        Ok(vec![name, kind, state, service.url.unwrap_or_default(), service.command.join(" ")])
    };
    services.into_iter().map(row).collect()
}

/// The unit of a service that the hub starts.
fn unit(name: &str, service: &Service) -> Option<String> {
    let managed = !service.command.is_empty();
    managed.then(|| ServiceName::parse(name).ok()).flatten().map(|name| name.unit_name())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::{Value, json};

    use super::{managed, models, rows, run};
    use crate::cli::Context;
    use crate::client::tests::{FakeHub, respond, told};
    use crate::failure::{Failure, Status};
    use crate::text::{Language, Talk};

    const TALK: Talk = Talk::new(Language::English);

    fn several() -> BTreeMap<String, Value> {
        [
            ("cull", json!({"name": "cull", "url": "", "command": ["cull", "--timeout=60"]})),
            ("down", json!({"name": "down", "command": ["x"], "state_word": "failed", "problem": "gone"})),
            ("grades", json!({"name": "grades", "url": "http://127.0.0.1:9000", "command": []})),
            ("script", json!({"name": "script", "url": null})),
        ]
        .map(|(name, model)| (name.to_owned(), model))
        .into()
    }

    fn state(unit: &str) -> String {
        if unit == "hub-service@cull.service" { "active" } else { "?" }.to_owned()
    }

    #[test]
    fn each_kind_of_service_is_told_apart() {
        let rows = rows(TALK, several(), state).unwrap_or_default();
        assert_eq!(
            rows,
            [
                ["cull", "managed", "active", "", "cull --timeout=60"],
                ["down", "managed", "failed", "", "x"],
                ["grades", "external", "-", "http://127.0.0.1:9000", ""],
                ["script", "token only", "-", "", ""],
            ]
        );
        assert!(super::rows(TALK, [("x".to_owned(), json!({"command": 7}))].into(), state).is_err());
    }

    #[test]
    fn the_json_is_the_models_with_their_units() {
        let models = models(several(), state);
        let of = |number: usize, key: &str| models.pointer(&format!("/{number}/{key}")).cloned();
        assert_eq!(of(0, "unit"), Some(json!("hub-service@cull.service")));
        assert_eq!(of(0, "unit_state"), Some(json!("active")));
        assert_eq!((of(2, "unit"), of(2, "unit_state")), (Some(Value::Null), Some(Value::Null)));
        assert_eq!(of(3, "name"), Some(json!("script")));
    }

    #[test]
    fn the_managed_services_are_named_without_a_hub() {
        let dir = std::env::temp_dir().join(format!("hubctl-services-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        let hub = FakeHub::new(|_| respond(500, "{}"));
        let ask = |toml: &str, json| {
            std::fs::write(dir.join("hub.toml"), toml).unwrap();
            let mut out = Vec::new();
            let mut context = Context { talk: TALK, out: &mut out, json, client: hub.client() };
            let done = managed(&mut context, &dir).map_err(|failure| match failure {
                Failure::Quiet(status) => (status, String::new()),
                failure @ Failure::Told { .. } => told::<()>(Err(failure)),
            });
            (done, String::from_utf8_lossy(&out).into_owned())
        };
        let script = "[[service]]\nname = \"script\"\napi_token = \"0123456789abcdef\"\n";
        let cull = "[[service]]\nname = \"cull\"\ncommand = [\"cull\"]\n";
        let quiet = Err((Status::Failed, String::new()));
        assert_eq!(ask("", false), (quiet.clone(), String::new()));
        assert_eq!(ask(script, false), (quiet.clone(), String::new()));
        assert_eq!(ask(script, true), (quiet, "[]\n".to_owned()));
        let both = format!("{script}{cull}");
        assert_eq!(ask(&both, false), (Ok(()), "cull\n".to_owned()));
        assert_eq!(ask(&both, true), (Ok(()), "[\n  \"cull\"\n]\n".to_owned()));
        assert!(
            ask("[[service]]\n", false).0.is_err_and(|(status, text)| status == Status::Failed && !text.is_empty())
        );
        std::fs::remove_dir_all(&dir).unwrap();
        assert_eq!(hub.heard(), [""; 0]);
    }

    #[test]
    fn a_hub_without_services_is_an_empty_table() {
        let hub = FakeHub::new(|_| respond(200, "{}"));
        let mut out = Vec::new();
        let mut context = Context { talk: TALK, out: &mut out, json: false, client: hub.client() };
        assert!(run(&mut context).is_ok());
        assert_eq!(String::from_utf8_lossy(&out), "SERVICE  KIND  STATE  URL  COMMAND\n");
    }
}
