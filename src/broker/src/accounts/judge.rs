//! Which accounts the hub may make, and which of those that exist it may touch.
//!
//! Pure: everything that was looked up is in [`Facts`]. Invariants: no account that is made, and none that is touched,
//! rules the machine or the hub: not root, not the system's own, in no group of the system, not named by sudo, not an
//! administrator of `hub.toml`. What the hub did not make it does not touch.

use std::fmt;

use hubd_base::account::Account;
use hubd_base::config::{Config, Principal, is_administrative};
use hubd_base::names::UserName;
use hubd_base::policy::FIRST_PERSON;
use hubd_proto::accounts::MARKER_GROUP;

use super::facts::{Facts, HomeFolder, home};
use crate::errors::Error;

/// `nobody`, and everything above: accounts that systemd makes up, containers.
const LAST_PERSON: u32 = 60_000;
/// Debian's group of everybody: its number is the system's, and it gives no rights.
const EVERYBODY: &str = "users";

/// What is to be done with an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// Its password is set.
    Password,
    /// It is deleted.
    Delete,
}

/// Why not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// The configuration does not want it.
    Off,
    /// A name that useradd(8) does not take.
    Name(UserName),
    /// The account is there.
    Exists(UserName),
    /// A group has the name.
    GroupExists(UserName),
    /// Something lies where the home would be.
    HomeExists(UserName, u32),
    /// `hub.toml` makes it an administrator of the hub.
    HubAdministrator(UserName),
    /// sudo lets it, or a group of it, rule.
    Sudo(UserName),
    /// It is in a group that may give rights over the machine.
    Group(UserName, String),
    /// A service of `hub.toml` runs as it.
    Service(UserName),
    /// No such account.
    Unknown(UserName),
    /// Root, or another name of root.
    Root(UserName),
    /// One of the system's own accounts.
    System(UserName),
    /// It comes from elsewhere than this machine's files, or stands there twice.
    NotLocal(UserName),
    /// The hub did not make it.
    NotOurs(UserName),
    /// It has a process.
    Busy(UserName, u32),
    /// Its home is not where the hub made it.
    Home(UserName),
    /// The groups or the shell of `hub.toml` cannot be given to anybody.
    Configuration(String),
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Off => {
                f.write_str("The hub makes and changes no accounts here (login.create_system_users is false).")
            }
            Self::Name(name) => write!(
                f,
                "A new account cannot be called {name}: it takes at most 32 small letters, digits, - and _, the first a letter or _."
            ),
            Self::Exists(name) => write!(f, "There is an account {name} on this machine already."),
            Self::GroupExists(name) => write!(f, "There is a group {name} on this machine already."),
            Self::HomeExists(name, uid) => {
                let home = home(name);
                write!(
                    f,
                    "{} exists already and belongs to the account number {uid}. Move it away first.",
                    home.display()
                )
            }
            Self::HubAdministrator(name) => {
                write!(f, "{name} is an administrator of the hub by its configuration (login.admins).")
            }
            Self::Sudo(name) => write!(f, "{name} may use sudo."),
            Self::Group(name, group) => write!(f, "{name} is in the group {group}, which may rule this machine."),
            Self::Service(name) => write!(f, "A service of the hub's configuration runs as {name}."),
            Self::Unknown(name) => write!(f, "There is no account {name} on this machine."),
            Self::Root(name) => write!(f, "{name} is the superuser."),
            Self::System(name) => write!(f, "{name} is an account of the system."),
            Self::NotLocal(name) => write!(f, "The account {name} is not one of this machine's own."),
            Self::NotOurs(name) => write!(f, "The hub did not make the account {name} (it is not in {MARKER_GROUP})."),
            Self::Busy(name, pid) => write!(f, "{name} still has a process on this machine (number {pid})."),
            Self::Home(name) => write!(f, "The home of {name} is not {} any more.", home(name).display()),
            Self::Configuration(text) => f.write_str(text),
        }
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        let text = refusal.to_string();
        match refusal {
            Refusal::Unknown(_) => Self::NoSuchUser(text),
            Refusal::Configuration(_) => Self::BadConfiguration(text),
            _ => Self::Refused(text),
        }
    }
}

/// May an account of this name be made?
pub fn new(config: &Config, name: &UserName, facts: &Facts) -> Result<(), Refusal> {
    switched_on(config)?;
    let is = |refusal: fn(UserName) -> Refusal| Err(refusal(name.clone()));
    if !name.is_for_new_account() {
        return is(Refusal::Name);
    }
    if facts.account.is_some() || !facts.local.uids(name).is_empty() {
        return is(Refusal::Exists);
    }
    // Rights that wait for somebody of that name.
    not_awaited(config, name, facts)?;
    if facts.group_exists {
        return is(Refusal::GroupExists);
    }
    match facts.home {
        HomeFolder::Absent => {}
        HomeFolder::Folder(uid) | HomeFolder::Other(uid) => return Err(Refusal::HomeExists(name.clone(), uid)),
    }
    gifts(config, facts)
}

