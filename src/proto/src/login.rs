//! The frames of one login, spoken over `/run/hub/login.sock` between hubd and one hub-login process.
//!
//! A frame is its length (u32, big endian, without itself, at most [`MAX_FRAME`]), a tag byte, then fields, each a
//! length (u32, big endian) and its bytes. hubd begins with [`Request::Begin`]; then each [`Reply::Prompt`] is
//! answered by one [`Request::Answer`]; [`Reply::Done`] is the last word, after which hub-login closes.
//! Invariant: decoding takes exactly what encoding makes. What carries a password is wiped when it is dropped.

use std::fmt;
use std::io::{self, Read, Write};

use hubd_base::names::{NameError, UserName};
use hubd_base::secret::Secret;
use zeroize::Zeroizing;

/// The longest frame in bytes, without its length field.
pub const MAX_FRAME: usize = 64 * 1024;
/// The bytes of the length field.
pub const HEADER: usize = 4;

/// What hubd says to hub-login.
pub enum Request {
    /// The first frame.
    Begin {
        /// The name as it was typed. May be anything: hub-login decides.
        user: Vec<u8>,
        /// The address of the browser, for PAM's `RHOST`; empty when unknown.
        remote_host: String,
        /// Should an expired password be changed now? If not, [`Outcome::PasswordExpired`] ends the login.
        change_expired: bool,
        /// In which language PAM should speak, as gettext names it (`zh_CN`); hub-login minds no other text.
        language: String,
    },
    /// The answer to the last prompt.
    Answer(Secret),
}

/// What hub-login says to hubd.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// PAM asks; an [`Request::Answer`] must follow.
    Prompt {
        /// May the answer be seen while it is typed?
        echo: bool,
        /// PAM's words.
        text: String,
    },
    /// PAM says something to the person; no answer.
    Text {
        /// How it is meant.
        kind: TextKind,
        /// PAM's words.
        text: String,
    },
    /// The password was right and must be changed: the prompts of the change follow.
    PasswordExpired,
    /// The end.
    Done(Outcome),
}

/// How PAM means a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextKind {
    /// To be read.
    Info,
    /// Something went wrong.
    Error,
}

/// How a login ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Welcome.
    Accepted {
        /// The canonical name of the account.
        user: UserName,
        /// Its uid.
        uid: u32,
        /// Does the person manage the hub?
        admin: bool,
    },
    /// Wrong name, wrong password or a locked account: never said which.
    Refused,
    /// The password was right, but the account or the hub's policy says no.
    Denied {
        /// A sentence for the person.
        reason: String,
    },
    /// The password was right and must be changed, which was not asked for.
    PasswordExpired,
    /// PAM has had enough of this person for now.
    TooManyTries,
    /// PAM or the name service failed.
    Unavailable,
}

/// A frame that cannot be made or understood. The peer is to be left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FrameError {
    /// Longer than [`MAX_FRAME`].
    TooLong(usize),
    /// Ends before its fields do.
    Truncated,
    /// Goes on after its fields.
    Trailing(usize),
    /// A tag nobody knows.
    Tag(u8),
    /// A field has the wrong size or a value that is not one of its few.
    Field(&'static str),
    /// A text field is not UTF-8.
    Utf8(&'static str),
    /// A name that is none.
    Name(NameError),
}

impl fmt::Display for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong(bytes) => write!(f, "a frame of {bytes} bytes is too long"),
            Self::Truncated => f.write_str("a frame ends too early"),
            Self::Trailing(bytes) => write!(f, "a frame has {bytes} bytes too many"),
            Self::Tag(tag) => write!(f, "a frame has the unknown tag {tag}"),
            Self::Field(field) => write!(f, "the field {field} of a frame has an impossible value"),
            Self::Utf8(field) => write!(f, "the field {field} of a frame is not UTF-8"),
            Self::Name(error) => write!(f, "a frame carries a wrong name: {error}"),
        }
    }
}

impl std::error::Error for FrameError {}

/// Reading or writing a frame failed.
#[derive(Debug)]
pub enum WireError {
    /// The socket failed, or ended inside a frame (`UnexpectedEof`).
    Io(io::Error),
    /// What came is no frame.
    Frame(FrameError),
}

impl fmt::Display for WireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => write!(f, "the login socket failed: {error}"),
            Self::Frame(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for WireError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io(error) => Some(error),
            Self::Frame(error) => Some(error),
        }
    }
}

