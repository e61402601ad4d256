//! The property table, as systemd will read it.

use super::*;
use hubd_base::config::NEVER;
use hubd_base::lab::Source;
use hubd_base::names::{ServerName, UserName};
use std::time::Duration;

struct Case {
    id: ServerId,
    account: Account,
    admin: bool,
    config: Config,
    systemd: u32,
}

fn case(user: &str, server: &str) -> Case {
    let name = UserName::parse(user).unwrap();
    Case {
        id: ServerId::new(name.clone(), ServerName::parse(server).unwrap()),
        account: Account { name, uid: 1000, gid: 1000, home: "/home/x".into(), shell: "/bin/bash".into() },
        admin: false,
        config: Config::default(),
        systemd: 257,
    }
}

impl Case {
    fn properties(&self) -> Vec<Property> {
        let lab = Lab { argv0: "/usr/bin/jupyter-lab".into(), source: Source::Debian };
        properties(&Plan {
            id: &self.id,
            account: &self.account,
            admin: self.admin,
            lab: &lab,
            config: &self.config,
            systemd: self.systemd,
        })
    }

    fn get(&self, name: &str) -> Option<Value<'static>> {
        let mut found: Vec<_> = self.properties().into_iter().filter(|(key, _)| *key == name).collect();
        assert!(found.len() < 2, "{name} is there twice");
        found.pop().map(|(_, value)| value)
    }

    fn text(&self, name: &str) -> String {
        String::try_from(self.get(name).unwrap()).unwrap()
    }

    fn number(&self, name: &str) -> Option<u64> {
        self.get(name).map(|value| u64::try_from(value).unwrap())
    }

    fn argv(&self) -> Vec<String> {
        type Exec = Vec<(String, Vec<String>, Vec<String>)>;
        let mut exec = Exec::try_from(self.get("ExecStartEx").unwrap()).unwrap();
        let (program, argv, flags) = exec.pop().unwrap();
        assert!(exec.is_empty());
        assert_eq!(Some(&program), argv.first());
        assert_eq!(flags, ["no-env-expand"]);
        argv
    }

    fn environment(&self) -> Vec<String> {
        Vec::<String>::try_from(self.get("Environment").unwrap()).unwrap()
    }
}

#[test]
fn every_property_has_the_type_systemd_expects() {
    let mut case = case("alice", "");
    case.config.limits.memory_max = Some(1);
    case.config.limits.memory_high = Some(1);
    case.config.limits.cpu_quota = Some(1);
    case.config.limits.tasks_max = Some(1);
    for (name, value) in case.properties() {
        let expected = match name {
            "Documentation" | "Environment" => "as",
            "ExecStartEx" => "a(sasas)",
            "BindPaths" => "a(ssbt)",
            "LogExtraFields" => "aay",
            "TimeoutStartUSec" | "TimeoutStopUSec" | "MemoryMax" | "MemoryHigh" | "CPUQuotaPerSecUSec" | "TasksMax" => {
                "t"
            }
            "Description" | "Slice" | "Type" | "User" | "PAMName" | "WorkingDirectory" | "KillMode" | "OOMPolicy"
            | "SyslogIdentifier" | "ProtectProc" | "ProtectSystem" => "s",
            _ => "b",
        };
        assert_eq!(value.value_signature().to_string(), expected, "{name}");
    }
}

#[test]
fn a_named_server_has_its_own_unit_folder_and_address_in_its_persons_slice() {
    let case = case("a-b", "gpu");
    assert_eq!(case.text("Slice"), "jupyter-a\\x2db.slice");
    assert_eq!(case.text("User"), "a-b");
    let binds = <Vec<(String, String, bool, u64)>>::try_from(case.get("BindPaths").unwrap()).unwrap();
    assert_eq!(binds, [("/run/hub/servers/a-b,gpu".to_owned(), "/run/jupyter".to_owned(), false, 0)]);
    assert!(case.argv().contains(&"--ServerApp.base_url=/user/a-b/gpu/".to_owned()));
    let fields = Vec::<Vec<u8>>::try_from(case.get("LogExtraFields").unwrap()).unwrap();
    assert_eq!(
        fields,
        [b"HUB_USER=a-b".to_vec(), b"HUB_SERVER=gpu".to_vec(), b"HUB_UNIT=jupyter@a-b:gpu.service".to_vec()]
    );
}

#[test]
fn a_name_that_urls_cannot_hold_is_escaped_in_the_address_only() {
    let case = case("üser", "");
    assert!(case.argv().contains(&"--ServerApp.base_url=/user/%C3%BCser/".to_owned()));
    assert_eq!(case.text("User"), "üser");
}

#[test]
fn the_base_url_is_in_front_of_every_address() {
    let mut case = case("alice", "");
    case.config.hub.base_url = "/lab/".to_owned();
    let argv = case.argv();
    assert!(argv.contains(&"--ServerApp.base_url=/lab/user/alice/".to_owned()));
    assert!(argv.contains(&"--ServerApp.tornado_settings=hub_prefix=/lab/hub/".to_owned()));
}

