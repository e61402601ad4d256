//! What happened to accounts, each with its fixed `MESSAGE_ID`; as in [`crate::events`].

use hubd_base::names::UserName;

use super::Home;
use crate::errors::Error;

/// An account was made.
const CREATED: &str = "0a5ad2f4c37e4b0c9d6e3b8f17c2d945";
/// The password of an account was set.
const PASSWORD_SET: &str = "6d1f7b9e24a84c53b0e8c5d2a9f3176b";
/// An account was deleted.
const DELETED: &str = "c87e40b15f9d4e2ab63c1d7f08a5e294";
/// One of these was refused, or failed.
const REFUSED: &str = "e35b9c6d80f14a7793d2e6b4c1f8a05d";

pub fn created(name: &UserName) {
    tracing::info!(MESSAGE_ID = CREATED, HUB_USER = %name, "Made the account {name}");
}

pub fn password_set(name: &UserName) {
    tracing::info!(MESSAGE_ID = PASSWORD_SET, HUB_USER = %name, "Set the password of {name}");
}

pub fn deleted(name: &UserName, home: Home) {
    let files = match home {
        Home::Keep => "its files are root's now",
        Home::Remove => "its files are gone",
    };
    tracing::info!(MESSAGE_ID = DELETED, HUB_USER = %name, "Deleted the account {name}; {files}");
}

/// `what`: such as "make the account".
pub fn refused(name: &UserName, what: &str, error: &Error) {
    tracing::warn!(MESSAGE_ID = REFUSED, HUB_USER = %name, "Did not {what} {name}: {}", error.text());
}
