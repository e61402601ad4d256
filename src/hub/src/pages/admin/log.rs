//! `/hub/admin/log/{user}[/{server}]`: the last lines of a server's journal.

use askama::Template;
use axum::extract::Query;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;

use super::super::locale::Language;
use super::super::view::{Frame, NoticeKind};
use super::{Admin, Place, Said, html};
use crate::api::log::{LINES_MAX, lines};
use crate::api::servers::Address;
use crate::clock::iso;
use crate::http::faults::Fault;
use crate::servers::launcher::JournalLine;

/// Lines shown.
const SHOWN: usize = 200;
/// syslog priorities: what is worse than this is shown.
const LEVELS: [(&str, &str); 4] =
    [("7", "admin.level-all"), ("6", "admin.level-info"), ("4", "admin.level-warning"), ("3", "admin.level-error")];

/// What may stand in the address.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Asked {
    priority: String,
}

/// The page.
#[derive(Template)]
#[template(path = "admin/log.html")]
pub(in crate::pages) struct LogPage {
    pub frame: Frame,
    pub here: Place,
    pub said: Option<Said>,
    /// `alice` or `alice:gpu`
    pub server: String,
    /// The page about the person, below `<base>hub/`.
    pub page: String,
    pub priority: String,
    pub lines: Vec<Line>,
    /// How to read more.
    pub command: String,
}

/// One line.
pub(in crate::pages) struct Line {
    /// `error`, `warning` or nothing.
    pub tone: &'static str,
    pub text: String,
}

impl LogPage {
    fn levels(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        let text = self.frame.text;
        LEVELS.into_iter().map(move |(value, key)| (value, text.get(key)))
    }
}

impl Line {
    pub(super) fn of(line: &JournalLine, frame: &Frame) -> Self {
        let (tone, word) = match line.priority {
            0..=3 => ("error", frame.text.get("admin.line-error")),
            4 => ("warning", frame.text.get("admin.line-warning")),
            _ => ("", ""),
        };
        let blank = if word.is_empty() { "" } else { " " };
        // To the second; the language of logs is UTC.
        let time = iso(line.time_usec);
        let time = time.get(..19).unwrap_or(&time).replace('T', " ");
        Self { tone, text: format!("{time} {}: {word}{blank}{}", line.identifier, line.message) }
    }
}

/// `GET /hub/admin/log/{user}[/{server}]?priority=`
pub(super) async fn show(admin: Admin, address: Address, Query(asked): Query<Asked>) -> Result<Response, Fault> {
    let (id, lines) = lines(&admin.app, &admin.caller, &address, LINES_MAX).await?;
    let chosen = LEVELS.iter().find(|(value, _)| *value == asked.priority).map_or("7", |(value, _)| *value);
    let worst: u8 = chosen.parse().unwrap_or(7);
    let mut fitting: Vec<&JournalLine> = lines.iter().filter(|line| line.priority <= worst).collect();
    fitting.drain(..fitting.len().saturating_sub(SHOWN));
    let frame = admin.frame(admin.address(&format!("/log/{}?priority={chosen}", id.url_segment())));
    let unit = id.unit_name();
    let page = LogPage {
        here: Place::People,
        said: None,
        server: id.to_string(),
        page: format!("admin/user/{}", id.user.url_segment()),
        priority: chosen.to_owned(),
        lines: fitting.into_iter().map(|line| Line::of(line, &frame)).collect(),
        // Backslashes are the shell's own.
        command: if unit.contains('\\') { format!("journalctl -u '{unit}'") } else { format!("journalctl -u {unit}") },
        frame,
    };
    Ok(html(StatusCode::OK, &page))
}