#[test]
fn the_administrators_arguments_come_before_the_hubs_so_that_the_hubs_win() {
    let mut case = case("alice", "");
    case.config.server.command = Some(vec!["/usr/bin/jupyter-lab".to_owned(), "--ServerApp.sock=/tmp/open".to_owned()]);
    let argv = case.argv();
    let place = |argument: &str| argv.iter().position(|other| other == argument).unwrap();
    assert_eq!(place("--ServerApp.sock=/tmp/open"), 1);
    assert!(place("--ServerApp.sock=/run/jupyter/s") > 1);
}

#[test]
fn kernels_and_the_token_never_open_another_door() {
    let argv = case("alice", "").argv();
    for argument in
        ["--KernelManager.transport=ipc", "--IdentityProvider.token=", "--ServerApp.sock_mode=0660", "--no-browser"]
    {
        assert!(argv.contains(&argument.to_owned()), "{argument}");
    }
}

#[test]
fn only_root_is_told_that_root_is_allowed() {
    let mut root = case("root", "");
    assert!(!root.argv().contains(&"--allow-root".to_owned()));
    root.account.uid = 0;
    assert!(root.argv().contains(&"--allow-root".to_owned()));
}

#[test]
fn the_folder_of_the_server_is_found_from_the_persons_home() {
    let mut case = case("alice", "");
    for (configured, expected) in [("~", "/home/x"), ("~/work", "/home/x/work"), ("/srv/data", "/srv/data")] {
        case.config.server.directory = configured.to_owned();
        assert!(case.argv().contains(&format!("--ServerApp.root_dir={expected}")), "{configured}");
    }
}

#[test]
fn the_language_comes_first_and_the_runtime_folder_last_in_the_environment() {
    let mut case = case("alice", "");
    let everybody = "/usr/share/hubd/jupyter/everybody";
    let plain = [format!("JUPYTER_CONFIG_PATH={everybody}"), "JUPYTER_RUNTIME_DIR=/run/jupyter/runtime".to_owned()];
    assert_eq!(case.environment(), plain);
    case.config.server.language = Some("zh_CN".to_owned());
    case.config.server.environment = vec![
        ("JUPYTER_CONFIG_PATH".to_owned(), "/opt/jupyter".to_owned()),
        ("JUPYTER_RUNTIME_DIR".to_owned(), "/tmp".to_owned()),
        ("LANG".to_owned(), "de_DE.UTF-8".to_owned()),
    ];
    let expected = [
        "LANG=zh_CN.UTF-8",
        "LANGUAGE=zh_CN",
        "JUPYTER_RUNTIME_DIR=/tmp",
        "LANG=de_DE.UTF-8",
        "JUPYTER_CONFIG_PATH=/opt/jupyter:/usr/share/hubd/jupyter/zh_CN:/usr/share/hubd/jupyter/everybody",
        "JUPYTER_RUNTIME_DIR=/run/jupyter/runtime",
    ];
    assert_eq!(case.environment(), expected);
}

#[test]
fn limits_are_there_when_they_are_configured() {
    let mut case = case("alice", "");
    for name in ["MemoryMax", "MemoryHigh", "CPUQuotaPerSecUSec", "TasksMax"] {
        assert_eq!(case.number(name), None, "{name}");
    }
    case.config.limits.memory_max = Some(2 << 30);
    case.config.limits.cpu_quota = Some(150);
    case.config.limits.tasks_max = Some(512);
    assert_eq!(case.number("MemoryMax"), Some(2 << 30));
    assert_eq!(case.number("CPUQuotaPerSecUSec"), Some(1_500_000));
    assert_eq!(case.number("TasksMax"), Some(512));
}

#[test]
fn old_systemd_gets_simple_as_exec_hangs_there_with_pam() {
    let mut case = case("alice", "");
    assert_eq!(case.text("Type"), "exec");
    case.systemd = 252;
    assert_eq!(case.text("Type"), "simple");
}

#[test]
fn timeouts_are_microseconds() {
    let mut case = case("alice", "");
    case.config.server.start_timeout = Duration::from_secs(90);
    case.config.server.stop_timeout = NEVER;
    assert_eq!(case.number("TimeoutStartUSec"), Some(90_000_000));
    assert_eq!(case.number("TimeoutStopUSec"), Some(NEVER.as_micros().try_into().unwrap()));
}

#[test]
fn administrators_may_become_root_and_others_may_not() {
    let mut case = case("alice", "");
    assert_eq!(case.get("NoNewPrivileges"), Some(Value::from(true)));
    assert!(case.get("ProtectSystem").is_some());
    case.admin = true;
    assert_eq!(case.get("NoNewPrivileges"), None);
    assert_eq!(case.get("ProtectSystem"), None);
    assert_eq!(case.get("PrivateTmp"), Some(Value::from(true)));
}
