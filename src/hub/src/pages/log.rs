//! `/hub/log/{user}[/{server}]`: the last lines of a server, for those who may start and stop it.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Query, State};
use axum::response::{Html, IntoResponse, Response};
use serde::Deserialize;

use super::home::to_login;
use super::locale::Language;
use super::spawn::allowed;
use super::text;
use super::view::{Frame, Page, ServerView};
use crate::api::servers::Address;
use crate::app::App;
use crate::clock::iso;
use crate::http::faults::Fault;
use crate::http::visitor::Visitor;
use crate::servers::launcher::JournalLine;
use crate::servers::state::Snapshot;

/// Lines shown, and the most that may be asked for.
const LINES: u32 = 300;

/// What may stand in the address.
#[derive(Deserialize)]
pub struct Asked {
    lines: Option<u32>,
}

/// The page.
#[derive(Template)]
#[template(path = "log.html")]
pub struct LogPage {
    /// Shared by all pages.
    pub frame: Frame,
    /// Whose lines they are.
    pub server: ServerView,
    /// Oldest first.
    pub lines: Vec<Line>,
}

/// One line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// `error`, `warning` or nothing, as in the style sheet.
    pub tone: &'static str,
    /// Time of day (UTC) and what was written.
    pub text: String,
}

impl Line {
    /// The line as pages show it. What is bad is said in words too, not by its colour alone.
    pub fn of(line: &JournalLine, text: super::locale::Text) -> Self {
        let (tone, word) = match line.priority {
            0..=3 => ("error", text.get("log.error")),
            4 => ("warning", text.get("log.warning")),
            _ => ("", ""),
        };
        let blank = if word.is_empty() { "" } else { " " };
        let time = iso(line.time_usec);
        let time = time.get(..19).unwrap_or(&time).replace('T', " ");
        Self { tone, text: format!("{time} {word}{blank}{}", line.message) }
    }
}

/// `GET /hub/log/{user}` and `/hub/log/{user}/{server}?lines=`
pub async fn show(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    address: Address,
    Query(asked): Query<Asked>,
) -> Result<Response, Fault> {
    if visitor.session.is_none() {
        return Ok(to_login(&app, &visitor).into_response());
    }
    let id = match allowed(&app, &visitor, &address) {
        Ok(id) => id,
        Err(denied) => return denied.answer(&app, &visitor).await,
    };
    let lines = app.servers.journal(&id, "", asked.lines.unwrap_or(LINES).clamp(1, LINES)).await;
    let lines = lines.map_err(Fault::internal)?;
    let snapshot = app.servers.find(&id).map_or_else(|| Snapshot::stopped(app.started), |server| server.snapshot());
    let page = LogPage {
        frame: visitor.frame(&app),
        server: text::server(&app, &id, &snapshot, visitor.text),
        lines: lines.iter().map(|line| Line::of(line, visitor.text)).collect(),
    };
    Ok(Html(page.render_page()).into_response())
}
