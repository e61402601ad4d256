//! Every refusal, each by the one thing that is wrong; and that nothing else is refused.

use std::path::PathBuf;

use hubd_base::config::{Config, Service};
use hubd_base::names::ServiceName;

use super::super::facts::Membership;
use super::super::local::Local;
use super::super::sudoers::Sudoers;
use super::*;

const PASSWD: &str = "root:x:0:0::/root:/bin/bash\ndaemon:x:1:1::/:/usr/sbin/nologin\n";
const GROUP: &str = "root:x:0:\nsudo:x:27:boss\nhub-people:x:990:carol\nstudents:x:1500:\n";

fn name(text: &str) -> UserName {
    UserName::parse(text).unwrap()
}

fn config() -> Config {
    let mut config = Config::default();
    config.login.create_system_users = true;
    config
}

/// Nobody is called so, and all is well.
fn nobody() -> Facts {
    Facts { local: Local::parse(PASSWD, GROUP), shell_is_listed: true, ..Facts::default() }
}

/// An account that the hub made.
fn carol() -> Facts {
    let account = Account {
        name: name("carol"),
        uid: 1005,
        gid: 1005,
        home: PathBuf::from("/home/carol"),
        shell: "/bin/bash".into(),
    };
    let local = Local::parse(&format!("{PASSWD}carol:x:1005:1005::/home/carol:/bin/bash\n"), GROUP);
    let groups = vec![group(1005, "carol"), group(990, MARKER_GROUP)];
    Facts { account: Some(account), groups, local, home: HomeFolder::Folder(1005), ..nobody() }
}

fn group(gid: u32, name: &str) -> Membership {
    Membership { gid, name: Some(name.to_owned()) }
}

fn making(who: &str, facts: &Facts, change: impl FnOnce(&mut Config)) -> Result<(), Refusal> {
    let mut config = config();
    change(&mut config);
    new(&config, &name(who), facts)
}

fn touching(facts: &Facts, change: impl FnOnce(&mut Config)) -> Result<(), Refusal> {
    let mut config = config();
    change(&mut config);
    let who = facts.account.as_ref().map_or_else(|| name("carol"), |account| account.name.clone());
    let password = known(&config, &who, facts, Change::Password);
    let delete = known(&config, &who, facts, Change::Delete);
    assert_eq!(password, delete);
    password
}

/// Carol's account with another name and number.
fn called(who: &str, uid: u32) -> Facts {
    let mut facts = carol();
    facts.account = facts.account.map(|account| Account { name: name(who), uid, ..account });
    facts.local =
        Local::parse(&format!("{who}:x:{uid}:{uid}::/home/{who}:/bin/bash\n"), &format!("hub-people:x:990:{who}\n"));
    facts
}

#[test]
fn a_person_nobody_knows_gets_an_account_and_what_the_hub_made_can_be_touched() {
    assert_eq!(making("dave", &nobody(), |_| {}), Ok(()));
    assert_eq!(touching(&carol(), |_| {}), Ok(()));
    let given = |config: &mut Config| config.login.new_user_groups = vec!["students".into(), "video".into()];
    let groups = vec![("students".to_owned(), Some(1500)), ("video".to_owned(), Some(44))];
    assert_eq!(making("dave", &Facts { new_groups: groups, ..nobody() }, given), Ok(()));
    let mut member = carol();
    member.groups.extend([group(1500, "students"), group(44, "video"), group(100, "users")]);
    assert_eq!(touching(&member, given), Ok(()));
    assert_eq!(touching(&member, |_| {}), Err(Refusal::Group(name("carol"), "video".into())));
}

#[test]
fn nothing_is_done_where_the_configuration_does_not_want_it() {
    let off = |config: &mut Config| config.login.create_system_users = false;
    assert_eq!(making("dave", &nobody(), off), Err(Refusal::Off));
    assert_eq!(touching(&carol(), off), Err(Refusal::Off));
    assert!(!Config::default().login.create_system_users);
}

