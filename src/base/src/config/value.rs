//! The kinds of values: each function takes a TOML value and gives the checked Rust value or what is wrong with it.
//!
//! A message says what was expected first and what was found last.

use std::time::Duration;

use toml::de::DeValue;

use super::{Allow, NEVER, Principal};
use crate::names::{ServiceName, UserName};

pub(super) fn boolean(value: &DeValue<'_>) -> Result<bool, String> {
    value.as_bool().ok_or_else(|| expected("true or false", value))
}

pub(super) fn base_url(value: &DeValue<'_>) -> Result<String, String> {
    let wanted = "a path such as \"/\" or \"/jupyter/\"";
    let text = string(value, wanted)?;
    let plain = |segment: &str| {
        !matches!(segment, "" | "." | "..")
            && segment.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-' | b'~'))
    };
    let inner = text.strip_prefix('/').ok_or_else(|| expected(wanted, value))?;
    let inner = inner.strip_suffix('/').unwrap_or(inner);
    if inner.is_empty() {
        return if text == "/" { Ok("/".to_owned()) } else { Err(expected(wanted, value)) };
    }
    if inner.split('/').all(plain) { Ok(format!("/{inner}/")) } else { Err(expected(wanted, value)) }
}

pub(super) fn allow(value: &DeValue<'_>) -> Result<Allow, String> {
    match value.as_str() {
        Some("all") => Ok(Allow::All),
        None if value.is_array() => principals(value).map(Allow::Only),
        _ => Err(expected("\"all\" or a list such as [\"alice\", \"@students\"]", value)),
    }
}

pub(super) fn principals(value: &DeValue<'_>) -> Result<Vec<Principal>, String> {
    strings(value, "a list of names such as [\"alice\", \"@students\"]")?.iter().map(|name| principal(name)).collect()
}

pub(super) fn principal(text: &str) -> Result<Principal, String> {
    if let Some(group) = text.strip_prefix('@') {
        return match unix_group(group) {
            Ok(()) => Ok(Principal::Group(group.to_owned())),
            Err(_) => Err(format!("expected the name of a group after the @, got {text:?}")),
        };
    }
    UserName::parse(text).map(Principal::User).map_err(|error| format!("{text:?} is not the name of a user: {error}"))
}

/// A group of the system, without an `@`.
pub(super) fn unix_group(name: &str) -> Result<(), String> {
    let odd = |c: char| c.is_control() || c.is_whitespace() || matches!(c, '/' | ':' | ',');
    if name.is_empty() || name.starts_with('-') || name.contains(odd) {
        return Err(format!("{} is not the name of a group of this system", quote(name)));
    }
    Ok(())
}

/// An empty list means that `JupyterLab` is looked for.
pub(super) fn command(value: &DeValue<'_>) -> Result<Option<Vec<String>>, String> {
    let argv = strings(value, "a list such as [\"/usr/bin/jupyter-lab\"]")?;
    let Some(program) = argv.first() else {
        return Ok(None);
    };
    if !program.starts_with('/') {
        return Err(format!("expected an absolute path as the first entry, got {program:?}"));
    }
    if argv.iter().any(|word| word.contains('\0')) {
        return Err("expected words without NUL characters".to_owned());
    }
    Ok(Some(argv))
}

pub(super) fn variable(name: &str, value: &DeValue<'_>) -> Result<String, String> {
    let mut bytes = name.bytes();
    let starts = bytes.next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_');
    if !starts || !bytes.all(|b| b.is_ascii_alphanumeric() || b == b'_') {
        return Err("expected the name of a variable: letters, digits and _, not starting with a digit".to_owned());
    }
    let text = string(value, "a string")?;
    if text.contains(|c: char| c.is_control() && c != '\n' && c != '\t') {
        return Err("expected a string without control characters".to_owned());
    }
    Ok(text.to_owned())
}

pub(super) fn directory(value: &DeValue<'_>) -> Result<String, String> {
    let wanted = "\"~\", \"~/folder\" or an absolute path";
    let text = string(value, wanted)?;
    let good = (text == "~" || text.starts_with("~/") || text.starts_with('/'))
        && !text.contains(char::is_control)
        && !text.split('/').any(|part| part == "..");
    if good { Ok(text.to_owned()) } else { Err(expected(wanted, value)) }
}

pub(super) fn default_url(value: &DeValue<'_>) -> Result<String, String> {
    let wanted = "a path such as \"/lab\" or \"/tree\"";
    let text = string(value, wanted)?;
    let good = text.starts_with('/')
        && !text.starts_with("//")
        && !text.contains(|c: char| c.is_control() || c.is_whitespace() || c == '\\');
    if good { Ok(text.to_owned()) } else { Err(expected(wanted, value)) }
}

/// Absolute paths of folders.
pub(super) fn folders(value: &DeValue<'_>) -> Result<Vec<String>, String> {
    let wanted = "a list of folders such as [\"/srv/homes\"]";
    let folders = strings(value, wanted)?;
    let good = |folder: &String| {
        folder.len() > 1
            && folder.starts_with('/')
            && !folder.contains(char::is_control)
            && !folder.split('/').any(|part| part == "..")
    };
    if folders.iter().all(good) { Ok(folders) } else { Err(expected(wanted, value)) }
}

