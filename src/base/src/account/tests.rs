//! Against the accounts every Debian machine has.

#![allow(clippy::unwrap_used)]

use super::{find, groups};
use crate::names::UserName;

#[test]
fn root_is_found_with_its_primary_group() {
    let root = find(&UserName::parse("root").unwrap()).unwrap().unwrap();
    assert_eq!((root.uid, root.gid, root.name.as_str()), (0, 0, "root"));
    assert!(groups(&root).unwrap().contains(&"root".to_owned()));
}

#[test]
fn an_account_that_does_not_exist_is_not_an_error() {
    assert_eq!(find(&UserName::parse("no-such-person-here").unwrap()).unwrap(), None);
}
