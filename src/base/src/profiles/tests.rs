//! Who may use which profile.

#![allow(clippy::unwrap_used)]

use super::{choose, usable, usual};
use crate::config::{Allow, Config, Principal, Profile};
use crate::limits::Person;
use crate::names::UserName;

fn config() -> Config {
    let profile = |name: &str, allow: Allow, default: bool| Profile { allow, default, ..Profile::new(name) };
    let staff = Allow::Only(vec![Principal::Group("staff".to_owned())]);
    let carol = Allow::Only(vec![Principal::User(UserName::parse("carol").unwrap())]);
    Config {
        profiles: vec![
            profile("small", Allow::All, false),
            profile("big", staff, true),
            profile("her own", carol, false),
            profile("usual", Allow::All, true),
        ],
        ..Config::default()
    }
}

fn names(user: &str, groups: &[&str]) -> (Vec<String>, Option<String>) {
    let (config, name) = (config(), UserName::parse(user).unwrap());
    let groups: Vec<String> = groups.iter().map(|group| (*group).to_owned()).collect();
    let person = Person { name: &name, groups: &groups };
    let names = usable(&config, person).map(|profile| profile.name.clone()).collect();
    (names, usual(&config, person).map(|profile| profile.name.clone()))
}

#[test]
fn a_profile_is_for_those_it_names_and_the_first_usual_one_of_theirs_is_taken() {
    let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    assert_eq!(names("alice", &["students"]), (owned(&["small", "usual"]), Some("usual".to_owned())));
    assert_eq!(names("bob", &["staff"]), (owned(&["small", "big", "usual"]), Some("big".to_owned())));
    assert_eq!(names("carol", &[]), (owned(&["small", "her own", "usual"]), Some("usual".to_owned())));
}

#[test]
fn a_choice_that_is_not_there_is_refused_with_those_that_are() {
    let (config, alice) = (config(), UserName::parse("alice").unwrap());
    let person = Person { name: &alice, groups: &[] };
    assert_eq!(choose(&config, person, "small").unwrap().unwrap().name, "small");
    assert_eq!(choose(&config, person, "").unwrap().unwrap().name, "usual");
    for name in ["big", "her own", "Small", "nothing"] {
        let refused = choose(&config, person, name).unwrap_err();
        assert_eq!(refused.to_string(), format!("There is no profile {name:?} here. Possible: small, usual."));
    }
    let none = Config::default();
    assert_eq!(choose(&none, person, ""), Ok(None));
    let refused = choose(&none, person, "big").unwrap_err();
    assert_eq!(refused.to_string(), "There is no profile \"big\" here; servers start without one.");
}
