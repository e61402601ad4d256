//! The only place that turns a string into a user name, a server name, a service name or a unit name, and
//! back.
//!
//! Invariant: whatever holds a [`UserName`], a [`ServerName`] or a [`ServiceName`] may put it into a path, a unit name or a URL through
//! the functions here without looking at it again. Two different [`ServerId`]s never share a unit, a slice entry, a
//! folder or a URL. Nothing here asks the system whether an account exists: see [`crate::account`].

mod client;
mod new_account;
mod service;

use std::borrow::Borrow;
use std::fmt;
use std::path::{Path, PathBuf};

pub use new_account::NEW_ACCOUNT_MAX;
pub use service::{SERVICE_MAX, SERVICES_DIR, ServiceName};

/// The folder of the servers' sockets: `root:_hubd`, 0710.
pub const SERVERS_DIR: &str = "/run/hub/servers";
/// The longest user name in bytes. With the longest server name the socket's path still fits in `sun_path` (108).
pub const USER_MAX: usize = 56;
/// The longest server name in bytes (`JupyterHub`'s own limit).
pub const SERVER_MAX: usize = 30;

const UNIT_PREFIX: &str = "jupyter@";
const UNIT_SUFFIX: &str = ".service";
const SLICE_PREFIX: &str = "jupyter-";
const SLICE_SUFFIX: &str = ".slice";
/// systemd's `UNIT_NAME_MAX` without its final NUL.
const UNIT_NAME_MAX: usize = 255;
/// What an escaped user name may take, so that the longest server name still fits beside it.
const ESCAPED_USER_MAX: usize = UNIT_NAME_MAX - UNIT_PREFIX.len() - UNIT_SUFFIX.len() - 1 - SERVER_MAX;

/// The name of a person's account, as NSS knows it. Case is kept: `Alice` and `alice` are two people.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UserName(String);

/// The name of one of a person's servers. The default server's name is empty.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct ServerName(String);

/// One server of one person: what a unit, a folder and a URL are named after.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ServerId {
    /// Whose server.
    pub user: UserName,
    /// Which of the person's servers.
    pub server: ServerName,
}

/// Why a string is not a name the hub takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NameError {
    /// Nothing there.
    Empty,
    /// More bytes than a socket path or a unit name has room for.
    TooLong,
    /// A control, space, invisible or separator character.
    Character(char),
    /// Starts with a character that means something else in front (an option, a hidden file, a group).
    Start(char),
    /// Only digits: every tool would take it for a numeric id.
    Numeric,
    /// A word with its own meaning (`~`).
    Reserved,
    /// Not UTF-8.
    Encoding,
    /// A server name that is not lower-case words joined by single dashes, first a letter.
    NotASlug,
}

impl fmt::Display for NameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("the name is empty"),
            Self::TooLong => f.write_str("the name is too long"),
            Self::Character(c) => write!(f, "the name has a character that is not allowed: {}", c.escape_default()),
            Self::Start(c) => write!(f, "the name must not start with \"{}\"", c.escape_default()),
            Self::Numeric => f.write_str("the name has only digits"),
            Self::Reserved => f.write_str("the name has a meaning of its own"),
            Self::Encoding => f.write_str("the name is not UTF-8"),
            Self::NotASlug => f.write_str(
                "a server name has at most 30 lower-case letters and digits, with single dashes between, and starts with a letter",
            ),
        }
    }
}

impl std::error::Error for NameError {}

impl UserName {
    /// Takes 1 to 56 bytes of UTF-8 (a backslash counts as two) without control, white-space, invisible and separator characters.
    ///
    /// A backslash is allowed (`DOMAIN\user` of winbind). Names that would not fit into a unit name once escaped are
    /// refused too.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let first = text.chars().next().ok_or(NameError::Empty)?;
        // A backslash takes two bytes in the name of the folder.
        if text.len() + text.matches('\\').count() > USER_MAX {
            return Err(NameError::TooLong);
        }
        if let Some(bad) = text.chars().find(|c| !is_user_char(*c)) {
            return Err(NameError::Character(bad));
        }
        if matches!(first, '-' | '.' | '@') {
            return Err(NameError::Start(first));
        }
        if text == "~" {
            return Err(NameError::Reserved);
        }
        if text.bytes().all(|b| b.is_ascii_digit()) {
            return Err(NameError::Numeric);
        }
        if escape_unit(text, Dash::Keep).len() > ESCAPED_USER_MAX {
            return Err(NameError::TooLong);
        }
        Ok(Self(text.to_owned()))
    }

    /// As [`UserName::parse`], from bytes of unknown encoding.
    pub fn parse_bytes(bytes: &[u8]) -> Result<Self, NameError> {
        Self::parse(std::str::from_utf8(bytes).map_err(|_| NameError::Encoding)?)
    }

    /// The name as NSS writes it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name as one segment of a URL's path.
    pub fn url_segment(&self) -> String {
        esc(&self.0)
    }
}

