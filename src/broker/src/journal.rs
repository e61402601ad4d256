//! The last lines of a server's or a service's journal: its own, and systemd's about it.
//!
//! journalctl does the reading, as its format has no other reader here. Invariants: only lines of these units come
//! out, whatever other programs wrote into their own fields; lines, their length and the time are bounded; no control
//! characters reach a terminal.

use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::AsyncReadExt;
use tokio::process::Command;
use tokio::time::timeout;

use crate::errors::Error;

const JOURNALCTL: &str = "/usr/bin/journalctl";
/// Lines of one call.
pub const LINES_MAX: u32 = 1000;
/// Bytes that are read of journalctl. Lines beyond are left out.
const BYTES_MAX: u64 = 8 * 1024 * 1024;
/// Characters of one line.
const MESSAGE_MAX: usize = 4096;
const DEADLINE: Duration = Duration::from_secs(15);
const INFO: u64 = 6;

/// One run of a unit: 32 hexadecimal digits.
pub struct Invocation(String);

impl Invocation {
    /// The empty string stands for all runs.
    pub fn parse(text: &str) -> Result<Option<Self>, Error> {
        if text.is_empty() {
            return Ok(None);
        }
        if text.len() == 32 && text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'a'..=b'f')) {
            return Ok(Some(Self(text.to_owned())));
        }
        Err(Error::InvalidName("An invocation id has 32 lower-case hexadecimal digits.".to_owned()))
    }
}

/// The last lines of these units together, as JSON objects, the newest last.
pub async fn read(units: &[String], invocation: Option<&Invocation>, lines: u32) -> Result<Vec<String>, Error> {
    let output = timeout(DEADLINE, run(&arguments(units, invocation, lines)))
        .await
        .map_err(|_| Error::failed("Reading the journal", "journalctl took too long"))?
        .map_err(|error| Error::failed("Reading the journal", error))?;
    Ok(parse(&output))
}

/// The matches are the ones of `journalctl --unit`, systemd.journal-fields(7): fields with an underscore come from the
/// journal itself, so that `UNIT=` counts only from root's processes, of which systemd is one.
fn arguments(units: &[String], invocation: Option<&Invocation>, lines: u32) -> Vec<String> {
    let mut arguments: Vec<String> = [
        "--output=json",
        "--output-fields=MESSAGE,MESSAGE_ID,PRIORITY,SYSLOG_IDENTIFIER,_COMM",
        "--no-pager",
        "--quiet",
    ]
    .map(str::to_owned)
    .into();
    arguments.push(format!("--lines={}", lines.clamp(1, LINES_MAX)));
    for unit in units {
        // Between two terms: this one or that one.
        if arguments.iter().any(|argument| !argument.starts_with("--")) {
            arguments.push("+".to_owned());
        }
        arguments.push(format!("_SYSTEMD_UNIT={unit}"));
        arguments.extend(invocation.map(|Invocation(id)| format!("_SYSTEMD_INVOCATION_ID={id}")));
        arguments.push("+".to_owned());
        arguments.push(format!("UNIT={unit}"));
        arguments.push("_UID=0".to_owned());
        arguments.extend(invocation.map(|Invocation(id)| format!("INVOCATION_ID={id}")));
    }
    arguments
}

async fn run(arguments: &[String]) -> std::io::Result<Vec<u8>> {
    let mut child = Command::new(JOURNALCTL)
        .args(arguments)
        .env_clear()
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .kill_on_drop(true)
        .spawn()?;
    let mut output = Vec::new();
    let stdout = child.stdout.take().ok_or_else(|| std::io::Error::other("no output of journalctl"))?;
    stdout.take(BYTES_MAX).read_to_end(&mut output).await?;
    if output.len() as u64 == BYTES_MAX {
        child.kill().await?;
        return Ok(output);
    }
    let status = child.wait().await?;
    // No entry at all is status 1 in some versions, and says nothing.
    if status.success() || output.is_empty() {
        return Ok(output);
    }
    Err(std::io::Error::other(format!("journalctl: {status}")))
}

/// A line that is no entry (cut at the limit) is left out.
fn parse(output: &[u8]) -> Vec<String> {
    output
        .split(|byte| *byte == b'\n')
        .filter_map(|line| serde_json::from_slice::<Value>(line).ok())
        .filter_map(|entry| line(&entry))
        .map(|line| line.to_string())
        .collect()
}

fn line(entry: &Value) -> Option<Value> {
    let number = |field: &str| text(entry.get(field)?)?.parse::<u64>().ok();
    let word = |field: &str| entry.get(field).and_then(text);
    let mut line = json!({
        "time_usec": number("__REALTIME_TIMESTAMP")?,
        "priority": number("PRIORITY").unwrap_or(INFO),
        "identifier": word("SYSLOG_IDENTIFIER").or_else(|| word("_COMM")).unwrap_or_default(),
        "message": word("MESSAGE").unwrap_or_default(),
    });
    if let (Some(id), Some(line)) = (word("MESSAGE_ID"), line.as_object_mut()) {
        line.insert("message_id".to_owned(), id.into());
    }
    Some(line)
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
fn readable(text: &str) -> String {
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

#[cfg(test)]
#[path = "journal_tests.rs"]
mod tests;
