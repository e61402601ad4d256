//! Tables with a name: how they merge, what is told of their mistakes, what is shown of them.

use super::{Folder, load, mistake, read, reference, uncommented};
use crate::config::tables::Table;
use crate::config::{Config, CustomScope, Group, Origin, Role, Service};
use crate::limits::{Amount, Limit};
use crate::names::{ServiceName, UserName};

/// As design and contract write it.
const CLASSIC: &str = r#"
[[service]]
name = "idle-culler"
command = ["python3", "-m", "jupyterhub_idle_culler", "--timeout=3600"]

[[role]]
name = "list-and-cull"
services = ["idle-culler"]
scopes = ["list:users", "read:users:activity", "admin:servers"]
"#;

fn service(name: &str) -> Service {
    Service::new(ServiceName::parse(name).unwrap())
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

fn users(names: &[&str]) -> Vec<UserName> {
    names.iter().map(|name| UserName::parse(name).unwrap()).collect()
}

fn classic() -> (Service, Role) {
    let mut culler = service("idle-culler");
    culler.command = words(&["python3", "-m", "jupyterhub_idle_culler", "--timeout=3600"]);
    let role = Role {
        name: "list-and-cull".to_owned(),
        description: String::new(),
        scopes: Some(words(&["list:users", "read:users:activity", "admin:servers"])),
        users: Vec::new(),
        groups: Vec::new(),
        services: vec![culler.name.clone()],
    };
    (culler, role)
}

#[test]
fn the_classic_culler_is_read_as_it_is_written() {
    let (culler, role) = classic();
    assert_eq!(read(CLASSIC), Config { services: vec![culler], roles: vec![role], ..Config::default() });
}

#[test]
fn the_examples_of_the_shipped_file_are_what_they_say() {
    let (culler, role) = classic();
    let config = read(&uncommented());
    assert_eq!(config.services, [culler]);
    assert_eq!(config.roles, [role]);
    let scope = CustomScope {
        name: "custom:grades:read".to_owned(),
        description: "Read all grades".to_owned(),
        subscopes: Vec::new(),
    };
    assert_eq!(config.custom_scopes, [scope]);
    let group = Group { name: "class-a".to_owned(), users: users(&["alice", "bob"]), properties: Vec::new() };
    assert_eq!(config.groups, [group]);
}

/// What the list of keys calls the default is the default of the type.
#[test]
fn every_default_is_the_default() {
    fn with_every_key_at_its_default<T: Table>() -> Config {
        let name = format!("[[{}]]\nname = \"{}\"\n", T::WORD, T::EXAMPLE);
        // a custom scope must be described
        let keys = T::KEYS.iter().filter(|key| !(T::WORD == "custom_scope" && key.name == "description"));
        let text = keys.fold(name, |text, key| format!("{text}{} = {}\n", key.name, key.default));
        assert!(reference().contains(&format!("#[[{}]]\n", T::WORD)));
        read(&text.replace("[[custom_scope]]", "[[custom_scope]]\ndescription = \"x\""))
    }
    assert_eq!(with_every_key_at_its_default::<Service>().services, [service("idle-culler")]);
    let role = with_every_key_at_its_default::<Role>().roles.remove(0);
    assert_eq!(Role { scopes: None, ..role }, Role::new("list-and-cull").unwrap());
    let scope = with_every_key_at_its_default::<CustomScope>().custom_scopes.remove(0);
    let bare = CustomScope::new("custom:grades:read").unwrap();
    assert_eq!(scope, CustomScope { description: "x".to_owned(), ..bare });
    assert_eq!(with_every_key_at_its_default::<Group>().groups, [Group::new("class-a").unwrap()]);
}

#[test]
fn tables_of_the_same_name_merge_key_by_key_across_files() {
    let folder = Folder::new(&[
        (
            "hub.toml",
            "[[service]]\nname = \"b\"\ncommand = [\"x\", \"y\"]\nenvironment = { A = \"1\", B = \"1\" }\nlimits = { tasks_max = 20 }\n\
             [[service]]\nname = \"a\"\ndisplay = false",
        ),
        (
            "hub.toml.d/late.toml",
            "[[service]]\nname = \"c\"\n[[service]]\nname = \"b\"\ncommand = [\"z\"]\nenvironment.B = \"2\"\nlimits.memory_max = \"1G\"",
        ),
    ]);
    let config = load(folder.path()).unwrap().config;
    let names: Vec<&str> = config.services.iter().map(|service| service.name.as_str()).collect();
    assert_eq!(names, ["b", "a", "c"]);
    let b = &config.services[0];
    assert_eq!(b.command, ["z"]);
    assert_eq!(b.environment, [("A", "1"), ("B", "2")].map(|(k, v)| (k.to_owned(), v.to_owned())));
    let limits = [(Limit::MemoryMax, Amount::Number(1 << 30)), (Limit::TasksMax, Amount::Number(20))];
    assert_eq!(b.limits, limits.into_iter().collect());
    assert!(!config.services[1].display);
    assert_eq!(config.services[2], service("c"));
}

#[test]
fn every_value_is_shown_with_its_origin_and_tokens_are_not() {
    let folder = Folder::new(&[
        (
            "hub.toml",
            "[[service]]\nname = \"a\"\napi_token = \"secret-secret\"\ninfo = { b = \"2\", a = \"1\" }\n[[group]]\nname = \"x y\"",
        ),
        ("hub.toml.d/late.toml", "\n[[service]]\nname = \"a\"\ndisplay = false"),
    ]);
    let loaded = load(folder.path()).unwrap();
    let line = |value: &super::super::Value| {
        let origin = match &value.origin {
            Origin::Default => "default".to_owned(),
            Origin::File { path, line } => format!("{}:{line}", path.file_name().unwrap().to_string_lossy()),
        };
        format!("{} = {} {origin}", value.key, value.text)
    };
    let shown: Vec<String> = loaded.values.iter().filter(|value| value.key.contains('[')).map(line).collect();
    assert_eq!(
        shown,
        [
            "service[a].name = \"a\" late.toml:3",
            "service[a].url = \"\" default",
            "service[a].command = [] default",
            "service[a].environment = {} default",
            "service[a].user = \"\" default",
            "service[a].directory = \"\" default",
            "service[a].api_token = \"(hidden)\" hub.toml:3",
            "service[a].admin = false default",
            "service[a].oauth_client_id = \"\" default",
            "service[a].oauth_redirect_uri = \"\" default",
            "service[a].oauth_client_allowed_scopes = [] default",
            "service[a].oauth_no_confirm = false default",
            "service[a].info.a = \"1\" hub.toml:4",
            "service[a].info.b = \"2\" hub.toml:4",
            "service[a].display = false late.toml:4",
            "service[a].timeout = \"30s\" default",
            "service[a].limits = {} default",
            "service[a].restart = \"on-failure\" default",
            "group[x y].name = \"x y\" hub.toml:6",
            "group[x y].users = [] default",
            "group[x y].properties = {} default",
        ]
    );
    assert_eq!(loaded.config.services[0].api_token.as_ref().unwrap().expose(), b"secret-secret");
    assert!(!format!("{loaded:?}").contains("secret-secret"));
}

#[test]
fn the_form_of_a_table_is_checked() {
    for (text, message) in [
        ("service = 5", "hub.toml:1: service: expected tables that each start with [[service]]"),
        ("[service]\nname = \"a\"", "hub.toml:1: service: expected tables that each start with [[service]]"),
        ("service = [\n1]", "hub.toml:2: service: expected tables that each start with [[service]]"),
        ("[[servce]]\nname = \"a\"", "hub.toml:1: servce: unknown section; did you mean [[service]]?"),
        ("[[services]]\nname = \"a\"", "hub.toml:1: services: unknown section; did you mean [[service]]?"),
        ("[[limit]]", "hub.toml:1: limit: unknown section; did you mean [limits]?"),
        ("\n[[role]]\nusers = []", "hub.toml:2: role: expected a name such as name = \"list-and-cull\""),
        ("[[role]]\nname = 1", "hub.toml:2: role.name: expected a name such as name = \"list-and-cull\", got 1"),
        (
            "[[service]]\n\nname = \"a b\"",
            "hub.toml:3: service.name: \"a b\" is not the name of a service: the name has a character that is not allowed:  ",
        ),
        (
            "[[group]]\nname = \"a\"\n[[group]]\nname = \"a\"",
            "hub.toml:4: group[a].name: this name is taken by the table in line 2 of the same file",
        ),
        ("[[service]]\nname = \"a\"\ncomand = []", "hub.toml:3: service[a].comand: unknown key; did you mean command?"),
        (
            "[[service]]\nname = \"a\"\nquite_something_else = []",
            "hub.toml:3: service[a].quite_something_else: unknown key",
        ),
    ] {
        assert_eq!(mistake(text), message, "{text}");
    }
}

#[test]
fn all_mistakes_of_a_table_are_told_even_when_its_name_is_wrong() {
    let text = "[[service]]\nname = \"..\"\ncommand = 1\n[[service]]\nurl = 2\n[[service]]\nname = \"a\"\nuser = 3\ndisplay = 4";
    let places: Vec<String> = Folder::new(&[("hub.toml", text)])
        .mistakes()
        .iter()
        .map(|line| line.split(' ').take(2).collect::<Vec<_>>().join(" "))
        .collect();
    assert_eq!(
        places,
        [
            "hub.toml:2: service.name:",
            "hub.toml:3: service.command:",
            "hub.toml:4: service:",
            "hub.toml:5: service.url:",
            "hub.toml:8: service[a].user:",
            "hub.toml:9: service[a].display:",
        ]
    );
}
