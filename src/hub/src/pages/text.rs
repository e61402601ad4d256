//! From the states of servers to what the pages show.

use std::time::Duration;

use hubd_base::names::ServerId;

use super::locale::Text;
use super::view::{self, FailureKind, ServerView, Stage};
use crate::app::App;
use crate::clock::system_time;
use crate::servers::naming::Refusal;
use crate::servers::registry::Busy;
use crate::servers::state::{Cause, Failure, Phase, Snapshot};

/// A server as the pages show it.
pub fn server(app: &App, id: &ServerId, snapshot: &Snapshot, text: Text) -> ServerView {
    let details = app.servers.find(id).and_then(|server| server.details());
    let display_name = details.map(|details| details.display_name.clone()).filter(|name| !name.is_empty());
    ServerView {
        user: id.user.to_string(),
        name: id.server.as_str().to_owned(),
        display_name: display_name.unwrap_or_else(|| id.server.as_str().to_owned()),
        state: snapshot.state,
        url: app.server_url(id),
        since: Some(system_time(snapshot.started.filter(|_| snapshot.state.is_ready()).unwrap_or(snapshot.since))),
        message: snapshot.failure.as_deref().map(|failure| kind(app, failure).message(text)),
    }
}

/// Why a start was not begun.
pub fn busy(busy: &Busy, text: Text) -> String {
    match busy {
        Busy::Running => text.get("refused.running").to_owned(),
        Busy::Stopping | Busy::Held(_) => text.get("refused.pending").to_owned(),
        Busy::TooManyStarts(seconds) => {
            let about = (seconds.div_ceil(10) * 10).to_string();
            text.fill("refused.starts", &[("seconds", &about)])
        }
        Busy::TooManyServers => text.get("refused.servers").to_owned(),
        Busy::Refused(refusal) => match refusal {
            Refusal::NotEnabled => text.get("refused.named").to_owned(),
            Refusal::Limit { limit, .. } => text.fill("refused.limit", &[("limit", &limit.to_string())]),
            Refusal::Name(name) | Refusal::DisplayName(name) => text.fill("refused.name", &[("name", name)]),
        },
    }
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
