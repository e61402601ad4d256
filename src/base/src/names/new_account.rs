//! Names for accounts that are still to be made: fewer than an account may have that is there already.
//!
//! Invariant: such a name means itself in a unit's name, a path, a line of passwd(5) and an argument of a program.

use super::UserName;

/// The longest name of a new account, useradd(8).
pub const NEW_ACCOUNT_MAX: usize = 32;

impl UserName {
    /// May a new account be called so? useradd(8): `[a-z_][a-z0-9_-]*`, at most 32 characters.
    pub fn is_for_new_account(&self) -> bool {
        let mut bytes = self.0.bytes();
        let first = bytes.next().is_some_and(|b| b.is_ascii_lowercase() || b == b'_');
        let rest = bytes.all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'_' | b'-'));
        first && rest && self.0.len() <= NEW_ACCOUNT_MAX
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn new_accounts_have_plain_names() {
        let is = |name: &str| UserName::parse(name).is_ok_and(|name| name.is_for_new_account());
        for good in ["carol", "_x", "a-b_c-9", "x", &"n".repeat(32)] {
            assert!(is(good), "{good}");
        }
        for bad in
            ["Carol", "first.last", "9lives", "samba$", "DOM\\user", "uml@ex.org", "小明", "ünï", &"n".repeat(33)]
        {
            assert!(UserName::parse(bad).is_ok() && !is(bad), "{bad}");
        }
    }
}
