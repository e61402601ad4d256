//! From the states of servers to what the pages show.

use std::time::Duration;

use super::locale::Text;
use super::view::{self, Actions, FailureKind, ServerView, Stage};
use crate::app::App;
use crate::clock::system_time;
use crate::servers::server::Server;
use crate::servers::state::{Cause, Failure, Phase, Snapshot};

/// A server as the pages show it.
pub fn server(app: &App, server: &Server, snapshot: &Snapshot, text: Text) -> ServerView {
    ServerView {
        user: server.id.user.to_string(),
        name: server.id.server.as_str().to_owned(),
        state: snapshot.state,
        url: app.server_url(&server.id),
        since: Some(system_time(snapshot.started.filter(|_| snapshot.state.is_ready()).unwrap_or(snapshot.since))),
        message: snapshot.failure.as_deref().map(|failure| kind(app, failure).message(text)),
    }
}

/// The buttons that make sense.
pub fn actions(snapshot: &Snapshot) -> Actions {
    Actions::of(snapshot.state)
}

/// A failure in the words of the page.
pub fn failure(app: &App, failure: &Failure, text: Text) -> view::Failure {
    let detail = match failure.cause {
        Cause::Timeout => None,
        _ => Some(failure.text.clone()),
    };
    kind(app, failure).failure(text, detail, failure.journal.clone())
}

fn kind(app: &App, failure: &Failure) -> FailureKind {
    let limit: Duration = app.config.server.start_timeout;
    match failure.cause {
        Cause::NotAllowed => FailureKind::NotAllowed,
        Cause::NoLab => FailureKind::NoLab,
        Cause::Configuration => FailureKind::Configuration,
        Cause::Unreachable => FailureKind::Unavailable,
        Cause::Launch | Cause::Exited => FailureKind::Exited,
        Cause::Timeout => FailureKind::Timeout(limit),
        Cause::Died => FailureKind::Died,
    }
}

/// The page's step for a phase of a start.
pub fn stage(phase: &Phase) -> Stage {
    match phase {
        Phase::Requested => Stage::Requested,
        Phase::Launching => Stage::Unit,
        Phase::Waiting { .. } => Stage::Waiting,
    }
}