/// `""`, `zh_CN`, `zh-CN`, `de`: kept in the form with the underscore, which `JupyterLab` uses.
pub(super) fn language(value: &DeValue<'_>) -> Result<Option<String>, String> {
    let wanted = "\"\" or a language such as \"zh_CN\"";
    let text = string(value, wanted)?;
    if text.is_empty() {
        return Ok(None);
    }
    let (first, rest) = text.split_once(['_', '-']).unwrap_or((text, "default"));
    let good = matches!(first.len(), 2 | 3)
        && first.bytes().all(|b| b.is_ascii_lowercase())
        && (2..=8).contains(&rest.len())
        && rest.bytes().all(|b| b.is_ascii_alphanumeric());
    if good { Ok(Some(text.replace('-', "_"))) } else { Err(expected(wanted, value)) }
}

/// `"60s"`, `"1h 30min"`, `"never"`: the units of systemd.time(7) from milliseconds to weeks.
pub(super) fn time(value: &DeValue<'_>) -> Result<Duration, String> {
    let wanted = "a time such as \"60s\" or \"never\"";
    let text = value.as_str().ok_or_else(|| expected(wanted, value))?;
    if matches!(text, "never" | "infinity") {
        return Ok(NEVER);
    }
    let time = parse_time(text).ok_or_else(|| expected(wanted, value))?;
    if time.is_zero() || time > NEVER {
        return Err(expected("a time above zero and below a hundred years", value));
    }
    Ok(time)
}

/// `30d`, `1h 30min`: one or more counts, each with its unit. `None` for anything else.
pub fn parse_time(text: &str) -> Option<Duration> {
    let mut rest = text.trim();
    let mut total = Duration::ZERO;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let (digits, after) = rest.split_at(rest.find(|c: char| !c.is_ascii_digit())?);
        let count: u64 = digits.parse().ok()?;
        let after = after.trim_start();
        let end = after.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(after.len());
        let (unit, after) = after.split_at(end);
        let milliseconds = match unit {
            "ms" | "msec" => 1,
            "s" | "sec" | "second" | "seconds" => 1000,
            "m" | "min" | "minute" | "minutes" => 60_000,
            "h" | "hr" | "hour" | "hours" => 3_600_000,
            "d" | "day" | "days" => 86_400_000,
            "w" | "week" | "weeks" => 604_800_000,
            _ => return None,
        };
        total = total.checked_add(Duration::from_millis(count.checked_mul(milliseconds)?))?;
        rest = after.trim_start();
    }
    Some(total)
}

/// `"150%"` of one CPU, or `"infinity"`.
pub(super) fn cpu(value: &DeValue<'_>) -> Result<Option<u32>, String> {
    let wanted = "a share of one CPU such as \"150%\", or \"infinity\"";
    let text = string(value, wanted)?;
    if text == "infinity" {
        return Ok(None);
    }
    match text.strip_suffix('%').filter(|digits| digits.bytes().all(|b| b.is_ascii_digit())).map(str::parse) {
        Some(Ok(percent)) if (1..=1_000_000).contains(&percent) => Ok(Some(percent)),
        _ => Err(expected(wanted, value)),
    }
}

/// 0 is none at all, `"infinity"` any number.
pub(super) fn count(value: &DeValue<'_>) -> Result<Option<u32>, String> {
    if value.as_str() == Some("infinity") {
        return Ok(None);
    }
    let count = integer(value).and_then(|count| u32::try_from(count).ok());
    count.map(Some).ok_or_else(|| expected("a number such as 5, or \"infinity\"", value))
}

/// As [`count`], but 0 is no limit.
pub(super) fn limit(value: &DeValue<'_>) -> Result<Option<u32>, String> {
    count(value).map(|count| count.filter(|count| *count > 0))
}

pub(super) fn stopped_status(value: &DeValue<'_>) -> Result<u16, String> {
    match integer(value) {
        Some(424) => Ok(424),
        Some(503) => Ok(503),
        _ => Err(expected("424 or 503", value)),
    }
}

pub(super) fn integer(value: &DeValue<'_>) -> Option<u64> {
    value.as_integer().and_then(|number| u64::from_str_radix(number.as_str(), number.radix()).ok())
}

/// One of a few words.
pub(super) fn word<T: Copy>(value: &DeValue<'_>, words: &[(&str, T)]) -> Result<T, String> {
    let found = words.iter().find(|(word, _)| value.as_str() == Some(word));
    found.map(|(_, meaning)| *meaning).ok_or_else(|| {
        let words: Vec<String> = words.iter().map(|(word, _)| quote(word)).collect();
        expected(&words.join(" or "), value)
    })
}

/// Text on one line; may be empty.
pub(super) fn line(value: &DeValue<'_>) -> Result<String, String> {
    let wanted = "a string on one line";
    let text = string(value, wanted)?;
    if text.contains(char::is_control) { Err(expected(wanted, value)) } else { Ok(text.to_owned()) }
}

