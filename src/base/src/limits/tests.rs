//! Amounts that are taken and refused, and which rule wins.

#![allow(clippy::unwrap_used)]

use super::{Amount, Device, Effective, Limit, Limits, Person, Rate, Rule, Rules, Source};
use crate::names::UserName;

const GIB: u64 = 1 << 30;
const MACHINE: u64 = 16 * GIB;

fn amount(limit: Limit, text: &str) -> Amount {
    Amount::parse(limit, text).unwrap().unwrap()
}

fn limits(said: &[(Limit, &str)]) -> Limits {
    said.iter().map(|(limit, text)| (*limit, amount(*limit, text))).collect()
}

fn server(said: &[(Limit, &str)]) -> Rule {
    Rule { server: limits(said), ..Rule::default() }
}

fn shown(effective: &Effective) -> Vec<String> {
    let line = |(limit, decided): (&Limit, &super::Decided)| {
        format!("{} {} {}", limit.name(), decided.amount.show(*limit), decided.source)
    };
    effective.iter().map(line).collect()
}

#[test]
fn every_limit_is_found_by_its_name_and_stands_once() {
    for limit in Limit::ALL {
        assert_eq!(Limit::find(limit.name()), Some(limit));
    }
    let mut names = Limit::ALL.map(Limit::name).to_vec();
    names.dedup();
    assert_eq!(names.len(), Limit::ALL.len());
    assert_eq!(Limit::find("memory"), None);
    assert!(Limit::ALL.is_sorted(), "the order of the shipped file is the order of the list");
}

#[test]
fn what_is_written_is_read_back() {
    for (limit, texts) in [
        (Limit::MemoryMax, vec!["64M", "2G", "1T", "65537K", "80%", "100%", "infinity"]),
        (Limit::MemorySwapMax, vec!["0", "1K", "512M", "infinity"]),
        (Limit::CpuQuota, vec!["1%", "150%", "infinity"]),
        (Limit::CpuWeight, vec!["1", "100", "10000"]),
        (Limit::IoReadBandwidth, vec!["/home 50M", "/srv/my data 1G, /dev/sda infinity", "infinity"]),
        (Limit::TasksMax, vec!["16", "512", "infinity"]),
        (Limit::OpenFiles, vec!["4096", "infinity"]),
        (Limit::RuntimeMax, vec!["12h", "1d 30min", "500ms", "infinity"]),
        (Limit::Devices, vec!["char-nvidia* rw", "/dev/dri/renderD128 r, block-loop rwm", "all"]),
    ] {
        for text in texts {
            assert_eq!(amount(limit, text).show(limit), text, "{}", limit.name());
        }
    }
    assert_eq!(amount(Limit::IoWriteBandwidth, "/home 50M"), {
        Amount::Rates(vec![Rate { path: "/home".to_owned(), bytes: Some(50_000_000) }])
    });
    assert_eq!(amount(Limit::Devices, "char-nvidia*"), {
        Amount::Devices(vec![Device { node: "char-nvidia*".to_owned(), access: "rw".to_owned() }])
    });
    for limit in Limit::ALL {
        assert_eq!(Amount::parse(limit, ""), Ok(None), "nothing is said of {}", limit.name());
    }
}

#[test]
fn what_could_be_meant_in_two_ways_or_starts_no_server_is_refused() {
    for (limit, texts) in [
        (Limit::MemoryMax, vec!["2048", "2 G", "2GB", "G", "-1G", "1.5G", "0%", "101%", "%", "63M", "0", "all", "+2G"]),
        (Limit::MemoryMax, vec!["17179869184G", "99999999999999999999G"]),
        (Limit::MemorySwapMax, vec!["1", "50%"]),
        (Limit::CpuQuota, vec!["0%", "150", "1000001%", "-5%", "+5%"]),
        (Limit::IoWeight, vec!["0", "10001", "infinity", "100%"]),
        (Limit::TasksMax, vec!["15", "0", "-1", "1%", "4294967296"]),
        (Limit::OpenFiles, vec!["255", "many"]),
        (Limit::RuntimeMax, vec!["12", "0s", "soon", "99999999w"]),
        (Limit::IoReadBandwidth, vec!["/home", "50M", "home 50M", "/home 0M", "/home 50", "/a/../b 5M", "/home 5M,"]),
        (
            Limit::Devices,
            vec!["nvidia", "/etc/passwd", "/dev/../etc/shadow", "char-", "/dev/sda x", "char-a b c", "none"],
        ),
    ] {
        for text in texts {
            assert!(Amount::parse(limit, text).is_err(), "{} {text}", limit.name());
        }
    }
    let many = vec!["/dev/null"; 65].join(", ");
    assert_eq!(Amount::parse(Limit::Devices, &many), Err("at most 64 entries".to_owned()));
}

