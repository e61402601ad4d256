//! Reads the files in their order and puts their values together.
//!
//! Must never use a file that somebody other than root (or the reader) could have changed: root programs obey it.

use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::error::ConfigError;
use super::schema::{self, ENVIRONMENT, SECTIONS, keys};
use super::{Config, Loaded, Origin, Value, value};

const MAIN: &str = "hub.toml";
const DROP_INS: &str = "hub.toml.d";
/// Bytes. Nobody writes such a file by hand; it would be something else by mistake.
const FILE_MAX: u64 = 1 << 20;

/// Reads `dir/hub.toml` and `dir/hub.toml.d/*.toml`. Files that do not exist are empty: no file at all means the
/// defaults. On mistakes, tells all of them.
pub fn load(dir: &Path) -> Result<Loaded, Vec<ConfigError>> {
    let mut reader = Reader { config: Config::default(), set: Vec::new(), errors: Vec::new() };
    let mut files = Vec::new();
    for path in reader.list(dir) {
        match read(&path) {
            Ok(Some(text)) => {
                reader.file(&path, &text);
                files.push(path);
            }
            Ok(None) => {}
            Err(message) => reader.errors.push(ConfigError { path, line: None, key: None, message }),
        }
    }
    reader.compare();
    if !reader.errors.is_empty() {
        return Err(reader.errors);
    }
    let values = reader.values();
    Ok(Loaded { config: reader.config, values, files })
}

struct Reader {
    config: Config,
    /// Every key that some file sets, once, with the last place that does.
    set: Vec<Value>,
    errors: Vec<ConfigError>,
}

/// The place of something in a file.
struct Place<'a> {
    path: &'a Path,
    text: &'a str,
}

impl Place<'_> {
    fn line(&self, offset: usize) -> usize {
        1 + self.text.bytes().take(offset).filter(|byte| *byte == b'\n').count()
    }
}

