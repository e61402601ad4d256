//! The hub's own judgement of an account that PAM is content with: does it exist, and may it come?
//!
//! Reads the configuration anew for each login, so that an edit counts at once. May block as long as the name service
//! does. What fails here refuses the login.

use std::fmt::Display;
use std::path::Path;

use hubd_base::account::{self, AccountError};
use hubd_base::config;
use hubd_base::names::UserName;
use hubd_base::policy;
use hubd_proto::login::Outcome;

use crate::journal::{Entry, Priority};

const NO_ACCOUNT: &str = "This machine does not know the account.";
const NO_NAME: &str = "The hub cannot take the name of this account.";

/// Decides about an account, by the name PAM gave.
pub fn judge(name: &UserName) -> Outcome {
    let loaded = match config::load(Path::new(config::DIR)) {
        Ok(loaded) => loaded,
        Err(errors) => {
            for error in &errors {
                log(error);
            }
            return Outcome::Unavailable;
        }
    };
    let account = match account::find(name) {
        Ok(Some(account)) => account,
        Ok(None) => return denied(NO_ACCOUNT),
        Err(error @ AccountError::Name(..)) => {
            log(&error);
            return denied(NO_NAME);
        }
        Err(error) => return unavailable(&error),
    };
    let groups = match account::groups(&account) {
        Ok(groups) => groups,
        Err(error) => return unavailable(&error),
    };
    match policy::check(&loaded.config, &account, &groups) {
        Ok(standing) => Outcome::Accepted { user: account.name, uid: account.uid, admin: standing.admin },
        Err(refusal) => denied(refusal.sentence()),
    }
}

fn denied(reason: &str) -> Outcome {
    Outcome::Denied { reason: reason.to_owned() }
}

fn unavailable(error: &AccountError) -> Outcome {
    log(error);
    Outcome::Unavailable
}

fn log(error: &dyn Display) {
    Entry::new(Priority::Error, error.to_string()).write();
}
