//! Accounts and groups as the system's name service (NSS) tells them: files, LDAP, anything `nsswitch.conf` names.
//!
//! Every function here may block for as long as the name service does. Nothing is cached.

use std::ffi::CString;
use std::fmt;
use std::path::PathBuf;

use nix::errno::Errno;
use nix::unistd::{Gid, Group, User, getgrouplist};

use crate::names::{NameError, UserName};

/// A person's account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// The canonical name: a directory may know `alice` by other spellings, this is the one it answers with.
    pub name: UserName,
    /// The numeric user id.
    pub uid: u32,
    /// The primary group's id.
    pub gid: u32,
    /// The home folder, which need not exist yet.
    pub home: PathBuf,
    /// The login shell; empty means `/bin/sh`.
    pub shell: PathBuf,
}

/// The name service failed, or knows the account by a name the hub cannot take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AccountError {
    /// Looking the user up failed: try again later.
    User(UserName, Errno),
    /// Looking the groups up failed: try again later.
    Groups(UserName, Errno),
    /// The name service answered with a name the hub refuses.
    Name(String, NameError),
}

impl fmt::Display for AccountError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(name, errno) => {
                write!(f, "could not look up the account {name}: {}", errno.desc())
            }
            Self::Groups(name, errno) => write!(f, "could not look up the groups of {name}: {}", errno.desc()),
            Self::Name(name, error) => write!(f, "the name service answered with the name {name:?}: {error}"),
        }
    }
}

impl std::error::Error for AccountError {}

/// Looks a person up. `Ok(None)` means that no such account exists.
pub fn find(name: &UserName) -> Result<Option<Account>, AccountError> {
    match User::from_name(name.as_str()) {
        Ok(Some(user)) => account(user).map(Some),
        // glibc's modules may answer "no such user" with one of these: getpwnam_r(3).
        Ok(None) | Err(Errno::ENOENT | Errno::ESRCH | Errno::EPERM) => Ok(None),
        Err(errno) => Err(AccountError::User(name.clone(), errno)),
    }
}

/// The names of all groups of a person, the primary one included. Groups without a name are left out, as no
/// configuration can mean them.
///
/// An error must be treated as a refusal: a block list may name a group.
pub fn groups(account: &Account) -> Result<Vec<String>, AccountError> {
    let failed = |errno| AccountError::Groups(account.name.clone(), errno);
    let name = CString::new(account.name.as_str()).map_err(|_| failed(Errno::EINVAL))?;
    let mut names = Vec::new();
    for gid in getgrouplist(&name, Gid::from_raw(account.gid)).map_err(failed)? {
        match Group::from_gid(gid) {
            Ok(Some(group)) => names.push(group.name),
            Ok(None) | Err(Errno::ENOENT | Errno::ESRCH) => {}
            Err(errno) => return Err(failed(errno)),
        }
    }
    Ok(names)
}

fn account(user: User) -> Result<Account, AccountError> {
    let name = UserName::parse(&user.name).map_err(|error| AccountError::Name(user.name.clone(), error))?;
    Ok(Account { name, uid: user.uid.as_raw(), gid: user.gid.as_raw(), home: user.dir, shell: user.shell })
}

#[cfg(test)]
mod tests;
