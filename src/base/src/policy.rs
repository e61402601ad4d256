//! Who may come: the one place that decides whether an account may use the hub, and whether as an administrator.
//!
//! Asked by hub-login after a password was right, and again by hub-broker before it starts anything. Pure but for
//! reading `/etc/shells`.

use std::fmt;

use crate::account::Account;
use crate::config::{Allow, Config, Principal};
use crate::names::UserName;

/// The first uid of people. Below it are the system's own accounts.
pub const FIRST_PERSON: u32 = 1000;
/// The uid of `nobody`, which is nobody.
const NOBODY: u32 = 65534;
const SHELLS: &str = "/etc/shells";

/// What an account that may come is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// May the person manage the hub?
    pub admin: bool,
}

/// Why an account may not come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// `login.block` names the person or one of the person's groups.
    Blocked,
    /// `login.allow` is a list and does not name the person.
    NotListed,
    /// A system account (a uid below 1000, and `login.allow_root` is false), or `nobody`.
    System,
    /// The superuser, and `login.allow_root` is false.
    Root,
    /// Everybody with a login shell may come, and this account has none.
    NoShell,
}

impl Refusal {
    /// One sentence for the person and for the journal.
    pub fn sentence(self) -> &'static str {
        match self {
            Self::Blocked => "This account is blocked from the hub.",
            Self::NotListed => "This account is not on the hub's list of people.",
            Self::System => "System accounts may not use this hub (login.allow_root is false).",
            Self::Root => "The root account may not use this hub (login.allow_root is false).",
            Self::NoShell => "This account has no login shell, so it cannot use the hub.",
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.sentence())
    }
}

impl std::error::Error for Refusal {}

/// Decides about an account. `groups` are the names of all its groups ([`crate::account::groups`]).
///
/// Blocked beats everything. Root and system accounts need `login.allow_root`; `nobody` never comes. Administrators need not
/// be on the list of `login.allow`.
pub fn check(config: &Config, account: &Account, groups: &[String]) -> Result<Standing, Refusal> {
    check_with_shells(config, account, groups, std::fs::read_to_string(SHELLS).ok().as_deref())
}

fn check_with_shells(
    config: &Config,
    account: &Account,
    groups: &[String],
    shells: Option<&str>,
) -> Result<Standing, Refusal> {
    let login = &config.login;
    if is_among(&login.block, &account.name, groups) {
        return Err(Refusal::Blocked);
    }
    match account.uid {
        NOBODY => return Err(Refusal::System),
        _ if login.allow_root => {}
        0 => return Err(Refusal::Root),
        uid if uid < FIRST_PERSON => return Err(Refusal::System),
        _ => {}
    }
    let admin = is_among(&login.admins, &account.name, groups);
    match &login.allow {
        Allow::All if !has_login_shell(account, shells) => Err(Refusal::NoShell),
        Allow::Only(list) if !admin && !is_among(list, &account.name, groups) => Err(Refusal::NotListed),
        Allow::All | Allow::Only(_) => Ok(Standing { admin }),
    }
}

/// Does a list of people and groups name this person?
pub(crate) fn is_among(list: &[Principal], name: &UserName, groups: &[String]) -> bool {
    list.iter().any(|principal| match principal {
        Principal::User(user) => user == name,
        Principal::Group(group) => groups.contains(group),
    })
}

/// `shells` is the text of shells(5); without the file, getusershell(3) knows `/bin/sh` and `/bin/csh`.
fn has_login_shell(account: &Account, shells: Option<&str>) -> bool {
    let shell = match account.shell.to_str() {
        Some("") => "/bin/sh",
        Some(shell) => shell,
        None => return false,
    };
    if matches!(shell.rsplit('/').next(), Some("nologin" | "false")) {
        return false;
    }
    shells.unwrap_or("/bin/sh\n/bin/csh").lines().map(str::trim).any(|line| line == shell)
}

#[cfg(test)]
mod tests;
