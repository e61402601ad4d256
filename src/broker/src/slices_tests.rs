//! The drop-ins of slices: what stands in them, and when they change.

use super::*;
use hubd_base::limits::Rule;
use hubd_base::names::UserName;

const MACHINE: u64 = 10 << 30;

fn limits(said: &[(Limit, &str)]) -> Limits {
    said.iter().map(|(limit, text)| (*limit, Amount::parse(*limit, text).unwrap().unwrap())).collect()
}

fn together(rules: &Rules, user: &str) -> [(String, String); 3] {
    let name = UserName::parse(user).unwrap();
    Together::new(rules, Person { name: &name, groups: &[] }, format!("jupyter-{user}.slice"), MACHINE).files
}

fn body(text: &str) -> &str {
    text.strip_prefix(HEAD).unwrap_or(text)
}

#[test]
fn every_amount_is_written_as_unit_files_have_it() {
    let said = [
        (Limit::MemoryMax, "50%"),
        (Limit::MemorySwapMax, "0"),
        (Limit::CpuQuota, "150%"),
        (Limit::CpuWeight, "20"),
        (Limit::IoReadBandwidth, "/a \"b\" 5M, /srv infinity"),
        (Limit::TasksMax, "infinity"),
    ];
    let [(slice, all), ..] = together(&Rules { all_together: limits(&said), ..Rules::default() }, "alice");
    assert_eq!(slice, "jupyter.slice");
    assert_eq!(
        body(&all),
        "MemoryMax=5368709120\nMemorySwapMax=0\nCPUQuota=150%\nCPUWeight=20\n\
         IOReadBandwidthMax=\"/a \\\"b\\\"\" 5000000\n"
    );
}

#[test]
fn who_is_like_everybody_has_no_file_of_their_own() {
    let mut rules = Rules::default();
    assert!(together(&rules, "alice").iter().all(|(_, text)| text.is_empty()));
    rules.everybody.per_person = limits(&[(Limit::TasksMax, "500")]);
    let alice = UserName::parse("alice").unwrap();
    let special = limits(&[(Limit::MemoryMax, "1G"), (Limit::TasksMax, "infinity")]);
    rules.users.insert(alice, Rule { per_person: special, ..Rule::default() });
    let [_, (every, everybody), (own, alices)] = together(&rules, "alice");
    assert_eq!((every.as_str(), own.as_str()), ("jupyter-.slice", "jupyter-alice.slice"));
    assert_eq!((body(&everybody), body(&alices)), ("TasksMax=500\n", "MemoryMax=1073741824\n"));
    let [.., (_, bobs)] = together(&rules, "bob");
    assert_eq!(bobs, "");
    // Without any limit where everybody has one: an empty file hides theirs.
    let free = Rule { per_person: limits(&[(Limit::TasksMax, "infinity")]), ..Rule::default() };
    rules.users.insert(UserName::parse("carol").unwrap(), free);
    let [.., (_, carols)] = together(&rules, "carol");
    assert_eq!(carols, HEAD);
}

#[test]
fn a_file_is_written_once_and_goes_with_its_rule() {
    let units = std::env::temp_dir().join(format!("hub-broker-slices-{}", std::process::id()));
    let files = |text: &str| [("jupyter.slice".to_owned(), text.to_owned())];
    let path = units.join("jupyter.slice.d/05-hub.conf");
    assert!(!write_all(&units, &files("")).unwrap(), "nothing to do");
    assert!(write_all(&units, &files("a")).unwrap());
    assert!(!write_all(&units, &files("a")).unwrap(), "the same again");
    assert!(write_all(&units, &files("b")).unwrap());
    assert_eq!(fs::read_to_string(&path).unwrap(), "b");
    let mode = std::os::unix::fs::PermissionsExt::mode(&fs::metadata(&path).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o644);
    fs::write(path.with_file_name("10-site.conf"), "theirs").unwrap();
    assert!(write_all(&units, &files("")).unwrap());
    assert!(!path.exists() && path.with_file_name("10-site.conf").exists());
    fs::remove_dir_all(&units).unwrap();
}
