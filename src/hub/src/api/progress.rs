//! `/hub/api/users/{user}/server/progress`: the contract's stream of a start.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, State};
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::{Stream, StreamExt, stream};
use serde_json::{Value, json};

use super::caller::Caller;
use crate::app::App;
use crate::http::faults::Fault;
use crate::servers::state::{Phase, Snapshot, State as ServerState};

/// Between two signs of life (contract 1.8).
const KEEP_ALIVE: Duration = Duration::from_secs(8);

/// What has been told so far.
enum Told {
    Going(Option<Phase>),
    End,
}

/// `GET`
pub async fn follow(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(name): Path<String>,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Fault> {
    let id = caller.on_server(&["read:servers"], &name, "")?;
    let server = app.servers.find(&id).ok_or(Fault::NoAccess)?;
    if server.snapshot().state == ServerState::Stopped {
        return Err(Fault::BadRequest(format!("{} is not starting...", id.user)));
    }
    let mut changes = server.follow();
    changes.mark_changed();
    let url = app.server_url(&id);
    let events = stream::unfold((changes, Told::Going(None)), move |(mut changes, told)| {
        let url = url.clone();
        async move {
            let Told::Going(mut last) = told else { return None };
            loop {
                changes.changed().await.ok()?;
                let snapshot = changes.borrow_and_update().clone();
                if snapshot.state != ServerState::Starting {
                    return Some((end(&snapshot, &url), (changes, Told::End)));
                }
                if last.as_ref() != Some(&snapshot.phase) {
                    last = Some(snapshot.phase.clone());
                    return Some((step(&snapshot.phase), (changes, Told::Going(last))));
                }
            }
        }
    });
    let events = events.map(|event| Ok(Event::default().data(event.to_string())));
    let stop = app.stop.clone().cancelled_owned();
    Ok(Sse::new(events.take_until(stop)).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)))
}

fn step(phase: &Phase) -> Value {
    let (stage, message) = match phase {
        Phase::Requested => ("requested", "Server requested".to_owned()),
        Phase::Launching => ("unit", "Starting the unit...".to_owned()),
        Phase::Waiting { unit } => ("waiting", format!("Spawning server... {unit} runs, waiting for its first answer")),
    };
    json!({"progress": phase.percent(), "message": message, "stage": stage})
}

fn end(snapshot: &Snapshot, url: &str) -> Value {
    if snapshot.state.is_ready() {
        return json!({
            "progress": 100,
            "ready": true,
            "message": format!("Server ready at {url}"),
            "html_message": format!("Server ready at <a href=\"{url}\">{url}</a>"),
            "url": url,
            "stage": "ready",
        });
    }
    let message = match &snapshot.failure {
        Some(failure) => format!("Spawn failed: {}", failure.text),
        None => "Spawn cancelled".to_owned(),
    };
    let journal = snapshot.failure.as_ref().map(|failure| failure.journal.clone()).unwrap_or_default();
    json!({"progress": 100, "failed": true, "message": message, "journal": journal})
}
