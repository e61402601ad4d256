//! The unit of one person's `JupyterLab`: every property in one table, and the command line.
//!
//! systemd.exec(5), systemd.service(5), systemd.resource-control(5). Invariants: everything here comes from root's
//! configuration, the name service and this file, nothing from the caller but the names; there is no secret in it, as
//! everybody on the machine can read a unit's properties. Pure.

use std::path::PathBuf;

use hubd_base::account::Account;
use hubd_base::config::Config;
use hubd_base::lab::Lab;
use hubd_base::names::ServerId;
use zbus::zvariant::Value;

use crate::systemd::Property;

/// Where the server's own folder appears inside its unit.
pub const INSIDE: &str = "/run/jupyter";
/// Below [`INSIDE`]: connection files and kernel sockets, for nobody else.
pub const RUNTIME: &str = "runtime";
/// The service in `/etc/pam.d` for the session.
const PAM_SERVICE: &str = "hub-server";
/// From here on `Type=exec` works together with `PAMName=`; before, such a start hangs until its timeout.
pub const EXEC_WITH_PAM: u32 = 253;
/// `BindPaths=` flags: not recursive is 0.
const NO_FLAGS: u64 = 0;
/// Below it: defaults for `JupyterLab`'s settings, a folder for everybody and one for each language.
const SETTINGS: &str = "/usr/share/hubd/jupyter";
/// The folder for everybody: no news and no look for updates, which would call out of the machine.
const EVERYBODY: &str = "everybody";
/// Folders in which Jupyter looks for configuration before its own.
const CONFIG_PATH: &str = "JUPYTER_CONFIG_PATH";
/// One percent of a CPU, in microseconds per second.
const PERCENT: u64 = 10_000;

/// All that decides what a unit looks like.
pub struct Plan<'a> {
    /// Which server.
    pub id: &'a ServerId,
    /// Whose it is.
    pub account: &'a Account,
    /// Does the person manage the hub? Such a person has ways to become root, which walls would only break.
    pub admin: bool,
    /// What to run.
    pub lab: &'a Lab,
    /// How to run it.
    pub config: &'a Config,
    /// systemd's major version.
    pub systemd: u32,
}

/// The properties for `StartTransientUnit`, in the order of a unit file.
pub fn properties(plan: &Plan<'_>) -> Vec<Property> {
    let Plan { id, account, config, .. } = plan;
    let unit = id.unit_name();
    let argv = command(plan);
    let program = plan.lab.argv0.display().to_string();
    let directory = id.directory().display().to_string();
    let stop_timeout = micros(config.server.stop_timeout);
    let start_timeout = micros(config.server.start_timeout);

    let mut table: Vec<Property> = vec![
        // --- what it is
        ("Description", text(format!("JupyterLab of {id}"))),
        ("Documentation", list(vec!["man:hubd(8)".to_owned()])),
        ("Slice", text(id.slice_name())),
        // --- what runs, and as whom
        ("Type", text(start_type(plan.systemd))),
        ("User", text(account.name.as_str())),
        ("PAMName", text(PAM_SERVICE)),
        ("WorkingDirectory", text("~")),
        ("Environment", list(environment(plan))),
        ("ExecStartEx", Value::from(vec![(program, argv, vec!["no-env-expand".to_owned()])])),
        // The server's own folder, and no way to anybody else's.
        ("BindPaths", Value::from(vec![(directory, INSIDE.to_owned(), false, NO_FLAGS)])),
        ("TimeoutStartUSec", Value::from(start_timeout)),
        // --- how it ends
        // JupyterLab gets SIGTERM alone and shuts its kernels and terminals down itself; what is left when it is gone,
        // or at the timeout, is killed. With "control-group" kernels would die under its hands and be restarted.
        ("KillMode", text("mixed")),
        ("TimeoutStopUSec", Value::from(stop_timeout)),
        // A kernel that ran out of memory is one kernel, not the whole server.
        ("OOMPolicy", text("continue")),
        // --- how it is found in the journal
        ("SyslogIdentifier", text("jupyter-lab")),
        ("LogExtraFields", log_fields(id, &unit)),
    ];
    table.extend(limits(config));
    table.extend(walls(plan));
    table
}

/// Walls around every server. Each was tried with terminals, and with kernels on the `ipc` transport.
fn walls(plan: &Plan<'_>) -> Vec<Property> {
    let yes = || Value::from(true);
    let mut table: Vec<Property> = vec![
        ("PrivateTmp", yes()),
        // Other people's processes, and their arguments, are not seen.
        ("ProtectProc", text("invisible")),
        ("ProtectKernelTunables", yes()),
        ("ProtectKernelModules", yes()),
        ("ProtectKernelLogs", yes()),
        ("ProtectControlGroups", yes()),
        ("ProtectClock", yes()),
        ("RestrictRealtime", yes()),
        ("LockPersonality", yes()),
    ];
    // An administrator's terminal must be able to run sudo, and to install packages with it.
    if !plan.admin {
        table.push(("NoNewPrivileges", yes()));
        table.push(("ProtectSystem", text("full")));
    }
    table
}

