//! `/hub/log/{user}[/{server}]`: the last lines of a server, for those who may start and stop it; and
//! `/hub/log-events/{user}[/{server}]`: its lines as they come, for the page of a start.

use std::convert::Infallible;
use std::sync::Arc;

use askama::Template;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::response::sse::{Event, Sse};
use axum::response::{Html, IntoResponse, Response};
use futures_util::Stream;
use hubd_base::names::ServerId;
use serde::Deserialize;

use super::admin::{Line, tail};
use super::home::to_login;
use super::locale::Language;
use super::spawn::{Denied, allowed};
use super::text;
use super::view::{Frame, Page, ServerView};
use crate::api::servers::Address;
use crate::app::App;
use crate::clock::Usec;
use crate::http::faults::Fault;
use crate::http::visitor::Visitor;
use crate::journals::Source;

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

/// Where the lines of a server are followed, from a moment on.
pub(super) fn events_url(app: &App, id: &ServerId, since: Usec) -> String {
    format!("{}hub/log-events/{}?since={since}", app.base_url(), id.url_segment())
}

/// `GET /hub/log-events/{user}` and `/hub/log-events/{user}/{server}?since=`: `data: [{"tone":"","text":"..."}]`, the
/// lines that came together.
pub async fn follow(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    address: Address,
    Query(asked): Query<tail::Asked>,
    headers: HeaderMap,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Fault> {
    let id = match allowed(&app, &visitor, &address) {
        Ok(id) => id,
        Err(Denied::Fault(fault)) => return Err(fault),
        Err(Denied::Refused(_)) => return Err(Fault::NotFound),
    };
    tail::stream(&app, &visitor, &Source::Server(id), asked, &headers).await
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
    let snapshot = app.snapshot(&id);
    let page = LogPage {
        frame: visitor.frame(&app),
        server: text::server(&app, &id, &snapshot, visitor.text),
        lines: lines.iter().map(|line| Line::of(line, visitor.text)).collect(),
    };
    Ok(Html(page.render_page()).into_response())
}
