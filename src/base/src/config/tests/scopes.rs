//! `[[role]]`, `[[custom_scope]]` and `[[group]]`: which values are taken and which are refused.

use super::{Folder, load, mistake, read};
use crate::config::{CustomScope, Group};
use crate::names::UserName;

#[test]
fn every_key_of_a_role_is_read_and_what_is_missing_is_empty() {
    let config = read(
        r#"
        [[role]]
        name = "teachers"
        description = "See who is there"
        scopes = ["list:users", "access:servers!group=class a", "(no_scope)", "custom:x-*:y", "servers!user"]
        users = ["alice"]
        groups = ["staff", "班级 1"]
        [[role]]
        name = "user"
        "#,
    );
    let role = &config.roles[0];
    assert_eq!(role.description, "See who is there");
    let scopes = ["list:users", "access:servers!group=class a", "(no_scope)", "custom:x-*:y", "servers!user"];
    assert_eq!(role.scopes.as_deref().unwrap(), scopes);
    assert_eq!(role.users.iter().map(UserName::as_str).collect::<Vec<_>>(), ["alice"]);
    assert_eq!(role.groups, ["staff", "班级 1"]);
    let role = &config.roles[1];
    assert_eq!((role.scopes.as_ref(), role.users.len(), role.groups.len(), role.services.len()), (None, 0, 0, 0));
}

#[test]
fn every_key_of_custom_scopes_and_groups_is_read() {
    let config = read(
        r#"
        [[custom_scope]]
        name = "custom:grades:write"
        description = "Write grades"
        subscopes = ["custom:grades:read"]
        [[custom_scope]]
        name = "custom:grades:read"
        description = "Read grades"
        [[group]]
        name = "class a"
        users = ["bob", "alice"]
        properties = { room = "4.12" }
        "#,
    );
    let scope = |name: &str, description: &str, subscopes: &[&str]| CustomScope {
        name: name.to_owned(),
        description: description.to_owned(),
        subscopes: subscopes.iter().map(|scope| (*scope).to_owned()).collect(),
    };
    assert_eq!(
        config.custom_scopes,
        [
            scope("custom:grades:write", "Write grades", &["custom:grades:read"]),
            scope("custom:grades:read", "Read grades", &[]),
        ]
    );
    let Group { name, users, properties } = &config.groups[0];
    assert_eq!(name, "class a");
    assert_eq!(users.iter().map(UserName::as_str).collect::<Vec<_>>(), ["bob", "alice"]);
    assert_eq!(*properties, [("room".to_owned(), "4.12".to_owned())]);
}

