//! What this machine knows of a name, gathered before anything is decided. May block: files and the name service.

use std::ffi::CString;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use hubd_base::account::{self, Account};
use hubd_base::config::Config;
use hubd_base::names::UserName;
use nix::errno::Errno;
use nix::unistd::{Gid, Group, getgrouplist};

use super::local::{self, Local};
use super::processes;
use super::sudoers::{self, Sudoers};
use crate::errors::Error;

/// Where homes are made: `/home/carol`.
pub const HOMES: &str = "/home";
const SHELLS: &str = "/etc/shells";

/// What is known.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// The account, if there is one.
    pub account: Option<Account>,
    /// All groups it is in, wherever they come from.
    pub groups: Vec<Membership>,
    /// This machine's own files.
    pub local: Local,
    /// Whom sudo lets rule.
    pub sudoers: Sudoers,
    /// Is there a group of that name?
    pub group_exists: bool,
    /// What lies where its home is or would be.
    pub home: HomeFolder,
    /// One of its processes.
    pub process: Option<u32>,
    /// The groups that new accounts are put into, with their numbers; `None` for one that does not exist.
    pub new_groups: Vec<(String, Option<u32>)>,
    /// May the shell of new accounts be used to log in?
    pub shell_is_listed: bool,
}

/// A group that an account is in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Membership {
    /// Its number.
    pub gid: u32,
    /// Its name; a number may be without one.
    pub name: Option<String>,
}

/// What lies where a home would be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum HomeFolder {
    /// Nothing.
    #[default]
    Absent,
    /// A folder of this account.
    Folder(u32),
    /// Something else, such as a link, of this account.
    Other(u32),
}

/// The home of an account that the hub makes.
pub fn home(name: &UserName) -> PathBuf {
    Path::new(HOMES).join(name.as_str())
}

impl Facts {
    /// Looks everything up. An error where an answer is missing: what is not known is no reason to go on.
    pub fn gather(config: &Config, name: &UserName) -> Result<Self, Error> {
        let looking = |what: &str, errno: Errno| Error::failed(&format!("Looking up {what}"), errno.desc());
        let account = account::find(name).map_err(|error| Error::failed("Looking up the account", error))?;
        let groups = account.as_ref().map(memberships).transpose().map_err(|errno| looking("the groups", errno))?;
        let number = |group: &str| -> Result<Option<u32>, Error> {
            let found = find_group(group).map_err(|errno| looking("a group", errno))?;
            Ok(found.map(|group| group.gid.as_raw()))
        };
        let mut new_groups = Vec::new();
        for group in &config.login.new_user_groups {
            new_groups.push((group.clone(), number(group)?));
        }
        let shells = fs::read_to_string(SHELLS).unwrap_or_default();
        Ok(Self {
            groups: groups.unwrap_or_default(),
            local: local::read()?,
            sudoers: sudoers::read(),
            group_exists: number(name.as_str())?.is_some(),
            home: home_folder(&home(name))?,
            process: account.as_ref().and_then(|account| processes::of(account.uid)),
            new_groups,
            shell_is_listed: shells.lines().any(|line| line.trim() == config.login.new_user_shell),
            account,
        })
    }
}

fn find_group(name: &str) -> nix::Result<Option<Group>> {
    match Group::from_name(name) {
        // getgrnam_r(3): modules may answer "no such group" so.
        Err(Errno::ENOENT | Errno::ESRCH | Errno::EPERM) => Ok(None),
        other => other,
    }
}

fn memberships(account: &Account) -> nix::Result<Vec<Membership>> {
    let name = CString::new(account.name.as_str()).map_err(|_| Errno::EINVAL)?;
    let mut found = Vec::new();
    for gid in getgrouplist(&name, Gid::from_raw(account.gid))? {
        let name = match Group::from_gid(gid) {
            Ok(group) => group.map(|group| group.name),
            Err(Errno::ENOENT | Errno::ESRCH) => None,
            Err(errno) => return Err(errno),
        };
        found.push(Membership { gid: gid.as_raw(), name });
    }
    Ok(found)
}

fn home_folder(path: &Path) -> Result<HomeFolder, Error> {
    match fs::symlink_metadata(path) {
        Ok(found) if found.is_dir() => Ok(HomeFolder::Folder(found.uid())),
        Ok(found) => Ok(HomeFolder::Other(found.uid())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(HomeFolder::Absent),
        Err(error) => Err(Error::failed(&format!("Looking at {}", path.display()), error)),
    }
}