impl fmt::Display for UserName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl AsRef<str> for UserName {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

/// A name and its text are equal, ordered and hashed alike, so that maps by name can be asked with a text.
impl Borrow<str> for UserName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

/// As for [`UserName`].
impl Borrow<str> for ServerName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl ServerName {
    /// Takes the empty string (the default server) or a slug `^[a-z]([a-z0-9]|-[a-z0-9])*$` of at most 30 bytes.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        if text.is_empty() {
            return Ok(Self::default_server());
        }
        let slug = text.starts_with(|c: char| c.is_ascii_lowercase())
            && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
            && !text.contains("--")
            && !text.ends_with('-');
        if !slug || text.len() > SERVER_MAX {
            return Err(NameError::NotASlug);
        }
        Ok(Self(text.to_owned()))
    }

    /// The server without a name.
    pub fn default_server() -> Self {
        Self(String::new())
    }

    /// Is this the server without a name?
    pub fn is_default(&self) -> bool {
        self.0.is_empty()
    }

    /// The name, empty for the default server.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ServerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl AsRef<str> for ServerName {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl ServerId {
    /// One server of one person.
    pub fn new(user: UserName, server: ServerName) -> Self {
        Self { user, server }
    }

    /// A person's default server.
    pub fn default_of(user: UserName) -> Self {
        Self { user, server: ServerName::default_server() }
    }

    /// `jupyter@alice.service` or `jupyter@alice:gpu.service`. Never longer than systemd allows (255 bytes).
    pub fn unit_name(&self) -> String {
        let user = escape_unit(self.user.as_str(), Dash::Keep);
        let (colon, server) = self.colon_and_server();
        format!("{UNIT_PREFIX}{user}{colon}{server}{UNIT_SUFFIX}")
    }

    /// The exact inverse of [`ServerId::unit_name`]: any other spelling of the same person gives `None`.
    pub fn from_unit_name(unit: &str) -> Option<Self> {
        let instance = unit.strip_prefix(UNIT_PREFIX)?.strip_suffix(UNIT_SUFFIX)?;
        let (user, server) = match instance.split_once(':') {
            Some((_, "")) => return None,
            Some((user, server)) => (user, server),
            None => (instance, ""),
        };
        let user = UserName::parse_bytes(&unescape_unit(user)?).ok()?;
        let id = Self { user, server: ServerName::parse(server).ok()? };
        (id.unit_name() == unit).then_some(id)
    }

    /// `jupyter-alice.slice`: one slice for all servers of a person. A dash in the name becomes `\x2d`, since a plain
    /// one would nest slices.
    pub fn slice_name(&self) -> String {
        format!("{SLICE_PREFIX}{}{SLICE_SUFFIX}", escape_unit(self.user.as_str(), Dash::Escape))
    }

    /// The name of the socket's folder below [`SERVERS_DIR`]: `alice` or `alice,gpu`.
    ///
    /// systemd reads `:` and backslashes in `BindPaths=` in its own way, so a comma stands for the one and two for the
    /// other; no name has a comma.
    pub fn directory_name(&self) -> String {
        let user = self.user.as_str().replace('\\', ",,");
        if self.server.is_default() { user } else { format!("{user},{}", self.server) }
    }

    /// The socket's folder.
    pub fn directory(&self) -> PathBuf {
        Path::new(SERVERS_DIR).join(self.directory_name())
    }

    /// The server's socket: `/run/hub/servers/alice/s`. At most 107 bytes.
    pub fn socket_path(&self) -> PathBuf {
        self.directory().join("s")
    }

    /// What follows `/user/` in the server's URL: `alice` or `alice/gpu`, percent-encoded, without a final slash.
    pub fn url_segment(&self) -> String {
        let user = esc(self.user.as_str());
        if self.server.is_default() { user } else { format!("{user}/{}", self.server) }
    }

    fn colon_and_server(&self) -> (&'static str, &str) {
        (if self.server.is_default() { "" } else { ":" }, self.server.as_str())
    }
}

impl fmt::Display for ServerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (colon, server) = self.colon_and_server();
        write!(f, "{}{colon}{server}", self.user)
    }
}

/// The percent-encoding of `JupyterHub`'s URLs (`url_escape_path`): keeps `A-Za-z0-9_.-~@`, all other bytes become
/// `%NN` in upper case.
pub fn esc(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-' | b'~' | b'@') {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.push(hex(byte >> 4, 'A'));
            out.push(hex(byte & 0xf, 'A'));
        }
    }
    out
}

#[derive(Clone, Copy, PartialEq)]
enum Dash {
    Keep,
    Escape,
}

fn is_user_char(c: char) -> bool {
    let invisible = matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
    !(c.is_control() || c.is_whitespace() || invisible || matches!(c, '/' | ':' | '%' | ',' | '"' | '\'' | '`'))
}

fn escape_unit(text: &str, dash: Dash) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        let keep = byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.') || (byte == b'-' && dash == Dash::Keep);
        if keep {
            out.push(char::from(byte));
        } else {
            out.push_str("\\x");
            out.push(hex(byte >> 4, 'a'));
            out.push(hex(byte & 0xf, 'a'));
        }
    }
    out
}

/// `None` for a backslash that does not start `\xNN` with two lower-case digits.
fn unescape_unit(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte == b'\\' {
            if bytes.next()? != b'x' {
                return None;
            }
            let high = char::from(bytes.next()?).to_digit(16)?;
            let low = char::from(bytes.next()?).to_digit(16)?;
            out.push(u8::try_from(high * 16 + low).ok()?);
        } else {
            out.push(byte);
        }
    }
    Some(out)
}

/// One digit of a number below 16; `ten` is the letter that stands for 10.
fn hex(nibble: u8, ten: char) -> char {
    let zero = if nibble < 10 { b'0' } else { u8::try_from(ten).unwrap_or(b'a') - 10 };
    char::from(zero + nibble)
}

#[cfg(test)]
mod tests;
