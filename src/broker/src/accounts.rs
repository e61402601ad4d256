//! Accounts of this machine that the hub made: making one, setting its password, deleting it.
//!
//! What may be done is decided in [`judge`], from root's files alone; the work is done by the system's own programs in a
//! short unit with walls of its own ([`unit`]), so that the broker itself never writes to `/etc`. Invariants: one
//! change of accounts at a time; nothing is changed before everything was checked; an account that was made by half is
//! taken away again.

mod events;
mod facts;
mod interface;
mod judge;
mod local;
mod password;
mod processes;
mod sudoers;
mod unit;

use hubd_base::names::UserName;

pub use interface::Accounts;

use crate::errors::Error;
use crate::start::{blocking, configuration};
use crate::stop;
use crate::systemd::Systemd;
use facts::{Facts, HomeFolder};
use judge::Change;
use password::{Aging, Password};
use unit::Work;

/// What becomes of the files of a deleted account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Home {
    /// They stay, and become root's alone.
    Keep,
    /// They go.
    Remove,
}

/// Makes an account. The caller holds the turn of accounts.
async fn create(systemd: &Systemd, name: &UserName, password: &Password, aging: Aging) -> Result<(), Error> {
    let (groups, shell) = {
        let name = name.clone();
        blocking(move || {
            let config = configuration()?;
            let facts = Facts::gather(&config, &name)?;
            judge::new(&config, &name, &facts)?;
            Ok((config.login.new_user_groups, config.login.new_user_shell))
        })
        .await?
    };
    let work = Work::Create { groups: &groups, shell: &shell, aging };
    match unit::run(systemd, name, &work, Some(password)).await {
        Ok(()) => Ok(()),
        Err(error) => {
            undo(systemd, name).await;
            Err(error)
        }
    }
}

/// Takes an account away that was made by half.
async fn undo(systemd: &Systemd, name: &UserName) {
    let made = {
        let name = name.clone();
        blocking(move || local::read().map(|local| local.is_marked(&name))).await
    };
    let undone = match made {
        Ok(false) => Ok(()),
        Ok(true) => {
            let has_home = facts::home(name).is_dir();
            unit::run(systemd, name, &Work::Delete { home: Home::Remove, has_home }, None).await
        }
        Err(error) => Err(error),
    };
    if let Err(error) = undone {
        tracing::warn!(HUB_USER = %name, "The account {name} was made by half and stays so, ignoring: {}", error.text());
    }
}

/// Sets the password of an account that the hub made.
async fn set_password(systemd: &Systemd, name: &UserName, password: &Password, aging: Aging) -> Result<(), Error> {
    check(name, Change::Password).await?;
    unit::run(systemd, name, &Work::SetPassword { aging }, Some(password)).await
}

/// Deletes an account that the hub made.
async fn delete(systemd: &Systemd, name: &UserName, home: Home) -> Result<(), Error> {
    let has_home = check(name, Change::Delete).await? != HomeFolder::Absent;
    unit::run(systemd, name, &Work::Delete { home, has_home }, None).await
}

async fn check(name: &UserName, change: Change) -> Result<HomeFolder, Error> {
    let name = name.clone();
    blocking(move || {
        let config = configuration()?;
        let facts = Facts::gather(&config, &name)?;
        judge::known(&config, &name, &facts, change)?;
        Ok(facts.home)
    })
    .await
}

/// No unit of an earlier change is in the way.
async fn make_room(systemd: &Systemd, unit: &str) -> Result<(), Error> {
    stop::end(systemd, unit).await
}
