//! Servers that people share with others (contract 1.14).

use hubd_base::names::UserName;

use super::changes::Changes;
use super::groups::Groups;
use crate::store::{Store, StoreError};

/// All shares.
#[derive(Debug, Default)]
pub struct Shares;

impl Shares {
    /// Reads all shares from the store.
    #[expect(clippy::unused_async, reason = "shares are not built yet")]
    pub async fn load(store: Store, changes: Changes) -> Result<Self, StoreError> {
        let _ = (store, changes);
        Ok(Self)
    }

    /// The scopes that shares give a person, directly or through groups.
    pub fn granted_to(&self, user: &UserName, groups: &Groups) -> Vec<String> {
        let _ = (user, groups);
        Vec::new()
    }
}
