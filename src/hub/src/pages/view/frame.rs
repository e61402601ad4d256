//! What all pages share, and the notice above their content.

use crate::pages::assets;
use crate::pages::locale::{Language, Text};
use crate::pages::menu::ServiceLink;
use crate::pages::theme::Theme;

/// What all pages share: the words, the addresses, who is signed in.
#[derive(Clone, Debug)]
pub struct Frame {
    /// The texts, and with them the language.
    pub text: Text,
    /// Its colours.
    pub theme: Theme,
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

    /// Whether this page is the one at `place`, as in `hub()`, or below it.
    pub(in crate::pages) fn here(&self, place: &str) -> bool {
        let rest = self.path.strip_prefix(self.hub(place).as_str());
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?']))
    }

    /// The address of one of the pages' own files.
    pub fn asset(&self, name: &str) -> String {
        assets::url(&self.base_url, name)
    }

    /// The language of the page.
    pub fn language(&self) -> Language {
        self.text.language()
    }

    /// Every theme, for the switch.
    pub(in crate::pages) const THEMES: [Theme; 3] = Theme::ALL;

    pub(in crate::pages) fn version_line(&self) -> String {
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
