//! The hub's API over its control socket.
//!
//! Connecting starts the hub if it sleeps. The hub learns from the kernel who is calling; nothing here proves
//! anything. Every wait has a deadline.

mod base;
mod list;

use std::io::{self, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use hubd_base::names::{ServerId, UserName, esc};
use serde::de::DeserializeOwned;
use serde_json::Value;

pub(crate) use base::Base;

use crate::failure::{Failure, Status, words};
use crate::http::{self, Head, Request};
use crate::model::{self, Problem};
use crate::text::{Talk, Text};

/// The control socket.
pub(crate) const SOCKET: &str = "/run/hub/control.sock";
/// A start may keep its request for ten seconds, polkit may have to ask a person.
pub(crate) const ANSWER: Duration = Duration::from_secs(120);
/// The progress stream says something at least every 8 seconds.
const EVENT: Duration = Duration::from_secs(60);

const JSON: &str = "application/json";
const EVENTS: &str = "text/event-stream";

/// Calls the API.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    talk: Talk,
    socket: PathBuf,
    base: Base,
    /// Whose own servers need no right to manage the hub: the person who calls, unless that is root.
    own: Option<UserName>,
}

/// A whole answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    /// The HTTP status.
    pub(crate) status: u16,
    /// The body.
    pub(crate) body: Vec<u8>,
}

impl Client {
    pub(crate) fn new(talk: Talk, socket: &Path, base: Base) -> Self {
        Self { talk, socket: socket.to_owned(), base, own: None }
    }

    /// For this person, who uses the own servers and perhaps manages the hub.
    pub(crate) fn of(self, own: Option<UserName>) -> Self {
        Self { own, ..self }
    }

    /// Is this the person who calls?
    pub(crate) fn is_own(&self, user: &UserName) -> bool {
        self.own.as_ref() == Some(user)
    }

    /// The API's path of a person.
    pub(crate) fn user_path(user: &UserName) -> String {
        format!("users/{}", user.url_segment())
    }

    /// The API's path of a server.
    pub(crate) fn server_path(id: &ServerId) -> String {
        let user = Self::user_path(&id.user);
        if id.server.is_default() { format!("{user}/server") } else { format!("{user}/servers/{}", id.server) }
    }

    /// The API's path of one of the hub's groups.
    pub(crate) fn group_path(group: &str) -> String {
        format!("groups/{}", esc(group))
    }

    /// A GET whose answer must be JSON of this form.
    pub(crate) fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Failure> {
        let answer = self.expect(self.send("GET", path)?)?;
        self.read(&answer)
    }

    /// The JSON of an answer.
    pub(crate) fn read<T: DeserializeOwned>(&self, answer: &Answer) -> Result<T, Failure> {
        serde_json::from_slice(&answer.body).map_err(|error| self.strange(&error.to_string()))
    }

    /// A call without a body; the caller looks at the status.
    pub(crate) fn send(&self, method: &str, path: &str) -> Result<Answer, Failure> {
        self.send_bytes(method, path, b"")
    }

    /// A call with a body; the caller looks at the status.
    pub(crate) fn send_json(&self, method: &str, path: &str, body: &Value) -> Result<Answer, Failure> {
        self.send_bytes(method, path, body.to_string().as_bytes())
    }

    /// A call with a body that is hopefully JSON; the caller looks at the status.
    pub(crate) fn send_bytes(&self, method: &str, path: &str, body: &[u8]) -> Result<Answer, Failure> {
        self.call(&Request { method, path, accept: JSON, body, own: false })
    }

    /// Opens an event stream. The inner error is an answer that is none.
    pub(crate) fn events(&self, path: &str) -> Result<Result<BufReader<UnixStream>, Answer>, Failure> {
        let (head, mut stream) = self.open(&Request { method: "GET", path, accept: EVENTS, body: b"", own: false })?;
        if head.status == 200 {
            let set = stream.get_ref().set_read_timeout(Some(EVENT));
            return set.map(|()| Ok(stream)).map_err(|error| self.broken(&error));
        }
        let body = http::read_body(&mut stream, &head).map_err(|error| self.broken(&error))?;
        Ok(Err(Answer { status: head.status, body }))
    }

    /// Turns an answer that is no success into what to tell.
    pub(crate) fn expect(&self, answer: Answer) -> Result<Answer, Failure> {
        if (200..300).contains(&answer.status) { Ok(answer) } else { Err(self.refusal(&answer)) }
    }

