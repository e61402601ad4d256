//! Reads the files in their order and puts their values together.
//!
//! Must never use a file that somebody other than root (or the reader) could have changed: root programs obey it.

use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::compare::compare;
use super::error::ConfigError;
use super::near::{self, unknown};
use super::report::{Place, Report};
use super::schema::{self, SECTIONS, keys};
use super::tables::{self, Table};
use super::{Config, CustomScope, Group, Loaded, Profile, Role, Service, Value, limits, value};

const MAIN: &str = "hub.toml";
const DROP_INS: &str = "hub.toml.d";
/// Bytes. Nobody writes such a file by hand; it would be something else by mistake.
const FILE_MAX: u64 = 1 << 20;

/// Reads `dir/hub.toml` and `dir/hub.toml.d/*.toml`. Files that do not exist are empty: no file at all means the
/// defaults. On mistakes, tells all of them; those that only show when keys are compared, once each key is right.
pub fn load(dir: &Path) -> Result<Loaded, Vec<ConfigError>> {
    let mut reader = Reader { config: Config::default(), report: Report::default() };
    let mut files = Vec::new();
    for path in reader.list(dir) {
        match read(&path) {
            Ok(Some(text)) => {
                reader.file(&path, &text);
                files.push(path);
            }
            Ok(None) => {}
            Err(message) => reader.report.errors.push(ConfigError { path, line: None, key: None, message }),
        }
    }
    if reader.report.errors.is_empty() {
        reader.report.errors = compare(&reader.config, &reader.report.set);
    }
    if !reader.report.errors.is_empty() {
        return Err(reader.report.errors);
    }
    let values = reader.values();
    Ok(Loaded { config: reader.config, values, files })
}

struct Reader {
    config: Config,
    report: Report,
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
        self.report.errors.push(ConfigError { path: path.to_owned(), line: None, key: None, message });
    }

    fn file(&mut self, path: &Path, text: &str) {
        let place = Place { path, text };
        let (table, syntax) = DeTable::parse_recoverable(text);
        let before = self.report.errors.len();
        if syntax.is_empty() {
            for (name, item) in table.get_ref() {
                self.section(&place, name, item);
            }
            // The parser sorts keys by name; people read from top to bottom.
            if let Some(new) = self.report.errors.get_mut(before..) {
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
                self.report.errors.push(ConfigError { path: path.to_owned(), line, key: None, message });
            }
            last = line;
        }
    }

    fn section(&mut self, place: &Place<'_>, name: &Spanned<toml::de::DeString<'_>>, item: &Spanned<DeValue<'_>>) {
        let section: &str = name.get_ref();
        let line = place.line(name.span().start);
        match section {
            Profile::WORD => return self.read::<Profile>(place, line, item.get_ref()),
            Service::WORD => return self.read::<Service>(place, line, item.get_ref()),
            Role::WORD => return self.read::<Role>(place, line, item.get_ref()),
            CustomScope::WORD => return self.read::<CustomScope>(place, line, item.get_ref()),
            Group::WORD => return self.read::<Group>(place, line, item.get_ref()),
            _ => {}
        }
        if !SECTIONS.iter().any(|(known, _)| *known == section) {
            self.report.error(place, line, section, unknown_section(section, item.get_ref()));
            return;
        }
        let Some(table) = item.get_ref().as_table() else {
            let message = value::expected(&format!("a section [{section}] with keys"), item.get_ref());
            self.report.error(place, line, section, message);
            return;
        };
        if section == limits::SECTION {
            return limits::read(&mut self.config.limits, &mut self.report, place, table);
        }
        for (name, item) in table {
            let key = format!("{section}.{}", name.get_ref());
            let line = place.line(name.span().start);
            match schema::find(&key) {
                Some(known) => self.report.take(place, known, &mut self.config, &key, line, item.get_ref()),
                None => self.report.error(place, line, &key, unknown("key", schema::nearest(&key))),
            }
        }
    }

    fn read<T: Table>(&mut self, place: &Place<'_>, line: usize, item: &DeValue<'_>) {
        tables::read::<T>(&mut self.config, &mut self.report, place, line, item);
    }

    fn values(&self) -> Vec<Value> {
        let mut values = Vec::new();
        self.report.effective(keys(), "", &mut values);
        self.report.effective(limits::KEYS, "", &mut values);
        self.report.beyond(limits::KEYS, "limits.", &mut values);
        self.tables::<Profile>(&mut values);
        self.tables::<Service>(&mut values);
        self.tables::<Role>(&mut values);
        self.tables::<CustomScope>(&mut values);
        self.tables::<Group>(&mut values);
        values
    }

    fn tables<T: Table>(&self, values: &mut Vec<Value>) {
        for table in T::list(&self.config) {
            let label = tables::label::<T>(table.name());
            values.extend(self.report.find(&format!("{label}.name")).cloned());
            self.report.effective(T::KEYS, &format!("{label}."), values);
        }
    }
}

/// A word at the top of a file that means nothing.
fn unknown_section(word: &str, item: &DeValue<'_>) -> String {
    /// Sections are short words: more slips would reach any of them.
    const SLIPS: usize = 2;
    let is_tables = item.as_array().is_some_and(|items| items.iter().any(|item| item.get_ref().is_table()));
    if !item.is_table() && !is_tables {
        return unknown("key", schema::nearest(word));
    }
    let tables = [Profile::WORD, Service::WORD, Role::WORD, CustomScope::WORD, Group::WORD];
    let sections = SECTIONS.iter().map(|(section, _)| *section);
    let near = near::nearest(word, sections.chain(tables), SLIPS);
    let shown = near.map(|near| if tables.contains(&near) { format!("[[{near}]]") } else { format!("[{near}]") });
    unknown("section", shown.as_deref())
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
