//! A start under way, and the page in place of a server that does not run.

use askama::Template;

use super::failure::Failure;
use super::frame::Frame;
use super::server::ServerView;
use crate::pages::locale::{Language, Text};
use crate::servers::state::State as ServerState;

/// A step of a start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// The person asked.
    Requested,
    /// The unit is being started.
    Unit,
    /// The process runs, but does not answer yet.
    Waiting,
    /// It answers.
    Ready,
}

impl Stage {
    /// Every step in order.
    pub const ALL: [Self; 4] = [Self::Requested, Self::Unit, Self::Waiting, Self::Ready];

    /// As in the field `stage` of the progress events (an extra field that other clients ignore): the page then says it in its own language.
    pub fn code(self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::Unit => "unit",
            Self::Waiting => "waiting",
            Self::Ready => "ready",
        }
    }

    /// The step with this code.
    pub fn find(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|stage| stage.code() == code)
    }

    /// What the page says.
    #[allow(clippy::trivially_copy_pass_by_ref, reason = "templates hand out references")]
    pub fn sentence(self, text: &Text) -> &'static str {
        text.get(match self {
            Self::Requested => "progress.requested",
            Self::Unit => "progress.unit",
            Self::Waiting => "progress.waiting",
            Self::Ready => "progress.ready",
        })
    }
}

/// `GET /hub/spawn-pending/{user}`: a start under way, or one that failed.
#[derive(Template)]
#[template(path = "spawn-pending.html")]
pub struct SpawnPendingPage {
    /// Shared by all pages.
    pub frame: Frame,
    /// The server; `url` is where to go when it is ready and `next` is empty.
    pub server: ServerView,
    /// The steps so far, oldest first, in the language of the page (`Stage::sentence`).
    pub events: Vec<String>,
    /// 0 to 100.
    pub progress: u8,
    /// The stream of the contract, with `?_xsrf=`.
    pub progress_url: String,
    /// The stream of the unit's lines.
    pub log_url: String,
    /// Set when the start failed; the page then shows this instead of the bar.
    pub failed: Option<Failure>,
    /// Where to go when it is ready: a checked path of this hub, or empty.
    pub next: String,
    /// Where another profile is chosen; `None` where there are none.
    pub choice: Option<String>,
}

impl SpawnPendingPage {
    fn ready_url(&self) -> &str {
        if self.next.is_empty() { &self.server.url } else { &self.next }
    }

    fn step(&self) -> &str {
        self.events.last().map_or_else(|| Stage::Requested.sentence(&self.frame.text), String::as_str)
    }

    fn journal_text(&self) -> String {
        self.failed.as_ref().map(|failure| failure.journal.join("\n")).unwrap_or_default()
    }
}

/// Placeholder of a server that does not run (`/hub/user/{user}/...`); answered with status 424.
#[derive(Template)]
#[template(path = "stopped.html")]
pub struct StoppedPage {
    /// Shared by all pages.
    pub frame: Frame,
    /// The server, `Stopped` or `Failed`.
    pub server: ServerView,
    /// The address that was asked for, to go on to after the start.
    pub next: String,
    /// Where a profile is chosen before the start; `None` where there are none.
    pub choice: Option<String>,
}
