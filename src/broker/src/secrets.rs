//! Variables that only root and the unit itself may see: files that systemd reads for `EnvironmentFile=`.
//!
//! A unit's properties are shown to everybody (org.freedesktop.systemd1(5), the file below `/run/systemd/transient`), so
//! a token never becomes one; only the file's name does. Invariants: the folder is entered by root alone; a file is
//! there completely or not at all; its name has nothing in it that systemd would take for a pattern.

use std::fmt::{self, Write as _};
use std::fs::File;
use std::io::Write as _;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use hubd_base::secret::Secret;
use hubd_proto::broker::{TOKEN_MAX, TOKEN_MIN};
use nix::errno::Errno;
use nix::fcntl::{OFlag, open, openat, renameat};
use nix::sys::stat::{Mode, fstat};
use nix::unistd::{Uid, UnlinkatFlags, unlinkat};
use zeroize::Zeroizing;

use crate::errors::Error;

/// The folder: `root:root`, 0700, made by tmpfiles.d/hubd.conf.
pub const DIR: &str = "/run/hub/secrets";
/// How many files this process has written: two that are being written at once have two names.
static WRITTEN: AtomicU64 = AtomicU64::new(0);
const FILE_MODE: Mode = Mode::from_bits_truncate(0o600);

/// The token of a server or a service for the hub's API.
pub struct Token(Secret);

impl Token {
    /// Takes 16 to 128 characters `[A-Za-z0-9_-]`; the empty string is none.
    pub fn parse(text: &str) -> Result<Option<Self>, Error> {
        if text.is_empty() {
            return Ok(None);
        }
        let plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
        if !plain || !(TOKEN_MIN..=TOKEN_MAX).contains(&text.len()) {
            return Err(Error::InvalidArgument(format!(
                "A token has {TOKEN_MIN} to {TOKEN_MAX} letters, digits, dashes and underscores."
            )));
        }
        Ok(Some(Self(Secret::from(text.to_owned()))))
    }

    /// Takes what root's configuration says.
    pub fn configured(token: &[u8]) -> Self {
        Self(Secret::from(token.to_vec()))
    }

    /// Under the names that `JupyterHub`'s programs of all ages look for.
    pub fn variables(&self) -> Variables {
        // Both ways to make one leave only visible ASCII.
        let token = String::from_utf8_lossy(self.0.expose());
        let mut variables = Variables::default();
        variables.add("JUPYTERHUB_API_TOKEN", &token);
        variables.add("JPY_API_TOKEN", &token);
        variables
    }
}

/// The text of a file for `EnvironmentFile=`, wiped when it is done with. No variable is fine.
#[derive(Default)]
#[cfg_attr(test, derive(Debug, PartialEq))]
pub struct Variables(Zeroizing<String>);

impl Variables {
    /// One more. The value may be any text.
    pub fn add(&mut self, name: &str, value: &str) {
        // Writing to a string cannot fail.
        let _ = writeln!(self.0, "{name}={}", Quoted(value));
    }

    fn bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

/// systemd.exec(5), `EnvironmentFile=`: in double quotes only four characters mean something, unless a backslash
/// stands before them.
struct Quoted<'a>(&'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char('"')?;
        for character in self.0.chars() {
            if matches!(character, '"' | '\\' | '$' | '`') {
                f.write_char('\\')?;
            }
            f.write_char(character)?;
        }
        f.write_char('"')
    }
}

/// Where the variables of a unit are.
pub fn path(unit: &str) -> PathBuf {
    Path::new(DIR).join(file_name(unit))
}

/// systemd takes the path for a pattern (glob(7)), in which a backslash means something. No unit's name has a comma.
fn file_name(unit: &str) -> String {
    unit.replace('\\', ",")
}

/// Writes a unit's variables; what was there is replaced in one step.
pub fn write(unit: &str, variables: &Variables) -> Result<(), Error> {
    write_in(Path::new(DIR), Uid::from_raw(0), unit, variables).map_err(|error| failed("Writing", &error))
}

/// Removes a unit's variables. None there is fine.
pub fn remove(unit: &str) -> Result<(), Error> {
    remove_in(Path::new(DIR), Uid::from_raw(0), unit).map_err(|error| failed("Removing", &error))
}

fn failed(what: &str, error: &std::io::Error) -> Error {
    match error.raw_os_error() {
        Some(errno) if errno == Errno::ENOENT as i32 => {
            Error::Failed(format!("{DIR} is missing; run: systemd-tmpfiles --create hubd.conf"))
        }
        _ => Error::failed(&format!("{what} the secrets in {DIR}"), error),
    }
}

fn write_in(folder: &Path, owner: Uid, unit: &str, variables: &Variables) -> std::io::Result<()> {
    let folder = open_folder(folder, owner)?;
    let name = file_name(unit);
    // Another broker may be at its end while this one begins.
    let new = format!(".new,{},{}", std::process::id(), WRITTEN.fetch_add(1, Ordering::Relaxed));
    // What a broker of the same process id was killed over.
    unlink(&folder, &new)?;
    let flags = OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    let file = openat(&folder, new.as_str(), flags, FILE_MODE)?;
    let written = File::from(file)
        .write_all(variables.bytes())
        .and_then(|()| Ok(renameat(&folder, new.as_str(), &folder, name.as_str())?));
    if written.is_err() {
        // What counts is why it could not be written.
        let _ = unlink(&folder, &new);
    }
    written
}

fn remove_in(folder: &Path, owner: Uid, unit: &str) -> std::io::Result<()> {
    unlink(&open_folder(folder, owner)?, &file_name(unit))
}

/// Refuses a folder that anybody but `owner` could look into.
fn open_folder(path: &Path, owner: Uid) -> std::io::Result<OwnedFd> {
    let flags = OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC | OFlag::O_RDONLY;
    let folder = open(path, flags, Mode::empty())?;
    let status = fstat(&folder)?;
    if status.st_uid != owner.as_raw() || status.st_mode & 0o077 != 0 {
        return Err(std::io::Error::other("others than root could look into it"));
    }
    Ok(folder)
}

fn unlink(folder: &OwnedFd, name: &str) -> std::io::Result<()> {
    match unlinkat(folder, name, UnlinkatFlags::NoRemoveDir) {
        Ok(()) | Err(Errno::ENOENT) => Ok(()),
        Err(errno) => Err(errno.into()),
    }
}

#[cfg(test)]
#[path = "secrets_tests.rs"]
mod tests;
