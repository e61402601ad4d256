//! `/hub/theme`: light, dark, or what the browser prefers.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;

use super::form::Form;
use super::language;
use super::locale::Text;
use crate::app::App;
use crate::http::cookies;
use crate::http::faults::Fault;
use crate::http::visitor::Visitor;

/// The colours of the pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Theme {
    /// What the browser prefers.
    #[default]
    Auto,
    /// Dark on light.
    Light,
    /// Light on dark.
    Dark,
}

/// The colour of the browser's own bar: that of the page.
const LIGHT: &str = "#f4f5f9";
const DARK: &str = "#0f141c";

impl Theme {
    /// Every theme, in the order of the switch.
    pub const ALL: [Self; 3] = [Self::Auto, Self::Light, Self::Dark];

    /// As in the cookie `hub-theme`.
    pub fn code(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    /// The theme whose `code()` this is, exactly.
    pub fn find(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|theme| theme.code() == code)
    }

    /// Its name.
    #[allow(clippy::trivially_copy_pass_by_ref, reason = "templates hand out references")]
    pub(super) fn label(self, text: &Text) -> &'static str {
        text.get(match self {
            Self::Auto => "theme.auto",
            Self::Light => "theme.light",
            Self::Dark => "theme.dark",
        })
    }

    /// When the dark colours apply, as a media query; `None` for never.
    pub(super) fn dark_media(self) -> Option<&'static str> {
        match self {
            Self::Auto => Some("(prefers-color-scheme: dark)"),
            Self::Light => None,
            Self::Dark => Some("all"),
        }
    }

    /// Colours for the browser's own bar, and the media queries they are for.
    pub(super) fn bars(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Auto => &[(LIGHT, "(prefers-color-scheme: light)"), (DARK, "(prefers-color-scheme: dark)")],
            Self::Light => &[(LIGHT, "all")],
            Self::Dark => &[(DARK, "all")],
        }
    }
}

/// `POST /hub/theme`: fields `theme` (`light`, `dark` or `auto`) and `next`.
pub async fn choose(State(app): State<Arc<App>>, visitor: Visitor, form: Form) -> Result<Response, Fault> {
    let fields = form.open_harmless()?;
    let theme = fields.find("theme").and_then(Theme::find);
    let theme = theme.ok_or_else(|| Fault::BadRequest("theme is light, dark or auto".into()))?;
    let kept = (theme != Theme::Auto).then(|| theme.code());
    Ok(language::keep(&app, &visitor, &fields, cookies::THEME, kept))
}
