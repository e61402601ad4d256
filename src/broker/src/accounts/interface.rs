//! The D-Bus interface `org.hubd.Accounts1`: each method parses what it is given, asks polkit, and does one thing.
//!
//! Invariant: a caller chooses a name and a password; groups, shell and home are root's words.

use std::collections::HashMap;

use hubd_base::names::UserName;
use hubd_proto::accounts::{ACTION_CREATE, ACTION_DELETE, ACTION_SET_PASSWORD};
use zbus::message::Header;
use zbus::{interface, zvariant};

use super::password::{Aging, Password};
use super::{Home, events};
use crate::authority::Authority;
use crate::calls::{Calls, Turns};
use crate::errors::Error;
use crate::systemd::Systemd;

/// All accounts are in the same files.
const TURN: &str = "accounts";

/// Who is given a password.
#[derive(Clone, Copy)]
enum To {
    /// An account that is made for it.
    NewAccount,
    /// One that the hub made before.
    OldAccount,
}

impl To {
    fn action(self) -> &'static str {
        match self {
            Self::NewAccount => ACTION_CREATE,
            Self::OldAccount => ACTION_SET_PASSWORD,
        }
    }

    /// For [`events::refused`].
    fn words(self) -> &'static str {
        match self {
            Self::NewAccount => "make the account",
            Self::OldAccount => "set the password of",
        }
    }
}

/// The second interface of the object at `/org/hubd/Broker1`.
pub struct Accounts {
    authority: Authority,
    systemd: Systemd,
    calls: Calls,
    turns: Turns,
}

impl Accounts {
    /// An object that nobody can call yet.
    pub fn new(authority: Authority, systemd: Systemd, calls: Calls) -> Self {
        Self { authority, systemd, calls, turns: Turns::default() }
    }

    async fn allow(&self, header: &Header<'_>, action: &str, user: &str) -> Result<UserName, Error> {
        let name = UserName::parse(user)
            .map_err(|error| Error::InvalidName(format!("This is no name the hub takes: {error}.")))?;
        let sender = header.sender().ok_or_else(|| Error::AccessDenied("The caller is not known.".to_owned()))?;
        self.authority.check_caller(sender.as_str(), action, &HashMap::from([("user", name.as_str())])).await?;
        Ok(name)
    }

    fn enter(&self) -> Result<crate::calls::Call, Error> {
        self.calls.enter().ok_or_else(|| Error::Failed("Too many calls at once; try again.".to_owned()))
    }

    /// The password comes by a pipe and goes back by another one.
    async fn give_password(
        &self,
        header: &Header<'_>,
        to: To,
        user: &str,
        pipe: zvariant::OwnedFd,
        must_change: bool,
    ) -> Result<zvariant::OwnedFd, Error> {
        let _call = self.enter()?;
        let name = self.allow(header, to.action(), user).await?;
        let password = Password::receive(pipe.into(), &name).await?;
        let aging = if must_change { Aging::Change } else { Aging::Keep };
        let _turn = self.turns.take(TURN).await;
        let done = match to {
            To::NewAccount => super::create(&self.systemd, &name, &password, aging).await,
            To::OldAccount => super::set_password(&self.systemd, &name, &password, aging).await,
        };
        done.inspect_err(|error| events::refused(&name, to.words(), error))?;
        match to {
            To::NewAccount => events::created(&name),
            To::OldAccount => events::password_set(&name),
        }
        Ok(password.for_caller()?.into())
    }
}

#[interface(name = "org.hubd.Accounts1")]
impl Accounts {
    /// Makes an account. The password comes and goes by pipes; an empty one has the broker choose.
    #[zbus(out_args("password"))]
    async fn create_account(
        &self,
        #[zbus(header)] header: Header<'_>,
        user: &str,
        password: zvariant::OwnedFd,
        must_change: bool,
    ) -> Result<zvariant::OwnedFd, Error> {
        self.give_password(&header, To::NewAccount, user, password, must_change).await
    }

    /// Sets the password of an account that the hub made, by pipes as above.
    #[zbus(out_args("password"))]
    async fn set_password(
        &self,
        #[zbus(header)] header: Header<'_>,
        user: &str,
        password: zvariant::OwnedFd,
        must_change: bool,
    ) -> Result<zvariant::OwnedFd, Error> {
        self.give_password(&header, To::OldAccount, user, password, must_change).await
    }

    /// Deletes an account that the hub made, with its home and all files in it or without.
    async fn delete_account(&self, #[zbus(header)] header: Header<'_>, user: &str, home: bool) -> Result<(), Error> {
        let _call = self.enter()?;
        let name = self.allow(&header, ACTION_DELETE, user).await?;
        let home = if home { Home::Remove } else { Home::Keep };
        let _turn = self.turns.take(TURN).await;
        let done = super::delete(&self.systemd, &name, home).await;
        done.inspect_err(|error| events::refused(&name, "delete the account", error))?;
        events::deleted(&name, home);
        Ok(())
    }
}
