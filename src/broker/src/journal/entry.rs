//! From what journalctl writes to what the hub gets: one JSON object a line, clean and of a sane length.

use serde_json::{Value, json};

/// What is asked of journalctl for each entry, beside its time and its cursor.
pub const FIELDS: &str = "MESSAGE,MESSAGE_ID,PRIORITY,SYSLOG_IDENTIFIER,_COMM,HUB_USER,HUB_CLIENT,HUB_OUTCOME";
/// Characters of one line.
pub const MESSAGE_MAX: usize = 4096;
const INFO: u64 = 6;

/// How an entry is told; `None` for what is none (a line that was cut at a limit).
pub type Teller = fn(&Value) -> Option<Value>;

/// The entries in journalctl's output, in its order.
pub fn parse(output: &[u8], tell: Teller) -> Vec<String> {
    output.split(|byte| *byte == b'\n').filter_map(|line| read(line, tell)).collect()
}

/// One line of journalctl's output.
pub fn read(line: &[u8], tell: Teller) -> Option<String> {
    let entry = serde_json::from_slice::<Value>(line).ok()?;
    tell(&entry).map(|told| told.to_string())
}

/// A line of a log.
pub fn line(entry: &Value) -> Option<Value> {
    let mut line = json!({
        "time_usec": time(entry)?,
        "priority": number(entry, "PRIORITY").unwrap_or(INFO),
        "identifier": word(entry, "SYSLOG_IDENTIFIER").or_else(|| word(entry, "_COMM")).unwrap_or_default(),
        "message": word(entry, "MESSAGE").unwrap_or_default(),
        "cursor": word(entry, "__CURSOR").unwrap_or_default(),
    });
    if let (Some(id), Some(line)) = (word(entry, "MESSAGE_ID"), line.as_object_mut()) {
        line.insert("message_id".to_owned(), id.into());
    }
    Some(line)
}

/// A login that failed. Only accounts that exist have a name here: hub-login writes no other.
pub fn login(entry: &Value) -> Option<Value> {
    Some(json!({
        "time_usec": time(entry)?,
        "user": word(entry, "HUB_USER").unwrap_or_default(),
        "client": word(entry, "HUB_CLIENT").unwrap_or_default(),
        "outcome": word(entry, "HUB_OUTCOME").unwrap_or_default(),
        "message": word(entry, "MESSAGE").unwrap_or_default(),
    }))
}

fn time(entry: &Value) -> Option<u64> {
    number(entry, "__REALTIME_TIMESTAMP")
}

fn number(entry: &Value, field: &str) -> Option<u64> {
    word(entry, field)?.parse().ok()
}

fn word(entry: &Value, field: &str) -> Option<String> {
    entry.get(field).and_then(text)
}

/// journalctl writes a field as a string; as an array of bytes when it is not clean text; as an array of those when it
/// occurs more than once; and as null when it is too long.
fn text(value: &Value) -> Option<String> {
    let raw = match value {
        Value::String(text) => text.clone(),
        Value::Null => "(a line too long to be shown)".to_owned(),
        Value::Array(items) => {
            let bytes: Option<Vec<u8>> =
                items.iter().map(|item| item.as_u64().and_then(|byte| u8::try_from(byte).ok())).collect();
            match bytes {
                Some(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
                None => items.first().and_then(text)?,
            }
        }
        _ => return None,
    };
    Some(readable(&raw))
}

/// Without colours and other control sequences, and of a sane length.
pub fn readable(text: &str) -> String {
    let mut out = String::new();
    let mut characters = text.chars().peekable();
    let mut length = 0;
    while let Some(character) = characters.next() {
        if length == MESSAGE_MAX {
            out.push('…');
            break;
        }
        match character {
            // ECMA-48 5.4: ESC [ parameters and intermediates, then one final byte.
            '\u{1b}' if characters.next_if_eq(&'[').is_some() => {
                while characters.next_if(|c| matches!(c, ' '..='?')).is_some() {}
                characters.next_if(|c| matches!(c, '@'..='~'));
            }
            '\n' | '\t' => out.push(character),
            c if c.is_control() => {}
            c => out.push(c),
        }
        length += 1;
    }
    out
}
