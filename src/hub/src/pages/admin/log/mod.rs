//! `/hub/admin/log/{user}[/{server}]`, `/hub/admin/service-log/{service}` and `/hub/admin/hub-log`: the last lines of a
//! log, of a level and a time, and ([`tail`]) the ones that are still to come.

mod asked;
pub(in crate::pages) mod tail;

use askama::Template;
use axum::extract::{Path, Query};
use axum::http::StatusCode;
use axum::response::Response;
use hubd_base::names::{ServerId, ServiceName};

use super::super::locale::Language;
use super::super::view::{Frame, NoticeKind};
use super::{Admin, Place, Said, html};
use crate::api::log::require;
use crate::api::servers::Address;
use crate::clock::{iso, now};
use crate::http::faults::Fault;
use crate::journals::{Choice, Part, Source};
use crate::servers::launcher::JournalLine;
pub(in crate::pages) use asked::Asked;

/// Lines shown at first; more come while the page is open.
const SHOWN: u32 = 200;

/// The page.
#[derive(Template)]
#[template(path = "admin/log.html")]
pub(in crate::pages) struct LogPage {
    pub frame: Frame,
    pub here: Place,
    pub said: Option<Said>,
    pub title: String,
    pub asked: Asked,
    /// The parts of the hub between which one can choose; none for the log of anything else.
    pub parts: Vec<(&'static str, &'static str)>,
    pub lines: Vec<Line>,
    /// Where lines that are still to come are told; empty where none can come.
    pub events: String,
    /// How to read more on the machine.
    pub command: String,
    /// Where the page leads back to, and what that is.
    pub back: (String, &'static str),
}

/// One line.
#[derive(Debug, PartialEq, Eq, serde::Serialize)]
pub(in crate::pages) struct Line {
    /// `error`, `warning` or nothing.
    pub tone: &'static str,
    pub text: String,
}

impl LogPage {
    fn levels(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        let text = self.frame.text;
        asked::LEVELS.into_iter().map(move |(value, key)| (value, text.get(key)))
    }

    fn spans(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        let text = self.frame.text;
        asked::SPANS.into_iter().map(move |(value, key, _)| (value, text.get(key)))
    }
}

impl Line {
    pub(in crate::pages) fn of(line: &JournalLine, text: super::Text) -> Self {
        let (tone, word) = match line.priority {
            0..=3 => ("error", text.get("admin.line-error")),
            4 => ("warning", text.get("admin.line-warning")),
            _ => ("", ""),
        };
        let blank = if word.is_empty() { "" } else { " " };
        // To the second; the language of logs is UTC.
        let time = iso(line.time_usec);
        let time = time.get(..19).unwrap_or(&time).replace('T', " ");
        Self { tone, text: format!("{time} {}: {word}{blank}{}", line.identifier, line.message) }
    }
}

/// `GET /hub/admin/log/{user}[/{server}]`
pub(super) async fn of_server(admin: Admin, address: Address, Query(asked): Query<Asked>) -> Result<Response, Fault> {
    let id = admin.caller.on_server(&["servers"], &address.user, &address.server)?;
    draw(&admin, &Source::Server(id), asked).await
}

/// `GET /hub/admin/service-log/{service}`
pub(super) async fn of_service(
    admin: Admin,
    Path(name): Path<String>,
    Query(asked): Query<Asked>,
) -> Result<Response, Fault> {
    let name = ServiceName::parse(&name).map_err(|_| Fault::NoAccess)?;
    draw(&admin, &Source::Service(name), asked).await
}

/// `GET /hub/admin/hub-log`
pub(super) async fn of_hub(admin: Admin, Query(asked): Query<Asked>) -> Result<Response, Fault> {
    let part = Part::find(&asked.part).ok_or_else(|| Fault::BadRequest("There is no such part of the hub.".into()))?;
    draw(&admin, &Source::Hub(part), asked).await
}

async fn draw(admin: &Admin, source: &Source, asked: Asked) -> Result<Response, Fault> {
    require(&admin.caller, source)?;
    let begun = now();
    let (since, until) = asked.bounds(begun)?;
    let choice = Choice { lines: SHOWN, priority: asked.worst(), since, until };
    let entries = admin.app.journals.read(source, &choice).await.map_err(Fault::internal)?;
    let text = admin.text();
    let tail = tail::Asked {
        priority: asked.priority.clone(),
        after: entries.last().map(|entry| entry.cursor.clone()).unwrap_or_default(),
        // Nothing that came since the page was asked for is missed.
        since: begun,
    };
    let events = if until.is_some() { String::new() } else { tail::address(admin, source, &tail) };
    let page = LogPage {
        frame: admin.frame(format!("{}{}", address(admin, source), asked.query())),
        here: place(source),
        said: None,
        title: title(source, text),
        parts: parts(source, text),
        lines: entries.iter().map(|entry| Line::of(&entry.line, text)).collect(),
        events,
        command: command(source),
        back: back(admin, source),
        asked,
    };
    Ok(html(StatusCode::OK, &page))
}

/// The page's own address.
fn address(admin: &Admin, source: &Source) -> String {
    match source {
        Source::Server(id) => admin.address(&format!("/log/{}", id.url_segment())),
        Source::Service(name) => admin.address(&format!("/service-log/{name}")),
        Source::Hub(_) => admin.address("/hub-log"),
    }
}

fn place(source: &Source) -> Place {
    match source {
        Source::Server(_) => Place::People,
        Source::Service(_) => Place::Services,
        Source::Hub(_) => Place::Log,
    }
}

fn title(source: &Source, text: super::Text) -> String {
    match source {
        Source::Server(id) => text.fill("admin.log-title", &[("name", &id.to_string())]),
        Source::Service(name) => text.fill("logs.of-service", &[("name", name.as_str())]),
        Source::Hub(_) => text.get("logs.of-hub").to_owned(),
    }
}

fn parts(source: &Source, text: super::Text) -> Vec<(&'static str, &'static str)> {
    let Source::Hub(_) = source else { return Vec::new() };
    let name = |part| match part {
        Part::All => text.get("logs.part-all"),
        Part::Web => text.get("logs.part-web"),
        Part::Broker => text.get("logs.part-broker"),
        Part::Login => text.get("logs.part-login"),
    };
    Part::ALL.into_iter().map(|part| (part.word(), name(part))).collect()
}

fn command(source: &Source) -> String {
    let unit = match source {
        Source::Server(id) => ServerId::unit_name(id),
        Source::Service(name) => name.unit_name(),
        Source::Hub(part) => return format!("journalctl {}", units(*part)),
    };
    // Backslashes are the shell's own.
    if unit.contains('\\') { format!("journalctl -u '{unit}'") } else { format!("journalctl -u {unit}") }
}

/// By unit, as anybody may write a line that calls itself `hub-login`.
fn units(part: Part) -> &'static str {
    match part {
        Part::All => "-u hub -u hub-broker -u 'hub-login@*'",
        Part::Web => "-u hub",
        Part::Broker => "-u hub-broker",
        Part::Login => "-u 'hub-login@*'",
    }
}

fn back(admin: &Admin, source: &Source) -> (String, &'static str) {
    let text = admin.text();
    match source {
        Source::Server(id) => (admin.address(&format!("/user/{}", id.user.url_segment())), text.get("admin.log-back")),
        Source::Service(_) => (admin.address("/services"), text.get("logs.back-services")),
        Source::Hub(_) => (admin.address(""), text.get("admin.back")),
    }
}
