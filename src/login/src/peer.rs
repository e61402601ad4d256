//! The hub at the other end of the socket: PAM's prompts and texts go out as frames, answers come back.
//!
//! Invariant: once the hub is gone or spoke nonsense, every further question fails at once. Must never log what an
//! answer holds.

use std::os::unix::net::UnixStream;

use hubd_base::secret::Secret;
use hubd_proto::login::{Reply, Request, TextKind, WireError};

use crate::pam::{Conversation, Tone};

/// Characters of one text that are passed on: modules have no reason to say more, and a frame has no more room.
const TEXT_MAX: usize = 4096;

/// Why the conversation is over before its end.
#[derive(Debug)]
pub enum Gone {
    /// The hub closed the socket: the person left, or waited too long.
    Closed,
    /// The hub broke the protocol, or the socket failed.
    Broken(String),
}

/// One connection of the hub.
pub struct Peer {
    stream: UnixStream,
    gone: Option<Gone>,
    errors: Vec<String>,
}

impl Peer {
    /// A peer that has not said anything yet.
    pub fn new(stream: UnixStream) -> Self {
        Self { stream, gone: None, errors: Vec::new() }
    }

    /// The next frame of the hub.
    pub fn receive(&mut self) -> Result<Request, Gone> {
        match Request::read_from(&mut self.stream) {
            Ok(Some(request)) => Ok(request),
            Ok(None) => Err(Gone::Closed),
            Err(error) => Err(gone(&error)),
        }
    }

    /// Says something to the hub.
    pub fn send(&mut self, reply: &Reply) -> Result<(), Gone> {
        reply.write_to(&mut self.stream).map_err(|error| gone(&error))
    }

    /// Why the conversation ended, if it did. PAM hides it: a stack may turn a failed conversation into any code.
    pub fn take_gone(&mut self) -> Option<Gone> {
        self.gone.take()
    }

    /// PAM's own words about what went wrong since the last call of this function, as one text.
    pub fn take_errors(&mut self) -> String {
        std::mem::take(&mut self.errors).join(" ")
    }

    fn keep<T>(&mut self, result: Result<T, Gone>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(gone) => {
                self.gone = Some(gone);
                None
            }
        }
    }
}

impl Conversation for Peer {
    fn ask(&mut self, echo: bool, text: &str) -> Option<Secret> {
        if self.gone.is_some() {
            return None;
        }
        let prompt = Reply::Prompt { echo, text: readable(text) };
        let answer = self.send(&prompt).and_then(|()| match self.receive()? {
            Request::Answer(secret) => Ok(secret),
            Request::Begin { .. } => Err(Gone::Broken("the hub sent something else than an answer".to_owned())),
        });
        self.keep(answer)
    }

    fn tell(&mut self, tone: Tone, text: &str) -> Option<()> {
        if self.gone.is_some() {
            return None;
        }
        let text = readable(text);
        let kind = match tone {
            Tone::Info => TextKind::Info,
            Tone::Error => {
                self.errors.push(text.trim().to_owned());
                TextKind::Error
            }
        };
        let sent = self.send(&Reply::Text { kind, text });
        self.keep(sent)
    }
}

fn gone(error: &WireError) -> Gone {
    use std::io::ErrorKind::{BrokenPipe, ConnectionReset, UnexpectedEof};
    match error {
        WireError::Io(io) if matches!(io.kind(), BrokenPipe | ConnectionReset | UnexpectedEof) => Gone::Closed,
        _ => Gone::Broken(error.to_string()),
    }
}

/// A text for a page: no control characters but line ends, and of a sane length.
fn readable(text: &str) -> String {
    text.chars().filter(|c| *c == '\n' || !c.is_control()).take(TEXT_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hub_that_closed_is_asked_nothing_more() {
        let (ours, theirs) = UnixStream::pair().unwrap();
        drop(theirs);
        let mut peer = Peer::new(ours);
        assert!(peer.ask(false, "Password: ").is_none());
        assert!(peer.tell(Tone::Info, "hello").is_none());
        assert!(matches!(peer.take_gone(), Some(Gone::Closed)));
    }

    #[test]
    fn a_second_begin_instead_of_an_answer_breaks_the_protocol() {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        let begin = Request::Begin {
            user: b"alice".to_vec(),
            remote_host: String::new(),
            change_expired: false,
            language: String::new(),
        };
        begin.write_to(&mut theirs).unwrap();
        let mut peer = Peer::new(ours);
        assert!(peer.ask(true, "Code: ").is_none());
        assert!(matches!(peer.take_gone(), Some(Gone::Broken(_))));
    }

    #[test]
    fn texts_reach_the_page_without_control_characters() {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        let mut peer = Peer::new(ours);
        assert!(peer.tell(Tone::Error, "locked\u{1b}[2J\r\nfor 5 min\n").is_some());
        assert_eq!(peer.take_errors(), "locked[2J\nfor 5 min");
        assert_eq!(peer.take_errors(), "");
        let heard = Reply::read_from(&mut theirs).unwrap();
        let text = "locked[2J\nfor 5 min\n".to_owned();
        let kind = TextKind::Error;
        assert_eq!(heard, Some(Reply::Text { kind, text }));
    }
}