#[test]
fn impossible_values_are_refused() {
    let role = "expected 3 to 255 of a-z, 0-9 and -_~. with a letter first and a letter or digit last, got";
    let custom = "expected \"custom:\" and at least three of a-z, 0-9 and _-*: such as \"custom:grades:read\", got";
    let scope = "expected scopes such as \"read:users\" or \"servers!user=alice\", got";
    for (text, message) in [
        ("[[role]]\nname = \"ab\"", format!("hub.toml:2: role.name: {role} \"ab\"")),
        ("[[role]]\nname = \"Role\"", format!("hub.toml:2: role.name: {role} \"Role\"")),
        ("[[role]]\nname = \"role-\"", format!("hub.toml:2: role.name: {role} \"role-\"")),
        (
            "[[role]]\nname = \"abc\"\nscopes = \"self\"",
            "hub.toml:3: role[abc].scopes: expected a list of scopes such as [\"read:users\", \"servers!user=alice\"], got \"self\"".to_owned(),
        ),
        ("[[role]]\nname = \"abc\"\nscopes = [\"self\", \"Users\"]", format!("hub.toml:3: role[abc].scopes: {scope} \"Users\"")),
        ("[[role]]\nname = \"abc\"\nscopes = [\"\"]", format!("hub.toml:3: role[abc].scopes: {scope} \"\"")),
        ("[[role]]\nname = \"abc\"\nscopes = [\"users user\"]", format!("hub.toml:3: role[abc].scopes: {scope} \"users user\"")),
        ("[[role]]\nname = \"abc\"\nscopes = [\"users!\"]", format!("hub.toml:3: role[abc].scopes: {scope} \"users!\"")),
        ("[[role]]\nname = \"abc\"\nscopes = [\"users!group\"]", format!("hub.toml:3: role[abc].scopes: {scope} \"users!group\"")),
        ("[[role]]\nname = \"abc\"\nscopes = [\"users!user=\"]", format!("hub.toml:3: role[abc].scopes: {scope} \"users!user=\"")),
        ("[[role]]\nname = \"abc\"\nscopes = [\"users!room=1\"]", format!("hub.toml:3: role[abc].scopes: {scope} \"users!room=1\"")),
        (
            "[[role]]\nname = \"admin\"\nusers = [\"alice\"]\nscopes = [\"self\"]",
            "hub.toml:4: role[admin].scopes: the scopes of this role are fixed; a role with another name can have any".to_owned(),
        ),
        (
            "[[role]]\nname = \"abc\"\nusers = [\"@staff\"]",
            "hub.toml:3: role[abc].users: \"@staff\" is not the name of a user: the name must not start with \"@\"".to_owned(),
        ),
        (
            "[[role]]\nname = \"abc\"\ngroups = [\"\"]",
            "hub.toml:3: role[abc].groups: \"\" is not the name of a group: it is empty or has odd characters".to_owned(),
        ),
        (
            "[[role]]\nname = \"abc\"\nservices = [\"a/b\"]",
            "hub.toml:3: role[abc].services: \"a/b\" is not the name of a service: the name has a character that is not allowed: /".to_owned(),
        ),
        (
            "[[role]]\nname = \"abc\"\nservices = [\"culler\"]",
            "hub.toml:3: role[abc].services: no [[service]] has the name \"culler\"".to_owned(),
        ),
        ("[[role]]\nname = \"abc\"\ndescription = \"a\\nb\"", "hub.toml:3: role[abc].description: expected a string on one line, got \"a\\nb\"".to_owned()),
        ("[[custom_scope]]\nname = \"grades\"", format!("hub.toml:2: custom_scope.name: {custom} \"grades\"")),
        ("[[custom_scope]]\nname = \"custom:ab\"", format!("hub.toml:2: custom_scope.name: {custom} \"custom:ab\"")),
        ("[[custom_scope]]\nname = \"custom:ab:\"", format!("hub.toml:2: custom_scope.name: {custom} \"custom:ab:\"")),
        (
            "[[custom_scope]]\nname = \"custom:abc\"",
            "hub.toml:2: custom_scope[custom:abc].description: expected one sentence, which people are shown".to_owned(),
        ),
        (
            "[[custom_scope]]\nname = \"custom:abc\"\ndescription = \"x\"\nsubscopes = [\"users\"]",
            "hub.toml:4: custom_scope[custom:abc].subscopes: expected names of custom scopes, got \"users\"".to_owned(),
        ),
        (
            "[[custom_scope]]\nname = \"custom:abc\"\ndescription = \"x\"\nsubscopes = [\"custom:abd\"]",
            "hub.toml:4: custom_scope[custom:abc].subscopes: no [[custom_scope]] has the name \"custom:abd\"".to_owned(),
        ),
        (
            "[[custom_scope]]\nname = \"custom:abc\"\ndescription = \"x\"\nsubscopes = [\"custom:abc\"]",
            "hub.toml:4: custom_scope[custom:abc].subscopes: one of them leads back to this scope".to_owned(),
        ),
        (
            "[[group]]\nname = \" \"",
            "hub.toml:2: group.name: \" \" is not the name of a group: it is empty or has odd characters".to_owned(),
        ),
        ("[[group]]\nname = \"a\"\nproperties = { b = 1 }", "hub.toml:3: group[a].properties.b: expected a string, got 1".to_owned()),
        (
            "[[group]]\nname = \"a\"\nproperties = { \"\" = \"\" }",
            "hub.toml:3: group[a].properties.: expected a name that is not empty and has no control characters".to_owned(),
        ),
    ] {
        assert_eq!(mistake(text), message, "{text}");
    }
}

#[test]
fn custom_scopes_that_lead_back_through_another_file_are_found() {
    let one = |name: &str, part: &str| {
        format!("[[custom_scope]]\nname = \"custom:{name}\"\ndescription = \"x\"\nsubscopes = [\"custom:{part}\"]\n")
    };
    let folder = Folder::new(&[
        ("hub.toml", &(one("aaa", "bbb") + &one("bbb", "ccc"))),
        ("hub.toml.d/a.toml", &one("ccc", "bbb")),
    ]);
    assert_eq!(
        folder.mistakes(),
        [
            "hub.toml:8: custom_scope[custom:bbb].subscopes: one of them leads back to this scope",
            "hub.toml.d/a.toml:4: custom_scope[custom:ccc].subscopes: one of them leads back to this scope",
        ]
    );
}

#[test]
fn a_role_may_name_a_service_of_another_file() {
    let folder = Folder::new(&[
        ("hub.toml", "[[role]]\nname = \"abc\"\nservices = [\"a\"]"),
        ("hub.toml.d/a.toml", "[[service]]\nname = \"a\""),
    ]);
    assert_eq!(load(folder.path()).unwrap().config.roles[0].services[0].as_str(), "a");
}
