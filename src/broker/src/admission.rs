//! Who may come, by root's configuration and the name service as they are now.
//!
//! Invariant: an account that is not clearly let in is refused. Everything here may block.

use hubd_base::account::{self, Account, AccountError};
use hubd_base::config::Config;
use hubd_base::names::UserName;
use hubd_base::policy::{self, Standing};

use crate::errors::Error;

/// An account that may come.
pub struct Admitted {
    /// The account.
    pub account: Account,
    /// The names of all its groups.
    pub groups: Vec<String>,
    /// What it is to the hub.
    pub standing: Standing,
}

/// Judges a person's account.
pub fn judge(config: &Config, user: &UserName) -> Result<Admitted, Error> {
    let account = match account::find(user) {
        Ok(Some(account)) if account.name == *user => account,
        // A second spelling would be a second unit for the same person.
        Ok(Some(account)) => {
            return Err(Error::NoSuchUser(format!("The account {user} is called {} on this machine.", account.name)));
        }
        Ok(None) => return Err(Error::NoSuchUser(format!("There is no account {user} on this machine."))),
        Err(error @ AccountError::Name(..)) => return Err(Error::NoSuchUser(format!("{error}."))),
        Err(error) => return Err(Error::failed("Looking up the account", error)),
    };
    let groups = account::groups(&account).map_err(|error| Error::failed("Looking up the groups", error))?;
    let standing =
        policy::check(config, &account, &groups).map_err(|refusal| Error::NotAllowed(refusal.sentence().to_owned()))?;
    Ok(Admitted { account, groups, standing })
}
