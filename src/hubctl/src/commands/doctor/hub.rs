//! The hub's own parts: configuration, answers, the broker.

use std::path::Path;

use hubd_base::config::{self, Config, ConfigError};
use nix::unistd::geteuid;

use super::Finding;
use crate::client::Client;
use crate::failure::{Failure, Status};
use crate::model;
use crate::programs::ask;
use crate::settings::Settings;
use crate::text::{Talk, Text};

const BROKER: &str = "org.hubd.Broker1";
const BROKER_FILE: &str = "/usr/share/dbus-1/system-services/org.hubd.Broker1.service";

/// The configuration: the defaults where it has mistakes, `None` where the caller may not read all of it.
pub(super) fn configuration(talk: Talk) -> (Finding, Option<Box<Config>>) {
    configuration_finding(talk, Settings::read(Path::new(config::DIR)))
}

fn configuration_finding(talk: Talk, settings: Settings) -> (Finding, Option<Box<Config>>) {
    let check = "configuration";
    match settings {
        Settings::Known(config) => (Finding::good(check, talk.say(Text::CheckConfig, &[])), Some(config)),
        Settings::Closed(files) => {
            let message = talk.say(Text::ConfigNotSeen, &[&Settings::closed_words(talk, &files)]);
            (Finding::warn(check, message, talk.say(Text::NotAuthorisedHint, &[])), None)
        }
        Settings::Broken(errors) => {
            let all: Vec<String> = errors.iter().map(ConfigError::to_string).collect();
            let message = talk.say(Text::CheckConfigBad, &[&all.join("; ")]);
            (Finding::bad(check, message, talk.say(Text::CheckConfigDo, &[])), Some(Box::default()))
        }
    }
}

pub(super) fn answers(talk: Talk, client: &Client) -> Finding {
    answers_finding(talk, client.get::<model::Status>("status"))
}

fn answers_finding(talk: Talk, status: Result<model::Status, Failure>) -> Finding {
    let check = "hub";
    match status {
        Ok(status) => Finding::good(check, talk.say(Text::CheckHub, &[&model::clean(&status.version)])),
        Err(Failure::Told { status: Status::NotAuthorised, .. }) => {
            Finding::warn(check, talk.say(Text::CheckHubUnasked, &[]), talk.say(Text::NotAuthorisedHint, &[]))
        }
        Err(Failure::Told { text, .. }) => {
            Finding::bad(check, talk.say(Text::CheckHubNone, &[&text]), talk.say(Text::CheckHubDo, &[]))
        }
        Err(Failure::Quiet(_)) => Finding::bad(check, talk.say(Text::NoAnswer, &[]), talk.say(Text::CheckHubDo, &[])),
    }
}

/// Asks the broker over the bus, whose policy lets only root and the hub do so.
pub(super) fn broker(talk: Talk) -> Finding {
    let check = "broker";
    let advice = || talk.say(Text::CheckBrokerDo, &[]);
    if !geteuid().is_root() {
        return if Path::new(BROKER_FILE).exists() {
            Finding::good(check, talk.say(Text::CheckBrokerThere, &[]))
        } else {
            Finding::bad(check, talk.say(Text::CheckFoldersNone, &[&BROKER_FILE]), advice())
        };
    }
    let asked =
        ask("busctl", &["--timeout=10", "get-property", BROKER, "/org/hubd/Broker1", "org.hubd.Broker1", "Version"]);
    match asked {
        Ok(answer) => {
            let version = answer.trim_start_matches("s ").trim_matches('"').to_owned();
            Finding::good(check, talk.say(Text::CheckBroker, &[&version]))
        }
        Err(error) => Finding::bad(check, talk.say(Text::CheckBrokerNone, &[&error]), advice()),
    }
}

#[cfg(test)]
mod tests {
    use super::{answers_finding, configuration_finding};
    use crate::commands::doctor::Outcome;
    use crate::failure::{Failure, Status};
    use crate::settings::Settings;
    use crate::text::{Language, Talk};

    const TALK: Talk = Talk::new(Language::English);

    #[test]
    fn a_hub_that_refuses_the_caller_is_no_broken_hub() {
        let refused = answers_finding(TALK, Err(Failure::new(Status::NotAuthorised, "no")));
        assert_eq!(refused.outcome, Outcome::Warn);
        let dead = answers_finding(TALK, Err(Failure::new(Status::NotReachable, "gone")));
        assert_eq!((dead.outcome, dead.message.as_str()), (Outcome::Bad, "The hub does not answer: gone"));
    }

    #[test]
    fn a_configuration_that_is_not_for_the_caller_is_no_mistake() {
        let files = vec!["/etc/hub/hub.toml.d/50-tokens.toml".into()];
        let (finding, config) = configuration_finding(TALK, Settings::Closed(files));
        assert!(config.is_none());
        assert_eq!(finding.outcome, Outcome::Warn);
        let words = "The configuration cannot be seen: you may not read /etc/hub/hub.toml.d/50-tokens.toml.";
        assert_eq!(finding.message, words);
    }
}
