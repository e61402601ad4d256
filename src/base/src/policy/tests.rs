//! The table of who may come.

#![allow(clippy::unwrap_used)]

use super::{Refusal, Standing, check_with_shells};
use crate::account::Account;
use crate::config::{Allow, Config, Principal};
use crate::names::UserName;

const SHELLS: &str = "# /etc/shells\n/bin/sh\n/bin/bash\n/usr/sbin/nologin\n/usr/bin/git-shell\n";
const WELCOME: Result<Standing, Refusal> = Ok(Standing { admin: false });
const ADMIN: Result<Standing, Refusal> = Ok(Standing { admin: true });

fn account(name: &str, uid: u32, shell: &str) -> Account {
    Account {
        name: UserName::parse(name).unwrap(),
        uid,
        gid: uid,
        home: format!("/home/{name}").into(),
        shell: shell.into(),
    }
}

fn list(names: &[&str]) -> Vec<Principal> {
    let principal = |name: &&str| match name.strip_prefix('@') {
        Some(group) => Principal::Group(group.to_owned()),
        None => Principal::User(UserName::parse(name).unwrap()),
    };
    names.iter().map(principal).collect()
}

fn decide(config: &Config, account: &Account, groups: &[&str]) -> Result<Standing, Refusal> {
    let groups: Vec<String> = groups.iter().map(|group| (*group).to_owned()).collect();
    check_with_shells(config, account, &groups, Some(SHELLS))
}

#[test]
fn by_default_people_with_a_login_shell_may_come_and_sudo_is_admin() {
    let config = Config::default();
    assert_eq!(decide(&config, &account("alice", 1000, "/bin/bash"), &["alice"]), WELCOME);
    assert_eq!(decide(&config, &account("alice", 1000, "/bin/bash"), &["alice", "sudo"]), ADMIN);
    // an empty shell is /bin/sh: passwd(5)
    assert_eq!(decide(&config, &account("alice", 1000, ""), &[]), WELCOME);
}

#[test]
fn an_account_without_a_login_shell_may_not_come() {
    let config = Config::default();
    for shell in ["/usr/sbin/nologin", "/bin/false", "/opt/unlisted/zsh", "bash", "/bin/bash "] {
        assert_eq!(decide(&config, &account("alice", 1000, shell), &["sudo"]), Err(Refusal::NoShell), "{shell}");
    }
    // without the file, only these two are login shells: getusershell(3)
    let alice = |shell| check_with_shells(&config, &account("alice", 1000, shell), &[], None);
    assert_eq!(alice("/bin/sh"), WELCOME);
    assert_eq!(alice("/bin/bash"), Err(Refusal::NoShell));
}

#[test]
fn a_list_asks_for_the_name_and_not_for_the_shell() {
    let mut config = Config::default();
    config.login.allow = Allow::Only(list(&["alice", "@students"]));
    assert_eq!(decide(&config, &account("alice", 1000, "/usr/sbin/nologin"), &[]), WELCOME);
    assert_eq!(decide(&config, &account("bob", 1001, "/bin/bash"), &["students"]), WELCOME);
    assert_eq!(decide(&config, &account("carol", 1002, "/bin/bash"), &["carol"]), Err(Refusal::NotListed));
    // a group is not a person of the same name, and case counts
    assert_eq!(decide(&config, &account("students", 1003, "/bin/bash"), &[]), Err(Refusal::NotListed));
    assert_eq!(decide(&config, &account("Alice", 1004, "/bin/bash"), &["alice"]), Err(Refusal::NotListed));
    // administrators need not be listed
    assert_eq!(decide(&config, &account("dan", 1005, "/bin/bash"), &["sudo"]), ADMIN);
    config.login.allow = Allow::Only(Vec::new());
    assert_eq!(decide(&config, &account("alice", 1000, "/bin/bash"), &[]), Err(Refusal::NotListed));
}

#[test]
fn blocked_beats_everything() {
    let mut config = Config::default();
    config.login.block = list(&["mallory", "@guests", "root"]);
    config.login.allow = Allow::Only(list(&["mallory", "eve"]));
    config.login.admins = list(&["mallory", "@guests", "root"]);
    config.login.allow_root = true;
    assert_eq!(decide(&config, &account("mallory", 1000, "/bin/bash"), &[]), Err(Refusal::Blocked));
    assert_eq!(decide(&config, &account("eve", 1001, "/bin/bash"), &["eve", "guests"]), Err(Refusal::Blocked));
    assert_eq!(decide(&config, &account("root", 0, "/bin/bash"), &["root"]), Err(Refusal::Blocked));
}

#[test]
fn root_comes_only_when_asked_for() {
    let mut config = Config::default();
    let root = account("root", 0, "/bin/bash");
    assert_eq!(decide(&config, &root, &["root"]), Err(Refusal::Root));
    // another name does not hide uid 0
    assert_eq!(decide(&config, &account("toor", 0, "/bin/bash"), &[]), Err(Refusal::Root));
    config.login.allow_root = true;
    assert_eq!(decide(&config, &root, &["root"]), ADMIN);
    config.login.admins = Vec::new();
    assert_eq!(decide(&config, &root, &["root"]), WELCOME);
}

#[test]
fn system_accounts_come_only_when_asked_for_and_nobody_never() {
    let mut config = Config::default();
    config.login.allow = Allow::Only(list(&["daemon", "nobody", "www-data", "_hubd", "first", "big"]));
    for (name, uid) in [("daemon", 1), ("www-data", 33), ("_hubd", 999), ("nobody", 65534)] {
        assert_eq!(decide(&config, &account(name, uid, "/bin/bash"), &["sudo"]), Err(Refusal::System), "{name}");
    }
    assert_eq!(decide(&config, &account("first", 1000, "/bin/bash"), &[]), WELCOME);
    assert_eq!(decide(&config, &account("big", 4_000_000, "/bin/bash"), &[]), WELCOME);
    config.login.allow_root = true;
    assert_eq!(decide(&config, &account("www-data", 33, "/bin/bash"), &[]), WELCOME);
    assert_eq!(decide(&config, &account("nobody", 65534, "/bin/bash"), &[]), Err(Refusal::System));
    // without a login shell they stay out where everybody else may come
    config.login.allow = Allow::All;
    assert_eq!(decide(&config, &account("www-data", 33, "/usr/sbin/nologin"), &[]), Err(Refusal::NoShell));
}
