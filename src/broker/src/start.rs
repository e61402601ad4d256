//! Starts one server: validates, makes its folder, starts the transient unit, and looks whether it stayed in its unit.
//!
//! Nothing of the caller is trusted but that it asked for these names: the configuration is read and the account is
//! judged anew each time. Once systemd has its order the start goes on to its end, whatever becomes of the caller.

use std::path::Path;
use std::time::Duration;

use hubd_base::account::Account;
use hubd_base::config::{self, Config, ServerKind, WALLS, Wall};
use hubd_base::lab::{self, Lab};
use hubd_base::limits::{Limits, Person, machine_memory};
use hubd_base::names::ServerId;
use hubd_base::profiles;
use nix::unistd::{Gid, Uid};
use tokio::time::{Instant, sleep};

use crate::admission::{self, Admitted};
use crate::api;
use crate::directory::{self, Owners};
use crate::errors::Error;
use crate::secrets::{self, Token};
use crate::slices::{self, Together};
use crate::systemd::{JobError, State, Systemd};
use crate::transient::{self, Started};
use crate::unit::{self, Plan};

/// From PAM's session to the program itself, where systemd does not tell (`Type=simple`).
const EXEC_DEADLINE: Duration = Duration::from_secs(10);

/// What was found out before anything is changed.
struct Prepared {
    account: Account,
    walls: Vec<Wall>,
    /// With what the profile changes.
    config: Config,
    profile: Option<String>,
    limits: Limits,
    together: Together,
    lab: Lab,
    hub_group: Gid,
}

/// Starts a server. The caller holds the server's turn. Servers of kind `lab` may go without a token. An empty name of a
/// profile is no choice.
pub async fn start(systemd: &Systemd, id: &ServerId, token: Option<&Token>, profile: &str) -> Result<Started, Error> {
    let prepared = {
        let (id, profile) = (id.clone(), profile.to_owned());
        blocking(move || prepare(&id, &profile)).await?
    };
    let Prepared { account, walls, config, profile, limits, together, lab, hub_group } = &prepared;
    let api_url = api::url(systemd, &config.hub.base_url).await?;
    check(config.server.kind, token, api_url.as_deref())?;
    let unit = id.unit_name();
    transient::make_room(systemd, &unit).await?;
    slices::limit(systemd, together).await?;

    let owners =
        Owners { user: Uid::from_raw(account.uid), user_group: Gid::from_raw(account.gid), hub_group: *hub_group };
    change_directory(id, move |id| directory::make(id, owners)).await?;

    let plan = Plan {
        id,
        account,
        walls,
        lab,
        config,
        profile: profile.as_deref(),
        limits,
        api_url: api_url.as_deref(),
        secrets: token.is_some(),
        systemd: systemd.version,
    };
    match launch(systemd, &unit, &plan, token).await {
        Ok(state) => Ok(Started { unit, invocation: state.invocation }),
        // Somebody else's start of the same unit: nothing here is ours to clear.
        Err(error @ Error::AlreadyRunning(_)) => Err(error),
        Err(error) => {
            clear_up(systemd, id, &unit).await;
            Err(error)
        }
    }
}

async fn launch(systemd: &Systemd, unit: &str, plan: &Plan<'_>, token: Option<&Token>) -> Result<State, Error> {
    // A few bytes for a file system in memory: this does not block.
    match token {
        Some(token) => secrets::write(unit, &token.variables())?,
        None => secrets::remove(unit)?,
    }
    let timeout = plan.config.server.start_timeout;
    transient::start(systemd, unit, &unit::properties(plan), &[], timeout).await?;
    verify(systemd, unit).await
}

/// `jupyterhub-singleuser` cannot do without the hub's API.
fn check(kind: ServerKind, token: Option<&Token>, api_url: Option<&str>) -> Result<(), Error> {
    match kind {
        ServerKind::Singleuser if token.is_none() => {
            Err(Error::InvalidArgument("A server of kind \"singleuser\" needs a token.".to_owned()))
        }
        ServerKind::Singleuser if api_url.is_none() => Err(Error::BadConfiguration(
            "server.kind is \"singleuser\", and such servers reach the hub over TCP, but hub.socket has no TCP \
             address. Give it one (for example ListenStream=127.0.0.1:8000), or set server.kind to \"lab\"."
                .to_owned(),
        )),
        ServerKind::Lab | ServerKind::Singleuser => Ok(()),
    }
}