    /// What to tell about an answer that is no success.
    pub(crate) fn refusal(&self, answer: &Answer) -> Failure {
        let talk = self.talk;
        let (problem, is_json) = match serde_json::from_slice::<Problem>(&answer.body) {
            Ok(problem) => (problem, true),
            Err(_) => (Problem::default(), false),
        };
        let said = || match &problem.message {
            Some(message) => model::clean(message),
            None if is_json || answer.body.is_empty() => format!("HTTP {}", answer.status),
            None => model::clean(String::from_utf8_lossy(&answer.body).trim()),
        };
        match answer.status {
            401 | 403 => Failure::new(Status::NotAuthorised, talk.say(Text::NotAuthorised, &[]))
                .with_hint(talk.say(Text::NotAuthorisedHint, &[])),
            502..=504 => Failure::new(Status::NotReachable, talk.say(Text::HubDown, &[&said()]))
                .with_hint(talk.say(Text::HubDownHint, &[])),
            _ => {
                let failure = Failure::new(Status::Failed, talk.say(Text::Refused, &[&said()]));
                match &problem.incident {
                    Some(incident) if answer.status >= 500 => failure.with_hint(talk.say(Text::Incident, &[incident])),
                    _ => failure,
                }
            }
        }
    }

    /// What to tell when something read from the hub broke off or makes no sense.
    pub(crate) fn broken(&self, error: &io::Error) -> Failure {
        match error.kind() {
            io::ErrorKind::InvalidData => self.strange(&error.to_string()),
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => {
                Failure::new(Status::NotReachable, self.talk.say(Text::NoAnswer, &[]))
                    .with_hint(self.talk.say(Text::HubDownHint, &[]))
            }
            _ => self.unreachable(error),
        }
    }

    /// What to tell when an event stream ended before its last event.
    pub(crate) fn lost(&self) -> Failure {
        Failure::new(Status::NotReachable, self.talk.say(Text::StartLost, &[]))
            .with_hint(self.talk.say(Text::HubDownHint, &[]))
    }

    fn call(&self, request: &Request<'_>) -> Result<Answer, Failure> {
        let (head, mut stream) = self.open(request)?;
        let body = http::read_body(&mut stream, &head).map_err(|error| self.broken(&error))?;
        Ok(Answer { status: head.status, body })
    }

    /// Sends a request whose path is below the API's.
    fn open(&self, request: &Request<'_>) -> Result<(Head, BufReader<UnixStream>), Failure> {
        let base_url = self.base.url(|| self.home());
        let path = format!("{base_url}hub/api/{}", request.path);
        let whole = Request { path: &path, ..*request };
        let (head, stream) = match self.is_below_own(request.path) {
            // What the hub does not do for the person alone, perhaps it does for who manages it.
            true => match self.exchange(Request { own: true, ..whole })? {
                (Head { status: 403, .. }, _) => self.exchange(whole)?,
                done => done,
            },
            false => self.exchange(whole)?,
        };
        match self.base.doubt() {
            Some(doubt) if head.status == 404 || (300..400).contains(&head.status) => {
                Err(doubt.failure(self.talk, &path))
            }
            _ => Ok((head, stream)),
        }
    }

    /// Is this path of the API about the person who calls, or one of their servers?
    fn is_below_own(&self, path: &str) -> bool {
        let rest = self.own.as_ref().and_then(|own| path.strip_prefix(&Self::user_path(own)));
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?']))
    }

    /// Where the hub leads those to who come without a path.
    fn home(&self) -> Option<String> {
        let request = Request { method: "GET", path: "/", accept: JSON, body: b"", own: false };
        self.exchange(request).ok().and_then(|(head, _)| head.location)
    }

    fn exchange(&self, request: Request<'_>) -> Result<(Head, BufReader<UnixStream>), Failure> {
        let mut stream = UnixStream::connect(&self.socket).map_err(|error| self.unreachable(&error))?;
        let sent = stream
            .set_read_timeout(Some(ANSWER))
            .and_then(|()| stream.set_write_timeout(Some(ANSWER)))
            .and_then(|()| stream.write_all(&request.to_bytes()));
        match sent {
            // A hub that cannot start says why and closes before it has read: there is an answer nevertheless.
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => return Err(self.broken(&error)),
            _ => {}
        }
        let mut stream = BufReader::new(stream);
        let head = http::read_head(&mut stream).map_err(|error| self.broken(&error))?;
        Ok((head, stream))
    }

    fn strange(&self, what: &str) -> Failure {
        Failure::new(Status::Failed, self.talk.say(Text::Strange, &[&what]))
    }

    fn unreachable(&self, error: &io::Error) -> Failure {
        let status = match error.kind() {
            io::ErrorKind::PermissionDenied => Status::NotAuthorised,
            _ => Status::NotReachable,
        };
        Failure::new(status, self.talk.say(Text::NotReachable, &[&self.socket.display(), &words(error)]))
            .with_hint(self.talk.say(Text::NotReachableHint, &[]))
    }
}

#[cfg(test)]
pub(crate) mod tests;
