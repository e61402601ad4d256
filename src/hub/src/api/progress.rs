//! `/hub/api/users/{user}/server/progress` and `.../servers/{server}/progress`: the contract's stream of a start.
//!
//! Written by hand rather than with the framework's events: clients see one `data:` line for each event, and two
//! newlines as a sign of life, nothing else (contract 1.8).

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderValue, Response, StatusCode, header};
use futures_util::{StreamExt, stream};
use hubd_base::names::ServerId;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

use super::caller::Caller;
use super::servers::{Address, failure};
use crate::app::App;
use crate::http::faults::Fault;
use crate::servers::state::{Phase, Snapshot, State as ServerState};

/// Between two signs of life.
const KEEP_ALIVE: Duration = Duration::from_secs(8);
/// A sign of life.
const ALIVE: &str = "\n\n";

/// One listener.
struct Listener {
    id: ServerId,
    /// Where the server is reached.
    url: String,
    changes: watch::Receiver<Snapshot>,
    /// What is to be sent next.
    waiting: VecDeque<String>,
    /// The step that was told last.
    told: Option<Phase>,
    over: bool,
    next_sign: Instant,
}

/// `GET`
pub async fn follow(State(app): State<Arc<App>>, caller: Caller, address: Address) -> Result<Response<Body>, Fault> {
    let user = address.allowed(&caller, &["read:servers"])?;
    let server = address.existing(&app, &user).ok_or(Fault::NoAccess)?;
    let snapshot = server.snapshot();
    let tells =
        snapshot.state.is_ready() || snapshot.state == ServerState::Starting || snapshot.start_failure().is_some();
    if !tells {
        return Err(Fault::BadRequest(format!("{} is not starting...", server.id)));
    }
    let mut changes = server.follow();
    changes.mark_changed();
    let listener = Listener {
        url: app.server_url(&server.id),
        id: server.id.clone(),
        changes,
        waiting: VecDeque::from([ALIVE.to_owned()]),
        told: None,
        over: false,
        next_sign: Instant::now() + KEEP_ALIVE,
    };
    let texts = stream::unfold(listener, |mut listener| async move {
        let text = listener.next().await?;
        Some((Ok::<_, Infallible>(Bytes::from(text)), listener))
    });
    let stop = app.stop.clone().cancelled_owned();
    let mut response = Response::new(Body::from_stream(texts.take_until(stop)));
    *response.status_mut() = StatusCode::OK;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    Ok(response)
}

impl Listener {
    /// What to send next; `None` at the end.
    async fn next(&mut self) -> Option<String> {
        loop {
            if let Some(text) = self.waiting.pop_front() {
                return Some(text);
            }
            if self.over {
                return None;
            }
            match timeout_at(self.next_sign, self.changes.changed()).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) => return None,
                Err(_) => {
                    self.next_sign += KEEP_ALIVE;
                    return Some(ALIVE.to_owned());
                }
            }
            let snapshot = self.changes.borrow_and_update().clone();
            if snapshot.state == ServerState::Starting {
                self.starting(&snapshot.phase);
            } else {
                self.over = true;
                self.tell(&end(&snapshot, &self.url, &self.id));
            }
        }
    }

    /// Every stream of a start begins with the same step.
    fn starting(&mut self, phase: &Phase) {
        if self.told.is_none() {
            self.told = Some(Phase::Requested);
            self.tell(&step(&Phase::Requested));
        }
        if self.told.as_ref() != Some(phase) {
            self.told = Some(phase.clone());
            self.tell(&step(phase));
        }
    }

    fn tell(&mut self, event: &Value) {
        self.waiting.push_back(format!("data: {event}\n\n"));
    }
}

/// `stage` is the hub's own: its pages have words for it.
fn step(phase: &Phase) -> Value {
    let (stage, message) = match phase {
        Phase::Requested => ("requested", "Server requested".to_owned()),
        Phase::Launching => ("unit", "Starting the unit...".to_owned()),
        Phase::Waiting { unit } => ("waiting", format!("Spawning server... {unit} runs, waiting for its first answer")),
    };
    json!({"progress": phase.percent(), "message": message, "stage": stage})
}

fn end(snapshot: &Snapshot, url: &str, id: &ServerId) -> Value {
    if snapshot.state.is_ready() {
        let shown = escape(url);
        return json!({
            "progress": 100,
            "ready": true,
            "message": format!("Server ready at {url}"),
            "html_message": format!("Server ready at <a href=\"{shown}\">{shown}</a>"),
            "url": url,
            "stage": "ready",
        });
    }
    let message = match &snapshot.failure {
        Some(failed) => format!("Spawn failed: {}", failure::sentence(failed, id)),
        None => "Spawn cancelled".to_owned(),
    };
    let journal = snapshot.failure.as_ref().map(|failure| failure.journal.clone()).unwrap_or_default();
    let html = escape(&message);
    json!({"progress": 100, "failed": true, "message": message, "html_message": html, "journal": journal})
}

/// A text inside HTML, also inside a quoted attribute.
fn escape(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut html, c| {
        match c {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            other => html.push(other),
        }
        html
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::servers::state::{Cause, Failure};
    use hubd_base::names::UserName;

    #[tokio::test(start_paused = true)]
    async fn two_newlines_come_every_eight_seconds() {
        let id = ServerId::default_of(UserName::parse("alice").unwrap());
        let starting = Snapshot { state: ServerState::Starting, ..Snapshot::stopped(0) };
        let (sender, mut changes) = watch::channel(starting);
        changes.mark_changed();
        let mut listener = Listener {
            url: "/user/alice/".into(),
            id,
            changes,
            waiting: VecDeque::new(),
            told: None,
            over: false,
            next_sign: Instant::now() + KEEP_ALIVE,
        };
        let begun = Instant::now();
        assert!(listener.next().await.unwrap().starts_with("data: {"));
        for count in 1..4_u32 {
            assert_eq!(listener.next().await.as_deref(), Some("\n\n"));
            assert_eq!(begun.elapsed().as_secs(), u64::from(count) * 8);
        }
        sender.send_modify(|snapshot| snapshot.state = ServerState::Stopped);
        assert!(listener.next().await.unwrap().contains("Spawn cancelled"));
        assert_eq!(listener.next().await, None);
    }

    #[test]
    fn what_a_launcher_says_is_no_markup() {
        let id = ServerId::default_of(UserName::parse("alice").unwrap());
        let text = "<script>'\"&".to_owned();
        let failure = Failure { cause: Cause::NotAllowed, text, out_of_memory: false, journal: Vec::new() };
        let snapshot = Snapshot { failure: Some(Arc::new(failure)), ..Snapshot::stopped(0) };
        let event = end(&snapshot, "/user/alice/", &id);
        assert_eq!(event["message"], "Spawn failed: <script>'\"&");
        assert_eq!(event["html_message"], "Spawn failed: &lt;script&gt;&#39;&quot;&amp;");
        assert_eq!(end(&Snapshot::stopped(0), "/", &id)["message"], "Spawn cancelled");
    }
}