/// Everything that may block: files and the name service.
fn prepare(id: &ServerId, profile: &str) -> Result<Prepared, Error> {
    let mut config = configuration()?;
    let Admitted { account, groups, standing } = admission::judge(&config, &id.user)?;
    let person = Person { name: &account.name, groups: &groups };
    let memory = machine_memory();
    let profile = profiles::choose(&config, person, profile)
        .map_err(|refusal| Error::NoSuchProfile(refusal.to_string()))?
        .cloned();
    let chosen = profile.as_ref().map(|profile| (profile.name.as_str(), &profile.limits));
    let limits = Limits::from(&config.limits.of_server(person, chosen, memory));
    let together = Together::new(&config.limits, person, id.slice_name(), memory);
    if let Some(profile) = &profile {
        profile.change(&mut config.server);
    }
    let lab = lab::find(&config).map_err(|error| Error::NoLab(error.to_string()))?;
    let hub_group = directory::hub_group().map_err(Error::Failed)?;
    let stands = |wall: &Wall| config.sandbox.stands(*wall, &account.name, &groups, standing.admin);
    let walls = WALLS.into_iter().map(|(_, wall)| wall).filter(stands).collect();
    let profile = profile.map(|profile| profile.name);
    Ok(Prepared { account, walls, config, profile, limits, together, lab, hub_group })
}

/// Root's configuration as it is now.
pub fn configuration() -> Result<Config, Error> {
    let loaded = config::load(Path::new(config::DIR)).map_err(|errors| {
        let lines: Vec<String> = errors.iter().map(ToString::to_string).collect();
        Error::BadConfiguration(lines.join("\n"))
    })?;
    Ok(loaded.config)
}

/// The unit is up, its process is there, and no PAM module moved it elsewhere.
async fn verify(systemd: &Systemd, unit: &str) -> Result<State, Error> {
    let state = systemd.state(unit).await.map_err(|error| Error::systemd(&error))?;
    let Some(state) = state.filter(|state| state.is_up() && state.main_pid != 0) else {
        return Err(transient::explain(systemd, unit, &JobError::Result("done".to_owned())).await);
    };
    if systemd.version < unit::EXEC_WITH_PAM {
        executed(state.main_pid).await;
    }
    // procfs does not block.
    let path = format!("/proc/{}/cgroup", state.main_pid);
    match std::fs::read_to_string(&path) {
        Ok(text) if is_inside(&text, &state.control_group) => Ok(state),
        Ok(_) => Err(Error::StartFailed(format!(
            "A PAM module moved the server out of {unit}, where limits and stopping would not reach it. Remove \
             pam_systemd from /etc/pam.d/hub-server and from what it includes."
        ))),
        // It ended in the meantime: what the hub sees of it then is the unit's own end.
        Err(_) => Ok(state),
    }
}

/// Waits until a process is no longer systemd's helper, which carries its name in parentheses until it executes the
/// program.
async fn executed(pid: u32) {
    let until = Instant::now() + EXEC_DEADLINE;
    let mut pause = Duration::from_millis(2);
    while Instant::now() < until {
        match std::fs::read_to_string(format!("/proc/{pid}/comm")) {
            Ok(name) if name.starts_with('(') => sleep(pause).await,
            _ => return,
        }
        pause = (pause * 2).min(Duration::from_millis(100));
    }
}

/// Is the cgroup of `/proc/PID/cgroup` (cgroups(7)) this one or below it?
fn is_inside(text: &str, control_group: &str) -> bool {
    let unified = text.lines().find_map(|line| line.strip_prefix("0::"));
    !control_group.is_empty()
        && unified
            .and_then(|path| path.strip_prefix(control_group))
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// After a failed start: nothing runs, and no folder is left. The failed unit stays for its reason.
async fn clear_up(systemd: &Systemd, id: &ServerId, unit: &str) {
    let cleared = match transient::clear_up(systemd, unit).await {
        Ok(()) => secrets::remove(unit).and(change_directory(id, directory::remove).await),
        Err(error) => Err(error),
    };
    if let Err(error) = cleared {
        tracing::warn!(HUB_UNIT = unit, "Clearing up after a failed start failed, ignoring: {error}");
    }
}

/// Works on a server's folder away from the runtime's thread.
pub async fn change_directory<E>(
    id: &ServerId,
    change: impl FnOnce(&ServerId) -> Result<(), E> + Send + 'static,
) -> Result<(), Error>
where
    E: std::fmt::Display,
{
    let id = id.clone();
    blocking(move || change(&id).map_err(|error| Error::failed("Preparing the server's folder", error))).await
}

/// Runs what may block away from the runtime's thread.
pub async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, Error> + Send + 'static) -> Result<T, Error> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => Err(Error::failed("The broker's own work", error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_inside_its_unit_or_below_it_and_nowhere_else() {
        let unit = "/jupyter.slice/jupyter-alice.slice/jupyter@alice.service";
        assert!(is_inside(&format!("0::{unit}\n"), unit));
        assert!(is_inside(&format!("12:pids:/x\n0::{unit}/kernel\n"), unit));
        assert!(!is_inside(&format!("0::{unit}2\n"), unit));
        assert!(!is_inside("0::/user.slice/user-1000.slice/session-c1.scope\n", unit));
        assert!(!is_inside("0::/\n", ""));
        assert!(!is_inside("", unit));
    }
}