/// The length of the body that follows a header; at most [`MAX_FRAME`].
pub fn body_length(header: [u8; HEADER]) -> Result<usize, FrameError> {
    let length = usize::try_from(u32::from_be_bytes(header)).unwrap_or(usize::MAX);
    match length {
        0 => Err(FrameError::Truncated),
        1..=MAX_FRAME => Ok(length),
        _ => Err(FrameError::TooLong(length)),
    }
}

const BEGIN: u8 = 1;
const ANSWER: u8 = 2;

const PROMPT: u8 = 16;
const TEXT: u8 = 17;
const EXPIRED: u8 = 18;
const DONE_ACCEPTED: u8 = 32;
const DONE_REFUSED: u8 = 33;
const DONE_DENIED: u8 = 34;
const DONE_EXPIRED: u8 = 35;
const DONE_TOO_MANY: u8 = 36;
const DONE_UNAVAILABLE: u8 = 37;

impl Request {
    /// The whole frame, header included; wiped when dropped.
    pub fn encode(&self) -> Result<Zeroizing<Vec<u8>>, FrameError> {
        match self {
            Self::Begin { user, remote_host, change_expired, language } => {
                let flag = [u8::from(*change_expired)];
                frame(BEGIN, &[user, remote_host.as_bytes(), &flag, language.as_bytes()])
            }
            Self::Answer(secret) => frame(ANSWER, &[secret.expose()]),
        }
    }

    /// Understands a frame's body (without the header).
    pub fn decode(body: &[u8]) -> Result<Self, FrameError> {
        let (tag, mut fields) = Fields::open(body)?;
        let request = match tag {
            BEGIN => Self::Begin {
                user: fields.bytes()?.to_vec(),
                remote_host: fields.text("remote_host")?,
                change_expired: fields.flag("change_expired")?,
                language: fields.text("language")?,
            },
            ANSWER => Self::Answer(Secret::from(fields.bytes()?.to_vec())),
            tag => return Err(FrameError::Tag(tag)),
        };
        fields.close()?;
        Ok(request)
    }

    /// Reads one frame. `Ok(None)` when the peer closed before it.
    pub fn read_from(from: &mut impl Read) -> Result<Option<Self>, WireError> {
        read_body(from)?.map(|body| Self::decode(&body).map_err(WireError::Frame)).transpose()
    }

    /// Writes one frame.
    pub fn write_to(&self, to: &mut impl Write) -> Result<(), WireError> {
        write_frame(to, &self.encode().map_err(WireError::Frame)?)
    }
}

impl Reply {
    /// The whole frame, header included.
    pub fn encode(&self) -> Result<Zeroizing<Vec<u8>>, FrameError> {
        match self {
            Self::Prompt { echo, text } => frame(PROMPT, &[&[u8::from(*echo)], text.as_bytes()]),
            Self::Text { kind, text } => frame(TEXT, &[&[u8::from(*kind == TextKind::Error)], text.as_bytes()]),
            Self::PasswordExpired => frame(EXPIRED, &[]),
            Self::Done(Outcome::Accepted { user, uid, admin }) => {
                frame(DONE_ACCEPTED, &[user.as_str().as_bytes(), &uid.to_be_bytes(), &[u8::from(*admin)]])
            }
            Self::Done(Outcome::Refused) => frame(DONE_REFUSED, &[]),
            Self::Done(Outcome::Denied { reason }) => frame(DONE_DENIED, &[reason.as_bytes()]),
            Self::Done(Outcome::PasswordExpired) => frame(DONE_EXPIRED, &[]),
            Self::Done(Outcome::TooManyTries) => frame(DONE_TOO_MANY, &[]),
            Self::Done(Outcome::Unavailable) => frame(DONE_UNAVAILABLE, &[]),
        }
    }