/// May this account be touched?
pub fn known(config: &Config, name: &UserName, facts: &Facts, change: Change) -> Result<(), Refusal> {
    switched_on(config)?;
    let is = |refusal: fn(UserName) -> Refusal| Err(refusal(name.clone()));
    let Some(account) = facts.account.as_ref() else {
        return is(Refusal::Unknown);
    };
    match account.uid {
        0 => return is(Refusal::Root),
        uid if !(FIRST_PERSON..LAST_PERSON).contains(&uid) => return is(Refusal::System),
        _ => {}
    }
    // One line of passwd(5) with this name, and none with another name for the same number.
    if account.name != *name || facts.local.uids(name) != [account.uid] || facts.local.names_of(account.uid) != 1 {
        return is(Refusal::NotLocal);
    }
    not_awaited(config, name, facts)?;
    if facts.sudoers.names_account(name, Some(account.uid)) {
        return is(Refusal::Sudo);
    }
    harmless_groups(config, account, facts)?;
    if !facts.local.is_marked(name) {
        return is(Refusal::NotOurs);
    }
    if change == Change::Delete {
        if let Some(pid) = facts.process {
            return Err(Refusal::Busy(name.clone(), pid));
        }
        let ours = account.home == home(name) && matches!(facts.home, HomeFolder::Absent | HomeFolder::Folder(_));
        let owned = !matches!(facts.home, HomeFolder::Folder(uid) if uid != account.uid);
        if !ours || !owned {
            return is(Refusal::Home);
        }
    }
    Ok(())
}

fn switched_on(config: &Config) -> Result<(), Refusal> {
    if config.login.create_system_users { Ok(()) } else { Err(Refusal::Off) }
}

/// Neither the configuration nor sudo gives rights to this name.
fn not_awaited(config: &Config, name: &UserName, facts: &Facts) -> Result<(), Refusal> {
    if config.login.admins.iter().any(|admin| matches!(admin, Principal::User(admin) if admin == name)) {
        return Err(Refusal::HubAdministrator(name.clone()));
    }
    if config.services.iter().any(|service| service.user.as_ref() == Some(name)) {
        return Err(Refusal::Service(name.clone()));
    }
    if facts.sudoers.unreadable().is_some() || facts.sudoers.names_account(name, None) {
        return Err(Refusal::Sudo(name.clone()));
    }
    // A line of group(5) may name an account that is not there yet.
    let waiting = facts.local.groups_of(name).find(|group| !is_harmless(config, facts, &group.name, group.gid));
    waiting.map_or(Ok(()), |group| Err(Refusal::Group(name.clone(), group.name.clone())))
}

fn harmless_groups(config: &Config, account: &Account, facts: &Facts) -> Result<(), Refusal> {
    for group in &facts.groups {
        let shown = group.name.clone().unwrap_or_else(|| group.gid.to_string());
        let is_admin = |admin: &Principal| matches!(admin, Principal::Group(admin) if *admin == shown);
        if config.login.admins.iter().any(is_admin) {
            return Err(Refusal::HubAdministrator(account.name.clone()));
        }
        if facts.sudoers.names_group(&shown, Some(group.gid)) {
            return Err(Refusal::Sudo(account.name.clone()));
        }
        if !is_harmless(config, facts, &shown, group.gid) {
            return Err(Refusal::Group(account.name.clone(), shown));
        }
    }
    Ok(())
}

/// Groups of people are, and of the system's own only those that root gives to new accounts.
fn is_harmless(config: &Config, facts: &Facts, name: &str, gid: u32) -> bool {
    let given =
        name == MARKER_GROUP || name == EVERYBODY || config.login.new_user_groups.iter().any(|group| group == name);
    let admin = |admin: &Principal| matches!(admin, Principal::Group(admin) if admin == name);
    !is_administrative(name)
        && !config.login.admins.iter().any(admin)
        && !facts.sudoers.names_group(name, Some(gid))
        && (given || (FIRST_PERSON..).contains(&gid))
}

/// What `hub.toml` gives to new accounts exists and makes nobody an administrator.
fn gifts(config: &Config, facts: &Facts) -> Result<(), Refusal> {
    if !facts.local.has_group(MARKER_GROUP) {
        return Err(Refusal::Configuration(format!("The group {MARKER_GROUP} is missing: run systemd-sysusers.")));
    }
    for (group, gid) in &facts.new_groups {
        match gid {
            Some(gid) if is_harmless(config, facts, group, *gid) => {}
            Some(_) => {
                return Err(Refusal::Configuration(format!(
                    "login.new_user_groups: the members of {group} are administrators; accounts made by the hub never are."
                )));
            }
            None => {
                let text = format!("login.new_user_groups: there is no group {group} on this machine.");
                return Err(Refusal::Configuration(text));
            }
        }
    }
    if !facts.shell_is_listed {
        return Err(Refusal::Configuration(format!(
            "login.new_user_shell: {} does not stand in /etc/shells.",
            config.login.new_user_shell
        )));
    }
    Ok(())
}

#[cfg(test)]
#[path = "judge_tests.rs"]
mod tests;
