//! Tables that may be there many times, such as `[[service]]`: each has a name, and two files that use the same name
//! mean the same one.
//!
//! Invariant: of one kind no two tables in a [`Config`] share a name.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::near::{self, unknown};
use super::report::{Place, Report};
use super::schema::{Key, SLIPS};
use super::{Config, value};

/// One kind of tables.
pub(super) trait Table: Sized + 'static {
    /// What stands in the brackets: `service`.
    const WORD: &'static str;
    /// The lines it opens with in the shipped file.
    const MEANING: &'static [&'static str];
    /// What its name means.
    const NAME: &'static [&'static str];
    /// The name of the example in the shipped file.
    const EXAMPLE: &'static str;
    /// The keys, with their values as TOML, that the example has otherwise than the default.
    const EXAMPLE_KEYS: &'static [(&'static str, &'static str)];
    /// Every key but the name.
    const KEYS: &'static [Key<Self>];

    /// A table of that name with every key at its default.
    fn new(name: &str) -> Result<Self, String>;
    /// Its name.
    fn name(&self) -> &str;
    /// All tables of this kind.
    fn list(config: &Config) -> &[Self];
    /// The same.
    fn list_mut(config: &mut Config) -> &mut Vec<Self>;
}

/// How a table is called in messages: `service[idle-culler]`.
pub(super) fn label<T: Table>(name: &str) -> String {
    format!("{}[{name}]", T::WORD)
}

/// Reads all tables of one kind of one file.
pub(super) fn read<T: Table>(
    config: &mut Config,
    report: &mut Report,
    place: &Place<'_>,
    line: usize,
    item: &DeValue<'_>,
) {
    // What is there instead may hold a token: it is not shown.
    let message = format!("expected tables that each start with [[{}]]", T::WORD);
    let Some(items) = item.as_array() else {
        report.error(place, line, T::WORD, message);
        return;
    };
    let mut seen: Vec<(&str, usize)> = Vec::new();
    for item in items {
        let line = place.line(item.span().start);
        match item.get_ref().as_table() {
            Some(table) => one::<T>(config, report, place, line, table, &mut seen),
            None => report.error(place, line, T::WORD, message.clone()),
        }
    }
}

/// Reads one table. `seen` holds the names in this file and their lines.
fn one<'t, T: Table>(
    config: &mut Config,
    report: &mut Report,
    place: &Place<'_>,
    line: usize,
    table: &'t DeTable<'_>,
    seen: &mut Vec<(&'t str, usize)>,
) {
    let name = name::<T>(report, place, line, table);
    let label = name.map_or(T::WORD.to_owned(), |(name, _)| label::<T>(name));
    if let Some((name, line)) = name {
        if let Some((_, first)) = seen.iter().find(|(known, _)| *known == name) {
            let message = format!("this name is taken by the table in line {first} of the same file");
            report.error(place, line, &format!("{label}.name"), message);
        }
        seen.push((name, line));
        report.put(place, format!("{label}.name"), line, value::quote(name));
    }
    // The keys of a table whose name is wrong are read too, as all mistakes are told at once; what they say is lost.
    let mut nowhere = Vec::new();
    let list = if name.is_some() { T::list_mut(config) } else { &mut nowhere };
    let name = name.map_or(T::EXAMPLE, |(name, _)| name);
    if !list.iter().any(|known| known.name() == name) {
        list.extend(T::new(name));
    }
    let Some(entry) = list.iter_mut().find(|known| known.name() == name) else {
        return;
    };
    for (word, item) in table {
        let (word, line): (&str, _) = (word.get_ref(), place.line(word.span().start));
        if word == "name" {
            continue;
        }
        let full = format!("{label}.{word}");
        if let Some(key) = T::KEYS.iter().find(|key| key.name == word) {
            report.take(place, key, entry, &full, line, item.get_ref());
        } else {
            let words = T::KEYS.iter().map(|key| key.name).chain(["name"]);
            report.error(place, line, &full, unknown("key", near::nearest(word, words, SLIPS)));
        }
    }
}

/// The table's name and its line, if it is one.
fn name<'t, T: Table>(
    report: &mut Report,
    place: &Place<'_>,
    line: usize,
    table: &'t DeTable<'_>,
) -> Option<(&'t str, usize)> {
    let wanted = format!("a name such as name = {}", value::quote(T::EXAMPLE));
    let found = table.iter().find(|(word, _)| -> bool {
        let word: &str = word.get_ref();
        word == "name"
    });
    let Some((word, item)): Option<(&Spanned<_>, &Spanned<DeValue<'_>>)> = found else {
        report.error(place, line, T::WORD, format!("expected {wanted}"));
        return None;
    };
    let line = place.line(word.span().start);
    let result = item.get_ref().as_str().ok_or_else(|| value::expected(&wanted, item.get_ref()));
    match result.and_then(|name| T::new(name).map(|_| name)) {
        Ok(name) => Some((name, line)),
        Err(message) => {
            report.error(place, line, &format!("{}.name", T::WORD), message);
            None
        }
    }
}

/// The part of the shipped file that explains one kind of tables.
pub(super) fn reference<T: Table>() -> String {
    let mut out = String::new();
    let mut explain = |meaning: &[&str], text: &str| {
        out.push('\n');
        for line in meaning {
            out.extend(["# ", line, "\n"]);
        }
        out.extend(["#", text, "\n"]);
    };
    explain(T::MEANING, &format!("[[{}]]", T::WORD));
    explain(T::NAME, &format!("name = {}", value::quote(T::EXAMPLE)));
    for key in T::KEYS {
        let example = T::EXAMPLE_KEYS.iter().find(|(name, _)| *name == key.name);
        explain(key.meaning, &format!("{} = {}", key.name, example.map_or(key.default, |(_, text)| text)));
    }
    out
}
