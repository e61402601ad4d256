//! `/hub/admin/tail/...`: the lines of a log as they come, for a page that is open.
//!
//! An event holds the lines that came together, drawn here, and carries the cursor of the last one: a browser that was
//! cut off goes on behind it. The page of a start shows its lines in the same way.

use std::convert::Infallible;

use axum::extract::{Path, Query};
use axum::http::HeaderMap;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::{Stream, StreamExt, future};
use hubd_base::names::ServiceName;
use serde::Deserialize;

use super::super::Admin;
use super::{Line, asked};
use crate::api::log::require;
use crate::api::servers::Address;
use crate::app::App;
use crate::clock::Usec;
use crate::http::faults::Fault;
use crate::http::visitor::Visitor;
use crate::journals::{Beginning, Part, Source};

/// Lines of one event.
const TOGETHER: usize = 200;

/// What may stand in the address.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(in crate::pages) struct Asked {
    pub priority: String,
    /// The cursor of the last line that is there.
    pub after: String,
    /// From when on where there is none.
    pub since: Usec,
}

/// Where the page of this log listens.
pub(super) fn address(admin: &Admin, source: &Source, asked: &Asked) -> String {
    let which = match source {
        Source::Server(id) => format!("server/{}", id.url_segment()),
        Source::Service(name) => format!("service/{name}"),
        Source::Hub(part) => format!("hub/{}", part.word()),
    };
    let since = asked.since.to_string();
    let fields = [("priority", &*asked.priority), ("after", &*asked.after), ("since", &*since)];
    let said = fields.into_iter().filter(|(_, value)| !value.is_empty());
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(said).finish();
    admin.address(&format!("/tail/{which}?{query}"))
}

/// `GET /hub/admin/tail/server/{user}[/{server}]`
pub(in crate::pages::admin) async fn of_server(
    admin: Admin,
    address: Address,
    Query(asked): Query<Asked>,
    headers: HeaderMap,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Fault> {
    let id = admin.caller.on_server(&["servers"], &address.user, &address.server)?;
    follow(&admin, &Source::Server(id), asked, &headers).await
}

/// `GET /hub/admin/tail/service/{service}`
pub(in crate::pages::admin) async fn of_service(
    admin: Admin,
    Path(name): Path<String>,
    Query(asked): Query<Asked>,
    headers: HeaderMap,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Fault> {
    let name = ServiceName::parse(&name).map_err(|_| Fault::NoAccess)?;
    follow(&admin, &Source::Service(name), asked, &headers).await
}

/// `GET /hub/admin/tail/hub/`: of every part.
pub(in crate::pages::admin) async fn of_hub(
    admin: Admin,
    asked: Query<Asked>,
    headers: HeaderMap,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Fault> {
    of_part(admin, Path(String::new()), asked, headers).await
}

/// `GET /hub/admin/tail/hub/{part}`
pub(in crate::pages::admin) async fn of_part(
    admin: Admin,
    Path(part): Path<String>,
    Query(asked): Query<Asked>,
    headers: HeaderMap,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Fault> {
    let part = Part::find(&part).ok_or(Fault::NotFound)?;
    follow(&admin, &Source::Hub(part), asked, &headers).await
}

async fn follow(
    admin: &Admin,
    source: &Source,
    asked: Asked,
    headers: &HeaderMap,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>> + use<>>, Fault> {
    require(&admin.caller, source)?;
    stream(&admin.app, &admin.visitor, source, asked, headers).await
}

/// The lines as events; the visitor may read them. It ends with the session or the hub.
pub(in crate::pages) async fn stream(
    app: &App,
    visitor: &Visitor,
    source: &Source,
    asked: Asked,
    headers: &HeaderMap,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>> + use<>>, Fault> {
    let session = visitor.session.clone().ok_or(Fault::NoCredentials)?;
    // What a browser that comes back has seen last.
    let seen = headers.get("last-event-id").and_then(|seen| seen.to_str().ok()).map(str::to_owned);
    let after = seen.unwrap_or(asked.after);
    let from = if after.is_empty() { Beginning::Since(asked.since.max(1)) } else { Beginning::After(after) };
    let worst = asked::Asked { priority: asked.priority, ..asked::Asked::default() }.worst();
    let entries = app.journals.follow(source, worst, &from).await.map_err(Fault::internal)?;
    let text = visitor.text;
    let events = entries.ready_chunks(TOGETHER).map(move |entries| {
        let lines: Vec<Line> = entries.iter().map(|entry| Line::of(&entry.line, text)).collect();
        let event = Event::default().data(serde_json::to_string(&lines).unwrap_or_default());
        let cursor =
            entries.last().map(|entry| entry.cursor.clone()).filter(|cursor| !cursor.contains(['\n', '\r', '\0']));
        Ok(match cursor {
            Some(cursor) => event.id(cursor),
            None => event,
        })
    });
    let over =
        future::select(Box::pin(session.ended.clone().cancelled_owned()), Box::pin(app.stop.clone().cancelled_owned()));
    Ok(Sse::new(events.take_until(over)).keep_alive(KeepAlive::default()))
}
