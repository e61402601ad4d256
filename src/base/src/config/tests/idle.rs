//! `[idle]`: rules for everybody, for groups and for people, over several files.

use std::time::Duration;

use super::{Folder, load, mistake, read};
use crate::config::{Config, Idle, IdlePolicy, NEVER};
use crate::names::UserName;

const MINUTE: Duration = Duration::from_secs(60);

fn of(config: &Config, name: &str, groups: &[&str]) -> IdlePolicy {
    let groups: Vec<String> = groups.iter().map(|group| (*group).to_owned()).collect();
    config.idle.policy(&UserName::parse(name).unwrap(), &groups, None)
}

#[test]
fn idle_servers_are_suspended_and_never_stopped_unless_somebody_says_so() {
    let policy = of(&read(""), "alice", &["users"]);
    assert_eq!(policy.suspend_after, MINUTE * 30);
    assert_eq!((policy.stop_after, policy.max_age), (NEVER, NEVER));
    assert_eq!(policy.keep_max, MINUTE * 60 * 24);
    assert!(read("").idle.suspend_for_memory);
}

#[test]
fn every_key_is_read() {
    let config = read(
        "[idle]\nsuspend_after = \"10min\"\nstop_after = \"1d\"\nmax_age = \"7d\"\nkeep_max = \"none\"\n\
         cpu_below = \"20%\"\ncpu_window = \"2min\"\nsuspend_for_memory = false\n",
    );
    let Idle { everybody, cpu_below, cpu_window, suspend_for_memory, .. } = &config.idle;
    assert_eq!((everybody.suspend_after, everybody.stop_after), (MINUTE * 10, MINUTE * 60 * 24));
    assert_eq!((everybody.max_age, everybody.keep_max), (MINUTE * 60 * 24 * 7, Duration::ZERO));
    assert_eq!((*cpu_below, *cpu_window, *suspend_for_memory), (20, MINUTE * 2, false));
}

#[test]
fn groups_and_people_have_rules_of_their_own_and_files_merge_key_by_key() {
    let folder = Folder::new(&[
        ("hub.toml", "[idle.group.gpu]\nsuspend_after = \"10min\"\nstop_after = \"2h\"\n"),
        ("hub.toml.d/50.toml", "[idle.group.gpu]\nstop_after = \"never\"\n[idle.user]\nbob = { max_age = \"1d\" }\n"),
    ]);
    let config = load(folder.path()).unwrap().config;
    let gpu = of(&config, "alice", &["gpu"]);
    assert_eq!((gpu.suspend_after, gpu.stop_after), (MINUTE * 10, NEVER));
    assert_eq!(of(&config, "alice", &[]).suspend_after, MINUTE * 30);
    assert_eq!(of(&config, "bob", &["gpu"]).max_age, MINUTE * 60 * 24);
}

#[test]
fn mistakes_are_told_with_the_key_that_was_meant() {
    for (text, told) in [
        ("[idle]\nsuspend_after = 30\n", "expected a time such as"),
        ("[idle]\nsuspend = \"1h\"\n", "unknown key"),
        ("[idle]\ncpu_below = \"infinity\"\n", "expected a share of one CPU"),
        ("[idle]\nsuspend_for_memory = \"never\"\n", "expected true or false"),
        ("[idle.group.gpu]\nstop_afer = \"1h\"\n", "stop_after"),
        ("[idle.group.\"@gpu\"]\nstop_after = \"1h\"\n", "without the @"),
        ("[idle.group]\ngpu = \"1h\"\n", "expected a table such as"),
        ("[idle.user.1]\nstop_after = \"1h\"\n", "not the name of a user"),
    ] {
        let message = mistake(text);
        assert!(message.contains(told), "{text}: {message}");
    }
}
