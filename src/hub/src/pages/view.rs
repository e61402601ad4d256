//! What the pages show: one struct for each page, filled by the handlers, drawn by the templates.
//!
//! Invariant: plain data in, HTML out. Every value is escaped by its template, every sentence comes from the locale
//! files, and every form carries the XSRF token. Nothing here reads a request or a clock.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use askama::Template;
use hubd_base::names::esc;

use super::assets;
use super::home::Named;
use super::locale::{Language, Text};
use super::menu::ServiceLink;
use crate::servers::state::State as ServerState;

/// Draws a page.
pub trait Page {
    /// The whole HTML document. Templates write into memory, which does not fail; if it ever does, the page is empty.
    fn render_page(&self) -> String;
}

impl<T: Template> Page for T {
    fn render_page(&self) -> String {
        self.render().unwrap_or_default()
    }
}

/// What all pages share: the words, the addresses, who is signed in.
#[derive(Clone, Debug)]
pub struct Frame {
    /// The texts, and with them the language.
    pub text: Text,
    /// The hub's `base_url`, beginning and ending with a slash.
    pub base_url: String,
    /// Who is signed in.
    pub user: Option<String>,
    /// Whether that person is an administrator of the hub.
    pub admin: bool,
    /// Whether that person may open the administration pages.
    pub admin_ui: bool,
    /// The services that person may use.
    pub services: Vec<ServiceLink>,
    /// The XSRF token for every form of the page.
    pub xsrf: String,
    /// Path and query of this page for a GET, to come back to after a change of language.
    pub path: String,
    /// The hub's version.
    pub version: &'static str,
}

impl Frame {
    /// An address below `<base>hub/`.
    pub fn hub(&self, path: &str) -> String {
        format!("{}hub/{path}", self.base_url)
    }

    /// The address of one of the pages' own files.
    pub fn asset(&self, name: &str) -> String {
        assets::url(&self.base_url, name)
    }

    /// The language of the page.
    pub fn language(&self) -> Language {
        self.text.language()
    }

    pub(super) fn version_line(&self) -> String {
        self.text.fill("frame.version", &[("version", self.version)])
    }
}

/// A sentence above the content: how the last action went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Its tone; errors are announced at once.
    pub kind: NoticeKind,
    /// The sentence, in the language of the page.
    pub text: String,
}

/// The tone of a notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoticeKind {
    /// Something did not work.
    Error,
    /// Something worked.
    Success,
    /// Good to know.
    Info,
}

impl NoticeKind {
    /// As in the style sheet.
    pub fn code(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Success => "success",
            Self::Info => "info",
        }
    }
}

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

    fn title(self, frame: &Frame) -> &'static str {
        let [_, title, ..] = self.keys();
        frame.text.get(title)
    }

    fn about(self, frame: &Frame) -> &'static str {
        let [.., about, _] = self.keys();
        frame.text.get(about)
    }

    fn since(self, frame: &Frame) -> &'static str {
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
    /// Its state now.
    pub state: ServerState,
    /// Its address (path), where "open" leads.
    pub url: String,
    /// When this state began, if known.
    pub since: Option<SystemTime>,
    /// Why it is in this state, in the language of the page; shown for `Failed` as the reason.
    pub message: Option<String>,
}

impl ServerView {
    /// `verb/<user>` or `verb/<user>/<server>`, percent-encoded, below `<base>hub/`.
    fn path(&self, verb: &str) -> String {
        if self.name.is_empty() {
            format!("{verb}/{}", esc(&self.user))
        } else {
            format!("{verb}/{}/{}", esc(&self.user), esc(&self.name))
        }
    }

    /// Said above the title when it is not simply "mine".
    fn label(&self, frame: &Frame) -> Option<String> {
        let mut parts = Vec::new();
        if frame.user.as_ref() != Some(&self.user) {
            parts.push(frame.text.fill("server.of", &[("user", &self.user)]));
        }
        if !self.display_name.is_empty() {
            parts.push(frame.text.fill("server.named", &[("name", &self.display_name)]));
        }
        (!parts.is_empty()).then(|| parts.join(" · "))
    }

