//! `[sandbox]`: around whom which wall stands.

use super::{Folder, load, mistake, read};
use crate::config::{Config, Sandbox, WALLS, Wall};
use crate::names::UserName;

fn stands(sandbox: &Sandbox, wall: Wall, user: &str, groups: &[&str]) -> bool {
    let groups: Vec<String> = groups.iter().map(|group| (*group).to_owned()).collect();
    sandbox.stands(wall, &UserName::parse(user).unwrap(), &groups, user == "admin")
}

#[test]
fn every_wall_stands_around_people_and_some_do_not_around_administrators() {
    let sandbox = Config::default().sandbox;
    for (word, wall) in WALLS {
        assert!(stands(&sandbox, wall, "alice", &["students"]), "{word}");
        let always = matches!(wall, Wall::PrivateTmp | Wall::HideProcesses | Wall::ProtectKernel);
        assert_eq!(stands(&sandbox, wall, "admin", &["sudo"]), always, "{word}");
    }
}

#[test]
fn each_wall_can_be_taken_down_put_up_and_left_to_the_hub() {
    for (word, wall) in WALLS {
        let [down, up, auto] =
            ["false", "true", "\"auto\""].map(|value| read(&format!("[sandbox]\n{word} = {value}")).sandbox);
        assert!(!stands(&down, wall, "alice", &[]) && !stands(&down, wall, "admin", &[]), "{word}");
        assert!(stands(&up, wall, "alice", &[]) && stands(&up, wall, "admin", &[]), "{word}");
        assert!(stands(&auto, wall, "alice", &[]) && !stands(&auto, wall, "admin", &[]), "{word}");
        for (other, untouched) in WALLS.iter().filter(|(_, other)| *other != wall) {
            assert!(stands(&down, *untouched, "alice", &[]), "{word} took {other} down");
        }
    }
}

#[test]
fn people_and_groups_can_be_excepted_from_single_walls() {
    let sandbox = read(
        "[sandbox]\nno_new_privileges = true\n\
         except = { \"@staff\" = [\"hide_homes\", \"no_new_privileges\"], carol = [\"close_devices\"] }",
    )
    .sandbox;
    assert!(!stands(&sandbox, Wall::HideHomes, "bob", &["users", "staff"]));
    assert!(!stands(&sandbox, Wall::NoNewPrivileges, "bob", &["staff"]));
    assert!(stands(&sandbox, Wall::CloseDevices, "bob", &["staff"]));
    assert!(!stands(&sandbox, Wall::CloseDevices, "carol", &["users"]));
    assert!(stands(&sandbox, Wall::HideHomes, "carol", &["users"]));
    assert!(stands(&sandbox, Wall::HideHomes, "staff", &[]), "a person of the group's name is not the group");
}

#[test]
fn exceptions_of_several_files_come_together_and_the_later_one_of_a_name_wins() {
    let folder = Folder::new(&[
        ("hub.toml", "[sandbox]\nexcept = { \"@staff\" = [\"hide_homes\"], bob = [\"private_tmp\"] }"),
        ("hub.toml.d/50-a.toml", "[sandbox.except]\n\"@staff\" = []\nalice = [\"close_devices\"]"),
    ]);
    let loaded = load(folder.path()).unwrap();
    let names: Vec<&str> = loaded.config.sandbox.except.iter().map(|(name, ..)| name.as_str()).collect();
    assert_eq!(names, ["@staff", "alice", "bob"]);
    assert!(stands(&loaded.config.sandbox, Wall::HideHomes, "dora", &["staff"]));
    assert!(loaded.values.iter().any(|value| value.key == "sandbox.except.alice"));
}

#[test]
fn what_is_no_wall_or_folder_is_told() {
    let expected = [
        (
            "[sandbox]\nhide_homes = \"yes\"",
            "hub.toml:2: sandbox.hide_homes: expected true, false or \"auto\" (not around administrators), got \"yes\"",
        ),
        (
            "[sandbox]\nexcept = { \"@staff\" = [\"hide_home\"] }",
            "hub.toml:2: sandbox.except.@staff: unknown wall \"hide_home\"; did you mean hide_homes?",
        ),
        ("[sandbox]\nexcept = { \"a b\" = [] }", "hub.toml:2: sandbox.except.a b: \"a b\" is not the name of a user: "),
        (
            "[sandbox]\nvisible = [\"home/shared\"]",
            "hub.toml:2: sandbox.visible: expected a list of folders such as [\"/srv/homes\"], got [\"home/shared\"]",
        ),
        ("[sandbox]\nhomes = [\"/\"]", "hub.toml:2: sandbox.homes: expected a list of folders such as"),
    ];
    for (text, message) in expected {
        let found = mistake(text);
        assert!(found.starts_with(message), "{found}");
    }
}