impl Reader {
    fn list(&mut self, dir: &Path) -> Vec<PathBuf> {
        let mut paths = vec![dir.join(MAIN)];
        let drop_ins = dir.join(DROP_INS);
        let mut found = Vec::new();
        match fs::read_dir(&drop_ins) {
            Ok(entries) => {
                for entry in entries {
                    match entry {
                        Ok(entry) if is_drop_in(&entry.path()) => found.push(entry.path()),
                        Ok(_) => {}
                        Err(error) => self.unreadable(&drop_ins, &error),
                    }
                }
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => self.unreadable(&drop_ins, &error),
        }
        found.sort();
        paths.append(&mut found);
        paths
    }

    fn unreadable(&mut self, path: &Path, error: &io::Error) {
        let message = format!("cannot be read: {error}");
        self.errors.push(ConfigError { path: path.to_owned(), line: None, key: None, message });
    }

    fn file(&mut self, path: &Path, text: &str) {
        let place = Place { path, text };
        let (table, syntax) = DeTable::parse_recoverable(text);
        let before = self.errors.len();
        if syntax.is_empty() {
            for (name, item) in table.get_ref() {
                self.section(&place, name, item);
            }
            // The parser sorts keys by name; people read from top to bottom.
            if let Some(new) = self.errors.get_mut(before..) {
                new.sort_by_key(|error| error.line);
            }
            return;
        }
        let mut last = None;
        for error in syntax {
            let line = error.span().map(|span| place.line(span.start));
            // One slip often gives several messages; the first of a line is the one that helps.
            if line.is_none() || line != last {
                let message = format!("not valid TOML: {}", error.message().replace('\n', "; "));
                self.errors.push(ConfigError { path: path.to_owned(), line, key: None, message });
            }
            last = line;
        }
    }

    fn section(&mut self, place: &Place<'_>, name: &Spanned<toml::de::DeString<'_>>, item: &Spanned<DeValue<'_>>) {
        let section: &str = name.get_ref();
        let line = place.line(name.span().start);
        if !SECTIONS.iter().any(|(known, _)| *known == section) {
            let (what, near) = if item.get_ref().is_table() {
                ("section", schema::nearest_section(section).map(|near| format!("[{near}]")))
            } else {
                ("key", schema::nearest(section).map(str::to_owned))
            };
            self.error(place, line, section, unknown(what, near.as_deref()));
            return;
        }
        let Some(table) = item.get_ref().as_table() else {
            let message = value::expected(&format!("a section [{section}] with keys"), item.get_ref());
            self.error(place, line, section, message);
            return;
        };
        for (name, item) in table {
            self.key(place, &format!("{section}.{}", name.get_ref()), place.line(name.span().start), item.get_ref());
        }
    }

    fn key(&mut self, place: &Place<'_>, key: &str, line: usize, item: &DeValue<'_>) {
        let Some(known) = schema::find(key) else {
            self.error(place, line, key, unknown("key", schema::nearest(key)));
            return;
        };
        if let (ENVIRONMENT, Some(table)) = (key, item.as_table()) {
            for (name, item) in table {
                let key = format!("{ENVIRONMENT}.{}", name.get_ref());
                let line = place.line(name.span().start);
                let result = schema::set_variable(&mut self.config, name.get_ref(), item.get_ref());
                self.settle(place, &key, line, item.get_ref(), result);
            }
            return;
        }
        let result = (known.apply)(&mut self.config, item);
        self.settle(place, key, line, item, result);
    }

    fn settle(&mut self, place: &Place<'_>, key: &str, line: usize, item: &DeValue<'_>, result: Result<(), String>) {
        match result {
            Ok(()) => {
                let origin = Origin::File { path: place.path.to_owned(), line };
                self.set.retain(|value| value.key != key);
                self.set.push(Value { key: key.to_owned(), text: value::render(item), origin });
            }
            Err(message) => self.error(place, line, key, message),
        }
    }

    fn error(&mut self, place: &Place<'_>, line: usize, key: &str, message: String) {
        let path = place.path.to_owned();
        self.errors.push(ConfigError { path, line: Some(line), key: Some(key.to_owned()), message });
    }

    /// What can only be seen when all keys are known.
    fn compare(&mut self) {
        const HIGH: &str = "limits.memory_high";
        let limits = &self.config.limits;
        let (Some(high), Some(max)) = (limits.memory_high, limits.memory_max) else {
            return;
        };
        let at = self.set.iter().find(|value| value.key == HIGH);
        if let (true, Some(Value { origin: Origin::File { path, line }, .. })) = (high > max, at) {
            self.errors.push(ConfigError {
                path: path.clone(),
                line: Some(*line),
                key: Some(HIGH.to_owned()),
                message: "expected at most limits.memory_max, as it would never be reached".to_owned(),
            });
        }
    }

    fn values(&self) -> Vec<Value> {
        let prefix = format!("{ENVIRONMENT}.");
        let mut values = Vec::new();
        for key in keys() {
            let mut found: Vec<&Value> = self
                .set
                .iter()
                .filter(|value| value.key == key.name || (key.name == ENVIRONMENT && value.key.starts_with(&prefix)))
                .collect();
            found.sort_by(|a, b| a.key.cmp(&b.key));
            values.extend(found.iter().map(|value| (*value).clone()));
            if found.is_empty() {
                let (key, text) = (key.name.to_owned(), key.default.to_owned());
                values.push(Value { key, text, origin: Origin::Default });
            }
        }
        values
    }
}

fn unknown(what: &str, near: Option<&str>) -> String {
    match near {
        Some(near) => format!("unknown {what}; did you mean {near}?"),
        None => format!("unknown {what}"),
    }
}

fn is_drop_in(path: &Path) -> bool {
    let name = path.file_name().map(std::ffi::OsStr::as_encoded_bytes).unwrap_or_default();
    name.ends_with(b".toml") && !name.starts_with(b".")
}

/// `Ok(None)` when the file does not exist.
fn read(path: &Path) -> Result<Option<String>, String> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(format!("cannot be read: {error}")),
    };
    let meta = file.metadata().map_err(|error| format!("cannot be read: {error}"))?;
    if !meta.is_file() {
        return Err("is not a file".to_owned());
    }
    if meta.len() > FILE_MAX {
        return Err("is larger than 1 MiB".to_owned());
    }
    if let Some(message) = distrust(meta.uid(), meta.gid(), meta.mode()) {
        return Err(message);
    }
    let mut text = String::new();
    match file.take(FILE_MAX).read_to_string(&mut text) {
        Ok(_) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::InvalidData => Err("is not UTF-8 text".to_owned()),
        Err(error) => Err(format!("cannot be read: {error}")),
    }
}

/// Why a file's owner or mode lets somebody else write the configuration.
fn distrust(uid: u32, gid: u32, mode: u32) -> Option<String> {
    let mine = (nix::unistd::geteuid().as_raw(), nix::unistd::getegid().as_raw());
    if uid != 0 && uid != mine.0 {
        return Some("must belong to root (chown root)".to_owned());
    }
    let others = mode & 0o002 != 0;
    let group = mode & 0o020 != 0 && gid != 0 && gid != mine.1;
    (others || group).then(|| "must not be writable by others (chmod go-w)".to_owned())
}
