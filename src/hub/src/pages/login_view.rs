//! What the two pages of a login show: name and password, then whatever else PAM wants to know.

use askama::Template;
use hubd_proto::login::TextKind;

use super::locale::{Language, Text};
use super::view::{Frame, Notice, NoticeKind};
use crate::auth::login::Said;
use crate::auth::login::conversation::Question;
use crate::clock::{Usec, iso};

/// Why the login page is shown (again).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LoginNotice {
    /// Wrong name or password, or a locked account: the page does not tell which.
    Refused,
    /// The password was right; the account or the hub says no. The reason is a sentence for the person, or empty.
    Denied {
        /// From PAM or from the hub's policy.
        reason: String,
    },
    /// The password must be changed first.
    PasswordExpired,
    /// PAM wants a pause.
    TooManyTries,
    /// All login processes are taken.
    Busy,
    /// PAM or the account database failed.
    Unavailable,
    /// The form failed its XSRF check.
    FormExpired,
    /// An answer to a login that is over, or not of this browser.
    Over,
    /// Just signed out.
    SignedOut,
}

impl LoginNotice {
    /// The sentence in this language.
    pub fn notice(&self, text: Text) -> Notice {
        use NoticeKind::{Error, Success};
        let (kind, key) = match self {
            Self::Denied { reason } => {
                let text = text.fill("login.denied", &[("reason", reason)]).trim_end().to_owned();
                return Notice { kind: Error, text };
            }
            Self::Refused => (Error, "login.refused"),
            Self::PasswordExpired => (Error, "login.expired"),
            Self::TooManyTries => (Error, "login.too-many-tries"),
            Self::Busy => (Error, "login.busy"),
            Self::Unavailable => (Error, "login.unavailable"),
            Self::FormExpired => (Error, "login.form-expired"),
            Self::Over => (Error, "login.over"),
            Self::SignedOut => (Success, "login.signed-out"),
        };
        Notice { kind, text: text.get(key).to_owned() }
    }
}

/// PAM's own words, each as a notice; empty ones are left out.
pub fn notices(said: &[Said]) -> Vec<Notice> {
    let said = said.iter().filter(|said| !said.text.trim().is_empty());
    let kind = |kind| if kind == TextKind::Error { NoticeKind::Error } else { NoticeKind::Info };
    said.map(|said| Notice { kind: kind(said.kind), text: said.text.trim().to_owned() }).collect()
}

/// `GET|POST /hub/login`.
#[derive(Template)]
#[template(path = "login.html")]
pub struct LoginPage {
    /// Shared by all pages.
    pub frame: Frame,
    /// Where to go afterwards, already checked to be a path of this hub; may be empty.
    pub next: String,
    /// What was typed before, to be kept.
    pub username: String,
    /// Why the page is shown again.
    pub notice: Option<Notice>,
    /// What PAM says to it.
    pub said: Vec<Notice>,
}

/// A further question of PAM, on the same address.
#[derive(Template)]
#[template(path = "login-step.html")]
pub struct LoginStepPage {
    /// Shared by all pages.
    pub frame: Frame,
    /// Where to go afterwards, as on the first page.
    pub next: String,
    /// Who signs in, as typed.
    pub username: String,
    /// Which login this is.
    pub conversation: String,
    /// What PAM asks.
    pub question: Question,
    /// Now, for the time that is left.
    pub now: Usec,
}

impl LoginStepPage {
    fn title(&self) -> &'static str {
        self.frame.text.get(if self.question.changing { "login.change-title" } else { "login.step-title" })
    }

    fn lead(&self) -> String {
        let key = if self.question.changing { "login.change-lead" } else { "login.step-lead" };
        self.frame.text.fill(key, &[("user", &self.username)])
    }

    fn said(&self) -> Vec<Notice> {
        notices(&self.question.said)
    }

    fn prompt(&self) -> &str {
        let text = self.question.text.trim().trim_end_matches([':', '：']).trim_end();
        // The questions of Linux-PAM itself, in either language: these are the page's own.
        match text {
            "" => self.frame.text.get("login.answer"),
            "Current password" | "当前的密码" => self.frame.text.get("login.current-password"),
            "New password" | "新的密码" => self.frame.text.get("login.new-password"),
            "Retype new password" | "重新输入新的密码" => self.frame.text.get("login.retype-password"),
            other => other,
        }
    }

    fn input_type(&self) -> &'static str {
        if self.question.echo { "text" } else { "password" }
    }

    fn autocomplete(&self) -> &'static str {
        if self.question.changing { "new-password" } else { "one-time-code" }
    }

    fn seconds(&self) -> i64 {
        self.question.until.saturating_sub(self.now).max(0) / 1_000_000
    }

    fn deadline(&self) -> String {
        let (seconds, until) = (self.seconds().to_string(), iso(self.question.until));
        let time = until.get(11..19).unwrap_or_default();
        self.frame.text.fill("login.deadline", &[("seconds", &seconds), ("time", time)])
    }

    fn restart(&self) -> String {
        super::login::address(&self.frame.base_url, &[("next", &self.next)])
    }
}
