//! The hub's own parts: configuration, answers, the broker, JupyterLab.

use std::path::Path;

use hubd_base::config::{self, Config};
use hubd_base::lab::{self, Source};
use nix::unistd::geteuid;

use super::{Finding, ask, join};
use crate::client::Client;
use crate::failure::{Failure, Status};
use crate::model;
use crate::text::{Talk, Text};

const BROKER: &str = "org.hubd.Broker1";
const BROKER_FILE: &str = "/usr/share/dbus-1/system-services/org.hubd.Broker1.service";
/// Where Debian puts Python packages, besides the places of an environment.
const DEBIAN_PACKAGES: &str = "/usr/lib/python3/dist-packages";

/// The configuration, or the defaults where it has mistakes.
pub(super) fn configuration(talk: Talk) -> (Finding, Config) {
    match config::load(Path::new(config::DIR)) {
        Ok(loaded) => (Finding::good("configuration", talk.say(Text::CheckConfig, &[])), loaded.config),
        Err(errors) => {
            let all: Vec<String> = errors.iter().map(ToString::to_string).collect();
            let message = talk.say(Text::CheckConfigBad, &[&all.join("; ")]);
            let finding = Finding::bad("configuration", message, talk.say(Text::CheckConfigDo, &[]));
            (finding, Config::default())
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

/// JupyterLab, and the language pack the configuration asks for.
pub(super) fn lab(talk: Talk, config: &Config) -> Vec<Finding> {
    let found = match lab::find(config) {
        Ok(found) => found,
        Err(error) => {
            let places: Vec<_> = error.searched.iter().map(|path| path.display()).collect();
            let message = talk.say(Text::CheckLabNone, &[&join(&places)]);
            return vec![Finding::bad("lab", message, talk.say(Text::CheckLabDo, &[]))];
        }
    };
    let mut findings = vec![Finding::good("lab", talk.say(Text::CheckLab, &[&found.argv0.display()]))];
    let packages = match found.source {
        Source::Environment => Some(Path::new(lab::ENVIRONMENT).join("lib")),
        Source::Debian => None,
        // Anything may stand behind a command of one's own.
        Source::Configured => return findings,
    };
    if let Some(language) = config.server.language.as_deref().filter(|language| !language.starts_with("en")) {
        findings.push(pack(talk, language, packages.as_deref()));
    }
    findings
}

fn pack(talk: Talk, language: &str, lib: Option<&Path>) -> Finding {
    let name = format!("jupyterlab_language_pack_{language}");
    let there = match lib {
        None => Path::new(DEBIAN_PACKAGES).join(&name).exists(),
        Some(lib) => std::fs::read_dir(lib).is_ok_and(|mut pythons| {
            pythons.any(|python| python.is_ok_and(|python| python.path().join("site-packages").join(&name).exists()))
        }),
    };
    if there {
        return Finding::good("language", talk.say(Text::CheckPack, &[&language]));
    }
    let advice = talk.say(Text::CheckPackDo, &[&language.replace('_', "-")]);
    Finding::warn("language", talk.say(Text::CheckPackNone, &[&language]), advice)
}

#[cfg(test)]
mod tests {
    use super::{answers_finding, pack};
    use crate::commands::doctor::Outcome;
    use crate::failure::{Failure, Status};
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
    fn a_language_pack_is_looked_for_below_every_python() {
        let lib = std::env::temp_dir().join(format!("hubctl-pack-{}", std::process::id()));
        let there = lib.join("python3.13/site-packages/jupyterlab_language_pack_zh_CN");
        assert!(std::fs::create_dir_all(there).is_ok());
        let (found, missing) = (pack(TALK, "zh_CN", Some(&lib)), pack(TALK, "fr_FR", Some(&lib)));
        assert!(std::fs::remove_dir_all(&lib).is_ok());
        assert_eq!(found.outcome, Outcome::Good);
        assert_eq!(missing.outcome, Outcome::Warn);
        assert_eq!(missing.advice.as_deref(), Some("Install it with `hubctl env create --language fr-FR`."));
    }
}
