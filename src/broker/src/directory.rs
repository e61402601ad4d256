//! The folders `/run/hub/servers/<server>`, in which the servers' sockets lie; and the end of those of services.
//!
//! Works as root in folders that people own, so every step goes through open descriptors and follows no link.
//! Invariants: nothing outside the base folder is ever changed; a fresh folder is entered by nobody else before it has
//! its final owner and mode; clearing needs two descriptors however deep a person nested folders.

use std::ffi::{CStr, CString};
use std::fmt;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use hubd_base::names::{SERVERS_DIR, ServerId};
use nix::dir::Dir;
use nix::errno::Errno;
use nix::fcntl::{OFlag, open, openat, renameat};
use nix::sys::stat::{Mode, fchmod, fstat, mkdirat};
use nix::unistd::{Gid, Group, Uid, UnlinkatFlags, fchown, unlinkat};

use crate::unit::RUNTIME;

/// The group of the web process, which may enter every server's folder.
pub const GROUP: &str = "_hubd";
/// The server's folder: the person writes, the hub's group passes through, and what is made in it is the group's.
const MODE: Mode = Mode::from_bits_truncate(0o2710);
const PRIVATE: Mode = Mode::from_bits_truncate(0o700);
/// Entries that are removed before giving up: more can only be somebody who adds them all the time.
const ENTRIES_MAX: usize = 200_000;

/// What failed, where and why.
#[derive(Debug)]
pub struct DirectoryError {
    step: &'static str,
    path: PathBuf,
    why: Why,
}

#[derive(Debug)]
enum Why {
    System(Errno),
    Said(&'static str),
}

impl fmt::Display for DirectoryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: ", self.step, self.path.display())?;
        match &self.why {
            Why::System(errno) => f.write_str(errno.desc()),
            Why::Said(text) => f.write_str(text),
        }
    }
}

impl std::error::Error for DirectoryError {}

/// Who may do what in a server's folder.
#[derive(Debug, Clone, Copy)]
pub struct Owners {
    /// The person.
    pub user: Uid,
    /// The person's primary group.
    pub user_group: Gid,
    /// The web process's group.
    pub hub_group: Gid,
}

/// The web process's group. An error text when the package is not set up.
pub fn hub_group() -> Result<Gid, String> {
    match Group::from_name(GROUP) {
        Ok(Some(group)) => Ok(group.gid),
        Ok(None) => Err(format!("The group {GROUP} is missing: run systemd-sysusers.")),
        Err(errno) => Err(format!("Looking up the group {GROUP} failed: {}.", errno.desc())),
    }
}

/// Makes a server's folder anew: what an earlier run left is removed first.
pub fn make(id: &ServerId, owners: Owners) -> Result<(), DirectoryError> {
    Base::open(Path::new(SERVERS_DIR), Uid::from_raw(0))?.make(&id.directory_name(), owners)
}

/// Removes a server's folder. None there is fine.
pub fn remove(id: &ServerId) -> Result<(), DirectoryError> {
    remove_below(Path::new(SERVERS_DIR), &id.directory_name())
}

/// Removes one folder of a folder of folders. None there is fine.
pub fn remove_below(base: &Path, name: &str) -> Result<(), DirectoryError> {
    Base::open(base, Uid::from_raw(0))?.remove(name)
}

/// The folder that holds the folders.
struct Base {
    fd: OwnedFd,
    path: PathBuf,
}

impl Base {
    /// Refuses a folder in which anybody but `owner` could put things.
    fn open(path: &Path, owner: Uid) -> Result<Self, DirectoryError> {
        let failed = |why| DirectoryError { step: "using", path: path.to_path_buf(), why };
        let fd = match open(path, folder_flags(), Mode::empty()) {
            Ok(fd) => fd,
            Err(Errno::ENOENT) => {
                return Err(failed(Why::Said("it is missing; run: systemd-tmpfiles --create hubd.conf")));
            }
            Err(errno) => return Err(failed(Why::System(errno))),
        };
        let status = fstat(&fd).map_err(|errno| failed(Why::System(errno)))?;
        if status.st_uid != owner.as_raw() || status.st_mode & 0o022 != 0 {
            return Err(failed(Why::Said("others than root could write there")));
        }
        Ok(Self { fd, path: path.to_path_buf() })
    }

    fn make(&self, name: &str, owners: Owners) -> Result<(), DirectoryError> {
        self.remove(name)?;
        let c_name = self.name(name)?;
        let failed = |step| move |errno| self.failed(step, name, Why::System(errno));
        mkdirat(&self.fd, c_name.as_c_str(), PRIVATE).map_err(failed("making"))?;
        let folder = openat(&self.fd, c_name.as_c_str(), folder_flags(), Mode::empty()).map_err(failed("opening"))?;
        mkdirat(&folder, RUNTIME, PRIVATE).map_err(failed("making the runtime folder of"))?;
        let runtime =
            openat(&folder, RUNTIME, folder_flags(), Mode::empty()).map_err(failed("opening the runtime folder of"))?;
        own(&runtime, owners.user, owners.user_group, PRIVATE).map_err(failed("giving away the runtime folder of"))?;
        // Last, as the person may enter from here on. The mode after the owner: chown(2) clears the setgid bit.
        own(&folder, owners.user, owners.hub_group, MODE).map_err(failed("giving away"))
    }

