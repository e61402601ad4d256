//! How a command fails: what the person is told, and the exit status.

use std::fmt::Display;
use std::io;
use std::process::ExitCode;

/// The exit status of a command that did not work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
    /// It did not work.
    Failed = 1,
    /// The command line is wrong (clap's own status, too).
    Usage = 2,
    /// polkit, or the system, says no.
    NotAuthorised = 3,
    /// The hub does not listen or cannot start.
    NotReachable = 4,
}

/// Why a command did not work.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Everything was said already.
    Quiet(Status),
    /// To be told.
    Told {
        /// The exit status.
        status: Status,
        /// One sentence.
        text: String,
        /// What to do next.
        hint: Option<String>,
    },
}

impl Failure {
    pub(crate) fn new(status: Status, text: impl Display) -> Self {
        Self::Told { status, text: text.to_string(), hint: None }
    }

    pub(crate) fn with_hint(self, next: impl Display) -> Self {
        match self {
            Self::Told { status, text, .. } => Self::Told { status, text, hint: Some(next.to_string()) },
            Self::Quiet(status) => Self::Quiet(status),
        }
    }
}

/// The system's words for an error, without its number.
pub(crate) fn words(error: &io::Error) -> String {
    let text = error.to_string();
    text.split_once(" (os error").map_or(text.as_str(), |(words, _)| words).to_owned()
}

/// Writing to standard output. A reader that had enough (`hubctl users | head`) is no failure to talk about.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::Quiet(Status::Failed),
            _ => Self::new(Status::Failed, words(&error)),
        }
    }
}

impl From<Status> for ExitCode {
    fn from(status: Status) -> Self {
        Self::from(status as u8)
    }
}