#[test]
fn names_that_mean_something_already_are_not_given_to_new_accounts() {
    for bad in ["Dave", "first.last", "samba$", "DOM\\user"] {
        assert_eq!(making(bad, &nobody(), |_| {}), Err(Refusal::Name(name(bad))));
    }
    assert_eq!(making("carol", &carol(), |_| {}), Err(Refusal::Exists(name("carol"))));
    // In the file alone, as when the name service is configured not to read it.
    assert_eq!(making("daemon", &nobody(), |_| {}), Err(Refusal::Exists(name("daemon"))));
    let group = Facts { group_exists: true, ..nobody() };
    assert_eq!(making("docker", &group, |_| {}), Err(Refusal::GroupExists(name("docker"))));
    for home in [HomeFolder::Folder(1007), HomeFolder::Other(1007)] {
        let taken = Facts { home, ..nobody() };
        assert_eq!(making("dave", &taken, |_| {}), Err(Refusal::HomeExists(name("dave"), 1007)));
    }
}

#[test]
fn rights_that_wait_for_a_name_are_not_handed_out() {
    let admins = |config: &mut Config| config.login.admins = vec![Principal::User(name("dean"))];
    assert_eq!(making("dean", &nobody(), admins), Err(Refusal::HubAdministrator(name("dean"))));
    let sudo = Facts { sudoers: Sudoers::parse("dean ALL=(ALL) ALL"), ..nobody() };
    assert_eq!(making("dean", &sudo, |_| {}), Err(Refusal::Sudo(name("dean"))));
    // group(5) still names somebody who is long gone.
    assert_eq!(making("boss", &nobody(), |_| {}), Err(Refusal::Group(name("boss"), "sudo".into())));
}

#[test]
fn new_accounts_get_no_group_of_administrators() {
    let given = |config: &mut Config| config.login.new_user_groups = vec!["team".into()];
    let with = |gid| Facts { new_groups: vec![("team".into(), gid)], ..nobody() };
    assert_eq!(making("dave", &with(Some(1600)), given), Ok(()));
    assert!(matches!(making("dave", &with(None), given), Err(Refusal::Configuration(_))));
    let admins = |config: &mut Config| {
        given(config);
        config.login.admins = vec![Principal::Group("team".into())];
    };
    assert!(matches!(making("dave", &with(Some(1600)), admins), Err(Refusal::Configuration(_))));
    let sudo = Facts { sudoers: Sudoers::parse("%team ALL=(ALL) ALL"), ..with(Some(1600)) };
    assert!(matches!(making("dave", &sudo, given), Err(Refusal::Configuration(_))));
    let no_marker = Facts { local: Local::parse(PASSWD, "students:x:1500:\n"), ..nobody() };
    assert!(matches!(making("dave", &no_marker, |_| {}), Err(Refusal::Configuration(_))));
    let shell = Facts { shell_is_listed: false, ..nobody() };
    assert!(matches!(making("dave", &shell, |_| {}), Err(Refusal::Configuration(_))));
}

#[test]
fn root_and_the_systems_accounts_are_never_touched() {
    assert_eq!(touching(&Facts { account: None, ..carol() }, |_| {}), Err(Refusal::Unknown(name("carol"))));
    assert_eq!(touching(&called("root", 0), |_| {}), Err(Refusal::Root(name("root"))));
    assert_eq!(touching(&called("toor", 0), |_| {}), Err(Refusal::Root(name("toor"))));
    for uid in [1, 999, 60_000, 65_534, 4_000_000_000] {
        assert_eq!(touching(&called("daemon", uid), |_| {}), Err(Refusal::System(name("daemon"))), "{uid}");
    }
}

