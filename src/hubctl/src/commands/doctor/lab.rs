//! What the hub starts for people: `JupyterLab` or `jupyterhub-singleuser`.

use std::path::Path;

use hubd_base::config::{Config, ServerKind};
use hubd_base::lab::{self, Source};

use super::{Finding, join};
use crate::text::{Talk, Text};

/// Where Debian puts Python packages, besides the places of an environment.
const DEBIAN_PACKAGES: &str = "/usr/lib/python3/dist-packages";

/// The program of people's servers, and the language pack the configuration asks for.
pub(super) fn find(talk: Talk, config: &Config) -> Vec<Finding> {
    let kind = config.server.kind;
    let program = match kind {
        ServerKind::Lab => "JupyterLab",
        ServerKind::Singleuser => "jupyterhub-singleuser",
    };
    let found = match lab::find(config) {
        Ok(found) => found,
        Err(error) => {
            let places: Vec<_> = error.searched.iter().map(|path| path.display()).collect();
            let message = talk.say(Text::CheckLabNone, &[&program, &join(&places)]);
            let advice = match kind {
                ServerKind::Lab => Text::CheckLabDo,
                ServerKind::Singleuser => Text::CheckSingleuserDo,
            };
            return vec![Finding::bad("lab", message, talk.say(advice, &[]))];
        }
    };
    let mut findings = vec![Finding::good("lab", talk.say(Text::CheckLab, &[&program, &found.argv0.display()]))];
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
    use hubd_base::config::{Config, ServerKind};

    use super::{find, pack};
    use crate::commands::doctor::Outcome;
    use crate::text::{Language, Talk};

    const TALK: Talk = Talk::new(Language::English);

    #[test]
    fn each_kind_of_server_is_looked_for_by_its_name() {
        let mut config = Config::default();
        config.server.command = Some(vec!["/nowhere/at/all".to_owned()]);
        config.server.kind = ServerKind::Singleuser;
        let missing = find(TALK, &config);
        let told: Vec<_> = missing.iter().map(|finding| (finding.outcome, finding.message.as_str())).collect();
        assert_eq!(told, [(Outcome::Bad, "jupyterhub-singleuser was not found at: /nowhere/at/all.")]);
        assert!(
            missing.iter().any(|finding| finding.advice.as_deref().is_some_and(|text| text.contains("pip install")))
        );
        config.server.command = Some(vec!["/bin/sh".to_owned()]);
        config.server.kind = ServerKind::Lab;
        let found: Vec<_> = find(TALK, &config).into_iter().map(|finding| finding.message).collect();
        assert_eq!(found, ["JupyterLab is at /bin/sh."]);
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
