//! The property table, as systemd will read it.

use super::*;
use hubd_base::config::{Around, NEVER, ServerKind, WALLS};
use hubd_base::lab::Source;
use hubd_base::limits::{Amount, Device, Limit};
use hubd_base::names::{ServerName, UserName};
use std::time::Duration;

struct Case {
    id: ServerId,
    account: Account,
    admin: bool,
    lab: &'static str,
    config: Config,
    profile: Option<&'static str>,
    limits: Limits,
    token: bool,
    systemd: u32,
}

fn case(user: &str, server: &str) -> Case {
    let name = UserName::parse(user).unwrap();
    Case {
        id: ServerId::new(name.clone(), ServerName::parse(server).unwrap()),
        account: Account { name, uid: 1000, gid: 1000, home: "/home/x".into(), shell: "/bin/bash".into() },
        admin: false,
        lab: "/usr/bin/jupyter-lab",
        config: Config::default(),
        profile: None,
        limits: Limits::default(),
        token: true,
        systemd: 257,
    }
}

impl Case {
    fn properties(&self) -> Vec<Property> {
        let lab = Lab { argv0: self.lab.into(), source: Source::Debian };
        let stands = |wall: &Wall| self.config.sandbox.stands(*wall, &self.account.name, &[], self.admin);
        let walls: Vec<Wall> = WALLS.into_iter().map(|(_, wall)| wall).filter(stands).collect();
        properties(&Plan {
            id: &self.id,
            account: &self.account,
            walls: &walls,
            lab: &lab,
            config: &self.config,
            profile: self.profile,
            limits: &self.limits,
            api_url: Some("http://127.0.0.1:8000/hub/api"),
            secrets: self.token,
            systemd: self.systemd,
        })
    }

