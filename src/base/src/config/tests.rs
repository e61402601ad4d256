//! The configuration: what is taken, what is refused and in which words, which file wins.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use super::tables::Table;
use super::{
    Allow, Config, CustomScope, Group, Key, NEVER, Origin, Principal, Profile, Role, ServerKind, Service, keys, limits,
    load, reference,
};
use crate::limits::{Amount, Limit, Limits, Rule, Rules};
use crate::names::UserName;

mod idle;
mod limited;
mod profiles;
mod sandbox;
mod scopes;
mod services;
mod tables;

/// A folder of its own for each test, removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(files: &[(&str, &str)]) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("hubd-config-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let folder = Self(std::env::temp_dir().join(name));
        fs::create_dir_all(folder.0.join("hub.toml.d")).unwrap();
        for (name, text) in files {
            folder.write(name, text.as_bytes(), 0o644);
        }
        folder
    }

    fn write(&self, name: &str, bytes: &[u8], mode: u32) {
        let path = self.0.join(name);
        fs::write(&path, bytes).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    }

    fn path(&self) -> &Path {
        &self.0
    }

    /// The mistakes, with the folder's own path taken off.
    fn mistakes(&self) -> Vec<String> {
        let prefix = format!("{}/", self.0.display());
        let errors = load(self.path()).unwrap_err();
        errors.iter().map(|error| error.to_string().replace(&prefix, "")).collect()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn read(text: &str) -> Config {
    load(Folder::new(&[("hub.toml", text)]).path()).unwrap().config
}

fn mistake(text: &str) -> String {
    let mistakes = Folder::new(&[("hub.toml", text)]).mistakes();
    assert_eq!(mistakes.len(), 1, "{mistakes:?}");
    mistakes.concat()
}

#[test]
fn no_file_and_an_empty_file_are_the_defaults() {
    let missing = load(Path::new("/nowhere/hub")).unwrap();
    assert_eq!(missing.config, Config::default());
    assert!(missing.files.is_empty());
    assert!(missing.values.iter().all(|value| value.origin == Origin::Default));
    assert_eq!(read(""), Config::default());
}

/// The shipped file with the # taken away from every key.
fn uncommented() -> String {
    reference()
        .lines()
        .map(|line| line.strip_prefix('#').filter(|l| !l.starts_with(' ')).unwrap_or(line))
        .fold(String::new(), |text, line| text + line + "\n")
}

#[test]
fn the_shipped_file_says_the_defaults_of_every_key() {
    assert_eq!(read(&reference()), Config::default());
    // with the # taken away from every key it is still valid and, its examples of tables apart, still the defaults
    let loaded = load(Folder::new(&[("hub.toml", &uncommented())]).path()).unwrap();
    let Config { hub, login, server, sandbox, limits, idle, .. } = loaded.config;
    let limits = Rules { everybody: limits.everybody, ..Rules::default() };
    let limits = Rules { everybody: Rule { per_person: Limits::default(), ..limits.everybody }, ..limits };
    assert_eq!(Config { hub, login, server, sandbox, limits, idle, ..Config::default() }, Config::default());
    let whole = keys().iter().filter(|key| key.default != "{}").map(|key| key.name);
    let mut names = whole.chain(limits::KEYS.iter().map(|key| key.name));
    let set = |name: &str| loaded.values.iter().any(|value| value.key == name && value.origin != Origin::Default);
    // empty tables set nothing
    assert!(names.all(set));
    assert!(reference().lines().all(|line| line.chars().count() <= 100));
}

#[test]
fn the_package_ships_the_reference() {
    let shipped = concat!(env!("CARGO_MANIFEST_DIR"), "/../../packaging/hub.toml");
    let text = fs::read_to_string(shipped).unwrap();
    assert!(
        text == reference(),
        "packaging/hub.toml is old: cargo run -p hubd-base --example reference > packaging/hub.toml"
    );
}

#[test]
fn every_key_is_documented() {
    fn words<T>(kind: &str, keys: &'static [Key<T>]) -> Vec<(String, &'static str)> {
        keys.iter().map(|key| (kind.to_owned(), key.name)).collect()
    }
    let document = |path: &str| fs::read_to_string(format!("{}/../../{path}", env!("CARGO_MANIFEST_DIR"))).unwrap();
    let (english, chinese) = (document("docs/configuration.md"), document("docs/zh-CN/configuration.md"));
    let manual = document("packaging/man/hub.toml.5");
    let of_limits = limits::KEYS.iter().map(|key| (key.name, key.default));
    for (name, default) in keys().iter().map(|key| (key.name, key.default)).chain(of_limits) {
        let (section, word) = name.split_once('.').unwrap();
        assert!(english.contains(&format!("\n### {name}\n")), "{name}");
        assert!(chinese.contains(&format!("\n| `{name}` | `{default}` | ")), "{name}");
        let part = manual.split(&format!("\n.Ss [{section}]\n")).nth(1).unwrap().split("\n.Ss").next().unwrap();
        assert!(part.contains(&format!("\n.It Cm {word} No = ")), "{name}");
    }
    let tables = [
        words(Profile::WORD, Profile::KEYS),
        words(Service::WORD, Service::KEYS),
        words(Role::WORD, Role::KEYS),
        words(CustomScope::WORD, CustomScope::KEYS),
        words(Group::WORD, Group::KEYS),
    ];
    for (kind, word) in tables.concat() {
        let part = english.split(&format!("\n### {kind}\n")).nth(1).unwrap().split("\n##").next().unwrap();
        assert!(part.contains(&format!("\n| `{word}` | ")), "{kind}: {word}");
        let part = chinese.split(&format!("：`[[{kind}]]`\n")).nth(1).unwrap().split("\n##").next().unwrap();
        assert!(part.contains(&format!("\n| `{word}` | ")), "{kind}: {word}");
        let part = manual.split(&format!("\n.Ss [[{kind}]]\n")).nth(1).unwrap().split("\n.El").next().unwrap();
        assert!(part.contains(&format!("\n.It Cm {word}")), "{kind}: {word}");
    }
}

#[test]
fn every_key_is_read() {
    let config = read(
        r#"
        [hub]
        base_url = "/jupyter"
        public_url = "https://Hub.example.org:443/"
        concurrent_starts = 5
        active_servers = 50
        token_lifetime_max = "90d"
        cookie_lifetime = "1d"
        metrics_need_token = false
        stopped_server_status = 503
        oauth_require_pkce = true
        [login]
        allow = ["alice", "@students"]
        block = ["mallory"]
        admins = ["@staff"]
        admin_access = true
        allow_root = true
        [server]
        kind = "singleuser"
        named_limit = 3
        oauth_client_allowed_scopes = ["read:users", "servers!user"]
        token_scopes = ["users:activity!user"]
        command = ["/opt/lab/bin/jupyter-lab", "--debug"]
        environment = { B = "2", A = "1" }
        directory = "~/notebooks"
        default_url = "/tree?x=1"
        language = "zh-CN"
        start_timeout = "1h 30min"
        stop_timeout = "never"
        [limits]
        memory_max = "2G"
        memory_high = "1536M"
        cpu_quota = "150%"
        tasks_max = 512
        "#,
    );
    let user = |name: &str| Principal::User(UserName::parse(name).unwrap());
    let group = |name: &str| Principal::Group(name.to_owned());
    assert_eq!(config.hub.base_url, "/jupyter/");
    assert_eq!(config.hub.public_url.unwrap(), "https://hub.example.org");
    assert_eq!((config.hub.concurrent_starts, config.hub.active_servers), (Some(5), Some(50)));
    assert_eq!(config.hub.token_lifetime_max, Duration::from_secs(90 * 86400));
    assert_eq!(config.hub.cookie_lifetime, Duration::from_secs(86400));
    assert!(!config.hub.metrics_need_token && config.hub.oauth_require_pkce);
    assert_eq!(config.hub.stopped_server_status, 503);
    assert_eq!(config.server.kind, ServerKind::Singleuser);
    assert_eq!(config.server.named_limit, Some(3));
    assert_eq!(config.server.oauth_client_allowed_scopes, ["read:users", "servers!user"]);
    assert_eq!(config.server.token_scopes, ["users:activity!user"]);
    assert_eq!(config.login.allow, Allow::Only(vec![user("alice"), group("students")]));
    assert_eq!(config.login.block, [user("mallory")]);
    assert_eq!(config.login.admins, [group("staff")]);
    assert!(config.login.admin_access && config.login.allow_root);
    assert_eq!(config.server.command.unwrap(), ["/opt/lab/bin/jupyter-lab", "--debug"]);
    assert_eq!(config.server.environment, [("A", "1"), ("B", "2")].map(|(k, v)| (k.to_owned(), v.to_owned())));
    assert_eq!(config.server.directory, "~/notebooks");
    assert_eq!(config.server.default_url, "/tree?x=1");
    assert_eq!(config.server.language.unwrap(), "zh_CN");
    assert_eq!(config.server.start_timeout, Duration::from_secs(5400));
    assert_eq!(config.server.stop_timeout, NEVER);
    let limits = [
        (Limit::MemoryMax, Amount::Number(2 << 30)),
        (Limit::MemoryHigh, Amount::Number(1536 << 20)),
        (Limit::CpuQuota, Amount::Number(150)),
        (Limit::TasksMax, Amount::Number(512)),
    ];
    assert_eq!(config.limits.everybody.server, Limits::from_iter(limits));
}

#[test]
fn no_limit_is_said_in_two_ways() {
    for none in ["0", "\"infinity\""] {
        let config = read(&format!("[hub]\nconcurrent_starts = {none}\nactive_servers = {none}"));
        assert_eq!((config.hub.concurrent_starts, config.hub.active_servers), (None, None));
    }
    // of servers with a name, 0 is none
    assert_eq!(read("[server]\nnamed_limit = 0").server.named_limit, Some(0));
    assert_eq!(read("[server]\nnamed_limit = \"infinity\"").server.named_limit, None);
}

#[test]
fn every_mistake_names_file_line_key_and_what_was_expected() {
    let time = "expected a time such as \"60s\" or \"never\", got";
    let names = "expected a list of names such as [\"alice\", \"@students\"], got";
    for (text, message) in [
        ("[login]\nalow = 1", "hub.toml:2: login.alow: unknown key; did you mean login.allow?".to_owned()),
        ("[server]\nallow = 1", "hub.toml:2: server.allow: unknown key; did you mean login.allow?".to_owned()),
        ("start_timeout = 1", "hub.toml:1: start_timeout: unknown key; did you mean server.start_timeout?".to_owned()),
        ("[sever]\nx = 1", "hub.toml:1: sever: unknown section; did you mean [server]?".to_owned()),
        ("[quite-something-else]", "hub.toml:1: quite-something-else: unknown section".to_owned()),
        ("[hub]\nquite_something_else = 1", "hub.toml:2: hub.quite_something_else: unknown key".to_owned()),
        ("limits = 5", "hub.toml:1: limits: expected a section [limits] with keys, got 5".to_owned()),
        ("[[server]]", "hub.toml:1: server: expected a section [server] with keys, got [{}]".to_owned()),
        ("\n[server]\nstart_timeout = 5.5", format!("hub.toml:3: server.start_timeout: {time} 5.5")),
        ("[server]\nstart_timeout = 60", format!("hub.toml:2: server.start_timeout: {time} 60")),
        ("[server]\nstart_timeout = \"60\"", format!("hub.toml:2: server.start_timeout: {time} \"60\"")),
        ("[server]\nstart_timeout = \"5 parsecs\"", format!("hub.toml:2: server.start_timeout: {time} \"5 parsecs\"")),
        ("[server]\nstart_timeout = \"-5s\"", format!("hub.toml:2: server.start_timeout: {time} \"-5s\"")),
        ("[server]\nstart_timeout = \"\"", format!("hub.toml:2: server.start_timeout: {time} \"\"")),
        (
            "[server]\nstop_timeout = \"0s\"",
            "hub.toml:2: server.stop_timeout: expected a time above zero and below a hundred years, got \"0s\"".to_owned(),
        ),
        (
            "[server]\nstop_timeout = \"99999999999999999999w\"",
            format!("hub.toml:2: server.stop_timeout: {time} \"99999999999999999999w\""),
        ),
        (
            "[login]\nallow = \"everybody\"",
            "hub.toml:2: login.allow: expected \"all\" or a list such as [\"alice\", \"@students\"], got \"everybody\"".to_owned(),
        ),
        ("[login]\nadmins = \"root\"", format!("hub.toml:2: login.admins: {names} \"root\"")),
        ("[login]\nadmins = [1]", format!("hub.toml:2: login.admins: {names} [1]")),
        (
            "[login]\nblock = [\"a/b\"]",
            "hub.toml:2: login.block: \"a/b\" is not the name of a user: the name has a character that is not allowed: /".to_owned(),
        ),
        ("[login]\nblock = [\"@\"]", "hub.toml:2: login.block: expected the name of a group after the @, got \"@\"".to_owned()),
        ("[login]\nallow_root = \"yes\"", "hub.toml:2: login.allow_root: expected true or false, got \"yes\"".to_owned()),
        (
            "[hub]\nbase_url = \"hub\"",
            "hub.toml:2: hub.base_url: expected a path such as \"/\" or \"/jupyter/\", got \"hub\"".to_owned(),
        ),
        (
            "[hub]\nbase_url = \"/a/../b\"",
            "hub.toml:2: hub.base_url: expected a path such as \"/\" or \"/jupyter/\", got \"/a/../b\"".to_owned(),
        ),
        (
            "[hub]\npublic_url = \"https://hub.example.org/jupyter/\"",
            "hub.toml:2: hub.public_url: expected \"\" or an address such as \"https://hub.example.org\", without a path (which is hub.base_url), got \"https://hub.example.org/jupyter/\"".to_owned(),
        ),
        (
            "[hub]\nconcurrent_starts = -1",
            "hub.toml:2: hub.concurrent_starts: expected a number such as 5, or \"infinity\", got -1".to_owned(),
        ),
        (
            "[server]\nnamed_limit = 4294967296",
            "hub.toml:2: server.named_limit: expected a number such as 5, or \"infinity\", got 4294967296".to_owned(),
        ),
        (
            "[hub]\nstopped_server_status = 404",
            "hub.toml:2: hub.stopped_server_status: expected 424 or 503, got 404".to_owned(),
        ),
        (
            "[server]\nkind = \"notebook\"",
            "hub.toml:2: server.kind: expected \"lab\" or \"singleuser\", got \"notebook\"".to_owned(),
        ),
        (
            "[server]\ncommand = [\"jupyter-lab\"]",
            "hub.toml:2: server.command: expected an absolute path as the first entry, got \"jupyter-lab\"".to_owned(),
        ),
        (
            "[server]\ncommand = \"/usr/bin/jupyter-lab\"",
            "hub.toml:2: server.command: expected a list such as [\"/usr/bin/jupyter-lab\"], got \"/usr/bin/jupyter-lab\"".to_owned(),
        ),
        (
            "[server.environment]\nA = \"1\"\nB = 2",
            "hub.toml:3: server.environment.B: expected a string, got 2".to_owned(),
        ),
        (
            "[server]\nenvironment = { \"A-B\" = \"\" }",
            "hub.toml:2: server.environment.A-B: expected the name of a variable: letters, digits and _, not starting with a digit".to_owned(),
        ),
        ("[server]\nenvironment = 1", "hub.toml:2: server.environment: expected a table of strings, got 1".to_owned()),
        (
            "[server]\ndirectory = \"notebooks\"",
            "hub.toml:2: server.directory: expected \"~\", \"~/folder\" or an absolute path, got \"notebooks\"".to_owned(),
        ),
        (
            "[server]\ndefault_url = \"//evil.example\"",
            "hub.toml:2: server.default_url: expected a path such as \"/lab\" or \"/tree\", got \"//evil.example\"".to_owned(),
        ),
        (
            "[server]\nlanguage = \"Chinese (simplified)\"",
            "hub.toml:2: server.language: expected \"\" or a language such as \"zh_CN\", got \"Chinese (simplified)\"".to_owned(),
        ),
    ] {
        assert_eq!(mistake(text), message, "{text}");
    }
}

#[test]
fn text_that_is_not_toml_names_the_line() {
    for (text, start) in [
        ("[login]\nallow = \n", "hub.toml:2: not valid TOML: "),
        ("[login]\nallow_root = true\nallow_root = true\n", "hub.toml:3: not valid TOML: duplicate key"),
        ("[login\n", "hub.toml:1: not valid TOML: "),
    ] {
        let mistakes = Folder::new(&[("hub.toml", text)]).mistakes();
        assert!(mistakes.first().is_some_and(|first| first.starts_with(start)), "{mistakes:?}");
    }
}

#[test]
fn all_mistakes_of_all_files_are_told_at_once() {
    let folder = Folder::new(&[
        ("hub.toml", "[login]\nalow = 1\nallow_root = 2\n[limits]\ncpu_quota = 3"),
        ("hub.toml.d/10-a.toml", "[hub"),
        ("hub.toml.d/20-b.toml", "[server]\nlanguage = 4"),
    ]);
    let places: Vec<String> =
        folder.mistakes().iter().map(|line| line.split(' ').take(2).collect::<Vec<_>>().join(" ")).collect();
    assert_eq!(
        places,
        [
            "hub.toml:2: login.alow:",
            "hub.toml:3: login.allow_root:",
            "hub.toml:5: limits.cpu_quota:",
            "hub.toml.d/10-a.toml:1: not",
            "hub.toml.d/20-b.toml:2: server.language:",
        ]
    );
}

#[test]
fn a_mistake_is_told_even_when_a_later_file_sets_the_key_well() {
    let folder =
        Folder::new(&[("hub.toml", "[login]\nallow_root = 1"), ("hub.toml.d/a.toml", "[login]\nallow_root = true")]);
    assert_eq!(folder.mistakes(), ["hub.toml:2: login.allow_root: expected true or false, got 1"]);
}

#[test]
fn later_files_win_key_by_key_and_the_origin_is_known() {
    let folder = Folder::new(&[
        (
            "hub.toml",
            "[login]\nallow_root = true\n[server]\nlanguage = \"de\"\nenvironment = { A = \"main\", B = \"main\" }",
        ),
        ("hub.toml.d/20-late.toml", "[server]\n\nlanguage = \"zh_CN\"\nenvironment.C = \"late\""),
        ("hub.toml.d/10-early.toml", "[server]\nlanguage = \"fr\"\n[server.environment]\nB = \"early\""),
        ("hub.toml.d/README", "this is not read"),
        ("hub.toml.d/.hidden.toml", "nor is this"),
        ("hub.toml.d/30.toml.dpkg-old", "nor this"),
    ]);
    let loaded = load(folder.path()).unwrap();
    assert!(loaded.config.login.allow_root);
    assert_eq!(loaded.config.server.language.as_deref(), Some("zh_CN"));
    let environment = [("A", "main"), ("B", "early"), ("C", "late")];
    assert_eq!(loaded.config.server.environment, environment.map(|(k, v)| (k.to_owned(), v.to_owned())));
    let names: Vec<_> = loaded.files.iter().filter_map(|path| path.file_name()?.to_str()).collect();
    assert_eq!(names, ["hub.toml", "10-early.toml", "20-late.toml"]);

    let shown: Vec<(&str, &str, String)> = loaded
        .values
        .iter()
        .filter_map(|value| match &value.origin {
            Origin::Default => None,
            Origin::File { path, line } => {
                let name = path.file_name()?.to_str()?;
                Some((value.key.as_str(), value.text.as_str(), format!("{name}:{line}")))
            }
        })
        .collect();
    assert_eq!(
        shown,
        [
            ("login.allow_root", "true", "hub.toml:2".to_owned()),
            ("server.environment.A", "\"main\"", "hub.toml:5".to_owned()),
            ("server.environment.B", "\"early\"", "10-early.toml:4".to_owned()),
            ("server.environment.C", "\"late\"", "20-late.toml:4".to_owned()),
            ("server.language", "\"zh_CN\"", "20-late.toml:3".to_owned()),
        ]
    );
}

#[test]
fn the_limits_of_two_files_are_compared() {
    let folder = Folder::new(&[
        ("hub.toml", "[limits]\nmemory_high = \"2G\""),
        ("hub.toml.d/a.toml", "[limits]\nmemory_max = \"1G\""),
    ]);
    let mistakes = folder.mistakes();
    assert_eq!(mistakes.len(), 1);
    assert!(mistakes.concat().starts_with("hub.toml:2: limits.memory_high: "));
}

#[test]
fn a_file_others_could_change_is_refused() {
    let folder = Folder::new(&[]);
    folder.write("hub.toml", b"", 0o646);
    assert_eq!(folder.mistakes(), ["hub.toml: must not be writable by others (chmod go-w)"]);
}

#[test]
fn a_file_that_is_no_text_is_refused() {
    let folder = Folder::new(&[]);
    folder.write("hub.toml", b"[hub]\n# \xff\n", 0o644);
    folder.write("hub.toml.d/big.toml", &vec![b'\n'; (1 << 20) + 1], 0o644);
    fs::create_dir(folder.path().join("hub.toml.d/folder.toml")).unwrap();
    assert_eq!(
        folder.mistakes(),
        [
            "hub.toml: is not UTF-8 text",
            "hub.toml.d/big.toml: is larger than 1 MiB",
            "hub.toml.d/folder.toml: is not a file"
        ]
    );
}

#[test]
fn values_are_shown_as_toml_that_reads_back() {
    let text = "[server]\ncommand = [\n  \"/x\", # why\n  'a\\b', \"q\\\"\\n\",\n]\nenvironment = {}\n";
    let loaded = load(Folder::new(&[("hub.toml", text)]).path()).unwrap();
    let shown = &loaded.values.iter().find(|value| value.key == "server.command").unwrap().text;
    assert_eq!(shown, r#"["/x", "a\\b", "q\"\n"]"#);
    assert_eq!(read(&format!("[server]\ncommand = {shown}")), loaded.config);
}
