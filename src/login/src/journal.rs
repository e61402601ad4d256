//! One entry in the journal for each login, with fields for queries.
//!
//! Speaks the journal's native protocol, <https://systemd.io/JOURNAL_NATIVE_PROTOCOL/>; where there is no journal the
//! sentence goes to standard error with systemd's `<priority>` prefix. Invariant: no value brings a line end or
//! another control character with it. Must never be given a password, nor a name that may be one: people type their
//! password into the wrong field.

use std::fmt::Write as _;
use std::os::unix::net::UnixDatagram;

const SOCKET: &str = "/run/systemd/journal/socket";
/// syslog(3) `LOG_AUTHPRIV`, where the machine's other logins are logged.
const FACILITY: &str = "10";

/// The `MESSAGE_ID` of a login that was accepted.
pub const ACCEPTED: &str = "325e65157f7746778a4ab648befcdfed";
/// The `MESSAGE_ID` of a login that was not: wrong, denied, expired or too many tries.
pub const REFUSED: &str = "0157170db77441feab17b2901fb75686";
/// The `MESSAGE_ID` of a login that PAM, the name service or the configuration made impossible.
pub const UNAVAILABLE: &str = "f76757768ff54640967f0ef9b4a90c45";
/// The `MESSAGE_ID` of a login the hub broke off.
pub const HUNG_UP: &str = "f779121d32224d45806bc04eae773a1f";

/// syslog(3) levels that are used.
#[derive(Debug, Clone, Copy)]
pub enum Priority {
    /// Somebody must act.
    Error = 3,
    /// A login that was refused.
    Notice = 5,
    /// All is well.
    Info = 6,
}

/// One entry: a sentence and its fields.
pub struct Entry {
    text: String,
    priority: Priority,
    fields: Vec<(&'static str, String)>,
}

impl Entry {
    /// An entry with a sentence only.
    pub fn new(priority: Priority, text: impl Into<String>) -> Self {
        Self { text: text.into(), priority, fields: Vec::new() }
    }

    /// Adds a field; an empty value is left out.
    pub fn field(mut self, name: &'static str, value: impl Into<String>) -> Self {
        let value = value.into();
        if !value.is_empty() {
            self.fields.push((name, value));
        }
        self
    }

    /// Writes it. What cannot be written is lost: a login does not fail for it.
    pub fn write(&self) {
        let sent = UnixDatagram::unbound().and_then(|socket| socket.send_to(self.encode().as_bytes(), SOCKET));
        if sent.is_err() {
            eprintln!("<{}>{}", self.priority as u8, one_line(&self.text));
        }
    }

    fn encode(&self) -> String {
        let mut out = format!(
            "PRIORITY={}\nSYSLOG_FACILITY={FACILITY}\nSYSLOG_IDENTIFIER=hub-login\nSYSLOG_PID={}\nMESSAGE={}\n",
            self.priority as u8,
            std::process::id(),
            one_line(&self.text)
        );
        for (name, value) in &self.fields {
            // Writing to a String cannot fail.
            let _ = writeln!(out, "{name}={}", one_line(value));
        }
        out
    }
}

fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_value_can_add_a_field() {
        let entry = Entry::new(Priority::Notice, "no\nPRIORITY=0")
            .field("HUB_CLIENT", "203.0.113.9\nHUB_USER=root")
            .field("HUB_USER", "");
        let text = entry.encode();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.first(), Some(&"PRIORITY=5"));
        assert_eq!(lines.get(4), Some(&"MESSAGE=no PRIORITY=0"));
        assert_eq!(lines.get(5), Some(&"HUB_CLIENT=203.0.113.9 HUB_USER=root"));
        assert_eq!(lines.len(), 6);
        assert!(text.ends_with('\n'));
    }
}
