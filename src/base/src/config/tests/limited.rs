//! `[limits]`: for everybody, for some and for many together; what is refused, and in which words.

use super::{Folder, Origin, load, mistake, read};
use crate::limits::{Amount, Limit, Limits};
use crate::names::UserName;

fn one(limits: &Limits, limit: Limit) -> String {
    limits.get(limit).map_or_else(|| "nothing".to_owned(), |amount| amount.show(limit))
}

#[test]
fn every_table_of_limits_is_read() {
    let config = read(
        r#"
        [limits]
        memory_max = "2G"
        memory_swap_max = 0
        cpu_weight = 0x32
        tasks_max = "infinity"
        io_read_bandwidth = ["/home 50M", "/srv 1G"]
        devices = []
        runtime_max = "12h"
        [limits.per-person]
        memory_max = "50%"
        [limits.all-together]
        cpu_quota = "400%"
        [limits.group.gpu]
        devices = ["char-nvidia*"]
        per-person = { tasks_max = 1000 }
        [limits.user.alice]
        open_files = 4096
        "#,
    );
    let rules = &config.limits;
    let everybody = &rules.everybody.server;
    assert_eq!(one(everybody, Limit::MemoryMax), "2G");
    assert_eq!(one(everybody, Limit::MemorySwapMax), "0");
    assert_eq!(one(everybody, Limit::CpuWeight), "50");
    assert_eq!(one(everybody, Limit::TasksMax), "infinity");
    assert_eq!(one(everybody, Limit::IoReadBandwidth), "/home 50M, /srv 1G");
    assert_eq!(everybody.get(Limit::Devices), Some(&Amount::Devices(Vec::new())), "none beyond the usual ones");
    assert_eq!(one(everybody, Limit::RuntimeMax), "12h");
    assert_eq!(one(everybody, Limit::OpenFiles), "nothing");
    assert_eq!(one(&rules.everybody.per_person, Limit::MemoryMax), "50%");
    assert_eq!(one(&rules.all_together, Limit::CpuQuota), "400%");
    let gpu = rules.groups.get("gpu").unwrap();
    assert_eq!(one(&gpu.server, Limit::Devices), "char-nvidia* rw");
    assert_eq!(one(&gpu.per_person, Limit::TasksMax), "1000");
    let alice = rules.users.get(&UserName::parse("alice").unwrap()).unwrap();
    assert_eq!(one(&alice.server, Limit::OpenFiles), "4096");
}

#[test]
fn later_files_change_single_limits_and_an_empty_text_takes_one_back() {
    let folder = Folder::new(&[
        ("hub.toml", "[limits]\nmemory_max = \"1G\"\ncpu_quota = \"100%\"\n[limits.group.gpu]\nmemory_max = \"8G\""),
        ("hub.toml.d/a.toml", "[limits]\ncpu_quota = \"\"\n[limits.group.gpu]\ncpu_quota = \"infinity\""),
    ]);
    let loaded = load(folder.path()).unwrap();
    let rules = &loaded.config.limits;
    assert_eq!(one(&rules.everybody.server, Limit::MemoryMax), "1G");
    assert_eq!(one(&rules.everybody.server, Limit::CpuQuota), "nothing");
    let gpu = &rules.groups.get("gpu").unwrap().server;
    assert_eq!((one(gpu, Limit::MemoryMax), one(gpu, Limit::CpuQuota)), ("8G".to_owned(), "infinity".to_owned()));
    let shown: Vec<(&str, &str)> = loaded
        .values
        .iter()
        .filter(|value| value.origin != Origin::Default)
        .map(|value| (value.key.as_str(), value.text.as_str()))
        .collect();
    let expected = [
        ("limits.memory_max", "\"1G\""),
        ("limits.cpu_quota", "\"\""),
        ("limits.group.gpu.cpu_quota", "\"infinity\""),
        ("limits.group.gpu.memory_max", "\"8G\""),
    ];
    assert_eq!(shown, expected);
}

