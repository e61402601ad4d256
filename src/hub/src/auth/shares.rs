//! Servers that people share with others (contract 1.14).

use hubd_base::names::UserName;

use super::groups::Groups;

/// All shares.
#[derive(Debug, Default)]
pub struct Shares;

impl Shares {
    /// The scopes that shares give a person, directly or through groups.
    pub fn granted_to(&self, user: &UserName, groups: &Groups) -> Vec<String> {
        let _ = (user, groups);
        Vec::new()
    }
}
