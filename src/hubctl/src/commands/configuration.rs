//! `hubctl config`: looks at the files themselves, no hub is needed.

use std::path::Path;

use hubd_base::config::{self, ConfigError, Loaded, Origin, Value};
use serde_json::json;

use crate::cli::Context;
use crate::commands::write_json;
use crate::failure::{Failure, Status};
use crate::settings::Settings;
use crate::table;
use crate::text::{Talk, Text};

/// `config check`: every mistake on its own line of standard output.
pub(crate) fn check(context: &mut Context<'_>, dir: &Path) -> Result<(), Failure> {
    let loaded = config::load(dir);
    if context.json {
        write_json(context.out, &check_json(&loaded))?;
        return loaded.map(|_| ()).map_err(|_| Failure::Quiet(Status::Failed));
    }
    match loaded {
        Ok(loaded) => {
            let text = match loaded.files.len() {
                0 => context.talk.say(Text::ConfigNone, &[&dir.display()]),
                files => context.talk.say(Text::ConfigGood, &[&files]),
            };
            eprintln!("{text}");
            Ok(())
        }
        Err(errors) => {
            for error in &errors {
                writeln!(context.out, "{error}")?;
            }
            Err(bad(context.talk, &errors))
        }
    }
}

/// `config show`: every effective value.
pub(crate) fn show(context: &mut Context<'_>, dir: &Path) -> Result<(), Failure> {
    let talk = context.talk;
    let loaded = load(talk, dir)?;
    if context.json {
        return Ok(write_json(context.out, &show_json(&loaded.values))?);
    }
    let header = [Text::Key, Text::Value, Text::Origin].map(|text| talk.say(text, &[]));
    let row = |value: &Value| {
        let origin = match &value.origin {
            Origin::Default => talk.say(Text::Default, &[]),
            Origin::File { path, line } => format!("{}:{line}", path.display()),
        };
        vec![value.key.clone(), value.text.clone(), origin]
    };
    let rows: Vec<Vec<String>> = loaded.values.iter().map(row).collect();
    Ok(table::write(&mut context.out, &header, &rows)?)
}

/// The configuration; its mistakes go to standard error.
pub(crate) fn load(talk: Talk, dir: &Path) -> Result<Loaded, Failure> {
    config::load(dir).map_err(|errors| {
        for error in &errors {
            eprintln!("{error}");
        }
        bad(talk, &errors)
    })
}

fn bad(talk: Talk, errors: &[ConfigError]) -> Failure {
    if let Settings::Closed(files) = Settings::of_errors(errors) {
        let text = talk.say(Text::ConfigNotSeen, &[&Settings::closed_words(talk, &files)]);
        return Failure::new(Status::NotAuthorised, text).with_hint(talk.say(Text::NotAuthorisedHint, &[]));
    }
    Failure::new(Status::Failed, talk.say(Text::ConfigBad, &[&errors.len()]))
        .with_hint(talk.say(Text::ConfigBadHint, &[]))
}

fn check_json(loaded: &Result<Loaded, Vec<ConfigError>>) -> serde_json::Value {
    match loaded {
        Ok(loaded) => json!({"valid": true, "files": loaded.files, "errors": []}),
        Err(errors) => {
            let error = |error: &ConfigError| {
                let ConfigError { path, line, key, message } = error;
                json!({"file": path, "line": line, "key": key, "message": message})
            };
            json!({"valid": false, "errors": errors.iter().map(error).collect::<Vec<_>>()})
        }
    }
}

/// `file` and `line` are null for a default; `value` is the value as TOML.
fn show_json(values: &[Value]) -> serde_json::Value {
    let entry = |value: &Value| {
        let (file, line) = match &value.origin {
            Origin::Default => (None, None),
            Origin::File { path, line } => (Some(path), Some(line)),
        };
        json!({"key": value.key, "value": value.text, "file": file, "line": line})
    };
    values.iter().map(entry).collect()
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use hubd_base::config::{Config, ConfigError, Loaded, Origin, Value};
    use serde_json::json;

    use super::{check_json, show_json};

    #[test]
    fn the_json_of_check_is_stable() {
        let good =
            Loaded { config: Config::default(), values: Vec::new(), files: vec![PathBuf::from("/etc/hub/hub.toml")] };
        assert_eq!(check_json(&Ok(good)), json!({"valid": true, "files": ["/etc/hub/hub.toml"], "errors": []}));
        let error = |line, key: Option<&str>| ConfigError {
            path: PathBuf::from("/etc/hub/hub.toml"),
            line,
            key: key.map(str::to_owned),
            message: "unknown key".to_owned(),
        };
        assert_eq!(
            check_json(&Err(vec![error(Some(3), Some("login.alow")), error(None, None)])),
            json!({"valid": false, "errors": [
                {"file": "/etc/hub/hub.toml", "line": 3, "key": "login.alow", "message": "unknown key"},
                {"file": "/etc/hub/hub.toml", "line": null, "key": null, "message": "unknown key"},
            ]})
        );
    }

    #[test]
    fn the_json_of_show_is_stable() {
        let value = |key: &str, origin| Value { key: key.to_owned(), text: "true".to_owned(), origin };
        let file = Origin::File { path: PathBuf::from("/etc/hub/hub.toml.d/a.toml"), line: 2 };
        assert_eq!(
            show_json(&[value("login.allow_root", file), value("login.admin_access", Origin::Default)]),
            json!([
                {"key": "login.allow_root", "value": "true", "file": "/etc/hub/hub.toml.d/a.toml", "line": 2},
                {"key": "login.admin_access", "value": "true", "file": null, "line": null},
            ])
        );
    }
}