    fn get(&self, name: &str) -> Option<Value<'static>> {
        let mut found: Vec<_> = self.properties().into_iter().filter(|(key, _)| *key == name).collect();
        assert!(found.len() < 2, "{name} is there twice");
        found.pop().map(|(_, value)| value)
    }

    fn binds(&self, name: &str) -> Vec<String> {
        let Some(value) = self.get(name) else { return Vec::new() };
        let binds = <Vec<(String, String, bool, u64)>>::try_from(value).unwrap();
        binds.into_iter().map(|(from, to, optional, flags)| format!("{from} {to} {optional} {flags}")).collect()
    }

    /// File systems of the server's own, with their options.
    fn empty(&self) -> Vec<(String, String)> {
        <Vec<(String, String)>>::try_from(self.get("TemporaryFileSystem").unwrap()).unwrap()
    }

    /// What is mounted from the host for the sake of the person, beside the server's own folder.
    fn kept(&self) -> Vec<String> {
        let binds = self.binds("BindPaths");
        binds[1..].iter().map(|bind| bind.split(' ').next().unwrap().to_owned()).collect()
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
    for limit in [Limit::MemoryMax, Limit::MemoryHigh, Limit::CpuQuota, Limit::TasksMax] {
        case.limits.set(limit, Some(Amount::Number(1)));
    }
    for (name, value) in case.properties() {
        let expected = match name {
            "Documentation" | "Environment" | "Wants" | "Before" => "as",
            "ExecStartEx" => "a(sasas)",
            "EnvironmentFiles" => "a(sb)",
            "BindPaths" | "BindReadOnlyPaths" => "a(ssbt)",
            "TemporaryFileSystem" => "a(ss)",
            "LogRateLimitBurst" => "u",
            "LogExtraFields" => "aay",
            "LogRateLimitIntervalUSec"
            | "TimeoutStartUSec"
            | "TimeoutStopUSec"
            | "MemoryMax"
            | "MemoryHigh"
            | "CPUQuotaPerSecUSec"
            | "TasksMax" => "t",
            "Description" | "Slice" | "Type" | "User" | "PAMName" | "WorkingDirectory" | "KillMode" | "OOMPolicy"
            | "SyslogIdentifier" | "ProtectProc" | "ProtectSystem" | "DevicePolicy" => "s",
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
    assert_eq!(
        case.binds("BindPaths"),
        ["/run/hub/servers/a-b,gpu /run/jupyter false 0", "/home/x /home/x true 16384"]
    );
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
fn the_language_comes_first_and_what_the_hub_needs_last_in_the_environment() {
    let mut case = case("alice", "");
    let everybody = "/usr/share/hubd/jupyter/everybody";
    let plain = [
        format!("JUPYTER_CONFIG_PATH={everybody}"),
        "XDG_RUNTIME_DIR=/run/jupyter-session".to_owned(),
        "JUPYTER_RUNTIME_DIR=/run/jupyter/runtime".to_owned(),
    ];
    assert_eq!(case.environment()[..3], plain);
    case.config.server.language = Some("zh_CN".to_owned());
    case.config.server.environment = vec![
        ("JUPYTERHUB_USER".to_owned(), "mallory".to_owned()),
        ("JUPYTER_CONFIG_PATH".to_owned(), "/opt/jupyter".to_owned()),
        ("JUPYTER_RUNTIME_DIR".to_owned(), "/tmp".to_owned()),
        ("LANG".to_owned(), "de_DE.UTF-8".to_owned()),
    ];
    let expected = [
        "LANG=zh_CN.UTF-8",
        "LANGUAGE=zh_CN",
        "JUPYTERHUB_USER=mallory",
        "JUPYTER_RUNTIME_DIR=/tmp",
        "LANG=de_DE.UTF-8",
        "JUPYTER_CONFIG_PATH=/opt/jupyter:/usr/share/hubd/jupyter/zh_CN:/usr/share/hubd/jupyter/everybody",
        "XDG_RUNTIME_DIR=/run/jupyter-session",
        "JUPYTER_RUNTIME_DIR=/run/jupyter/runtime",
    ];
    let environment = case.environment();
    assert_eq!(environment[..8], expected);
    // systemd takes the last of two.
    let user = environment.iter().rfind(|variable| variable.starts_with("JUPYTERHUB_USER="));
    assert_eq!(user.map(String::as_str), Some("JUPYTERHUB_USER=alice"));
}

/// The variables of the contract.
fn contract(case: &Case) -> Vec<String> {
    let mut found: Vec<String> = case.environment();
    found.retain(|variable| variable.starts_with("JUPYTERHUB_") || variable.contains("_LIMIT="));
    found.sort();
    found
}

#[test]
fn a_lab_knows_who_it_is_and_where_the_hub_is_and_nothing_of_the_login() {
    let mut case = case("u@x.org", "gpu");
    case.limits.set(Limit::MemoryMax, Some(Amount::Number(2 << 30)));
    case.limits.set(Limit::CpuQuota, Some(Amount::Number(150)));
    let expected = [
        "CPU_LIMIT=1.5",
        "JUPYTERHUB_ACTIVITY_URL=http://127.0.0.1:8000/hub/api/users/u@x.org/activity",
        "JUPYTERHUB_API_URL=http://127.0.0.1:8000/hub/api",
        "JUPYTERHUB_BASE_URL=/",
        "JUPYTERHUB_HOST=",
        "JUPYTERHUB_PUBLIC_HUB_URL=",
        "JUPYTERHUB_PUBLIC_URL=",
        "JUPYTERHUB_SERVER_NAME=gpu",
        "JUPYTERHUB_SERVICE_PREFIX=/user/u@x.org/gpu/",
        "JUPYTERHUB_USER=u@x.org",
        "MEM_LIMIT=2147483648",
    ];
    assert_eq!(contract(&case), expected);
}

#[test]
fn a_singleuser_server_gets_the_whole_contract() {
    let mut case = case("u@x.org", "gpu");
    case.config.server.kind = ServerKind::Singleuser;
    case.config.server.oauth_client_allowed_scopes = vec!["read:users!user=a\"b".to_owned()];
    case.config.hub.public_url = Some("https://hub.example.org".to_owned());
    case.config.hub.base_url = "/lab/".to_owned();
    let access = r#"["access:servers!server=u@x.org/gpu","access:servers!user=u@x.org"]"#;
    let expected = [
        "JUPYTERHUB_ACTIVITY_URL=http://127.0.0.1:8000/hub/api/users/u@x.org/activity",
        "JUPYTERHUB_API_URL=http://127.0.0.1:8000/hub/api",
        "JUPYTERHUB_BASE_URL=/lab/",
        "JUPYTERHUB_CLIENT_ID=jupyterhub-user-u%40x.org%2Fgpu",
        "JUPYTERHUB_COOKIE_HOST_PREFIX_ENABLED=0",
        "JUPYTERHUB_DEFAULT_URL=/lab",
        "JUPYTERHUB_HOST=",
        &format!("JUPYTERHUB_OAUTH_ACCESS_SCOPES={access}"),
        "JUPYTERHUB_OAUTH_CALLBACK_URL=/lab/user/u@x.org/gpu/oauth_callback",
        r#"JUPYTERHUB_OAUTH_CLIENT_ALLOWED_SCOPES=["read:users!user=a\"b"]"#,
        &format!("JUPYTERHUB_OAUTH_SCOPES={access}"),
        "JUPYTERHUB_PUBLIC_HUB_URL=https://hub.example.org/lab/hub/",
        "JUPYTERHUB_PUBLIC_URL=https://hub.example.org/lab/user/u@x.org/gpu/",
        "JUPYTERHUB_ROOT_DIR=/home/x",
        "JUPYTERHUB_SERVER_NAME=gpu",
        "JUPYTERHUB_SERVICE_PREFIX=/lab/user/u@x.org/gpu/",
        "JUPYTERHUB_SERVICE_URL=http+unix://%2Frun%2Fjupyter%2Fs/lab/user/u@x.org/gpu/",
        "JUPYTERHUB_USER=u@x.org",
    ];
    assert_eq!(contract(&case), expected);
}

#[test]
fn the_default_servers_access_scope_ends_with_a_slash() {
    let mut case = case("alice", "");
    case.config.server.kind = ServerKind::Singleuser;
    let access = r#"JUPYTERHUB_OAUTH_ACCESS_SCOPES=["access:servers!server=alice/","access:servers!user=alice"]"#;
    assert!(contract(&case).contains(&access.to_owned()));
}

#[test]
fn a_singleuser_server_has_the_same_socket_and_leaves_the_rest_to_its_variables() {
    let mut case = case("alice", "");
    case.config.server.kind = ServerKind::Singleuser;
    let expected = [
        "/usr/bin/jupyter-lab",
        "--ServerApp.sock=/run/jupyter/s",
        "--ServerApp.sock_mode=0660",
        "--KernelManager.transport=ipc",
        "--LabApp.extension_manager=readonly",
        "--LabApp.news_url=None",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    ];
    assert_eq!(case.argv(), expected);
}

#[test]
fn the_token_is_in_a_file_that_the_unit_only_names() {
    let mut case = case("a*b", "gpu");
    let files = <Vec<(String, bool)>>::try_from(case.get("EnvironmentFiles").unwrap()).unwrap();
    assert_eq!(files, [("/run/hub/secrets/jupyter@a,x2ab:gpu.service".to_owned(), false)]);
    for (name, value) in case.properties() {
        assert!(!format!("{value:?}").contains("TOKEN"), "{name}");
    }
    case.token = false;
    assert_eq!(case.get("EnvironmentFiles"), None);
}

#[test]
fn limits_are_there_when_they_are_configured() {
    let mut case = case("alice", "");
    for name in ["MemoryMax", "MemoryHigh", "CPUQuotaPerSecUSec", "TasksMax"] {
        assert_eq!(case.number(name), None, "{name}");
    }
    case.limits.set(Limit::MemoryMax, Some(Amount::Number(2 << 30)));
    case.limits.set(Limit::CpuQuota, Some(Amount::Number(150)));
    case.limits.set(Limit::TasksMax, Some(Amount::Number(512)));
    assert_eq!(case.number("MemoryMax"), Some(2 << 30));
    assert_eq!(case.number("CPUQuotaPerSecUSec"), Some(1_500_000));
    assert_eq!(case.number("TasksMax"), Some(512));
}

#[test]
fn the_wall_around_devices_lets_through_what_the_limits_name() {
    let mut case = case("alice", "");
    assert_eq!((case.text("DevicePolicy").as_str(), case.get("DeviceAllow")), ("closed", None));
    let device = Device { node: "char-nvidia*".to_owned(), access: "rw".to_owned() };
    case.limits.set(Limit::Devices, Some(Amount::Devices(vec![device])));
    let allowed = Value::from(vec![("char-nvidia*".to_owned(), "rw".to_owned())]);
    assert_eq!((case.text("DevicePolicy").as_str(), case.get("DeviceAllow")), ("closed", Some(allowed)));
    // Without the wall a list would build one.
    case.admin = true;
    assert_eq!((case.get("DevicePolicy"), case.get("DeviceAllow")), (None, None));
    case.admin = false;
    case.limits.set(Limit::Devices, Some(Amount::Infinity));
    assert_eq!((case.get("DevicePolicy"), case.get("DeviceAllow")), (None, None));
}

#[test]
fn a_unit_tells_the_profile_it_was_started_with() {
    let mut case = case("alice", "");
    assert!(!case.environment().iter().any(|variable| variable.starts_with("HUBD_PROFILE=")));
    case.profile = Some("8 GB");
    // The last one counts, so nothing in server.environment can pretend another.
    assert_eq!(case.environment().last().map(String::as_str), Some("HUBD_PROFILE=8 GB"));
    let fields = Vec::<Vec<u8>>::try_from(case.get("LogExtraFields").unwrap()).unwrap();
    assert!(fields.contains(&b"HUB_PROFILE=8 GB".to_vec()));
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

#[test]
fn where_filters_forbid_new_privileges_who_may_have_them_goes_without_filters() {
    let mut case = case("alice", "");
    let filters =
        ["ProtectKernelTunables", "ProtectKernelModules", "ProtectKernelLogs", "ProtectClock", "RestrictRealtime"];
    let filtered = |case: &Case| filters.iter().filter(|name| case.get(name).is_some()).count();
    case.systemd = 252;
    assert_eq!(filtered(&case), filters.len());
    case.admin = true;
    assert_eq!(filtered(&case), 0);
    assert_eq!(case.get("LockPersonality"), None);
    assert_eq!(case.get("ProtectControlGroups"), Some(Value::from(true)));
    case.systemd = 253;
    assert_eq!(filtered(&case), filters.len());
}

#[test]
fn each_wall_is_gone_when_it_is_taken_down() {
    let properties: [(Wall, &[&str]); 6] = [
        (Wall::PrivateTmp, &["PrivateTmp", "PrivateIPC"]),
        (Wall::HideProcesses, &["ProtectProc"]),
        (Wall::ReadOnlySystem, &["ProtectSystem"]),
        (Wall::NoNewPrivileges, &["NoNewPrivileges"]),
        (Wall::ProtectKernel, &["ProtectKernelTunables", "ProtectControlGroups", "ProtectClock", "RestrictRealtime"]),
        (Wall::CloseDevices, &["DevicePolicy"]),
    ];
    for (wall, names) in properties {
        let mut case = case("alice", "");
        assert!(names.iter().all(|name| case.get(name).is_some()), "{wall}");
        case.config.sandbox.set(wall, Around::Nobody);
        assert!(names.iter().all(|name| case.get(name).is_none()), "{wall}");
    }
}

#[test]
fn of_all_homes_only_the_own_one_and_what_is_shared_is_there() {
    let mut case = case("alice", "");
    let hidden = |case: &Case| -> Vec<String> {
        let empty = case.empty().into_iter().filter(|(_, options)| options.starts_with("ro,"));
        empty.map(|(folder, _)| folder).collect()
    };
    assert_eq!(hidden(&case), ["/home", "/root", "/run/user"]);
    assert_eq!(case.kept(), ["/home/x"]);
    case.config.sandbox.visible = vec!["/home/shared".to_owned(), "/srv/data".to_owned(), "/home/x/inside".to_owned()];
    case.config.server.directory = "/home/course/notebooks".to_owned();
    assert_eq!(case.kept(), ["/home/shared", "/home/course/notebooks", "/home/x"], "what is not hidden stays as it is");
    case.config.sandbox.set(Wall::HideHomes, Around::Nobody);
    assert!(case.kept().is_empty() && hidden(&case).is_empty());
}

#[test]
fn homes_elsewhere_are_hidden_when_the_configuration_says_where_they_lie() {
    let mut case = case("alice", "");
    case.account.home = "/srv/homes/alice".into();
    assert!(case.kept().is_empty(), "it lies in no hidden place");
    case.config.sandbox.homes = vec!["/srv/homes".to_owned()];
    assert_eq!(case.kept(), ["/srv/homes/alice"]);
    assert!(case.empty().contains(&("/srv/homes".to_owned(), "ro,nosuid,nodev,mode=0755".to_owned())));
}

#[test]
fn a_jupyterlab_in_somebodys_home_can_be_read_there() {
    let mut case = case("alice", "");
    assert!(case.binds("BindReadOnlyPaths").is_empty());
    case.lab = "/home/admin/lab/bin/jupyter-lab";
    assert_eq!(case.binds("BindReadOnlyPaths"), ["/home/admin/lab /home/admin/lab true 16384"]);
    case.lab = "/home/x/lab/bin/jupyter-lab";
    assert!(case.binds("BindReadOnlyPaths").is_empty(), "it is in the own home");
}

#[test]
fn the_runtime_folder_is_the_persons_own_and_has_a_limit() {
    let options = "nosuid,nodev,mode=0700,size=10%,nr_inodes=100k,uid=1000,gid=1000";
    assert_eq!(case("alice", "").empty()[0], ("/run/jupyter-session".to_owned(), options.to_owned()));
}

#[test]
fn shared_memory_is_the_servers_own_behind_the_wall_of_tmp() {
    let mut case = case("alice", "");
    let options = "nosuid,nodev,mode=1777,size=50%,nr_inodes=1m";
    assert_eq!(case.empty()[1], ("/dev/shm".to_owned(), options.to_owned()));
    case.config.sandbox.set(Wall::PrivateTmp, Around::Nobody);
    assert!(case.empty().iter().all(|(folder, _)| folder != "/dev/shm"));
}

#[test]
fn the_journal_takes_as_much_as_is_configured() {
    let rate = |case: &Case| {
        let burst = u32::try_from(case.get("LogRateLimitBurst").unwrap()).unwrap();
        (case.number("LogRateLimitIntervalUSec").unwrap(), burst)
    };
    let mut case = case("alice", "");
    assert_eq!(rate(&case), (30_000_000, 10_000));
    case.config.server.log_burst = None;
    assert_eq!(rate(&case), (30_000_000, 100_000_000));
}
