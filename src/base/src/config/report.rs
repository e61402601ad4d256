//! What was read: which place set which key, and what is wrong.

use std::path::Path;

use toml::de::DeValue;

use super::error::ConfigError;
use super::schema::{Apply, Key};
use super::{Origin, Value, value};

/// What is shown of a token.
const HIDDEN: &str = "\"(hidden)\"";

/// A file that is being read.
pub(super) struct Place<'a> {
    pub(super) path: &'a Path,
    pub(super) text: &'a str,
}

impl Place<'_> {
    /// The line of a byte, counted from 1.
    pub(super) fn line(&self, offset: usize) -> usize {
        1 + self.text.bytes().take(offset).filter(|byte| *byte == b'\n').count()
    }
}

/// What all files said so far.
#[derive(Default)]
pub(super) struct Report {
    /// Every key that some file sets, once, with the last place that does.
    pub(super) set: Vec<Value>,
    /// Every mistake.
    pub(super) errors: Vec<ConfigError>,
}

impl Report {
    /// Reads one key into `target`; `name` is what the key is called in messages.
    pub(super) fn take<T>(
        &mut self,
        place: &Place<'_>,
        key: &Key<T>,
        target: &mut T,
        name: &str,
        line: usize,
        item: &DeValue<'_>,
    ) {
        let (result, text) = match &key.apply {
            Apply::Value(take) => (take(target, item), value::render(item)),
            Apply::Secret(take) => (take(target, item), HIDDEN.to_owned()),
            Apply::Entries(wanted, take) => {
                let Some(table) = item.as_table() else {
                    self.error(place, line, name, value::expected(wanted, item));
                    return;
                };
                for (entry, item) in table {
                    let line = place.line(entry.span().start);
                    let result = take(target, entry.get_ref(), item.get_ref());
                    self.settle(
                        place,
                        format!("{name}.{}", entry.get_ref()),
                        line,
                        value::render(item.get_ref()),
                        result,
                    );
                }
                return;
            }
        };
        self.settle(place, name.to_owned(), line, text, result);
    }

    /// Keeps what came of one key.
    pub(super) fn settle(
        &mut self,
        place: &Place<'_>,
        key: String,
        line: usize,
        text: String,
        result: Result<(), String>,
    ) {
        match result {
            Ok(()) => self.put(place, key, line, text),
            Err(message) => self.error(place, line, &key, message),
        }
    }

    /// Remembers that this place sets the key.
    pub(super) fn put(&mut self, place: &Place<'_>, key: String, line: usize, text: String) {
        let origin = Origin::File { path: place.path.to_owned(), line };
        self.set.retain(|value| value.key != key);
        self.set.push(Value { key, text, origin });
    }

    pub(super) fn error(&mut self, place: &Place<'_>, line: usize, key: &str, message: String) {
        let path = place.path.to_owned();
        self.errors.push(ConfigError { path, line: Some(line), key: Some(key.to_owned()), message });
    }

    /// Where a key was set, if some file does.
    pub(super) fn find(&self, key: &str) -> Option<&Value> {
        self.set.iter().find(|value| value.key == key)
    }

    /// Adds what is in force for each of these keys; `prefix` is what their names begin with in [`Value::key`].
    pub(super) fn effective<T>(&self, keys: &[Key<T>], prefix: &str, values: &mut Vec<Value>) {
        for key in keys {
            let name = format!("{prefix}{}", key.name);
            let entries = matches!(key.apply, Apply::Entries(..)).then(|| format!("{name}."));
            let of_key = |value: &&Value| match &entries {
                Some(prefix) => value.key.starts_with(prefix),
                None => value.key == name,
            };
            let mut found: Vec<&Value> = self.set.iter().filter(of_key).collect();
            found.sort_by(|a, b| a.key.cmp(&b.key));
            values.extend(found.iter().map(|value| (*value).clone()));
            if found.is_empty() {
                values.push(Value { key: name, text: key.default.to_owned(), origin: Origin::Default });
            }
        }
    }

    /// Adds what is set below a prefix and is none of these keys.
    pub(super) fn beyond<T>(&self, keys: &[Key<T>], prefix: &str, values: &mut Vec<Value>) {
        let is_other = |value: &&Value| value.key.starts_with(prefix) && !keys.iter().any(|key| key.name == value.key);
        let mut found: Vec<&Value> = self.set.iter().filter(is_other).collect();
        found.sort_by(|a, b| a.key.cmp(&b.key));
        values.extend(found.into_iter().cloned());
    }
}