    /// Understands a frame's body (without the header).
    pub fn decode(body: &[u8]) -> Result<Self, FrameError> {
        let (tag, mut fields) = Fields::open(body)?;
        let reply = match tag {
            PROMPT => Self::Prompt { echo: fields.flag("echo")?, text: fields.text("text")? },
            TEXT => {
                let kind = if fields.flag("kind")? { TextKind::Error } else { TextKind::Info };
                Self::Text { kind, text: fields.text("text")? }
            }
            EXPIRED => Self::PasswordExpired,
            DONE_ACCEPTED => Self::Done(Outcome::Accepted {
                user: UserName::parse_bytes(fields.bytes()?).map_err(FrameError::Name)?,
                uid: fields.number("uid")?,
                admin: fields.flag("admin")?,
            }),
            DONE_REFUSED => Self::Done(Outcome::Refused),
            DONE_DENIED => Self::Done(Outcome::Denied { reason: fields.text("reason")? }),
            DONE_EXPIRED => Self::Done(Outcome::PasswordExpired),
            DONE_TOO_MANY => Self::Done(Outcome::TooManyTries),
            DONE_UNAVAILABLE => Self::Done(Outcome::Unavailable),
            tag => return Err(FrameError::Tag(tag)),
        };
        fields.close()?;
        Ok(reply)
    }

    /// Reads one frame. `Ok(None)` when the peer closed before it.
    pub fn read_from(from: &mut impl Read) -> Result<Option<Self>, WireError> {
        read_body(from)?.map(|body| Self::decode(&body).map_err(WireError::Frame)).transpose()
    }

    /// Writes one frame.
    pub fn write_to(&self, to: &mut impl Write) -> Result<(), WireError> {
        write_frame(to, &self.encode().map_err(WireError::Frame)?)
    }
}

/// Sized before it is filled, so that no copy of a secret is left behind by a growing vector.
fn frame(tag: u8, fields: &[&[u8]]) -> Result<Zeroizing<Vec<u8>>, FrameError> {
    let body = 1 + fields.iter().map(|field| HEADER + field.len()).sum::<usize>();
    let too_long = |_| FrameError::TooLong(body);
    if body > MAX_FRAME {
        return Err(FrameError::TooLong(body));
    }
    let mut out = Zeroizing::new(Vec::with_capacity(HEADER + body));
    out.extend_from_slice(&u32::try_from(body).map_err(too_long)?.to_be_bytes());
    out.push(tag);
    for field in fields {
        out.extend_from_slice(&u32::try_from(field.len()).map_err(too_long)?.to_be_bytes());
        out.extend_from_slice(field);
    }
    Ok(out)
}

fn read_body(from: &mut impl Read) -> Result<Option<Zeroizing<Vec<u8>>>, WireError> {
    let mut header = [0; HEADER];
    let first = loop {
        match from.read(&mut header) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(WireError::Io(error)),
            Ok(0) => return Ok(None),
            Ok(count) => break count,
        }
    };
    from.read_exact(header.get_mut(first..).unwrap_or_default()).map_err(WireError::Io)?;
    let mut body = Zeroizing::new(vec![0; body_length(header).map_err(WireError::Frame)?]);
    from.read_exact(&mut body).map_err(WireError::Io)?;
    Ok(Some(body))
}

fn write_frame(to: &mut impl Write, frame: &[u8]) -> Result<(), WireError> {
    to.write_all(frame).and_then(|()| to.flush()).map_err(WireError::Io)
}

/// The fields of a body that were not read yet.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn open(body: &'a [u8]) -> Result<(u8, Self), FrameError> {
        if body.len() > MAX_FRAME {
            return Err(FrameError::TooLong(body.len()));
        }
        let (tag, rest) = body.split_first().ok_or(FrameError::Truncated)?;
        Ok((*tag, Self(rest)))
    }

    fn bytes(&mut self) -> Result<&'a [u8], FrameError> {
        let (length, rest) = self.0.split_first_chunk::<HEADER>().ok_or(FrameError::Truncated)?;
        let length = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX);
        let (field, rest) = rest.split_at_checked(length).ok_or(FrameError::Truncated)?;
        self.0 = rest;
        Ok(field)
    }

    fn text(&mut self, name: &'static str) -> Result<String, FrameError> {
        let bytes = self.bytes()?;
        std::str::from_utf8(bytes).map(str::to_owned).map_err(|_| FrameError::Utf8(name))
    }

    fn flag(&mut self, name: &'static str) -> Result<bool, FrameError> {
        match self.bytes()? {
            [0] => Ok(false),
            [1] => Ok(true),
            _ => Err(FrameError::Field(name)),
        }
    }

    fn number(&mut self, name: &'static str) -> Result<u32, FrameError> {
        self.bytes()?.try_into().map(u32::from_be_bytes).map_err(|_| FrameError::Field(name))
    }

    fn close(self) -> Result<(), FrameError> {
        if self.0.is_empty() { Ok(()) } else { Err(FrameError::Trailing(self.0.len())) }
    }
}

#[cfg(test)]
mod tests;