    fn remove(&self, name: &str) -> Result<(), DirectoryError> {
        let c_name = self.name(name)?;
        let failed = |errno| self.failed("removing", name, Why::System(errno));
        let folder = match openat(&self.fd, c_name.as_c_str(), folder_flags(), Mode::empty()) {
            Ok(folder) => folder,
            Err(Errno::ENOENT) => return Ok(()),
            // Not a folder, or a link: the entry itself goes, whatever it points to.
            Err(Errno::ENOTDIR | Errno::ELOOP) => {
                return unlinkat(&self.fd, c_name.as_c_str(), UnlinkatFlags::NoRemoveDir).map_err(failed);
            }
            Err(errno) => return Err(failed(errno)),
        };
        let mut left = ENTRIES_MAX;
        clear(&folder, &mut left).map_err(failed)?;
        unlinkat(&self.fd, c_name.as_c_str(), UnlinkatFlags::RemoveDir).map_err(failed)
    }

    /// One entry of the base folder, and nothing that leads out of it.
    fn name(&self, name: &str) -> Result<CString, DirectoryError> {
        if matches!(name, "" | "." | "..") || name.contains('/') {
            return Err(self.failed("using", name, Why::Said("the name leads elsewhere")));
        }
        CString::new(name).map_err(|_| self.failed("using", name, Why::System(Errno::EINVAL)))
    }

    fn failed(&self, step: &'static str, name: &str, why: Why) -> DirectoryError {
        DirectoryError { step, path: self.path.join(name), why }
    }
}

fn folder_flags() -> OFlag {
    OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC | OFlag::O_RDONLY
}

fn own(folder: &OwnedFd, user: Uid, group: Gid, mode: Mode) -> nix::Result<()> {
    fchown(folder, Some(user), Some(group))?;
    fchmod(folder, mode)
}

/// Empties a folder. What lies in its folders is moved up into it first, so that depth costs nothing.
fn clear(folder: &OwnedFd, left: &mut usize) -> nix::Result<()> {
    loop {
        let names = entries(folder.as_fd())?;
        if names.is_empty() {
            return Ok(());
        }
        for name in names {
            *left = left.checked_sub(1).ok_or(Errno::EBUSY)?;
            remove_entry(folder, &name, left)?;
        }
    }
}

fn remove_entry(folder: &OwnedFd, name: &CStr, left: &mut usize) -> nix::Result<()> {
    match unlinkat(folder, name, UnlinkatFlags::NoRemoveDir) {
        Ok(()) | Err(Errno::ENOENT) => return Ok(()),
        // unlink(2): EISDIR on Linux, EPERM elsewhere in POSIX.
        Err(Errno::EISDIR | Errno::EPERM) => {}
        Err(errno) => return Err(errno),
    }
    match unlinkat(folder, name, UnlinkatFlags::RemoveDir) {
        Ok(()) | Err(Errno::ENOENT) => return Ok(()),
        Err(Errno::ENOTEMPTY | Errno::EEXIST) => {}
        Err(errno) => return Err(errno),
    }
    let below = openat(folder, name, folder_flags(), Mode::empty())?;
    for entry in entries(below.as_fd())? {
        raise(folder, &below, &entry, left)?;
    }
    match unlinkat(folder, name, UnlinkatFlags::RemoveDir) {
        // Somebody still puts things there: the next round sees them.
        Err(Errno::ENOENT | Errno::ENOTEMPTY | Errno::EEXIST) => Ok(()),
        other => other,
    }
}

/// Moves an entry up into `folder` under a name nobody else has there.
fn raise(folder: &OwnedFd, below: &OwnedFd, entry: &CStr, left: &mut usize) -> nix::Result<()> {
    loop {
        *left = left.checked_sub(1).ok_or(Errno::EBUSY)?;
        let name = format!(".removing-{left}");
        match renameat(below, entry, folder, name.as_str()) {
            Ok(()) | Err(Errno::ENOENT) => return Ok(()),
            // The name is taken by something that cannot be replaced.
            Err(Errno::ENOTEMPTY | Errno::EEXIST | Errno::EISDIR | Errno::ENOTDIR) => {}
            Err(errno) => return Err(errno),
        }
    }
}

fn entries(folder: BorrowedFd<'_>) -> nix::Result<Vec<CString>> {
    let mut dir = Dir::openat(folder, ".", folder_flags(), Mode::empty())?;
    let mut names = Vec::new();
    for entry in dir.iter() {
        let entry = entry?;
        let name = entry.file_name();
        if name != c"." && name != c".." {
            names.push(name.to_owned());
        }
        if names.len() >= ENTRIES_MAX {
            break;
        }
    }
    Ok(names)
}

#[cfg(test)]
#[path = "directory_tests.rs"]
mod tests;