#[test]
fn a_mistake_in_a_limit_names_its_place_and_what_was_expected() {
    let size = "expected a size such as \"2G\" or \"512M\", a share of the machine's memory such as \"80%\", or \"infinity\", got";
    for (text, message) in [
        ("[limits]\nmemory_max = \"2 G\"", format!("hub.toml:2: limits.memory_max: {size} \"2 G\"")),
        ("[limits]\nmemory_max = \"2GB\"", format!("hub.toml:2: limits.memory_max: {size} \"2GB\"")),
        ("[limits]\nmemory_max = 2048", format!("hub.toml:2: limits.memory_max: {size} 2048")),
        ("[limits]\nmemory_max = [\"1G\"]", format!("hub.toml:2: limits.memory_max: {size} [\"1G\"]")),
        (
            "[limits]\nmemory_max = \"1M\"",
            "hub.toml:2: limits.memory_max: expected at least \"64M\", as no server starts with less, got \"1M\"".to_owned(),
        ),
        (
            "[limits]\nmemory_max = \"17179869184G\"",
            "hub.toml:2: limits.memory_max: expected a size below 16 EiB, got \"17179869184G\"".to_owned(),
        ),
        (
            "[limits]\nmemory_high = \"2G\"\nmemory_max = \"1G\"",
            "hub.toml:2: limits.memory_high: expected at most limits.memory_max, as it would never be reached".to_owned(),
        ),
        (
            "[limits.group.gpu]\nmemory_max = \"10%\"\nmemory_high = \"20%\"",
            "hub.toml:3: limits.group.gpu.memory_high: expected at most limits.group.gpu.memory_max, as it would never be reached"
                .to_owned(),
        ),
        (
            "[limits]\ncpu_quota = \"0%\"",
            "hub.toml:2: limits.cpu_quota: expected a share of one CPU such as \"150%\", or \"infinity\", got \"0%\"".to_owned(),
        ),
        (
            "[limits]\ntasks_max = 1",
            "hub.toml:2: limits.tasks_max: expected at least 16, as no server starts with less, got 1".to_owned(),
        ),
        (
            "[limits]\ntasks_max = -1",
            "hub.toml:2: limits.tasks_max: expected a number of processes and threads such as 512, or \"infinity\", got -1".to_owned(),
        ),
        ("[limits]\nmemory = \"1G\"", "hub.toml:2: limits.memory: unknown key".to_owned()),
        ("[limits]\nmemory_mx = \"1G\"", "hub.toml:2: limits.memory_mx: unknown key; did you mean limits.memory_max?".to_owned()),
        (
            "[limits.all_together]\nmemory_max = \"1G\"",
            "hub.toml:1: limits.all_together: unknown key; did you mean limits.all-together?".to_owned(),
        ),
        ("[server]\ntasks_max = 20", "hub.toml:2: server.tasks_max: unknown key; did you mean limits.tasks_max?".to_owned()),
        (
            "[limits.group.gpu]\nmemory_mx = \"1G\"",
            "hub.toml:2: limits.group.gpu.memory_mx: unknown key; did you mean memory_max?".to_owned(),
        ),
        ("[limits]\ngroup = 5", "hub.toml:2: limits.group: expected tables such as [limits.group.NAME], got 5".to_owned()),
        (
            "[limits.group]\ngpu = \"1G\"",
            "hub.toml:2: limits.group.gpu: expected a table of limits such as { memory_max = \"2G\" }, got \"1G\"".to_owned(),
        ),
        (
            "[limits.group.\"a b\"]\nmemory_max = \"1G\"",
            "hub.toml:1: limits.group.a b: \"a b\" is not the name of a group of this system".to_owned(),
        ),
        (
            "[limits.user.\"a/b\"]\nmemory_max = \"1G\"",
            "hub.toml:1: limits.user.a/b: \"a/b\" is not the name of a user: the name has a character that is not allowed: /"
                .to_owned(),
        ),
        (
            "[limits.all-together]\nopen_files = 4096",
            "hub.toml:2: limits.all-together.open_files: this is a limit of single servers, not of many together".to_owned(),
        ),
        (
            "[limits.user.alice.per-person]\nruntime_max = \"1h\"",
            "hub.toml:2: limits.user.alice.per-person.runtime_max: this is a limit of single servers, not of many together"
                .to_owned(),
        ),
    ] {
        assert_eq!(mistake(text), message, "{text}");
    }
}
