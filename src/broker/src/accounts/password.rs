//! The password of an account on its way: from the caller's pipe to chpasswd(8), and back to the caller.
//!
//! Invariants: it is in no argument, variable, file or log; every copy is wiped.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::time::Duration;

use hubd_base::names::UserName;
use hubd_base::secret::Secret;
use hubd_proto::accounts::{PASSWORD_MAX, PASSWORD_MIN_CHARS};
use nix::fcntl::OFlag;
use nix::unistd::pipe2;
use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe::Receiver;
use tokio::time::timeout;
use zeroize::Zeroizing;

use crate::errors::Error;

/// How long the caller may take to write it.
const DEADLINE: Duration = Duration::from_secs(5);
/// Without what looks alike on paper: 0 and o, 1, i and l. 31 characters, so 12 of them are 59 bits.
const LETTERS: &[u8; 31] = b"23456789abcdefghjkmnpqrstuvwxyz";
/// Groups of letters of a generated password, with dashes between.
const GROUPS: usize = 3;
const GROUP: usize = 4;

/// Must it be changed at the first login?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Aging {
    /// At once.
    Change,
    /// As the machine's rules for passwords say.
    Keep,
}

/// A password that may be set.
pub struct Password(Secret);

impl Password {
    /// Reads it from the caller's pipe; nothing there has one chosen.
    pub async fn receive(pipe: OwnedFd, name: &UserName) -> Result<Self, Error> {
        let no_pipe = |error: io::Error| Error::InvalidArgument(format!("The password must come by a pipe: {error}."));
        let receiver = Receiver::from_owned_fd(pipe).map_err(no_pipe)?;
        let mut bytes = Zeroizing::new(Vec::with_capacity(PASSWORD_MAX + 1));
        let mut limited = receiver.take(PASSWORD_MAX as u64 + 1);
        let reading = limited.read_to_end(&mut bytes);
        match timeout(DEADLINE, reading).await {
            Ok(Ok(0)) => Self::generate(),
            Ok(Ok(_)) => Self::parse(&bytes, name),
            Ok(Err(error)) => Err(no_pipe(error)),
            Err(_) => Err(Error::InvalidArgument("The password did not come in time.".to_owned())),
        }
    }

    /// Takes 8 characters to 256 bytes of UTF-8 without control characters; not the name itself.
    pub fn parse(bytes: &[u8], name: &UserName) -> Result<Self, Error> {
        let refused = |text: &str| Err(Error::InvalidArgument(text.to_owned()));
        let Ok(text) = std::str::from_utf8(bytes) else {
            return refused("The password is no UTF-8 text.");
        };
        if text.chars().count() < PASSWORD_MIN_CHARS {
            return Err(Error::InvalidArgument(format!("The password has less than {PASSWORD_MIN_CHARS} characters.")));
        }
        if text.len() > PASSWORD_MAX {
            return refused("The password is too long.");
        }
        if text.contains(char::is_control) {
            return refused("The password has a control character.");
        }
        if text.eq_ignore_ascii_case(name.as_str()) {
            return refused("The password is the name of the account.");
        }
        Ok(Self(Secret::from(bytes.to_vec())))
    }

    /// A new one that can be read from paper and typed: `h4kx-9m2p-vwte`.
    pub fn generate() -> Result<Self, Error> {
        let mut source = File::open("/dev/urandom").map_err(|error| Error::failed("Choosing a password", error))?;
        let mut chosen = Zeroizing::new(Vec::with_capacity(GROUPS * (GROUP + 1)));
        let mut letters = 0;
        while letters < GROUPS * GROUP {
            let mut byte = Zeroizing::new([0_u8]);
            source.read_exact(&mut *byte).map_err(|error| Error::failed("Choosing a password", error))?;
            // Numbers that would make some letters more likely are left out.
            let [number] = *byte;
            let fair = usize::from(number) < 256 / LETTERS.len() * LETTERS.len();
            let Some(letter) = LETTERS.get(usize::from(number) % LETTERS.len()).filter(|_| fair) else { continue };
            if letters > 0 && letters % GROUP == 0 {
                chosen.push(b'-');
            }
            chosen.push(*letter);
            letters += 1;
        }
        Ok(Self(Secret::from(chosen.to_vec())))
    }

    /// A pipe with what chpasswd(8) reads: `name:password` and the end of the line.
    pub fn for_chpasswd(&self, name: &UserName) -> Result<OwnedFd, Error> {
        let mut line = Zeroizing::new(Vec::with_capacity(name.as_str().len() + self.0.expose().len() + 2));
        line.extend_from_slice(name.as_str().as_bytes());
        line.push(b':');
        line.extend_from_slice(self.0.expose());
        line.push(b'\n');
        piped(&line)
    }

    /// A pipe from which the caller reads it.
    pub fn for_caller(&self) -> Result<OwnedFd, Error> {
        piped(self.0.expose())
    }
}

/// A pipe that holds some bytes, fewer than a pipe takes without a reader (pipe(7): 4096), and whose end is written.
fn piped(bytes: &[u8]) -> Result<OwnedFd, Error> {
    let failed = |error: io::Error| Error::failed("Passing a password on", error);
    let (read, write) = pipe2(OFlag::O_CLOEXEC).map_err(|errno| failed(errno.into()))?;
    File::from(write).write_all(bytes).map_err(failed)?;
    Ok(read)
}

#[cfg(test)]
#[path = "password_tests.rs"]
mod tests;