    fn times(&self) -> Option<Moment> {
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
}

/// `GET /hub/home`.
#[derive(Template)]
#[template(path = "home.html")]
pub struct HomePage {
    /// Shared by all pages.
    pub frame: Frame,
    /// The person's server.
    pub server: ServerView,
    /// Which buttons to show.
    pub actions: Actions,
    /// How the last action went.
    pub notice: Option<Notice>,
    /// The person's servers with a name.
    pub named: Vec<Named>,
    /// Whether they may have one more.
    pub may_add: bool,
}

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

/// Why a start failed or a server ended, in the language of the page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What it is, in a few words.
    pub title: String,
    /// What happened, one sentence.
    pub message: String,
    /// What to do now, one or two sentences; may be empty.
    pub hint: String,
    /// The system's own words (the broker's error text), not translated.
    pub detail: Option<String>,
    /// The unit's last journal lines, oldest first.
    pub journal: Vec<String>,
}

/// The reasons that the pages have words for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureKind {
    /// No `jupyter-lab` found.
    NoLab,
    /// The policy says no.
    NotAllowed,
    /// The process ended before it answered.
    Exited,
    /// The process ran, then ended without being asked to.
    Died,
    /// No answer before the deadline.
    Timeout(Duration),
    /// The configuration cannot be read.
    Configuration,
    /// The broker or systemd does not answer.
    Unavailable,
    /// Stopped by someone while it was starting.
    Cancelled,
    /// All else.
    Other,
}

impl FailureKind {
    /// The sentence for `ServerView::message` and `Failure::message`.
    pub fn message(self, text: Text) -> String {
        let key = match self {
            Self::Timeout(limit) => {
                return text.fill("failure.timeout", &[("seconds", &limit.as_secs().to_string())]);
            }
            Self::NoLab => "failure.no-lab",
            Self::NotAllowed => "failure.not-allowed",
            Self::Exited => "failure.exited",
            Self::Died => "failure.died",
            Self::Configuration => "failure.configuration",
            Self::Unavailable => "failure.unavailable",
            Self::Cancelled => "failure.cancelled",
            Self::Other => "failure.other",
        };
        text.get(key).to_owned()
    }

    /// Message and hint in this language, with what the system said.
    pub fn failure(self, text: Text, detail: Option<String>, journal: Vec<String>) -> Failure {
        let hint = text.get(match self {
            Self::NoLab => "failure.no-lab-hint",
            Self::NotAllowed => "failure.not-allowed-hint",
            Self::Exited => "failure.exited-hint",
            Self::Died => "failure.died-hint",
            Self::Timeout(_) => "failure.timeout-hint",
            Self::Configuration => "failure.configuration-hint",
            Self::Unavailable => "failure.unavailable-hint",
            Self::Cancelled => "failure.cancelled-hint",
            Self::Other => "failure.other-hint",
        });
        let title = text.get(if self == Self::Died { "state.failed-title" } else { "failure.title" });
        Failure { title: title.to_owned(), message: self.message(text), hint: hint.to_owned(), detail, journal }
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
    /// Set when the start failed; the page then shows this instead of the bar.
    pub failed: Option<Failure>,
    /// Where to go when it is ready: a checked path of this hub, or empty.
    pub next: String,
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
}

/// Any error, with its incident id.
#[derive(Template)]
#[template(path = "error.html")]
pub struct ErrorPage {
    /// Shared by all pages.
    pub frame: Frame,
    /// The HTTP status of the answer.
    pub status: u16,
    /// What it is, in a few words.
    pub title: String,
    /// One sentence.
    pub message: String,
    /// What to do now; may be empty.
    pub hint: String,
    /// The hub's own words for programs, in English; may be empty.
    pub detail: String,
    /// The id that the journal carries too (`HUB_REQUEST=`).
    pub incident: String,
}

/// The errors that the pages have words for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// 400.
    BadRequest,
    /// 403: the XSRF check failed.
    FormExpired,
    /// 403.
    Forbidden,
    /// 403: somebody else's server.
    NotYours,
    /// 404.
    NotFound,
    /// 405.
    Method,
    /// 413.
    TooLarge,
    /// 500.
    Internal,
    /// 502: the server runs but cannot be reached.
    Silent,
    /// 503: a limit of the hub is reached.
    Busy,
    /// 503: a service cannot be reached.
    ServiceAway,
    /// 504: the server was reached but gave no answer.
    Slow,
}

