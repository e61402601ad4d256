//! The configuration, as far as the caller may read it.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use hubd_base::config::{self, Config, ConfigError};

use crate::text::{Talk, Text};

/// What could be read.
#[derive(Debug)]
pub(crate) enum Settings {
    /// All of it.
    Known(Box<Config>),
    /// Not all: these files are closed to the caller, and nothing else is wrong.
    Closed(Vec<PathBuf>),
    /// It has mistakes.
    Broken(Vec<ConfigError>),
}

impl Settings {
    /// Reads the configuration in this folder.
    pub(crate) fn read(dir: &Path) -> Self {
        match config::load(dir) {
            Ok(loaded) => Self::Known(Box::new(loaded.config)),
            Err(errors) => Self::sort(errors, is_closed),
        }
    }

    /// What these mistakes are to the caller.
    pub(crate) fn of_errors(errors: &[ConfigError]) -> Self {
        Self::sort(errors.to_vec(), is_closed)
    }

    /// Words for files that the caller may not read, as the end of a sentence.
    pub(crate) fn closed_words(talk: Talk, files: &[PathBuf]) -> String {
        let names: Vec<String> = files.iter().map(|file| file.display().to_string()).collect();
        talk.say(Text::ConfigClosed, &[&names.join(", ")])
    }

    fn sort(errors: Vec<ConfigError>, is_closed: impl Fn(&Path) -> bool) -> Self {
        if errors.iter().all(|error| is_closed(&error.path)) {
            return Self::Closed(errors.into_iter().map(|error| error.path).collect());
        }
        Self::Broken(errors)
    }
}

fn is_closed(path: &Path) -> bool {
    let denied = |error: io::Error| error.kind() == io::ErrorKind::PermissionDenied;
    if path.is_dir() { fs::read_dir(path).is_err_and(denied) } else { File::open(path).is_err_and(denied) }
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use hubd_base::config::ConfigError;

    use super::{Settings, is_closed};
    use crate::text::{Language, Talk};

    fn error(path: &str) -> ConfigError {
        ConfigError { path: PathBuf::from(path), line: None, key: None, message: "cannot be read".to_owned() }
    }

    #[test]
    fn files_that_are_closed_are_no_mistakes_unless_there_are_others() {
        let secret = |path: &Path| path.ends_with("tokens.toml");
        let closed = Settings::sort(vec![error("/etc/hub/hub.toml.d/tokens.toml")], secret);
        let Settings::Closed(files) = closed else { unreachable!("{closed:?}") };
        let words = Settings::closed_words(Talk::new(Language::English), &files);
        assert_eq!(words, "you may not read /etc/hub/hub.toml.d/tokens.toml");
        let both = vec![error("/etc/hub/hub.toml"), error("/etc/hub/hub.toml.d/tokens.toml")];
        let broken = Settings::sort(both, secret);
        assert!(matches!(&broken, Settings::Broken(errors) if errors.len() == 2), "{broken:?}");
    }

    #[test]
    fn what_is_missing_or_open_is_not_closed() {
        assert!(!is_closed(Path::new("/nowhere/at/all")));
        assert!(!is_closed(Path::new("/etc/passwd")) && !is_closed(Path::new("/etc")));
    }
}