/// One entry of a table of strings whose names are free.
pub(super) fn entry(name: &str, value: &DeValue<'_>) -> Result<String, String> {
    if name.is_empty() || name.contains(char::is_control) {
        return Err("expected a name that is not empty and has no control characters".to_owned());
    }
    string(value, "a string").map(str::to_owned)
}

pub(super) fn users(value: &DeValue<'_>) -> Result<Vec<UserName>, String> {
    let name = |name: &String| {
        UserName::parse(name).map_err(|error| format!("{} is not the name of a user: {error}", quote(name)))
    };
    strings(value, "a list of users such as [\"alice\", \"bob\"]")?.iter().map(name).collect()
}

pub(super) fn services(value: &DeValue<'_>) -> Result<Vec<ServiceName>, String> {
    let name = |name: &String| {
        ServiceName::parse(name).map_err(|error| format!("{} is not the name of a service: {error}", quote(name)))
    };
    strings(value, "a list of services such as [\"idle-culler\"]")?.iter().map(name).collect()
}

/// The hub's own groups, which take any name.
pub(super) fn groups(value: &DeValue<'_>) -> Result<Vec<String>, String> {
    let groups = strings(value, "a list of the hub's groups such as [\"class-a\"]")?;
    for group in &groups {
        group_name(group)?;
    }
    Ok(groups)
}

pub(super) fn group_name(name: &str) -> Result<(), String> {
    if name.trim() != name || name.is_empty() || name.contains(char::is_control) {
        return Err(format!("{} is not the name of a group: it is empty or has odd characters", quote(name)));
    }
    Ok(())
}

/// Scopes that are written rightly; whether there are such scopes, the hub knows.
pub(super) fn scopes(value: &DeValue<'_>) -> Result<Vec<String>, String> {
    let scopes = strings(value, "a list of scopes such as [\"read:users\", \"servers!user=alice\"]")?;
    match scopes.iter().find(|text| !is_scope(text)) {
        Some(bad) => {
            Err(format!("expected scopes such as \"read:users\" or \"servers!user=alice\", got {}", quote(bad)))
        }
        None => Ok(scopes),
    }
}

/// `read:users`, `servers!user`, `servers!user=alice`.
fn is_scope(text: &str) -> bool {
    let (base, filter) = text.split_once('!').map_or((text, None), |(base, filter)| (base, Some(filter)));
    let letter = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b":_-*()".contains(&b);
    let base = base.starts_with(|c: char| c.is_ascii_lowercase() || c == '(') && base.bytes().all(letter);
    let filter = filter.is_none_or(|filter| match filter.split_once('=') {
        Some((kind, name)) => {
            matches!(kind, "user" | "group" | "server" | "service")
                && !name.is_empty()
                && !name.contains(char::is_control)
        }
        None => matches!(filter, "user" | "server" | "service"),
    });
    base && filter
}

/// The value as TOML on one line.
pub(super) fn render(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) => quote(text),
        DeValue::Integer(number) => number.to_string(),
        DeValue::Float(number) => number.to_string(),
        DeValue::Boolean(flag) => flag.to_string(),
        DeValue::Datetime(time) => time.to_string(),
        DeValue::Array(items) => {
            let items: Vec<String> = items.iter().map(|item| render(item.get_ref())).collect();
            format!("[{}]", items.join(", "))
        }
        DeValue::Table(table) => {
            let entry = |(key, item): (&toml::Spanned<_>, &toml::Spanned<DeValue<'_>>)| -> String {
                let key: &toml::de::DeString<'_> = key.get_ref();
                format!("{key} = {}", render(item.get_ref()))
            };
            let entries: Vec<String> = table.iter().map(entry).collect();
            if entries.is_empty() { "{}".to_owned() } else { format!("{{ {} }}", entries.join(", ")) }
        }
    }
}

/// A TOML basic string.
pub(super) fn quote(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() => out.extend(format!("\\u{:04X}", u32::from(c)).chars()),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

pub(super) fn expected(wanted: &str, value: &DeValue<'_>) -> String {
    /// Long values are cut: the line number leads to them.
    const SHOWN: usize = 60;
    let text = render(value);
    let shown: String = text.chars().take(SHOWN).collect();
    let dots = if shown.len() < text.len() { "..." } else { "" };
    format!("expected {wanted}, got {shown}{dots}")
}

pub(super) fn string<'v>(value: &'v DeValue<'_>, wanted: &str) -> Result<&'v str, String> {
    value.as_str().ok_or_else(|| expected(wanted, value))
}

pub(super) fn strings(value: &DeValue<'_>, wanted: &str) -> Result<Vec<String>, String> {
    let items = value.as_array().ok_or_else(|| expected(wanted, value))?;
    let text = |item: &toml::Spanned<DeValue<'_>>| item.get_ref().as_str().map(str::to_owned);
    items.iter().map(text).collect::<Option<Vec<_>>>().ok_or_else(|| expected(wanted, value))
}
