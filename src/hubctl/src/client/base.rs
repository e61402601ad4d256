//! `hub.base_url`, which every path of the hub begins with.
//!
//! It stands in the configuration, which an ordinary user may not be able to read (a file with a token in it belongs to
//! root and the hub). Then the hub itself is asked: whoever comes without a path is led below it. Must never be guessed
//! in silence: when the hub does not tell either, whatever is not found is told together with the reason.

use std::path::Path;
use std::sync::OnceLock;

use crate::failure::{Failure, Status};
use crate::settings::Settings;
use crate::text::{Talk, Text};

/// What to try when nobody tells: the default.
const DEFAULT: &str = "/";

/// `hub.base_url`, or why it is not known.
#[derive(Debug, Clone)]
pub(crate) enum Base {
    /// Begins and ends with a slash.
    Known(String),
    /// The configuration does not tell.
    Unknown(Doubt),
}

/// Why `hub.base_url` is not known from the configuration.
#[derive(Debug, Clone)]
pub(crate) struct Doubt {
    reason: String,
    hint: String,
    /// What the hub told, once it was asked.
    told: OnceLock<Option<String>>,
}

impl Base {
    /// What the configuration in this folder tells.
    pub(crate) fn read(talk: Talk, dir: &Path) -> Self {
        Self::of(talk, Settings::read(dir))
    }

    fn of(talk: Talk, settings: Settings) -> Self {
        let (reason, hint) = match settings {
            Settings::Known(config) => return Self::Known(config.hub.base_url),
            Settings::Closed(files) => (Settings::closed_words(talk, &files), Text::NotAuthorisedHint),
            Settings::Broken(errors) => (talk.say(Text::ConfigBad, &[&errors.len()]), Text::CheckConfigDo),
        };
        Self::Unknown(Doubt { reason, hint: talk.say(hint, &[]), told: OnceLock::new() })
    }

    /// The value. `home` asks the hub where it leads those who come without a path, at most once.
    pub(super) fn url(&self, home: impl FnOnce() -> Option<String>) -> &str {
        match self {
            Self::Known(url) => url,
            Self::Unknown(doubt) => {
                doubt.told.get_or_init(|| home().as_deref().and_then(base_of)).as_deref().unwrap_or(DEFAULT)
            }
        }
    }

    /// The doubt that is left after the hub was asked.
    pub(super) fn doubt(&self) -> Option<&Doubt> {
        match self {
            Self::Unknown(doubt) if !matches!(doubt.told.get(), Some(Some(_))) => Some(doubt),
            _ => None,
        }
    }
}

impl Doubt {
    /// What to tell about a path that was not found.
    pub(super) fn failure(&self, talk: Talk, path: &str) -> Failure {
        Failure::new(Status::Failed, talk.say(Text::BaseUnknown, &[&path, &self.reason])).with_hint(&self.hint)
    }
}

/// `/jupyter/` of `/jupyter/hub/` or `https://hub.example.org/jupyter/hub/`.
fn base_of(location: &str) -> Option<String> {
    let path = match location.split_once("://") {
        Some((_, rest)) => rest.get(rest.find('/')?..)?,
        None => location,
    };
    let base = path.strip_suffix("hub/")?;
    let whole = base.starts_with('/') && base.ends_with('/') && !base.starts_with("//");
    whole.then(|| base.to_owned())
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use serde_json::Value;

    use super::{Base, base_of};
    use crate::client::tests::{FakeHub, respond, told};
    use crate::failure::Status;
    use crate::settings::Settings;
    use crate::text::{Language, Talk};

    fn closed() -> Base {
        let settings = Settings::Closed(vec![PathBuf::from("/etc/hub/hub.toml.d/50-tokens.toml")]);
        Base::of(Talk::new(Language::English), settings)
    }

    #[test]
    fn the_hubs_own_redirect_tells_the_base() {
        assert_eq!(base_of("/hub/").as_deref(), Some("/"));
        assert_eq!(base_of("/a/b/hub/").as_deref(), Some("/a/b/"));
        assert_eq!(base_of("https://hub.example.org/jupyter/hub/").as_deref(), Some("/jupyter/"));
        for wrong in ["", "hub/", "/login", "//evil/hub/", "https://hub.example.org", "/xhub/"] {
            assert_eq!(base_of(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_configuration_that_is_closed_is_made_up_for_by_asking_the_hub_once() {
        let hub = FakeHub::new(|line| match line {
            "GET / HTTP/1.0" => "HTTP/1.0 302 Found\r\nLocation: /jupyter/hub/\r\n\r\n".to_owned(),
            line if line.starts_with("GET /jupyter/hub/api/") => respond(200, "{}"),
            _ => respond(404, "{}"),
        });
        let client = hub.client_at(closed());
        assert!(client.get::<Value>("status").is_ok());
        assert!(client.get::<Value>("info").is_ok());
        let seen: Vec<String> = hub.seen.try_iter().collect();
        let paths = ["/", "/jupyter/hub/api/status", "/jupyter/hub/api/info"];
        assert_eq!(seen, paths.map(|path| format!("GET {path} HTTP/1.0")));
    }

    #[test]
    fn what_is_not_found_for_want_of_the_base_is_told_with_the_reason() {
        let hub = FakeHub::new(|_| respond(404, r#"{"message": "Not Found"}"#));
        let (status, text) = told(hub.client_at(closed()).send("GET", "status"));
        assert_eq!(status, Status::Failed);
        let reason = "you may not read /etc/hub/hub.toml.d/50-tokens.toml";
        assert_eq!(text, format!("The hub has nothing at /hub/api/status, and hub.base_url is not known: {reason}."));
    }
}