impl ErrorKind {
    /// The page for a status that has its own sentence.
    pub fn of(status: axum::http::StatusCode) -> Self {
        match status.as_u16() {
            403 => Self::Forbidden,
            404 => Self::NotFound,
            405 => Self::Method,
            413 => Self::TooLarge,
            502 => Self::Silent,
            429 | 503 => Self::Busy,
            504 => Self::Slow,
            500..600 => Self::Internal,
            _ => Self::BadRequest,
        }
    }

    /// The HTTP status.
    pub fn status(self) -> u16 {
        match self {
            Self::BadRequest => 400,
            Self::FormExpired | Self::Forbidden | Self::NotYours => 403,
            Self::NotFound => 404,
            Self::Method => 405,
            Self::TooLarge => 413,
            Self::Internal => 500,
            Self::Silent => 502,
            Self::Busy | Self::ServiceAway => 503,
            Self::Slow => 504,
        }
    }

    /// Keys of title, message and hint.
    fn keys(self) -> [&'static str; 3] {
        match self {
            Self::BadRequest => ["error.bad-request", "error.bad-request-message", "error.bad-request-hint"],
            Self::FormExpired => ["error.form-expired", "error.form-expired-message", "error.form-expired-hint"],
            Self::Forbidden => ["error.forbidden", "error.forbidden-message", "error.forbidden-hint"],
            Self::NotYours => ["error.not-yours", "error.not-yours-message", "error.not-yours-hint"],
            Self::NotFound => ["error.not-found", "error.not-found-message", "error.not-found-hint"],
            Self::Method => ["error.method", "error.method-message", "error.method-hint"],
            Self::TooLarge => ["error.too-large", "error.too-large-message", "error.too-large-hint"],
            Self::Internal => ["error.internal", "error.internal-message", "error.internal-hint"],
            Self::Silent => ["error.silent", "error.silent-message", "error.silent-hint"],
            Self::Busy => ["error.busy", "error.busy-message", "error.busy-hint"],
            Self::ServiceAway => ["error.service", "error.service-message", "error.service-hint"],
            Self::Slow => ["error.slow", "error.slow-message", "error.slow-hint"],
        }
    }
}

impl ErrorPage {
    /// The page of a known error.
    pub fn of(kind: ErrorKind, frame: Frame, incident: String) -> Self {
        let [title, message, hint] = kind.keys().map(|key| frame.text.get(key).to_owned());
        Self { frame, status: kind.status(), title, message, hint, detail: String::new(), incident }
    }
}

/// A point in time, in UTC; the page's script turns it into the reader's own words.
#[derive(Clone, Debug)]
pub(super) struct Moment {
    pub(super) machine: String,
    pub(super) reading: String,
}

impl Moment {
    pub(super) fn of(time: SystemTime) -> Self {
        let seconds = time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let (days, second) = (seconds / 86_400, seconds % 86_400);
        let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
        let (year, month, day) = civil(days);
        Self {
            machine: format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z"),
            reading: format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02} UTC"),
        }
    }
}

/// Days since 1970-01-01 as year, month, day of the Gregorian calendar: eras of 400 years that begin on 1 March.
fn civil(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (era * 400 + year + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests;