#[test]
fn what_systemd_changes_on_a_running_unit_is_what_slices_take() {
    let fixed: Vec<_> = Limit::ALL.into_iter().filter(|limit| !limit.is_live()).collect();
    assert_eq!(fixed, [Limit::OpenFiles, Limit::RuntimeMax, Limit::Devices]);
    assert!(Limit::ALL.into_iter().all(|limit| limit.is_live() == limit.fits_slices()));
}

#[test]
fn the_person_beats_the_profile_beats_the_group_beats_everybody_limit_by_limit() {
    use Limit::{CpuQuota, MemoryHigh, MemoryMax, TasksMax};
    let alice = UserName::parse("alice").unwrap();
    let mut rules = Rules {
        everybody: server(&[(MemoryMax, "1G"), (MemoryHigh, "900M"), (CpuQuota, "100%"), (TasksMax, "100")]),
        ..Rules::default()
    };
    rules.groups.insert("staff".to_owned(), server(&[(MemoryMax, "2G"), (CpuQuota, "200%"), (TasksMax, "200")]));
    rules.users.insert(alice.clone(), server(&[(TasksMax, "400")]));
    let big = limits(&[(MemoryMax, "512M"), (TasksMax, "300")]);
    let groups = ["staff".to_owned()];
    let effective = rules.of_server(Person { name: &alice, groups: &groups }, Some(("big", &big)), MACHINE);
    assert_eq!(
        shown(&effective),
        [
            "memory_max 512M profile[big].limits",
            "memory_high 900M limits",
            "cpu_quota 200% limits.group.staff",
            "tasks_max 400 limits.user.alice",
        ]
    );
    let bob = UserName::parse("bob").unwrap();
    let effective = rules.of_server(Person { name: &bob, groups: &[] }, None, MACHINE);
    assert_eq!(
        shown(&effective),
        ["memory_max 1G limits", "memory_high 900M limits", "cpu_quota 100% limits", "tasks_max 100 limits"]
    );
}

#[test]
fn of_several_groups_the_most_generous_one_wins_limit_by_limit() {
    use Limit::{CpuQuota, Devices, IoReadBandwidth, MemoryMax, TasksMax};
    let alice = UserName::parse("alice").unwrap();
    let mut rules = Rules { everybody: server(&[(MemoryMax, "64G")]), ..Rules::default() };
    let slow = [
        (MemoryMax, "50%"),
        (CpuQuota, "400%"),
        (TasksMax, "100"),
        (IoReadBandwidth, "/home 10M, /srv 1M"),
        (Devices, "char-nvidia* r"),
    ];
    let fast = [
        (MemoryMax, "4G"),
        (CpuQuota, "infinity"),
        (IoReadBandwidth, "/home 20M"),
        (Devices, "char-nvidia* w, /dev/kvm"),
    ];
    rules.groups.insert("slow".to_owned(), server(&slow));
    rules.groups.insert("fast".to_owned(), server(&fast));
    rules.groups.insert("other".to_owned(), server(&[(TasksMax, "9999")]));
    let groups = ["slow", "fast", "nothing-said"].map(str::to_owned);
    let effective = rules.of_server(Person { name: &alice, groups: &groups }, None, MACHINE);
    assert_eq!(
        shown(&effective),
        [
            "memory_max 8G limits.group.slow",
            "cpu_quota infinity limits.group.fast",
            "io_read_bandwidth /home 20M limits.group.fast",
            "tasks_max 100 limits.group.slow",
            "devices char-nvidia* wr, /dev/kvm rw limits.group.slow",
        ]
    );
}

#[test]
fn a_share_of_a_small_machine_still_starts_a_server() {
    assert_eq!(Amount::Share(80).on(100 * GIB), Amount::Number(80 * GIB));
    assert_eq!(Amount::Share(1).on(GIB), Amount::Number(64 << 20));
    assert_eq!(Amount::Number(5).on(GIB), Amount::Number(5));
}

#[test]
fn a_persons_servers_together_and_all_together_have_rules_of_their_own() {
    use Limit::{MemoryMax, TasksMax};
    let alice = UserName::parse("alice").unwrap();
    let mut rules = Rules { all_together: limits(&[(MemoryMax, "50%")]), ..Rules::default() };
    rules.everybody = Rule { server: limits(&[(MemoryMax, "1G")]), per_person: limits(&[(TasksMax, "500")]) };
    rules.users.insert(alice.clone(), Rule { per_person: limits(&[(MemoryMax, "3G")]), ..Rule::default() });
    let person = Person { name: &alice, groups: &[] };
    assert_eq!(shown(&rules.of_server(person, None, MACHINE)), ["memory_max 1G limits"]);
    assert_eq!(shown(&rules.of_person(person, MACHINE)), ["memory_max 3G limits.user.alice", "tasks_max 500 limits"]);
    let all = rules.of_all(10 * 100);
    assert_eq!(all.get(&MemoryMax).map(|decided| &decided.source), Some(&Source::AllTogether));
    assert_eq!(shown(&all), ["memory_max 64M limits.all-together"]);
}
