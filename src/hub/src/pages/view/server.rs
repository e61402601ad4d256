//! One server in words: its state, where its buttons lead, and which of them make sense.

use std::time::SystemTime;

use hubd_base::names::esc;

use super::frame::Frame;
use super::moment::Moment;
use crate::pages::idle::Keep;
use crate::servers::state::State as ServerState;

impl ServerState {
    /// Keys of the badge's word, the title, the sentence below it and the word before the time.
    fn keys(self) -> [&'static str; 4] {
        match self {
            Self::Stopped => ["state.stopped", "state.stopped-title", "state.stopped-about", "state.stopped-since"],
            Self::Starting => {
                ["state.starting", "state.starting-title", "state.starting-about", "state.starting-since"]
            }
            Self::Running => ["state.running", "state.running-title", "state.running-about", "state.running-since"],
            Self::Suspended => {
                ["state.suspended", "state.suspended-title", "state.suspended-about", "state.suspended-since"]
            }
            Self::Stopping => {
                ["state.stopping", "state.stopping-title", "state.stopping-about", "state.stopping-since"]
            }
            Self::Failed => ["state.failed", "state.failed-title", "state.failed-about", "state.failed-since"],
        }
    }

    /// One word for the badge.
    pub fn label(self, frame: &Frame) -> &'static str {
        let [word, ..] = self.keys();
        frame.text.get(word)
    }

    pub(super) fn title(self, frame: &Frame) -> &'static str {
        let [_, title, ..] = self.keys();
        frame.text.get(title)
    }

    fn about(self, frame: &Frame) -> &'static str {
        let [.., about, _] = self.keys();
        frame.text.get(about)
    }

    pub(super) fn since(self, frame: &Frame) -> &'static str {
        let [.., since] = self.keys();
        frame.text.get(since)
    }
}

/// One server.
#[derive(Clone, Debug)]
pub struct ServerView {
    /// Whose it is.
    pub user: String,
    /// Its name; empty for the default server.
    pub name: String,
    /// Its name for people.
    pub display_name: String,
    /// Whether it starts again as soon as it has stopped.
    pub restarting: bool,
    /// Its state now.
    pub state: ServerState,
    /// Its address (path), where "open" leads.
    pub url: String,
    /// When this state began, if known.
    pub since: Option<SystemTime>,
    /// Why it is in this state, or what happened to it in there, in the language of the page.
    pub message: Option<String>,
    /// Processes of it that the kernel killed.
    pub killed: u64,
    /// What will become of it when it is idle, or why the hub stopped it.
    pub idle: Option<String>,
    /// The button by which that is put off.
    pub keep: Option<Keep>,
    /// Until when it is left alone, as its person wished.
    pub kept: Option<SystemTime>,
    /// Whether its stop was announced.
    pub planned: bool,
}

impl ServerView {
    /// `verb/<user>` or `verb/<user>/<server>`, percent-encoded, below `<base>hub/`.
    pub(in crate::pages) fn path(&self, verb: &str) -> String {
        if self.name.is_empty() {
            format!("{verb}/{}", esc(&self.user))
        } else {
            format!("{verb}/{}/{}", esc(&self.user), esc(&self.name))
        }
    }

    /// What the state means for the person.
    pub(super) fn about(&self, frame: &Frame) -> &'static str {
        if self.restarting { frame.text.get("state.restarting-about") } else { self.state.about(frame) }
    }

    /// Said above the title when it is not simply "mine".
    pub(in crate::pages) fn label(&self, frame: &Frame) -> Option<String> {
        let mut parts = Vec::new();
        if frame.user.as_ref() != Some(&self.user) {
            parts.push(frame.text.fill("server.of", &[("user", &self.user)]));
        }
        if !self.display_name.is_empty() {
            parts.push(frame.text.fill("server.named", &[("name", &self.display_name)]));
        }
        (!parts.is_empty()).then(|| parts.join(" · "))
    }

    pub(super) fn kept(&self) -> Option<Moment> {
        self.kept.map(Moment::of)
    }

    pub(super) fn times(&self) -> Option<Moment> {
        self.since.map(Moment::of)
    }
}

/// What the buttons of the home page offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Actions {
    /// `#open-server`.
    pub open: bool,
    /// `#start-server`.
    pub start: bool,
    /// `#stop-server`; cancels a start.
    pub stop: bool,
}

impl Actions {
    /// What makes sense in a state, for a person who may do everything with the server.
    pub fn of(state: ServerState) -> Self {
        match state {
            ServerState::Stopped | ServerState::Failed => Self { start: true, ..Self::default() },
            ServerState::Starting => Self { stop: true, ..Self::default() },
            ServerState::Running | ServerState::Suspended => Self { open: true, stop: true, ..Self::default() },
            ServerState::Stopping => Self::default(),
        }
    }

    /// `#restart-server`: only what runs can be stopped and started again.
    pub(super) fn restart(self) -> bool {
        self.open && self.stop
    }
}
