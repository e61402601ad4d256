//! One table from what went wrong to status and sentence, for pages and for the API.
//!
//! Invariant: a client sees a fixed sentence and an incident id; the journal gets the whole chain, once.

use std::borrow::Cow;
use std::sync::Arc;

use axum::body::Body;
use axum::http::{HeaderValue, Response, StatusCode, header};
use axum::response::IntoResponse;

use crate::auth::random;
use crate::observe;
use crate::pages::view::{ErrorKind, ErrorPage, Frame, Page};

/// Why a request is not answered as asked.
#[derive(Clone, Debug)]
pub enum Fault {
    /// The request makes no sense; the sentence says why.
    BadRequest(String),
    /// Nobody is logged in, or the token is unknown.
    NoCredentials,
    /// The form or call does not carry the right `_xsrf`.
    Xsrf(Cow<'static, str>),
    /// Not for this person.
    Forbidden,
    /// The caller holds none of these scopes.
    Scopes(&'static [&'static str]),
    /// This status, and this sentence for whoever asked.
    Told(StatusCode, String),
    /// Too many servers: the sentence, and seconds after which to come back, if that is known.
    Throttled(String, Option<u32>),
    /// Somebody else's server.
    NotYours,
    /// Nothing here, or nothing this person may know of.
    NotFound,
    /// The API's words for the same.
    NoAccess,
    /// Not with this method.
    Method,
    /// More bytes than this address takes.
    TooLarge,
    /// Too much at once; seconds after which to come back.
    Busy(u32),
    /// A running server cannot be reached.
    Silent(Arc<str>),
    /// A service cannot be reached: a sentence for programs, and what went wrong.
    ServiceAway(Arc<str>, Arc<str>),
    /// The hub's own fault; the text is for the journal only.
    Internal(Arc<str>),
}

impl Fault {
    /// From any error that is the hub's own fault.
    pub fn internal(error: impl std::error::Error) -> Self {
        let mut text = error.to_string();
        let mut cause = error.source();
        while let Some(inner) = cause {
            text.push_str(": ");
            text.push_str(&inner.to_string());
            cause = inner.source();
        }
        Self::Internal(text.into())
    }

    fn kind(&self) -> ErrorKind {
        match self {
            Self::BadRequest(_) => ErrorKind::BadRequest,
            Self::NoCredentials | Self::Forbidden | Self::Scopes(_) => ErrorKind::Forbidden,
            Self::Told(status, _) => ErrorKind::of(*status),
            Self::Xsrf(_) => ErrorKind::FormExpired,
            Self::NotYours => ErrorKind::NotYours,
            Self::NotFound | Self::NoAccess => ErrorKind::NotFound,
            Self::Method => ErrorKind::Method,
            Self::TooLarge => ErrorKind::TooLarge,
            Self::Busy(_) | Self::Throttled(..) => ErrorKind::Busy,
            Self::Silent(_) => ErrorKind::Silent,
            Self::ServiceAway(..) => ErrorKind::ServiceAway,
            Self::Internal(_) => ErrorKind::Internal,
        }
    }

    /// The HTTP status.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Told(status, _) => return *status,
            Self::Throttled(..) => return StatusCode::TOO_MANY_REQUESTS,
            _ => {}
        }
        StatusCode::from_u16(self.kind().status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// The API's sentence (contract 1.1 and 1.2).
    pub fn sentence(&self) -> Cow<'_, str> {
        let sentence = match self {
            Self::BadRequest(text) | Self::Told(_, text) | Self::Throttled(text, _) => text.as_str(),
            Self::Scopes(any) => {
                let list = any.join(", ");
                return format!("Action is not authorized with current scopes; requires any of [{list}]").into();
            }
            Self::ServiceAway(sentence, _) => sentence,
            Self::NoCredentials => "Missing or invalid credentials.",
            Self::Xsrf(text) => text,
            Self::NoAccess => "No access to resources or resources not found",
            Self::Busy(_) => "Too many users trying to log in right now. Try again in a few seconds.",
            Self::Silent(_) => "The server runs but does not answer.",
            Self::Forbidden | Self::NotYours | Self::NotFound | Self::Method | Self::TooLarge | Self::Internal(_) => {
                self.status().canonical_reason().unwrap_or("Error")
            }
        };
        sentence.into()
    }

    /// What the journal needs to know beyond the status; `None` for refusals that are nobody's fault.
    fn trouble(&self) -> Option<&str> {
        match self {
            Self::Silent(text) | Self::ServiceAway(_, text) | Self::Internal(text) => Some(text),
            _ => None,
        }
    }

    /// The answer for a program.
    pub fn json(&self) -> Response<Body> {
        let incident = self.report();
        let body = serde_json::json!({
            "status": self.status().as_u16(), "message": self.sentence(), "incident": incident,
        });
        self.finish("application/json", body.to_string())
    }

    /// The answer for a person.
    pub fn page(&self, frame: Frame) -> Response<Body> {
        let incident = self.report();
        let mut page = ErrorPage::of(self.kind(), frame, incident);
        if matches!(self, Self::BadRequest(_) | Self::Told(..) | Self::Xsrf(_)) {
            page.detail = self.sentence().into_owned();
        }
        self.finish("text/html; charset=utf-8", page.render_page())
    }

    fn report(&self) -> String {
        let incident = random::incident();
        if let Some(trouble) = self.trouble() {
            tracing::warn!(
                message_id = observe::REQUEST_FAILED,
                hub_request = incident.as_str(),
                hub_outcome = self.status().as_u16(),
                "Request {incident} failed, carrying on without it: {trouble}"
            );
        } else {
            tracing::info!(
                hub_request = incident.as_str(),
                hub_outcome = self.status().as_u16(),
                "Request {incident} was refused: {}",
                self.status()
            );
        }
        incident
    }

    fn finish(&self, content_type: &'static str, body: String) -> Response<Body> {
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = self.status();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Self::Busy(seconds) | Self::Throttled(_, Some(seconds)) = self {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(*seconds));
        }
        response
    }
}

/// A handler's fault travels in the response's extensions; the layers draw it, knowing who asked.
impl IntoResponse for Fault {
    fn into_response(self) -> Response<Body> {
        let mut response = self.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}