#[test]
fn who_may_rule_the_machine_or_the_hub_is_never_touched_also_if_the_hub_made_the_account() {
    let with = |gid, group_name: &str| {
        let mut facts = carol();
        facts.groups.push(group(gid, group_name));
        facts
    };
    for (gid, group) in [(27, "sudo"), (1800, "wheel"), (998, "docker"), (4, "adm"), (987, "new-in-some-release")] {
        assert_eq!(touching(&with(gid, group), |_| {}), Err(refusal_of(group)), "{group}");
    }
    let mut nameless = carol();
    nameless.groups.push(Membership { gid: 27, name: None });
    assert_eq!(touching(&nameless, |_| {}), Err(Refusal::Group(name("carol"), "27".into())));
    let hub = |config: &mut Config| config.login.admins = vec![Principal::Group("teachers".into())];
    assert_eq!(touching(&with(1700, "teachers"), hub), Err(Refusal::HubAdministrator(name("carol"))));
    let carol_herself = |config: &mut Config| config.login.admins = vec![Principal::User(name("carol"))];
    assert_eq!(touching(&carol(), carol_herself), Err(Refusal::HubAdministrator(name("carol"))));
    for sudoers in ["carol ALL=ALL", "#1005 ALL=ALL", "%#1005 ALL=ALL", "%carol ALL=ALL"] {
        let facts = Facts { sudoers: Sudoers::parse(sudoers), ..carol() };
        assert_eq!(touching(&facts, |_| {}), Err(Refusal::Sudo(name("carol"))), "{sudoers}");
    }
    // The file names her, whatever the name service says of her groups.
    let mut file = carol();
    file.local = Local::parse("carol:x:1005:1005:::\n", "hub-people:x:990:carol\nsudo:x:27:carol\n");
    assert_eq!(touching(&file, |_| {}), Err(Refusal::Group(name("carol"), "sudo".into())));
}

/// `@sudo` is among the administrators of a hub that nobody configured.
fn refusal_of(group: &str) -> Refusal {
    if group == "sudo" {
        Refusal::HubAdministrator(name("carol"))
    } else {
        Refusal::Group(name("carol"), group.to_owned())
    }
}

#[test]
fn what_the_hub_did_not_make_is_never_touched() {
    let unmarked = Facts { local: Local::parse("carol:x:1005:1005:::\n", "hub-people:x:990:dave\n"), ..carol() };
    assert_eq!(touching(&unmarked, |_| {}), Err(Refusal::NotOurs(name("carol"))));
    // A directory that calls a group like ours marks nobody.
    let mut remote = unmarked;
    remote.groups.push(group(990, MARKER_GROUP));
    assert_eq!(touching(&remote, |_| {}), Err(Refusal::NotOurs(name("carol"))));
    let marker = "hub-people:x:990:carol\n";
    for passwd in
        ["", "carol:x:1006:1006:::\n", "carol:x:1005:5:::\ncarol:x:1005:5:::\n", "carol:x:1005:5:::\neve:x:1005:5:::\n"]
    {
        let facts = Facts { local: Local::parse(passwd, marker), ..carol() };
        assert_eq!(touching(&facts, |_| {}), Err(Refusal::NotLocal(name("carol"))), "{passwd:?}");
    }
}

#[test]
fn an_account_is_deleted_only_when_it_is_idle_and_its_home_is_its_own() {
    let deleting = |facts: &Facts| known(&config(), &name("carol"), facts, Change::Delete);
    assert_eq!(deleting(&Facts { home: HomeFolder::Absent, ..carol() }), Ok(()));
    let busy = Facts { process: Some(77), ..carol() };
    assert_eq!(deleting(&busy), Err(Refusal::Busy(name("carol"), 77)));
    assert_eq!(known(&config(), &name("carol"), &busy, Change::Password), Ok(()));
    for home in [HomeFolder::Folder(1007), HomeFolder::Folder(0), HomeFolder::Other(1005)] {
        assert_eq!(deleting(&Facts { home, ..carol() }), Err(Refusal::Home(name("carol"))), "{home:?}");
    }
    let mut moved = carol();
    moved.account = moved.account.map(|account| Account { home: "/home/alice".into(), ..account });
    assert_eq!(deleting(&moved), Err(Refusal::Home(name("carol"))));
}

#[test]
fn a_service_of_the_configuration_keeps_its_account() {
    let service = |config: &mut Config| {
        let mut service = Service::new(ServiceName::parse("grades").unwrap());
        service.user = Some(name("carol"));
        config.services.push(service);
    };
    assert_eq!(touching(&carol(), service), Err(Refusal::Service(name("carol"))));
}
