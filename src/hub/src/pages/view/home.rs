//! The home page.

use askama::Template;

use super::frame::{Frame, Notice, NoticeKind};
use super::server::{Actions, ServerView};
use crate::pages::figures::Figure;
use crate::pages::home::Named;
use crate::pages::locale::Language;
use crate::servers::state::State as ServerState;

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
    /// What it uses, while it runs.
    pub figures: Vec<Figure>,
    /// How the last action went.
    pub notice: Option<Notice>,
    /// The person's servers with a name.
    pub named: Vec<Named>,
    /// Whether they may have one more.
    pub may_add: bool,
    /// The groups that person is in.
    pub groups: Vec<String>,
}
