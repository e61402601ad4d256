//! Error pages.

use askama::Template;

use super::frame::Frame;
use crate::pages::locale::Language;

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
