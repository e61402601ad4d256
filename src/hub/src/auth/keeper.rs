//! What stands between the hub and the accounts of this machine that it makes: the broker, or something else in a test.
//!
//! Invariant: a password is a [`Secret`] from the moment it is known here.

use futures_util::future::BoxFuture;
use hubd_base::names::UserName;
use hubd_base::secret::Secret;

/// The password of an account.
pub struct NewPassword {
    /// Somebody chose it; without one it is generated.
    pub chosen: Option<Secret>,
    /// Must it be changed at the first login?
    pub must_change: bool,
}

/// What becomes of the files of a deleted account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Home {
    /// They stay, and belong to root from then on.
    Keep,
    /// They are removed.
    Remove,
}

/// Why an account is as it was; the texts are for people, in English.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeeperError {
    /// It may not be, or the password cannot be taken.
    #[error("{0}")]
    Refused(String),
    /// It should have worked.
    #[error("{0}")]
    Failed(String),
}

/// Makes, changes and deletes accounts. Who may have that done is decided before, and again on the other side.
pub trait Keeper: Send + Sync + 'static {
    /// Makes an account; returns its password.
    fn create<'a>(
        &'a self,
        user: &'a UserName,
        password: &'a NewPassword,
    ) -> BoxFuture<'a, Result<Secret, KeeperError>>;
    /// Sets the password of an account that was made here; returns it.
    fn set_password<'a>(
        &'a self,
        user: &'a UserName,
        password: &'a NewPassword,
    ) -> BoxFuture<'a, Result<Secret, KeeperError>>;
    /// Deletes an account that was made here.
    fn delete<'a>(&'a self, user: &'a UserName, home: Home) -> BoxFuture<'a, Result<(), KeeperError>>;
}
