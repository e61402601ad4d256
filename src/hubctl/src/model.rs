//! The parts of the API's answers that tables show. `--json` prints the answers themselves.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::text::Text;

/// A person (contract: user model).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct User {
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) admin: bool,
    #[serde(default)]
    pub(crate) last_activity: Option<String>,
    #[serde(default)]
    pub(crate) servers: BTreeMap<String, Server>,
}

/// A person's server (contract: server model).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Server {
    #[serde(default)]
    pub(crate) last_activity: Option<String>,
    #[serde(default)]
    pub(crate) started: Option<String>,
    #[serde(default)]
    pub(crate) pending: Option<String>,
    #[serde(default)]
    pub(crate) ready: bool,
    #[serde(default)]
    pub(crate) url: Option<String>,
    /// The hub's own word, beyond the contract.
    #[serde(default)]
    pub(crate) state_word: Option<String>,
}

impl Server {
    /// The word for its state: the hub's own where it says one, otherwise what the contract's fields tell.
    pub(crate) fn state(&self) -> Text {
        match (self.state_word.as_deref(), self.pending.as_deref(), self.ready) {
            (Some("failed"), _, _) => Text::StateFailed,
            (Some("suspended"), _, _) => Text::StateSuspended,
            (_, Some("spawn"), _) => Text::StateStarting,
            (_, Some("stop"), _) => Text::StateStopping,
            (_, Some(_), _) => Text::StateBusy,
            (_, None, true) => Text::StateRunning,
            (_, None, false) => Text::StateStopped,
        }
    }
}

/// `GET /hub/api/status`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Status {
    pub(crate) version: String,
    pub(crate) pid: u32,
    pub(crate) started: String,
    pub(crate) users: u64,
    pub(crate) servers: ServerCounts,
    pub(crate) connections: u64,
    /// Memory of the hub itself.
    pub(crate) memory_bytes: u64,
    pub(crate) logins: LoginCounts,
}

/// How many servers are in which state.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct ServerCounts {
    pub(crate) running: u64,
    #[serde(default)]
    pub(crate) suspended: u64,
    pub(crate) starting: u64,
    #[serde(default)]
    pub(crate) stopping: u64,
    pub(crate) failed: u64,
}

/// How many logins are under way.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct LoginCounts {
    pub(crate) running: u64,
    pub(crate) waiting: u64,
}

/// Why the API said no. Only what it carries.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub(crate) struct Problem {
    #[serde(default)]
    pub(crate) message: Option<String>,
    #[serde(default)]
    pub(crate) incident: Option<String>,
}

/// `GET .../server/log`: each line is a journal entry, as an object or as the text of one.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Log {
    pub(crate) lines: Vec<serde_json::Value>,
}

/// One line of a journal.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Entry {
    #[serde(default)]
    pub(crate) identifier: String,
    #[serde(default)]
    pub(crate) message: String,
}

impl Log {
    /// The lines for people; control characters become `?`, tabs stay.
    pub(crate) fn text(&self) -> Vec<String> {
        self.lines.iter().map(|line| clean(&text_of(line))).collect()
    }
}

fn text_of(line: &serde_json::Value) -> String {
    let entry = match line {
        serde_json::Value::String(text) => serde_json::from_str(text).ok(),
        other => Entry::deserialize(other).ok(),
    };
    match (entry, line) {
        (Some(Entry { identifier, message }), _) if identifier.is_empty() => message,
        (Some(Entry { identifier, message }), _) => format!("{identifier}: {message}"),
        (None, serde_json::Value::String(text)) => text.clone(),
        (None, other) => other.to_string(),
    }
}

/// What a server writes must not draw on the terminal of whoever reads it.
pub(crate) fn clean(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\t' { '?' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Log, Problem, Server, Status, User};
    use crate::text::Text;

    #[test]
    fn a_user_model_is_read_with_and_without_its_optional_fields() {
        let full = json!({
            "kind": "user", "name": "alice", "user_info": null, "admin": true, "roles": ["user"], "groups": [],
            "server": "/user/alice/", "pending": null, "created": "2026-01-31T12:00:00Z",
            "last_activity": "2026-01-31T12:00:00.5Z", "auth_state": null,
            "servers": {"": {"name": "", "full_name": "alice/", "ready": true, "pending": null, "stopped": false,
                "started": "2026-01-31T12:00:00Z", "last_activity": null, "url": "/user/alice/", "user_options": {}}},
        });
        let user: User = serde_json::from_value(full).unwrap_or_else(|error| unreachable!("{error}"));
        assert_eq!((user.name.as_str(), user.admin), ("alice", true));
        assert_eq!(user.servers.get("").map(Server::state), Some(Text::StateRunning));
        assert!(serde_json::from_value::<User>(json!({"name": "bob"})).is_ok_and(|user| user.servers.is_empty()));
        assert!(serde_json::from_value::<User>(json!({"kind": "service"})).is_err());
    }

    #[test]
    fn a_server_is_in_one_state() {
        for (pending, ready, word, state) in [
            (json!("spawn"), false, json!("starting"), Text::StateStarting),
            (json!("stop"), true, json!(null), Text::StateStopping),
            (json!("check"), false, json!(null), Text::StateBusy),
            (json!(null), true, json!("running"), Text::StateRunning),
            (json!(null), true, json!("suspended"), Text::StateSuspended),
            (json!(null), false, json!("failed"), Text::StateFailed),
            (json!(null), false, json!("stopped"), Text::StateStopped),
            (json!(null), false, json!("a word of the future"), Text::StateStopped),
        ] {
            let model = json!({"pending": pending, "ready": ready, "state_word": word});
            let server = serde_json::from_value::<Server>(model);
            assert_eq!(server.ok().map(|server| server.state()), Some(state));
        }
    }

    #[test]
    fn the_status_is_read() {
        let status = json!({
            "version": "0.1.0", "pid": 7, "started": "2026-01-31T12:00:00Z", "users": 3,
            "servers": {"running": 1, "suspended": 0, "starting": 0, "stopping": 5, "failed": 2}, "connections": 4, "memory_bytes": 12_000_000,
            "logins": {"running": 0, "waiting": 0},
        });
        assert!(serde_json::from_value::<Status>(status).is_ok_and(|status| status.servers.stopping == 5));
    }

    #[test]
    fn journal_lines_come_as_objects_or_as_their_text() {
        let log: Log = serde_json::from_value(json!({"lines": [
            {"time_usec": 1, "priority": 6, "identifier": "jupyter-lab", "message": "up\u{1b}[0m"},
            "{\"identifier\":\"\",\"message\":\"text\"}",
            "plain",
        ]}))
        .unwrap_or_else(|error| unreachable!("{error}"));
        assert_eq!(log.text(), ["jupyter-lab: up?[0m", "text", "plain"]);
    }

    #[test]
    fn a_problem_may_have_no_message() {
        let problem = serde_json::from_value::<Problem>(json!({"status": 403, "message": null}));
        assert_eq!(problem.ok(), Some(Problem::default()));
    }
}
