//! The variables of a server that everybody may see.

use hubd_base::config::ServerKind;
use hubd_proto::broker::{KIND_LAB, KIND_SINGLEUSER, VARIABLE_KIND, VARIABLE_PROFILE};

use super::command::directory;
use super::view::SESSION;
use super::{INSIDE, Plan, RUNTIME, SOCKET};
use crate::variables::Variable;

/// Below it: defaults for `JupyterLab`'s settings, a folder for everybody and one for each language.
const SETTINGS: &str = "/usr/share/hubd/jupyter";
/// The folder for everybody: no news and no look for updates, which would call out of the machine.
const EVERYBODY: &str = "everybody";
/// Folders in which Jupyter looks for configuration before its own.
const CONFIG_PATH: &str = "JUPYTER_CONFIG_PATH";

/// Later ones win: the administrator's over the language, and the hub's own over all.
pub fn variables(plan: &Plan<'_>) -> Vec<String> {
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
    let own = [format!("XDG_RUNTIME_DIR={SESSION}"), format!("JUPYTER_RUNTIME_DIR={INSIDE}/{RUNTIME}")];
    let hubs = contract(plan).into_iter().map(|(name, value)| format!("{name}={value}"));
    // By this the hub knows whether it has to guard the server, whatever its own configuration says by then.
    let kind = match plan.config.server.kind {
        ServerKind::Lab => KIND_LAB,
        ServerKind::Singleuser => KIND_SINGLEUSER,
    };
    let kind = format!("{VARIABLE_KIND}={kind}");
    // And by this, which choice it was started with.
    let profile = plan.profile.map(|name| format!("{VARIABLE_PROFILE}={name}"));
    spoken.chain(configured).chain([settings]).chain(own).chain(hubs).chain([kind]).chain(profile).collect()
}

/// What programs for `JupyterHub` look for.
fn contract(plan: &Plan<'_>) -> Vec<Variable> {
    let Plan { id, account, config, .. } = plan;
    let mut variables = plan.hub().server(id, plan.limits);
    if config.server.kind == ServerKind::Singleuser {
        let root = directory(config, account).display().to_string();
        variables.extend(plan.hub().singleuser(id, SOCKET, &root));
    }
    variables
}

/// `zh_CN` is `zh_CN.UTF-8`; what has an encoding keeps it.
fn locale(language: &str) -> String {
    if language.contains('.') { language.to_owned() } else { format!("{language}.UTF-8") }
}
