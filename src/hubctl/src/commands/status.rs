//! `hubctl status`: how the hub is.

use crate::cli::Context;
use crate::commands::write_json;
use crate::failure::{Failure, Status as Exit};
use crate::model::Status;
use crate::moments;
use crate::table;
use crate::text::{Talk, Text};

pub(crate) fn run(context: &mut Context<'_>) -> Result<(), Failure> {
    let answer: serde_json::Value = context.client.get("status")?;
    if context.json {
        return Ok(write_json(context.out, &answer)?);
    }
    let status: Status = serde_json::from_value(answer)
        .map_err(|error| Failure::new(Exit::Failed, context.talk.say(Text::Strange, &[&error])))?;
    let mut rows = rows(context.talk, &status, moments::now());
    let first = rows.remove(0);
    Ok(table::write(&mut context.out, &first, &rows)?)
}

/// A table without a header: its first row stands in the header's place.
fn rows(talk: Talk, status: &Status, now: i64) -> Vec<Vec<String>> {
    let Status { version, pid, started, users, servers, connections, memory_bytes, logins } = status;
    let started = moments::ago(talk, Some(started), now);
    let row = |name, value: String| vec![talk.say(name, &[]), value];
    vec![
        row(Text::StatusHub, talk.say(Text::StatusHubIs, &[version, pid, &started])),
        row(Text::StatusUsers, users.to_string()),
        row(
            Text::StatusServers,
            talk.say(
                Text::StatusServersAre,
                &[&servers.running, &servers.suspended, &servers.starting, &servers.stopping, &servers.failed],
            ),
        ),
        row(Text::StatusLogins, talk.say(Text::StatusLoginsAre, &[&logins.running, &logins.waiting])),
        row(Text::StatusConnections, connections.to_string()),
        row(Text::StatusMemory, mebibytes(*memory_bytes)),
    ]
}

/// Such as `11.4 MiB`.
fn mebibytes(bytes: u64) -> String {
    let tenths = bytes.saturating_mul(10) >> 20;
    format!("{}.{} MiB", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::{mebibytes, rows};
    use crate::model::{LoginCounts, ServerCounts, Status};
    use crate::text::{Language, Talk};

    #[test]
    fn the_status_is_six_lines() {
        let status = Status {
            version: "0.1.0".into(),
            pid: 7,
            started: "2026-01-31T12:00:00Z".into(),
            users: 3,
            servers: ServerCounts { running: 1, suspended: 9, starting: 2, stopping: 8, failed: 3 },
            connections: 4,
            memory_bytes: 12_000_000,
            logins: LoginCounts { running: 5, waiting: 6 },
        };
        let rows = rows(Talk::new(Language::English), &status, 1_769_860_800 + 600);
        let lines: Vec<String> = rows.iter().map(|row| row.join(": ")).collect();
        assert_eq!(
            lines,
            [
                "hub: version 0.1.0, process 7, started 10 min ago",
                "users: 3",
                "servers: 1 running, 9 suspended, 2 starting, 8 stopping, 3 failed",
                "logins: 5 under way, 6 waiting",
                "connections: 4",
                "memory: 11.4 MiB",
            ]
        );
    }

    #[test]
    fn memory_is_told_in_mebibytes() {
        assert_eq!(mebibytes(0), "0.0 MiB");
        assert_eq!(mebibytes(1 << 20), "1.0 MiB");
        assert_eq!(mebibytes(u64::MAX), "1759218604441.5 MiB");
    }
}