fn limits(config: &Config) -> Vec<Property> {
    let limits = &config.limits;
    [
        ("MemoryMax", limits.memory_max),
        ("MemoryHigh", limits.memory_high),
        ("CPUQuotaPerSecUSec", limits.cpu_quota.map(|percent| u64::from(percent) * PERCENT)),
        ("TasksMax", limits.tasks_max),
    ]
    .into_iter()
    .filter_map(|(name, limit)| limit.map(|limit| (name, Value::from(limit))))
    .collect()
}

fn start_type(systemd: u32) -> &'static str {
    if systemd >= EXEC_WITH_PAM { "exec" } else { "simple" }
}

/// The program with the administrator's own arguments, then the hub's: of two equal ones `JupyterLab` takes the last.
fn command(plan: &Plan<'_>) -> Vec<String> {
    let Plan { id, account, config, .. } = plan;
    let mut argv = config.server.command.clone().unwrap_or_default();
    if argv.is_empty() {
        argv.push(plan.lab.argv0.display().to_string());
    }
    let base = &config.hub.base_url;
    argv.extend([
        "--no-browser".to_owned(),
        // Reached by the hub alone. Whoever can connect is let in, so the folder's permissions are the door.
        format!("--ServerApp.sock={INSIDE}/s"),
        "--ServerApp.sock_mode=0660".to_owned(),
        "--IdentityProvider.token=".to_owned(),
        // The hub is the proxy in front: it hands Host and Origin through, and JupyterLab checks them.
        format!("--ServerApp.base_url={base}user/{}/", id.url_segment()),
        "--ServerApp.allow_remote_access=True".to_owned(),
        "--ServerApp.trust_xheaders=True".to_owned(),
        // JupyterLab leads to its own setting, other Jupyter programs to the server's.
        format!("--ServerApp.default_url={}", config.server.default_url),
        format!("--LabApp.default_url={}", config.server.default_url),
        format!("--ServerApp.root_dir={}", directory(config, account).display()),
        // Kernels on TCP ports could be listened to by everybody on the machine.
        "--KernelManager.transport=ipc".to_owned(),
        // No look at PyPI for extensions, updates and news.
        "--LabApp.extension_manager=readonly".to_owned(),
        "--LabApp.news_url=None".to_owned(),
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate".to_owned(),
        // The entries of JupyterLab's Hub menu.
        format!("--ServerApp.tornado_settings=hub_prefix={base}hub/"),
        "--ServerApp.tornado_settings=hub_host=".to_owned(),
        format!("--ServerApp.tornado_settings=user={}", id.user),
    ]);
    if account.uid == 0 {
        argv.push("--allow-root".to_owned());
    }
    argv
}

/// `server.directory`, in which `~` is the person's home.
fn directory(config: &Config, account: &Account) -> PathBuf {
    let directory = config.server.directory.as_str();
    match directory.strip_prefix('~') {
        Some("") => account.home.clone(),
        Some(below) => account.home.join(below.trim_start_matches('/')),
        None => PathBuf::from(directory),
    }
}

/// Later ones win: the administrator's over the language, and the hub's own over all.
fn environment(plan: &Plan<'_>) -> Vec<String> {
    let server = &plan.config.server;
    let locale = server.language.as_deref().map(locale);
    let language = locale.as_deref().and_then(|locale| locale.split('.').next());
    // LANGUAGE as well: pam_env sets LANG to the machine's own language after this.
    let spoken = locale.iter().map(|locale| format!("LANG={locale}"));
    let spoken = spoken.chain(language.iter().map(|language| format!("LANGUAGE={language}")));
    // JupyterLab goes by none of them but by its settings. The folders hold defaults; a person's own choice wins.
    let theirs = server.environment.iter().find(|(name, _)| name == CONFIG_PATH).map(|(_, path)| path.clone());
    let folders = language.into_iter().chain([EVERYBODY]).map(|name| format!("{SETTINGS}/{name}"));
    let folders: Vec<String> = theirs.into_iter().chain(folders).collect();
    let settings = format!("{CONFIG_PATH}={}", folders.join(":"));
    let configured = server.environment.iter().filter(|(name, _)| name != CONFIG_PATH);
    let configured = configured.map(|(name, value)| format!("{name}={value}"));
    let own = format!("JUPYTER_RUNTIME_DIR={INSIDE}/{RUNTIME}");
    spoken.chain(configured).chain([settings, own]).collect()
}

/// `zh_CN` is `zh_CN.UTF-8`; what has an encoding keeps it.
fn locale(language: &str) -> String {
    if language.contains('.') { language.to_owned() } else { format!("{language}.UTF-8") }
}

fn log_fields(id: &ServerId, unit: &str) -> Value<'static> {
    let fields: Vec<Vec<u8>> = [("HUB_USER", id.user.as_str()), ("HUB_SERVER", id.server.as_str()), ("HUB_UNIT", unit)]
        .into_iter()
        .map(|(name, value)| format!("{name}={value}").into_bytes())
        .collect();
    Value::from(fields)
}

fn text(text: impl Into<String>) -> Value<'static> {
    Value::from(text.into())
}

fn list(texts: Vec<String>) -> Value<'static> {
    Value::from(texts)
}

/// Microseconds; what does not fit is systemd's "infinity".
fn micros(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
#[path = "unit_tests.rs"]
mod tests;
