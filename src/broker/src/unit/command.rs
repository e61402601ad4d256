//! The command line of a server.

use std::path::PathBuf;

use hubd_base::account::Account;
use hubd_base::config::{Config, ServerKind};

use super::{Plan, SOCKET};

/// The program with the administrator's own arguments, then the hub's: of two equal ones the
/// last is taken.
pub fn line(plan: &Plan<'_>) -> Vec<String> {
    let Plan { account, config, .. } = plan;
    let mut argv = config.server.command.clone().unwrap_or_default();
    if argv.is_empty() {
        argv.push(plan.lab.argv0.display().to_string());
    }
    argv.extend([
        // Reached by the hub alone: the folder's permissions are the outer door.
        format!("--ServerApp.sock={SOCKET}"),
        "--ServerApp.sock_mode=0660".to_owned(),
        // Kernels on TCP ports could be listened to by everybody on the machine.
        "--KernelManager.transport=ipc".to_owned(),
        // No look at PyPI for extensions, updates and news.
        "--LabApp.extension_manager=readonly".to_owned(),
        "--LabApp.news_url=None".to_owned(),
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate".to_owned(),
    ]);
    match config.server.kind {
        ServerKind::Lab => argv.extend(lab(plan)),
        // It reads all else from its variables, and asks the hub who may come in.
        ServerKind::Singleuser => {}
    }
    if account.uid == 0 {
        argv.push("--allow-root".to_owned());
    }
    argv
}

/// For `JupyterLab` itself, which knows no hub.
fn lab(plan: &Plan<'_>) -> Vec<String> {
    let Plan { id, account, config, .. } = plan;
    let base = &config.hub.base_url;
    vec![
        "--no-browser".to_owned(),
        // Whoever can connect is let in.
        "--IdentityProvider.token=".to_owned(),
        // The hub is the proxy in front: it hands Host and Origin through, and JupyterLab checks them.
        format!("--ServerApp.base_url={}", plan.hub().server_prefix(id)),
        "--ServerApp.allow_remote_access=True".to_owned(),
        "--ServerApp.trust_xheaders=True".to_owned(),
        // JupyterLab leads to its own setting, other Jupyter programs to the server's.
        format!("--ServerApp.default_url={}", config.server.default_url),
        format!("--LabApp.default_url={}", config.server.default_url),
        format!("--ServerApp.root_dir={}", directory(config, account).display()),
        // The entries of JupyterLab's Hub menu.
        format!("--ServerApp.tornado_settings=hub_prefix={base}hub/"),
        "--ServerApp.tornado_settings=hub_host=".to_owned(),
        format!("--ServerApp.tornado_settings=user={}", id.user),
    ]
}

/// `server.directory`, in which `~` is the person's home.
pub fn directory(config: &Config, account: &Account) -> PathBuf {
    let directory = config.server.directory.as_str();
    match directory.strip_prefix('~') {
        Some("") => account.home.clone(),
        Some(below) => account.home.join(below.trim_start_matches('/')),
        None => PathBuf::from(directory),
    }
}
