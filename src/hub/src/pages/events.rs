//! `/hub/home/events`: tells the home page at once when the state of one of the person's servers changes, and every two
//! seconds what those use that run.

use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::{Stream, StreamExt, stream};
use hubd_base::names::ServerId;

use super::figures;
use super::locale::Text;
use crate::app::App;
use crate::http::faults::Fault;
use crate::http::visitor::Visitor;
use crate::servers::server::Server;
use crate::servers::state::State as ServerState;
use crate::servers::usage::Machine;

/// `GET /hub/home/events`: `data: {"server":"","state":"running"}` now and at each change of state, and
/// `data: {"server":"","figures":[{"kind":"memory","text":"1.2 GB of 2 GB","part":0.6}]}` with each reading.
pub async fn home(
    State(app): State<Arc<App>>,
    visitor: Visitor,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Fault> {
    let session = visitor.session.clone().ok_or(Fault::NoCredentials)?;
    let default = app.servers.get(&ServerId::default_of(session.user.clone()));
    let named = app.servers.of(&session.user).into_iter().filter(|server| !server.id.server.is_default());
    let machine = app.servers.machine().await.map(|reading| reading.usage).unwrap_or_default();
    let events = stream::select_all(
        [default]
            .into_iter()
            .chain(named)
            .flat_map(|server| [states(&server).boxed(), readings(&app, &server, machine, visitor.text).boxed()]),
    );
    // It ends with the session or the hub.
    let over = futures_util::future::select(
        Box::pin(session.ended.clone().cancelled_owned()),
        Box::pin(app.stop.clone().cancelled_owned()),
    );
    Ok(Sse::new(events.take_until(over)).keep_alive(KeepAlive::default()))
}

/// The state of one server now, and each new one.
fn states(server: &Server) -> impl Stream<Item = Result<Event, Infallible>> + use<> {
    let name = server.id.server.as_str().to_owned();
    let mut changes = server.follow();
    changes.mark_changed();
    let states = stream::unfold((changes, None::<ServerState>), |(mut changes, shown)| async move {
        loop {
            changes.changed().await.ok()?;
            let state = changes.borrow_and_update().state;
            if shown != Some(state) {
                return Some((state, (changes, Some(state))));
            }
        }
    });
    states.map(move |state| {
        let news = serde_json::json!({"server": name, "state": state.word(), "message": null});
        Ok(Event::default().data(news.to_string()))
    })
}

/// What a server uses, as often as it is read.
fn readings(
    app: &App,
    server: &Server,
    machine: Machine,
    text: Text,
) -> impl Stream<Item = Result<Event, Infallible>> + use<> {
    let name = server.id.server.as_str().to_owned();
    let readings = stream::unfold(app.servers.follow_usage(server), |mut readings| async move {
        readings.changed().await.ok()?;
        let reading = *readings.borrow_and_update();
        Some((reading, readings))
    });
    readings.filter_map(move |reading| {
        let news = reading
            .map(|reading| serde_json::json!({"server": name, "figures": figures::of(Some(&reading), &machine, text)}));
        async move { news.map(|news| Ok(Event::default().data(news.to_string()))) }
    })
}
