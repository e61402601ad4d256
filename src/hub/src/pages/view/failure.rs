//! Why a start failed or a server ended, in words.

use std::time::Duration;

use crate::pages::locale::Text;

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
    /// The kernel killed it because memory ran out.
    OutOfMemory,
    /// Nothing could be written any more.
    NoSpace,
    /// The person's share of the disk is used up.
    Quota,
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
            Self::OutOfMemory => "failure.memory",
            Self::NoSpace => "failure.no-space",
            Self::Quota => "failure.quota",
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
            Self::OutOfMemory => "failure.memory-hint",
            Self::NoSpace => "failure.no-space-hint",
            Self::Quota => "failure.quota-hint",
            Self::Timeout(_) => "failure.timeout-hint",
            Self::Configuration => "failure.configuration-hint",
            Self::Unavailable => "failure.unavailable-hint",
            Self::Cancelled => "failure.cancelled-hint",
            Self::Other => "failure.other-hint",
        });
        let title = text.get(if matches!(self, Self::Died | Self::OutOfMemory) {
            "state.failed-title"
        } else {
            "failure.title"
        });
        Failure { title: title.to_owned(), message: self.message(text), hint: hint.to_owned(), detail, journal }
    }
}
